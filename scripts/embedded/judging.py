"""What an independent network sees in dreams, and sheets of them for the eye.

The judge is a folder (or file) from elsewhere: a Python module with `Net(path)`, `Net.size`, `Net.logits(batch)` over
ILSVRC-2012's 1000 classes in their usual order and `prep(image, size, crop)`, beside the one .tflite file that it
reads. It must have had no part in dreaming, and a picture must never be optimised for it.
"""
import glob
import importlib.util
import os
import re

import numpy as np
import torch
from PIL import Image, ImageDraw

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Judge:
    def __init__(self, path, threads):
        script = os.path.join(path, "judge.py") if os.path.isdir(path) else path
        models = glob.glob(os.path.join(os.path.dirname(os.path.abspath(script)), "*.tflite"))
        if not os.path.exists(script) or len(models) != 1:
            raise ValueError("%s: no judge.py with one .tflite file beside it" % path)
        spec = importlib.util.spec_from_file_location("reverie_judge", script)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        torch.set_num_threads(threads)  # a judge may have set its own
        self.net, self.prepare = module.Net(models[0]), module.prep

    def probabilities(self, images):
        """[n][1000] of PIL images, each squeezed whole into the judge's square."""
        out = []
        for begin in range(0, len(images), 25):
            batch = torch.stack([self.prepare(im, self.net.size, 0) for im in images[begin:begin + 25]])
            out.append(torch.softmax(self.net.logits(batch), 1))
        return torch.cat(out).numpy()


def usual_order():
    """ILSVRC-2012's wnids in the order of every public network's outputs."""
    with open(os.path.join(ROOT, "synsets", "ilsvrc2012-wnids.txt"), encoding="ascii") as f:
        return re.findall(r"n\d{8}", f.read())


def rank(probabilities, index):
    """1 for the first."""
    return 1 + int((probabilities > probabilities[index]).sum())


def share(ranks, limit):
    """Of dreams whose class is among the first `limit`."""
    return sum(r <= limit for r in ranks) / len(ranks)


def squares(image):
    """The middle square, then seven of the size of objects: five along the middle, two more above and below."""
    w, h = image.size
    side = min(w, h)
    found = [image.crop(((w - side) // 2, (h - side) // 2, (w - side) // 2 + side, (h - side) // 2 + side))]
    small = round(0.6 * side)
    for x, y in ((0, 0.5), (0.25, 0.5), (0.5, 0.5), (0.75, 0.5), (1, 0.5), (0.5, 0), (0.5, 1)):
        left, top = round(x * (w - small)), round(y * (h - small))
        found.append(image.crop((left, top, left + small, top + small)))
    return found


def to_images(x):
    """PIL images of [n][3][h][w] of 0..255."""
    a = x.clamp(0, 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    return [Image.fromarray(v) for v in a]


def write_sheet(path, images, captions, columns=10, tile_px=112):
    """Tiles with a line of text below; JPEG or PNG by the name."""
    line = 13
    rows = -(-len(images) // columns)
    sheet = Image.new("RGB", (columns * tile_px, rows * (tile_px + line)), (16, 16, 16))
    draw = ImageDraw.Draw(sheet)
    for i, (image, caption) in enumerate(zip(images, captions)):
        x, y = i % columns * tile_px, i // columns * (tile_px + line)
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        tile = image.crop((left, top, left + side, top + side)).resize((tile_px - 2, tile_px - 2), Image.LANCZOS)
        sheet.paste(tile, (x, y))
        draw.text((x + 1, y + tile_px - 1), caption[:18], (220, 220, 220))
    sheet.save(path, quality=82, optimize=True)


def saturated(images):
    """Share of values beyond 4..251."""
    return float(np.mean([((a := np.asarray(im)) < 4).mean() + (a > 251).mean() for im in images]))
