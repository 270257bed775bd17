"""Where the sound comes from, in a whole show: sources that are down, stop, or lead elsewhere; folders and playlists."""
import http.server
import io
import math
import os
import re
import resource
import shutil
import struct
import subprocess
import tempfile
import threading
import time
import unittest
import wave

REVERIE = os.environ["REVERIE"]
SETTINGS = ["dream.backend=null", "dream.size=64x64", "record.enabled=false", "web.enabled=false", "show.state_dir=",
            "video.size=64x64", "video.preset=ultrafast"]


def sine(seconds):
    out = io.BytesIO()
    with wave.open(out, "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(8000)
        w.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(i / 3))) for i in range(int(8000 * seconds))))
    return out.getvalue()


class Server:
    """Counts what it is asked for, and answers by path: (code, headers, body), or a function of the handler."""

    def __init__(self, answers):
        self.asked, server = [], self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                server.asked.append(self.path)
                answer = answers[self.path]
                if callable(answer):
                    return answer(self)
                code, headers, body = answer
                self.send_response(code)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                return None

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def url(self, path):
        return "http://127.0.0.1:%d%s" % (self.port, path)

    def close(self):
        self.http.shutdown()
        self.http.server_close()


def flood(beginning, piece):
    """Sends without an end."""
    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            handler.wfile.write(beginning)
            while True:
                handler.wfile.write(piece)
        except OSError:
            pass
    return answer


class Audio(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="reverie-test-")
        self.addCleanup(shutil.rmtree, self.folder)

    def serve(self, answers):
        server = Server(answers)
        self.addCleanup(server.close)
        return server

    def show(self, source, seconds, *settings):
        argv = [REVERIE, "run", "--duration", str(seconds)]
        for s in [*SETTINGS, "audio.source=" + source, *settings]:
            argv += ["--set", s]
        p = subprocess.run(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=120, check=False, cwd=self.folder)
        self.assertEqual(p.returncode, 0, p.stderr)
        return p.stderr.decode("utf-8", "replace")

    def put(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def test_a_server_that_is_down_is_asked_seldom_and_told_once(self):
        server = self.serve({"/x": (503, {}, b"")})
        log = self.show(server.url("/x"), 8)
        self.assertIn(len(server.asked), (3, 4, 5))  # at 0, 1, 3 and 7 s, each wait by a quarter more or less
        self.assertEqual(len(re.findall(r"warn +audio: ", log)), 1, log)
        self.assertRegex(log, r"warn +audio: cannot play .*5[0-9]*.*audio\.source")

    def test_a_missing_file_is_told_once_and_told_when_it_comes(self):
        path = os.path.join(self.folder, "late.wav")
        timer = threading.Timer(1.5, lambda: self.put("late.wav", sine(0.5)))
        timer.start()
        log = self.show(path, 6)
        self.assertEqual(len(re.findall(r"warn +audio: cannot play .*No such file", log)), 1, log)
        self.assertEqual(len(re.findall(r"info +audio: the sound is back after \d+ s", log)), 1, log)

    def test_the_synth_needs_no_source_and_is_the_same_offline(self):
        digests = []
        settings = [*SETTINGS, "audio.source=synth", "md5.enabled=true", "md5.file=%s/md5" % self.folder]
        for _ in range(2):
            p = subprocess.run([REVERIE, "run", "--offline", "--seed", "1", "--duration", "5",
                                *[word for s in settings for word in ("--set", s)]], stdin=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, timeout=120, check=False)
            self.assertEqual(p.returncode, 0, p.stderr)
            with open(self.folder + "/md5", encoding="utf-8") as f:
                digests.append(re.search(r"audio=(\w+)", f.read()).group(1))
        self.assertEqual(digests[0], digests[1])
        self.assertNotRegex(self.show("synth", 2), r"audio: ")

    def test_a_stall_is_told_and_so_is_its_end(self):
        def stalls(handler):
            handler.send_response(200)
            handler.end_headers()
            data = sine(20)
            try:
                handler.wfile.write(data[:16000 * 4])
                time.sleep(7)
                handler.wfile.write(data[16000 * 4:])
            except OSError:
                pass
        server = self.serve({"/radio.wav": stalls})
        log = self.show(server.url("/radio.wav"), 12)
        self.assertEqual(len(re.findall(r"warn +audio: cannot play .*it sends nothing", log)), 1, log)
        self.assertEqual(len(re.findall(r"info +audio: the sound is back", log)), 1, log)

    def test_folder_and_playlist_are_played_and_what_cannot_be_is_left_out(self):
        self.put("a.wav", sine(0.3))
        self.put("b.wav", b"no sound at all")
        self.put("cover.jpg", b"")
        playlist = self.put("list.m3u", b"#EXTM3U\na.wav\nmissing.wav\n")
        for source, fault in ((self.folder, r"left out .*/b\.wav"), (playlist, r"left out .*/missing\.wav.*No such file")):
            log = self.show(source, 2, "record.enabled=true", "record.dir=" + self.folder + "/rec")
            self.assertEqual(len(re.findall(r"warn +audio: ", log)), 1, log)
            self.assertRegex(log, fault)
        if shutil.which("ffmpeg"):
            for name in os.listdir(self.folder + "/rec"):
                if name.endswith(".mp4"):
                    out = subprocess.run(["ffmpeg", "-i", self.folder + "/rec/" + name, "-af", "volumedetect", "-vn", "-f", "null", "-"],
                                         stderr=subprocess.PIPE, check=True).stderr.decode()
                    self.assertGreater(float(re.search(r"mean_volume: (-?[\d.]+)", out).group(1)), -25)

    def test_files_that_only_name_other_files_are_no_sound(self):
        with open(os.path.join(self.folder, "inside.wav"), "wb") as f:
            f.write(sine(3))
        for text in ("ffconcat version 1.0\nfile inside.wav\n",
                     "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\ninside.wav\n#EXT-X-ENDLIST\n",
                     "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n"):
            path = os.path.join(self.folder, "outside.wav")
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            self.assertRegex(self.show(path, 2), "cannot play")

    def test_a_playlist_leads_to_no_other_place_of_this_machine(self):
        inner = self.serve({"/seg.wav": (200, {}, sine(3))})
        outer = self.serve({
            "/list.m3u8": (200, {}, ("#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n%s\n#EXT-X-ENDLIST\n" %
                                     inner.url("/seg.wav")).encode()),
            "/moved.wav": (302, {"Location": inner.url("/seg.wav")}, b"")})
        log = self.show(outer.url("/list.m3u8"), 3)
        self.assertEqual(inner.asked, [])
        self.assertRegex(log, r"cannot play .*leads to http://127\.0\.0\.1:%d, which is on this machine" % inner.port)
        log = self.show(outer.url("/moved.wav"), 3)
        self.assertRegex(log, r"cannot play .*leads to http://127\.0\.0\.1:%d, which is on this machine" % inner.port)
        self.assertEqual(inner.asked, [])  # it was looked at before it was asked

    def test_a_long_name_before_the_host_hides_it_from_nobody(self):
        """Cut off after 255 bytes it would read as the place that audio.source names."""
        inner = self.serve({"/seg.wav": (200, {}, sine(3))})
        answers = {}
        outer = self.serve(answers)
        to = "http://127.0.0.1:%d%s@127.0.0.1:%d/seg.wav" % (outer.port, "x" * 300, inner.port)
        answers["/moved.wav"] = (302, {"Location": to}, b"")
        log = self.show(outer.url("/moved.wav"), 3)
        self.assertRegex(log, r"cannot play .*which is no http or https address")
        self.assertNotIn("xxxx", log)
        self.assertEqual(inner.asked, [])

    def test_a_playlist_of_the_same_place_plays(self):
        ts = os.path.join(self.folder, "seg.ts")
        if not shutil.which("ffmpeg"):
            self.skipTest("ffmpeg is not installed")
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=3", "-c:a", "aac", ts], check=True)
        with open(ts, "rb") as f:
            part = f.read()
        server = self.serve({"/moved.m3u8": (302, {"Location": "/deep/list.m3u8"}, b""), "/deep/seg.ts": (200, {}, part),
                             "/deep/list.m3u8": (200, {}, b"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nseg.ts\n#EXT-X-ENDLIST\n")})
        log = self.show(server.url("/moved.m3u8"), 3)
        self.assertNotRegex(log, r"audio: ")
        self.assertIn("/deep/seg.ts", server.asked)

    def test_a_playlist_of_parts_that_are_not_there_is_no_storm(self):
        parts = "".join("#EXTINF:3,\n%d.ts\n" % i for i in range(1000))
        server = self.serve({"/x.m3u8": (200, {}, ("#EXTM3U\n#EXT-X-TARGETDURATION:3\n%s#EXT-X-ENDLIST\n" % parts).encode()),
                             **{"/%d.ts" % i: (404, {}, b"") for i in range(1000)}})
        log = self.show(server.url("/x.m3u8"), 4)
        self.assertLess(len(server.asked), 4 * 65 + 1)
        self.assertRegex(log, r"cannot play ")

    def test_an_endless_playlist_takes_no_memory(self):
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        server = self.serve({"/x.m3u8": flood(b"#EXTM3U\n#EXT-X-TARGETDURATION:3\n", b"#EXTINF:3,\nx.ts\n" * 4096)})
        log = self.show(server.url("/x.m3u8"), 5)
        self.assertRegex(log, r"cannot play .*more than 2 MB of playlist")
        if not os.environ.get("SANITIZER"):
            self.assertLess(max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss), 250 * 1024)  # kB

    def test_an_endless_table_of_a_movie_takes_no_memory(self):
        """A box inside a box ... that says it has so many samples, and sends them without an end."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        for samples in (1 << 28, 1 << 24):
            inner = struct.pack(">II", 0, samples)
            for kind in (b"stts", b"stbl", b"minf", b"mdia", b"trak", b"moov"):
                inner = struct.pack(">I4s", 0x7fffff00, kind) + inner
            head = struct.pack(">I4s4sI", 16, b"ftyp", b"M4A ", 0)
            server = self.serve({"/x.m4a": flood(head + inner, struct.pack(">II", 1, 1) * 4096)})
            self.assertRegex(self.show(server.url("/x.m4a"), 5), r"warn +audio: cannot play ")
        if not os.environ.get("SANITIZER"):
            self.assertLess(max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss), 250 * 1024)  # kB


if __name__ == "__main__":
    unittest.main()
