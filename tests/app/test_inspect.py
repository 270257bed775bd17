"""reverie inspect on each format against the golden net's own numbers: names, shapes, smallest, largest, mean."""
import os
import re
import sys
import unittest

try:
    import numpy as np
except ImportError as e:  # another python3 than Debian's, whose packages the set-up installs
    raise unittest.SkipTest(str(e))

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from program import reverie  # noqa: E402
from test_probe import GOLDEN, read_safetensors  # noqa: E402

BLOCKS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
TIMM = {"pre_logits.fc1": ("classifier.0", "fc6"), "pre_logits.fc2": ("classifier.3", "fc7"), "head.fc": ("classifier.6", "fc8")}


def expected(depth, suffix):
    """What a file of the net lists: name to array. The net's numbers are those of its safetensors file."""
    tensors, _ = read_safetensors(os.path.join(GOLDEN, "vgg%d.safetensors" % depth))
    if suffix == "safetensors":
        return tensors
    caffe, number, names = suffix.endswith("caffemodel"), 0, {}
    for block, count in enumerate(BLOCKS[depth], 1):
        for i in range(1, count + 1):
            names["features.%d" % number] = ("features.%d" % number, "conv%d_%d" % (block, i))
            number += 2
        number += 1
    names.update(TIMM)
    out = {}
    for key, a in tensors.items():
        layer, part = key.rsplit(".", 1)
        if layer in TIMM and part == "weight":
            a = a.reshape(a.shape[0], -1)
        if caffe and key == "features.0.weight":
            a = a / 64  # 0..255 instead of 0..1
        out[names[layer][caffe] + "." + part] = a
    return out


class Inspect(unittest.TestCase):
    def test_lists_what_was_written(self):
        line = re.compile(r"^(\S+) +(F\d+) +(\S+) +min (\S+) +max (\S+) +mean (\S+)$", re.M)
        files = [(d, s) for d in BLOCKS for s in ("legacy.pth", "zip.pth", "safetensors", "v1.caffemodel", "v2.caffemodel")]
        for depth, suffix in files + [(11, "py2.pth"), (11, "parameter.pth"), (13, "unpacked.caffemodel")]:
            name = "vgg%d.%s" % (depth, suffix)
            p = reverie("inspect", os.path.join(GOLDEN, name))
            self.assertEqual((p.returncode, p.stderr), (0, ""), name)
            tensors, listed = expected(depth, suffix), line.findall(p.stdout)
            self.assertIn(", %d tensors\n" % len(tensors), p.stdout)
            self.assertEqual({key for key, *_ in listed}, set(tensors), name)
            for key, dtype, shape, *numbers in listed:
                a = tensors[key]
                self.assertEqual((dtype, shape), ("F32", "x".join(map(str, a.shape))), name + " " + key)
                for said, number in zip(numbers, (a.min(), a.max(), a.mean())):
                    self.assertAlmostEqual(float(said), number, delta=1e-4 * abs(number) + 1e-9, msg=name + " " + key)


if __name__ == "__main__":
    unittest.main()
