"""The manual and the program know the same commands and options."""
import os
import re
import subprocess
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REVERIE = os.environ["REVERIE"]
with open(os.path.join(ROOT, "docs", "reverie.1"), encoding="utf-8") as f:
    MANUAL = f.read()


def help_text(*command):
    done = subprocess.run([REVERIE, *command, "--help"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                          timeout=60, check=True)
    return done.stdout


def commands():
    return re.findall(r"^  ([a-z]+)  ", help_text(), re.M)


def manual_options(text):
    """Options as "--long" or "-x" out of mdoc's .Fl macros."""
    return {"-" + name for name in re.findall(r"\bFl (-?[a-z][a-z-]*)", text)}


def help_options(command):
    """Options of the program; what the table of settings mentions below them is not meant."""
    lines = [line for line in help_text(command).splitlines() if re.match(r"^  (-[a-z], |    )--?[a-z]", line)]
    return {option for line in lines for option in re.findall(r"(?:^|\s)(--?[a-z][a-z-]*)", line[:30])}


class Manual(unittest.TestCase):
    def test_there_are_commands(self):
        self.assertIn("run", commands())
        self.assertIn("--duration", help_options("run"))
        self.assertIn("--print-config", manual_options(MANUAL))

    def test_every_command_stands_in_it(self):
        for command in commands():
            self.assertIn("\n.Nm\n.Cm %s\n" % command, MANUAL)
            self.assertIn("\n.It Cm %s\n" % command, MANUAL)

    def test_every_option_stands_in_it(self):
        known = manual_options(MANUAL) | {"-h", "--help"}
        for command in commands():
            self.assertEqual(help_options(command) - known, set(), command)

    def test_it_promises_nothing_else(self):
        synopsis = MANUAL.split(".Sh SYNOPSIS")[1].split(".Sh DESCRIPTION")[0]
        for part in synopsis.split(".Nm\n.Cm ")[1:]:
            command = part.split("\n")[0]
            promised = manual_options(part.split("\n.Nm\n")[0])
            self.assertEqual(promised - help_options(command), set(), command)

    def test_readme_lists_what_the_bot_obeys(self):
        with open(os.path.join(ROOT, "chatbot", "commands.c"), encoding="utf-8") as f:
            table = f.read().split("commands[] = {")[1].split("\n};")[0]
        names = re.findall(r'^    \{"([a-z0-9]+)", .*(?:ANYONE|MODERATOR)', table, re.M)
        self.assertIn("dream", names)
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
            readme = f.read()
        self.assertEqual([name for name in names if not re.search(r"`!%s[ `]" % name, readme)], [])


if __name__ == "__main__":
    unittest.main()
