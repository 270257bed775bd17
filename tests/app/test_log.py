"""`reverie log`: what a show has kept, for people and scripts."""
import json
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from program import SMALL, Folder, reverie, start


def log(folder, *args):
    p = reverie("log", "--set", "show.state_dir=" + folder, *args)
    return p, [json.loads(line) for line in p.stdout.splitlines()]


class Log(unittest.TestCase):
    def test_of_a_show(self):
        with Folder() as f:
            state = f.path("state")
            show = [*SMALL, "--set", "dream.backend=null", "--set", "record.enabled=false", "--set", "show.state_dir=" + state]
            script = f.write("script", "0.5 ann goldfish\n1 bob goldfish + pizza\n")
            p = reverie("run", *show, "--script", script, "--duration", "3")
            self.assertEqual(p.returncode, 0, p.stderr)
            p, rows = log(state)
            self.assertEqual(p.returncode, 0, p.stderr)
            asked = [r for r in rows if r["event"] == "asked"]
            self.assertEqual([(r["user"], r["text"]) for r in asked], [("ann", "goldfish"), ("bob", "goldfish + pizza")])
            self.assertEqual(asked[1]["wnid"], ["n01443537", "n07873807"])
            shown = [r for r in rows if r["event"] == "shown"]
            self.assertTrue(any(r["name"] == "goldfish" and r["seed"] >= 0 for r in shown))
            self.assertEqual(rows, sorted(rows, key=lambda r: r["at"]))
            self.assertEqual({r["user"] for r in log(state, "--user", "BOB")[1]}, {"bob"})
            self.assertEqual(log(state, "-n", "2")[1], rows[-2:])
            self.assertEqual(log(state, "--since", "1h")[1], rows)
            self.assertEqual(log(state, "--since", "2099-01-01")[1], [])

    def test_while_a_show_is_on_and_another_begins(self):
        with Folder() as f:
            state = f.path("state")
            show = [*SMALL, "--set", "dream.backend=null", "--set", "record.enabled=false", "--set", "show.state_dir=" + state]
            first = start("run", *show)
            end = time.monotonic() + 60
            while not log(state)[1] and time.monotonic() < end:
                time.sleep(0.2)
            self.assertTrue(log(state)[1])
            second = reverie("run", *show, "--duration", "1")
            self.assertEqual(second.returncode, 1)
            self.assertIn("another show", second.stderr)
            first.terminate()
            first.communicate(timeout=60)

    def test_by_default_a_second_show_goes_on_without(self):
        with Folder() as f:
            env = dict(os.environ, XDG_STATE_HOME=f.path("xdg"))
            show = [*SMALL, "--set", "dream.backend=null", "--set", "record.enabled=false", "--set", "show.state_dir=auto"]
            first = start("run", *show, env=env)
            end = time.monotonic() + 60
            while not os.path.exists(f.path("xdg", "reverie", "reverie.db-wal")) and time.monotonic() < end:
                time.sleep(0.2)
            self.assertEqual(os.stat(f.path("xdg", "reverie")).st_mode & 0o777, 0o700)
            second = reverie("run", *show, "--duration", "1", env=env)
            self.assertEqual(second.returncode, 0, second.stderr)
            self.assertIn("another show", second.stderr)
            first.terminate()
            first.communicate(timeout=60)

    def test_faults(self):
        with Folder() as f:
            p, _ = log(f.path("nothing"))
            self.assertEqual(p.returncode, 1)
            self.assertIn("no show has kept anything", p.stderr)
            p, _ = log("")
            self.assertEqual(p.returncode, 1)
            self.assertIn("show.state_dir", p.stderr)
            p, _ = log(f.path("nothing"), "--since", "yesterday")
            self.assertEqual(p.returncode, 2)
            self.assertIn("--since", p.stderr)


if __name__ == "__main__":
    unittest.main()
