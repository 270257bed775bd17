"""The stage of a soak: a show with everything on, and around it what a show depends on: an ingest server, a chat, a small
disk. And the eyes on it: the show's own answers by its socket, its log, what /proc says of it and of the machine."""
import ctypes
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
for room in ("stream", os.path.join("chatbot", "irc")):
    sys.path.insert(0, os.path.join(HERE, "..", room))
import fake_tmi  # noqa: E402
import ingest  # noqa: E402

REVERIE = os.environ["REVERIE"]
DISK_MB = 96
LINES_PER_MINUTE = 20  # fewer answers than the bot may give
TICK = os.sysconf("SC_CLK_TCK")
SETTINGS = {"show.hold_s": 20, "video.bitrate_kbps": 1000, "record.segment_minutes": 1, "record.min_free_mb": 4,
            "rtmp.enabled": "true", "chat.enabled": "true", "chat.channel": "#chan", "chat.server": "127.0.0.1", "chat.tls": "false",
            "chat.nick": "soak", "audio.source": "synth", "web.enabled": "false"}


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def children(pid):
    """Process ids; of a show there is one, where the dreamer has a process of its own."""
    return [int(word) for task in (os.listdir("/proc/%d/task" % pid) if os.path.exists("/proc/%d/task" % pid) else [])
            for word in read("/proc/%d/task/%s/children" % (pid, task)).split()]


def cpu_s(pid):
    fields = read("/proc/%d/stat" % pid).rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK if fields else 0.0


def machine_s():
    """Seconds that all processors have worked, for us or, where this is a virtual machine, for others."""
    user, nice, system, _, _, irq, softirq, steal = map(int, read("/proc/stat").split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICK


def small_pages():
    """No huge pages for what is started next: x264 asks for them, and the kernel fills them up when it finds the time, half an hour
    later: resident memory grows by 2 MB a time, and nobody has taken any."""
    PR_SET_THP_DISABLE = 41
    ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)


def rss_mb(pid):
    words = read("/proc/%d/statm" % pid).split()
    return int(words[1]) * os.sysconf("SC_PAGESIZE") / 1e6 if words else 0.0


class Door(http.client.HTTPConnection):
    """HTTP by the show's socket, as `reverie status` asks."""

    def __init__(self, path):
        super().__init__("localhost", timeout=4)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Chat:
    """A channel with the crowd of `reverie crowd`: everything that people say, at its time. `answers` counts what the bot said to those
    who want an answer."""

    def __init__(self, minutes):
        async def script(talk):
            await talk.login()
            await talk.listen()
        self.server = fake_tmi.Server(script).__enter__()
        self.port, self.asked, self.said = self.server.port, {}, 0
        out = subprocess.run([REVERIE, "crowd", "--json", "--minutes", str(minutes), "--lines-per-minute", str(LINES_PER_MINUTE)],
                             stdout=subprocess.PIPE, check=True).stdout
        self.lines = [json.loads(line) for line in out.splitlines()]

    def speak(self, now):
        """What is due by now."""
        while self.lines and self.lines[0]["at_s"] <= now:
            line = self.lines.pop(0)
            self.said += 1
            if not self.server.talks:
                continue
            if line["wants_answer"]:
                self.asked["w%d" % self.said] = line["user"]
            rank = "badges=%s;mod=%d" % ("moderator/1" if line["moderator"] else "", line["moderator"])
            text = "@id=w%d;user-id=%s;%s :%s!u@h PRIVMSG #chan :%s" % (self.said, line["user"], rank, line["user"], line["text"])
            if line["kind"] == "removal":
                text = ":tmi.twitch.tv CLEARCHAT #chan :%s" % line["user"]
            self.server.loop.call_soon_threadsafe(self.server.talks[-1].say, text)

    def skip(self, now):
        """Nobody could hear what is said until now."""
        while self.lines and self.lines[0]["at_s"] <= now:
            self.lines.pop(0)

    def answers(self):
        """In a thread, or, when several were joined, by name."""
        talks = list(self.server.talks)
        threads = {number for talk in talks for number, _ in talk.threads()}
        joined = " ".join(text for talk in talks for _, text in talk.said())
        named = set(re.findall(r"@(\w+)", joined))
        return sum(number in threads or user in named for number, user in self.asked.items())

    def connections(self):
        return len(self.server.talks)

    def drop(self):
        self.server.loop.call_soon_threadsafe(self.server.talks[-1].reset)

    def close(self):
        self.server.__exit__()


class Disk:
    """A tmpfs of DISK_MB, which a file can fill up."""

    def __init__(self, folder):
        self.folder, self.filler = folder, os.path.join(folder, "filler")
        os.makedirs(folder)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dm" % DISK_MB, "none", folder], check=True)

    def fill(self):
        try:
            with open(self.filler, "wb", buffering=0) as f:
                while f.write(bytes(1 << 16)):
                    pass
        except OSError:
            pass  # full

    def free(self):
        if os.path.exists(self.filler):
            os.unlink(self.filler)

    def close(self):
        subprocess.run(["umount", "-l", self.folder], check=False)


class Stage:
    def __init__(self, folder, settings, minutes):
        self.folder, self.log_at, self.lines = folder, 0, []
        os.makedirs(os.path.join(folder, "nginx"))
        self.disk = Disk(os.path.join(folder, "disk"))
        self.chat = Chat(minutes)
        self.nginx = ingest.Nginx(os.path.join(folder, "nginx"), ingest.free_port())
        self.log_path = os.path.join(folder, "log")
        sets = dict(SETTINGS, **{"record.dir": os.path.join(folder, "disk", "rec"), "show.state_dir": os.path.join(folder, "state"),
                                 "rtmp.url": "rtmp://127.0.0.1:%d/live" % self.nginx.port, "chat.port": self.chat.port}, **settings)
        argv = [REVERIE, "run", "--watch=no", *(word for k, v in sets.items() for word in ("--set", "%s=%s" % (k, v)))]
        env = dict(os.environ, REVERIE_RTMP_STREAM_KEY="soak", REVERIE_CHAT_TOKEN="oauth:soak")
        self.helpers = []  # processes of the faults
        self.began = time.monotonic()
        with open(self.log_path, "wb") as log:
            self.show = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, preexec_fn=small_pages)

    def now(self):
        return time.monotonic() - self.began

    def status(self):
        """What /api/status says, or None."""
        door = Door(os.path.join(self.folder, "state", "show.sock"))
        try:
            door.request("GET", "/api/status")
            return json.loads(door.getresponse().read())
        except (OSError, ValueError, http.client.HTTPException):
            return None
        finally:
            door.close()

    def dreamer(self):
        """The process that dreams, or None where the show does it itself."""
        return next(iter(children(self.show.pid)), None)

    def new_lines(self):
        """Lines of the log since the last call: (level, part, text)."""
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            f.seek(self.log_at)
            text = f.read()
        whole = text[:text.rfind("\n") + 1]
        self.log_at += len(whole.encode("utf-8", "replace"))
        self.lines += (new := re.findall(r"^\S+ (debug|info|warn|error) +(\w+): (.*)$", whole, re.M))
        return new

    def files(self):
        """Recordings in the order of their names."""
        folder = os.path.join(self.folder, "disk", "rec")
        return sorted(os.path.join(folder, name) for name in (os.listdir(folder) if os.path.isdir(folder) else ())
                      if name.endswith(".mp4"))

    def own_cpu_s(self):
        pids = [self.show.pid, os.getpid(), self.nginx.process.pid, *children(self.show.pid), *(h.pid for h in self.helpers)]
        return sum(cpu_s(pid) for pid in pids)

    def close(self):
        for process in [self.show, *self.helpers]:
            if process.poll() is None:
                process.kill()
                process.wait()
        self.nginx.stop()
        self.chat.close()
        self.disk.close()
