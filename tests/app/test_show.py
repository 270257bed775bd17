"""The whole program as an operator and a newcomer meet it: shows, renders, faults, the end."""
import json
import os
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from program import REVERIE, SANITIZED, SMALL, Folder, left_out, probe, recordings, reverie, start

DURATION_S = 30 if SANITIZED else 6  # until the first pictures are dreamed and shown


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


class Live(unittest.TestCase):
    def test_records_what_was_asked_for(self):
        with Folder() as f:
            p = reverie("run", *SMALL, "--duration", str(DURATION_S), "--set", "record.dir=" + f.path("rec"),
                        stdin=b"goldfish\n")
            self.assertEqual(p.returncode, 0, p.stderr)
            self.assertRegex(p.stderr, r"dreaming.*goldfish")
            files = recordings(f.path("rec"))
            self.assertEqual(len(files), 1)
            info = probe(files[0])
            video, audio = info["streams"]
            self.assertEqual((video["codec_name"], video["width"], video["height"]), ("h264", 320, 180))
            self.assertEqual(video["r_frame_rate"], "25/1")
            self.assertEqual(audio["codec_name"], "aac")
            self.assertEqual(len(info["pts"]) + left_out(p.stderr), DURATION_S * 25)
            for a, b in zip(info["pts"], info["pts"][1:]):
                self.assertAlmostEqual((b - a) * 25, round((b - a) * 25), places=2)
            self.assertAlmostEqual(float(info["format"]["duration"]), DURATION_S, delta=0.2)
            with open(files[0].replace(".mp4", ".json"), encoding="utf-8") as beside:
                shown = [e for e in json.load(beside)["shown"] if e["id"] == 1]
            self.assertEqual([(e["text"], e["by"]) for e in shown[:1]], [("goldfish", "operator")])

    def test_the_file_plays_after_kill_9(self):
        with Folder() as f:
            p = start("run", *SMALL, "--set", "record.dir=" + f.path("rec"))
            try:
                self.assertTrue(wait_for(lambda: any(os.path.getsize(r) > 60000
                                                     for r in recordings(f.path("rec")))))
            finally:
                p.kill()
                p.communicate()
            info = probe(recordings(f.path("rec"))[0])
            self.assertGreater(len(info["pts"]), 25)

    def end_by(self, number, delay_s):
        with Folder() as f:
            p = start("run", *SMALL, "--set", "record.dir=" + f.path("rec"))
            time.sleep(delay_s)
            began = time.monotonic()
            p.send_signal(number)
            _, err = p.communicate(timeout=30)
            took = time.monotonic() - began
            self.assertIn(p.returncode, (0, -number) if delay_s < 0.3 else (0,), err.decode())
            if not SANITIZED:
                self.assertLess(took, 5)
            if p.returncode == 0:
                for r in recordings(f.path("rec")):
                    self.assertGreater(len(probe(r)["pts"]), 0)

    def test_signals_end_it_cleanly_at_any_moment(self):
        for number, delay_s in ((signal.SIGINT, 2.5), (signal.SIGTERM, 0.05), (signal.SIGTERM, 1.0)):
            with self.subTest(signal=number, delay_s=delay_s):
                self.end_by(number, delay_s)

    def test_an_endless_line_is_bounded(self):
        with Folder() as f:
            p = reverie("run", *SMALL, "--duration", "3", "--set", "record.dir=" + f.path("rec"),
                        stdin=b"x" * 10_000_000 + b"\ngoldfish\n")
            self.assertEqual(p.returncode, 0, p.stderr)
            self.assertLess(len(p.stderr), 20000)
            self.assertRegex(p.stderr, r"goldfish")


class Classic(unittest.TestCase):
    def test_settings_of_2015_run(self):
        here = os.path.dirname(os.path.abspath(__file__))
        path = os.path.join(here, os.pardir, os.pardir, "config", "classic.yaml")
        p = reverie("run", "-c", path, "--print-config")
        self.assertEqual((p.returncode, p.stderr), (0, ""))
        for line in ("profile: classic", "size: 840x472", "steps: 10", "blend: linear", "filter: bilinear",
                     "size: 1024x576", "order: lottery", "offline_ms: 8000", "preprocessing: caffe-grey"):
            self.assertIn("  " + line + "\n", p.stdout)
        with Folder() as f:
            script = f.write("script", "0 goldfish + pizza\n")
            p = reverie("run", "-c", path, "--offline", "--duration", "1", "--script", script, "--set",
                        "dream.size=128x72", "--set", "record.dir=" + f.path("rec"), "--set", "dream.backend=cpu")
            self.assertEqual(p.returncode, 0, p.stderr)
            self.assertEqual(probe(recordings(f.path("rec"))[0])["streams"][0]["width"], 1024)


class DeskFrame(unittest.TestCase):
    def test_runs_also_where_there_is_no_screen(self):
        here = os.path.dirname(os.path.abspath(__file__))
        path = os.path.join(here, os.pardir, os.pardir, "config", "desk-frame.yaml")
        with Folder() as f:
            p = reverie("run", "-c", path, "--duration", "3", *SMALL, "--set", "fbdev.device=" + f.path("none"), cwd=f.name)
            self.assertEqual(p.returncode, 0, p.stderr)
            said = [line for line in p.stderr.splitlines() if "fbdev" in line]
            self.assertEqual(len(said), 1, p.stderr)
            self.assertIn("without this screen", said[0])
            self.assertEqual(os.listdir(f.name), [])  # nothing is recorded


class Offline(unittest.TestCase):
    def md5(self, folder, threads, seed=7, script="1 ann goldfish\n3 bob pizza + monarch\n"):
        name = folder.write("script", script)
        p = reverie("run", *SMALL, "--offline", "--seed", str(seed), "--script", name, "--duration", "6",
                    "--set", "dream.threads=%d" % threads, "--set", "record.enabled=false",
                    "--set", "md5.enabled=true", "--set", "show.hold_s=1")
        self.assertEqual(p.returncode, 0, p.stderr)
        match = re.search(r"video=([0-9a-f]{32}).*frames=(\d+)", p.stdout)
        self.assertTrue(match, p.stdout + p.stderr)
        self.assertEqual(int(match.group(2)), 150)
        return match.group(1), p.stderr

    def test_same_seed_same_bytes_whatever_the_threads(self):
        with Folder() as f:
            one, _ = self.md5(f, 1)
            two, log = self.md5(f, 2)
            self.assertEqual(one, two)
            self.assertRegex(log, r"now dreaming.*goldfish")
            self.assertRegex(log, r"now dreaming.*pizza \+ monarch")
            other_seed, _ = self.md5(f, 2, seed=8)
            self.assertNotEqual(one, other_seed)
            other_script, _ = self.md5(f, 2, script="1 ann mushroom\n")
            self.assertNotEqual(one, other_script)


class Faults(unittest.TestCase):
    """Each says what, where and what to do, and exits with 1 or 2."""

    def refused(self, args, code, pattern, **kwargs):
        p = reverie(*args, **kwargs)
        self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        self.assertRegex(p.stderr, pattern)
        self.assertLessEqual(len(p.stderr.strip().splitlines()), 4, p.stderr)

    def test_commands_and_options(self):
        self.refused(["rum"], 2, r"no command 'rum'; did you mean reverie run\?")
        self.refused(["volcano"], 2, r"no command 'volcano'; `reverie --help`")
        self.refused(["run", "goldfish"], 2, r"unexpected argument 'goldfish': start the show, then type it")
        self.refused(["run", "--backend", "cuda"], 2, r"did you mean --set dream.backend=cuda\?")
        self.refused(["run", "--steps=4"], 2, r"did you mean --set dream.steps=4\?")
        self.refused(["run", "--offlin=1"], 2, r"--offline takes no value")
        p = reverie("run", "--stream-key", "live_hush")
        self.assertEqual(p.returncode, 2)
        self.assertIn("REVERIE_RTMP_STREAM_KEY", p.stderr)
        self.assertNotIn("hush", p.stderr)
        self.refused(["run", "--set", "nosuch.key=1"], 2, r"there are show, dream, .*log")
        self.refused(["run", "--set", "nosuch.hold_s=1"], 2, r"did you mean show.hold_s\?")
        self.refused(["bench", "--backend", "null"], 2, r"null computes nothing")

    def test_help_is_short_and_settings_are_a_topic(self):
        short, settings = reverie("run", "--help"), reverie("run", "--help=settings")
        self.assertEqual((short.returncode, settings.returncode, short.stderr, settings.stderr), (0, 0, "", ""))
        self.assertLess(len(short.stdout.splitlines()), 30)
        self.assertIn("--help=settings", short.stdout)
        self.assertNotIn("video.size", short.stdout)
        self.assertEqual(len(re.findall(r"^Settings, for", settings.stdout, re.M)), 1)
        self.assertIn("video.size", settings.stdout)
        self.refused(["inspect", "--help=settings"], 2, r"there is no such help")

    def test_later_options_go_over_earlier_ones(self):
        """A shortcut and --set are the same setting."""
        with Folder() as f:
            for args, size in ((["--size", "64x64", "--set", "dream.size=96x64"], b"\0\0\0\x60"),
                               (["--set", "dream.size=96x64", "--size", "64x64"], b"\0\0\0\x40")):
                p = reverie("still", "-t", "goldfish", "--steps", "1", "-o", f.path("x.png"), *args,
                            "--set", "dream.backend=cpu")
                side = size[-1]
                self.assertEqual((p.returncode, p.stderr), (0, "wrote %s, %dx64\n" % (f.path("x.png"), side)))
                with open(f.path("x.png"), "rb") as png:
                    self.assertEqual(png.read()[16:20], size)

    def test_settings_faults(self):
        self.refused(["run", "--durations", "5"], 2, r"--durations")
        self.refused(["run", "--duration", "soon"], 2, r"duration.*soon")
        self.refused(["run", "--set", "dream.stepz=3"], 2, r"stepz.*steps")
        self.refused(["run", "--set", "dream.steps=many"], 2, r"steps.*many")
        self.refused(["run", "--set", "dream.size=0x0"], 2, r"size.*0x0")

    def test_settings_file(self):
        with Folder() as f:
            for text, pattern in (("dream:\n  stepz: 3\n", r"c\.yaml:2: .*stepz.*steps"),
                                  ("dream:\n  steps: many\n", r"c\.yaml:2: .*many"),
                                  ("dreem:\n  steps: 3\n", r"c\.yaml:1: .*dreem.*dream"),
                                  ("dream: [\n", r"c\.yaml:")):
                with self.subTest(text=text):
                    self.refused(["run", "-c", f.write("c.yaml", text)], 2, pattern)
            self.refused(["run", "-c", f.path("absent.yaml")], 2, r"absent\.yaml")

    def test_models(self):
        with Folder() as f:
            with open(os.path.join(os.path.dirname(__file__), "../../models/reverie-mini.safetensors"), "rb") as m:
                whole = m.read()
            for name, content in (("empty", b""), ("text", b"hello"), ("cut", whole[:100000])):
                with self.subTest(model=name):
                    self.refused(["run", "--duration", "1", "--set", "dream.model=" + f.write(name, content)], 1,
                                 re.escape(f.path(name)))
            self.refused(["run", "--set", "dream.model=" + f.path("absent")], 1, re.escape(f.path("absent")))
            self.refused(["run", "--set", "dream.model=" + f.name], 1, re.escape(f.name))

    def test_script(self):
        with Folder() as f:
            self.refused(["run", "--offline", "--duration", "1", "--script", f.write("s", "1 ann goldfish\nx y z\n")],
                         1, r"/s:2: ")

    def test_a_folder_that_cannot_be_written_does_not_end_the_show(self):
        with Folder() as f:
            f.write("file", "in the way")
            p = reverie("run", *SMALL, "--duration", "2", "--set", "record.dir=" + f.path("file/rec"))
            self.assertEqual(p.returncode, 0, p.stderr)
            self.assertRegex(p.stderr, r"file/rec")


class Settings(unittest.TestCase):
    def test_default_file_is_what_the_tables_say(self):
        p = reverie("run", "--print-config")
        with open(os.path.join(os.path.dirname(__file__), "../../config/default.yaml")) as f:
            self.assertEqual(p.stdout, f.read(), "run `make config/default.yaml`")

    def test_printed_settings_are_read_back(self):
        with Folder() as f:
            p = reverie("run", "--print-config", "--set", "dream.steps=3", "--set", "camera.zoom=1.02")
            again = reverie("run", "--print-config", "-c", f.write("c.yaml", p.stdout))
            self.assertEqual(again.stdout, p.stdout)

    def test_secrets_are_never_shown(self):
        env = dict(os.environ, REVERIE_RTMP_STREAM_KEY="live_very_secret_key")
        p = reverie("run", "--print-config", env=env)
        self.assertNotIn("live_very_secret_key", p.stdout + p.stderr)


class Check(unittest.TestCase):
    def test_the_defaults_are_ready(self):
        with Folder() as f:
            p = reverie("check", "--set", "record.dir=" + f.path("rec"))
            self.assertEqual(p.returncode, 0, p.stdout + p.stderr)
            self.assertNotIn("BAD", p.stdout)

    def test_says_what_is_not(self):
        with Folder() as f:
            f.write("file", "in the way")
            p = reverie("check", "--set", "record.dir=" + f.path("file/rec"), "--set", "dream.model=/absent")
            self.assertEqual(p.returncode, 1)
            self.assertRegex(p.stdout, r"BAD +model.*/absent")
            self.assertRegex(p.stdout, r"BAD +record.*file/rec")


class Helps(unittest.TestCase):
    def test_every_command_explains_itself(self):
        for command in re.findall(r"^  (\w+) ", reverie("--help").stdout, re.M):
            with self.subTest(command=command):
                p = subprocess.run([REVERIE, command, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   check=False)
                self.assertEqual(p.returncode, 0)
                self.assertTrue(p.stdout.startswith(b"usage: reverie " + command.encode()))
                self.assertEqual(p.stderr, b"")


if __name__ == "__main__":
    unittest.main()
