"""A show whose music moves the picture: its camera falls otherwise than without audio.beat, and the same twice; with a tape it is refused."""
import os
import random
import re
import struct
import sys
import unittest
import wave

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "app"))
from program import SMALL, Folder, reverie  # noqa: E402

RATE = 48000
HAS_AUBIO = re.search(r"(?m)^aubio +\d", reverie("--version", "-v").stdout) is not None
FALL = ["--set", "record.enabled=false", "--set", "md5.enabled=true", "--set", "dream.backend=null", "--set", "camera.zoom=1.3",
        "--set", "keyframes.mode=keyframes"]


def clicks(path, seconds):
    """120 bursts of noise a minute."""
    chance = random.Random(1)
    with wave.open(path, "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(RATE)
        one = [int(20000 * chance.uniform(-1, 1) * 0.999 ** i) for i in range(RATE // 10)] + [0] * (RATE * 4 // 10)
        w.writeframes(struct.pack("<%dh" % len(one), *one) * (2 * seconds))


class BeatShow(unittest.TestCase):
    def show(self, source, beat):
        """The digests of its pictures and of its sound."""
        p = reverie("run", "--offline", "--seed", "7", "--duration", "12", *SMALL, *FALL, "--set", "audio.source=" + source, "--set",
                    "audio.beat=%g" % beat)
        self.assertEqual(p.returncode, 0, p.stderr)
        return re.search(r"md5 video=(\w+) audio=(\w+)", p.stdout).groups()

    @unittest.skipUnless(HAS_AUBIO, "aubio was not built in")
    def test_the_beat_moves_the_picture(self):
        with Folder() as f:
            clicks(f.path("clicks.wav"), 12)
            without, with_beat = self.show(f.path("clicks.wav"), 0), self.show(f.path("clicks.wav"), 0.5)
            self.assertNotEqual(with_beat[0], without[0])
            self.assertEqual(with_beat[1], without[1])
            self.assertEqual(self.show(f.path("clicks.wav"), 0.5), with_beat)
        self.assertEqual(self.show("synth", 0.5), self.show("synth", 0))  # has no beat

    @unittest.skipUnless(HAS_AUBIO, "aubio was not built in")
    def test_no_tape_of_it(self):
        with Folder() as f:
            p = reverie("run", *SMALL, *FALL, "--watch", "no", "--duration", "1", "--set", "audio.beat=0.5", "--set", "tape.enabled=true",
                        "--set", "tape.dir=" + f.path("tapes"))
            self.assertNotEqual(p.returncode, 0)
            self.assertIn("set audio.beat to 0 or tape.enabled to false", p.stderr)
            self.assertFalse(os.path.exists(f.path("tapes")))

    @unittest.skipIf(HAS_AUBIO, "aubio was built in")
    def test_without_aubio(self):
        p = reverie("run", "--offline", "--duration", "1", *SMALL, *FALL, "--set", "audio.beat=0.5")
        self.assertNotEqual(p.returncode, 0)
        self.assertIn("built without aubio", p.stderr)


if __name__ == "__main__":
    unittest.main()
