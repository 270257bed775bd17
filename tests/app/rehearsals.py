"""Rehearsals that tests run and look at, and what they plant in their way: a server that hangs up, signals to the dreamer, a
port that is taken, a library in front of the C library that makes the disk hang."""
import glob
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(__file__))
from program import REVERIE, SANITIZED, Folder  # noqa: E402

MINUTES = "0.5" if SANITIZED else "0.25"
SHOW = {"web.enabled": "false", "dream.size": "128x128", "dream.steps": "2", "video.size": "320x180", "video.bitrate_kbps": "500",
        "show.hold_s": "3"}
HANGING_DISK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
ssize_t write(int fd, const void *data, size_t bytes)
{
    static ssize_t (*real)(int, const void *, size_t);
    char link[64], path[512] = "";
    if (!real)
        real = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, path, sizeof path - 1) > 0 && strstr(path, ".mp4"))
        usleep(6000000);
    return real(fd, data, bytes);
}
"""


class Report:
    def __init__(self, text, log, code):
        self.text, self.log, self.code = text, log, code
        table = text.split("\npromise ")[1].split("\n\n")[0].splitlines()[1:] if "\npromise " in text else []
        self.rows = {line[:53].strip(): line.rsplit(None, 1)[1] for line in table}
        self.broken = text.split("what broke:\n")[1].split("\n\n")[0] if "what broke:\n" in text else ""


class Rehearsal:
    """One that runs; `while_on(process)` is called on a thread once it dreams."""

    def __init__(self, *arguments, minutes=MINUTES, while_on=None, env=None, limit=None, **settings):
        self.arguments, self.minutes, self.while_on, self.env, self.limit = arguments, minutes, while_on, env, limit
        self.settings = {**SHOW, **{k.replace("__", "."): v for k, v in settings.items()}}

    def run(self):
        def bound():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            if self.limit:
                resource.setrlimit(resource.RLIMIT_FSIZE, (self.limit, self.limit))
        with Folder() as folder:
            sets = [word for k, v in self.settings.items() for word in ("--set", "%s=%s" % (k, v.replace("@", folder.name)))]
            home = folder.path("home")
            environment = {**os.environ, "HOME": home, "XDG_STATE_HOME": home, **(self.env or {})}
            argv = [REVERIE, "run", "--watch=no", "--seed", "7", "--rehearse", self.minutes, *self.arguments, *sets]
            with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder.name,
                                  env=environment, preexec_fn=bound, restore_signals=False) as process:
                logged = []
                reader = threading.Thread(target=lambda: logged.extend(process.stderr))
                reader.start()
                while self.while_on and not any(b"now dreaming" in line for line in logged) and process.poll() is None:
                    time.sleep(0.05)
                if self.while_on and process.poll() is None:
                    self.while_on(process)
                text = process.stdout.read().decode()
                code = process.wait(60)
                reader.join()
            report = Report(text, b"".join(logged).decode("utf-8", "replace"), code)
            report.files = sorted(os.path.relpath(path, folder.name) for path in glob.glob(folder.path("**"), recursive=True))
            kept = glob.glob(folder.path("rehearsals", "*", "report.txt"))
            report.kept = ""
            for path in kept:
                with open(path, encoding="utf-8") as f:
                    report.kept += f.read()
        return report


def dreamer_of(process):
    for task in os.listdir("/proc/%d/task" % process.pid):
        with open("/proc/%d/task/%s/children" % (process.pid, task), encoding="ascii") as f:
            for word in f.read().split():
                return int(word)
    return None


def signals_dreamer(number):
    def strike(process):
        time.sleep(1)
        pid = dreamer_of(process)
        if pid:
            os.kill(pid, number)
    return strike


class Server:
    """Takes every connection and hangs up."""

    def __enter__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def serve(self):
        try:
            while True:
                self.socket.accept()[0].close()
        except OSError:
            pass

    def __exit__(self, *_):
        self.socket.close()


def busy_port():
    s = socket.create_server(("127.0.0.1", 0))
    return s, str(s.getsockname()[1])
