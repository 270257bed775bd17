"""What comes from files, arguments and people is printed so that it cannot steer a terminal, forge a line or turn the
direction of writing; opening what is no regular file never blocks; secrets leave the environment."""
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from program import REVERIE, SMALL, Folder, reverie  # noqa: E402

HOSTILE = "\x1b]0;PWNED\x07\x1b[2J\x9b31mred\x7f\u202egnp\u2066\rOK: trusted\nfake line\u2028end"
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def safetensors(names, metadata=None):
    header = {name: {"dtype": "F32", "shape": [1], "data_offsets": [4 * i, 4 * i + 4]} for i, name in enumerate(names)}
    if metadata:
        header["__metadata__"] = metadata
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + struct.pack("<f", 1) * len(names)


class ForeignText(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(Folder())

    def assert_harmless(self, *args, holds=None, **kwargs):
        p = subprocess.run([REVERIE, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           timeout=60, check=False, **kwargs)
        out = (p.stdout + p.stderr).decode("utf-8")  # strict: nothing but UTF-8 comes out
        self.assertIsNone(STEERING.search(out), repr(out))
        self.assertNotRegex(out, r"(?m)^(OK: trusted|fake line)")
        if holds:
            self.assertIn(holds, out)
        return p.returncode

    def test_names_in_a_file_of_weights(self):
        path = self.folder.write("esc.safetensors", safetensors([HOSTILE, "plain"], {"reverie.wnids": HOSTILE}))
        self.assertEqual(self.assert_harmless("inspect", path, holds="\\x1b]0;PWNED\\x07"), 1)  # no VGG
        self.assert_harmless("still", "-t", "goldfish", "-m", path, "-o", self.folder.path("a.png"))

    def test_keys_and_values_of_a_settings_file(self):
        for text in ('video:\n  "%s": 1\n', '"%s":\n  a: 1\n', 'video:\n  size: "%s"\n', 'record:\n  dir: "%s"\n  x: 1\n'):
            escaped = HOSTILE.encode("unicode_escape").decode().replace('"', '\\"')
            path = self.folder.write("hostile.yaml", text % escaped)
            self.assertEqual(self.assert_harmless("run", "-c", path), 2)

    def test_arguments(self):
        name = HOSTILE.replace("\0", "")
        for args in ((name,), ("run", "--" + name), ("run", name), ("run", "--set", name), ("run", "-c", name),
                     ("run", "--set", "video.size=" + name), ("inspect", name), ("still", "-t", name, "-o", "x.png"),
                     ("classify", name), ("check", "-c", name), ("synsets", "--list", name),
                     ("log", "--since", name), ("run", "--duration", name), ("run", b"\xff\xfe\x80"),
                     ("check", "--set", "audio.source=" + name.replace("\n", "").replace("\r", ""))):
            with self.subTest(args=args):
                self.assertNotEqual(self.assert_harmless(*args, cwd=self.folder.path(".")), 0)
        self.assert_harmless("synsets", name)


class Opening(unittest.TestCase):
    """FIFOs and endless devices where a file is meant: refused at once, and the show can be ended."""

    def setUp(self):
        self.folder = self.enterContext(Folder())
        self.fifo = self.folder.path("fifo")
        os.mkfifo(self.fifo)

    def test_what_is_no_regular_file_is_refused(self):
        for path in (self.fifo, "/dev/zero", self.folder.path(".")):
            for args in (("run", "--script", path), ("run", "-c", path), ("inspect", path), ("classify", path),
                         ("run", "--set", "show.banned_file=" + path), ("run", "--set", "dream.model=" + path),
                         ("run", "--set", "dream.start_image=" + path),
                         ("run", "--set", "rtmp.enabled=true", "--set", "rtmp.url=rtmp://127.0.0.1:1/app",
                          "--set", "rtmp.ca_file=" + path)):
                with self.subTest(args=args):
                    began = time.monotonic()
                    p = reverie(*args, "--set", "web.enabled=false", "--set", "record.enabled=false", "--duration", "1"
                                ) if args[0] == "run" else reverie(*args)
                    self.assertIn(p.returncode, (1, 2), p.stderr)
                    self.assertRegex(p.stderr, "regular file|folder")
                    self.assertLess(time.monotonic() - began, 10)

    def test_sound_and_certificates_from_a_fifo_do_not_hold_the_end(self):
        began = time.monotonic()
        p = reverie("run", *SMALL, "--duration", "1", "--watch=no", "--set", "record.enabled=false", "--set",
                    "audio.source=" + self.fifo, "--set", "chat.enabled=true", "--set", "chat.channel=x", "--set",
                    "chat.server=localhost", "--set", "chat.port=1", "--set", "chat.ca_file=" + self.fifo)
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn("cannot play", p.stderr)
        self.assertRegex(p.stderr, "chat.ca_file: .*is not a regular file")
        self.assertLess(time.monotonic() - began, 15)

    def test_a_digest_that_cannot_be_written_does_not_hold_the_end(self):
        p = reverie("run", "--offline", "--duration", "1", "--set", "record.enabled=false", "--set", "md5.enabled=true",
                    "--set", "md5.file=" + self.fifo, "--set", "dream.size=96x64", "--set", "dream.steps=1",
                    "--set", "video.size=96x64")
        self.assertIn("is not a regular file", p.stderr)
        self.assertTrue(os.path.exists(self.fifo))  # and was not replaced by one

    def test_a_link_in_the_way_is_replaced_and_not_followed(self):
        """A link that somebody laid where a show writes by itself. (One that `still -o` names is followed: it was asked for.)"""
        victim, digest = self.folder.write("victim", "mine"), self.folder.path("digest")
        for link in (digest, digest + ".part"):
            os.symlink(victim, link)
        p = reverie("run", "--offline", "--duration", "1", "--set", "record.enabled=false", "--set", "md5.enabled=true",
                    "--set", "md5.file=" + digest, "--set", "dream.size=96x64", "--set", "dream.steps=1",
                    "--set", "video.size=96x64")
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertFalse(os.path.islink(digest))
        with open(victim, encoding="utf-8") as f:
            self.assertEqual(f.read(), "mine")

    def test_a_file_that_is_cut_while_it_is_read(self):
        path = self.folder.path("large.safetensors")
        count = 64 << 20  # floats
        header = json.dumps({"a": {"dtype": "F32", "shape": [count], "data_offsets": [0, 4 * count]}}).encode()
        with open(path, "wb") as f:
            f.write(struct.pack("<Q", len(header)) + header)
            f.truncate(8 + len(header) + 4 * count)
        with subprocess.Popen([REVERIE, "inspect", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
            mapped, end = False, time.monotonic() + 20
            while not mapped and time.monotonic() < end:
                with open("/proc/%d/maps" % p.pid, encoding="utf-8") as f:
                    mapped = path in f.read()
            os.truncate(path, 4096)
            _, stderr = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 1)
        self.assertIn(b"became shorter", stderr)


class Secrets(unittest.TestCase):
    KEY = "live_not_to_be_seen_77"

    def test_a_show_leaves_none_in_its_environment(self):
        folder = self.enterContext(Folder())
        with subprocess.Popen([REVERIE, "run", "--set", "record.dir=" + folder.path("."), "--set", "web.enabled=false",
                               "--set", "rtmp.enabled=true", "--set", "rtmp.url=rtmp://127.0.0.1:1/app",
                               "--watch=no"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              env=dict(os.environ, REVERIE_RTMP_STREAM_KEY=self.KEY)) as p:
            try:
                for line in p.stderr:
                    self.assertNotIn(self.KEY.encode(), line)
                    if b"now dreaming" in line:
                        break
                with open("/proc/%d/environ" % p.pid, "rb") as f:
                    self.assertNotIn(self.KEY.encode(), f.read())
            finally:
                p.send_signal(signal.SIGTERM)
                p.stderr.close()
                p.wait(20)


if __name__ == "__main__":
    unittest.main()
