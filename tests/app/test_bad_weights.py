"""What is no sound file of weights ends in one line that names it and what was expected, with exit code 1, and takes no
memory beyond its own size and 64 MB. The readers' own tests go into the details; here the program is asked."""
import json
import math
import os
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile

try:
    import numpy as np
except ImportError as e:  # another python3 than Debian's, whose packages the set-up installs
    raise unittest.SkipTest(str(e))

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from program import REVERIE, SANITIZED, Folder  # noqa: E402
from test_probe import CLASSES, GOLDEN, picture, read_safetensors, write_png  # noqa: E402

LEGACY = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}U\rlittle_endian\x88s."
NAN = struct.pack("<f", math.nan)
MB = 1 << 20


def golden(name):
    with open(os.path.join(GOLDEN, name), "rb") as f:
        return f.read()


def raw(header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def net(change=None, metadata=None):
    """vgg11 as safetensors, after `change` had its way with header and tensors."""
    tensors, _ = read_safetensors(os.path.join(GOLDEN, "vgg11.safetensors"))
    tensors = {k: v.astype("<f4") for k, v in tensors.items()}
    if change:
        change(tensors)
    header, at = {"__metadata__": metadata} if metadata else {}, 0
    for k, v in tensors.items():
        header[k] = {"dtype": "F32", "shape": list(v.shape), "data_offsets": [at, at + v.nbytes]}
        at += v.nbytes
    return header, b"".join(v.tobytes() for v in tensors.values())


def one(shape, begin, end, size):
    return raw({"a": {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}}, bytes(size))


def bad_number(tensors):
    tensors["features.3.weight"][1, 2, 0, 1] = math.nan


def short_bias(tensors):
    tensors["head.fc.bias"] = tensors["head.fc.bias"][:4]


def bomb(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("a/data.pkl", bytes(80 * MB))
    with open(path, "rb") as f:
        return f.read()


def shared_place(data):
    """The zip's members all where the first one lies."""
    data, at = bytearray(data), 0
    while (at := data.find(b"PK\1\2", at)) >= 0:
        data[at + 42:at + 46] = bytes(4)
        at += 4
    return bytes(data)


def cases(scratch):
    """(name, bytes, what the line says)."""
    legacy, torch, caffe = golden("vgg11.legacy.pth"), golden("vgg11.zip.pth"), golden("vgg11.v1.caffemodel")
    tensors = golden("vgg11.safetensors")
    yield from (("cut-" + name, data[:len(data) - cut], says) for name, data, cut, says in (
        ("safetensors", tensors, 1, "data_offsets"), ("safetensors", tensors, len(tensors) // 2, "data_offsets"),
        ("safetensors", tensors, len(tensors) - 20, "header claims"), ("legacy", legacy, 1, "storage"),
        ("legacy", legacy, len(legacy) - 200, "pickle at byte 195"), ("zip", torch, 1, "cut short"),
        ("zip", torch, len(torch) // 2, "cut short"), ("caffe", caffe, 1, "are left"),
        ("caffe", caffe, len(caffe) // 2, "are left")))
    header, data = net()
    header["features.0.bias"]["data_offsets"] = header["features.0.weight"]["data_offsets"][:1] + [
        header["features.0.weight"]["data_offsets"][0] + 16]
    yield "overlapping", raw(header, data), "overlap"
    yield "overlapping-zip", shared_place(torch), "overlap"
    yield "oversized-header", struct.pack("<Q", 2**62) + b"{}", "header claims 4611686018427387904 bytes"
    yield "oversized-tensor", one([2**40], 0, 2**42, 64), "tensor a: data_offsets"
    yield "oversized-storage", legacy[:-148] + struct.pack("<q", 2**60) + legacy[-140:], "1152921504606846976 elements"
    yield "nan", raw(*net(bad_number)), "tensor features.3.weight: element"
    yield "nan-legacy", legacy[:-4] + NAN, "is not a finite number"
    yield "nan-zip", torch.replace(np.float32(0.375).tobytes(), NAN, 1), "CRC-32"
    twice = '"a":{"dtype":"F32","shape":[1],"data_offsets":[%d,%d]}'
    yield "duplicate", raw(("{%s,%s}" % (twice % (0, 4), twice % (4, 8))).encode(), bytes(8)), "a is there twice"
    yield "duplicate-caffe", caffe + caffe, "is there twice"
    yield "missing", raw(*net(lambda t: t.pop("pre_logits.fc2.weight"))), "pre_logits.fc2.weight is missing"
    yield "unmasked", raw({"features.0.weight_orig": {"dtype": "F32", "shape": [1, 3, 3, 3], "data_offsets": [0, 108]}}, bytes(108)), \
        "goes with weight_mask"
    yield "cyclic-dict", LEGACY + b"\x80\x02}q\x01U\x05modelh\x01s.\x80\x02].", "neither a state_dict"
    yield "cyclic-list", LEGACY + b"\x80\x02]q\x01h\x01\x85a.\x80\x02].", "neither a state_dict"
    yield "pickle-of-marks", LEGACY + b"\x80\x02" + b"(" * 3000000, "values on the stack"
    yield "pickle-that-runs", LEGACY + b"\x80\x02cos\nsystem\nU\x06whoamiX\x85R.", "os.system, which is not on the list"
    yield "2^63-shape", one([2**63], 0, 4, 4), "below 2^63"
    yield "2^63-product", one([2**32, 2**32], 0, 4, 4), "2^63"
    yield "2^64-offset", one([1], 2**64 - 4, 2**64, 4), "below 2^63"
    yield "zip-bomb", bomb(scratch), "compressed"
    yield "class-list", raw(*net(metadata={"reverie.wnids": ",".join(CLASSES.split(",")[:4])})), "wnids"
    yield "class-bias", raw(*net(short_bias)), "tensor head.fc.bias"
    yield "text", b"These are not the weights you are looking for.\n" * 9, "not a file of weights"
    yield "empty", b"", "empty"
    yield "npy", b"\x93NUMPY\1\0\x46\0" + b"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}".ljust(69) + b"\n\0\0\0\0", \
        "neither a tensor features.0.weight"


class BadWeights(unittest.TestCase):
    def ask(self, path, image, dump):
        """(exit code, stdout, stderr, peak bytes) of the command that needs all of a model."""
        words = [REVERIE, "probe", "--backend", "cpu", "-m", path, "-i", image, "-t", "goldfish", "--dump", dump]
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            with subprocess.Popen(words, stdout=out, stderr=err) as p:
                _, status, usage = os.wait4(p.pid, 0)
                p.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            err.seek(0)
            return p.returncode, out.read().decode(), err.read().decode(), usage.ru_maxrss * 1024

    def test_each_is_one_line(self):
        with Folder() as f:
            image, dump = f.path("x.png"), f.path("out")
            write_png(image, picture())
            good = self.ask(f.write("text", "short"), image, dump)[3]  # what the program itself takes
            for name, data, says in cases(f.path("scratch")):
                path = f.write(name, data)
                code, out, err, peak = self.ask(path, image, dump)
                self.assertEqual((code, out, err.count("\n")), (1, "", 1), "%s: %s" % (name, err[:200]))
                self.assertIn(path, err, name)
                self.assertIn(says, err, name)
                self.assertFalse(os.path.exists(dump))
                if not SANITIZED:
                    self.assertLess(peak, good + len(data) + 64 * MB, name)
            for path in (f.name, "/dev/zero", f.path("nothing")):
                code, out, err, _ = self.ask(path, image, dump)
                self.assertEqual((code, out, err.count("\n")), (1, "", 1), err)
                self.assertIn(path, err)


if __name__ == "__main__":
    unittest.main()
