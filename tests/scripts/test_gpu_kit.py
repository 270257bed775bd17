"""The kit for GPU machines (scripts/gpu_kit): stand-ins that a loader takes for the library, and the script that starts
its programs."""
import importlib.machinery
import importlib.util
import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(ROOT, "scripts", "gpu_kit")


def load_script():
    loader = importlib.machinery.SourceFileLoader("gpu_kit", SCRIPT)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("gpu_kit", loader))
    loader.exec_module(module)
    return module


class GpuKit(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, text, *names, mode=0o644):
        os.makedirs(os.path.dirname(self.path(*names)), exist_ok=True)
        with open(self.path(*names), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.path(*names), mode)
        return self.path(*names)

    def test_a_program_starts_with_a_stand_in(self):
        """It names a versioned symbol that it never uses; another symbol of the library is not carried along."""
        kit = load_script()
        library = self.write("int used(void) { return 7; }\nint unused(void) { return 8; }\n", "lib.c")
        versions = self.write("KIT_1 { global: used; unused; };\n", "lib.map")
        program = self.write("int used(void);\nint main(int n, char **v) { (void)v; return n > 1 ? used() : 0; }\n", "main.c")
        real, stand_in, binary = self.path("libkit.so.1"), self.path("in", "libkit.so.1"), self.path("program")
        os.makedirs(self.path("in"))
        subprocess.run(["cc", "-shared", "-fPIC", "-Wl,-soname,libkit.so.1", "-Wl,--version-script=" + versions, "-o", real,
                        library], check=True)
        subprocess.run(["cc", "-o", binary, program, real, "-Wl,-z,now"], check=True)
        wanted = {name for name, _ in kit.symbols(binary, True)}
        kit.make_stand_in(real, stand_in, wanted)
        self.assertIn(("used", "KIT_1"), set(kit.symbols(stand_in, False)))
        self.assertNotIn("unused", {name for name, _ in kit.symbols(stand_in, False)})
        done = subprocess.run([binary], env={"LD_LIBRARY_PATH": self.path("in")}, stderr=subprocess.PIPE, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def start(self, program):
        """A kit whose program and whose loader say how they were started."""
        shutil.copy(os.path.join(ROOT, "scripts", "gpu_kit_start"), self.path("reverie"))
        self.write(program, "bin", "reverie", mode=0o755)
        self.write('#!/bin/sh\necho "carried $*"\n', "glibc", "ld-linux-x86-64.so.2", mode=0o755)
        done = subprocess.run([self.path("reverie"), "run", "a b"], stdout=subprocess.PIPE, text=True, check=True,
                              env={"REVERIE_NVIDIA": "/nv/cudnn:/nv/blas", "LD_LIBRARY_PATH": "/own"})
        return done.stdout.strip()

    def test_the_system_runs_it_where_it_can(self):
        said = self.start('#!/bin/sh\necho "$# $2 $LD_LIBRARY_PATH $REVERIE_CUDA_MODULE $FONTCONFIG_FILE"\n')
        self.assertEqual(said, "2 a b %s:/nv/cudnn:/nv/blas:/own %s %s" % (
            self.path("lib"), self.path("bin", "reverie-cuda.so"), self.path("fonts", "fonts.conf")))

    def test_an_older_system_gets_the_carried_c_library(self):
        said = self.start("#!/bin/sh\nexit 1\n")
        self.assertEqual(said, "carried --library-path %s:%s:/nv/cudnn:/nv/blas:/own %s run a b" % (
            self.path("glibc"), self.path("lib"), self.path("bin", "reverie")))


if __name__ == "__main__":
    unittest.main()
