"""Tapes for tests, byte by byte (tape/tape.h): the head of a real one, and a show that was never on. And how tests replay."""
import glob
import os
import re
import struct
import sys

sys.path.insert(0, os.path.dirname(__file__))
from program import reverie  # noqa: E402

FPS = 5
TINY = ["--set", "dream.size=96x64", "--set", "dream.steps=2", "--set", "video.size=96x64"]
BARE = ["--set", "web.enabled=false", "--set", "show.state_dir=", "--set", "record.enabled=false"]
DIGEST = ["--set", "md5.pictures=true"]


def digests(p):
    return re.findall(r"md5 pictures=([0-9a-f]{32}) frames=(\d+)", p.stdout)


def replay(tape, *args, **kwargs):
    return reverie("replay", "--set", "record.enabled=false", *args, tape, **kwargs)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def count(v):
    out = b""
    while v >= 128:
        out += bytes([v & 127 | 128])
        v >>= 7
    return out + bytes([v])


def text(s):
    return count(len(s.encode())) + s.encode()


def block(payload):
    total = (0x9E3779B97F4A7C15 + len(payload)) % 2**64
    for byte in payload:
        total = (total ^ byte) * 0x100000001B3 % 2**64
        total ^= total >> 29
    return struct.pack("<II", len(payload), (total ^ total >> 32) % 2**32) + payload


def head_of(tape):
    """First line and head of a tape, as they are in it."""
    first = tape.index(b"\n") + 1
    return tape[:first + 8 + struct.unpack_from("<I", tape, first)[0]]


def head(folder):
    """Of a show of a second at FPS, TINY."""
    p = reverie("run", *TINY, *BARE, "--watch", "no", "--duration", "1", "--seed", "5", "--set", "tape.enabled=true", "--set",
                "video.fps=%d" % FPS, "--set", "tape.dir=" + folder.path("heads"))
    if p.returncode != 0:
        raise RuntimeError(p.stderr)
    return head_of(read(glob.glob(folder.path("heads", "*.tape"))[0]))


def target(number_step, request_id, class_index, caption):
    return (bytes([1]) + count(2 * number_step) + count(request_id) + struct.pack("<f", 0) + bytes([0, 1]) +
            bytes([0]) + count(2 * class_index) + struct.pack("<f", 1) + text(caption))


def show(head, classes, each_s, steps, fps=25):
    """A keyframe a second, each with so many steps; a class for `each_s` seconds, then the next."""
    tape = head + block(bytes([2, 0, 0, 0, 0]))  # the start picture
    for n, class_index in enumerate(classes):
        tape += block(target(1, n + 1, class_index, "class %d" % class_index))
        for k in range(each_s):
            after = fps if n + k else 0  # the first two pictures are taken together
            tape += block(bytes([2]) + count(after) + bytes([0 if k else 8]) + count(fps) + count(steps) + (b"" if k else count(0)))
    return tape + block(bytes([7]) + count(fps))
