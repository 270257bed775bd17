"""The network: VGG-16's topology at any width, as convolutions all the way to a map of logits.

It has two forms. For training every convolution but the last has a batch norm behind it. For dreaming that is folded
into the convolution's weights, which is what the file holds, beside the mean and deviation of every channel before
its ReLU (the batch norm's beta and |gamma|). `unfold` is the way back: with gamma = deviation and beta = mean there is
one batch norm whose folding gives the file again, up to the scale of the raw weights, which batch norm ignores;
they are scaled to where training from scratch would begin, since the learning rate works relative to it.

Preprocessing is part of the network here: it takes pictures of 0..1.
"""
import math

import numpy as np
import torch
from torch import nn

BLOCKS = (2, 2, 3, 3, 3)
FEATURES = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)  # torchvision's numbers of vgg16's convolutions
NAMES = ["features.%d" % i for i in FEATURES] + ["classifier.%d" % i for i in (0, 3, 6)]
MEAN, STD = (0.4802, 0.4481, 0.3975), (0.277, 0.269, 0.282)  # of the training pictures
FC6_PX, WINDOW_PX = 2, 64  # fc6 sees 2x2 cells of 32 px


class Network(nn.Module):
    """[n][3][h][w] in 0..1 -> logits [n][classes][h/32 - 1][w/32 - 1].

    widths: channels of the five blocks, then of fc6 and fc7."""

    def __init__(self, widths, classes, norm=True, mean=MEAN, std=STD):
        super().__init__()
        self.widths, self.classes, self.norm = tuple(widths), classes, norm
        layers, channels = [], 3
        for width, count in zip(widths[:5], BLOCKS):
            for _ in range(count):
                layers += self.unit(channels, width, 3)
                channels = width
            layers.append(nn.MaxPool2d(2, 2))
        layers += self.unit(channels, widths[5], FC6_PX) + self.unit(widths[5], widths[6], 1)
        layers.append(nn.Conv2d(widths[6], classes, 1))
        self.layers = nn.Sequential(*layers)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))
        nn.init.normal_(layers[-1].weight, 0, 0.02)
        nn.init.zeros_(layers[-1].bias)

    def unit(self, channels, width, kernel):
        conv = nn.Conv2d(channels, width, kernel, padding=kernel // 3, bias=not self.norm)
        nn.init.normal_(conv.weight, 0, scratch_std(conv))
        return [conv, nn.BatchNorm2d(width), nn.ReLU(inplace=True)] if self.norm else [conv, nn.ReLU(inplace=True)]

    def forward(self, x):
        return self.layers((x - self.mean) / self.std)

    def convolutions(self):
        """[(file's name, convolution, its batch norm or None)]"""
        layers = list(self.layers)
        found = [(i, layer) for i, layer in enumerate(layers) if isinstance(layer, nn.Conv2d)]
        behind = [layers[i + 1] if i + 1 < len(layers) else None for i, _ in found]
        return [(name, conv, b if isinstance(b, nn.BatchNorm2d) else None)
                for name, (_, conv), b in zip(NAMES, found, behind)]


def scratch_std(conv):
    """Deviation of fresh weights (He et al. 2015, by outputs)."""
    return math.sqrt(2 / (conv.out_channels * conv.kernel_size[0] * conv.kernel_size[1]))


def fold(net):
    """The file's tensors of a network with batch norm: weights float16, the rest float32."""
    tensors = {}
    for name, conv, norm in net.convolutions():
        weight = conv.weight.detach().double().cpu()
        if norm is None:
            bias = conv.bias.detach().double().cpu()
        else:
            gamma, beta, mean, var = (t.detach().double().cpu() for t in
                                      (norm.weight, norm.bias, norm.running_mean, norm.running_var))
            gain = gamma / torch.sqrt(var + norm.eps)
            weight, bias = weight * gain.view(-1, 1, 1, 1), beta - mean * gain
            tensors["stats.%s.mean" % name] = beta.float().numpy()
            tensors["stats.%s.std" % name] = gamma.abs().float().numpy()
        if name.startswith("classifier"):
            weight = weight.flatten(1)
        tensors[name + ".weight"] = weight.half().numpy()
        tensors[name + ".bias"] = bias.float().numpy()
    return tensors


def widths_of(tensors):
    """(widths, classes) of a file's tensors."""
    outs = [tensors[name + ".weight"].shape[0] for name in NAMES]
    return [outs[sum(BLOCKS[:i + 1]) - 1] for i in range(5)] + outs[13:15], outs[15]


def numbers(text):
    return [float(x) for x in text.split(",")]


def load_folded(tensors, metadata):
    """The network for dreaming: no batch norm, no gradients of weights."""
    widths, classes = widths_of(tensors)
    net = Network(widths, classes, False, numbers(metadata["reverie.mean"]), numbers(metadata["reverie.std"]))
    for name, conv, _ in net.convolutions():
        weight = tensors[name + ".weight"].astype(np.float32)
        conv.weight.data.copy_(torch.from_numpy(weight).reshape(conv.weight.shape))
        conv.bias.data.copy_(torch.from_numpy(tensors[name + ".bias"].astype(np.float32)))
    return net.eval().requires_grad_(False)


def unfold(tensors, metadata):
    """The network for training, the same function as the file's in evaluation mode."""
    folded = load_folded(tensors, metadata)
    net = Network(folded.widths, folded.classes, True, numbers(metadata["reverie.mean"]),
                  numbers(metadata["reverie.std"]))
    for (name, conv, norm), (_, source, _) in zip(net.convolutions(), folded.convolutions()):
        if norm is None:
            conv.load_state_dict(source.state_dict())
            continue
        beta, gamma = (torch.from_numpy(tensors["stats.%s.%s" % (name, s)].copy()) for s in ("mean", "std"))
        gamma = gamma.clamp(min=1e-4)
        rms = source.weight.pow(2).mean((1, 2, 3)).sqrt().clamp(min=1e-8)
        # Channel by channel, which batch norm takes out again; never so small that its epsilon would show.
        gain = torch.maximum(scratch_std(conv) / rms, 2 * norm.eps ** 0.5 / gamma)
        conv.weight.data.copy_(source.weight * gain.view(-1, 1, 1, 1))
        norm.weight.data.copy_(gamma)
        norm.bias.data.copy_(beta)
        norm.running_mean.copy_((beta - source.bias) * gain)
        norm.running_var.copy_((gamma * gain) ** 2 - norm.eps)
    return net
