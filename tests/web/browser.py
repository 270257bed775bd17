"""Two browsers driven without any library: Chromium by ChromeDriver's WebDriver over HTTP, Firefox by the Marionette
protocol over a socket. Both understand the same commands here."""
import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

ENTER = "\ue007"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Browser:
    """What both share; `command` is the driver's."""

    def js(self, script, *args):
        return self.command("script", {"script": script, "args": list(args)})

    def wait(self, script, timeout=30):
        """Until the script returns something true; returns that."""
        deadline = time.time() + timeout
        while time.time() < deadline:
            value = self.js("return " + script)
            if value:
                return value
            time.sleep(0.1)
        raise AssertionError("it did not come true: " + script)

    def screenshot(self, path):
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.command("screenshot", {})))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.command("quit", {})
        except (OSError, ValueError):
            pass
        self.end()

    def end(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)


class Chromium(Browser):
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    there = bool(binary and driver)

    def __init__(self, width, height, phone=False, dark=True):
        self.port, self.profile = free_port(), tempfile.mkdtemp(prefix="reverie-browser-")
        self.process = subprocess.Popen([self.driver, "--port=%d" % self.port], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            self.session = ""
            self.start(width, height, phone, dark)
        except Exception:
            self.end()
            raise

    def start(self, width, height, phone, dark):
        deadline = time.time() + 30
        while True:
            try:
                self.http("GET", "/status")
                break
            except OSError:
                if time.time() > deadline:
                    raise
                time.sleep(0.1)
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required",
                     "--user-data-dir=" + self.profile, "--window-size=%d,%d" % (width, height)]
        options = {"binary": self.binary, "args": arguments}
        wanted = {"browserName": "chrome", "goog:loggingPrefs": {"browser": "ALL"}, "goog:chromeOptions": options}
        answer = self.http("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.session = "/session/" + answer["sessionId"]
        self.cdp("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "mobile": phone,
                                                        "deviceScaleFactor": 2 if phone else 1})
        self.cdp("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})

    def http(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        r = urllib.request.Request("http://127.0.0.1:%d%s" % (self.port, path), data,
                                   {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(r, timeout=90) as answer:
            return json.loads(answer.read())["value"]

    def cdp(self, name, params):
        return self.http("POST", self.session + "/goog/cdp/execute", {"cmd": name, "params": params})

    def command(self, name, body):
        if name == "quit":
            return self.http("DELETE", self.session)
        if name == "screenshot":
            return self.http("GET", self.session + "/screenshot")
        return self.http("POST", self.session + {"script": "/execute/sync", "open": "/url"}[name], body)

    def open(self, url):
        self.command("open", {"url": url})

    def type(self, selector, text):
        found = self.http("POST", self.session + "/element", {"using": "css selector", "value": selector})
        self.http("POST", self.session + "/element/%s/value" % list(found.values())[0], {"text": text})

    def errors(self):
        """What the console complained about."""
        log = self.http("POST", self.session + "/se/log", {"type": "browser"})
        return [line["message"] for line in log if line["level"] == "SEVERE"]


class Firefox(Browser):
    binary = shutil.which("firefox-esr") or shutil.which("firefox")
    there = bool(binary)

    def __init__(self, width, height):
        self.port, self.profile = free_port(), tempfile.mkdtemp(prefix="reverie-browser-")
        with open(os.path.join(self.profile, "user.js"), "w", encoding="utf-8") as f:
            f.write('user_pref("marionette.port", %d);\nuser_pref("media.autoplay.default", 0);\n'
                    'user_pref("datareporting.policy.dataSubmissionEnabled", false);\n'
                    'user_pref("app.update.enabled", false);\n' % self.port)
        self.process = subprocess.Popen([self.binary, "--headless", "--marionette", "--no-remote", "--profile",
                                         self.profile, "--width=%d" % width, "--height=%d" % height],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                                        env=dict(os.environ, HOME=self.profile, MOZ_HEADLESS="1"))
        try:
            self.number, self.rest = 0, b""
            self.socket = self.connect()
            self.message()
            self.command("WebDriver:NewSession", {})
        except Exception:
            self.end()
            raise

    def connect(self):
        deadline = time.time() + 90
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port), timeout=90)
            except OSError:
                if time.time() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.2)

    def message(self):
        """LENGTH:JSON"""
        while b":" not in self.rest:
            self.more()
        size, _, self.rest = self.rest.partition(b":")
        while len(self.rest) < int(size):
            self.more()
        text, self.rest = self.rest[:int(size)], self.rest[int(size):]
        return json.loads(text)

    def more(self):
        part = self.socket.recv(65536)
        if not part:
            raise OSError("the browser has gone")
        self.rest += part

    def command(self, name, body):
        names = {"script": "WebDriver:ExecuteScript", "screenshot": "WebDriver:TakeScreenshot", "quit": "Marionette:Quit"}
        self.number += 1
        text = json.dumps([0, self.number, names.get(name, name), body]).encode()
        self.socket.sendall(b"%d:%s" % (len(text), text))
        _, _, error, value = self.message()
        if error:
            raise AssertionError("%s: %s" % (name, error.get("message")))
        return value.get("value") if isinstance(value, dict) and "value" in value else value

    def open(self, url):
        self.command("WebDriver:Navigate", {"url": url})

    def type(self, selector, text):
        found = self.command("WebDriver:FindElement", {"using": "css selector", "value": selector})
        self.command("WebDriver:ElementSendKeys", {"id": list(found.values())[0], "text": text})

    def errors(self):
        return []

    def end(self):
        if hasattr(self, "socket"):
            self.socket.close()
        super().end()
