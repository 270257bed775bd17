#!/usr/bin/python3
"""Two builds in two folders are the same bytes, whatever the time, the zone and the language are: some objects of every
kind in `make test`, the whole program with WHOLE=1 (`make reproducible`)."""
import filecmp
import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LEFT_OUT = shutil.ignore_patterns("build", ".git", "recordings", "*.jpg", "*.webp", "golden", "__pycache__")
OBJECTS = ["build/obj-release/" + o for o in ("main.o", "common/mem.o", "common/log.o", "common/file.o", "web/embedded.o",
                                              "engine/cpu/kernels_c.o", "app/fence.o")]


@unittest.skipIf(os.environ.get("SANITIZER"), "about the flags of the release")
class Reproducible(unittest.TestCase):
    def test_two_folders(self):
        wanted = ["build/reverie"] if os.environ.get("WHOLE") else OBJECTS
        folders = []
        for name, more in (("one", {"TZ": "Asia/Tokyo", "LC_ALL": "C"}), ("another/and/deeper", {"TZ": "UTC", "LC_ALL": "C.UTF-8"})):
            parent = tempfile.mkdtemp(prefix="reverie-reproducible-")
            self.addCleanup(shutil.rmtree, parent)
            folder = os.path.join(parent, name)
            shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
            for path in ("main.c", "web/embedded.S"):
                os.utime(os.path.join(folder, path), (1e9 + len(folders), 1e9 + len(folders)))
            env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "CFLAGS", "LDFLAGS")}
            p = subprocess.run(["make", "-j2", "CUDA=no", *wanted], cwd=folder, env=dict(env, CCACHE_DISABLE="1", **more),
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            self.assertEqual(p.returncode, 0, p.stdout.decode("utf-8", "replace"))
            folders.append(folder)
        for path in wanted:
            with self.subTest(path=path):
                self.assertTrue(filecmp.cmp(*(os.path.join(f, path) for f in folders), shallow=False))
                with open(os.path.join(folders[0], path), "rb") as f:
                    self.assertNotIn(folders[0].encode(), f.read())


if __name__ == "__main__":
    unittest.main()
