"""What can be counted in a dream without knowing what it shows: sharpness, glare, colours, lattices, frames along the
border, and how restlessly a video moves.

Pictures are arrays [height][width][3] of 0..255. All but the sheets needs no more than NumPy. Sharpness is compared
with photographs (BSDS500's training set) that were reduced to the same size by area; their figures are in
quality-photographs.json, written by `bench/quality --photographs FOLDER`, because the photographs are not part of this
project.
"""
import json
import os

import numpy as np

PHOTOGRAPHS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "quality-photographs.json")
KERNEL = np.array([1, 3, 3, 1]) / 8
BORDER_PX = 24
POINTS = (-0.2, -0.1, 0, 0.1, 0.2)  # that the camera may fall to, off the middle
LATTICES_PX = (2, 4, 8, 16, 32)  # strides of a VGG's pools


def luminance(picture):
    return np.asarray(picture, np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


def halve(plane):
    """Half the size behind a blur of four taps each way, borders repeated."""
    for axis in (0, 1):
        padded = np.pad(plane, [(1, 2) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        size = (plane.shape[axis] + 1) // 2
        plane = sum(k * padded.take(range(i, i + 2 * size, 2), axis, mode="clip") for i, k in enumerate(KERNEL))
    return plane


def double(plane, shape):
    for axis in (0, 1):
        last = plane.shape[axis] - 1
        at = np.arange(shape[axis])
        near, far = at // 2, np.clip(at // 2 + np.where(at % 2, 1, -1), 0, last)
        plane = 0.75 * plane.take(near, axis) + 0.25 * plane.take(far, axis)
    return plane


def octaves(plane, count=5):
    """Root mean squares of the finest bands of a Laplacian pyramid, finest first."""
    found = []
    for _ in range(count):
        small = halve(plane)
        found.append(float(np.sqrt(np.mean((plane - double(small, plane.shape)) ** 2))))
        plane = small
    return found


def finest(picture):
    """Root mean square of luminance in the two finest octaves together, levels."""
    bands = octaves(luminance(picture), 2)
    return float(np.hypot(*bands))


def lattice(picture):
    """How far the strongest lattice of a network's strides rises above its neighbours in the spectrum, as a ratio of
    amplitudes; 1: there is none. Period by period, along both axes."""
    plane = luminance(picture)
    plane = plane[: plane.shape[0] // 32 * 32, : plane.shape[1] // 32 * 32]
    worst = 0
    for axis in (0, 1):
        size = plane.shape[axis]
        window = np.hanning(size).reshape([-1, 1] if axis == 0 else [1, -1])
        power = np.mean(np.abs(np.fft.rfft((plane - plane.mean()) * window, axis=axis)) ** 2, axis=1 - axis)
        for period in LATTICES_PX:
            at = size // period
            around = [k for k in range(at - 6, at + 7) if 3 <= abs(k - at) and 1 <= k < len(power)]
            if at >= 16 and len(around) >= 3 and at < len(power):  # below that it is what the picture shows
                worst = max(worst, float(np.sqrt(power[at] / np.median(power[around]))))
    return worst


def border(picture):
    """How much the colour along the border differs from that further inside, as a share of the picture's deviation."""
    a = np.asarray(picture, np.float32)
    inside = a[2 * BORDER_PX:-2 * BORDER_PX, 2 * BORDER_PX:-2 * BORDER_PX]
    if inside.size == 0:
        return 0.0
    strip = np.ones(a.shape[:2], bool)
    strip[BORDER_PX:-BORDER_PX, BORDER_PX:-BORDER_PX] = False
    difference = a[strip].mean(0) - inside.reshape(-1, 3).mean(0)
    return float(np.sqrt(np.mean(difference ** 2)) / (a.std() + 1e-6))


def measure(picture):
    """Everything about one picture."""
    a = np.asarray(picture, np.float32)
    grey = a.mean(2)
    chroma = a - grey[..., None]
    return {"finest": finest(a), "lattice": lattice(a), "border": border(a),
            "saturated": float(((a < 4) | (a > 251)).mean()),
            "brightness": float(grey.mean()), "contrast": float(grey.std()),
            "colour": float(np.sqrt(np.mean(chroma ** 2))),
            "glare": float((a.max(2) - a.min(2) > 150).mean())}


def usual_sharpness(size, table=None):
    """`finest` of the median photograph at that size (the shorter side counts)."""
    if table is None:
        with open(PHOTOGRAPHS, encoding="ascii") as f:
            table = json.load(f)["finest"]
    sides = sorted(int(s) for s in table)
    return float(np.interp(min(size), sides, [table[str(s)]["median"] for s in sides]))


def of_photographs(folder, sides=(90, 128, 180, 240, 270, 320)):
    """{shorter side: quartiles of `finest`} of the photographs below a folder, each reduced to that side."""
    from PIL import Image
    found = {side: [] for side in sides}
    for root, _, names in sorted(os.walk(folder)):
        for name in sorted(n for n in names if n.lower().endswith((".jpg", ".jpeg", ".png"))):
            image = Image.open(os.path.join(root, name)).convert("RGB")
            for side in sides:
                ratio = side / min(image.size)
                if ratio <= 1:
                    size = [round(s * ratio) for s in image.size]
                    found[side].append(finest(image.resize(size, Image.BOX)))
    quartiles = {side: np.percentile(v, [25, 50, 75]) for side, v in found.items() if v}
    return {str(side): dict(zip(("low", "median", "high"), (round(float(x), 2) for x in q))) for side, q in quartiles.items()}


def warped(plane, zoom, off=(0, 0)):
    """A plane zoomed about a point, so far off its middle (shares of width and height), bilinear."""
    h, w = plane.shape
    y, x = ((np.arange(n) - c) / zoom + c for n, c in ((h, (0.5 + off[1]) * h - 0.5), (w, (0.5 + off[0]) * w - 0.5)))
    y0, x0 = np.clip(y.astype(int), 0, h - 2), np.clip(x.astype(int), 0, w - 2)
    fy, fx = (y - y0)[:, None], (x - x0)[None, :]
    rows = plane[y0] * (1 - fy) + plane[y0 + 1] * fy
    return rows[:, x0] * (1 - fx) + rows[:, x0 + 1] * fx


def warp_error(frames, zoom):
    """Mean |frame - the one before, zoomed| of high-pass luminance over that frame's own mean: 0 a glide, 1 new
    detail in every frame. `zoom` is that of one frame. The camera follows what is dreamed, so the point that it falls
    to is the one of a grid that explains the frames best."""
    pairs = [(luminance(before), luminance(after)) for before, after in zip(frames, frames[1:])]
    return min(float(np.mean([restless(a, b, zoom, (x, y)) for a, b in pairs])) for x in POINTS for y in POINTS)


def restless(before, after, zoom, off):
    a, b = (p - double(halve(p), p.shape) for p in (warped(before, zoom, off), after))
    return np.mean(np.abs(b - a)) / (np.mean(np.abs(b)) + 1e-6)


def write_sheet(path, images, captions, columns=5, tile_px=256):
    """Whole pictures with a line of text below; JPEG or PNG by the name."""
    from PIL import Image, ImageDraw
    line = 14
    height = round(tile_px * images[0].height / images[0].width)
    sheet = Image.new("RGB", (columns * tile_px, -(-len(images) // columns) * (height + line)), (16, 16, 16))
    draw = ImageDraw.Draw(sheet)
    for i, (image, caption) in enumerate(zip(images, captions)):
        x, y = i % columns * tile_px, i // columns * (height + line)
        sheet.paste(image.resize((tile_px - 2, height - 2), Image.LANCZOS), (x, y))
        draw.text((x + 1, y + height - 1), caption[: tile_px // 6], (220, 220, 220))
    sheet.save(path, quality=88, optimize=True)
