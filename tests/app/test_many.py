"""Two shows on one machine with config/many.yaml: each records, keeps its state and is asked by its own door; what is one's is not
the other's. What they have in common by mistake is told: a state folder, a port, and what then becomes of the show."""
import glob
import json
import os
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from program import REVERIE, Folder, reverie  # noqa: E402

MANY = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, "config", "many.yaml")
SMALL = ["dream.size=128x128", "dream.steps=2", "video.size=320x180", "video.bitrate_kbps=500"]
ALARMS_AT_LEAST_THEIRS = ("too slow", "no process of its own")  # what a busy machine says; nothing about the other show


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Many(unittest.TestCase):
    def setUp(self):
        self.folder = Folder().__enter__()
        self.addCleanup(self.folder.__exit__)
        self.shows = []

    def start(self, name, port, *settings, duration="600"):
        sets = ["show.state_dir=shows/" + name, "record.dir=shows/%s/recordings" % name, "web.port=%d" % port, *SMALL, *settings]
        log = open(self.folder.path(name + ".log"), "w+b")  # pylint: disable=consider-using-with
        show = subprocess.Popen([REVERIE, "run", "--watch=no", "-c", MANY, "--duration", duration,
                                 *(word for s in sets for word in ("--set", s))],
                                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder.name)
        self.addCleanup(log.close)
        self.addCleanup(lambda: show.poll() is None and (show.kill(), show.wait()))
        return show, log

    def said(self, log):
        log.seek(0)
        return log.read().decode("utf-8", "replace")

    def status(self, name):
        return reverie("status", "--json", "--set", "show.state_dir=" + self.folder.path("shows", name), cwd=self.folder.name)

    def until(self, condition, what, seconds=90):
        end = time.monotonic() + seconds
        while not (found := condition()):
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.2)
        return found

    def recordings(self, name):
        return glob.glob(self.folder.path("shows", name, "recordings", "*.mp4"))

    def test_two_side_by_side(self):
        ports = free_ports(2)
        shows = {name: self.start(name, port) for name, port in zip(("ann", "bob"), ports)}
        for name in shows:
            self.until(lambda name=name: "now" in json.loads(self.status(name).stdout or "{}"), name)
            self.until(lambda name=name: self.recordings(name), name)
        for (name, (show, log)), port in zip(shows.items(), ports):
            text = self.said(log)
            with socket.create_connection(("127.0.0.1", port), timeout=5):
                pass
            show.terminate()
            self.assertEqual(show.wait(30), 0, text)
            files = {os.path.relpath(path, self.folder.path("shows", name))
                     for path in glob.glob(self.folder.path("shows", name, "**"), recursive=True)}
            self.assertIn("reverie.db", files)
            self.assertIn("dream.snapshot", files)
            other = "bob" if name == "ann" else "ann"
            self.assertNotIn("shows/%s/" % other, text)
            for line in (line for line in text.splitlines() if " warn " in line or " error " in line):
                self.assertTrue(any(words in line for words in ALARMS_AT_LEAST_THEIRS), line)
        self.assertEqual(sorted(os.listdir(self.folder.path("shows"))), ["ann", "bob"])

    def test_what_two_have_in_common_is_told(self):
        one, two = free_ports(2)
        first, _ = self.start("ann", one)
        self.until(lambda: "now" in json.loads(self.status("ann").stdout or "{}"), "ann")
        second, log = self.start("ann", two)
        self.assertEqual(second.wait(60), 1)
        self.assertRegex(self.said(log), r"another show keeps its state there; choose another show\.state_dir")
        third, log = self.start("bob", one)
        self.until(lambda: "Choose another web.port" in self.said(log), "a word about the port")
        self.until(lambda: "now" in json.loads(self.status("bob").stdout or "{}"), "bob")
        for show in (first, third):
            show.terminate()
            self.assertEqual(show.wait(30), 0)

    def test_the_file_is_sound(self):
        done = reverie("run", "-c", MANY, "--print-config")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for line in ("threads: 1", "port: 8081", "state_dir: shows/ann", "dir: shows/ann/recordings"):
            self.assertIn("  " + line + "\n", done.stdout)


if __name__ == "__main__":
    unittest.main()
