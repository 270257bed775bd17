"""`reverie still` as artists use it: where pictures go, what they keep, how they are stopped, what they are asked for.

All pictures are small and made here; what they look like is judged by eyes, and is not the matter of these tests."""
import os
import re
import signal
import stat
import subprocess
import sys
import time
import unittest

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from program import Folder, reverie, start  # noqa: E402

SMALL = ["--size", "64x64", "--steps", "2"]
FISH = ["-t", "goldfish"]


def pixels(path, depth=8):
    """[height][width][3] of any picture, through ffmpeg."""
    probe = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "stream=width,height", "-of",
                            "csv=p=0", path], stdout=subprocess.PIPE, check=True).stdout.decode()
    width, height = (int(v) for v in probe.strip().strip(",").split(",")[:2])
    kind, layout = (np.uint8, "rgb24") if depth == 8 else (np.dtype(">u2"), "rgb48be")
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", layout, "-"],
                         stdout=subprocess.PIPE, check=True).stdout
    return np.frombuffer(raw, kind).reshape(height, width, 3).astype(np.float64)


def write_ppm(path, picture):
    """A picture of ours as BMP, which `still` reads, by way of ffmpeg."""
    height, width, _ = picture.shape
    head = b"P6 %d %d 255\n" % (width, height)
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "ppm_pipe", "-i", "-", path], check=True,
                   input=head + np.clip(picture + 0.5, 0, 255).astype(np.uint8).tobytes())


def photograph(width=192, height=128, seed=1):
    """Something with the detail of one: soft clouds of all sizes with hard edges and fine lines in them."""
    rng = np.random.default_rng(seed)
    picture = np.full((height, width, 3), 110.0)
    for cell in (64, 32, 16, 8, 4):
        noise = rng.normal(0, cell ** 0.5 * 2.5, (height // cell + 2, width // cell + 2, 3))
        picture += np.kron(noise, np.ones((cell, cell, 1)))[:height, :width]
    picture[height // 3:height // 2, width // 4:width // 2] = (190, 120, 60)
    picture[:, ::16] -= 40
    return np.clip(picture, 0, 255)


def psnr(a, b):
    return 10 * np.log10(255 ** 2 / np.mean((a - b) ** 2))


def sharpness(picture):
    grey = picture.mean(axis=2)
    return np.abs(4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]).mean()


class Still(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.folder.__enter__()
        self.addCleanup(self.folder.__exit__)

    def path(self, name):
        return self.folder.path(name)

    def makes(self, *args, **kwargs):
        done = reverie("still", *args, cwd=self.folder.name, **kwargs)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done


class Places(Still):
    def test_a_device_stays_a_device(self):
        self.makes(*FISH, *SMALL, "-o", "/dev/null")
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))

    def test_stdout(self):
        for place in ("-", "/dev/stdout"):
            with self.subTest(place=place):
                p = start("still", *FISH, *SMALL, "-o", place, cwd=self.folder.name)
                out, err = p.communicate(timeout=60)
                self.assertEqual(p.returncode, 0, err)
                self.assertEqual(out[:8], b"\x89PNG\r\n\x1a\n")
        self.assertEqual(os.listdir(self.folder.name), [])

    def test_a_fifo_is_written(self):
        os.mkfifo(self.path("pipe.webp"))
        p = start("still", *FISH, *SMALL, "-o", "pipe.webp", cwd=self.folder.name)
        with open(self.path("pipe.webp"), "rb") as f:
            data = f.read()
        _, err = p.communicate(timeout=60)
        self.assertEqual((p.returncode, data[:4], data[8:12]), (0, b"RIFF", b"WEBP"), err)
        self.assertTrue(stat.S_ISFIFO(os.stat(self.path("pipe.webp")).st_mode))

    def test_a_link_leads_on(self):
        os.symlink("target.png", self.path("link.png"))
        self.makes(*FISH, *SMALL, "-o", "link.png")
        self.assertTrue(os.path.islink(self.path("link.png")))
        self.assertEqual(pixels(self.path("target.png")).shape, (64, 64, 3))

    def test_a_file_that_is_read_only_stays(self):
        path = self.folder.write("kept.png", "mine")
        os.chmod(path, 0o444)
        done = reverie("still", *FISH, *SMALL, "-o", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("kept.png: cannot be written: Permission denied", done.stderr)
        with open(path, encoding="ascii") as f:
            self.assertEqual(f.read(), "mine")

    def test_the_place_is_tried_first(self):
        began = time.monotonic()
        for place in ("/nonexistent/a.png", self.folder.name, "", "a.tiff"):
            done = reverie("still", *FISH, "--steps", "100000", "-o", place)
            self.assertEqual(done.returncode, 1, place)
        self.assertLess(time.monotonic() - began, 30)


class Stopping(Still):
    def stopped(self, *args):
        p = start("still", *FISH, "--size", "96x64", "--steps", "100000", *args, cwd=self.folder.name)
        time.sleep(1.5)
        p.send_signal(signal.SIGINT)
        _, err = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 1, err)
        self.assertRegex(err.decode(), r"stopped at step \d+ of 100000\nwrote ")

    def test_what_there_is_is_kept(self):
        self.stopped("-o", "a.png")
        self.assertEqual(pixels(self.path("a.png")).shape, (64, 96, 3))

    def test_in_an_early_octave_too(self):
        self.stopped("--octaves", "3", "-o", "a.png")
        self.assertEqual(pixels(self.path("a.png")).shape, (64, 96, 3))

    def test_the_picture_so_far(self):
        p = start("still", *FISH, "--size", "64x64", "--steps", "100000", "--octaves", "2", "--save-every", "3", "-o", "a.png",
                  cwd=self.folder.name)
        for _ in range(200):
            if os.path.exists(self.path("a.png")):
                break
            time.sleep(0.05)
        p.kill()
        p.communicate()
        self.assertEqual(pixels(self.path("a.png")).shape, (64, 64, 3))


class Recipes(Still):
    def test_again_makes_the_same_bytes(self):
        self.makes("--layer", "2 conv3_2 + conv4_1:3,5", "--size", "80x64", "--steps", "4", "--octaves", "2", "--seed", "9",
                   "--set", "dream.step_levels=3", "-o", "first.png")
        self.makes("--again", "first.png", "-o", "second.png")
        with open(self.path("first.png"), "rb") as a, open(self.path("second.png"), "rb") as b:
            self.assertEqual(a.read(), b.read())

    def test_every_format_keeps_it(self):
        self.makes(*FISH, *SMALL, "--seed", "5", "-o", "a.png")
        for name in ("b.jpg", "b.webp"):
            with self.subTest(name=name):
                self.makes(*FISH, *SMALL, "--seed", "5", "-o", name)
                self.makes("--again", name, "-o", "c.png")
                self.assertTrue((pixels(self.path("a.png")) == pixels(self.path("c.png"))).all())

    def test_what_is_given_goes_over_it(self):
        self.makes(*FISH, *SMALL, "--seed", "5", "-o", "a.png")
        self.makes("--again", "a.png", "--seed", "6", "-o", "b.png")
        self.makes(*FISH, *SMALL, "--seed", "6", "-o", "c.png")
        self.assertTrue((pixels(self.path("b.png")) == pixels(self.path("c.png"))).all())
        self.makes("--again", "a.png", "--layer", "conv3_1", "-o", "b.png")

    def test_another_model_is_told(self):
        self.makes(*FISH, *SMALL, "-o", "a.png")
        with open(self.path("a.png"), "rb") as f:
            data = f.read()
        at = data.index(b"model ") + 6
        chunk = data.index(b"iTXt")
        changed = bytearray(data)
        changed[at:at + 16] = b"0123456789abcdef"
        length = int.from_bytes(data[chunk - 4:chunk], "big")
        import zlib
        changed[chunk + 4 + length:chunk + 8 + length] = zlib.crc32(bytes(changed[chunk:chunk + 4 + length])).to_bytes(4, "big")
        self.folder.write("other.png", bytes(changed))
        done = self.makes("--again", "other.png", "-o", "b.png")
        self.assertIn("other.png was made with another model: 0123456789abcdef", done.stderr)

    def test_a_recipe_of_nonsense_is_refused(self):
        self.makes(*FISH, *SMALL, "-o", "a.jpg")
        with open(self.path("a.jpg"), "rb") as f:
            data = f.read()
        for old, new, word in ((b"still.text=", b"still.tixt=", "its recipe: "), (b"64x64", b"6xx64", "its recipe: "),
                               (b"Reverie 0", b"reverie 0", "no recipe")):
            with self.subTest(new=new):
                self.folder.write("b.jpg", data.replace(old, new))
                done = reverie("still", "--again", self.path("b.jpg"), "-o", self.path("c.png"))
                self.assertEqual(done.returncode, 1)
                self.assertIn(word, done.stderr)

    def test_it_can_be_left_out(self):
        self.makes(*FISH, *SMALL, "--recipe", "no", "-o", "a.jpg")
        done = reverie("still", "--again", self.path("a.jpg"), "-o", self.path("b.png"))
        self.assertIn("no recipe is kept in it", done.stderr)

    def test_png_has_square_pixels(self):
        self.makes(*FISH, *SMALL, "-o", "a.png")
        with open(self.path("a.png"), "rb") as f:
            data = f.read()
        at = data.index(b"pHYs")
        self.assertEqual((int.from_bytes(data[at + 4:at + 8], "big"), int.from_bytes(data[at + 8:at + 12], "big")), (1, 1))


class Photographs(Still):
    def setUp(self):
        super().setUp()
        self.photo = photograph()
        write_ppm(self.path("photo.bmp"), self.photo)
        self.photo = pixels(self.path("photo.bmp"))

    def dreamed(self, *args):
        self.makes("-i", "photo.bmp", *args, "-o", "out.png")
        return pixels(self.path("out.png"))

    def test_octaves_keep_the_detail(self):
        for octaves in ("1", "5", "10"):
            with self.subTest(octaves=octaves):
                out = self.dreamed(*FISH, "--steps", "5", "--octaves", octaves, "--set", "dream.step_levels=0.05")
                self.assertGreaterEqual(psnr(self.photo, out), 35)
                self.assertGreaterEqual(sharpness(out), 0.95 * sharpness(self.photo))
        lost = self.dreamed(*FISH, "--steps", "5", "--octaves", "5", "--set", "dream.step_levels=0.05", "--keep-detail", "no")
        self.assertLess(sharpness(lost), 0.7 * sharpness(self.photo))

    def test_a_mask_says_where(self):
        mask = np.zeros_like(self.photo)
        mask[:, 96:] = 255
        write_ppm(self.path("mask.bmp"), mask)
        out = self.dreamed("--layer", "conv3_3", "--steps", "12", "--octaves", "2", "--mask", "mask.bmp")
        self.assertLess(np.abs(out - self.photo)[:, :90].max(), 1)
        self.assertGreater(np.abs(out - self.photo)[:, 110:].mean(), 3)

    def test_original_colours(self):
        def chroma(p):
            return p - (p @ (0.299, 0.587, 0.114))[..., None]
        plain = self.dreamed("--layer", "conv3_3", "--steps", "12")
        kept = self.dreamed("--layer", "conv3_3", "--steps", "12", "--original-colours")
        inside = (kept > 2).all(axis=2) & (kept < 253).all(axis=2)
        self.assertLess(np.abs(chroma(kept) - chroma(self.photo))[inside].max(), 1.6)
        self.assertGreater(np.abs(chroma(plain) - chroma(self.photo)).mean(), 2)

    def test_start_image_is_the_same_setting(self):
        first = self.dreamed(*FISH, "--steps", "3", "--preset", "photo")
        self.makes(*FISH, "--steps", "3", "--preset", "photo", "--set", "dream.start_image=photo.bmp", "-o", "b.png")
        self.assertTrue((first == pixels(self.path("b.png"))).all())
        self.makes(*FISH, "--size", "64x64", "--set", "dream.steps=1", "-o", "b.png")
        self.makes(*FISH, "--size", "64x64", "--steps", "1", "-o", "c.png")
        self.assertTrue((pixels(self.path("b.png")) == pixels(self.path("c.png"))).all())
        done = reverie("still", *FISH, "--set", "dream.start_image=/nonexistent.png", "-o", self.path("b.png"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nonexistent.png", done.stderr)

    def test_a_guide_chooses_channels(self):
        a = self.dreamed("--layer", "conv3_3", "--steps", "6")
        write_ppm(self.path("guide.bmp"), np.kron(np.indices((16, 16)).sum(axis=0)[..., None] % 2, np.ones((8, 8, 3))) * 255)
        b = self.dreamed("--layer", "conv3_3", "--steps", "6", "--guide", "guide.bmp")
        write_ppm(self.path("guide.bmp"), photograph(seed=4))
        c = self.dreamed("--layer", "conv3_3", "--steps", "6", "--guide", "guide.bmp")
        self.assertGreater(np.abs(a - b).mean(), 1)
        self.assertGreater(np.abs(c - b).mean(), 1)

    def test_what_is_transparent_stays_so(self):
        clear = self.path("clear.png")
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=96x64,format=rgba,"
                        "geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='clip(4*X,0,255)'", "-frames:v", "1", clear], check=True)
        for name in ("out.png", "out.webp"):
            with self.subTest(name=name):
                self.makes("-i", clear, *FISH, "--steps", "2", "--quality", "100", "-o", name)
                alpha = [np.frombuffer(subprocess.run(
                    ["ffmpeg", "-v", "error", "-i", p, "-f", "rawvideo", "-pix_fmt", "rgba", "-"], stdout=subprocess.PIPE,
                    check=True).stdout, np.uint8)[3::4] for p in (clear, self.path(name))]
                self.assertTrue((alpha[0] == alpha[1]).all())


class Asked(Still):
    def same(self, first, second):
        self.makes(*first, *SMALL, "-o", "a.png")
        self.makes(*second, *SMALL, "-o", "b.png")
        return bool((pixels(self.path("a.png")) == pixels(self.path("b.png"))).all())

    def test_classes_by_number_and_id(self):
        for name in ("#0", "n01443537"):
            self.assertTrue(self.same(FISH, ["-t", name]), name)
        self.assertFalse(self.same(FISH, ["-t", "#1"]))

    def test_layers_as_others_write_them(self):
        for name in ("CONV4_3", "relu4_3", "conv4-3", "block4_conv3", "features.21", "features.22", "conv4_3/relu"):
            with self.subTest(name=name):
                self.assertTrue(self.same(["--layer", "conv4_3"], ["--layer", name]))
        self.assertFalse(self.same(["--layer", "conv4_3"], ["--layer", "conv4_2"]))
        listed = reverie("inspect", "--layers").stdout
        self.assertRegex(listed, r"conv4_3 +features\.21 +128 +8 px")

    def test_layers_that_are_not_wanted(self):
        both = ["--layer", "conv4_3 - 2 conv3_1:5", "--set", "dream.prior_ratio=0"]
        self.assertTrue(self.same(both, ["--layer", "conv4_3 + -2 conv3_1:5", *both[2:]]))
        self.assertFalse(self.same(both, ["--layer", "conv4_3 + 2 conv3_1:5", *both[2:]]))
        self.assertFalse(self.same(["--layer", "conv3_1:5"], ["--layer", "-conv3_1:5"]))
        self.assertTrue(self.same(["--layer", "-conv3_1:5"], ["--layer", "- 1 conv3-1:5"]))
        for bad in ("conv4_3 - 0 conv3_1", "--1 conv3_1", "conv4_3 -"):
            done = reverie("still", "--layer", bad, *SMALL, "-o", self.path("c.png"))
            self.assertEqual(done.returncode, 1, bad)

    def test_focus(self):
        usual = reverie("still", "--help").stdout
        self.assertRegex(usual, r"--focus X")
        self.assertTrue(self.same([*FISH, "--focus", "0.3"], [*FISH, "--set", "dream.focus=0.3"]))
        self.assertFalse(self.same([*FISH, "--focus", "1"], [*FISH, "--focus", "0"]))

    def test_octaves_say_once_what_they_run_on(self):
        done = self.makes(*FISH, "--size", "96x64", "--octaves", "5", "--steps", "5", "-o", "a.png")
        self.assertLessEqual(done.stderr.count("backend cuda"), 1, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), len(set(done.stderr.splitlines())), done.stderr)

    def test_sheets(self):
        self.makes("-t", "goldfish | pizza", "--seeds", "3", *SMALL, "-o", "sheet.png")
        sheet = pixels(self.path("sheet.png"))
        self.assertEqual(sheet.shape, (2 * 72 - 8, 3 * 72 - 8, 3))
        self.makes("-t", "pizza", "--seed", "2", *SMALL, "-o", "one.png")
        self.assertTrue((sheet[72:136, 72:136] == pixels(self.path("one.png"))).all())

    def test_films(self):
        for name, frames in (("a.mp4", 6), ("a.webp", 6), ("a.gif", 6)):
            with self.subTest(name=name):
                self.makes(*FISH, *SMALL, "--animate", "0.5", "-o", name)
                with open(self.path(name), "rb") as f:
                    data = f.read()
                if name == "a.webp":  # ffmpeg reads none
                    self.assertEqual(data.count(b"ANMF"), frames)
                    self.makes("--again", name, "--animate", "0", "-o", "still.png")  # it keeps what it was made with
                    self.makes(*FISH, *SMALL, "-o", "same.png")
                    self.assertTrue((pixels(self.path("still.png")) == pixels(self.path("same.png"))).all())
                    continue
                count = subprocess.run(["ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames",
                                        "-of", "csv=p=0", self.path(name)], stdout=subprocess.PIPE, check=True).stdout
                self.assertEqual(int(count.strip().strip(b",")), frames)

    def test_sixteen_bits(self):
        self.makes(*FISH, *SMALL, "--bits", "16", "-o", "a.png")
        self.makes(*FISH, *SMALL, "-o", "b.png")
        wide, plain = pixels(self.path("a.png"), 16), pixels(self.path("b.png"))
        self.assertLess(np.abs(wide / 257 - plain).max(), 0.51)
        self.assertGreater((wide % 257 != 0).mean(), 0.9)

    def test_presets_stand_in_the_help(self):
        text = reverie("still", "--help").stdout
        for name in ("class", "photo", "deepdream", "print", "classic2015"):
            self.assertRegex(text, r"\b%s:" % name)
            self.makes("-t", "goldfish", "--preset", name, *SMALL, "-o", "a.png")
        self.assertTrue(self.same(["--layer", "conv4_1"], ["--layer", "conv4_1", "--preset", "deepdream"]))

    def test_octave_steps_and_objects(self):
        self.assertTrue(self.same([*FISH, "--octaves", "2"], [*FISH, "--octave-steps", "1,1"]))
        self.assertTrue(self.same([*FISH, "--objects", "32-48"],
                                  [*FISH, "--set", "dream.object_small=0.5", "--set", "dream.object_large=0.75"]))


class Tiles(Still):
    LARGE = ["--layer", "conv3_1", "--size", "512x448", "--steps", "10", "--objects", "64-96", "--octaves", "1"]

    def test_threads_do_not_matter_and_there_is_no_seam(self):
        """64 MB are too little for the whole: it comes by tiles, as even as a whole one (which tile met which is not to be seen)."""
        for threads, name in (("1", "a.png"), ("2", "b.png")):
            self.makes(*self.LARGE, "--memory", "64", "--threads", threads, "-o", name)
        tiled = pixels(self.path("a.png"))
        self.assertTrue((tiled == pixels(self.path("b.png"))).all())
        self.makes(*self.LARGE, "--threads", "2", "-o", "whole.png")
        whole = pixels(self.path("whole.png"))
        self.assertFalse((tiled == whole).all())

        def unevenness(picture):
            edges = np.hypot(*np.gradient(picture.mean(axis=2)))
            return max(np.std([band.mean() for band in np.array_split(edges, 14, axis=axis)]) / edges.mean() for axis in (0, 1))
        self.assertLess(unevenness(tiled), unevenness(whole) + 0.08)

    def test_what_is_too_small_is_told(self):
        done = reverie("still", *FISH, "--size", "8192x8192", "--memory", "300", "-o", self.path("a.png"))
        self.assertRegex(done.stderr, r"--memory 300: 8192x8192 needs \d+ MB with this model")


class Borders(Still):
    def test_layers_draw_no_frame(self):
        write_ppm(self.path("flat.bmp"), np.full((160, 224, 3), 118.0))
        ratio = {}
        for margin in ("0", "48"):
            self.makes("-i", "flat.bmp", "--layer", "conv4_3", "--steps", "40", "--octaves", "1", "--set", "dream.margin=" + margin,
                       "-o", "out.png")
            edges = np.hypot(*np.gradient(pixels(self.path("out.png")).mean(axis=2)))
            inside = np.zeros(edges.shape, bool)
            inside[24:-24, 24:-24] = True
            ratio[margin] = edges[~inside].mean() / edges[inside].mean()
        self.assertLess(ratio["48"], 1.35)
        self.assertGreater(ratio["0"], 1.6)


if __name__ == "__main__":
    unittest.main()
