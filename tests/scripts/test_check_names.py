"""scripts/check-names finds what it is there to find, in a small tree that has each fault once."""
import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FILES = {
    "common/good.h": "/*\n * good - offers one function, see good.c and docs/page.md.\n */\nint good_used(void);\n"
                     "int good_unused(void); /* good_unused(1); */\nextern const int good_table[2];\n",
    "common/good.c": "/*\n * good - see good.h.\n */\n#include \"common/good.h\"\nconst int good_table[2] = {1, 2};\n"
                     "int good_used(void)\n{\n    return good_unused();\n}\nint good_unused(void)\n{\n    return 1;\n}\n",
    "app/user.c": "/*\n * user - calls it; common/gone.c is not there, nor is old.h.\n */\n"
                  "const char *text = \"a text may say nothing.c\";\nint main(void)\n{\n    return good_used();\n}\n",
    "app/wrong.c": "/*\n * right - has another name.\n */\n",
    "tests/common/test_good.c": "int test = good_unused() + good_table[0];\n",
    "docs/page.md": "See `common/good.h` and `app/missing.c`; your own notes.md is yours.\n",
}


class CheckNames(unittest.TestCase):
    def faults(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        for path, text in FILES.items():
            os.makedirs(os.path.join(folder, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(folder, path), "w", encoding="utf-8") as f:
                f.write(text)
        os.makedirs(os.path.join(folder, "scripts"))
        script = shutil.copy(os.path.join(ROOT, "scripts", "check-names"), os.path.join(folder, "scripts"))
        p = subprocess.run([script], capture_output=True, text=True, timeout=60)
        self.assertEqual(p.returncode, 1)
        return [line for line in p.stderr.splitlines() if not line.startswith("scripts/check-names:")]

    def test_each_fault_is_found_and_nothing_else(self):
        self.assertEqual(sorted(self.faults()), [
            "app/user.c:2: there is no (single) file common/gone.c",
            "app/user.c:2: there is no (single) file old.h",
            'app/wrong.c:1: does not open with an essay "wrong - ..."',
            "common/good.h: nobody in the program uses good_table",
            "common/good.h: nobody in the program uses good_unused",
            "docs/page.md:1: there is no (single) file app/missing.c",
        ])


if __name__ == "__main__":
    unittest.main()
