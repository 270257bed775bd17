"""`reverie run --rehearse`: a well show keeps its promises, each of a dozen faults that are planted in its way is named by the
report, the rehearsal's own faults are noticed and over, and nothing of it reaches the real store, chat or outputs.

A fault is planted from outside: a server that hangs up, a limit on files, signals to the dreamer, a library in front of the
C library that makes the disk hang, settings that mute the bot. The short rehearsals run side by side."""
import concurrent.futures
import glob
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from program import REVERIE, SANITIZED, Folder, reverie  # noqa: E402

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


class Planted(unittest.TestCase):
    """Name -> (what is in the report under "what broke", the rehearsal)."""

    def hanging_disk(self, folder):
        source, library = folder.write("slow.c", HANGING_DISK), folder.path("slow.so")
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        return {"LD_PRELOAD": library}

    def plan(self, folder, hangs_up, port):
        everything = folder.write("forbidden", "*a*\n*e*\n*i*\n*o*\n*u*\n*n*\n")
        calm = {"minutes": MINUTES}
        plan = {
            "an ingest that hangs up": (r"output rtmp: down", Rehearsal(
                "--calm", "--with-outputs", record__dir="@/rec", rtmp__enabled="true",
                rtmp__url="rtmp://127.0.0.1:%d/live" % hangs_up.port, env={"REVERIE_RTMP_STREAM_KEY": "nokey"}, **calm)),
            "files that cannot grow": (r"output record: \w+ at the end, down for [1-9]", Rehearsal("--calm", limit=100000, video__bitrate_kbps="2000", **calm)),
            "a dreamer that is killed": (r"deaths of the dreamer.*: 1, 0 ", Rehearsal(
                "--calm", while_on=signals_dreamer(signal.SIGKILL), **calm)),
            "a dreamer that hangs": (r"deaths of the dreamer.*: 1, 1 ", Rehearsal(
                "--calm", while_on=signals_dreamer(signal.SIGSTOP), minutes="0.35")),
            "a bot that leaves its own commands to others": (r"lines that want an answer: ", Rehearsal(
                "--calm", chat__ignore="dream now queue help last where words", **calm)),
            "moderators whom nobody hears": (r"moderators' orders: ", Rehearsal(
                "--calm", chat__ignore="skip hold queue pause resume ban unban forbid allow output", minutes="0.4")),
            "a list that forbids everything that is asked": (r"wishes: on the screen: 0 ", Rehearsal(
                "--calm", show__banned_file=everything, **calm)),
            "a dream that does not form": (r"wishes that the network sees in the end: 0 of [2-9]", Rehearsal(
                "--calm", show__hold_s="11", dream__step_levels="0.05", minutes="0.75")),
            "a page whose port is taken": (r"(?s)web: .*no fault of the rehearsal explains: [1-9]", Rehearsal(
                "--calm", web__enabled="true", web__port=port, **calm)),
            "sound that is not there": (r"(?s)audio: .*no fault of the rehearsal explains: [1-9]", Rehearsal(
                "--calm", audio__source="http://127.0.0.1:%d/radio" % hangs_up.port, **calm)),
        }
        if not SANITIZED:
            plan["a disk that hangs"] = (r"(?s)record: the disk of .*no fault of the rehearsal explains: [1-9]",
                                         Rehearsal("--calm", env=self.hanging_disk(folder), minutes="0.4"))
        return plan

    def test_each_is_named(self):
        taken, port = busy_port()
        with Folder() as folder, Server() as hangs_up, taken, concurrent.futures.ThreadPoolExecutor(12) as pool:
            plan = self.plan(folder, hangs_up, port)
            running = {name: pool.submit(rehearsal.run) for name, (_, rehearsal) in plan.items()}
            self.assertGreaterEqual(len(running), 10)
            for name, future in running.items():
                report = future.result()
                with self.subTest(fault=name):
                    self.assertEqual(report.code, 1, report.text + report.log)
                    self.assertRegex(report.text if "(?s)" in plan[name][0] else report.broken, plan[name][0], report.text + report.log)

    def test_a_machine_that_is_too_slow(self):
        report = Rehearsal("--calm", video__size="1920x1080", video__fps="60", video__preset="medium").run()
        self.assertRegex(report.broken, r"video: frames left out: [1-9]", report.text + report.log)


class Whole(unittest.TestCase):
    MACHINE = ("video: frames left out", "dream: longest time without a new picture",  # what a busy machine breaks
               "warnings that no fault of the rehearsal explains")

    def test_a_show_that_is_well(self):
        report = Rehearsal("--calm", minutes="0.5").run()
        broken = {what for what, verdict in report.rows.items() if verdict == "BROKEN"}
        self.assertEqual(broken - set(self.MACHINE), set(), report.text + report.log)
        self.assertEqual(report.code, 1 if broken else 0)
        self.assertGreaterEqual(len(report.rows), 12, report.text)
        self.assertIn(report.kept, report.text)
        self.assertRegex(report.text, r"by \S+ +on the screen at \d+ s")
        self.assertEqual([name for name in report.files if not name.startswith("rehearsals") and name != "."], [],
                         "it left something outside of its folder")
        self.assertTrue(any(name.endswith(".mp4") for name in report.files), report.files)
        self.assertTrue(any(name.endswith("reverie.db") for name in report.files), report.files)

    def test_its_own_faults_are_noticed_and_over(self):
        report = Rehearsal(minutes="2").run()
        faults = {what: verdict for what, verdict in report.rows.items() if what.startswith("fault")}
        self.assertEqual(len(faults), 8, report.text)
        self.assertEqual(set(faults.values()), {"kept"}, report.text + report.log)

    def test_no_chat_or_output_of_the_settings_is_touched(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(0.1)
            port = str(server.getsockname()[1])
            report = Rehearsal("--calm", chat__enabled="true", chat__server="127.0.0.1", chat__port=port, chat__tls="false",
                               chat__channel="real", chat__nick="realbot", rtmp__enabled="true",
                               rtmp__url="rtmp://127.0.0.1:%s/live" % port,
                               env={"REVERIE_RTMP_STREAM_KEY": "realkey", "REVERIE_CHAT_TOKEN": "oauth:realtoken"}).run()
            self.assertRaises(socket.timeout, server.accept)
        self.assertNotIn("rtmp", report.text)
        self.assertIn("output stand-in", report.text)
        self.assertNotIn("#real", report.log)

    def test_the_page_says_so(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
        seen = []

        def look(process):
            del process
            for _ in range(50):
                try:
                    with socket.create_connection(("127.0.0.1", port), timeout=2) as s:
                        s.sendall(b"GET /api/status HTTP/1.0\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
                        answer = b"".join(iter(lambda: s.recv(65536), b""))
                    seen.append(json.loads(answer.split(b"\r\n\r\n", 1)[1])["rehearsal"])
                    return
                except (OSError, KeyError, ValueError, IndexError):
                    time.sleep(0.1)
        Rehearsal("--calm", web__enabled="true", web__port=str(port), while_on=look).run()
        self.assertEqual(seen, [True])


class Arguments(unittest.TestCase):
    def test_what_does_not_go_together(self):
        for words, said in ((["--rehearse", "--offline"], "leave --offline out"), (["--calm"], "--calm goes with --rehearse"),
                            (["--rehearse=0"], "--rehearse: "), (["--rehearse", "1", "--script", "x"], "leave --script out")):
            done = reverie("run", *words)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(said, done.stderr)

    def test_a_crowd_is_a_script(self):
        first = reverie("crowd", "--minutes", "2", "--seed", "5")
        self.assertEqual(first.stdout, reverie("crowd", "--minutes", "2", "--seed", "5").stdout)
        self.assertNotEqual(first.stdout, reverie("crowd", "--minutes", "2", "--seed", "6").stdout)
        objects = [json.loads(line) for line in reverie("crowd", "--minutes", "2", "--json").stdout.splitlines()]
        self.assertEqual(len({o["kind"] for o in objects}), 12)
        with Folder() as folder:
            script = folder.write("script", first.stdout)
            done = reverie("run", "--offline", "--seed", "1", "--script", script, "--duration", "20", "--set", "record.enabled=false",
                           *(word for k, v in SHOW.items() for word in ("--set", "%s=%s" % (k, v))))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"now dreaming .*@")


if __name__ == "__main__":
    unittest.main()
