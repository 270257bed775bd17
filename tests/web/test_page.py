#!/usr/bin/python3
"""The page's interface over the whole program: state, wishes, orders, preview, stills, history, metrics; and that its
description (openapi.json) and the program agree."""
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from page_show import Page, SLOW, TOKEN  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def probe(data):
    """ffprobe's view of bytes."""
    with tempfile.NamedTemporaryFile() as f:
        f.write(data)
        f.flush()
        out = subprocess.run(["ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_packets", f.name],
                             stdout=subprocess.PIPE, check=True).stdout
    return json.loads(out)


def read_for(page, path, seconds):
    """What an endless answer gives in so many seconds: head and body."""
    data = b""
    with page.connect() as s:
        s.settimeout(0.2)
        s.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % page.port)
        end = time.time() + seconds
        while time.time() < end:
            try:
                part = s.recv(65536)
            except socket.timeout:
                continue
            if not part:
                break
            data += part
    head, _, body = data.partition(b"\r\n\r\n")
    return head, unchunk(body)


def unchunk(body):
    out = b""
    while b"\r\n" in body:
        size, _, rest = body.partition(b"\r\n")
        n = int(size, 16)
        if n == 0 or len(rest) < n:
            return out + rest[:n]
        out += rest[:n]
        body = rest[n + 2:]
    return out


def events(body):
    for message in body.decode().split("\n\n"):
        kind, data = re.search(r"^event: (.*)$", message, re.M), re.search(r"^data: (.*)$", message, re.M)
        if kind and data:
            yield kind.group(1), json.loads(data.group(1))


class Interface(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.page = Page("show.hold_s=4", "show.idle_s=4").__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.page.__exit__()

    def setUp(self):
        self.page.post("/api/clear", {})

    def wish(self, text, viewer="a", **more):
        return self.page.post("/api/request", {"text": text, "viewer": viewer, **more})

    def test_status(self):
        s = self.page.until(lambda s: "now" in s and "steps_per_s" in s["dream"])
        for key in ("version", "uptime_s", "next", "waiting", "video", "live", "paused", "held_for_s"):
            self.assertIn(key, s)
        self.assertEqual(s["video"], {"fps": 25, "size": "320x180"})
        self.assertEqual(s["now"]["subjects"][0]["name"], s["now"]["text"].split(" + ")[0])
        self.assertRegex(s["live"]["mime"], r'^video/mp4; codecs="avc1\.[0-9a-f]{6}, mp4a\.40\.2"$')
        self.assertLess(abs(s["live"]["drawn_s"] - s["live"]["edge_s"]), 3 * SLOW)
        self.assertEqual([k["name"] for k in s["sinks"]], ["page"])
        self.assertEqual(s["sinks"][0]["state"], "ok")
        self.assertNotIn("null", json.dumps(s))

    def test_a_wish_becomes_now_when_the_pixels_change(self):
        status, _, a = self.wish("goldfish + pizza", name="ann")
        self.assertEqual((status, a["taken"], a["text"]), (200, True, "goldfish + pizza"))
        self.assertGreater(a["on_screen_in_s"], 0)
        s = self.page.until(lambda s: s.get("now", {}).get("id") == a["id"], 60)
        self.assertEqual((s["now"]["by"], [x["place"] for x in s["now"]["subjects"]]), ("ann", ["top", "bottom"]))
        self.assertIn(b"request %d is on the screen" % a["id"], self.page.log())
        tug = s["now"]["tug"]
        self.assertEqual((tug["upper"], tug["lower"], tug["front"], tug["votes_upper"]), ("goldfish", "pizza", 0.5, 0))
        status, _, pulled = self.wish("!2", viewer="c")
        self.assertEqual((status, pulled["taken"]), (200, False))
        self.assertIn("pizza 1", pulled["reply"])
        self.page.until(lambda s: s["now"].get("tug", {}).get("front", 1) < 0.45, 20)
        again = self.wish("goldfish + pizza", viewer="b")
        self.assertEqual((again[0], again[2]["reason"]), (409, "already"))
        s = self.page.until(lambda s: s.get("now", {}).get("id") != a["id"], 60)
        h = [d for d in self.page.get("/api/history")["dreams"] if d["text"] == "goldfish + pizza"]
        self.assertTrue(h)
        jpeg = self.page.get(h[0]["picture"])
        self.assertEqual(jpeg[:3], b"\xff\xd8\xff")
        self.assertEqual((probe(jpeg)["streams"][0]["width"], probe(jpeg)["streams"][0]["height"]), (320, 180))
        older = self.page.get("/api/history?limit=1&before=%d" % h[0]["id"])["dreams"]
        self.assertTrue(all(d["id"] < h[0]["id"] for d in older))

    def test_answers_to_what_is_no_wish(self):
        self.assertEqual(self.wish("qwertyuiop")[0], 422)
        status, _, a = self.wish("goldfisch")
        self.assertIn(status, (200, 409, 422))
        status, _, a = self.wish("goldfish + pizza + lion + koala + lemon + banana + espresso + tabby + alp")
        self.assertEqual((status, a["reason"]), (422, "many"))
        status, _, a = self.wish("!now")
        self.assertEqual((status, a["taken"], a["reason"]), (200, False, "said"))
        for _, _, a in (self.wish("qwertyuiop"), self.wish("!queue")):
            self.assertTrue(a["reply"])
            self.assertFalse(a["reply"].startswith("@"))

    def test_one_page_has_one_place(self):
        self.page.post("/api/hold", {"seconds": 60})
        first, second = self.wish("lion", viewer="new1"), self.wish("bison", viewer="new1")
        other = self.wish("mushroom", viewer="new2")
        self.assertEqual([x[0] for x in (first, second, other)], [200, 200, 200])
        s = self.page.until(lambda s: s["waiting"] == 2)
        self.assertEqual([d["text"] for d in s["next"]], ["bison", "mushroom"])
        self.assertLess(s["next"][0]["in_s"], s["next"][1]["in_s"])
        self.assertNotIn("new1", json.dumps(s))  # a mark is its page's secret
        self.page.post("/api/hold", {"seconds": 0})

    def test_operator(self):
        p = self.page
        p.post("/api/hold", {"seconds": 100})
        self.assertGreater(p.until(lambda s: s["held_for_s"] > 0)["held_for_s"], 90)
        p.post("/api/pause", {})
        self.assertTrue(p.until(lambda s: s["paused"])["paused"])
        status, _, a = self.wish("lion")
        self.assertEqual((status, a["reason"]), (403, "paused"))
        p.post("/api/resume", {})
        a = self.wish("lion", name="eve")[2]
        self.assertTrue(a["taken"])
        self.assertEqual(p.post("/api/withdraw", {"id": a["id"] + 1000})[0], 404)
        self.assertEqual(p.post("/api/withdraw", {"id": a["id"]})[2]["done"], True)
        p.until(lambda s: s["waiting"] == 0)
        self.wish("lion", name="eve", viewer="evil")
        p.post("/api/ban", {"name": "eve"})
        p.until(lambda s: s["waiting"] == 0)
        status, _, a = self.wish("lion", name="eve", viewer="evil")
        self.assertEqual((status, a["reason"]), (403, "banned"))
        p.post("/api/unban", {"name": "page:evil"})
        self.assertEqual(self.wish("lion", name="eve", viewer="evil")[0], 200)
        turn = p.until(lambda s: "now" in s)["now"]["turn"]
        p.post("/api/skip", {})
        p.until(lambda s: s["now"]["turn"] > turn, 60)
        for path, body in (("/api/hold", {"seconds": -1}), ("/api/hold", {"seconds": "x"}), ("/api/hold", {"seconds": 1e9}),
                           ("/api/withdraw", {}), ("/api/withdraw", {"id": "1"}), ("/api/ban", {}), ("/api/ban", {"name": ""})):
            self.assertEqual(p.post(path, body)[0], 400, (path, body))

    def test_words(self):
        words = self.page.get("/api/words?q=penguin")["words"]
        self.assertEqual(words[0]["word"], "king penguin")
        self.assertEqual(self.page.get("/api/words?q=KING%20pen")["words"][0]["wnid"], "n02056570")
        noted = self.page.get("/api/words?q=puma")["words"][0]
        self.assertEqual((noted["word"], noted["note"]), ("cougar", "puma"))
        self.assertEqual(self.page.get("/api/words?q=xyzzy")["words"], [])
        ideas = self.page.get("/api/words?limit=5")["words"]
        self.assertEqual(len({w["word"] for w in ideas}), 5)
        self.assertEqual(self.page.request("GET", "/api/words?limit=9")[0], 400)

    def test_events(self):
        head, body = read_for(self.page, b"/events", 2.5 * SLOW)
        self.assertIn(b"text/event-stream", head)
        got = list(events(body))
        self.assertIn("now", [k for k, _ in got])
        states = [d for k, d in got if k == "status"]
        self.assertGreaterEqual(len(states), 2)
        self.assertGreater(states[-1]["uptime_s"], states[0]["uptime_s"])
        self.assertNotIn("sinks", states[0])

    def test_live(self):
        self.page.until(lambda s: "live" in s)
        head, body = read_for(self.page, b"/live.mp4", 3 * SLOW)
        self.assertIn(b"video/mp4", head)
        self.assertIn(b"Reverie-Media-Type: video/mp4; codecs=", head)
        info = probe(body)
        self.assertEqual([s["codec_name"] for s in info["streams"]], ["h264", "aac"])
        video = [p for p in info["packets"] if p["codec_type"] == "video"]
        self.assertIn("K", video[0]["flags"])
        self.assertGreater(len(video), 25)
        times = [float(p["dts_time"]) for p in video]
        most = 0.05 if SLOW == 1 else 0.25  # a sanitizer is too slow for all frames; those left out leave a gap
        self.assertTrue(all(0.03 < b - a < most for a, b in zip(times, times[1:])), times)
        self.assertGreater(body.count(b"moof"), len(video) / 4)

    def test_mjpg(self):
        head, body = read_for(self.page, b"/live.mjpg?width=320&fps=5", 2 * SLOW)
        self.assertIn(b"multipart/x-mixed-replace", head)
        pictures = re.findall(rb"Content-Length: (\d+)\r\n\r\n\xff\xd8\xff", body)
        self.assertGreaterEqual(len(pictures), 3)

    def test_frames(self):
        self.page.until(lambda s: "live" in s)
        for path, codec, size in (("/frame.jpg", "mjpeg", (320, 180)), ("/frame.png", "png", (320, 180)),
                                  ("/frame.png?width=600&height=448&palette=inky7", "png", (600, 448)),
                                  ("/frame.jpg?width=100&height=300&fit=contain", "mjpeg", (100, 300))):
            status, headers, body = self.page.request("GET", path)
            self.assertEqual(status, 200, path)
            s = probe(body)["streams"][0]
            self.assertEqual((s["codec_name"], (s["width"], s["height"])), (codec, size))
            self.assertEqual(s["pix_fmt"], "pal8" if "palette" in path else s["pix_fmt"])
            self.assertIn("etag", headers)
            self.assertIn("reverie-subject", headers)
        for bad in ("width=10", "width=100", "width=5000&height=5000", "fit=x", "palette=x", "dither=x", "width=a&height=b"):
            self.assertEqual(self.page.request("GET", "/frame.png?" + bad)[0], 400, bad)
        self.assertEqual(self.page.request("GET", "/frame.jpg?palette=bw")[0], 400)

    def test_after(self):
        etag = self.page.request("GET", "/frame.png?width=64&height=64")[1]["etag"]
        status, headers, _ = self.page.request("GET", "/frame.png?width=64&height=64&after=" + etag.replace('"', "%22"))
        self.assertEqual(status, 200)
        self.assertGreater(int(headers["etag"].strip('"').split("-")[0]), int(etag.strip('"').split("-")[0]))

    def test_picture_frame(self):
        status, _, a = self.page.post("/api/frame", {"do": "text", "text": "lion", "name": "hall",
                                                     "ready": {"seen": 1, "at_most_s": 1}})
        self.assertEqual((status, a["text"]), (202, "lion"))
        path = "/frame.png?width=64&height=64&palette=bw&id=%d" % a["id"]
        status, headers, _ = self.page.request("GET", path)
        self.assertEqual((status, headers["retry-after"]), (202, "2"))
        self.page.until(lambda s: s.get("now", {}).get("id") == a["id"], 60)
        deadline = time.time() + 20 * SLOW
        while self.page.request("GET", path)[0] == 202 and time.time() < deadline:
            time.sleep(0.1)
        status, headers, _ = self.page.request("GET", path)
        self.assertEqual((status, headers["reverie-subject"]), (200, "lion"))
        self.page.post("/api/skip", {})
        self.page.until(lambda s: s["now"]["id"] != a["id"], 60)
        self.assertEqual(self.page.request("GET", path)[0], 410)
        status, _, again = self.page.post("/api/frame", {"do": "again", "name": "hall"})
        self.assertEqual((status, again["text"]), (202, "lion"))
        self.assertEqual(self.page.post("/api/frame", {"do": "random", "name": "desk"})[0], 202)
        self.assertEqual(self.page.request("GET", "/frame.png?id=999999")[0], 404)
        self.assertEqual(self.page.post("/api/frame/auto", {"every_s": 3600, "name": "hall"})[2], {"every_s": 3600.0})
        self.assertEqual(self.page.post("/api/frame/auto", {"every_s": 0})[0], 200)
        for path, body in (("/api/frame", {}), ("/api/frame", {"do": "text"}), ("/api/frame", {"do": "text", "text": "!skip"}),
                           ("/api/frame", {"do": "again", "name": "a b"}), ("/api/frame", {"do": "random", "ready": {"seen": 2}}),
                           ("/api/frame/auto", {}), ("/api/frame/auto", {"every_s": 1})):
            self.assertEqual(self.page.post(path, body)[0], 400, (path, body))

    def test_metrics(self):
        text = self.page.get("/metrics").decode()
        names = set()
        for line in text.splitlines():
            if line.startswith("#"):
                self.assertRegex(line, r"^# (HELP|TYPE) (reverie|process)_[a-z_]+ .+")
                continue
            m = re.match(r'^([a-z_]+)(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? (-?[0-9.e+-]+)$', line)
            self.assertTrue(m, line)
            names.add(m.group(1))
        self.page.post("/api/request", {"text": "qwertyuiop", "viewer": "z"})
        text = self.page.get("/metrics").decode()
        self.assertRegex(text, r'(?m)^reverie_requests_total\{source="page",result="unknown"\} [1-9]')
        self.assertIn('reverie_sink_up{sink="page"} 1\n', text)
        self.assertIn('reverie_dream_keyframe_interval_seconds_bucket{le="+Inf"} ', text)
        for name in ("reverie_sink_queue_seconds", "reverie_video_frames_total", "reverie_video_render_seconds_total", "reverie_sink_up", "reverie_build_info",
                     "reverie_http_requests_total", "reverie_page_viewers", "process_resident_memory_bytes"):
            self.assertIn(name, names)
        self.assertFalse([n for n in names if n.endswith(("_us_total", "_ms"))])

    def test_health(self):
        self.assertEqual(self.page.get("/healthz"), b"ok\n")

    def test_description(self):
        """Every route is described, and everything described is there."""
        with open(os.path.join(ROOT, "web", "router.c"), encoding="utf-8") as f:
            routes = set(re.findall(r'^    \{"(/[^"]*)", "[a-z_]+", (true|false)', f.read(), re.M))
        described = self.page.get("/api/openapi.json")
        self.assertRegex(described["openapi"], r"^3\.")
        with_names = {"/history/": "/history/{id}.jpg", "/gallery/": "/gallery/{name}"}
        wanted = {(with_names.get(path, path), "post" if post == "true" else "get") for path, post in routes}
        there = {(path, method) for path, methods in described["paths"].items() for method in methods}
        self.assertEqual(there, wanted)
        for path, methods in described["paths"].items():
            for method, what in methods.items():
                self.assertTrue(what["summary"], path)
                self.assertTrue({"200", "202"} & set(what["responses"]), path)
                self.assertEqual("security" in what, method == "post", path)

    def test_page_is_whole(self):
        html = self.page.get("/").decode()
        for source in re.findall(r'(?:src|href)="(/[^"]*)"', html):
            self.assertEqual(self.page.request("GET", source)[0], 200, source)
        js = self.page.get("/page.js").decode() + self.page.get("/preview.js").decode()
        for name in set(re.findall(r'\$\("([a-z-]+)"\)', js)):
            self.assertIn('id="%s"' % name, html)
        self.assertTrue(TOKEN not in html)


class Outputs(unittest.TestCase):
    def test_switched_and_kept(self):
        with tempfile.TemporaryDirectory() as f, Page("clip.dir=" + f, "outputs.tv.kind=rtmp", "outputs.tv.enabled=false",
                                         "outputs.tv.url=rtmp://127.0.0.1:1/app") as p:
            state = lambda name: {k["name"]: k["state"] for k in p.get("/api/status", TOKEN)["sinks"]}.get(name)
            end = time.monotonic() + 10
            while state("tv") is None and time.monotonic() < end:  # the page opens before the outputs have rows
                time.sleep(0.05)
            self.assertEqual(state("tv"), "ended")
            p.until(lambda s: s["healthy"])  # what is off on purpose is no trouble
            for body in ({}, {"name": ""}, {"name": "tv"}, {"name": "tv", "on": "yes"}, {"on": True}):
                self.assertEqual(p.post("/api/output", body)[0], 400, body)
            self.assertEqual(p.post("/api/output", {"name": "nosuch", "on": True})[0], 404)
            self.assertEqual(p.post("/api/output", {"name": "page", "on": False})[0], 404)
            self.assertIn(p.post("/api/output", {"name": "tv", "on": True}, {"Content-Type": "application/json"})[0], (401, 403))
            self.assertIn("tv begins", p.post("/api/output", {"name": "tv", "on": True})[2]["reply"])
            p.until(lambda s: not s["healthy"] and any("tv" in u for u in s["unwell"]))
            p.post("/api/output", {"name": "tv", "on": False})
            p.until(lambda s: state("tv") == "ended")
            self.assertIn("remember nothing", p.post("/api/clip", {})[2]["reply"])
            p.post("/api/output", {"name": "clip", "on": True})
            p.until(lambda s: state("clip") == "ok")
            time.sleep(3 * SLOW)
            self.assertIn("Kept", p.post("/api/clip", {})[2]["reply"])
            p.until(lambda s: len(os.listdir(f)) == 1)


class Without(unittest.TestCase):
    def test_no_page(self):
        """Neither where it is turned off nor beside an offline render."""
        for more in (["--set", "web.enabled=false"], ["--offline"]):
            p = Page()
            done = subprocess.run([os.environ["REVERIE"], *p.args, *more, "--duration", "0.5"], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=p.env, timeout=90, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotIn(b"web:", done.stderr)

    def test_address_is_the_last_line_of_the_start(self):
        with Page("log.level=info") as p:
            lines = [x for x in p.log().decode().splitlines() if not re.search(r" (dream|show|record|stream): ", x)]
            self.assertTrue(lines[-1].endswith("watch it: http://127.0.0.1:%d/" % p.port), lines)


if __name__ == "__main__":
    unittest.main()
