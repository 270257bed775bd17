"""What the program and its GPU module agree on (engine/cuda/abi.h): the checksum of their headers, and the functions
that the module takes from the program."""
import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
REVERIE = os.environ["REVERIE"]
MODULE = os.environ.get("REVERIE_CUDA_MODULE", "")
MODULE_FOLDER = "engine/cuda/module"


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return f.read()


def rooms():
    """The folders whose headers the Makefile sums up."""
    return re.search(r"^abi_rooms := (.*)$", read("Makefile"), re.M).group(1).split()


def shared_headers():
    """Every header of ours outside of its own folder that the module reads, directly or not."""
    found, new = set(), []
    for pattern in ("*.[ch]", "*.cu", "*.cuh"):
        new += [os.path.relpath(p, ROOT) for p in glob.glob(os.path.join(ROOT, MODULE_FOLDER, pattern))]
    while new:
        for header in re.findall(r'^\s*#\s*include\s*"([^"]+)"', read(new.pop()), re.M):
            if header not in found and not header.startswith(MODULE_FOLDER + "/"):
                found.add(header)
                new.append(header)
    return found


def symbols(path, which):
    done = subprocess.run(["nm", "-D", which, path], stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    names = {line.split()[-1] for line in done.stdout.splitlines()}
    return {name for name in names if "@" not in name}  # one with a version comes from a system library


def listed():
    """The functions that abi.h lists, in the rows that begin with a room and those that continue one."""
    rows = re.search(r"nothing else:\n \*\n(.*?)\n \*/", read("engine", "cuda", "abi.h"), re.S).group(1)
    return set(re.findall(r"\b\w+\b(?!/)", re.sub(r"\S+/", "", rows)))


def checksum(tree):
    """As the Makefile in the folder `tree` computes it."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}  # not of the make that runs the tests
    done = subprocess.run(["make", "-pn", "help", "CUDA=no"], cwd=tree, stdout=subprocess.PIPE, text=True, timeout=60,
                          check=True, env=env)
    return int(re.search(r"^cuda_abi := (\d+)$", done.stdout, re.M).group(1))


class ModuleAbi(unittest.TestCase):
    def test_every_shared_header_is_summed_up(self):
        headers = shared_headers()
        self.assertIn("engine/backend.h", headers)
        self.assertIn("config/option.h", headers)  # two includes away
        self.assertEqual({os.path.dirname(h) for h in headers} - set(rooms()), set())

    def test_the_checksum_changes_with_a_header(self):
        with tempfile.TemporaryDirectory() as tree:
            for path in ["Makefile", MODULE_FOLDER + "/module.mk", *shared_headers()]:
                os.makedirs(os.path.join(tree, os.path.dirname(path)), exist_ok=True)
                shutil.copy(os.path.join(ROOT, path), os.path.join(tree, path))
            before = checksum(tree)
            self.assertEqual(checksum(tree), before)
            header = os.path.join(tree, "engine", "backend.h")
            with open(header, encoding="utf-8") as f:
                text = f.read()
            swapped = text.replace("bool prepared_views;", "@").replace("bool can_be_lost;", "bool prepared_views;")
            with open(header, "w", encoding="utf-8") as f:  # same sizes: only the order is another
                f.write(swapped.replace("@", "bool can_be_lost;"))
            self.assertNotEqual(checksum(tree), before)

    def test_abi_h_lists_what_the_program_has(self):
        self.assertGreater(len(listed()), 10)
        self.assertEqual(listed() - symbols(REVERIE, "--defined-only"), set())

    def test_the_module_takes_what_abi_h_lists_and_nothing_else(self):
        if not os.path.isfile(MODULE):
            self.skipTest("no GPU module was built")
        taken = symbols(MODULE, "--undefined-only") & symbols(REVERIE, "--defined-only")
        self.assertEqual(taken, listed())


if __name__ == "__main__":
    unittest.main()
