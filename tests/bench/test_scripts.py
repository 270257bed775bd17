"""The scripts of bench/ that can be tried without a GPU: the random network, and what is said without one."""
import os
import re
import subprocess
import sys
import tempfile
import unittest

REVERIE = os.environ["REVERIE"]
BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bench")


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, check=False)


class RandomVgg(unittest.TestCase):
    def test_is_a_network_that_dreams(self):
        with tempfile.TemporaryDirectory() as folder:
            model = os.path.join(folder, "m.safetensors")
            p = run(sys.executable, os.path.join(BENCH, "random_vgg"), model, "--channels", "8", "--kernel", "2", "--hidden",
                    "64", "--classes", "1000")
            self.assertEqual((p.returncode, p.stderr), (0, ""))
            text = run(REVERIE, "inspect", model).stdout
            self.assertRegex(text, r"32 tensors")
            # both signs, no zero mean by accident, between one and two times a power of two
            least, most, mean = map(float, re.search(r"features\.28\.weight +BF16 64x64x3x3 +min (\S+) +max (\S+) +mean (\S+)",
                                                     text).groups())
            self.assertAlmostEqual(least, -most, delta=0.01 * most)
            self.assertTrue(0.5 < most / 2 * 1.53 / (2 / 576) ** 0.5 < 2)
            self.assertLess(abs(mean), 0.02 * most)
            picture = os.path.join(folder, "p.png")
            p = run(REVERIE, "still", "-m", model, "-t", "goldfish", "--size", "64x64", "--steps", "2", "-o", picture)
            self.assertEqual(p.returncode, 0, p.stderr)
            self.assertGreater(os.path.getsize(picture), 1000)


class ComparePytorch(unittest.TestCase):
    def test_says_what_is_missing(self):
        p = run("/usr/bin/python3", os.path.join(BENCH, "compare_pytorch"), "--device", "cuda", "--sizes", "64x64")
        if p.returncode == 0:
            self.skipTest("there is a GPU")
        self.assertEqual((p.returncode, p.stdout), (1, ""))
        self.assertRegex(p.stderr, r"^bench/compare_pytorch: .*(finds no CUDA device|PyTorch is missing).*\n$")


class Quality(unittest.TestCase):
    """The measures of bench/quality, on pictures whose answer is known."""

    @classmethod
    def setUpClass(cls):
        try:
            import numpy
        except ImportError:
            raise unittest.SkipTest("no NumPy here") from None
        sys.path.insert(0, BENCH)
        import quality_measures
        cls.np, cls.measures = numpy, quality_measures
        rng = numpy.random.default_rng(1)
        plane = rng.normal(128, 60, (6, 10))
        for k in (2, 4, 8, 16):
            plane = cls.measures.double(plane, (6 * k, 10 * k))
        cls.soft = numpy.repeat(plane[..., None], 3, 2)
        cls.rng = rng

    def test_octaves_add_up_and_tell_fine_from_coarse(self):
        plane = self.soft[..., 0]
        fine = plane + self.rng.normal(0, 10, plane.shape)
        self.assertGreater(self.measures.octaves(fine)[0], 5 * self.measures.octaves(plane)[0])
        self.assertGreater(self.measures.finest(self.np.repeat(fine[..., None], 3, 2)), 7)
        self.assertLess(self.np.hypot(*self.measures.octaves(self.np.full((40, 60), 99.0), 2)), 1e-3)

    def test_saturation_glare_and_colour_are_shares_and_levels(self):
        picture = self.np.full((96, 160, 3), 100.0)
        picture[:48, :, 0] = 255
        found = self.measures.measure(picture)
        self.assertAlmostEqual(found["saturated"], 1 / 6, places=5)
        self.assertAlmostEqual(found["glare"], 0.5)
        self.assertAlmostEqual(found["brightness"], 100 + 155 / 6, places=3)
        self.assertAlmostEqual(found["colour"], 155 * (2 / 9) ** 0.5 / 2 ** 0.5, places=3)

    def test_a_lattice_and_a_frame_are_found(self):
        ruled = self.soft + self.rng.normal(0, 5, self.soft.shape)
        self.assertLess(self.measures.lattice(ruled), 2)
        ruled[:, ::8] += 15
        self.assertGreater(self.measures.lattice(ruled), 4)
        framed = self.np.full((160, 160, 3), 100.0) + self.rng.normal(0, 10, (160, 160, 3))
        self.assertLess(self.measures.border(framed), 0.1)
        framed[:24, :, 2] += 60
        framed[-24:, :, 2] += 60
        self.assertGreater(self.measures.border(framed), 0.5)

    def test_a_zoom_is_no_error_and_a_new_picture_is_one(self):
        plane = self.soft[..., 0]
        zoomed = self.np.repeat(self.measures.warped(plane, 1.02)[..., None], 3, 2)
        self.assertLess(self.measures.warp_error([self.soft, zoomed], 1.02), 0.2)
        aside = self.np.repeat(self.measures.warped(plane, 1.1, (0.2, -0.1))[..., None], 3, 2)
        self.assertLess(self.measures.warp_error([self.soft, aside], 1.1), 0.2)
        self.assertGreater(self.measures.restless(plane, self.measures.luminance(aside), 1.1, (0, 0)), 0.2)
        self.assertGreater(self.measures.warp_error([self.soft, self.soft[::-1]], 1.02), 0.5)

    def test_sharpness_is_one_for_the_median_photograph(self):
        with open(self.measures.PHOTOGRAPHS, encoding="ascii") as f:
            self.assertIn('"270"', f.read())
        table = {"100": {"median": 10}, "200": {"median": 20}}
        self.assertEqual(self.measures.usual_sharpness((150, 300), table), 15)
        self.assertEqual(self.measures.usual_sharpness((900, 900), table), 20)

    def test_goes_on_where_it_was_and_compares(self):
        try:
            import PIL  # noqa: F401
        except ImportError:
            self.skipTest("no Pillow here")
        with tempfile.TemporaryDirectory() as folder:
            first, second = os.path.join(folder, "first"), os.path.join(folder, "second")
            ask = [sys.executable, os.path.join(BENCH, "quality"), "--program", REVERIE, "--size", "64x64", "--steps", "2"]
            p = run(*ask, "--folder", first, "--classes", "n01443537,n07873807")
            self.assertEqual(p.returncode, 0, p.stderr)
            self.assertIn("no judge", p.stderr)
            self.assertIn("2 pictures of 2 classes", p.stdout)
            os.remove(os.path.join(first, "n01443537-1.png"))  # only what is missing in the results is dreamed
            p = run(*ask, "--folder", first, "--classes", "n07873807", "--seeds", "2")
            self.assertIn("2 pictures of 1 classes", p.stdout, p.stderr)
            self.assertFalse(os.path.exists(os.path.join(first, "n01443537-1.png")))
            p = run(*ask, "--folder", first, "--classes", "n07873807", "--set", "prior_ratio=1")
            self.assertIn("begun with other settings", p.stderr)
            p = run(*ask, "--folder", second, "--classes", "n07873807", "--seeds", "2", "--set", "prior_ratio=1",
                    "--against", first)
            self.assertRegex(p.stdout, r"sharpness +\S+ +[+-]\S+ \+- ")
            with open(os.path.join(folder, "log.md"), encoding="utf-8") as f:
                self.assertEqual(len(f.readlines()), 3)


if __name__ == "__main__":
    unittest.main()
