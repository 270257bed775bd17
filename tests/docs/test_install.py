"""What `make install` puts in place is whole: every link of the documents leads somewhere, here and there; units and scripts are usable."""
import glob
import os
import re
import subprocess
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "app"))
import program  # noqa: E402


def broken_links(root):
    """["FILE: LINK"] of all pages below a folder that lead nowhere in it."""
    faults = []
    for path in glob.glob(os.path.join(root, "*.md")) + glob.glob(os.path.join(root, "docs", "*.md")):
        with open(path, encoding="utf-8") as f:
            text = re.sub(r"```.*?```", "", f.read(), flags=re.S)
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            if "://" not in link and not os.path.exists(os.path.join(os.path.dirname(path), link)):
                faults.append("%s: %s" % (os.path.relpath(path, root), link))
    return faults


class Install(unittest.TestCase):
    def setUp(self):
        self.folder = program.Folder()
        self.folder.__enter__()
        self.addCleanup(self.folder.__exit__)
        # -o: the program that is tested is installed as it is, not built anew.
        done = subprocess.run(["make", "-C", ROOT, "install", "CUDA=no", "BIN=" + program.REVERIE, "-o", program.REVERIE,
                               "DESTDIR=" + self.folder.name, "PREFIX=/usr"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-2000:])

    def installed(self, *parts):
        return self.folder.path("usr", *parts)

    def test_links_lead_somewhere(self):
        self.assertEqual(broken_links(ROOT), [])
        self.assertEqual(broken_links(self.installed("share", "doc", "reverie")), [])
        self.assertTrue(os.path.exists(self.installed("share", "doc", "reverie", "docs", "words.md")))

    def test_what_it_needs_is_there(self):
        for script in ("get-weights", "frame-client"):
            self.assertTrue(os.access(self.installed("share", "reverie", script), os.X_OK), script)
        done = subprocess.run([self.installed("bin", "reverie"), "--version"], stdout=subprocess.PIPE, text=True, timeout=60,
                              check=True)
        self.assertIn("reverie", done.stdout.lower())

    def test_units_name_what_was_installed(self):
        units = [self.installed("lib", "systemd", "system", name) for name in ("reverie.service", "reverie@.service")]
        texts = []
        for unit in units:
            with open(unit, encoding="utf-8") as f:
                texts.append(f.read())
            self.assertNotIn("@PREFIX@", texts[-1])
            self.assertIn("ExecStart=/usr/bin/reverie run -c /etc/reverie/", texts[-1])
        # One channel's unit differs from the other in names alone.
        alone, each = (text[text.index("[Unit]"):] for text in texts)
        each = each.replace("%i.yaml", "reverie.yaml").replace("%i.secrets", "secrets")
        self.assertEqual(re.sub(r"%i-|-%i| for %i|/%i$", "", each, flags=re.M), alone)


if __name__ == "__main__":
    unittest.main()
