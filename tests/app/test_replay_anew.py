"""Dream tapes dreamed anew: larger it is the same dream; killed it goes on where it was, and its parts join without a seam."""
import os
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(__file__))
import tapes
from program import SANITIZED, Folder, recordings, reverie, start
from tapes import DIGEST, FPS, digests, head, replay


def last_picture_before(path, seconds, out):
    subprocess.run(["ffmpeg", "-v", "error", "-ss", "%.2f" % seconds, "-i", path, "-frames:v", "1", "-y", out], check=True)
    return out


def judged(picture):
    """wnid of the class that the network sees first."""
    p = reverie("classify", picture)
    return re.search(r"n\d{8}", p.stdout).group(0)


class Anew(unittest.TestCase):
    @unittest.skipIf(SANITIZED, "a dream takes too long under a sanitizer")
    def test_twice_the_size_is_the_same_dream(self):
        with Folder() as f:
            tape = f.write("t.tape", tapes.show(head(f), [0, 1, 5], 6, 20, FPS))
            seen = {}
            sizes = ["--set", "dream.size=128x96", "--set", "video.size=128x96", "--set", "caption.enabled=false"]
            for name, args in (("same", []), ("twice", ["--size", "256x192"])):
                p = reverie("replay", *sizes, *args, "--set", "video.bitrate_kbps=2000", "--set",
                            "record.dir=" + f.path(name), tape, timeout=600)
                self.assertEqual(p.returncode, 0, p.stderr)
                (recording,) = recordings(f.path(name))
                seen[name] = [judged(last_picture_before(recording, 6 * n + 5.6, f.path("p.png"))) for n in range(3)]
            self.assertEqual(seen["same"], seen["twice"])
            self.assertEqual(len(set(seen["same"])), 3)

    def test_killed_it_goes_on_and_parts_join(self):
        with Folder() as f:
            tape = f.write("t.tape", tapes.show(head(f), [3, 7], 30, 1, FPS))
            anew = ["--steps", "x2", "--part", "26", *DIGEST]
            whole = replay(tape, *anew)
            self.assertEqual([n for _, n in digests(whole)], ["130", "130", "40"], whole.stderr)
            self.assertFalse(os.path.exists(tape + ".replay"))
            # The second part went on from a snapshot: it is what it would have been without.
            straight = replay(tape, "--steps", "x2", "--part", "1000", "--from", "26", "--to", "52", *DIGEST)
            self.assertEqual(digests(straight), digests(whole)[1:2])

            p = start("replay", "--set", "record.enabled=false", *anew, tape)
            for _ in range(1200):
                if os.path.exists(tape + ".replay") or p.poll() is not None:
                    break
                time.sleep(0.05)
            p.send_signal(signal.SIGKILL)
            p.communicate()
            self.assertEqual(os.stat(tape + ".replay").st_mode & 0o777, 0o600)
            rest = replay(tape, *anew)
            self.assertEqual(rest.returncode, 0, rest.stderr)
            self.assertRegex(rest.stderr, r"goes on with part [23] of 3")
            done = digests(rest)
            self.assertIn(len(done), (1, 2))
            self.assertEqual(done, digests(whole)[-len(done):])
            self.assertFalse(os.path.exists(tape + ".replay"))

    def test_another_rate_has_all_frames(self):
        with Folder() as f:
            tape = f.write("t.tape", tapes.show(head(f), [3], 4, 1, FPS))
            p = replay(tape, "--fps", "12", *DIGEST)
            self.assertEqual([n for _, n in digests(p)], ["48"], p.stderr)


if __name__ == "__main__":
    unittest.main()
