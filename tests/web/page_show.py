"""What the page's whole-program tests share: a small show with its page on a free port, and raw HTTP."""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "app"))
import program  # noqa: E402

TOKEN = "0123456789abcdef0123456789abcdef"
SLOW = 6 if program.SANITIZED else 1


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Page:
    """`with Page() as p:` a running show; p.get("/api/status"), p.post("/api/request", {"text": "goldfish"})."""

    def __init__(self, *sets, token=TOKEN, port=None):
        self.port = port or free_port()
        self.args = ["run", "--watch=no", *program.SMALL, "--set", "web.enabled=true", "--set", "web.port=%d" % self.port,
                     "--set", "record.enabled=false"]
        for s in sets:
            self.args += ["--set", s]
        self.env = dict(os.environ)
        self.env.pop("REVERIE_WEB_TOKEN", None)
        if token:
            self.env["REVERIE_WEB_TOKEN"] = token

    def __enter__(self):
        # A pipe would fill up: the log goes to a file.
        self.folder = program.Folder()
        self.folder.__enter__()
        self.log_path = self.folder.path("log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([program.REVERIE, *self.args], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=self.env)
        deadline = time.time() + 60
        while time.time() < deadline and self.process.poll() is None:
            if b"watch it:" in self.log():
                return self
            time.sleep(0.05)
        text = self.log().decode("utf-8", "replace")
        self.__exit__()
        raise AssertionError("no page came up:\n" + text)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.folder.__exit__()

    def log(self):
        with open(self.log_path, "rb") as f:
            return f.read()

    def stop(self):
        """Seconds until it has ended."""
        began = time.time()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        return time.time() - began

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def raw(self, data, timeout=20):
        """Sends bytes, reads to the end of the connection or of the first answer's body."""
        with self.connect() as s:
            s.settimeout(timeout)
            s.sendall(data)
            return read_answer(s)

    def request(self, method, path, body=None, headers=None):
        """Status, headers (lower case names), body."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        c.request(method, path, body, headers or {})
        r = c.getresponse()
        answer = r.status, {k.lower(): v for k, v in r.getheaders()}, r.read()
        c.close()
        return answer

    def get(self, path, token=None):
        status, _, body = self.request("GET", path, headers={"Authorization": "Bearer " + token} if token else {})
        assert status == 200, (path, status, body)
        return json.loads(body) if path.startswith("/api") else body

    def csrf(self):
        return re.search(rb'name="csrf" content="([0-9a-f]+)"', self.get("/")).group(1).decode()

    def own(self, **more):
        """The headers with which the page itself posts."""
        h = {"Content-Type": "application/json", "Origin": "http://127.0.0.1:%d" % self.port, "X-CSRF-Token": self.csrf()}
        h.update(more)
        return {k: v for k, v in h.items() if v is not None}

    def post(self, path, body, headers=None):
        status, got, text = self.request("POST", path, json.dumps(body), headers or {
            "Content-Type": "application/json", "Authorization": "Bearer " + TOKEN})
        return status, got, json.loads(text)

    def until(self, what, timeout=30):
        """Waits until what(status) is true; returns that status."""
        deadline = time.time() + timeout * SLOW
        while time.time() < deadline:
            s = self.get("/api/status", TOKEN)
            if what(s):
                return s
            time.sleep(0.1)
        raise AssertionError("it did not come true; at last: %r" % s)


def read_answer(s):
    data = b""
    while b"\r\n\r\n" not in data:
        part = s.recv(65536)
        if not part:
            return data
        data += part
    head, body = data.split(b"\r\n\r\n", 1)
    length = re.search(rb"(?i)content-length: (\d+)", head)
    while length and len(body) < int(length.group(1)):
        part = s.recv(65536)
        if not part:
            break
        body += part
    return head + b"\r\n\r\n" + body


def status_of(answer):
    m = re.match(rb"HTTP/1\.1 (\d+)", answer)
    return int(m.group(1)) if m else None
