"""Packs of labelled pictures, and how every batch of them is varied.

A pack is an .npz with `webp` (all encoded pictures, one behind the other; PNG and JPEG do too), `offsets` [n + 1] and
`labels` [n], line numbers of a list of wnids. Decoding takes longer than an epoch on a GPU, so it is done once: the
pixels lie in a cache folder as one .npy that is mapped, not read. Pictures of classes that are left out are not kept.
"""
import hashlib
import io
import os

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image


class Pictures:
    """x uint8 [n][side][side][3] (mapped), y int64 [n]: numbers among `wnids`, the classes that were kept."""

    def __init__(self, packs, all_wnids, wnids, cache):
        key = hashlib.sha256(" ".join(wnids).encode())
        for pack in packs:
            key.update(("%s %d %d" % (os.path.abspath(pack), os.path.getsize(pack),
                                      os.stat(pack).st_mtime_ns)).encode())
        stem = os.path.join(cache, key.hexdigest()[:16])
        if not (os.path.exists(stem + ".x.npy") and os.path.exists(stem + ".y.npy")):
            os.makedirs(cache, exist_ok=True)
            decode(packs, [wnids.index(w) if w in wnids else -1 for w in all_wnids], stem)
        self.wnids = wnids
        self.x = np.load(stem + ".x.npy", mmap_mode="r")
        self.y = torch.from_numpy(np.load(stem + ".y.npy"))
        self.side = self.x.shape[1]

    def __len__(self):
        return len(self.y)

    def move_to(self, device):
        """Keeps all pixels in the memory of a GPU: a gigabyte for 100,000 pictures of 64x64."""
        if device.type == "cuda":
            self.x, self.y = torch.from_numpy(np.array(self.x)).to(device), self.y.to(device)

    def batch(self, index, device):
        """Pictures 0..1 float [n][3][side][side] and labels; index: int64 tensor."""
        if isinstance(self.x, torch.Tensor):
            index = index.to(device)
            x, y = self.x[index], self.y[index]
        else:
            x, y = torch.from_numpy(self.x[index.numpy()]).to(device), self.y[index].to(device)
        return x.permute(0, 3, 1, 2).float().div_(255), y


def decode(packs, class_of, stem):
    kept = []
    for pack in packs:
        with np.load(pack) as data:
            labels = data["labels"]
            if labels.max(initial=0) >= len(class_of):
                raise ValueError("%s: label %d, but the list of wnids has %d" % (pack, labels.max(), len(class_of)))
            kept.append([(i, class_of[label]) for i, label in enumerate(labels) if class_of[label] >= 0])
    count, x, at = sum(map(len, kept)), None, 0
    if count == 0:
        raise ValueError("%s: no picture of these classes" % " ".join(packs))
    for pack, wanted in zip(packs, kept):
        with np.load(pack) as data:
            blob, offsets = data["webp"], data["offsets"]
        for i, _ in wanted:
            im = Image.open(io.BytesIO(blob[offsets[i]:offsets[i + 1]].tobytes())).convert("RGB")
            if x is None:
                x = np.lib.format.open_memmap(stem + ".x.part", "w+", np.uint8, (count, im.height, im.width, 3))
            x[at] = np.asarray(im)
            at += 1
    x.flush()
    os.replace(stem + ".x.part", stem + ".x.npy")
    with open(stem + ".y.part", "wb") as f:
        np.save(f, np.array([label for wanted in kept for _, label in wanted], np.int64))
    os.replace(stem + ".y.part", stem + ".y.npy")


def uniform(shape, low, high, generator):
    return torch.empty(shape, device=generator.device).uniform_(low, high, generator=generator)


def vary(x, generator, zoom=(0.7, 1.05)):
    """A new version of every picture [n][3][side][side] of 0..1: mirrored, moved, cut out (a share of `zoom` of its
    side; above 1 it shrinks and its surroundings are its mirror), brighter or darker, with other colours."""
    n = len(x)
    share = uniform(n, *zoom, generator)
    mirror = (uniform(n, 0, 1, generator) < 0.5).float() * 2 - 1
    slack = (1 - share).clamp(min=0.1)
    affine = torch.zeros(n, 2, 3, device=x.device)
    affine[:, 0, 0], affine[:, 1, 1] = share * mirror, share
    affine[:, 0, 2], affine[:, 1, 2] = uniform(n, -1, 1, generator) * slack, uniform(n, -1, 1, generator) * slack
    grid = F.affine_grid(affine, x.shape, align_corners=False)
    x = F.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    contrast = uniform((n, 1, 1, 1), 0.7, 1.3, generator)
    light = uniform((n, 1, 1, 1), -0.1, 0.1, generator) + uniform((n, 3, 1, 1), -0.1, 0.1, generator)
    return ((x - 0.45) * contrast + (0.45 + light)).clamp_(0, 1)


def add_noise(x, sigma, share, generator):
    """Gaussian noise of a deviation of 0..sigma, drawn for each picture, on a share of the batch."""
    if sigma <= 0:
        return x
    strength = uniform((len(x), 1, 1, 1), 0, sigma, generator)
    strength *= uniform((len(x), 1, 1, 1), 0, 1, generator) < share
    return x + strength * torch.randn(x.shape, generator=generator, device=x.device)
