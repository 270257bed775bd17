"""reverie probe against the golden net (PyTorch, double precision) and against the prior's formula in NumPy."""
import json
import os
import struct
import sys
import unittest
import zlib

try:
    import numpy as np
except ImportError as e:  # another python3 than Debian's, whose packages the set-up installs
    raise unittest.SkipTest(str(e))

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from program import Folder, reverie  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GOLDEN = os.path.join(ROOT, "tests", "golden")
WIDTH, HEIGHT = 130, 97  # of vgg16's golden picture
CLASSES = "n01440764,n01443537,n07873807,n09472597,n15075141"


def read_safetensors(path):
    with open(path, "rb") as f:
        data = f.read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    meta = header.pop("__metadata__", {})
    dtypes = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}
    return {k: np.frombuffer(data, dtypes[t["dtype"]], int(np.prod(t["shape"])), 8 + size + t["data_offsets"][0])
            .reshape(t["shape"]).astype(np.float64) for k, t in header.items()}, meta


def add_metadata(source, target, more):
    with open(source, "rb") as f:
        data = f.read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header.setdefault("__metadata__", {}).update(more)
    text = json.dumps(header).encode()
    with open(target, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data[8 + size:])


def probe(*args):
    """On the CPU, whose numbers these are; an option behind it may say otherwise."""
    return reverie("probe", "--backend", "cpu", *args)


def picture():
    i = np.arange(3 * HEIGHT * WIDTH, dtype=np.uint64)
    return ((i * 2654435761 % 2**32) >> 24).astype(np.uint8).reshape(3, HEIGHT, WIDTH)


def write_png(path, rgb):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    rows = b"".join(b"\0" + row.tobytes() for row in rgb.transpose(1, 2, 0))
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", rgb.shape[2], rgb.shape[1], 8, 2, 0, 0, 0)) +
                chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def prior(x, pool):
    """Mean of log(1 + (z - mu)^2 / nu) over all patches and filters, and its gradient; item 33 of 2015."""
    tensors, meta = read_safetensors(os.path.join(ROOT, "models", "patch-prior.safetensors"))
    filters, nu = tensors["filters"].reshape(192, 192), float(meta.get("prior.nu", 0.665248))
    h, w = x.shape[1] // pool, x.shape[2] // pool
    grad = np.zeros_like(x)
    if h < 8 or w < 8:
        return 0.0, grad
    small = x[:, :h * pool, :w * pool].reshape(3, h, pool, w, pool).mean((2, 4))
    windows = np.lib.stride_tricks.sliding_window_view(small, (8, 8), (1, 2))  # [3][rows][columns][8][8]
    rows, columns = windows.shape[1:3]
    patches = windows.transpose(1, 2, 0, 3, 4).reshape(rows * columns, 192) - 128
    d = patches @ filters.T - tensors["mu"]
    back = ((2 * d / nu / (1 + d * d / nu) / d.size) @ filters).reshape(rows, columns, 3, 8, 8)
    small_grad = np.zeros_like(small)
    for i in range(8):
        for j in range(8):
            small_grad[:, i:i + rows, j:j + columns] += back[:, :, :, i, j].transpose(2, 0, 1)
    grad[:, :h * pool, :w * pool] = small_grad.repeat(pool, 1).repeat(pool, 2) / pool**2
    return np.log1p(d * d / nu).mean(), grad


def drawn(path):
    """The pixels of a PNG as they are packed, without the recipe that the picture also carries."""
    with open(path, "rb") as f:
        png, at, packed = f.read(), 8, b""
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at:at + 8])
        packed += png[at + 8:at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    return packed


class Probe(unittest.TestCase):
    def test_classic_is_the_loss_of_2015(self):
        with Folder() as f:
            add_metadata(os.path.join(GOLDEN, "vgg16.safetensors"), f.path("m"), {"reverie.wnids": CLASSES})
            write_png(f.path("x.png"), picture())
            p = probe("-m", f.path("m"), "-i", f.path("x.png"), "-t", "pizza + goldfish",
                        "--dump", f.path("out"))
            self.assertEqual((p.returncode, p.stderr), (0, ""))
            logits, gradient = np.load(f.path("out", "logits.npy")), np.load(f.path("out", "gradient.npy"))
            top = probe("-m", f.path("m"), "-i", f.path("x.png"), "-t", "goldfish + pizza", "--set",
                          "dream.first=top", "--dump", f.path("out"))
            self.assertEqual(top.stdout, p.stdout)  # as in 2015, the first of two is the lower half's
        said = {k: float(v) for k, v in (line.split("=") for line in p.stdout.split())}
        golden, _ = read_safetensors(os.path.join(GOLDEN, "expected.safetensors"))
        self.assertEqual(logits.shape, golden["vgg16/logits"].shape)
        self.assertLess(np.abs(logits - golden["vgg16/logits"]).max(), 1e-4 * np.abs(golden["vgg16/logits"]).max())
        network = -golden["vgg16/sums"][0]
        self.assertLess(abs(said["network"] - network), 1e-4 * abs(network))

        x, total, prior_gradient = picture().astype(np.float64), network, 0
        for pool in (1, 4, 8, 16, 32):
            energy, g = prior(x, pool)
            self.assertLessEqual(abs(said["prior_%d" % pool] - energy), 1e-5 * energy)
            self.assertEqual(said["prior_%d_weight" % pool], 2)
            total += 2 * energy
            prior_gradient = prior_gradient + 2 * g
        self.assertLess(abs(said["total"] - total), 1e-4 * abs(total))
        self.assertEqual(gradient.shape, x.shape)
        wanted = prior_gradient.reshape(-1)[::17] - golden["vgg16/gradient"]
        error = ((gradient.reshape(-1)[::17] - wanted) ** 2).sum() / (wanted ** 2).sum()
        self.assertLess(error, 1e-6)

    def test_prior_of_2015_from_its_files(self):
        """T.nnet.conv2d with the filters as they lie in the file: a true convolution, so the patch is turned."""
        rng = np.random.default_rng(4)
        filters, means = rng.normal(0, 0.02, (8, 8, 3, 7)), rng.normal(0, 1, 7)
        x = picture().astype(np.float64)
        with Folder() as f:
            write_png(f.path("x.png"), picture())
            np.save(f.path("filters.npy"), np.asfortranarray(filters))
            np.save(f.path("mean.npy"), means.astype(np.float32))
            for kind in ("student-t", "gaussian"):
                p = probe("-i", f.path("x.png"), "-t", "goldfish", "--set", "dream.prior=" + kind,
                            "--set", "dream.prior_file=" + f.path("filters.npy"),
                            "--set", "dream.prior_mean=" + f.path("mean.npy"), "--dump", f.path("out"))
                self.assertEqual((p.returncode, p.stderr), (0, ""))
                said = {k: float(v) for k, v in (line.split("=") for line in p.stdout.split())}
                for pool in (1, 4, 8):
                    h, w = HEIGHT // pool, WIDTH // pool
                    small = x[:, :h * pool, :w * pool].reshape(3, h, pool, w, pool).mean((2, 4)) - 128
                    windows = np.lib.stride_tricks.sliding_window_view(small, (8, 8), (1, 2))[..., ::-1, ::-1]
                    d = np.einsum("cyxij,ijck->yxk", windows, filters) - means
                    energy = np.log1p(d * d / 0.665248).mean() if kind == "student-t" else (d[..., :-1] ** 2).mean()
                    self.assertLessEqual(abs(said["prior_%d" % pool] - energy), 1e-5 * energy)

    def test_modern_says_its_weights(self):
        with Folder() as f:
            write_png(f.path("x.png"), picture())
            p = probe("-i", f.path("x.png"), "-t", "goldfish", "--profile", "modern", "--dump", f.path("out"))
            self.assertEqual((p.returncode, p.stderr), (0, ""))
            self.assertEqual(np.load(f.path("out", "gradient.npy")).shape, (3, HEIGHT, WIDTH))
            self.assertEqual(np.load(f.path("out", "logits.npy")).shape[0], 200)
        said = {k: float(v) for k, v in (line.split("=") for line in p.stdout.split())}
        self.assertAlmostEqual(said["total"], said["network"] + sum(
            said["prior_%d" % k] * said["prior_%d_weight" % k] for k in (1, 2, 4)), delta=1e-5 * said["total"])

    def test_preprocessing_can_be_overruled(self):
        """probe, classify and still mean the same by it, given as an option or as a setting."""
        families = ("auto", "torchvision", "caffe", "caffe-rgb", "caffe-grey", "caffe-rgb-grey")
        model, logits, stills = os.path.join(GOLDEN, "vgg11.v1.caffemodel"), {}, {}
        with Folder() as f:
            add_metadata(os.path.join(GOLDEN, "vgg16.safetensors"), f.path("m"), {"reverie.wnids": CLASSES})
            write_png(f.path("x.png"), picture())
            for p in families:
                image = ["-m", f.path("m"), "-i", f.path("x.png"), "-t", "goldfish"]
                setting, option = ["--set", "dream.preprocessing=" + p], ["--preprocessing", p]
                r = probe(*image, *setting, "--dump", f.path(p))
                self.assertEqual((r.returncode, r.stderr), (0, ""))
                logits[p] = np.load(f.path(p, "logits.npy"))
                r = reverie("classify", "--whole", "-m", f.path("m"), f.path("x.png"), *option)
                self.assertEqual((r.returncode, r.stderr), (0, ""))
                said = {line.split("\t")[3]: float(line.split("\t")[2]) for line in r.stdout.splitlines()}
                mean = logits[p].astype(np.float64).mean((1, 2))
                chance = np.exp(mean - mean.max()) / np.exp(mean - mean.max()).sum()
                for wnid, probability in zip(CLASSES.split(","), chance):
                    self.assertAlmostEqual(said[wnid], probability, delta=1e-4)
                for words in (setting, option):
                    r = reverie("still", *image, *words, "--set", "dream.backend=cpu", "--steps", "1",
                                "--profile", "classic", "-o", f.path("s.png"))
                    self.assertEqual((r.returncode, r.stderr), (0, "wrote %s, 130x97\n" % f.path("s.png")))
                    stills.setdefault(p, []).append(drawn(f.path("s.png")))
            self.assertEqual(reverie("classify", "--preprocessing", "x", f.path("x.png")).returncode, 2)
            r = reverie("classify", "-m", model, "--preprocessing", "caffe", f.path("x.png"))
            self.assertEqual((r.returncode, r.stderr, r.stdout.count("\n")), (0, "", 5))
        for p in families:
            self.assertEqual(stills[p][0], stills[p][1])
        self.assertEqual(stills["auto"][0], stills["torchvision"][0])
        self.assertEqual(len({stills[p][0] for p in families}), len(families) - 1)
        distance = {(a, b): np.abs(logits[a] - logits[b]).max() for a in families[1:] for b in families[1:] if a < b}
        self.assertGreater(min(distance.values()), 1e-4 * np.abs(logits["auto"]).max())

    def test_faults_are_one_line(self):
        with Folder() as f:
            write_png(f.path("x.png"), picture())
            write_png(f.path("small.png"), picture()[:, :40, :40])
            f.write("text", "no model")
            cases = [(["-t", "goldfish", "--dump", f.path("o")], 2, "are needed"),
                     (["-i", f.path("x.png"), "-t", "xyzzy", "--dump", f.path("o")], 1, "xyzzy"),
                     (["-i", f.path("none.png"), "-t", "goldfish", "--dump", f.path("o")], 1, "none.png"),
                     (["-i", f.path("small.png"), "-t", "goldfish", "--dump", f.path("o")], 1, "64 pixels"),
                     (["-m", f.path("text"), "-i", f.path("x.png"), "-t", "goldfish", "--dump", f.path("o")], 1,
                      "not a file of weights"),
                     (["-m", os.path.join(GOLDEN, "vgg16.zip.pth"), "-i", f.path("x.png"), "-t", "goldfish", "--dump",
                       f.path("o")], 1, "does not name its classes"),
                     (["-i", f.path("x.png"), "-t", "goldfish", "--backend", "null", "--dump", f.path("o")], 1, "no network"),
                     (["-i", f.path("x.png"), "-t", "goldfish", "--preprocessing", "x", "--dump", f.path("o")], 2, "caffe-rgb"),
                     (["-i", f.path("x.png"), "-t", "goldfish", "--dump", f.path("text")], 1, "text"),
                     (["-i", f.path("x.png"), "-t", "goldfish", "--dump", "/proc/nonexistent/a"], 1, "/proc/nonexistent/a")]
            for args, code, says in cases:
                p = probe(*args)
                self.assertEqual((p.returncode, p.stdout, p.stderr.count("\n")), (code, "", 1), p.stderr)
                self.assertIn(says, p.stderr)


if __name__ == "__main__":
    unittest.main()
