"""`reverie --version -v` names every library that the program is linked with, with its version and licence, and so does
THIRD-PARTY.md."""
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from program import REVERIE, reverie  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# The beginning of a shared library's file name -> its row, "" for what a compiler or a sanitizer brings.
ROWS = {"libav": "FFmpeg", "libsw": "FFmpeg", "libopenblas": "OpenBLAS", "libsqlite3": "SQLite", "libjansson": "Jansson",
        "libyaml": "LibYAML", "libz": "zlib", "libgnutls": "GnuTLS", "libmicrohttpd": "GNU libmicrohttpd", "libircclient": "libircclient", "libaubio": "aubio",
        "libunistring": "GNU libunistring", "libpango": "Pango", "libcairo": "cairo", "libg": "GLib",
        "libharfbuzz": "HarfBuzz", "libm.": "GNU C library", "libc.": "GNU C library", "ld-linux": "GNU C library",
        "libasan": "", "libubsan": "", "libtsan": "", "libgcc_s": "", "libstdc++": ""}


def row_of(name):
    found = max((start for start in ROWS if name.startswith(start)), key=len, default=None)
    return None if found is None else ROWS[found]


class Version(unittest.TestCase):
    def test_short(self):
        self.assertRegex(reverie("--version").stdout, r"\Areverie \d+\.\d+\.\d+\n\Z")

    def test_every_library(self):
        p = reverie("--version", "-v")
        self.assertEqual((p.returncode, p.stderr), (0, ""))
        dynamic = subprocess.run(["readelf", "-d", REVERIE], stdout=subprocess.PIPE, check=True).stdout.decode()
        needed = re.findall(r"NEEDED.*\[(.*)\]", dynamic)
        self.assertGreater(len(needed), 15)
        with open(os.path.join(ROOT, "THIRD-PARTY.md"), encoding="utf-8") as f:
            third_party = f.read()
        for name in needed:
            row = row_of(name)
            self.assertIsNotNone(row, "%s has no row in app/version.c and here" % name)
            if not row:
                continue
            self.assertRegex(p.stdout, r"(?m)^%s +.*\d+\.\d+.* \S" % re.escape(row))
            self.assertIn(row, third_party)
        self.assertNotIn("not linked", p.stdout)

    def test_nothing_else(self):
        self.assertEqual(reverie("--version", "-x").returncode, 2)


if __name__ == "__main__":
    unittest.main()
