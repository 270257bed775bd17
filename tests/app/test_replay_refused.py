"""Dream tapes that cannot be replayed: those that are damaged, torn or newer are told in one line."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
import tapes
from program import Folder, reverie
from tapes import DIGEST, FPS, digests, head, replay


class Refused(unittest.TestCase):
    def says(self, p, code, words):
        self.assertEqual(p.returncode, code, p.stderr)
        self.assertIn(words, p.stderr)

    def test_what_cannot_be_replayed(self):
        with Folder() as f:
            whole = tapes.show(head(f), [3, 7], 300, 1, FPS)
            self.says(replay(f.path("none")), 1, "No such file")
            self.says(replay(f.write("newer", whole.replace(b"tape 1", b"tape 2", 1))), 1, "is a tape of format 2")
            self.says(replay(f.write("text", b"no tape\n")), 1, "is no dream tape")
            self.says(replay(f.write("cut", whole[:40])), 1, "ends before the show begins")
            model = bytearray(head(f))
            self.says(reverie("replay"), 2, "names no tape")
            self.says(replay(f.write("t", whole), "--steps", "x0"), 2, "--steps is x1 to x100")
            self.says(replay(f.write("t", whole), "--from", "4000"), 1, "the show on the tape has 600.0 s")
            # The model's fingerprint lies behind the three names of the head.
            at = model.index(b"\n") + 9
            for _ in range(3):
                at += 1 + model[at]
            first = model.index(b"\n") + 1
            payload = model[first + 8:]
            payload[at - first - 8] ^= 1
            other = bytes(model[:first]) + tapes.block(bytes(payload)) + whole[len(model):]
            self.says(replay(f.write("other", other)), 1, "was dreamed by another model")

    def test_damaged_and_torn(self):
        with Folder() as f:
            begin = head(f)
            whole = tapes.show(begin, [3], 2, 1, FPS)
            # Damage with more than a block behind it; each further event makes a block of its own.
            long = whole[:-10] + tapes.block(bytes([2]) + tapes.count(FPS) + bytes([0]) + tapes.count(FPS) + tapes.count(1)) * 3000
            damaged = bytearray(long)
            damaged[len(whole) + 12] ^= 4
            tape = f.write("damaged", bytes(damaged))
            self.says(replay(tape), 1, "is damaged behind byte")
            self.says(replay(tape), 1, "replay what lies before with --to")
            self.assertEqual(replay(tape, "--to", "0.9").returncode, 0)
            torn = replay(f.write("torn", whole[:-3]), *DIGEST)
            self.says(torn, 0, "ends without an end")
            self.assertEqual([n for _, n in digests(torn)], [str(FPS)])


if __name__ == "__main__":
    unittest.main()
