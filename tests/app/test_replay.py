"""Dream tapes: a live show's replay is the same pictures byte by byte, on one thread and on two, whatever the show went through."""
import glob
import os
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from program import Folder, reverie, start
from tapes import BARE, DIGEST, digests, read, replay

TINY = ["--set", "dream.size=96x64", "--set", "dream.steps=2", "--set", "video.size=160x96", "--set", "video.fps=10"]
SCRIPT = "1 ann goldfish + pizza\n2 ann !dive\n3 bob king penguin\n4 carl !1\n4 dora lemon\n5 eve frog left\n"


def tape_a_show(folder, *args):
    """A live show of eight seconds. Returns the path of its tape, and its digest."""
    p = reverie("run", *TINY, *BARE, *DIGEST, "--watch", "no", "--duration", "8", "--seed", "5", "--script",
                folder.write("script", SCRIPT), "--set", "show.hold_s=3", "--set", "tape.enabled=true", "--set",
                "tape.dir=" + folder.path("tapes"), *args)
    (tape,) = glob.glob(folder.path("tapes", "*.tape"))
    return p, tape


class AsItWas(unittest.TestCase):
    def same_on_threads(self, *args):
        with Folder() as f:
            p, tape = tape_a_show(f, *args)
            self.assertEqual(p.returncode, 0, p.stderr)
            self.assertIn("the show is written to " + tape, p.stderr)
            self.assertEqual(os.stat(tape).st_mode & 0o777, 0o600)
            for threads in (1, 2):
                again = replay(tape, *DIGEST, "--set", "dream.threads=%d" % threads)
                self.assertEqual(again.returncode, 0, again.stderr)
                self.assertEqual(digests(again), digests(p), again.stderr)
                self.assertEqual(len(digests(p)), 1)
            return p

    def test_same_pictures_from_a_process(self):
        self.same_on_threads("--set", "caption.belief=true", "--set", "caption.meter=true")

    def test_same_pictures_from_a_thread(self):
        self.same_on_threads("--set", "dream.process=no")

    def test_same_pictures_where_every_frame_is_dreamed(self):
        self.same_on_threads("--set", "keyframes.mode=frames", "--set", "dream.size=96x64", "--set", "video.size=96x64", "--set",
                             "video.fps=8")

    def test_same_pictures_after_the_dreamer_has_died(self):
        with Folder() as f:
            args = ["run", *TINY, *BARE, *DIGEST, "--watch", "no", "--duration", "9", "--seed", "5", "--script",
                    f.write("script", SCRIPT), "--set", "tape.enabled=true", "--set", "tape.dir=" + f.path("tapes")]
            show = start(*args)
            time.sleep(5)
            children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(show.pid)], stdout=subprocess.PIPE, check=True).stdout.split()
            self.assertEqual(len(children), 1)
            os.kill(int(children[0]), signal.SIGKILL)
            out, log = (t.decode() for t in show.communicate(timeout=120))
            self.assertIn("the dreamer's process is gone", log)
            (tape,) = glob.glob(f.path("tapes", "*.tape"))
            again = replay(tape, *DIGEST)
            self.assertEqual(again.returncode, 0, again.stderr)
            if "the tape does not know what the dream went on from" not in again.stderr:
                self.assertEqual(re.findall("pictures=(.*)", out), re.findall("pictures=(.*)", again.stdout), again.stderr)

    def test_same_pictures_where_a_show_goes_on_from_the_last_one(self):
        with Folder() as f:
            common = ["run", *TINY, *BARE, *DIGEST, "--watch", "no", "--script", f.write("script", SCRIPT), "--set", "show.hold_s=3",
                      "--set", "show.state_dir=" + f.path("state")]
            first = reverie(*common, "--duration", "3")
            self.assertEqual(first.returncode, 0, first.stderr)
            p = reverie(*common, "--duration", "5", "--set", "tape.enabled=true", "--set", "tape.dir=" + f.path("tapes"))
            self.assertEqual(p.returncode, 0, p.stderr)
            self.assertIn("the dream goes on where the last show stopped", p.stderr)
            (tape,) = glob.glob(f.path("tapes", "*.tape"))
            self.assertEqual(os.stat(tape + ".start").st_mode & 0o777, 0o600)
            again = replay(tape, *DIGEST)
            self.assertEqual(again.returncode, 0, again.stderr)
            self.assertEqual(digests(again), digests(p), again.stderr)
            os.rename(tape + ".start", tape + ".elsewhere")
            alone = replay(tape, *DIGEST)
            self.assertNotEqual(alone.returncode, 0)
            self.assertIn("keep it beside the tape", alone.stderr)
            # Anew needs no pixels of it: it begins with noise, and says so.
            anew = replay(tape, *DIGEST, "--steps", "x2")
            self.assertEqual(anew.returncode, 0, anew.stderr)
            self.assertIn("anew it begins with noise", anew.stderr)

    def test_a_part_of_it(self):
        with Folder() as f:
            _, tape = tape_a_show(f)
            p = replay(tape, *DIGEST, "--from", "2", "--to", "0:04.4")
            self.assertEqual([n for _, n in digests(p)], ["24"], p.stderr)

    def test_no_names_where_nobody_is_named(self):
        with Folder() as f:
            _, tape = tape_a_show(f)
            self.assertNotIn(b"@ann", read(tape))
            self.assertIn(b"ann", read(tape))


if __name__ == "__main__":
    unittest.main()
