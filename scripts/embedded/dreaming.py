"""Many dreams at once: a loop like that of the program's profile `modern` (engine/dream/modern.c), on a batch.

It is written anew with PyTorch's own operations, so that a network can be judged on any machine that trained it, and
a recipe be tried before the program has it. Every step:

 1. draws how large objects shall be and where the network's grid lies, takes that view of all pictures, mirrored at
    the borders, adds noise;
 2. takes the gradient of the wanted class's mean logit, minus the mean of all, and evens out its octaves;
 3. subtracts the gradient of the patch prior at a fixed ratio, adds the sum to a momentum, and moves each picture
    along it by a constant root mean square;
 4. leads brightness, contrast and colours back to where photographs have them.

Every dream has its own random start, all share the draws of the steps. Two recipes: OBJECT makes one object that fills
a picture, which is what a judge can name; MODERN has the program's numbers, under which a picture fills with
objects of all sizes.
"""
import dataclasses
import math

import numpy as np
import torch
import torch.nn.functional as F

STRIDE_PX = 32  # of the network


@dataclasses.dataclass
class Recipe:
    """Names and units are those of section `dream` of the configuration, where it has them."""
    side: int = 128
    steps: int = 100
    object_large: float = 1.0
    object_small: float = 0.7
    jitter_px: int = 6  # how far the grid moves off the middle; -1: anywhere, as the program does
    step_levels: float = 2.0
    momentum: float = 0.9
    input_noise: float = 10.0
    octaves: int = 1
    octave_gain: float = 1.6
    finest_gain: float = 0.15
    prior_ratio: float = 1.0
    prior_stride: int = 8
    brightness: float = 112.0
    contrast: float = 40.0
    colour_max: float = 22.0


OBJECT = Recipe()
MODERN = Recipe(object_large=0.9, object_small=0.28, jitter_px=-1, octaves=5, octave_gain=0.85, finest_gain=0.5, prior_ratio=0.2,
                contrast=50.0, colour_max=30.0)
RECIPES = {"object": OBJECT, "modern": MODERN}

PRIOR_POOLS = (1, 2, 4)


class Prior:
    """Gradient of the mean over patches and filters of log(1 + (z - mu)^2 / nu); see engine/cpu/prior.h."""

    def __init__(self, tensors, metadata, device):
        self.filters = torch.from_numpy(tensors["filters"].astype(np.float32)).to(device)
        self.mu = torch.from_numpy(tensors["mu"].astype(np.float32)).to(device).view(1, -1, 1, 1)
        self.nu = float(metadata["prior.nu"])

    def gradient(self, x, stride, generator):
        total = torch.zeros_like(x)
        for pool in PRIOR_POOLS:
            if x.shape[-1] < 16 * pool:
                continue
            oy, ox = (int(v) for v in torch.randint(stride * pool, (2,), generator=generator))
            p = x[:, :, oy:, ox:].detach().requires_grad_(True)
            z = F.conv2d(F.avg_pool2d(p, pool) - 128, self.filters, stride=stride) - self.mu
            energy = torch.log1p(z * z / self.nu).mean((1, 2, 3)).sum()
            total[:, :, oy:, ox:] += torch.autograd.grad(energy, p)[0]
        return total


def rms(x):
    return x.pow(2).mean((1, 2, 3), keepdim=True).sqrt().clamp(min=1e-12)


KERNEL = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8


def down(x):
    k = (KERNEL[:, None] * KERNEL[None, :]).to(x).expand(3, 1, 4, 4)
    return F.conv2d(F.pad(x, (1, 2, 1, 2), mode="replicate"), k, stride=2, groups=3)[:, :, :(x.shape[2] + 1) // 2,
                                                                                  :(x.shape[3] + 1) // 2]


def octaves_at(gain, finest, scale):
    """What they come to in a view of that scale: engine/octaves.h."""
    over = max(scale / 0.5, 1)
    return gain * over ** 0.61, finest / over ** 1.84


def even_out(g, octaves, gain, finest):
    """Each band of a Laplacian pyramid at its own root mean square times gain^level (0 the finest)."""
    bands = []
    while len(bands) < octaves - 1 and min(g.shape[2:]) >= 8:
        smaller = down(g)
        bands.append(g - F.interpolate(smaller, g.shape[2:], mode="bilinear", align_corners=False))
        g = smaller
    out = g / rms(g) * gain ** len(bands)
    for level in reversed(range(len(bands))):
        band = bands[level] / rms(bands[level]) * gain ** level * (finest if level == 0 else 1)
        out = F.interpolate(out, band.shape[2:], mode="bilinear", align_corners=False) + band
    return out


class Dreamer:
    def __init__(self, net, recipe, prior=None, window_px=64, half=False):
        """`net`: folded, its weights without gradients; `half`: bfloat16 inside the network."""
        self.net, self.recipe, self.prior, self.window_px, self.half = net, recipe, prior, window_px, half

    def view(self, x, share, generator):
        """x as the network sees it when objects have `share` of the picture's side."""
        side = x.shape[-1]
        seen = round(side * min(1, self.window_px / (share * side)))
        if seen < side:
            x = F.interpolate(x, (seen, seen), mode="bilinear", align_corners=False, antialias=True)
        return self.lay_grid(x, generator), seen / side

    def lay_grid(self, x, generator):
        """Mirrored or cut so that the network's windows lie on it at random places, or around the middle."""
        seen, r = x.shape[-1], self.recipe
        if r.jitter_px < 0:
            cells = max(math.ceil(seen / STRIDE_PX), self.window_px // STRIDE_PX) + 1
            spare = cells * STRIDE_PX - seen
            before = [int(v) for v in torch.randint(spare + 1, (2,), generator=generator)]
        else:
            cells = max(round(seen / STRIDE_PX), self.window_px // STRIDE_PX)
            spare = cells * STRIDE_PX - seen
            before = [spare // 2 + int(v) for v in torch.randint(-r.jitter_px, r.jitter_px + 1, (2,),
                                                                 generator=generator)]
        return mirror(x, *before, *(spare - v for v in before))

    def objective(self, seen, wanted):
        """Per picture: its class's mean logit against the mean of all."""
        with torch.autocast(seen.device.type, torch.bfloat16, enabled=self.half):
            logits = self.net((seen / 255).contiguous(memory_format=torch.channels_last))
        logits = logits.float()
        climbed = logits - logits.mean(1, keepdim=True)
        return climbed[torch.arange(len(wanted), device=wanted.device), wanted].mean((1, 2)).sum()

    def climb(self, x, wanted, generator, device_generator):
        r = self.recipe
        draw = float(torch.rand((), generator=generator))
        share = r.object_small * (r.object_large / r.object_small) ** draw
        x = x.detach().requires_grad_(True)
        seen, scale = self.view(x, share, generator)
        seen_here = seen.detach().requires_grad_(True)
        noise = torch.randn(seen.shape, generator=device_generator, device=x.device) * r.input_noise
        gradient, = torch.autograd.grad(self.objective(seen_here + noise, wanted), seen_here)
        gradient = even_out(gradient, r.octaves, *octaves_at(r.octave_gain, r.finest_gain, scale))
        return torch.autograd.grad(seen, x, gradient)[0]

    def dream(self, wanted, seed):
        """Pictures [n][3][side][side] of 0..255 for class indices `wanted` (a list)."""
        r, device = self.recipe, self.net.mean.device
        generator = torch.Generator().manual_seed(seed)
        device_generator = torch.Generator(device).manual_seed(seed)
        wanted = torch.as_tensor(wanted, device=device)
        noise = torch.randn((len(wanted), 3, r.side // 4, r.side // 4), generator=generator)
        x = 112 + 20 * F.interpolate(noise, (r.side, r.side), mode="bicubic", align_corners=False).to(device)
        momentum = torch.zeros_like(x)
        for _ in range(r.steps):
            g = self.climb(x, wanted, generator, device_generator)
            g = g / rms(g)
            if self.prior and r.prior_ratio > 0:
                p = self.prior.gradient(x, r.prior_stride, generator)
                g = g - p * (r.prior_ratio / rms(p))
            momentum = r.momentum * momentum + g
            x = settle(x + momentum * (r.step_levels / rms(momentum)), r)
        return x.round()


def mirror(x, left, top, right, bottom):
    """Adds so many pixels to each side; negative numbers cut."""
    while max(left, top, right, bottom) > 0:  # one mirror image is less wide than the picture
        now = [min(max(v, 0), side - 1) for v, side in ((left, x.shape[3]), (right, x.shape[3]),
                                                        (top, x.shape[2]), (bottom, x.shape[2]))]
        x = F.pad(x, now, mode="reflect")
        left, right, top, bottom = left - now[0], right - now[1], top - now[2], bottom - now[3]
    return x[:, :, -top:x.shape[2] + bottom, -left:x.shape[3] + right]


def settle(x, r):
    """A small part of what is off in brightness, contrast and colour; values bent off the ends of the scale."""
    grey = x.mean(1, keepdim=True)
    mean = grey.mean((2, 3), keepdim=True)
    contrast = (grey - mean).pow(2).mean((1, 2, 3), keepdim=True).sqrt()
    colour = (x - grey).pow(2).mean((1, 2, 3), keepdim=True).sqrt()
    x = x - (x - grey) * (0.1 * (colour / r.colour_max - 1)).clamp(0, 0.05)
    x = x - (x - mean) * (0.05 * (contrast / r.contrast - 1)).clamp(-0.01, 0.05)
    x = x + (0.05 * (r.brightness - mean)).clamp(-1, 1)
    x = x + 0.25 * (12 - x).clamp(min=0) - 0.25 * (x - 243).clamp(min=0)
    return x.clamp(0, 255)
