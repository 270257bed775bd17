"""What scripts/gen_synsets and scripts/gen_confusables make is what is committed."""
import ctypes
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORDNET = "/usr/share/wordnet/data.noun"


def read(path):
    with open(path, "rb") as f:
        return f.read()


def has_icu():
    try:
        return bool(ctypes.CDLL("libicui18n.so.72"))
    except OSError:
        return False


class Generated(unittest.TestCase):
    @unittest.skipUnless(os.path.exists(WORDNET), "WordNet is not here (Debian package wordnet-base)")
    def test_same_bytes(self):
        with tempfile.TemporaryDirectory() as out:
            subprocess.run([sys.executable, os.path.join(ROOT, "scripts", "gen_synsets"), "--out", out], check=True)
            for name in ("table.c", "index.c", "ordinary.c"):
                self.assertTrue(read(os.path.join(out, name)) == read(os.path.join(ROOT, "synsets", name)),
                                "synsets/%s is not what scripts/gen_synsets makes: run it and commit" % name)

    @unittest.skipUnless(os.path.exists(WORDNET), "WordNet is not here (Debian package wordnet-base)")
    def test_words_page(self):
        with tempfile.TemporaryDirectory() as out:
            page = os.path.join(out, "words.md")
            subprocess.run([sys.executable, os.path.join(ROOT, "scripts", "gen_words_page"), "--out", page], check=True)
            self.assertTrue(read(page) == read(os.path.join(ROOT, "docs", "words.md")),
                            "docs/words.md is not what scripts/gen_words_page makes: run it and commit")

    @unittest.skipUnless(has_icu(), "ICU 72 is not here (Debian package libicu72)")
    def test_confusables(self):
        with tempfile.TemporaryDirectory() as out:
            subprocess.run([sys.executable, os.path.join(ROOT, "scripts", "gen_confusables"), "--out", out], check=True)
            self.assertTrue(read(os.path.join(out, "confusables.c")) == read(os.path.join(ROOT, "synsets",
                                                                                          "confusables.c")),
                            "synsets/confusables.c is not what scripts/gen_confusables makes: run it and commit")

    def test_refuses_wrong_ids(self):
        with tempfile.TemporaryDirectory() as folder:
            ids = os.path.join(folder, "ids.txt")
            with open(ids, "w") as f:
                f.write("n01440764\n")
            run = subprocess.run([sys.executable, os.path.join(ROOT, "scripts", "gen_synsets"), "--ids", ids, "--out",
                                  folder], capture_output=True, text=True)
            self.assertNotEqual(run.returncode, 0)
            self.assertIn("gen_synsets:", run.stderr)
            self.assertFalse(os.path.exists(os.path.join(folder, "table.c")))

    def test_licence_is_kept(self):
        licence = read(os.path.join(ROOT, "synsets", "LICENSE.wordnet")).decode().split()
        for name in ("table.c", "index.c", "ordinary.c"):
            head = read(os.path.join(ROOT, "synsets", name)).decode().split("*/")[0].replace("*", " ").split()
            self.assertIn(" ".join(licence), " ".join(head))


if __name__ == "__main__":
    unittest.main()
