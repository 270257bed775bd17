"""SRT against ffmpeg as the listener: encrypted, with a wrong passphrase, and when the listener goes and comes back."""
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import outputs as o


@unittest.skipUnless(o.FFMPEG and o.FFPROBE, "ffmpeg is not installed")
class Srt(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="reverie-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def test_encrypted_into_ffmpeg(self):
        port = o.free_port(o.socket.SOCK_DGRAM)
        url = "srt://127.0.0.1:%d" % port
        out = os.path.join(self.folder, "got.ts")
        server = subprocess.Popen([o.FFMPEG, "-v", "error", "-y", "-i",
                                   url + "?mode=listener&passphrase=0123456789&pbkeylen=16", "-c", "copy", out],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: server.poll() is None and (server.kill(), server.wait()))
        time.sleep(1)
        show = o.Show(self, self.folder, "  - {kind: srt, name: studio, url: '%s', latency_ms: 200}\n" % url,
                      REVERIE_OUTPUTS_STUDIO_PASSPHRASE="0123456789")
        show.wait(r"studio: on the air: srt://127\.0\.0\.1:%d" % port)
        time.sleep(3)
        show.stop()
        self.assertNotIn("0123456789", show.log())
        server.wait(20)
        self.assertEqual(o.probe(out, "-show_entries", "stream=codec_name")[:2], ["h264", "aac"])
        self.assertTrue(o.gaps(out, 5) == [] or show.left_out())

    def listen(self, url):
        server = subprocess.Popen([o.FFMPEG, "-v", "error", "-i", url + "?mode=listener", "-f", "null", "-"],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: server.poll() is None and (server.kill(), server.wait()))
        return server

    def test_it_comes_back(self):
        url = "srt://127.0.0.1:%d" % o.free_port(o.socket.SOCK_DGRAM)
        server = self.listen(url)
        time.sleep(1)
        show = o.Show(self, self.folder, "  - {kind: srt, name: studio, url: '%s', latency_ms: 100}\n" % url)
        show.wait(r"studio: on the air")
        server.kill()
        server.wait()
        began = time.monotonic()
        show.wait(r"warn +studio: .*off the air", 30)
        self.assertLess(time.monotonic() - began, 12)
        self.listen(url)
        show.wait(r"off the air[\s\S]*studio: on the air", 60)

    def test_with_a_wrong_passphrase_is_never_on_the_air(self):
        url = "srt://127.0.0.1:%d" % o.free_port(o.socket.SOCK_DGRAM)
        server = subprocess.Popen([o.FFMPEG, "-v", "error", "-i", url + "?mode=listener&passphrase=0123456789", "-f",
                                   "null", "-"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: server.poll() is None and (server.kill(), server.wait()))
        time.sleep(1)
        show = o.Show(self, self.folder, "  - {kind: srt, name: studio, url: '%s'}\n" % url,
                      REVERIE_OUTPUTS_STUDIO_PASSPHRASE="another one")
        show.wait(r"warn +studio: srt://127\.0\.0\.1:\d+: cannot connect", 30)
        time.sleep(7)
        self.assertNotIn("on the air:", show.log())
        self.assertNotIn("another one", show.log())


if __name__ == "__main__":
    unittest.main()
