"""scripts/train_embedded and scripts/judge_dreams on two classes that are made here: red discs and blue crosses. Small
enough for seconds; large enough to see learning, resuming, folding and what the program makes of the file."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPTS = os.path.join(ROOT, "scripts")
PYTHON = "/usr/bin/python3"  # as in the scripts' first lines: Debian's, which has Debian's PyTorch
WNIDS = ["n01443537", "n07873807"]
OTHER = "n09472597"  # in the list of wnids, never learned
SMALL = ["--widths", "4,6,8,12,12,16,16", "--batch", "16", "--threads", "1", "--precision", "float32",
         "--measure", "16"]


def has_torch():
    code = "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, ('torch', 'numpy', 'PIL'))))"
    return os.path.exists(PYTHON) and subprocess.run([PYTHON, "-c", code], check=False).returncode == 0


MAKE_PACKS = r'''
import io, sys
import numpy as np
from PIL import Image
folder = sys.argv[1]
rng = np.random.default_rng(5)
yy, xx = np.mgrid[0:64, 0:64]
def picture(kind):
    ground = rng.uniform(60, 200, 3)
    thing = np.array([(230, 70, 30), (30, 90, 230)][kind]) + rng.uniform(-25, 25, 3)
    cx, cy, r = rng.uniform(20, 44), rng.uniform(20, 44), rng.uniform(10, 18)
    d = np.hypot(xx - cx, yy - cy)
    mask = d < r if kind == 0 else (np.minimum(abs(xx - cx), abs(yy - cy)) < r / 3) & (d < 1.3 * r)
    wave = 40 * np.sin((xx if kind == 0 else xx + yy) * rng.uniform(0.2, 0.6))
    a = np.where(mask[..., None], thing, ground + wave[..., None]) + rng.normal(0, 4, (64, 64, 3))
    return np.clip(a, 0, 255).astype(np.uint8)
def pack(name, count):
    labels = np.arange(count) % 2
    labels[::17] = 2  # a class that is not learned
    blobs = []
    for label in labels:
        b = io.BytesIO()
        Image.fromarray(picture(int(label) % 2)).save(b, "WEBP", lossless=True, method=0)
        blobs.append(b.getvalue())
    offsets = np.cumsum([0] + [len(b) for b in blobs])
    np.savez(folder + "/" + name, webp=np.frombuffer(b"".join(blobs), np.uint8), offsets=offsets,
             labels=labels.astype(np.uint8))
pack("a.npz", 85)
pack("b.npz", 85)
pack("v.npz", 68)
'''

COMPARE = r'''
import sys
sys.path.insert(0, sys.argv[1])
import torch
from embedded import tensors, network
t, m = tensors.read(sys.argv[2])
net, back = network.load_folded(t, m), network.unfold(t, m).eval()
x = torch.rand(3, 3, 64, 96, generator=torch.Generator().manual_seed(1))
with torch.no_grad():
    a, b = net(x), back(x)
assert a.shape == (3, 2, 1, 2), a.shape
assert a.std() > 0.05, a.std()
assert (a - b).abs().max() < 1e-4 * a.abs().max(), (a - b).abs().max()
again = network.fold(back)
assert set(again) == set(t)
worst = max(abs(again[k].astype("f4") - t[k].astype("f4")).max() / abs(t[k].astype("f4")).max() for k in t)
assert worst < 1e-3, worst

# The class that is dreamed is what the network sees afterwards, and the same call dreams the same.
from embedded import dreaming
data, metadata = tensors.read(sys.argv[3] + "/models/reverie-mini.safetensors")
net = network.load_folded(data, metadata)
prior = dreaming.Prior(*tensors.read(sys.argv[3] + "/models/patch-prior.safetensors"), torch.device("cpu"))
d = dreaming.Dreamer(net, dreaming.Recipe(side=64, steps=25), prior)
x = d.dream([3, 150], 1)
assert x.shape == (2, 3, 64, 64) and 0 <= x.min() and x.max() <= 255
assert torch.equal(x, d.dream([3, 150], 1))
seen = net(x / 255).flatten(1).argsort(1, descending=True)[:, :3].tolist()
assert 3 in seen[0] and 150 in seen[1], seen
g = torch.randn(2, 3, 50, 37)
assert torch.allclose(dreaming.even_out(g, 1, 1.6, 0.15), g / dreaming.rms(g), atol=1e-5)
'''

# The judge of the test calls everything class 7, and goldfish the fifth.
JUDGE = r'''
import numpy as np, torch
class Net:
    size = 32
    def __init__(self, path):
        assert path.endswith(".tflite")
        torch.set_num_threads(1)
    def logits(self, x):
        z = torch.zeros(len(x), 1000)
        z[:, 7:11] = torch.tensor([9.0, 8.0, 7.0, 6.0])
        z[:, 1] = 5
        return z
def prep(im, size, crop):
    assert crop == 0
    a = np.asarray(im.resize((size, size)), np.float32) / 255
    return torch.from_numpy(a).permute(2, 0, 1)
'''


@unittest.skipUnless(has_torch(), "python3-torch (or numpy, or PIL) is not installed for /usr/bin/python3")
class TrainEmbedded(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="reverie-test-")
        cls.check([PYTHON, "-c", MAKE_PACKS, cls.folder])
        with open(cls.at("wnids.txt"), "w", encoding="ascii") as f:
            f.write("\n".join(WNIDS + [OTHER]) + "\n")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @classmethod
    def at(cls, *parts):
        return os.path.join(cls.folder, *parts)

    @classmethod
    def check(cls, command, code=0):
        env = dict(os.environ, OMP_NUM_THREADS="1", PYTHONDONTWRITEBYTECODE="1")
        p = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           env=env, timeout=250, check=False, text=True)
        if p.returncode != code:
            raise AssertionError("%s: exit %d\n%s%s" % (command[:2], p.returncode, p.stdout, p.stderr))
        return p

    def train(self, folder, *more, code=0):
        return self.check([PYTHON, os.path.join(SCRIPTS, "train_embedded"), "--packs",
                           self.at("a.npz") + "," + self.at("b.npz"), "--validation", self.at("v.npz"), "--wnids",
                           self.at("wnids.txt"), "--only", ",".join(WNIDS), "--cache", self.at("cache"), "--folder",
                           self.at(folder), *SMALL, *more], code)

    def log(self, folder):
        with open(self.at(folder, "log.jsonl"), encoding="ascii") as f:
            return [json.loads(line) for line in f]

    def read(self, *parts):
        with open(self.at(*parts), "rb") as f:
            return f.read()

    def test_learns_and_a_slice_does_not_show(self):
        run = ["--epochs", "3", "--eps", "0.5", "--attack-steps", "1", "--rate", "0.05", "--average", "0.9"]
        self.train("whole", *run, "--snapshots", "2")
        lines = self.log("whole")
        files = [line for line in lines if "file" in line]
        self.assertEqual([f["file"] for f in files],
                         ["model-%06d.safetensors" % f["step"] for f in files[:2]] + ["model.safetensors"])
        self.assertGreater(files[-1]["top1"], 0.9)  # a coin gives 0.5
        self.assertLess(files[-1]["top1.attack1"], files[-1]["top1"] + 0.2)  # of 16 pictures
        self.assertLessEqual(abs(files[-1]["top1"] - files[-1]["top1.unfolded"]), 0.002)
        self.assertEqual(files[-1]["bytes"], os.path.getsize(self.at("whole", "model.safetensors")))

        self.train("cut", *run, "--minutes", "0.00001", code=3)  # one update
        self.assertFalse(os.path.exists(self.at("cut", "model.safetensors")))
        self.train("cut", *run)
        self.assertEqual(self.read("cut", "model.safetensors"), self.read("whole", "model.safetensors"))
        p = self.train("cut", *run[:-4], "--rate", "0.04", code=1)
        self.assertIn("other settings", p.stderr)

        self.check([PYTHON, "-c", COMPARE, SCRIPTS, self.at("whole", "model.safetensors"), ROOT])
        self.program_takes(self.at("whole", "model.safetensors"))
        self.goes_on_from(self.at("whole", "model.safetensors"), files[-1]["top1"])

    def program_takes(self, model):
        """What the program makes of the file is what PyTorch measured."""
        reverie = os.environ["REVERIE"]
        out = self.check([reverie, "inspect", model]).stdout
        for word in ("fc8", "2 classes", "16"):
            self.assertIn(word, out)
        said = self.check([os.path.join(SCRIPTS, "eval_classify"), "--pictures", self.at("v.npz"), "--wnids",
                           self.at("wnids.txt"), "--program", reverie, "--model", model]).stdout
        self.assertIn("68 pictures", said)
        share = float(said.split("top-1 ")[1].split(" ")[0])
        # 4 of the 68 are of the class that the model does not know.
        measured = [line for line in self.log("whole") if line.get("file") == "model.safetensors"][-1]["top1"]
        self.assertAlmostEqual(share / 100 * 68, measured * 64, delta=1.01)

    def goes_on_from(self, model, top1):
        self.train("further", "--start", model, "--widths", "4,6,8,12,12,16,16", "--epochs", "0.05", "--rate", "1e-9",
                   "--eps", "0", "--average", "0.5")
        self.assertAlmostEqual(self.log("further")[-1]["top1.unfolded"], top1, delta=0.03)

    def test_free_training_resumes_too(self):
        run = ["--epochs", "0.5", "--eps", "0.5", "--replays", "4", "--rate", "0.05"]
        self.train("free", *run)
        self.train("free-cut", *run, "--minutes", "0.00001", code=3)
        self.train("free-cut", *run)
        self.assertEqual(self.read("free", "model.safetensors"), self.read("free-cut", "model.safetensors"))

    def test_refuses(self):
        p = self.train("none", "--only", "n00000000", code=2)
        self.assertIn("n00000000", p.stderr)
        p = self.train("none", "--batch", "1000", code=1)
        self.assertIn("less than one batch", p.stderr)
        self.assertIn("seven", self.train("none", "--widths", "4,4", code=2).stderr)

    def judge(self, *more, code=0):
        os.makedirs(self.at("judge"), exist_ok=True)
        for name, text in (("judge.py", JUDGE), ("net.tflite", "")):
            with open(self.at("judge", name), "w", encoding="ascii") as f:
                f.write(text)
        return self.check([PYTHON, os.path.join(SCRIPTS, "judge_dreams"), "--judge", self.at("judge"), "--threads", "1",
                           *more], code)

    def test_judges(self):
        small = ["--classes", "n01443537,n07873807", "--seeds", "2", "--steps", "2", "--set", "side=64"]
        p = self.judge(*small, "--sheet", self.at("sheet.png"), "--json", self.at("judged.json"))
        self.assertIn("4 dreams of 2 classes: @1 0.0 %, @5 50.0 %", p.stdout)
        self.assertIn("n01443537\t5 5\n", p.stdout)
        with open(self.at("judged.json"), encoding="ascii") as f:
            self.assertEqual(json.load(f)["ranks"]["n01443537"], [[5, 5], [5, 5]])
        self.assertEqual(self.read("sheet.png")[:4], b"\x89PNG")
        p = self.judge("--program", os.environ["REVERIE"], *small[:-2], "--size", "96x64", "--set", "octaves=3")
        self.assertIn("@5 50.0 %; best of eight squares @1 0.0 %, @5 50.0 %", p.stdout)
        self.assertIn("judge.py", self.judge("--judge", self.at("nowhere"), code=1).stderr)

    def test_the_plan_goes_through(self):
        only = os.environ.get("PLAN_ONLY", "noise")
        self.assertIn("no setting", self.judge("--set", "nonsense=1", code=2).stderr)
        plan = [PYTHON, os.path.join(SCRIPTS, "train_plan"), "--packs", self.at("a.npz"), "--validation",
                self.at("v.npz"), "--wnids", self.at("wnids.txt"), "--judge", self.at("judge"), "--folder",
                self.at("runs"), "--only", only,
                "--judging=--classes 2 --seeds 1 --steps 1 --set side=64 --threads 1"]
        tiny = ["--", *SMALL, "--only", ",".join(WNIDS), "--epochs", "0.2", "--seed", "2"]
        self.check(plan + ["--minutes", "0"] + tiny, code=3)
        out = self.check(plan + tiny).stdout
        with open(self.at("runs", "table.md"), encoding="ascii") as f:
            self.assertEqual(out, f.read())
        for name in only.split(","):
            self.assertRegex(out, r"\| %s \| [0-9.]+ %% .*\| 0.0 %% \| 50.0 %% \| \d+ \|\n" % name.replace(".", r"\."))
        self.assertIn("cp " + self.at("runs"), out)


if __name__ == "__main__":
    unittest.main()
