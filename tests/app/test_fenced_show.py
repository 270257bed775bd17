"""A show inside the fence (what the fence itself does is in test_fence.c): records, keeps its state and writes its digest
in folders that were not there before, and says that it is fenced; without it, it says nothing."""
import glob
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from program import REVERIE, Folder  # noqa: E402

SETTINGS = ["web.enabled=false", "dream.size=128x128", "dream.steps=2", "video.size=320x180", "md5.enabled=true"]


class FencedShow(unittest.TestCase):
    def show(self, folder, *settings):
        """Its log, and how many of its threads may gain no privileges once it dreams."""
        argv = [REVERIE, "run", "--watch=no", "--duration", "4"]
        for s in [*SETTINGS, "record.dir=" + folder.path("deep/records"), "show.state_dir=" + folder.path("state/of/it"),
                  "md5.file=" + folder.path("digest/md5"), *settings]:
            argv += ["--set", s]
        fenced, log = 0, ""
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=folder.path(".")) as p:
            for line in p.stderr:
                log += line.decode("utf-8", "replace")
                if b"now dreaming" in line:
                    for path in glob.glob("/proc/%d/task/*/status" % p.pid):
                        with open(path, encoding="ascii", errors="replace") as f:
                            fenced += "NoNewPrivs:\t1" in f.read()
            self.assertEqual(p.wait(30), 0, log)
        return log, fenced

    def test_inside(self):
        with Folder() as folder:
            log, fenced = self.show(folder)
            if "runs without a fence" in log:
                self.skipTest("this kernel has no Landlock")
            self.assertRegex(log, "info +fence: closed")
            self.assertGreater(fenced, 5)
            self.assertEqual(len(glob.glob(folder.path("deep/records/*.mp4"))), 1)
            self.assertTrue(os.path.exists(folder.path("state/of/it/reverie.db")))
            with open(folder.path("digest/md5"), encoding="ascii") as f:
                self.assertTrue(re.match("md5 video=", f.read()))
            self.assertNotRegex(log, r"(?m)^\S+ (warn |error) (?!stream|dream|camera|run)")

    def test_without(self):
        with Folder() as folder:
            os.mkdir(folder.path("digest"))
            log, fenced = self.show(folder, "fence.enabled=false")
            self.assertNotIn("fence", log)
            self.assertEqual(fenced, 0)


if __name__ == "__main__":
    unittest.main()
