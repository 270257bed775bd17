"""Small networks in the many ways in which people save them: each must see what NumPy computes from the same numbers.

Three convolutions with their pools, then the head of the case, over a picture of 64x64; weights are drawn here and saved as
safetensors. `probe` with profile classic hands out the logits of the picture as it is."""
import json
import os
import sys
import unittest

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from program import Folder, reverie  # noqa: E402

WIDTHS = (3, 8, 16, 16)
CLASSES = 5
META = {"reverie.mean": "0.5,0.5,0.5", "reverie.std": "0.25,0.25,0.25"}


def save(path, tensors, metadata=None):
    """A safetensors file."""
    header, blob = {"__metadata__": metadata or META}, b""
    for name, value in tensors.items():
        data = np.ascontiguousarray(value, np.float32).tobytes()
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [len(blob), len(blob) + len(data)]}
        blob += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text + blob)


def convolve(x, weight, bias):
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    out = np.zeros((len(weight), *x.shape[1:]))
    for dy in range(3):
        for dx in range(3):
            out += np.tensordot(weight[:, :, dy, dx], padded[:, dy:dy + x.shape[1], dx:dx + x.shape[2]], 1)
    return out + bias[:, None, None]


def pool(x):
    return x.reshape(x.shape[0], x.shape[1] // 2, 2, x.shape[2] // 2, 2).max(axis=(2, 4))


class Networks(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.folder.__enter__()
        self.addCleanup(self.folder.__exit__)
        self.rng = np.random.default_rng(4)
        self.picture = self.rng.integers(0, 256, (64, 64, 3), np.uint8)
        rows = b"".join(self.picture[y, :, ::-1].tobytes() for y in range(63, -1, -1))  # BMP: from below, BGR
        head = b"BM" + (54 + len(rows)).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little")
        head += (40).to_bytes(4, "little") + (64).to_bytes(4, "little") * 2 + b"\1\0\x18\0" + bytes(24)
        self.folder.write("picture.bmp", head + rows)
        self.weights = [self.draw(o, i, 3, 3) for i, o in zip(WIDTHS, WIDTHS[1:])]
        self.biases = [self.rng.normal(0, 0.1, o) for o in WIDTHS[1:]]
        self.heads = [self.draw(12, 16), self.draw(10, 12), self.draw(CLASSES, 10)]

    def draw(self, *shape):
        return self.rng.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape)

    def features(self, weights=None, biases=None, shift=None, picture=None):
        x = (self.picture.transpose(2, 0, 1) / 255 - 0.5) / 0.25 if picture is None else picture
        for i, (w, b) in enumerate(zip(weights or self.weights, biases or self.biases)):
            x = convolve(x, w, b)
            x = pool(np.maximum(shift(i, x) if shift else x, 0))
        return x

    def named(self, pattern="features.%d.", step=3, **more):
        tensors = {}
        for i in range(3):
            tensors[pattern % (step * i) + "weight"] = self.weights[i]
            tensors[pattern % (step * i) + "bias"] = self.biases[i]
        return {**tensors, **more}

    def logits(self, tensors):
        save(self.folder.path("net.safetensors"), tensors)
        done = reverie("probe", "-m", "net.safetensors", "-i", "picture.bmp", "-t", "#1", "--profile", "classic", "--dump", "dump",
                       cwd=self.folder.name)
        self.assertEqual(done.returncode, 0, done.stderr)
        return np.load(self.folder.path("dump", "logits.npy")).reshape(CLASSES, 8, 8)

    def near(self, tensors, expected):
        self.assertLess(np.abs(self.logits(tensors) - expected).max(), 2e-3 * np.abs(expected).max())

    def through(self, features, *matrices):
        for i, m in enumerate(matrices):
            features = np.tensordot(m, features, 1)
            if i + 1 < len(matrices):
                features = np.maximum(features, 0)
        return features

    def head(self, *names_and_matrices):
        pairs = list(zip(names_and_matrices[::2], names_and_matrices[1::2]))
        return {**{n + ".weight": m for n, m in pairs}, **{n + ".bias": np.zeros(len(m)) for n, m in pairs}}

    def test_three_two_and_one_linear_layers(self):
        a, b, c = self.heads
        two, one = self.draw(CLASSES, 12), self.draw(CLASSES, 16)
        x = self.features()
        self.near(self.named(**self.head("classifier.0", a, "classifier.3", b, "classifier.6", c)), self.through(x, a, b, c))
        self.near(self.named(**self.head("classifier.1", a, "classifier.4", two)), self.through(x, a, two))
        for name in ("classifier", "classifier.0", "fc", "linear", "head.fc"):
            with self.subTest(name=name):
                self.near(self.named(**self.head(name, one)), self.through(x, one))

    def test_no_bias_before_batch_norm(self):
        one = self.draw(CLASSES, 16)
        norm = [{k: self.rng.uniform(0.5, 1.5, o) for k in ("weight", "bias", "running_mean", "running_var")} for o in WIDTHS[1:]]
        tensors = {"features.%d.weight" % (4 * i): w for i, w in enumerate(self.weights)}
        for i, n in enumerate(norm):
            tensors.update({"features.%d.%s" % (4 * i + 1, k): v for k, v in n.items()})

        def shift(i, x):
            n = {k: v[:, None, None] for k, v in norm[i].items()}
            return (x - n["running_mean"]) / np.sqrt(n["running_var"] + 1e-5) * n["weight"] + n["bias"]
        expected = self.features(biases=[np.zeros(o) for o in WIDTHS[1:]], shift=shift)
        self.near({**tensors, **self.head("classifier", one)}, self.through(expected, one))

    def test_grey_input(self):
        one, first = self.draw(CLASSES, 16), self.draw(8, 1, 3, 3)
        luma = ((self.picture @ (0.299, 0.587, 0.114)) / 255 - 0.5)[None] / 0.25
        expected = self.through(self.features(weights=[first, *self.weights[1:]], picture=luma), one)
        self.near({**self.named(**self.head("classifier", one)), "features.0.weight": first}, expected)

    def test_what_pruning_and_weight_norm_leave(self):
        one = self.draw(CLASSES, 16)
        mask = (self.rng.random(self.weights[1].shape) > 0.5) * 1.0
        length = self.rng.uniform(0.5, 2, (16, 1, 1, 1))
        turned = self.weights[2] * length / np.sqrt((self.weights[2] ** 2).sum(axis=(1, 2, 3), keepdims=True))
        tensors = self.named(**self.head("classifier", one))
        for k in ("features.3.weight", "features.6.weight"):
            del tensors[k]
        tensors.update({"features.3.weight_orig": self.weights[1], "features.3.weight_mask": mask,
                        "features.6.weight_g": length, "features.6.weight_v": self.weights[2]})
        self.near(tensors, self.through(self.features(weights=[self.weights[0], self.weights[1] * mask, turned]), one))

    def still(self, *args):
        return reverie("still", "-m", "net.safetensors", "--size", "64x64", "--steps", "1", "-o", "out.png", *args,
                       cwd=self.folder.name)

    def test_convolutions_alone(self):
        for tensors in (self.named(), self.named("%d."), self.named("features.module.%d.")):
            save(self.folder.path("net.safetensors"), tensors)
            done = self.still("--layer", "conv3_1")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("has no classes; --layer NAME climbs its layers", self.still("-t", "goldfish").stderr)
            self.assertIn("convolutions alone", reverie("inspect", self.folder.path("net.safetensors")).stdout)

    def test_classes_without_names(self):
        save(self.folder.path("net.safetensors"), self.named(**self.head("fc", self.draw(CLASSES, 16))))
        self.assertRegex(self.still("-t", "goldfish").stderr, r"does not name its classes; ask for #0 to #4, or .*--labels FILE")
        self.assertEqual(self.still("-t", "#4 + #0").returncode, 0)
        self.assertIn("5 classes, #0 to #4", self.still("-t", "#5").stderr)
        seen = reverie("classify", "-m", "net.safetensors", "--whole", "picture.bmp", cwd=self.folder.name).stdout
        self.assertEqual(sorted(line.split("\t")[3] for line in seen.splitlines()), ["#%d" % i for i in range(5)])

    def test_labels(self):
        save(self.folder.path("net.safetensors"), self.named(**self.head("fc", self.draw(CLASSES, 16))))
        self.folder.write("words.txt", "red\ngreen\nblue\nfire truck\nother\n")
        self.folder.write("ids.txt", "n01443537 goldfish\nn01440764 tench\nn01484850\nn01491361\nn01494475\n")
        self.folder.write("few.txt", "red\n")
        self.assertEqual(self.still("--labels", "words.txt", "-t", "Fire Truck + red").returncode, 0)
        self.assertIn("none of the labels", self.still("--labels", "words.txt", "-t", "dog").stderr)
        self.assertEqual(self.still("--labels", "ids.txt", "-t", "goldfish").returncode, 0)
        self.assertRegex(self.still("--labels", "few.txt", "-t", "red").stderr, r"few\.txt: 1 lines; the model has 5 classes")
        seen = reverie("classify", "-m", "net.safetensors", "--labels", "words.txt", "--whole", "picture.bmp",
                       cwd=self.folder.name).stdout
        self.assertIn("fire truck", seen)


if __name__ == "__main__":
    unittest.main()
