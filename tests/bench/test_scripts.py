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


if __name__ == "__main__":
    unittest.main()
