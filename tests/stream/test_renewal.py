"""A connection that is renewed loses no picture: with overlap, and one after the other where the server wants that.

What the recording of the same show holds is what the server must have got, packet by packet, over both connections."""
import glob
import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import outputs as o


@unittest.skipUnless(o.FFPROBE and o.HAS_NGINX, "ffmpeg, or nginx with its RTMP module, is not installed")
class Renewal(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="reverie-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def run_show(self, more, overlap, until, replaces=False):
        nginx = o.Nginx(self, os.path.join(self.folder, "server"), more)
        url = o.Replacer(self, nginx.port).url if replaces else nginx.url
        show = o.Show(self, self.folder, """
  - {kind: rtmp, name: tv, url: '%s', renew: 8, overlap: %s}
  - {kind: record, name: file, dir: files}
""" % (url, overlap), REVERIE_OUTPUTS_TV_STREAM_KEY=o.KEY)
        show.wait(until, 60)
        o.time.sleep(4)
        show.stop()
        o.wait_until(lambda: len(nginx.files()) >= 2, "the files of both connections", 10)
        return show, nginx

    def missing_s(self, nginx, kind="v"):
        """Of the recorded track, between what the server got first and last: seconds that it did not get."""
        got = set()
        for path in nginx.files():
            got |= {h for _, h in o.packets(path, kind)}
        recorded = o.packets(glob.glob(self.folder + "/files/*.mp4")[0], kind)
        there = [i for i, (_, h) in enumerate(recorded) if h in got]
        lacking = [i for i in range(there[0], there[-1] + 1) if recorded[i][1] not in got]
        step = (recorded[-1][0] - recorded[0][0]) / (len(recorded) - 1)
        return len(lacking) * step

    def test_overlap(self):
        _, nginx = self.run_show(o.start_renamer(self), "true", r"tv: the connection to .* is renewed")
        missing = self.missing_s(nginx)
        print("# renewed with overlap: %.3f s missing, sound %.3f s" % (missing, self.missing_s(nginx, "a")))
        self.assertLessEqual(missing, 0.2)

    def test_a_server_that_replaces_the_older_one(self):
        show, nginx = self.run_show(o.start_renamer(self), "true", r"tv: the connection to .* is renewed", True)
        missing = self.missing_s(nginx)
        print("# renewed by being replaced: %.3f s missing" % missing)
        self.assertLessEqual(missing, 0.2)
        first, second = ({h for _, h in o.packets(path)} for path in nginx.files()[:2])
        self.assertTrue(first & second)  # what the older one had of the group is sent again
        self.assertNotIn("off the air", show.log())

    def test_a_server_that_refuses_a_second_one(self):
        show, nginx = self.run_show("", "true", r"tv: the connection to .* is renewed")
        self.assertIn("takes no second connection", show.log())
        missing = self.missing_s(nginx)
        print("# renewed after a refusal: %.3f s missing, sound %.3f s" % (missing, self.missing_s(nginx, "a")))
        self.assertLessEqual(missing, 0.2)

    def test_one_after_the_other(self):
        _, nginx = self.run_show("", "false", r"tv: the connection to .* is renewed")
        missing = self.missing_s(nginx)
        print("# renewed in turn: %.3f s missing, sound %.3f s" % (missing, self.missing_s(nginx, "a")))
        self.assertLessEqual(missing, 0.2)


if __name__ == "__main__":
    unittest.main()
