"""What the log says of a live stream is what nginx-rtmp sees: on the air, off it, refused, and a line that is too thin.

nginx with its RTMP module is Debian's nginx-core and libnginx-mod-rtmp; everything is on the loopback device."""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from ingest import IS_THERE, Nginx, Proxy, free_port

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "app"))
from program import left_out  # noqa: E402

REVERIE = os.environ["REVERIE"]
SETTINGS = ["dream.backend=null", "dream.size=64x64", "record.enabled=false", "show.state_dir=", "web.enabled=false",
            "video.size=320x180", "video.preset=ultrafast", "rtmp.enabled=true"]


class Show:
    def __init__(self, folder, url, *settings):
        self.path = os.path.join(folder, "log")
        argv = [REVERIE, "run", "--duration", "120"]
        for s in [*SETTINGS, "rtmp.url=" + url, *settings]:
            argv += ["--set", s]
        env = dict(os.environ, REVERIE_RTMP_STREAM_KEY="live_secret_0123")
        with open(self.path, "wb") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)

    def log(self):
        with open(self.path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait(self, pattern, seconds=40):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.log()):
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError("never said: %s\n%s" % (pattern, self.log()))
            time.sleep(0.1)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(10)


class Behind:
    """How far the FLV files that nginx writes into `folder` are behind the clock: the end of the newest one against the time since
    its beginning, so all that counts is how that changes."""

    def __init__(self, folder):
        self.path = max((os.path.join(folder, n) for n in os.listdir(folder) if n.endswith(".flv")), key=os.path.getmtime)
        self.at, self.media_s, self.began, self.worst_s = 13, 0.0, time.monotonic(), -1e9

    def look(self):
        """Reads on, tag by tag: type, length of the body, time in ms, and behind the body the length of it all."""
        with open(self.path, "rb") as f:
            f.seek(self.at)
            data = f.read()
        at = 0
        while at + 11 <= len(data):
            size = int.from_bytes(data[at + 1:at + 4], "big")
            if at + 11 + size + 4 > len(data):
                break
            self.media_s = (int.from_bytes(data[at + 4:at + 7], "big") + (data[at + 7] << 24)) / 1000
            at += 11 + size + 4
        self.at += at
        self.worst_s = max(self.worst_s, time.monotonic() - self.began - self.media_s)

    def watch(self, seconds, until=None):
        """For so long, or until that holds: then how long it took; None: it never did."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            self.look()
            if until and until():
                return time.monotonic() - began
            time.sleep(0.05)
        return None


@unittest.skipUnless(IS_THERE, "nginx with its RTMP module is not installed")
class Truth(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="reverie-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.nginx = Nginx(self.folder, free_port())
        self.addCleanup(self.nginx.stop)

    def show(self, url, *settings):
        show = Show(self.folder, url, *settings)
        self.addCleanup(show.stop)
        return show

    def test_on_the_air_off_it_and_back(self):
        show = self.show("RTMP://127.0.0.1:%d/app" % self.nginx.port)  # the scheme in capitals, as some paste it
        show.wait(r"connected to rtmp://127\.0\.0\.1")
        self.assertNotIn("on the air:", show.log())
        began = time.monotonic()
        show.wait(r"on the air: rtmp")
        self.assertGreater(time.monotonic() - began, 2)
        self.nginx.stop()
        show.wait(r"warn +rtmp: rtmp://127\.0\.0\.1: off the air, the connection broke")
        time.sleep(1)
        self.nginx.start()
        show.wait(r"off the air[\s\S]*on the air: rtmp", 60)
        self.assertNotIn("live_secret_0123", show.log())

    def test_a_refused_stream_is_never_on_the_air(self):
        show = self.show("rtmp://127.0.0.1:%d/deny" % self.nginx.port)
        show.wait(r"warn +rtmp: [\s\S]*warn +rtmp: .*dislikes the stream key|"
                  r"warn +rtmp: .*refused the stream; it may not know the application or the key")
        time.sleep(5)
        self.assertNotIn("on the air:", show.log())

    def test_an_unknown_application_is_said(self):
        show = self.show("rtmp://127.0.0.1:%d/nosuch" % self.nginx.port)
        show.wait(r"warn +rtmp: .*(refused the stream; it may not know the application|dislikes the stream key)")
        self.assertNotIn("on the air:", show.log())

    def test_a_thin_line_gets_fewer_bits(self):
        """The line carries half of the bit rate, and then all of it again. What is late is seen by the server: how far the media
        that it has recorded are behind the clock, more than they were before."""
        proxy = Proxy(self.nginx.port)
        self.addCleanup(proxy.listener.close)
        show = self.show("rtmp://127.0.0.1:%d/app" % proxy.port, "video.bitrate_kbps=2000", "video.bitrate_floor_kbps=300")
        show.wait(r"on the air")
        behind = Behind(self.folder)
        behind.watch(3)
        usual_s = behind.worst_s
        proxy.rate = 1000e3 / 8
        adapts_s = behind.watch(30, lambda: re.search(r"warn +stream: the line is too thin for 2000 kbit/s: going on with \d+", show.log()))
        behind.watch(6)
        late_s = behind.worst_s - usual_s
        proxy.rate = None
        back_s = behind.watch(60, lambda: "the line carries 2000 kbit/s again" in show.log())
        off_the_air = "off the air" in show.log()
        show.stop()
        if slow := left_out(show.log()):
            self.skipTest("a machine that leaves %d frames out is too slow to measure this" % slow)
        figures = "adapted after %s s, %.1f s late, back after %s s\n" % (adapts_s, late_s, back_s) + show.log()
        self.assertFalse(off_the_air, figures)
        self.assertLessEqual(adapts_s or 1e9, 8, figures)  # 3 s; 5 are promised
        self.assertLessEqual(late_s, 3.5, figures)  # 1.8 to 2 s; 2.5 are promised
        self.assertLessEqual(back_s or 1e9, 40, figures)  # 19 s; 30 are promised


if __name__ == "__main__":
    unittest.main()
