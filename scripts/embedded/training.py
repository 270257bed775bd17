"""The training loop.

Everything that a step does follows from the settings, the seed and the step's number: which pictures it takes, how
they are varied, where the attack starts. So a run that is stopped and resumed gives the same as one that is not, and
a checkpoint holds no random state. Two ways to train against attacks:

  steps k   (`pgd`)   each batch is attacked with k steps of gradient ascent, then learned from: k + 1 passes
  replays m (`free`)  each batch is shown m times; each pass gives the weights' gradient and the next change of the
                      picture at once, which goes on from batch to batch (Shafahi et al. 2019): one pass per update

An exponential average of weights and statistics is what is measured and exported.
"""
import contextlib
import copy
import ctypes
import dataclasses
import json
import math
import os
import sys
import time

import torch
import torch.nn.functional as F

from embedded import adversary, network, pictures, tensors

CHECKPOINT, LOG, RESULT = "checkpoint.pt", "log.jsonl", "model.safetensors"
SAVE_S, SAY_S = 60, 10


@dataclasses.dataclass
class Settings:
    """What makes a run what it is; a checkpoint is resumed with the same only."""
    widths: tuple = (16, 32, 64, 128, 128, 512, 512)
    epochs: float = 10.0  # updates * batch / pictures
    batch: int = 128
    rate: float = 0.1
    warm_up: float = 0.03  # share of all updates
    decay: float = 5e-4
    smoothing: float = 0.1  # of labels
    average: float = 0.999
    eps: float = 1.0
    eps_from: float = 0.0
    eps_low: float = 1.0  # every picture's eps is drawn between this share of eps and eps
    ramp: float = 0.2  # share of all updates in which eps grows from eps_from to eps
    attack_steps: int = 1
    replays: int = 1
    noise: float = 0.1
    noise_share: float = 0.5
    zoom: tuple = (0.7, 1.05)
    seed: int = 0

    def eps_at(self, progress):
        grown = min(1, progress / self.ramp) if self.ramp > 0 else 1
        return self.eps_from + (self.eps - self.eps_from) * grown

    def rate_at(self, progress):
        if progress < self.warm_up:
            return self.rate * (0.05 + 0.95 * progress / self.warm_up)
        return self.rate * 0.5 * (1 + math.cos(math.pi * (progress - self.warm_up) / (1 - self.warm_up)))

    def recipe(self):
        """In words, for the file."""
        way = "free, %d replays" % self.replays if self.replays > 1 else "PGD-%d" % self.attack_steps
        against = "no attacks" if self.eps <= 0 else "L2 %s, eps %g..%g" % (way, self.eps_low * self.eps, self.eps)
        return ("%s; noise sigma U(0, %g) on %g of each batch; SGD %g with a cosine, batch %d, %g epochs, "
                "weight decay %g, label smoothing %g, average %g; batch norm folded" %
                (against, self.noise, self.noise_share, self.rate, self.batch, self.epochs, self.decay, self.smoothing,
                 self.average))


class Stopwatch:
    """Seconds of work. A step that takes ten times as long as usual was frozen by somebody; it counts as ten."""

    def __init__(self, seconds=0.0):
        self.seconds, self.usual, self.last = seconds, None, time.monotonic()

    def lap(self):
        now = time.monotonic()
        took, self.last = now - self.last, now
        if self.usual is not None:
            took = min(took, 10 * self.usual)
        self.usual = took if self.usual is None else 0.9 * self.usual + 0.1 * took
        self.seconds += took

    def skip(self):
        self.last = time.monotonic()


def keep_memory():
    """Tells glibc to keep freed blocks: a seventh of a training step was handing pages back and forth."""
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(-4, 0)  # M_MMAP_MAX
        mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD


def bfloat16_pays(device):
    """GPUs since 2020, and processors with instructions for it; on others PyTorch emulates it, slowly."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
        return any(word in f.read() for word in (" avx512_bf16", " amx_bf16"))
    return False


class Training:
    def __init__(self, settings, folder, train, validation, device, start=None, precision="auto",
                 data="not named"):
        """`start`: (tensors, metadata) of a file to go on from, used unless there is a checkpoint in `folder`."""
        self.settings, self.folder, self.device = settings, folder, device
        self.train, self.validation = train, validation
        self.data = data
        self.before = start[1].get("reverie.recipe", "not known") if start else None
        self.half = precision == "bf16" or (precision == "auto" and bfloat16_pays(device))
        torch.manual_seed(settings.seed)
        self.net = network.unfold(*start) if start else network.Network(settings.widths, len(train.wnids))
        if (list(self.net.widths), self.net.classes) != (list(settings.widths), len(train.wnids)):
            raise ValueError("the start has widths %s and %d classes" % (self.net.widths, self.net.classes))
        self.net = self.net.to(device, memory_format=torch.channels_last)
        self.mean = copy.deepcopy(self.net).eval().requires_grad_(False)
        self.optimizer = self.make_optimizer()
        self.step, self.change, self.watch = 0, None, Stopwatch()
        self.stop = False  # a signal sets it: the slice ends behind the update that is under way
        self.per_epoch = len(train) // settings.batch
        if self.per_epoch == 0:
            raise ValueError("%d pictures are less than one batch" % len(train))
        self.steps = max(1, round(settings.epochs * self.per_epoch))
        self.resume()

    def make_optimizer(self):
        weights = [p for p in self.net.parameters() if p.ndim > 1]
        others = [p for p in self.net.parameters() if p.ndim <= 1]
        return torch.optim.SGD([{"params": weights, "weight_decay": self.settings.decay},
                                {"params": others, "weight_decay": 0}],
                               lr=self.settings.rate, momentum=0.9, nesterov=True)

    # ---- Checkpoints ----

    def path(self, name):
        return os.path.join(self.folder, name)

    def resume(self):
        os.makedirs(self.folder, exist_ok=True)
        if not os.path.exists(self.path(CHECKPOINT)):
            return
        saved = torch.load(self.path(CHECKPOINT), map_location=self.device)
        if saved["settings"] != dataclasses.asdict(self.settings) or saved["pictures"] != len(self.train):
            raise ValueError("%s was made with other settings or pictures: %s; give the same, or another --folder" %
                             (self.path(CHECKPOINT), saved["settings"]))
        self.net.load_state_dict(saved["net"])
        self.mean.load_state_dict(saved["mean"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step, self.change, self.watch = saved["step"], saved["change"], Stopwatch(saved["seconds"])

    def save(self):
        state = {"settings": dataclasses.asdict(self.settings), "pictures": len(self.train),
                 "net": self.net.state_dict(), "mean": self.mean.state_dict(),
                 "optimizer": self.optimizer.state_dict(), "step": self.step, "change": self.change,
                 "seconds": self.watch.seconds}
        with open(self.path(CHECKPOINT + ".part"), "wb") as f:
            torch.save(state, f)
            f.flush()
            os.fsync(f.fileno())
        os.replace(self.path(CHECKPOINT + ".part"), self.path(CHECKPOINT))

    # ---- A step ----

    def random(self, purpose, number):
        g = torch.Generator(self.device)
        return g.manual_seed((((self.settings.seed * 1009 + purpose) << 40) + number) % 2**63)

    def logits(self, net, x):
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            out = net(x.contiguous(memory_format=torch.channels_last))
        return out.float().mean((2, 3))

    def batch(self):
        number = self.step // self.settings.replays
        epoch, at = divmod(number, self.per_epoch)
        shuffle = torch.Generator().manual_seed(((self.settings.seed << 32) + epoch) % 2**63)
        order = torch.randperm(len(self.train), generator=shuffle)
        x, y = self.train.batch(order[at * self.settings.batch:(at + 1) * self.settings.batch], self.device)
        g = self.random(1, number)
        x = pictures.vary(x, g, self.settings.zoom)
        return pictures.add_noise(x, self.settings.noise, self.settings.noise_share, g), y

    def advance(self):
        """One update. Returns (loss, share of right answers)."""
        s, progress = self.settings, self.step / self.steps
        eps = s.eps_at(progress)
        for group in self.optimizer.param_groups:
            group["lr"] = s.rate_at(progress)
        x, y = self.batch()
        of_each = eps * pictures.uniform((len(x), 1, 1, 1), s.eps_low, 1, self.random(4, self.step // s.replays))
        free = s.replays > 1 and eps > 0
        if free:
            if self.change is None or self.change.shape != x.shape:
                self.change = adversary.random_start(x, of_each, self.random(2, self.step))
            change = ((x + adversary.project(self.change, of_each)).clamp(0, 1) - x).requires_grad_(True)
            seen = x + change
        else:
            self.net.eval()
            seen = adversary.attack(lambda p: self.logits(self.net, p), x, y, of_each,
                                    s.attack_steps if eps > 0 else 0, self.random(2, self.step))
        self.net.train()
        logits = self.logits(self.net, seen)
        loss = F.cross_entropy(logits, y, label_smoothing=s.smoothing)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        if free:
            self.change = adversary.ascend(change.detach(), change.grad, x, of_each, of_each)
        self.step += 1
        self.follow()
        return loss.detach(), (logits.detach().argmax(1) == y).float().mean()

    @torch.no_grad()
    def follow(self):
        """Moves the average; early on it averages over few updates, so that it forgets where it began."""
        keep = min(self.settings.average, (1 + self.step) / (10 + self.step))
        for a, b in zip(self.mean.state_dict().values(), self.net.state_dict().values()):
            if a.is_floating_point():
                a.lerp_(b, 1 - keep)

    # ---- The run ----

    def log(self, **what):
        with open(self.path(LOG), "a", encoding="ascii") as f:
            f.write(json.dumps(dict(what, step=self.step, seconds=round(self.watch.seconds, 1))) + "\n")

    def say(self, loss, right, per_s):
        left = (self.steps - self.step) / max(per_s, 1e-9)
        print("step %d of %d  loss %.3f  right %.1f %%  eps %.2f  %.0f pictures/s  %d min left" %
              (self.step, self.steps, loss, 100 * right, self.settings.eps_at(self.step / self.steps),
               per_s * self.settings.batch, math.ceil(left / 60)), file=sys.stderr, flush=True)
        self.log(loss=round(loss, 4), right=round(right, 4), rate=self.settings.rate_at(self.step / self.steps),
                 eps=self.settings.eps_at(self.step / self.steps), pictures_per_s=round(per_s * self.settings.batch, 1))

    def run(self, minutes, snapshots, measure_limit):
        """Goes on for so many minutes of work. True when the last update is done; its file is written then.

        snapshots: so many files on the way, model-STEP.safetensors, with figures from measure_limit pictures."""
        until, saved, said = self.watch.seconds + 60 * minutes, self.watch.seconds, self.watch.seconds
        loss = right = count = 0
        self.watch.skip()
        while self.step < self.steps and self.watch.seconds < until and not self.stop:
            a, b = self.advance()
            loss, right, count = loss + a, right + b, count + 1
            self.watch.lap()
            if self.watch.seconds - said >= SAY_S or self.step == self.steps:
                self.say(float(loss) / count, float(right) / count, count / max(self.watch.seconds - said, 1e-9))
                loss, right, count, said = 0, 0, 0, self.watch.seconds
            if snapshots and self.step * snapshots // self.steps != (self.step - 1) * snapshots // self.steps:
                self.export("model-%06d.safetensors" % self.step, measure_limit, measure_limit)
                self.watch.skip()
            if self.watch.seconds - saved >= SAVE_S:
                self.save()
                saved = self.watch.seconds
        self.save()
        if self.step < self.steps:
            return False
        self.export(RESULT, None, measure_limit)
        return True

    # ---- Figures and files ----

    def measure(self, net, limit=None, noise=0.0, eps=0.0, steps=10, half=False):
        """(top-1, top-5) on validation pictures, in single precision unless `half`."""
        count = min(len(self.validation), limit or len(self.validation))
        half, self.half = self.half, half
        first = five = 0
        for begin in range(0, count, 250):
            x, y = self.validation.batch(torch.arange(begin, min(begin + 250, count)), self.device)
            g = self.random(3, begin)
            if noise > 0:
                x = x + noise * torch.randn(x.shape, generator=g, device=self.device)
            x = adversary.attack(lambda p: self.logits(net, p), x, y, eps, steps if eps > 0 else 0, g)
            with torch.no_grad():
                best = self.logits(net, x).topk(min(5, net.classes), dim=1).indices == y[:, None]
            first, five = first + int(best[:, 0].sum()), five + int(best.sum())
        self.half = half
        return first / count, five / count

    def export(self, name, limit, attack_limit):
        """Folds the average into a file beside the checkpoint. Its figures are those of the file itself, on `limit`
        validation pictures (None: all), under attack on `attack_limit`."""
        folded = network.fold(self.mean)
        metadata = {"reverie." + what: ",".join("%.6g" % v for v in getattr(self.mean, what).flatten().tolist())
                    for what in ("mean", "std")}
        net = network.load_folded(folded, metadata).to(self.device, memory_format=torch.channels_last)
        first, five = self.measure(net, limit)
        figures = {"top1": first, "top5": five, "top1.unfolded": self.measure(self.mean, limit)[0],
                   "top1.noise": self.measure(net, limit, noise=0.15)[0]}
        for eps in (0.5, 1.0):
            figures["top1.attack%g" % eps] = self.measure(net, attack_limit, eps=eps, half=self.half)[0]
        metadata.update({"reverie." + k: "%.4f" % v for k, v in figures.items()})
        metadata.update({
            "reverie.arch": "vgg16", "reverie.input": "rgb 0..1", "reverie.window_px": str(network.WINDOW_PX),
            "reverie.wnids": ",".join(self.train.wnids), "reverie.data": self.data,
            "reverie.recipe": self.settings.recipe() + ("; begun from: " + self.before if self.before else ""),
            "reverie.updates": str(self.step)})
        size = tensors.write(self.path(name), folded, metadata)
        self.log(file=name, bytes=size, **{k: round(v, 4) for k, v in figures.items()})
        print("%s: %d bytes; %s" % (self.path(name), size, ", ".join("%s %.1f %%" % (k, 100 * v)
                                                                     for k, v in figures.items())),
              file=sys.stderr, flush=True)
