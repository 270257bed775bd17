"""What the tests of outputs share: a show with a settings file, servers on the loopback device, and what ffprobe says."""
import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

REVERIE = os.environ["REVERIE"]
MODULE = "/usr/lib/nginx/modules/ngx_rtmp_module.so"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
HAS_NGINX = bool(NGINX) and os.path.exists(MODULE)
FFMPEG, FFPROBE = shutil.which("ffmpeg"), shutil.which("ffprobe")
KEY = "live_secret_0123"
SETTINGS = """
dream: {backend: "null", size: 64x64}
show: {state_dir: ""}
web: {enabled: false}
video: {size: 320x180, preset: ultrafast, bitrate_kbps: 600}
"""
CONFIG = """
load_module %(module)s;
daemon off; master_process off; worker_processes 1; pid %(folder)s/pid; error_log %(folder)s/error.log;
events { worker_connections 64; }
rtmp { server { listen 127.0.0.1:%(port)d; ping 5s; ping_timeout 5s;
  application app { live on; record all; record_path %(folder)s; record_unique on; %(more)s } } }
"""


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(type=kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("never came: " + what)
        time.sleep(0.1)


def add_cleanup(test, call, *arguments):
    """Of a test, or of a whole class of them."""
    (test.addClassCleanup if isinstance(test, type) else test.addCleanup)(call, *arguments)


class Nginx:
    """Records what it gets into FOLDER/NAME-TIME.flv."""

    def __init__(self, test, folder, more=""):
        self.folder, self.port = folder, free_port()
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o777)
        config = os.path.join(folder, "nginx.conf")
        with open(config, "w", encoding="utf-8") as f:
            f.write(CONFIG % {"module": MODULE, "folder": folder, "port": self.port, "more": more})
        self.process = subprocess.Popen([NGINX, "-c", config, "-p", folder], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.url = "rtmp://127.0.0.1:%d/app" % self.port
        add_cleanup(test, self.stop)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def files(self):
        """Those that hold something; a publisher that was refused leaves an empty one."""
        paths = sorted(os.path.join(self.folder, n) for n in os.listdir(self.folder) if n.endswith(".flv"))
        return [path for path in paths if os.path.getsize(path) > 1000]


class Renamer(http.server.BaseHTTPRequestHandler):
    """Gives each publisher a name of its own, so that nginx-rtmp takes two with one key."""
    count = 0

    def do_POST(self):
        Renamer.count += 1
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(302)
        self.send_header("Location", "number%d" % Renamer.count)
        self.end_headers()

    def log_message(self, *_):
        pass


def start_renamer(test):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Renamer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    add_cleanup(test, server.server_close)
    add_cleanup(test, server.shutdown)
    return "on_publish http://127.0.0.1:%d/;" % server.server_address[1]


class Replacer(threading.Thread):
    """Stands before a server and does what Twitch does: the older connection ends when a new one has come."""

    def __init__(self, test, server_port):
        super().__init__(daemon=True)
        self.server_port, self.listener, self.pairs = server_port, socket.create_server(("127.0.0.1", 0)), []
        self.url = "rtmp://127.0.0.1:%d/app" % self.listener.getsockname()[1]
        add_cleanup(test, self.listener.close)
        self.start()

    def run(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.server_port))
            self.pairs.append((client, server))
            for a, b in ((client, server), (server, client)):
                threading.Thread(target=self.carry, args=(a, b), daemon=True).start()
            if len(self.pairs) > 1:
                time.sleep(0.3)  # the new one publishes now
                for s in self.pairs[-2]:
                    self.hang_up(s)

    @staticmethod
    def hang_up(s):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other side has done so

    @staticmethod
    def carry(a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Show:
    """`outputs` is the YAML of the list, `more` that of further sections. Lines said to it are the operator's."""

    def __init__(self, test, folder, outputs, more="record: {enabled: false}\n", **env):
        self.path, settings = os.path.join(folder, "log"), os.path.join(folder, "settings.yaml")
        with open(settings, "w", encoding="utf-8") as f:
            f.write(SETTINGS + more + "outputs:\n" + outputs)
        with open(self.path, "wb") as log:
            self.process = subprocess.Popen([REVERIE, "run", "-c", settings, "--duration", "200", "--watch", "no"],
                                            cwd=folder, stdin=subprocess.PIPE, stdout=log, stderr=log,
                                            env=dict(os.environ, **env))
        add_cleanup(test, self.stop)

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def log(self):
        with open(self.path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def left_out(self):
        """Whether this machine was too slow for every frame, which is no fault of an output. Once it has ended."""
        return "left out (too slow)" in self.log()

    def wait(self, pattern, seconds=60):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.log()):
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError("never said: %s\n%s" % (pattern, self.log()))
            time.sleep(0.1)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
        self.process.stdin.close()


def packets(path, kind="v"):
    """[(dts in s, md5 of the packet)] of one track, in the order of the file."""
    out = subprocess.run([FFPROBE, "-v", "error", "-select_streams", kind, "-show_packets", "-show_data_hash", "md5",
                          "-of", "json", path], check=True, stdout=subprocess.PIPE).stdout
    return [(float(p["dts_time"]), p["data_hash"]) for p in json.loads(out)["packets"] if "data_hash" in p]


def probe(path, *entries):
    return subprocess.run([FFPROBE, "-v", "error", "-of", "csv=p=0", *entries, path], check=True,
                          stdout=subprocess.PIPE, timeout=60).stdout.decode().split()


def gaps(path, least_s):
    """Where two pictures are further apart than they should be; the file has to be at least so long."""
    times = [t for t, _ in packets(path)]
    assert times[-1] - times[0] > least_s, times[-1] - times[0]
    return [b - a for a, b in zip(times, times[1:]) if b - a > 0.05]
