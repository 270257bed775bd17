"""An HLS folder: it plays while it grows, goes on where an earlier show ended, and comes back when the disk does."""
import glob
import os
import shutil
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import outputs as o


@unittest.skipUnless(o.FFMPEG and o.FFPROBE, "ffmpeg is not installed")
class Hls(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="reverie-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def segments(self):
        """Their numbers."""
        return sorted(int(os.path.basename(path)[4:-3]) for path in glob.glob(self.folder + "/hls/live[0-9]*.ts"))

    def wait_segment(self, number):
        o.wait_until(lambda: number in self.segments(), "segment %d" % number)

    def test_it_plays_while_it_grows(self):
        show = o.Show(self, self.folder, "  - {kind: hls, name: web, dir: hls, segment: 2, segments: 3}\n")
        playlist = os.path.join(self.folder, "hls", "live.m3u8")
        o.wait_until(self.segments, "the first segment")
        first = self.segments()[0]
        self.assertLess(abs(first - time.time()), 100)
        self.wait_segment(first + 3)
        self.assertEqual(o.probe(playlist, "-live_start_index", "0", "-read_intervals", "%+3", "-show_entries",
                                 "stream=codec_name")[:2], ["h264", "aac"])
        for _ in range(30):  # never half a playlist, and never one that names what is not there
            with open(playlist, encoding="utf-8") as f:
                text = f.read()
            self.assertTrue(text.startswith("#EXTM3U") and text.endswith(".ts\n"))
            names = [line for line in text.split("\n") if line.endswith(".ts")]
            self.assertLessEqual(len(names), 3)
            self.assertTrue(all(os.path.exists(self.folder + "/hls/" + n) for n in names))
            time.sleep(0.05)
        self.wait_segment(first + 6)
        self.assertLessEqual(len(self.segments()), 6)
        self.assertNotIn(first, self.segments())
        show.stop()
        before = self.segments()[-1]
        for name in ("live7.ts", "live8.ts.tmp", "live.ts", "live9.mp4"):  # two of them ours, of long ago
            with open(self.folder + "/hls/" + name, "wb"):
                pass
            os.utime(self.folder + "/hls/" + name, (0, 0))
        again = o.Show(self, self.folder, "  - {kind: hls, name: web, dir: hls, segment: 2, segments: 3}\n")
        o.wait_until(lambda: self.segments()[-1] > before + 1, "what follows the old ones")
        with open(playlist, encoding="utf-8") as f:
            self.assertIn("#EXT-X-DISCONTINUITY\n", f.read())
        self.assertNotIn(7, self.segments())
        self.assertFalse(os.path.exists(self.folder + "/hls/live8.ts.tmp"))
        self.assertTrue(os.path.exists(self.folder + "/hls/live9.mp4") and os.path.exists(self.folder + "/hls/live.ts"))
        o.wait_until(lambda: self.segments()[0] > before, "the end of the old ones", 100)
        again.stop()

    def test_it_survives_its_folder(self):
        show = o.Show(self, self.folder, "  - {kind: hls, name: web, dir: hls, segment: 2, segments: 3}\n",
                      "record: {enabled: false}\nfence: {enabled: false}\n")  # which holds for the folder that was there
        o.wait_until(self.segments, "the first segment")
        shutil.rmtree(self.folder + "/hls")
        with open(self.folder + "/hls", "wb"):  # and something in its place
            pass
        show.wait(r"warn +web: cannot write into hls: .*check outputs\.web\.dir", 30)
        os.unlink(self.folder + "/hls")
        show.wait(r"web: writing hls/live\.m3u8 again", 30)
        o.wait_until(lambda: glob.glob(self.folder + "/hls/*.ts"), "a new segment")
        self.assertEqual(show.log().count("cannot write into hls"), 1)


if __name__ == "__main__":
    unittest.main()
