"""A new subject grows into the picture: nowhere does a frame differ from the one before by more than twice what frames around
it do, in a show that is dreamed at the pace of a live one on two cores (19 steps a second)."""
import os
import statistics
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from program import Folder, recordings, reverie

WIDTH, HEIGHT, FPS = 128, 80, 25
PIXELS = WIDTH * HEIGHT
AROUND = FPS  # frames before and behind, of which the median is taken
BEGINS = 3 * FPS  # a dream that grows out of noise has no usual pace yet
LIMIT = 2
SCRIPT = "0 ann goldfish\n5 bob pizza\n10 cid king penguin\n"


def frames(path):
    """Luma of every frame."""
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "gray", "-"], check=True,
                         stdout=subprocess.PIPE, timeout=120).stdout
    return [raw[i:i + PIXELS] for i in range(0, len(raw), PIXELS)]


def worst_jump(film):
    """(how many times the median of its neighbours the largest change is, its frame)"""
    changes = [sum(abs(a - b) for a, b in zip(x, y)) / PIXELS for x, y in zip(film, film[1:])]
    usual = [statistics.median(changes[max(0, i - AROUND):i + AROUND + 1]) for i in range(len(changes))]
    return max((changes[i] / usual[i], i + 1) for i in range(BEGINS, len(changes)))


class SubjectChange(unittest.TestCase):
    def test_nothing_jumps(self):
        with Folder() as f:
            p = reverie("run", "--offline", "--seed", "3", "--script", f.write("script", SCRIPT), "--duration", "15",
                        "--set", "show.hold_s=5", "--set", "keyframes.offline_ms=420", "--set", "caption.enabled=false",
                        "--set", "dream.size=%dx%d" % (WIDTH, HEIGHT), "--set", "video.size=%dx%d" % (WIDTH, HEIGHT),
                        "--set", "video.fps=%d" % FPS, "--set", "video.bitrate_kbps=3000", "--set", "record.dir=" + f.path("rec"),
                        timeout=600)
            self.assertEqual(p.returncode, 0, p.stderr)
            for name in ("goldfish", "pizza", "king penguin"):
                self.assertRegex(p.stderr, "now dreaming " + name)
            film = frames(recordings(f.path("rec"))[0])
            self.assertEqual(len(film), 15 * FPS)
            times, at = worst_jump(film)
            self.assertLess(times, LIMIT, "frame %d" % at)
            # That such a jump would be seen: the same film with a second left out where the subject changes.
            cut = film[:6 * FPS] + film[7 * FPS:]
            times, at = worst_jump(cut)
            self.assertGreater(times, LIMIT)
            self.assertEqual(at, 6 * FPS)


if __name__ == "__main__":
    unittest.main()
