#!/usr/bin/python3
"""What the page must refuse, over the whole program: foreign names and pages, wrong tokens, oversized and dribbling
requests, floods, and clients that never read."""
import json
import os
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from page_show import Page, SLOW, TOKEN, read_answer, status_of  # noqa: E402

HEADERS = ("content-security-policy", "x-content-type-options", "referrer-policy", "cross-origin-resource-policy",
           "cross-origin-opener-policy", "cache-control")
ACTIONS = ("/api/request", "/api/skip", "/api/resume", "/api/pause", "/api/clear", "/api/hold", "/api/withdraw",
           "/api/ban", "/api/unban")
PAGES = ("/", "/page.css", "/page.js", "/preview.js", "/icon.svg", "/api/openapi.json", "/api/status", "/api/words", "/api/history",
         "/healthz", "/metrics", "/frame.jpg", "/frame.png")


class Guard(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.page = Page().__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.page.__exit__()

    def refused(self, wanted, method, path, body=None, headers=None):
        status, got, text = self.page.request(method, path, body, headers)
        self.assertEqual(status, wanted, (method, path, headers, text))
        return got

    # 1 ---------------------------------------------------------------------------------------------------------------

    def test_only_loopback_is_bound(self):
        out = subprocess.run(["ip", "-4", "-o", "addr", "show", "scope", "global"], stdout=subprocess.PIPE, check=False)
        words = out.stdout.decode().split()
        if "inet" not in words:
            self.skipTest("this machine has no other address")
        address = words[words.index("inet") + 1].split("/")[0]
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection((address, self.page.port), timeout=5)

    # 2 ---------------------------------------------------------------------------------------------------------------

    def test_foreign_hosts(self):
        port = self.page.port
        for host in ("evil.example", "evil.example:%d" % port, "127.0.0.1.evil.example:%d" % port, "127.0.0.1",
                     "127.0.0.1:%d" % (port + 1), "", "127.0.0.1:%d evil" % port, "[::1]", "localhost:",
                     "192.168.1.2:%d" % port, "user@127.0.0.1:%d" % port):
            answer = self.page.raw(b"GET /api/status HTTP/1.1\r\nHost: %s\r\n\r\n" % host.encode())
            self.assertEqual(status_of(answer), 421, host)
        for host in ("127.0.0.1:%d", "localhost:%d", "[::1]:%d", "LOCALHOST:%d"):
            answer = self.page.raw(b"GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n" % (host % port).encode())
            self.assertEqual(status_of(answer), 200, host)

    def test_two_hosts_none_nul_absolute(self):
        own = b"127.0.0.1:%d" % self.page.port
        for head in (b"Host: %s\r\nHost: %s" % (own, own), b"Host: %s\r\nHost: evil.example" % own, b"X: y",
                     b"Host: evil.example\0%s" % own):
            answer = self.page.raw(b"GET /api/status HTTP/1.1\r\n" + head + b"\r\n\r\n")
            self.assertIn(status_of(answer), (400, 421), head)
        for target in (b"http://evil.example/api/status", b"http://%s/api/status" % own, b"*", b"evil.example:80"):
            answer = self.page.raw(b"GET " + target + b" HTTP/1.1\r\nHost: " + own + b"\r\n\r\n")
            self.assertIn(status_of(answer), (400, 421), target)

    # 3 ---------------------------------------------------------------------------------------------------------------

    def test_get_changes_nothing(self):
        before = self.page.get("/api/status", TOKEN)
        for path in ACTIONS:
            for method in ("GET", "HEAD"):
                got = self.refused(405, method, path, headers={"Authorization": "Bearer " + TOKEN})
                self.assertEqual(got["allow"], "POST")
        for method in ("PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"):
            self.assertIn(self.page.request(method, "/api/skip", headers={"Content-Length": "0"})[0], (405, 400))
        self.assertEqual(self.page.request("POST", "/api/status", "{}", self.page.own())[0], 405)
        after = self.page.get("/api/status", TOKEN)
        self.assertEqual((before["waiting"], before["paused"]), (after["waiting"], after["paused"]))

    # 4 ---------------------------------------------------------------------------------------------------------------

    def test_post_only_from_the_page(self):
        own, wish, port = self.page.own(), json.dumps({"text": "!now"}), self.page.port
        for change, status in (({"Origin": None}, 403), ({"Origin": "null"}, 403),
                               ({"Origin": "http://evil.example"}, 403),
                               ({"Origin": "http://127.0.0.1:%d" % (port + 1)}, 403),
                               ({"Origin": "http://localhost:%d" % port}, 403),
                               ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Sec-Fetch-Site": "same-site"}, 403),
                               ({"X-CSRF-Token": None}, 403), ({"X-CSRF-Token": ""}, 403),
                               ({"X-CSRF-Token": own["X-CSRF-Token"][:-1]}, 403),
                               ({"X-CSRF-Token": "0" * 32}, 403),
                               ({"Content-Type": "text/plain"}, 415),
                               ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
                               ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
                               ({"Content-Type": None}, 415), ({"Content-Type": "application/jsonp"}, 415)):
            headers = {k: v for k, v in {**own, **change}.items() if v is not None}
            self.refused(status, "POST", "/api/request", wish, headers)
        self.assertEqual(self.page.request("POST", "/api/request", wish, own)[0], 200)
        without = {k: v for k, v in own.items() if k != "Origin"}
        without["Sec-Fetch-Site"] = "same-origin"
        self.assertEqual(self.page.request("POST", "/api/request", wish, without)[0], 200)

    def test_bodies_that_are_no_object(self):
        own = self.page.own()
        for body in ("", "[]", "1", "\"x\"", "{", "{\"text\":1}", "{\"text\":\"\"}", "{}", "{\"text\":\"a\",\"text\":\"b\"}",
                     "{\"text\":\"a\\u0000b\"}", "{\"text\":\"x\"} {}", "\xff", "{\"text\":\"%s\"}" % ("x" * 401),
                     "{\"text\":\"x\",\"name\":3}", "{\"text\":\"x\",\"viewer\":\"../x\"}", "[" * 1500):
            self.refused(400, "POST", "/api/request", body.encode("latin-1"), own)

    # 5 ---------------------------------------------------------------------------------------------------------------

    def test_operator_needs_the_token(self):
        for path in ACTIONS[1:]:
            self.refused(401, "POST", path, "{}", self.page.own())
        for token in ("", "x", TOKEN[:-1], TOKEN + "0", TOKEN.upper()[:31] + "g"):
            self.refused(401, "POST", "/api/skip", "{}", self.page.own(Authorization="Bearer " + token))
        self.refused(401, "POST", "/api/skip", "{}", self.page.own(Authorization="Basic " + TOKEN))
        self.refused(401, "POST", "/api/skip?token=" + TOKEN, "{}", self.page.own())
        self.assertFalse(self.page.get("/api/status")["operator"])
        self.assertTrue(self.page.get("/api/status", TOKEN)["operator"])
        status, _, answer = self.page.post("/api/hold", {"seconds": 1})
        self.assertEqual((status, answer["done"]), (200, True))
        self.assertNotIn(TOKEN.encode(), self.page.log())

    def test_guessing_becomes_slow(self):
        wrong = {"Authorization": "Bearer nothing"}
        for _ in range(10):
            self.refused(401, "GET", "/api/status", headers=wrong)
        began = time.time()
        self.refused(401, "GET", "/api/status", headers=wrong)
        self.assertGreater(time.time() - began, 0.95)
        self.page.get("/api/status", TOKEN)  # the right one is free again, and ends the row
        began = time.time()
        self.refused(401, "GET", "/api/status", headers=wrong)
        self.assertLess(time.time() - began, 0.9 * SLOW)

    def test_no_state_for_strangers(self):
        for secret in ("sinks", "chat", "alarms", "frames"):
            self.assertNotIn(secret, self.page.get("/api/status"))
            self.assertIn(secret, self.page.get("/api/status", TOKEN))

    # 6 ---------------------------------------------------------------------------------------------------------------

    def test_viewers_are_bounded(self):
        own, codes = self.page.own(), []
        for i in range(60):
            wish = json.dumps({"text": "goldfish", "viewer": "flood%d" % i})
            codes.append(self.page.request("POST", "/api/request", wish, own)[0])
        self.assertGreaterEqual(codes.count(429), 50)
        self.assertLess(self.page.get("/api/status")["waiting"], 10)
        status, headers, _ = self.page.request("POST", "/api/request", wish, own)
        self.assertEqual(status, 429)
        self.assertGreaterEqual(int(headers["retry-after"]), 1)
        self.page.post("/api/clear", {})

    # 7 ---------------------------------------------------------------------------------------------------------------

    def test_sizes(self):
        own = b"Host: 127.0.0.1:%d\r\n" % self.page.port
        self.assertIn(status_of(self.page.raw(b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n" + own + b"\r\n")), (414, 431, None))
        self.assertIn(status_of(self.page.raw(b"GET / HTTP/1.1\r\n" + own + b"X: " + b"a" * 20000 + b"\r\n\r\n")), (431, None))
        post = b"POST /api/request HTTP/1.1\r\n" + own + b"Content-Type: application/json\r\n"
        self.assertEqual(status_of(self.page.raw(post + b"Content-Length: 2049\r\n\r\n")), 413)
        self.assertEqual(status_of(self.page.raw(post + b"Content-Length: 1000000000\r\n\r\n" + b"x" * 100000)), 413)
        self.assertEqual(status_of(self.page.raw(post + b"\r\n")), 411)
        self.assertIn(status_of(self.page.raw(post + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")), (400, 411))
        self.assertIn(status_of(self.page.raw(post + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}")), (400, 411))
        self.assertIn(status_of(self.page.raw(post + b"Content-Length: -1\r\n\r\n")), (400, 411, None))
        self.assertIn(status_of(self.page.raw(post + b"Content-Length: 0x10\r\n\r\n")), (400, 411, None))

    def seconds_until_closed(self, s, dribble=b"", every=0.4, most=20):
        began = time.time()
        s.settimeout(every)
        while time.time() - began < most:
            try:
                if dribble:
                    s.sendall(dribble)
                if not s.recv(65536):
                    break
            except socket.timeout:
                pass
            except OSError:
                break
        return time.time() - began

    def test_dribbling_requests_end(self):
        times = {}

        def run(name, first, dribble):
            with self.page.connect() as s:
                s.sendall(first)
                times[name] = self.seconds_until_closed(s, dribble)

        own = b"Host: 127.0.0.1:%d\r\n" % self.page.port
        post = b"POST /api/request HTTP/1.1\r\n" + own + b"Content-Type: application/json\r\nContent-Length: 2000\r\n\r\n"
        threads = [threading.Thread(target=run, args=a) for a in (
            ("silent", b"G", b""), ("line", b"GET /", b"a"), ("header", b"GET / HTTP/1.1\r\n" + own + b"X: ", b"a"),
            ("body", post, b" "))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        for name, seconds in times.items():
            self.assertLess(seconds, 6.5 * SLOW, name)
            self.assertGreater(seconds, 3, name)

    def test_two_hundred_slow_ones(self):
        before = self.page.get("/api/status", TOKEN)["frames"]
        sockets = [self.page.connect() for _ in range(200)]
        for s in sockets:
            s.sendall(b"GET /api/status HTTP/1.1\r\nHost: ")
        began = time.time()
        self.assertTrue(self.page.get("/api/status", TOKEN))
        self.assertLess(time.time() - began, 2 * SLOW)
        for s in sockets:
            left = began + 6.5 * SLOW - time.time()
            self.assertLess(self.seconds_until_closed(s, b"", 0.5, left + 1), left + 0.6)
            s.close()
        after = self.page.get("/api/status", TOKEN)["frames"]
        self.assertGreater(after["encoded"], before["encoded"])

    # 9 ---------------------------------------------------------------------------------------------------------------

    def test_every_answer_has_the_headers(self):
        answers = [self.page.request("GET", p) for p in PAGES]
        answers += [self.page.request("GET", p) for p in ("/nothing", "/api/skip", "/frame.png?width=1", "/history/1.jpg")]
        answers += [self.page.request("POST", "/api/request", "x", {"Content-Type": "text/plain"}),
                    self.page.request("POST", "/api/skip", "{}", self.page.own()),
                    self.page.request("GET", "/", headers={"Host": "evil.example"})]
        for status, headers, _ in answers:
            for name in HEADERS:
                self.assertIn(name, headers, status)
            self.assertIn("default-src 'none'", headers["content-security-policy"])
            self.assertNotIn("unsafe", headers["content-security-policy"])
            self.assertFalse([h for h in headers if h.startswith("access-control")])

    def test_the_librarys_own_pages_hold_nothing_of_ours(self):
        for line in (b"nonsense\r\n\r\n", b"GET\r\n\r\n", b"GET /<script> HTTP/9.9\r\n\r\n", b"\0\0\0\0\r\n\r\n"):
            answer = self.page.raw(line, timeout=8)
            self.assertNotIn(b"script", answer)
            self.assertNotIn(status_of(answer), (200,))

    def test_no_outside_source(self):
        for path in ("/", "/page.js", "/preview.js", "/page.css"):
            text = self.page.get(path).decode()
            self.assertNotIn("http://", text)
            self.assertNotIn("https://", text)
            self.assertNotIn("innerHTML", text)
            self.assertNotIn("eval(", text)
            self.assertNotIn("@import", text)
        self.assertNotIn("<script>", self.page.get("/").decode())
        self.assertNotIn(" style=", self.page.get("/").decode())
        self.assertNotIn("onclick=", self.page.get("/").decode())

    # 10 --------------------------------------------------------------------------------------------------------------

    def test_texts_cannot_end_a_script(self):
        self.page.post("/api/clear", {})
        name = "</script><b>&\u2028\u202ex"
        wish = json.dumps({"text": "pizza", "name": name, "viewer": "a"})
        bearer = {"Content-Type": "application/json", "Authorization": "Bearer " + TOKEN}
        self.assertIn(self.page.request("POST", "/api/request", wish, bearer)[0], (200, 409))
        body = self.page.request("GET", "/api/status")[2]
        for risky in (b"<", b">", b"&", "\u2028".encode(), "\u202e".encode()):
            self.assertNotIn(risky, body)
        said = json.loads(body)
        names = [d.get("by") for d in said["next"]] + [said.get("now", {}).get("by")]
        self.assertTrue(any(names), said)  # a name that is none was not taken over
        self.page.post("/api/clear", {})

    # 12 --------------------------------------------------------------------------------------------------------------

    def test_paths_name_nothing_else(self):
        for path in ("/../page.js", "/%2e%2e/page.js", "/page.js%00", "//page.js", "/\\page.js", "/page.js/", "/PAGE.JS",
                     "/./page.js", "/etc/passwd", "/history/../page.js", "/history/%2e%2e/1.jpg", "/history/1.jpg.jpg",
                     "/history/99999999999999999999.jpg", "/history/", "/history/-1.jpg", "/page%2ejs", "/api/status%20",
                     "/" + "a" * 300, "/?x=%zz", "/?x=%00", "/?a=1&a=2"):
            answer = self.page.raw(("GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % (path, self.page.port)).encode())
            self.assertIn(status_of(answer), (404, 400), path)

    # 13 --------------------------------------------------------------------------------------------------------------

    def test_log_holds_no_raw_request(self):
        self.page.raw(b"GET /\x1b[31m%%0aforged HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX-Evil: yes\x1b\r\n\r\n" % self.page.port)
        log = self.page.log()
        self.assertNotIn(b"\x1b", log)
        self.assertNotIn(b"forged", log)


class Hostile(unittest.TestCase):
    """What wants a show of its own."""

    def test_client_that_never_reads_is_closed(self):
        with Page() as p:
            p.until(lambda s: "live" in s)
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.connect(("127.0.0.1", p.port))
            s.sendall(b"GET /live.mp4 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % p.port)
            self.assertEqual(p.until(lambda s: s["viewers"] == 1)["viewers"], 1)
            began = time.time()
            p.until(lambda s: s["viewers"] == 0, timeout=90)
            print("# a client that never reads was closed after %.1f s" % (time.time() - began))
            s.close()

    def test_ends_soon_with_clients(self):
        with Page() as p:
            p.until(lambda s: "live" in s)
            sockets = [p.connect() for _ in range(30)]
            for i, s in enumerate(sockets):
                path = (b"/live.mp4", b"/events", b"/live.mjpg", b"/api/sta")[i % 4]
                end = b"" if i % 4 == 3 else b" HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % p.port
                s.sendall(b"GET " + path + end)
            time.sleep(0.5)
            self.assertLess(p.stop(), 3 * SLOW)
            self.assertEqual(p.process.returncode, 0)
            for s in sockets:
                s.close()

    def test_port_taken(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            port = s.getsockname()[1]
            p = Page("log.level=info", port=port)
            p.args += ["--duration", "1.5"]
            done = subprocess.run([os.environ["REVERIE"], *p.args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, env=p.env, timeout=60, check=False)
            text = done.stderr.decode()
            self.assertEqual(done.returncode, 0, text)
            self.assertEqual(text.count("port %d cannot be opened" % port), 1, text)
            self.assertNotIn("watch it:", text)

    def test_beyond_loopback_only_with_a_token(self):
        p = Page("web.bind=0.0.0.0", token=None)
        done = subprocess.run([os.environ["REVERIE"], *p.args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=p.env, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("REVERIE_WEB_TOKEN", done.stderr.decode())

    def test_a_made_token_is_not_logged(self):
        with Page("log.level=debug", token=None) as p:
            self.assertNotIn(b"operator", p.log())
            self.assertFalse(p.get("/api/status")["operator"])

    def test_another_user_is_no_operator(self):
        if os.geteuid() != 0:
            self.skipTest("only root can be somebody else")
        with Page() as p:
            script = ("import os,socket\nos.setuid(65534)\ns=socket.socket()\ns.connect(('127.0.0.1',%d))\n"
                      "s.sendall(b'POST /api/skip HTTP/1.1\\r\\nHost: 127.0.0.1:%d\\r\\nContent-Length: 2\\r\\n'\n"
                      "b'Content-Type: application/json\\r\\n\\r\\n{}')\nprint(s.recv(99).decode().split()[1])\n"
                      % (p.port, p.port))
            out = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=True).stdout
            self.assertEqual(out.strip(), b"403")

    def test_flood_does_not_touch_the_frames(self):
        with Page() as p:
            p.until(lambda s: s["frames"]["encoded"] > 30)
            before = p.get("/api/status", TOKEN)
            end = time.time() + 4
            counted = []

            def flood():
                n = 0
                while time.time() < end:
                    with p.connect() as s:
                        for _ in range(50):
                            s.sendall(b"GET /junk?%d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % (n, p.port))
                            n += 1
                            if status_of(read_answer(s)) != 404:
                                return
                counted.append(n)

            threads = [threading.Thread(target=flood) for _ in range(4)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            after = p.get("/api/status", TOKEN)
            self.assertEqual(len(counted), 4)
            self.assertGreater(sum(counted), 200)
            late = after["frames"]["repeated"] - before["frames"]["repeated"]
            encoded = after["frames"]["encoded"] - before["frames"]["encoded"]
            self.assertGreater(encoded, 25 * 3 / SLOW)
            self.assertLess(late / encoded, 0.5 if SLOW > 1 else 0.2)


if __name__ == "__main__":
    unittest.main()
