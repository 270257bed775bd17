"""`reverie status`: what a running show says of itself, with the page on and off, and what its exit code says."""
import json
import os
import pty
import signal
import socket
import stat
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from program import REVERIE, SMALL, Folder, reverie


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Status(unittest.TestCase):
    def setUp(self):
        self.folder = Folder().__enter__()
        self.addCleanup(self.folder.__exit__)
        self.state = self.folder.path("a folder " + 100 * "x", "state")  # longer than a socket's name may be
        self.sets = ["--set", "show.state_dir=" + self.state]

    def show(self, *arguments):
        with open(self.folder.path("log"), "wb") as log:
            show = subprocess.Popen([REVERIE, "run", "--watch=no", *SMALL, "--set", "record.dir=" + self.folder.path("rec"),
                                     *self.sets, *arguments], stdin=subprocess.PIPE, stdout=log, stderr=log)
        self.addCleanup(show.stdin.close)
        self.addCleanup(lambda: show.poll() is None and (show.kill(), show.wait()))
        return show

    def ask(self, *arguments):
        return reverie("status", *self.sets, *arguments)

    def until(self, what, seconds=60):
        """Asks until what(answer) holds."""
        end = time.monotonic() + seconds
        while not what(answer := self.ask("--json")):
            self.assertLess(time.monotonic(), end, (answer.stdout, answer.stderr))
            time.sleep(0.2)
        return answer

    def test_a_show_that_is_well_and_then_is_over(self):
        nobody = self.ask()
        self.assertEqual((nobody.returncode, nobody.stdout), (1, ""))
        self.assertIn("no show is on", nobody.stderr)
        show = self.show("--set", "dream.backend=null")  # SMALL has no page: the door is there all the same
        self.until(lambda a: a.returncode == 0 and "now" in json.loads(a.stdout))
        path = os.path.join(self.state, "show.sock")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(self.state).st_mode), 0o700)
        lines = self.ask()
        self.assertEqual(lines.returncode, 0, lines.stderr)
        self.assertRegex(lines.stdout, r"\AReverie \S+, on since .*: all is well\n")
        for row in (r"now +\S+", r"next +", r"picture +320x180, 25 frames/s, \d+ kbit/s; \d+ frames, .* \d+ left out",
                    r"dream +[\d.]+ steps/s on null", r"record +ok, for \d+ s, [\d.]+ MB", r"chat +off"):
            self.assertRegex(lines.stdout, "(?m)^" + row)
        quiet = self.ask("-q")
        self.assertEqual((quiet.returncode, quiet.stdout, quiet.stderr), (0, "", ""))
        show.send_signal(signal.SIGTERM)
        show.wait(20)
        self.assertFalse(os.path.exists(path))
        self.assertEqual(self.ask("-q").returncode, 1)

    def test_what_is_not_well_is_said_and_makes_the_exit_code(self):
        port = free_port()
        with socket.socket() as taken:  # the page's port is somebody else's: the door is left
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            show = self.show("--set", "dream.backend=null", "--set", "web.enabled=true", "--set", "web.port=%d" %
                             taken.getsockname()[1], "--set", "rtmp.enabled=true", "--set", "rtmp.url=rtmp://127.0.0.1:%d/app" % port)
            answer = json.loads(self.until(lambda a: a.stdout and json.loads(a.stdout)["alarms"]).stdout)
        self.assertFalse(answer["healthy"])
        self.assertRegex(answer["unwell"][0], "^rtmp: ")
        lines = self.ask()
        self.assertEqual(lines.returncode, 1)
        self.assertRegex(lines.stdout, r"\AReverie .*: not well\n  ! +rtmp: ")
        self.assertRegex(lines.stdout, r"(?m)^alarm +\d+ s ago: rtmp: rtmp://127\.0\.0\.1: cannot connect")
        show.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        stopped = self.ask()
        show.send_signal(signal.SIGCONT)
        self.assertEqual(stopped.returncode, 1)
        self.assertIn("has not answered for 5 s", stopped.stderr)
        self.assertLess(time.monotonic() - began, 12)

    def test_what_a_crash_left_is_no_show_and_the_next_one_takes_the_place(self):
        show = self.show("--set", "dream.backend=null")
        self.until(lambda a: a.returncode == 0)
        show.kill()
        show.wait()
        self.assertTrue(os.path.exists(os.path.join(self.state, "show.sock")))
        self.assertIn("no show is on", self.ask().stderr)
        self.show("--set", "dream.backend=null")
        self.until(lambda a: a.returncode == 0)

    def test_lines_fit_the_terminal(self):
        self.show("--set", "dream.backend=null")
        self.until(lambda a: a.returncode == 0 and "now" in json.loads(a.stdout))
        leader, terminal = pty.openpty()
        subprocess.run(["stty", "cols", "50"], stdin=terminal, check=True)
        subprocess.run([REVERIE, "status", *self.sets], stdout=terminal, timeout=60, check=True)
        os.close(terminal)
        text = b""
        try:
            while part := os.read(leader, 65536):
                text += part
        except OSError:
            pass  # all of it was read
        os.close(leader)
        lines = text.decode().splitlines()
        self.assertGreater(len(lines), 8)
        self.assertLessEqual(max(len(line) for line in lines), 50)

    def test_usage(self):
        self.assertEqual(reverie("status", "--colour").returncode, 2)
        self.assertEqual(reverie("status", "--set", "show.state_dir=").returncode, 1)


if __name__ == "__main__":
    unittest.main()
