"""Every picture of docs/pictures.md was made by the command that stands under it: the settings that it keeps are those that the
command comes to. (tests/docs/test_examples.py runs all commands of the page.)

Size and steps are left out, for the command is tried on a small picture with one step; so are the quality, which the page's files
have less of, and the program's version and the model's fingerprint, which change with either."""
import os
import re
import shlex
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "app"))
import program  # noqa: E402

SMALL = ["--size", "64x64", "--steps", "1"]


def shown():
    """[(file, command under it or None)] in order."""
    with open(os.path.join(ROOT, "docs", "pictures.md"), encoding="utf-8") as f:
        blocks = f.read().split("\n\n")
    found = []
    for i, block in enumerate(blocks):
        m = re.fullmatch(r"!\[[^]]+\]\((pictures/[^)]+)\)", block.strip())
        if m:
            command = blocks[i + 1].strip("\n")
            found.append((m.group(1), command.strip() if command.startswith("    reverie still ") else None))
    return found


def recipe(path):
    """The settings that a picture keeps, without those that the test changes."""
    with open(path, "rb") as f:
        text = re.search(rb"Reverie \d[^\0]*?\nmodel [^\0\xff]*?\n((?:(?:still|dream)\.[ -~]+\n)+)", f.read()).group(1).decode()
    return [line for line in text.splitlines() if not re.match(r"dream\.(?:size|steps)=|still\.quality=", line)]


class Pictures(unittest.TestCase):
    def test_there_are_a_dozen(self):
        pictures = shown()
        self.assertGreaterEqual(len(pictures), 12)
        self.assertEqual([path for path, command in pictures if not command], ["pictures/photo.jpg"])

    def test_each_was_made_by_the_command_under_it(self):
        for path, command in shown():
            if not command:
                continue
            with self.subTest(picture=path), program.Folder() as folder:
                words = [re.sub(r"^docs/", ROOT + "/docs/", w) for w in shlex.split(command)[1:]]
                name = words[words.index("-o") + 1]
                self.assertEqual(name, os.path.basename(path))
                film = ["--animate", "0.2"] if "--animate" in words else []
                done = program.reverie(*words, *SMALL, *film, cwd=folder.name)
                self.assertEqual(done.returncode, 0, done.stderr)
                kept, made = recipe(os.path.join(ROOT, "docs", path)), recipe(folder.path(name))
                if film:
                    kept, made = ([re.sub(r"(animate_s)=.*", r"\1", line) for line in lines] for lines in (kept, made))
                self.assertEqual(kept, [line.replace(ROOT + "/", "") for line in made])


if __name__ == "__main__":
    unittest.main()
