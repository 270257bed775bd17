"""The life of a show: what systemd is told, SIGHUP, a terminal that goes away, SIGINT twice; and its units."""
import fcntl
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import termios
import time
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from program import REVERIE, SMALL, Folder

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHOW = [REVERIE, "run", *SMALL, "--set", "dream.backend=null", "--set", "record.enabled=false"]


class Life(unittest.TestCase):
    def setUp(self):
        self.folder = Folder().__enter__()
        self.addCleanup(self.folder.__exit__)
        self.log = self.folder.path("log")

    def start(self, *arguments, env=None, stdin=subprocess.DEVNULL, **more):
        with open(self.log, "wb") as log:
            show = subprocess.Popen([*SHOW, *arguments], stdin=stdin, stderr=log,
                                    env=dict(os.environ, **(env or {})), **{"stdout": log, **more})
        self.addCleanup(lambda: show.poll() is None and (show.kill(), show.wait()))
        return show

    def read_log(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait_log(self, pattern, seconds=30):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.read_log()):
            self.assertLess(time.monotonic(), end, "never said: %s\n%s" % (pattern, self.read_log()))
            time.sleep(0.05)

    def test_systemd_is_told(self):
        for name in (self.folder.path("notify"), "@reverie-test-%d" % os.getpid()):
            with self.subTest(name=name), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
                s.bind(name.replace("@", "\0"))
                s.settimeout(20)
                show = self.start(env={"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1000000"})
                self.assertEqual(s.recv(100), b"READY=1")
                began = time.monotonic()
                self.assertEqual([s.recv(100) for _ in range(8)], [b"WATCHDOG=1"] * 8)
                self.assertGreater(time.monotonic() - began, 1.4)  # the first at once, then each quarter of it
                show.send_signal(signal.SIGSTOP)  # frames stop: so do the signs of life
                time.sleep(0.3)
                s.setblocking(False)
                with self.assertRaises(BlockingIOError):
                    for _ in range(50):
                        s.recv(100)
                time.sleep(1)
                with self.assertRaises(BlockingIOError):
                    s.recv(100)
                s.settimeout(20)
                show.send_signal(signal.SIGCONT)
                show.send_signal(signal.SIGTERM)
                while (said := s.recv(100)) != b"STOPPING=1":
                    self.assertEqual(said, b"WATCHDOG=1")
                self.assertEqual(show.wait(20), 0, self.read_log())

    def test_watchdog_of_another_process_is_not_ours(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(self.folder.path("notify"))
            s.settimeout(20)
            self.start("--duration", "2", env={"NOTIFY_SOCKET": self.folder.path("notify"), "WATCHDOG_USEC": "1000000",
                                               "WATCHDOG_PID": "1"})
            self.assertEqual([s.recv(100), s.recv(100)], [b"READY=1", b"STOPPING=1"])

    def test_a_socket_that_is_not_there_hurts_nobody(self):
        show = self.start("--duration", "1", env={"NOTIFY_SOCKET": "/nonexistent", "WATCHDOG_USEC": "x"})
        self.assertEqual(show.wait(30), 0)

    def test_sighup_reads_the_banned_file_again(self):
        banned = self.folder.write("banned", "goldfish\n")
        show = self.start("--set", "show.banned_file=" + banned, stdin=subprocess.PIPE)
        self.wait_log("now dreaming")
        self.folder.write("banned", "goldfish\npizza\n")
        show.send_signal(signal.SIGHUP)
        self.wait_log(r"forbidden was read again; other settings want a restart")
        os.unlink(banned)
        show.send_signal(signal.SIGHUP)
        self.wait_log(r"error +run: .*banned.*stays as it was")
        for stray in (signal.SIGUSR1, signal.SIGUSR2):
            show.send_signal(stray)
        time.sleep(0.5)
        self.assertIsNone(show.poll())
        show.send_signal(signal.SIGTERM)
        self.assertEqual(show.wait(20), 0, self.read_log())

    def test_a_terminal_that_goes_away_does_not_end_the_show(self):
        leader, terminal = pty.openpty()
        show = self.start(stdin=terminal, preexec_fn=lambda: (os.setsid(), fcntl.ioctl(0, termios.TIOCSCTTY, 0)))
        os.close(terminal)
        self.wait_log("now dreaming")
        os.close(leader)  # the session is closed: SIGHUP
        self.wait_log("SIGHUP: the show goes on")
        time.sleep(1)
        self.assertIsNone(show.poll())
        show.send_signal(signal.SIGTERM)
        self.assertEqual(show.wait(20), 0, self.read_log())

    def test_the_second_interrupt_ends_it_at_once(self):
        reader, writer = os.pipe()  # full, and nobody reads it: the digest hangs at the end
        self.addCleanup(os.close, reader)
        os.set_blocking(writer, False)
        with self.assertRaises(BlockingIOError):
            while True:
                os.write(writer, bytes(4096))
        os.set_blocking(writer, True)
        show = self.start("--set", "md5.enabled=true", stdout=writer)
        os.close(writer)
        self.wait_log("now dreaming")
        time.sleep(0.5)
        show.send_signal(signal.SIGINT)
        time.sleep(0.1)
        show.send_signal(signal.SIGINT)  # the same Ctrl-C, passed on by whoever started it
        time.sleep(0.4)
        self.assertIsNone(show.poll())
        began = time.monotonic()
        show.send_signal(signal.SIGINT)
        self.assertEqual(show.wait(20), 1, self.read_log())
        self.assertLess(time.monotonic() - began, 1)
        self.assertIn("interrupted twice", self.read_log())

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
    def test_units_are_valid(self):
        for name in ("reverie.service", "reverie@.service"):
            with open(os.path.join(ROOT, "scripts", name + ".in"), encoding="utf-8") as f:
                text = f.read()
            text = re.sub(r"@PREFIX@/bin/reverie", REVERIE, text).replace("@PREFIX@", "/usr")
            self.assertIn("#LoadCredential=", text)
            for t in (text, re.sub(r"(?m)^#(LoadCredential|Environment)", r"\1", text)):
                path = self.folder.write(name, t)
                p = subprocess.run(["systemd-analyze", "verify", "--man=no", path],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
                said = [line for line in p.stdout.decode().splitlines() if "reverie" in line]
                self.assertEqual(said, [])


if __name__ == "__main__":
    unittest.main()
