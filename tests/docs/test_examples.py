"""Every command line that README, the manual and the other documents show is one that the program takes, and every wish in
them is one that the embedded model knows.

What runs offline in seconds is run, smaller and shorter than it is written: options at the end go over those before.
The rest (a chat, a server, a network from elsewhere) is parsed: `--print-config` reads all options and settings."""
import os
import re
import shlex
import sys
import textwrap
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "app"))
import program  # noqa: E402

DOCUMENTS = ["README.md", "CONTRIBUTING.md", "docs/operating.md", "docs/weights.md", "docs/pictures.md", "docs/frames.md", "docs/glossary.md"]
QUICK_SHOW = program.SMALL + ["--duration", "1", "--offline", "--set", "record.dir=recordings", "--set", "show.state_dir="]
# What needs something that is not here: its options are only parsed.
ELSEWHERE = ("rtmp.enabled=true", "chat.enabled=true", "dream.model=", "dream.prior_file=", "show.yaml")
PLACEHOLDERS = {"IMAGE": "picture.png", "IMAGE...": "picture.png", "PICTURE.png": "picture.png", "TEXT": "goldfish",
                "DIR": "dump", "FILE": "script", "MODEL": os.path.join(ROOT, "models", "reverie-mini.safetensors")}
QUOTED = [r'-t "([^"]+)"', r"(?<!\w)-t ([a-z]+)", r'"([a-z ]+ \+ [a-z ]+)"', r"^([a-z ]+ \+ [a-z ]+)$",  # a wish, two in one
          r"(?:'|\\n)\d+ [a-z]+ ([a-z][a-z +]*)\\n"]                                                # a line of a script


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def unescaped(mdoc):
    """The text of a line of the manual's examples."""
    return mdoc.replace(r"\(dq", '"').replace(r"\en", r"\n").replace(r"\e", "\\")


def manual_lines():
    examples = read("docs/reverie.1").split(".Sh EXAMPLES")[1].split(".Sh SEE ALSO")[0]
    for line in unescaped(examples).splitlines():
        line = re.sub(r"^\.Dl ", "", line)
        if not line.startswith("."):
            yield line.lstrip("$ ") if line.startswith("$") else line


def document_lines(text):
    """Lines of code: fenced, indented by four, or a span in the text."""
    for block in re.findall(r"```(?:sh)?\n(.*?)```", text, re.S):
        yield from block.splitlines()
    prose = re.sub(r"```.*?```", "", text, flags=re.S)
    for line in prose.splitlines():
        if re.match(r" {4,}\S", line):
            yield line.strip()
    yield from re.findall(r"`([^`\n]+)`", prose)


def joined(lines):
    """Lines that end with a backslash go on."""
    whole = ""
    for line in lines:
        whole += line.rstrip("\\") if line.endswith("\\") else line
        if not line.endswith("\\"):
            yield whole
            whole = ""


def commands(lines):
    """[words of the command line after `reverie`]"""
    found = []
    for line in joined(lines):
        m = re.match(r"(?:\$ )?(?:\S*/)?reverie ((?:run|still|classify|inspect|probe|synsets|check|log|bench)\b.*)", line)
        if m and "COMMAND" not in line:
            words = shlex.split(m.group(1), comments=True)
            found.append(words[:words.index("|")] if "|" in words else words)
    return found


def documented():
    for name in DOCUMENTS:
        if os.path.exists(os.path.join(ROOT, name)):
            for words in commands(document_lines(read(name))):
                yield name, words
    for words in commands(manual_lines()):
        yield "docs/reverie.1", words


def help_texts():
    for command in re.findall(r"^  ([a-z]+)  ", program.reverie("--help").stdout, re.M):
        yield command, program.reverie(command, "--help").stdout


def wishes(lines):
    """What the lines show as something to wish for."""
    text = "\n".join(joined(line.strip() for line in lines))
    found = [wish for pattern in QUOTED for several in re.findall(pattern, text, re.M) for wish in several.split(" | ")]
    return [wish for wish in found if not wish.startswith("#") and len(wish) > 1]


def wishful_lines():
    """(document, lines that may hold wishes)"""
    for name in DOCUMENTS:
        if os.path.exists(os.path.join(ROOT, name)):
            yield name, document_lines(read(name))
    quoted = re.findall(r"^\.Dq (.*?)(?: ,)?$", read("docs/reverie.1"), re.M)
    yield "docs/reverie.1", list(manual_lines()) + quoted
    for command, text in help_texts():
        yield "reverie %s --help" % command, ['"%s"' % q for q in re.findall(r'"([^"]+)"', text)]


def run_as(words):
    """The arguments with which a command line is tried here."""
    if words[0] in ("inspect", "probe"):
        words = ["MODEL" if w == "FILE" else w for w in words]
    words = [re.sub(r"^(config|docs/pictures)/", lambda m: "%s/%s/" % (ROOT, m.group(1)), PLACEHOLDERS.get(w, w)) for w in words]
    if words[0] in ("run", "check") and ("--rehearse" in words or any(e in w for e in ELSEWHERE for w in words)):
        return ["run", *words[1:], "--print-config"]
    if words[0] == "still" and "--animate" in words:
        return words + ["--size", "64x64", "--steps", "1", "--animate", "0.2"]
    return words + {"run": QUICK_SHOW, "check": program.SMALL + ["--offline-checks"], "bench": ["--help"],
                    "still": ["--size", "64x64", "--steps", "1", "-o", "out.png"]}.get(words[0], [])


class Examples(unittest.TestCase):
    def setUp(self):
        self.folder = program.Folder()
        self.folder.__enter__()
        self.addCleanup(self.folder.__exit__)
        self.folder.write("script", "0 anna goldfish\n")
        self.folder.write("wishes", "0 anna goldfish\n8 ben king penguin + pizza\n")
        shown = re.search(r"```yaml\n *# show\.yaml\n(.*?)```", read("docs/operating.md"), re.S)
        self.folder.write("show.yaml", textwrap.dedent(shown.group(1)))
        made = program.reverie("still", "-t", "goldfish", "--size", "64x64", "--steps", "1", "-o", "picture.png",
                               cwd=self.folder.name)
        self.assertEqual(made.returncode, 0, made.stderr)

    def runs(self, words):
        env = dict(os.environ, HOME=self.folder.name, XDG_STATE_HOME=self.folder.name, REVERIE_RTMP_STREAM_KEY="live_key")
        return program.reverie(*run_as(words), cwd=self.folder.name, env=env)

    def test_there_are_examples(self):
        found = list(documented())
        self.assertGreater(len(found), 20)
        self.assertIn(("docs/reverie.1", ["still", "-t", "goldfish + pizza", "--size", "1280x720", "-o", "out.png"]), found)

    def test_each_command_line_is_taken(self):
        tried = []
        for name, words in documented():
            if words in tried:
                continue
            tried.append(words)
            with self.subTest(document=name, command=" ".join(words)):
                done = self.runs(words)
                nothing_kept = words[0] == "log" and "no show has kept anything" in done.stderr
                self.assertTrue(done.returncode == 0 or nothing_kept, done.stderr[-800:])

    def test_each_wish_is_known(self):
        count = 0
        for name, lines in wishful_lines():
            for wish in wishes(lines):
                count += 1
                with self.subTest(document=name, wish=wish):
                    done = program.reverie("synsets", wish)
                    self.assertEqual(done.returncode, 0, done.stdout)
                    self.assertNotIn("stands in for", done.stdout)
        self.assertGreater(count, 8)


if __name__ == "__main__":
    unittest.main()
