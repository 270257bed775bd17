"""The dreamer's process in a live show: killed, stopped, orphaned; and the dream that goes on after a restart."""
import glob
import os
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "app"))
from program import REVERIE, SANITIZED, SMALL, Folder, left_out, probe, recordings

FPS = 25
PATIENCE = 5 if SANITIZED else 1  # times


def child_of(pid):
    """The process that dreams for the show `pid`, or None."""
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="utf-8", errors="replace") as f:
                name, rest = f.read().rsplit(")", 1)
        except OSError:
            continue
        if int(rest.split()[1]) == pid and rest.split()[0] != "Z":
            return int(name.split()[0])
    return None


def is_alive(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Process(unittest.TestCase):
    def setUp(self):
        self.folder = Folder().__enter__()
        self.addCleanup(self.folder.__exit__)
        self.log = self.folder.path("log")

    def start(self, *arguments, wait=True):
        """A show and its dreamer's process."""
        with open(self.log, "wb") as log:
            show = subprocess.Popen(
                [REVERIE, "run", *SMALL, "--set", "record.dir=" + self.folder.path("rec"), "--set", "dream.backend=cpu",
                 "--set", "video.preset=ultrafast", *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(lambda: show.poll() is None and (show.kill(), show.wait()))
        if wait:
            self.wait_log("now dreaming")
        return show, self.wait_child(show)

    def read_log(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait_log(self, pattern, seconds=30, times=1):
        end = time.monotonic() + seconds * PATIENCE
        while len(re.findall(pattern, self.read_log())) < times:
            self.assertLess(time.monotonic(), end, "never said: %s\n%s" % (pattern, self.read_log()))
            time.sleep(0.05)

    def wait_child(self, show, other_than=None):
        end = time.monotonic() + 20 * PATIENCE
        while (child := child_of(show.pid)) in (None, other_than):
            self.assertLess(time.monotonic(), end, "there is no child\n" + self.read_log())
            time.sleep(0.02)
        return child

    def stop(self, show, seconds=3):
        began = time.monotonic()
        show.send_signal(signal.SIGTERM)
        self.assertEqual(show.wait(60), 0, self.read_log())
        self.assertLess(time.monotonic() - began, seconds * PATIENCE, self.read_log())

    def assert_whole(self, deaths):
        """Every frame is in the file, at its time, and nothing stood still."""
        log = self.read_log()
        self.assertEqual(len(re.findall("the dreamer's process is gone", log)), deaths, log)
        (path,) = recordings(self.folder.path("rec"))
        pts = probe(path)["pts"]
        shown = int(re.search(r"stats: all .*?: (\d+) frames", log).group(1))
        self.assertAlmostEqual(len(pts), shown, delta=2)
        missing = sum(round((b - a) * FPS) - 1 for a, b in zip(pts, pts[1:]))
        self.assertLessEqual(missing, left_out(log), log)
        if not left_out(log):
            self.assertEqual(missing, 0, log)

    def test_killed_again_and_again(self):
        show, child = self.start()
        for death in range(1, 5):
            time.sleep(1)
            os.kill(child, signal.SIGKILL)
            child = self.wait_child(show, child)
            self.wait_log("the dreamer is back after", times=death)
        self.stop(show)
        self.assertIn("it was killed by signal 9 (Killed); the camera goes on", self.read_log())
        self.assert_whole(4)
        self.assertEqual(len(re.findall("now dreaming", self.read_log())), 1)  # the same dream goes on

    def test_stopped_by_a_signal(self):
        show, child = self.start()
        os.kill(child, signal.SIGSTOP)
        self.wait_log("it has said nothing for 5 s; the camera goes on")
        self.wait_log("the dreamer is back after")
        self.assertFalse(is_alive(child))
        self.stop(show)
        self.assert_whole(1)

    def test_a_show_that_is_stopped_and_goes_on_blames_nobody(self):
        show, child = self.start()
        show.send_signal(signal.SIGSTOP)
        time.sleep(7)
        show.send_signal(signal.SIGCONT)
        time.sleep(1)
        self.assertTrue(is_alive(child))
        self.stop(show)
        self.assertNotIn("is gone", self.read_log())

    def test_it_ends_in_every_state(self):
        show, child = self.start(wait=False)
        self.stop(show)  # while it begins
        self.assertFalse(is_alive(child))
        show, child = self.start()
        os.kill(child, signal.SIGSTOP)
        self.stop(show)  # while it hangs
        self.assertFalse(is_alive(child))
        show, child = self.start()
        os.kill(child, signal.SIGKILL)
        self.wait_log("started again")
        self.stop(show)  # while it waits for the next
        show, child = self.start()
        show.send_signal(signal.SIGINT)
        self.assertEqual(show.wait(30), 0)
        self.assertFalse(is_alive(child))

    def test_signals_of_the_terminal_are_the_shows(self):
        show, child = self.start()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(child, number)
        time.sleep(1)
        self.assertTrue(is_alive(child))
        self.stop(show)
        self.assertNotIn("is gone", self.read_log())

    def test_no_orphan_is_left(self):
        show, child = self.start()
        show.kill()
        show.wait()
        end = time.monotonic() + 5
        while is_alive(child):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    def test_names_and_secrets(self):
        os.environ["REVERIE_RTMP_STREAM_KEY"] = "live_not_for_the_child"
        self.addCleanup(os.environ.pop, "REVERIE_RTMP_STREAM_KEY")
        show, child = self.start()
        with open("/proc/%d/cmdline" % child, "rb") as f:
            self.assertEqual(f.read(), b"reverie\0dreamer\0")
        with open("/proc/%d/comm" % child, "rb") as f:
            self.assertEqual(f.read().strip(), b"reverie-dreamer")
        with open("/proc/%d/environ" % child, "rb") as f:
            self.assertNotIn(b"live_not_for_the_child", f.read())
        files = [os.readlink(path) for path in glob.glob("/proc/%d/fd/*" % child)]
        self.assertEqual([name for name in files if re.match(r"/(?!dev/null|memfd:)", name)], [])
        self.stop(show)

    def test_alone_it_says_what_it_is(self):
        done = subprocess.run([REVERIE, "dreamer"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=30 * PATIENCE, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"a part of `reverie run`", done.stderr)

    def test_what_cannot_be_dreamed_ends_the_show_as_ever(self):
        done = subprocess.run([REVERIE, "run", *SMALL, "--set", "dream.backend=cuda", "--set", "record.enabled=false"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=60 * PATIENCE, check=False, env=dict(os.environ, REVERIE_CUDA_MODULE="/nonexistent"))
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr.decode(), r"error run: backend cuda: ")
        self.assertNotIn("is gone", done.stderr.decode())

    def test_the_dream_goes_on_after_a_restart(self):
        state = ["--set", "show.state_dir=" + self.folder.path("state")]
        kept = self.folder.path("state", "dream.snapshot")
        for process in ("yes", "no"):
            with self.subTest(process=process):
                how = state + ["--set", "dream.process=" + process]
                subprocess.run([REVERIE, "run", *SMALL, *how, "--set", "dream.backend=cpu", "--duration", "4", "--seed", "3",
                                "--set", "record.enabled=false"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               timeout=60 * PATIENCE, check=True)
                self.assertEqual(os.stat(kept).st_mode & 0o777, 0o600)
                with open(kept, "rb") as f:
                    self.assertFalse(b" ~\0" in f.read()[:4096])  # no caption
                again = self.run_again(how)
                self.assertIn("the dream goes on where the last show stopped", again)
                self.assertNotIn("goes on where", self.run_again(how + ["--seed", "3"]))
                self.assertNotIn("goes on where", self.run_again(how + ["--set", "dream.resume=false"]))
                self.assertRegex(self.run_again(how + ["--set", "dream.size=64x64"]), "was left by another one")
                with open(kept, "r+b") as f:
                    f.seek(5000)
                    f.write(b"damage")
                self.assertRegex(self.run_again(how), "warn .*it is damaged; the dream begins anew")

    def run_again(self, how):
        done = subprocess.run([REVERIE, "run", *SMALL, "--set", "dream.backend=cpu", *how, "--duration", "1",
                               "--set", "record.enabled=false"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              timeout=60 * PATIENCE, check=True)
        return done.stderr.decode()


if __name__ == "__main__":
    unittest.main()
