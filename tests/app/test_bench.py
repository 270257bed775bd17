"""reverie bench: what it prints is JSON that adds up, and what it refuses."""
import json
import os
import subprocess
import unittest

REVERIE = os.environ.get("REVERIE", "build/reverie")


def bench(*args):
    p = subprocess.run([REVERIE, "bench", *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, timeout=300)
    return p.returncode, p.stdout.decode(), p.stderr.decode()


class Bench(unittest.TestCase):
    def test_prints_every_size_with_its_stages(self):
        code, out, err = bench("--size", "65x64", "--size", "64x70", "--threads", "1", "--tier", "c")
        self.assertEqual((code, err), (0, ""))
        d = json.loads(out)
        self.assertEqual((d["backend"], d["tier"], d["threads"]), ("cpu", "c", 1))
        self.assertEqual(d["hardware"], "c")
        self.assertGreater(d["sgemm_gflops"], 0)
        self.assertEqual([(s["width_px"], s["height_px"]) for s in d["sizes"]], [(65, 64), (64, 70)])
        for s in d["sizes"]:
            self.assertGreaterEqual(s["steps"], 3)
            self.assertLessEqual(s["best_step_ms"], s["step_ms"])
            self.assertAlmostEqual(s["steps_per_s"] * s["step_ms"], 1000, delta=10)
            self.assertEqual(len(s["stages_ms"]), 2 * 16 + 1)
            self.assertIn("conv5_3 backward", s["stages_ms"])
            # the network, the prior and the update; tiny pictures on a busy machine: no closer bounds
            self.assertGreaterEqual(s["whole_steps"], 2)
            self.assertGreater(s["step_with_prior_ms"], 0.5 * s["best_step_ms"])
            self.assertLessEqual(s["best_step_with_prior_ms"], s["step_with_prior_ms"])
            # 9 * in * out * 2 * 2 per pixel over the layers of the embedded model, and its head
            self.assertAlmostEqual(s["direct_conv_gflop"], 0.328, delta=0.02)

    def test_on_a_gpu_or_why_not(self):
        code, out, err = bench("--backend", "cuda", "--size", "64x64")
        if code == 0:  # there is one
            d = json.loads(out)
            self.assertEqual(d["backend"], "cuda")
            self.assertGreater(d["sizes"][0]["step_with_prior_ms"], 0)
            self.assertNotIn("step_ms", d["sizes"][0])
        else:
            self.assertEqual((code, out), (1, ""))
            self.assertRegex(err, r"^reverie bench: .*(GPU|CUDA|cuda).*\n$")
        code, out, err = bench("--backend", "auto", "--size", "64x64")
        self.assertEqual((code, err), (0, ""))
        self.assertIn(json.loads(out)["backend"], ("cpu", "cuda"))

    def test_bf16_says_how_far_it_is_from_fp32(self):
        code, out, err = bench("--tier", "rounded", "--size", "64x64", "--dreamed", "3")
        self.assertEqual((code, err), (0, ""))
        d = json.loads(out)
        self.assertEqual((d["precision"], d["tier"].split(",")[0]), ("bf16", "bf16 by rounding"))
        self.assertGreater(d["bf16_share"], 0.9)
        self.assertLess(d["bf16_share"], 1, "the first layer is never rounded")
        size = d["sizes"][0]
        for of in ("", "dreamed_"):
            self.assertGreater(size[of + "gradient_cosine_to_fp32"], 0.97)
            self.assertLess(size[of + "gradient_cosine_to_fp32"], 0.99999, "that is fp32 itself")
            self.assertLess(size[of + "logits_error_to_fp32"], 0.05)
            self.assertGreater(size[of + "logits_error_to_fp32"], 1e-5)
        code, out, err = bench("--precision", "fp32", "--size", "64x64")
        self.assertEqual((code, err, json.loads(out)["precision"]), (0, "", "fp32"))
        self.assertNotIn("gradient_cosine_to_fp32", json.loads(out)["sizes"][0])
        self.assertNotIn("bf16_share", json.loads(out))

    def test_bf16_without_a_processor_that_has_it(self):
        code, out, err = bench("--precision", "bf16", "--size", "64x64")
        self.assertEqual(code, 0)
        d = json.loads(out)
        self.assertEqual(d["precision"], "bf16")
        self.assertEqual("by rounding" in d["tier"], "none of AVX512-BF16, AMX and Arm's FEAT_BF16" in err)
        for args in (["--tier", "c", "--precision", "bf16"], ["--tier", "rounded", "--precision", "fp32"],
                     ["--tier", "rounded", "--set", "dream.profile=classic"]):
            code, out, err = bench(*args, "--size", "64x64")
            self.assertEqual((code, out), (1, ""), args)
            self.assertRegex(err, r"^reverie bench: dream\.(precision|cpu_tier).*\n$")

    def test_refuses(self):
        for args, code, says in [
            (["--size", "12"], 2, "12"),
            (["--size", "0x64"], 2, "0x64"),
            (["--threads", "none"], 2, "none"),
            (["--tier", "mmx"], 2, "mmx"),
            (["--backend", "tpu"], 2, "tpu"),
            (["--precision", "int8"], 2, "int8"),
            (["surplus"], 2, "surplus"),
            (["--size", "16x64"], 1, "16x64"),
            (["-m", "/nonexistent.safetensors"], 1, "/nonexistent.safetensors"),
        ]:
            got, out, err = bench(*args)
            self.assertEqual((got, out), (code, ""), args)
            self.assertIn(says, err)
            self.assertEqual(len(err.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
