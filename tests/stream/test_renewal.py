"""A connection that is renewed loses no picture, whatever the server thinks of a second one with the same key: it takes
both, ends the older one, refuses the newer one, or is asked to take one after the other.

One show pushes to all four. What its recording holds is what each server must have got, packet by packet, over both
connections."""
import glob
import os
import shutil
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import outputs as o

NAMES = ("both", "replaced", "refused", "turns")


@unittest.skipUnless(o.FFPROBE and o.HAS_NGINX, "ffmpeg, or nginx with its RTMP module, is not installed")
class Renewal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="reverie-test-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        rename = o.start_renamer(cls)
        cls.servers = {name: o.Nginx(cls, os.path.join(cls.folder, name), rename if name in NAMES[:2] else "") for name in NAMES}
        urls = {name: server.url for name, server in cls.servers.items()}
        urls["replaced"] = o.Replacer(cls, cls.servers["replaced"].port).url
        items = "".join("  - {kind: rtmp, name: %s, url: '%s', renew: 8, overlap: %s}\n" %
                        (name, urls[name], "false" if name == "turns" else "true") for name in NAMES)
        cls.show = o.Show(cls, cls.folder, items + "  - {kind: record, name: file, dir: files}\n",
                          **{"REVERIE_OUTPUTS_%s_STREAM_KEY" % name.upper(): o.KEY for name in NAMES})
        for name in NAMES:
            cls.show.wait(name + r": the connection to .* is renewed")
        time.sleep(4)
        cls.show.stop()
        cls.recorded = o.packets(glob.glob(cls.folder + "/files/*.mp4")[0])

    def got(self, name):
        """What the server has of each connection."""
        files = self.servers[name].files
        o.wait_until(lambda: len(files()) >= 2, "the files of both connections to " + name, 10)
        return [{h for _, h in o.packets(path)} for path in files()]

    def check(self, name):
        """Between what the server got first and last, of what was recorded, at most 0.2 s are missing."""
        got = set().union(*self.got(name))
        there = [i for i, (_, h) in enumerate(self.recorded) if h in got]
        lacking = [i for i in range(there[0], there[-1] + 1) if self.recorded[i][1] not in got]
        missing_s = len(lacking) * (self.recorded[-1][0] - self.recorded[0][0]) / (len(self.recorded) - 1)
        print("# %s: %.3f s missing of %d pictures" % (name, missing_s, there[-1] - there[0]))
        self.assertLessEqual(missing_s, 0.2)
        self.assertNotRegex(self.show.log(), r"warn +%s: .*off the air" % name)

    def test_a_server_that_takes_both(self):
        self.check("both")

    def test_a_server_that_ends_the_older_one(self):
        self.check("replaced")
        first, second = self.got("replaced")[:2]
        self.assertTrue(first & second)  # what the older one had of the group is sent again

    def test_a_server_that_refuses_the_newer_one(self):
        self.check("refused")
        self.assertIn("refused: rtmp://127.0.0.1 takes no second connection", self.show.log())

    def test_one_after_the_other(self):
        self.check("turns")
        self.assertNotIn("turns: rtmp://127.0.0.1 takes no second connection", self.show.log())


if __name__ == "__main__":
    unittest.main()
