"""The whole program on a terminal: a pty, and pyte (Debian's python3-pyte) as the screen that a person would see."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
import unittest

REVERIE = os.environ.get("REVERIE", "build/reverie")
SETTINGS = ["dream.size=64x64", "dream.steps=1", "dream.threads=1", "video.size=128x72", "record.enabled=false",
            "show.state_dir=", "dream.backend=null"]

try:
    import pyte
except ImportError:
    pyte = None


class Screen:
    """reverie run on a terminal of this size; `feed` lets some time pass."""

    def __init__(self, columns, rows, *arguments, **environment):
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.code = None
        argv = [REVERIE, "run", "--duration", "60", *arguments]
        for setting in SETTINGS:
            argv += ["--set", setting]
        env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLORTERM")}
        env.update(TERM="xterm-256color", COLORTERM="truecolor")
        env.update(environment)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            time.sleep(0.1)  # until the size is set
            os.execve(REVERIE, argv, env)
        self.resize(columns, rows)

    def resize(self, columns, rows):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def feed(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.code is None:
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    data = os.read(self.fd, 1 << 16)
                except OSError:
                    self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
                    return
                self.raw += data
                self.stream.feed(data)

    def text(self):
        return "\n".join(self.screen.display)

    def wait(self, condition, seconds=30):
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until or self.code is not None:
                raise AssertionError("it did not come:\n" + self.text())
            self.feed(0.2)

    def type(self, text):
        os.write(self.fd, text.encode())

    def close(self):
        if self.code is None:
            os.kill(self.pid, signal.SIGTERM)
            self.feed(20)
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


@unittest.skipUnless(pyte, "there is no python3-pyte")
class Terminal(unittest.TestCase):
    def show(self, *args, **kwargs):
        screen = Screen(*args, **kwargs)
        self.addCleanup(screen.close)
        return screen

    def picture_cells(self, s):
        return sum(line.count("\u2580") for line in s.screen.display)

    def test_picture_status_and_prompt(self):
        s = self.show(80, 30)
        s.wait(lambda: self.picture_cells(s) > 500 and "waiting" in s.text())
        colours = {s.screen.buffer[y][x].fg for y in range(20) for x in range(80)}
        self.assertGreater(len(colours), 30)
        self.assertTrue(s.screen.display[29].startswith("> type a thing"), s.text())
        self.assertIn(b"\033[?2026h", s.raw)

    def test_what_is_typed_stays_whole_and_is_answered(self):
        s = self.show(80, 30)
        s.wait(lambda: "waiting" in s.text())
        s.type("goldfi")
        for _ in range(3):
            s.feed(0.3)  # pictures and lines come meanwhile
            self.assertTrue(s.screen.display[29].startswith("> goldfi"), s.text())
        s.type("sh\r")
        s.wait(lambda: "now dreaming goldfish" in s.text())
        s.wait(lambda: re.search(r"goldfish +@operator", s.screen.display[28]))
        self.assertTrue(s.screen.display[29].startswith("> type"), s.text())
        answers = [y for y in range(30) if s.screen.buffer[y][0].fg == "cyan"]
        self.assertTrue(answers, s.text())

    def test_help_and_quit(self):
        s = self.show(80, 30)
        s.wait(lambda: "waiting" in s.text())
        s.type("help\r")
        s.wait(lambda: b"!queue" in s.raw)  # other lines may have scrolled it away since
        s.type("quit\r")
        s.feed(20)
        self.assertEqual(s.code, 0, s.text())
        self.assertIn(b"Good night", s.raw)  # the last lines of the log may have scrolled it away
        self.assertTrue(s.raw.rstrip().endswith(b"\033[?25h") or b"\033[r" in s.raw[-4096:])

    def test_the_terminal_is_given_back(self):
        master, slave = pty.openpty()
        before = termios.tcgetattr(slave)
        os.close(master)
        os.close(slave)
        s = self.show(80, 30)
        s.wait(lambda: "waiting" in s.text())
        now = termios.tcgetattr(s.fd)
        self.assertFalse(now[3] & termios.ICANON or now[3] & termios.ECHO)
        os.kill(s.pid, signal.SIGINT)
        until = time.monotonic() + 20
        while not termios.tcgetattr(s.fd)[3] & termios.ICANON and time.monotonic() < until:
            s.feed(0.1)
            if s.code is not None:
                break
        self.assertTrue(before[3] & termios.ICANON)
        s.feed(20)
        self.assertEqual(s.code, 0)
        self.assertIn("stats: all", s.text())

    def test_size_changes(self):
        s = self.show(80, 30)
        s.wait(lambda: self.picture_cells(s) > 500)
        s.resize(120, 40)
        s.wait(lambda: "waiting" in s.screen.display[38] and self.picture_cells(s) > 1500)
        s.resize(40, 10)
        s.wait(lambda: self.picture_cells(s) == 0 and s.screen.display[9].startswith(">"))

    def test_plain_where_that_is_wanted(self):
        for environment, arguments in (({"NO_COLOR": "1"}, ()), ({"TERM": "dumb"}, ()), ({}, ("--watch=no",))):
            s = self.show(80, 30, *arguments, **environment)
            s.wait(lambda s=s: "now dreaming" in s.text())
            self.assertNotIn(b"\033", s.raw)

    def test_256_colours(self):
        s = self.show(80, 30, COLORTERM="")
        s.wait(lambda: self.picture_cells(s) > 500)
        self.assertIn(b"\033[38;5;", s.raw)
        self.assertNotIn(b"\033[38;2;", s.raw)


if __name__ == "__main__":
    unittest.main()
