"""The way out of formats that are not read, as docs/weights.md gives it, line by line: each is run as it stands there on a file
of its kind, and what comes out is read and sees what the network saw before.

Needs PyTorch (Debian: python3-torch), and h5py for Keras's; without them that is said and the test left out."""
import collections
import io
import os
import pickle
import re
import struct
import subprocess
import sys
import tarfile
import unittest

try:
    import numpy as np
    import torch
except ImportError:
    torch = None
try:
    import h5py
except ImportError:
    h5py = None

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "app"))
from program import Folder, reverie  # noqa: E402

SIDE, CLASSES, WIDTHS = 64, 5, (3, 8, 16, 16)


def network():
    """Three convolutions with pools and one linear layer, convolved over the map, as `classify --whole` has it."""
    torch.manual_seed(3)
    features, parts = [], collections.OrderedDict()
    for i, o in zip(WIDTHS, WIDTHS[1:]):
        features += [torch.nn.Conv2d(i, o, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2)]
    parts["features"] = torch.nn.Sequential(*features)
    parts["classifier"] = torch.nn.Linear(WIDTHS[-1], CLASSES)
    return torch.nn.Sequential(parts).eval()


def probabilities(m, picture):
    """[CLASSES], mean over places. torchvision's preprocessing, which its names ask for."""
    x = (picture / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    with torch.no_grad():
        maps = m.features(torch.tensor(x.transpose(2, 0, 1)[None], dtype=torch.float32))
        return torch.softmax(m.classifier(maps.permute(0, 2, 3, 1)), -1).mean(dim=(0, 1, 2)).numpy()


def save_tar(path, tensors):
    """As PyTorch 0.1.9 wrote it (torch/serialization.py reads it still): members sys_info, pickle, tensors, storages."""
    def member(tar, name, data):
        info = tarfile.TarInfo(name)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj):
            return str(id(obj)) if torch.is_tensor(obj) else None
    storages, views, whole = io.BytesIO(), io.BytesIO(), io.BytesIO()
    pickle.dump(len(tensors), storages, 2)
    pickle.dump(len(tensors), views, 2)
    for t in tensors.values():
        pickle.dump((id(t) + 1, "cpu", torch.FloatStorage), storages, 2)
        storages.write(struct.pack("<q", t.numel()) + t.numpy().tobytes())
        pickle.dump((id(t), id(t) + 1, torch.FloatTensor), views, 2)
        views.write(struct.pack("<ii%dq%dqq" % (t.dim(), t.dim()), t.dim(), 0, *t.shape, *t.stride(), 0))
    pickle.dump([], storages, 2)
    Pickler(whole, 2).dump(tensors)
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        member(tar, "sys_info", pickle.dumps({"protocol_version": 1000, "little_endian": True}, 2))
        member(tar, "pickle", whole.getvalue())
        member(tar, "tensors", views.getvalue())
        member(tar, "storages", storages.getvalue())


def save_keras(path, m, kind):
    """As Keras 1 and 2 save weights: a group for each layer, its arrays' names in an attribute (of fixed length, or as texts:
    `kind`), kernels [3][3][in][out]."""
    block = 0
    with h5py.File(path, "w") as f:
        for layer in m.features:
            if not isinstance(layer, torch.nn.Conv2d):
                continue
            block += 1
            name = "block%d_conv1" % block
            group = f.create_group(name)
            group.attrs["weight_names"] = np.array([name + end for end in ("_W_1:0", "_b_1:0")], dtype=kind)
            group[name + "_W_1:0"] = layer.weight.detach().numpy().transpose(2, 3, 1, 0)
            group[name + "_b_1:0"] = layer.bias.detach().numpy()
        f.create_group("block1_pool").attrs["weight_names"] = np.zeros(0, "S1")


def lines():
    """The commands of docs/weights.md that run Python, whole here-documents among them."""
    with open(os.path.join(ROOT, "docs", "weights.md"), encoding="utf-8") as f:
        blocks = re.findall(r"((?:^ {4}.*\n|^\n(?= {4}))+)", f.read(), re.M)
    code = [re.sub(r"^ {4}", "", b, flags=re.M).strip() for b in blocks]
    return [c for c in code if c.startswith("python3 ")]


@unittest.skipIf(torch is None, "no PyTorch here")
class WayOut(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.folder.__enter__()
        self.addCleanup(self.folder.__exit__)
        self.model = network()
        self.picture = np.random.default_rng(2).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
        rows = b"".join(self.picture[y, :, ::-1].tobytes() for y in range(SIDE - 1, -1, -1))  # BMP: from below, BGR
        head = b"BM" + (54 + len(rows)).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little")
        head += (40).to_bytes(4, "little") + SIDE.to_bytes(4, "little") * 2 + b"\1\0\x18\0" + bytes(24)
        self.folder.write("picture.bmp", head + rows)

    def refused(self, name, says):
        done = reverie("inspect", self.folder.path(name))
        self.assertEqual(done.returncode, 1)
        self.assertIn(says, done.stderr)
        return done.stderr

    def run_line(self, line):
        done = subprocess.run(["bash", "-c", re.sub(r"^python3", sys.executable, line)], cwd=self.folder.name, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)

    def sees_the_same(self):
        done = reverie("classify", "-m", "weights.pth", "--whole", "picture.bmp", cwd=self.folder.name)
        self.assertEqual(done.returncode, 0, done.stderr)
        seen = {int(c[3][1:]): float(c[2]) for c in (line.split("\t") for line in done.stdout.splitlines())}
        expected = probabilities(self.model, self.picture)
        self.assertEqual(len(seen), CLASSES)
        for i, p in enumerate(expected):
            self.assertAlmostEqual(seen[i], p, delta=2e-3)

    def test_all_lines_are_run_here(self):
        self.assertEqual([re.search(r"jit|h5py|old\.pth", line).group() for line in lines()], ["old.pth", "jit", "h5py"])

    def test_a_whole_model(self):
        torch.save(self.model, self.folder.path("old.pth"))
        self.refused("old.pth", "save its state_dict() instead")
        self.run_line(lines()[0])
        self.sees_the_same()

    def test_a_file_of_2017(self):
        save_tar(self.folder.path("old.pth"), self.model.state_dict())
        message = self.refused("old.pth", "a PyTorch file of 2017")
        self.run_line(lines()[0])
        self.sees_the_same()
        told = re.search(r"m = torch\.load.*\"weights\.pth\"\)", message).group().replace("FILE", '"old.pth"')
        self.assertIn(told, lines()[0])  # the program says the same line as the page

    def test_torchscript(self):
        torch.jit.script(self.model).save(self.folder.path("old.pt"))
        message = self.refused("old.pt", "TorchScript")
        self.run_line(lines()[1])
        self.sees_the_same()
        self.assertIn("torch.jit.load", message)

    @unittest.skipIf(h5py is None, "h5py is not there")
    def test_keras(self):
        line = lines()[2]
        name = re.search(r'h5py\.File\("([^"]+)"', line).group(1)
        for kind in ("S", h5py.string_dtype()):
            save_keras(self.folder.path(name), self.model, kind)
            self.refused(name, "HDF5 file (Keras)")
            self.run_line(line)
            self.keras_is_read()

    def keras_is_read(self):
        done = reverie("still", "-m", "weights.pth", "--layer", "conv3_1", "--size", "64x64", "--steps", "1", "-o", "out.png",
                       cwd=self.folder.name)
        self.assertEqual(done.returncode, 0, done.stderr)
        written = torch.load(self.folder.path("weights.pth"))
        for i, layer in enumerate(layer for layer in self.model.features if isinstance(layer, torch.nn.Conv2d)):
            self.assertTrue(torch.equal(written["conv%d_1.weight" % (i + 1)], layer.weight))
            self.assertTrue(torch.equal(written["conv%d_1.bias" % (i + 1)], layer.bias))


if __name__ == "__main__":
    unittest.main()
