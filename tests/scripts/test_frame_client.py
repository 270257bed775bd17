"""scripts/frame-client: its buttons, what it keeps, and that a server may come and go; against a small server of the
test's own, and against the program."""
import http.server
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLIENT = os.path.join(ROOT, "scripts", "frame-client")
TOKEN = "0123456789abcdef0123456789abcdef"


def png(grey):
    """A picture of one pixel."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(bytes([0, grey]))) + chunk(b"IEND", b""))


class Server:
    """Notes what it is asked and answers as told. Each wish is ready at the second question."""

    def __init__(self, port=0):
        self.asked, self.wishes, self.status, self.location = [], [], {}, None
        self.pictures = 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def answer(self, status, data=b"", kind="application/json"):
                self.send_response(status)
                if status in (301, 302, 307):
                    self.send_header("Location", outer.location)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Reverie-Subject", "goldfish")
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self):
                outer.asked.append(("GET", self.path, self.headers.get("Authorization")))
                if "picture" in outer.status:
                    self.answer(outer.status["picture"], b"{}")
                elif "id=" in self.path and sum(1 for a in outer.asked if a[1] == self.path) < 2:
                    self.answer(202, b"{}")
                else:
                    outer.pictures += 1
                    self.answer(200, png(outer.pictures), "image/png")

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append(("POST", self.path, self.headers.get("Authorization")))
                if "wish" in outer.status:
                    self.answer(outer.status["wish"], json.dumps({"reply": "no such thing"}).encode())
                    return
                outer.wishes.append(body)
                self.answer(202, json.dumps({"id": len(outer.wishes), "reply": "coming"}).encode())

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


class Frame:
    """A running client in a folder of its own, whose screen is a file that lists what was shown."""

    def __init__(self, port, *args):
        self.folder = tempfile.TemporaryDirectory(prefix="reverie-test-")
        token = os.path.join(self.folder.name, "token")
        with open(os.open(token, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write(TOKEN + "\n")
        self.shown_path = os.path.join(self.folder.name, "shown")
        screen = os.path.join(self.folder.name, "screen")
        with open(os.open(screen, os.O_WRONLY | os.O_CREAT, 0o700), "w", encoding="ascii") as f:
            f.write("#!/bin/sh\necho \"$1 $(cksum < \"$1\")\" >> %s\n" % self.shown_path)
        self.album = os.path.join(self.folder.name, "album")
        self.process = subprocess.Popen(
            [sys.executable, CLIENT, "--server", "http://127.0.0.1:%d" % port, "--token-file", token, "--name", "desk",
             "--folder", self.album, "--show", screen, "--pause", "0", "--poll", "0.1", "--first-retry", "0.2", *args],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.said = []
        threading.Thread(target=lambda: self.said.extend(self.process.stderr), daemon=True).start()

    def press(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def shown(self):
        if not os.path.exists(self.shown_path):
            return []
        with open(self.shown_path, encoding="ascii") as f:
            return f.read().splitlines()

    def heard(self, text):
        return any(text in line for line in self.said)

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.process.stdin.close()
        self.folder.cleanup()


class Buttons(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.texts = tempfile.NamedTemporaryFile("w", suffix=".txt")
        self.texts.write("# mine\nking penguin\n\npizza + goldfish\n")
        self.texts.flush()
        self.frame = Frame(self.server.port, "--texts", self.texts.name, "--size", "400x300", "--keep", "3")

    def tearDown(self):
        self.frame.close()
        self.server.close()
        self.texts.close()

    def press(self, text, shown):
        self.frame.press(text)
        self.assertTrue(wait_for(lambda: len(self.frame.shown()) == shown), self.frame.said)

    def test_each(self):
        self.assertTrue(wait_for(lambda: len(self.frame.shown()) == 1))  # the newest, at the start
        for i, what in enumerate(("a", "b", "c", "c", "a king cobra")):
            self.press(what, i + 2)
        self.assertEqual([(w["do"], w.get("text")) for w in self.server.wishes],
                         [("again", None), ("random", None), ("text", "king penguin"), ("text", "pizza + goldfish"),
                          ("text", "a king cobra")])
        self.assertEqual({w["name"] for w in self.server.wishes}, {"desk"})
        self.assertEqual(self.server.wishes[0]["ready"], {"seen": 0.25, "at_most_s": 60})
        self.assertEqual({a[2] for a in self.server.asked}, {"Bearer " + TOKEN})
        pictures = [a[1] for a in self.server.asked if "id=5" in a[1]]
        self.assertEqual(len(pictures), 2)  # it waited for it
        for part in ("/frame.png?", "width=400", "height=300", "palette=inky7", "fit=cover"):
            self.assertIn(part, pictures[0])
        self.assertEqual(len(set(self.frame.shown())), 6)
        self.assertEqual(sorted(os.listdir(self.frame.album)), ["00000004.png", "00000005.png", "00000006.png", "newest.png"])

    def test_refusals_are_said_and_nothing_is_shown(self):
        self.assertTrue(wait_for(lambda: len(self.frame.shown()) == 1))
        self.server.status["wish"] = 422
        self.frame.press("qwertz")
        self.assertTrue(wait_for(lambda: self.frame.heard("no such thing")))
        del self.server.status["wish"]
        self.server.status["picture"] = 410
        self.frame.press("b")
        self.assertTrue(wait_for(lambda: self.frame.heard("410")))
        del self.server.status["picture"]
        self.press("b", 2)

    def test_automatic(self):
        self.assertTrue(wait_for(lambda: len(self.frame.shown()) == 1))
        self.press("d", 2)
        self.assertTrue(self.frame.heard("automatic is on"))
        self.assertIn(self.server.wishes[0]["do"], ("again", "random"))

    def test_token_goes_nowhere_else(self):
        other = Server()
        self.server.location = "http://127.0.0.1:%d/frame.png" % other.port
        self.server.status["picture"] = 302
        self.frame.press("b")
        self.assertTrue(wait_for(lambda: self.frame.heard("302")))
        self.assertEqual(other.asked, [])
        other.close()


class Away(unittest.TestCase):
    def test_server_goes_and_comes(self):
        server = Server()
        frame = Frame(server.port, "--every", "0.02")
        try:
            self.assertTrue(wait_for(lambda: len(frame.shown()) == 1))
            for i in range(2):
                frame.press("b")
                self.assertTrue(wait_for(lambda n=i: len(frame.shown()) == n + 2), frame.said)
            port = server.port
            server.close()
            frame.press("king penguin")
            self.assertTrue(wait_for(lambda: frame.heard("the server is away")))
            self.assertTrue(wait_for(lambda: len(frame.shown()) >= 5), frame.said)  # kept ones, in turn
            kept = {line.split()[0] for line in frame.shown()[3:]}
            self.assertTrue(all(os.path.basename(k)[0] == "0" for k in kept))
            self.assertGreater(len(kept), 1)
            server = Server(port)
            self.assertTrue(wait_for(lambda: server.wishes), frame.said)
            self.assertEqual(server.wishes[0]["text"], "king penguin")  # the press was not lost
            self.assertTrue(wait_for(lambda: frame.heard("there again")))
            self.assertEqual(sum("is away" in line for line in frame.said), 1)
        finally:
            frame.close()
            server.close()

    def test_faults_at_the_start(self):
        with tempfile.TemporaryDirectory() as folder:
            token = os.path.join(folder, "token")
            with open(token, "w", encoding="ascii") as f:
                f.write(TOKEN)
            os.chmod(token, 0o644)
            for args, text in ((["--token-file", token], "chmod 600"), (["--token-file", folder + "/none"], "none"),
                               (["--texts", folder + "/none"], "none"), (["--size", "3"], "WIDTHxHEIGHT"),
                               (["--name", "a b"], "letters"), (["--server", "ftp://x"], "http")):
                p = subprocess.run([sys.executable, CLIENT, "--folder", folder, *args], stdin=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True, timeout=60, check=False)
                self.assertNotEqual(p.returncode, 0)
                self.assertIn(text, p.stderr)
                self.assertNotIn("Traceback", p.stderr)


@unittest.skipIf(os.environ.get("SANITIZER"), "the client is the same")
class WithReverie(unittest.TestCase):
    def test_a_press_becomes_a_picture(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        show = subprocess.Popen(
            [os.environ["REVERIE"], "run", "--set", "web.port=%d" % port, "--set", "dream.size=128x128", "--set", "dream.steps=2",
             "--set", "video.size=320x180", "--set", "record.enabled=false", "--set", "show.state_dir="],
            env=dict(os.environ, REVERIE_WEB_TOKEN=TOKEN), stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        frame = Frame(port, "--size", "212x104", "--at-most", "2")
        try:
            self.assertTrue(wait_for(lambda: len(frame.shown()) == 1), frame.said)
            frame.press("goldfish")
            self.assertTrue(wait_for(lambda: frame.heard("here it is: goldfish"), 90), frame.said)
            with open(os.path.join(frame.album, "newest.png"), "rb") as f:
                head = f.read(33)
            width, height, depth, colour = struct.unpack(">IIBB", head[16:26])
            self.assertEqual((width, height, colour), (212, 104, 3))  # indices of inks
            self.assertLessEqual(depth, 8)
        finally:
            frame.close()
            show.terminate()
            show.wait(timeout=60)


if __name__ == "__main__":
    unittest.main()
