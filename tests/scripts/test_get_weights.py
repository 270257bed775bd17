"""scripts/get-weights against a server on this machine: resuming, refusing, renaming."""
import contextlib
import hashlib
import http.server
import os
import shutil
import subprocess
import tempfile
import threading
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONTENT = bytes(range(256)) * 400


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT; /plain ignores ranges, /short ends half way, /other has other bytes, /long more of them."""
    ranges = []

    def do_GET(self):
        body, start = CONTENT, 0
        if self.path == "/other":
            body = CONTENT[:-1] + b"x"
        if self.path == "/long":
            body = CONTENT + b"x"
        wanted = self.headers.get("Range")
        Handler.ranges.append(wanted)
        if self.path == "/missing":
            self.send_error(404)
            return
        if wanted and self.path != "/plain":
            start = int(wanted.split("=")[1].split("-")[0])
            if start >= len(body):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", "bytes %d-%d/%d" % (start, len(body) - 1, len(body)))
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        end = len(body) // 2 if self.path == "/short" and not wanted else len(body)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body[start:end])

    def log_message(self, *_):
        pass


@unittest.skipUnless(shutil.which("curl"), "curl is not installed")
class GetWeights(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        self.folder = tempfile.mkdtemp(prefix="reverie-test-")
        Handler.ranges = []

    def tearDown(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        shutil.rmtree(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def run_script(self, page, *more, size=len(CONTENT), algorithm="sha256"):
        with open(self.path("table"), "w", encoding="ascii") as f:
            f.write("net|net.bin|%s|%s:%s|A licence|http://127.0.0.1:%d%s\n" %
                    (size, algorithm, hashlib.new(algorithm, CONTENT).hexdigest(), self.server.server_port, page))
        env = dict(os.environ, REVERIE_WEIGHTS_TABLE=self.path("table"), no_proxy="127.0.0.1")
        return subprocess.run([os.path.join(ROOT, "scripts", "get-weights"), *(more or ("net",)), "--dir",
                               self.path("w")], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60, check=False, text=True)

    def kept(self):
        return sorted(os.listdir(self.path("w")))

    def good(self, p):
        self.assertEqual((p.returncode, p.stdout), (0, self.path("w/net.bin") + "\n"), p.stderr)
        self.assertEqual(self.kept(), ["net.bin"])
        with open(self.path("w/net.bin"), "rb") as f:
            self.assertEqual(f.read(), CONTENT)

    def test_fetches_checks_and_says_the_licence(self):
        for algorithm, size in (("sha256", len(CONTENT)), ("sha1", "-")):
            p = self.run_script("/", algorithm=algorithm, size=size)
            self.good(p)
            self.assertIn("A licence", p.stderr)
            os.unlink(self.path("w/net.bin"))
        self.good(self.run_script("/"))
        asked = len(Handler.ranges)
        self.assertIn("there already", self.run_script("/").stderr)
        self.assertEqual(len(Handler.ranges), asked)

    def test_goes_on_where_the_last_try_stopped(self):
        p = self.run_script("/short", size="-")
        if p.returncode:  # curl retries by itself where it can
            self.assertEqual(self.kept(), ["net.bin.part"])
            p = self.run_script("/short", size="-")
        self.good(p)
        self.assertIn("bytes=%d-" % (len(CONTENT) // 2), Handler.ranges)

    def test_begins_anew_where_nothing_resumes(self):
        os.mkdir(self.path("w"))
        with open(self.path("w/net.bin.part"), "wb") as f:
            f.write(b"something else")
        self.good(self.run_script("/plain"))
        os.unlink(self.path("w/net.bin"))
        for size in ("-", len(CONTENT)):  # all of it is here already
            with open(self.path("w/net.bin.part"), "wb") as f:
                f.write(CONTENT)
            self.good(self.run_script("/", size=size))
            os.unlink(self.path("w/net.bin"))

    def test_keeps_nothing_that_differs(self):
        for page, size in (("/other", len(CONTENT)), ("/other", "-"), ("/long", len(CONTENT)), ("/long", "-"),
                           ("/", len(CONTENT) + 1)):
            p = self.run_script(page, size=size)
            self.assertEqual((p.returncode, p.stdout), (1, ""))
            self.assertIn("Nothing was kept", p.stderr)
            self.assertEqual(self.kept(), [])

    def test_an_old_file_stays_until_the_new_one_is_right(self):
        os.mkdir(self.path("w"))
        with open(self.path("w/net.bin"), "wb") as f:
            f.write(b"old")
        self.assertEqual(self.run_script("/other").returncode, 1)
        with open(self.path("w/net.bin"), "rb") as f:
            self.assertEqual(f.read(), b"old")
        self.good(self.run_script("/"))

    def test_says_what_is_missing(self):
        p = self.run_script("/missing")
        self.assertEqual(p.returncode, 1)
        self.assertIn("404", p.stderr)
        self.assertEqual(self.run_script("/", "nothing").returncode, 2)
        self.assertEqual(self.run_script("/", "net", "--from").returncode, 2)
        self.assertEqual(self.run_script("/", "net", "--from", self.path("none")).returncode, 1)

    def test_takes_a_file_that_is_here(self):
        with open(self.path("mine"), "wb") as f:
            f.write(CONTENT)
        self.good(self.run_script("/", "net", "--from", self.path("mine")))
        self.assertTrue(os.path.exists(self.path("mine")))
        os.unlink(self.path("w/net.bin"))
        with open(self.path("mine"), "ab") as f:
            f.write(b"x")
        p = self.run_script("/", "net", "--from", self.path("mine"))
        self.assertEqual((p.returncode, self.kept()), (1, []))
        self.assertEqual(Handler.ranges, [])

    def test_the_real_table_is_whole(self):
        env = {k: v for k, v in os.environ.items() if k != "REVERIE_WEIGHTS_TABLE"}
        p = subprocess.run([os.path.join(ROOT, "scripts", "get-weights"), "--help"], env=env, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, check=False, text=True)
        self.assertEqual(p.returncode, 0)
        for name in ("vgg16", "vgg19", "vgg16-timm", "vgg16-oxford", "vgg16-robust"):
            self.assertIn("  " + name + " ", p.stderr)


if __name__ == "__main__":
    unittest.main()
