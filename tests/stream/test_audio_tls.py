"""Sound over https: every connection is looked at, also those that a playlist leads to.

The authorities of the system are asked, so the show runs in mounts of its own, where a certificate of the test's is the only
one that the system knows."""
import http.server
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from test_audio import REVERIE, SETTINGS  # noqa: E402

SYSTEM = "/etc/ssl/certs/ca-certificates.crt"
TRUSTING = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", 'mount --bind "$0" %s && exec "$@"' % SYSTEM]


def can_mount():
    try:
        return subprocess.run([*TRUSTING, "/dev/null", "true"], stderr=subprocess.DEVNULL, timeout=20, check=False).returncode == 0
    except FileNotFoundError:
        return False


class Server:
    """Answers by path, over TLS; from the `changes_after`-th request on with a certificate that nobody knows."""

    def __init__(self, good, bad, answers, changes_after):
        self.asked, server = [], self
        contexts = [ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for _ in (good, bad)]
        for context, (certificate, key) in zip(contexts, (good, bad)):
            context.load_cert_chain(certificate, key)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                server.asked.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(answers[self.path])))
                self.end_headers()
                self.wfile.write(answers[self.path])

            def log_message(self, *_):
                pass

        class Http(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def finish_request(self, request, client_address):
                context = contexts[len(server.asked) >= changes_after]
                with context.wrap_socket(request, server_side=True) as secured:
                    super().finish_request(secured, client_address)

            def handle_error(self, *_):
                pass  # a client that hangs up during the handshake, which is what is wanted

        self.http = Http(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def url(self, path):
        return "https://localhost:%d%s" % (self.http.server_address[1], path)

    def close(self):
        self.http.shutdown()
        self.http.server_close()


@unittest.skipUnless(shutil.which("ffmpeg") and shutil.which("openssl"), "ffmpeg and openssl make what is served")
@unittest.skipUnless(can_mount(), "no user namespaces with mounts here")
class Tls(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="reverie-test-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.good, self.bad = self.certificate("good"), self.certificate("bad")
        part = os.path.join(self.folder, "part.ts")
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=3", "-c:a", "aac", part], check=True)
        with open(part, "rb") as f:
            self.answers = {"/list.m3u8": b"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\npart.ts\n#EXT-X-ENDLIST\n",
                            "/part.ts": f.read()}

    def certificate(self, name):
        files = [os.path.join(self.folder, name + end) for end in (".pem", ".key")]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-out", files[0], "-keyout", files[1]],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return files

    def play(self, path, changes_after):
        """What was asked for, and what the show said of it."""
        server = Server(self.good, self.bad, self.answers, changes_after)
        self.addCleanup(server.close)
        argv = [*TRUSTING, self.good[0], REVERIE, "run", "--duration", "3"]
        for s in [*SETTINGS, "audio.source=" + server.url(path)]:
            argv += ["--set", s]
        p = subprocess.run(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=120, check=False, cwd=self.folder)
        log = p.stderr.decode("utf-8", "replace")
        self.assertEqual(p.returncode, 0, log)
        return server.asked, log

    def test_what_the_system_knows_plays(self):
        asked, log = self.play("/list.m3u8", 1000)
        self.assertNotRegex(log, "audio: ")
        self.assertIn("/part.ts", asked)

    def test_a_source_that_nobody_knows_is_not_asked(self):
        asked, log = self.play("/part.ts", 0)
        self.assertEqual(asked, [])
        self.assertRegex(log, "warn +audio: cannot play ")

    def test_nor_is_a_part_that_a_known_playlist_leads_to(self):
        asked, log = self.play("/list.m3u8", 1)
        self.assertEqual(set(asked), {"/list.m3u8"}, log)
        self.assertTrue(re.search("warn +audio: ", log), log)


if __name__ == "__main__":
    unittest.main()
