"""Where the GPU module is looked for: beside the program, and nowhere else. One that lies in the current folder, or in a
folder that the loader searches, is not taken, not even where /proc does not say which folder the program is in."""
import os
import shutil
import subprocess
import tempfile
import unittest

REVERIE = os.environ["REVERIE"]
MARK = "the planted module runs"
PLANTED = '#include <unistd.h>\n__attribute__((constructor)) static void begin(void) { (void)!write(2, "%s\\n", %d); }\n'
# Mounts of its own, in which /proc says nothing, as a user of its own who may do that.
WITHOUT_PROC = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"]


def can_hide_proc():
    try:
        return subprocess.run([*WITHOUT_PROC, "true"], stderr=subprocess.DEVNULL, timeout=20, check=False).returncode == 0
    except FileNotFoundError:
        return False


@unittest.skipIf(os.environ.get("SANITIZER"), "sanitizers want /proc")
class Place(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="reverie-place-")
        self.addCleanup(shutil.rmtree, self.folder)
        os.mkdir(self.path("bin"))
        os.mkdir(self.path("here"))
        shutil.copy(REVERIE, self.path("bin/reverie"))
        self.build("here/reverie-cuda.so", PLANTED % (MARK, len(MARK) + 1))
        self.build("here/libcuda.so.1", "int cuInit(unsigned flags) { return flags != 0; }\n")  # there seems to be a driver

    def path(self, name):
        return os.path.join(self.folder, name)

    def build(self, name, text):
        subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-o", self.path(name), "-"], input=text.encode(), timeout=60,
                       check=True)

    def ask(self, *before):
        """What a program says that is told to dream on the GPU, in a folder with a module that waits for it."""
        env = {k: v for k, v in os.environ.items() if k != "REVERIE_CUDA_MODULE"}
        env["LD_LIBRARY_PATH"] = self.path("here")
        p = subprocess.run([*before, self.path("bin/reverie"), "bench", "--backend", "cuda"], cwd=self.path("here"), env=env,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
        return p.returncode, p.stderr.decode("utf-8", "replace")

    def assert_not_taken(self, *before):
        code, stderr = self.ask(*before)
        self.assertEqual(code, 1, stderr)
        self.assertIn("built without its GPU part", stderr)
        self.assertNotIn(MARK, stderr)

    def test_not_the_current_folder(self):
        self.assert_not_taken()

    @unittest.skipUnless(can_hide_proc(), "no user namespaces with mounts here")
    def test_not_by_its_name_alone(self):
        self.assert_not_taken(*WITHOUT_PROC)

    def test_beside_the_program(self):
        """The test's own proof: there it is taken."""
        shutil.copy(self.path("here/reverie-cuda.so"), self.path("bin/reverie-cuda.so"))
        code, stderr = self.ask()
        self.assertEqual(code, 1, stderr)
        self.assertIn(MARK, stderr)


if __name__ == "__main__":
    unittest.main()
