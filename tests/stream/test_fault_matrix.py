"""The fault matrix of stream and recording, in short: what each row of it is proved by.

what happens                                        test
the server is absent at the start                   Ingest.test_absent_at_the_start_and_no_storm_meanwhile
it is killed in mid-stream                          test_rtmp_truth: test_on_the_air_off_it_and_back
it takes nothing any more; the line is dead         Ingest.test_a_dead_line_is_noticed
it accepts and never answers the handshake          Ingest.test_the_handshake_is_never_answered
wrong key, refused, no such application             test_rtmp_truth: test_a_refused_stream..., test_an_unknown...
the key is in use                                   Ingest.test_a_key_in_use_is_said_and_waited_for
the uplink carries half of the bit rate             test_rtmp_truth: test_a_thin_line...; test_bitrate.c, test_sink_lag.c
the connection is renewed before 48 hours           test_renewal.py
time stamps beyond 4 h 39 min (24 bits of ms)       test_rtmp.c: test_time_goes_on_beyond_24_bits
RTMPS: certificates of all kinds                    Certificates
disk full, folder gone, unwritable, old files       test_sinks.c, test_sinks_e2e, test_show
kill -9; in the first half second                   test_sinks_e2e: test_kill_loses..., test_a_crash_at_the_start...
power cut                                           Recording.test_a_power_cut_takes_three_seconds_at_most
rotation without a lost sample                      test_sinks.c: test_files_change_over_without_loss
a hung disk                                         test_recordings.c: test_a_hanging_disk_is_told...
SIGSTOP and CONT                                    Recording.test_stopped_for_a_while_it_goes_on_without_a_burst
the encoder is too slow; busy loops                 Overload; test_lateness.c; test_stream.c: test_an_overload_is_no_slow_motion
the wall clock jumps                                Recording.test_the_wall_clock_may_jump
SIGTERM in every state                              Ingest.test_sigterm_is_quick_in_every_state, Overload; test_process: test_it_ends_in_every_state
secrets                                             test_show: test_secrets_are_never_shown, test_messages
a source of sound that is down                      test_audio
SIGHUP, second SIGINT                               test_life

Not here: an hour of all of it (make soak). nginx with its RTMP module, stunnel and everything else is on the loopback
device. Shows that only wait run side by side."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "chatbot", "irc"))
import fake_tmi  # noqa: E402
from ingest import IS_THERE, Nginx, Proxy, free_port  # noqa: E402

REVERIE = os.environ["REVERIE"]
SANITIZED = bool(os.environ.get("SANITIZER"))
STUNNEL = shutil.which("stunnel4") or shutil.which("stunnel")
FFPROBE = shutil.which("ffprobe")
SMALL = ["dream.backend=null", "dream.size=64x64", "record.enabled=false", "show.state_dir=", "web.enabled=false",
         "video.size=320x180", "video.preset=ultrafast", "video.bitrate_kbps=500"]
DISLIKES = r"Connection reset|the server hung up|Broken pipe|End of file|Input/output"


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="reverie-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.shows = 0

    def show(self, *settings, wrapper=(), env=None):
        self.shows += 1
        show = Show(os.path.join(self.folder, "log%d" % self.shows), settings, wrapper, env or {})
        self.addCleanup(show.kill)
        return show

    def nginx(self):
        if not IS_THERE:
            self.skipTest("nginx with its RTMP module is not installed")
        folder = os.path.join(self.folder, "nginx")
        os.mkdir(folder)
        server = Nginx(folder, free_port())
        self.addCleanup(server.stop)
        return server

    def recordings(self, folder="rec"):
        folder = os.path.join(self.folder, folder)
        return sorted(os.path.join(folder, n) for n in os.listdir(folder) if n.endswith(".mp4"))


class Show:
    def __init__(self, path, settings, wrapper, env):
        self.path = path
        argv = [*wrapper, REVERIE, "run", "--watch=no"]
        for s in [*SMALL, *settings]:
            argv += ["--set", s]
        with open(path, "wb") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=dict(os.environ, REVERIE_RTMP_STREAM_KEY="live_key", **env))
        self.began = time.monotonic()

    def log(self):
        with open(self.path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait(self, pattern, seconds=40):
        """Seconds since the start at which the log says so."""
        end = time.monotonic() + seconds * (4 if SANITIZED else 1)
        while not re.search(pattern, self.log()):
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError("never said: %s\n%s" % (pattern, self.log()))
            time.sleep(0.05)
        return time.monotonic() - self.began

    def terminate(self):
        """Seconds that the end took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        assert code == 0, (code, self.log())
        return time.monotonic() - began

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Listener:
    """Takes connections and, but for that, does nothing: `count` of them."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.count, self.taken = self.socket.getsockname()[1], 0, []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        try:
            while True:
                self.taken.append(self.socket.accept()[0])
                self.count += 1
        except OSError:
            pass

    def close(self):
        for s in [self.socket, *self.taken]:
            s.close()


def rtmp(port, app="live", scheme="rtmp"):
    return "rtmp.enabled=true", "rtmp.url=%s://127.0.0.1:%d/%s" % (scheme, port, app)


def packets(path, kind="v"):
    out = subprocess.run([FFPROBE, "-v", "error", "-select_streams", kind, "-show_entries", "packet=pts_time", "-of", "csv=p=0", path],
                         stdout=subprocess.PIPE, check=True).stdout.decode()
    return sorted(float(t.strip(",")) for t in out.split() if t.strip(","))


class Ingest(Case):
    def listener(self):
        listener = Listener()
        self.addCleanup(listener.close)
        return listener

    def test_absent_at_the_start_and_no_storm_meanwhile(self):
        server = self.nginx()
        server.stop()
        show = self.show(*rtmp(server.port))
        show.wait(r"warn +rtmp: .*cannot connect: Connection refused")
        time.sleep(8)
        fds = len(os.listdir("/proc/%d/fd" % show.process.pid))
        server.start()
        show.wait(r"on the air: rtmp", 30)
        self.assertEqual(len(re.findall(r"warn +rtmp: ", show.log())), 1)
        self.assertLessEqual(len(os.listdir("/proc/%d/fd" % show.process.pid)), fds + 1)
        server.stop()  # it was there for a moment only, but it was: nobody waits as long as before for it
        show.wait(r"warn +rtmp: .*off the air, .*; trying again in [123] s")

    def test_the_handshake_is_never_answered(self):
        silent, other = self.listener(), self.listener()
        shows = [self.show(*rtmp(silent.port)), self.show(*rtmp(other.port, scheme="rtmps"))]
        for show in shows:
            self.assertLess(show.wait(r"warn +rtmp: .*cannot connect: (no answer for 8 s|Connection timed out)"), 12 * (4 if SANITIZED else 1))
        self.assertLessEqual(silent.count, 2)

    def test_a_dead_line_is_noticed(self):
        server = self.nginx()
        proxy = Proxy(server.port)
        self.addCleanup(proxy.listener.close)
        show = self.show(*rtmp(proxy.port), "video.bitrate_kbps=2000", "video.size=640x360")
        show.wait(r"on the air: rtmp")
        proxy.rate = 100  # bytes a second: as good as nothing
        began = time.monotonic()
        show.wait(r"off the air, the connection broke: the server took nothing for 8 s", 30)
        self.assertLess(time.monotonic() - began, 14)  # half a second of buffers here, the proxy's own, and the 8 s

    def test_a_key_in_use_is_said_and_waited_for(self):
        server = self.nginx()
        first = self.show(*rtmp(server.port))
        first.wait(r"on the air: rtmp")
        second = self.show(*rtmp(server.port))
        second.wait(r"warn +rtmp: .*(Already publishing|refused the stream|%s)" % DISLIKES)
        self.assertNotIn("on the air", second.log())
        first.terminate()
        second.wait(r"on the air: rtmp", 30)

    def test_sigterm_is_quick_in_every_state(self):
        server = self.nginx()
        silent = self.listener()
        states = {"live": (self.show(*rtmp(server.port)), r"on the air: rtmp"),
                  "refused": (self.show(*rtmp(free_port())), r"cannot connect: Connection refused"),
                  "handshake": (self.show(*rtmp(silent.port)), r"now dreaming"),
                  "TLS handshake": (self.show(*rtmp(silent.port, scheme="rtmps")), r"now dreaming"),
                  "silent source of sound": (self.show("audio.source=http://127.0.0.1:%d/x" % silent.port), r"now dreaming"),
                  "no name server": (self.show("rtmp.enabled=true", "rtmp.url=rtmp://nohost.invalid/app"), r"now dreaming")}
        stopped = self.show(*rtmp(server.port, app="app"))
        for show, pattern in states.values():
            show.wait(pattern)
        stopped.wait(r"on the air: rtmp")
        time.sleep(0.5)
        for state, (show, _) in states.items():
            with self.subTest(state=state):
                self.assertLess(show.terminate(), 3 * (4 if SANITIZED else 1))
        server.process.send_signal(signal.SIGSTOP)
        time.sleep(2)
        try:
            self.assertLess(stopped.terminate(), 3 * (4 if SANITIZED else 1))
        finally:
            server.process.send_signal(signal.SIGCONT)


@unittest.skipUnless(STUNNEL, "stunnel is not installed")
class Certificates(Case):
    """nginx-rtmp behind stunnel, as platforms have it."""

    def stunnel(self, server, certificate):
        port, name = free_port(), os.path.basename(certificate[0])
        path = os.path.join(self.folder, name + ".conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write("foreground = yes\npid =\n[rtmps]\naccept = 127.0.0.1:%d\nconnect = 127.0.0.1:%d\ncert = %s\nkey = %s\n" %
                    (port, server.port, *certificate))
        process = subprocess.Popen([STUNNEL, path], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return port

    def test_certificates_of_all_kinds(self):
        server = self.nginx()
        made = fake_tmi.Certificates()
        self.addCleanup(made.close)
        good = self.stunnel(server, made.good)
        ca = "rtmp.ca_file=" + made.ca
        time.sleep(0.5)
        shows = {"by address": (self.show(*rtmp(good, "live", "rtmps"), ca), r"on the air: rtmps"),
                 "by name": (self.show(*rtmp(good, "app", "rtmps"), "rtmp.url=rtmps://localhost:%d/app" % good, ca), r"on the air: rtmps"),
                 "unknown authority": (self.show(*rtmp(good, "live", "rtmps")), None)}
        for name in ("self_signed", "expired", "wrong_host"):
            port = self.stunnel(server, getattr(made, name))
            time.sleep(0.3)
            shows[name] = self.show(*rtmp(port, "live", "rtmps"), ca), None
        for name, (show, pattern) in shows.items():
            with self.subTest(certificate=name):
                if pattern:
                    show.wait(pattern)
                else:
                    show.wait(r"warn +rtmp: .*cannot connect: .*([Cc]ertificate|verif)")
                    self.assertNotIn("connected to", show.log())


@unittest.skipUnless(FFPROBE, "ffprobe is not installed")
class Recording(Case):
    def record(self, *settings, **more):
        return self.show("record.enabled=true", "record.dir=" + os.path.join(self.folder, "rec"), *settings, **more)

    def test_stopped_for_a_while_it_goes_on_without_a_burst(self):
        show = self.record()
        show.wait(r"recording to")
        time.sleep(2)
        show.process.send_signal(signal.SIGSTOP)
        time.sleep(5)
        show.process.send_signal(signal.SIGCONT)
        time.sleep(3)
        wall_s = time.monotonic() - show.began
        show.terminate()
        times = packets(self.recordings()[0])
        steps = sorted(b - a for a, b in zip(times, times[1:]))
        self.assertGreater(steps[0], 0.039)  # no burst
        self.assertAlmostEqual(steps[-1], 5, delta=1)  # a hole where it stood, and then on with the clock
        self.assertLess(steps[-2], 1.1)
        self.assertAlmostEqual(times[-1], wall_s, delta=1.5)

    def test_the_wall_clock_may_jump(self):
        """Only the calendar's clock: names of files follow it, nothing else."""
        source, shim = os.path.join(self.folder, "shim.c"), os.path.join(self.folder, "shim.so")
        with open(source, "w", encoding="utf-8") as f:
            f.write('#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <time.h>\n#include <sys/syscall.h>\n#include <unistd.h>\n'
                    'static long jump(void) { static long n; struct timespec t; syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);\n'
                    '  if (!n) n = t.tv_sec; return t.tv_sec < n + 2 ? 0 : t.tv_sec < n + 4 ? 86400 : -3600; }\n'
                    'int clock_gettime(clockid_t c, struct timespec *t) { int rc = (int)syscall(SYS_clock_gettime, c, t);\n'
                    '  if (c == CLOCK_REALTIME) t->tv_sec += jump(); return rc; }\n'
                    'time_t time(time_t *p) { struct timespec t; clock_gettime(CLOCK_REALTIME, &t); if (p) *p = t.tv_sec; return t.tv_sec; }\n')
        cc = shutil.which("cc") or shutil.which("gcc")
        if not cc or SANITIZED:
            self.skipTest("a sanitizer wants to be the first library" if SANITIZED else "there is no compiler")
        subprocess.run([cc, "-shared", "-fPIC", "-o", shim, source], check=True)
        show = self.record(env={"LD_PRELOAD": shim})
        show.wait(r"recording to")
        time.sleep(6.5)
        wall_s = time.monotonic() - show.began
        show.terminate()
        self.assertEqual(len(self.recordings()), 1)
        times = packets(self.recordings()[0])
        self.assertAlmostEqual(times[-1], wall_s, delta=1.5)
        self.assertLess(max(b - a for a, b in zip(times, times[1:])), 1.1)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("mkfs.ext4"), "needs root and mkfs.ext4")
    def test_a_power_cut_takes_three_seconds_at_most(self):
        """What a disk holds at a moment: the image under a mounted file system is copied, and the copy is read."""
        image, cut, at = (os.path.join(self.folder, name) for name in ("disk.img", "cut.img", "rec"))
        os.mkdir(at)
        with open(image, "wb") as f:
            f.truncate(64 << 20)
        subprocess.run(["mkfs.ext4", "-q", image], check=True)
        if subprocess.run(["mount", "-o", "loop", image, at], stderr=subprocess.DEVNULL, check=False).returncode:
            self.skipTest("no loop devices here")
        try:
            show = self.record("record.min_free_mb=1")
            show.wait(r"recording to")
            time.sleep(8)
            shutil.copyfile(image, cut)
            written = packets(self.recordings()[0])[-1]
            show.terminate()
        finally:
            show.kill()
            subprocess.run(["umount", at], check=False)
        subprocess.run(["mount", "-o", "loop", cut, at], check=True)
        try:
            kept = packets(self.recordings()[0])[-1]
        finally:
            subprocess.run(["umount", at], check=False)
        self.assertGreater(kept, written - 3)


@unittest.skipUnless(FFPROBE and shutil.which("taskset"), "ffprobe or taskset is not there")
class Overload(Case):
    def test_one_core_and_too_much_to_do(self):
        """Much more than one processor can encode: frames are left out, and what is there is on time."""
        show = self.show("record.enabled=true", "record.dir=" + os.path.join(self.folder, "rec"), "video.size=1920x1080", "video.fps=60",
                         "video.preset=medium", "video.bitrate_kbps=6000", "video.adapt=false",
                         wrapper=("taskset", "-c", str(min(os.sched_getaffinity(0)))))
        began_s = show.wait(r"encoder: libx264")
        told_s = show.wait(r"warn +stream: this machine is too slow for 1920x1080 at 60 frames/s", 30)
        show.wait(r"recording to")
        if os.getloadavg()[0] > 6 * os.cpu_count():
            self.skipTest("on a machine with a load of %.0f an overload says nothing about the show" % os.getloadavg()[0])
        self.assertLess(told_s - began_s, 6 * (4 if SANITIZED else 1))  # 5 s, and a moment of the machine's
        time.sleep(5)
        wall_s = time.monotonic() - show.began
        self.assertLess(show.terminate(), 3 * (4 if SANITIZED else 1))
        ends_s = packets(self.recordings()[0], "a")[-1]  # the last pictures may still be in the encoder
        self.assertGreater(ends_s, wall_s - began_s - 1.5)
        self.assertLess(ends_s, wall_s + 0.5)
        self.assertLess(len(packets(self.recordings()[0])), 0.9 * 60 * ends_s)  # or it was no overload


if __name__ == "__main__":
    unittest.main()
