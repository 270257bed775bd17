"""With show.adaptive_hold a subject that has formed gives way to whoever waits; without it, it keeps its time."""
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from program import Folder, reverie

SCRIPT = "0 ann goldfish\n1 bob pizza\n"


def pizza_at_s(adaptive, duration_s):
    """When an offline show goes over from the first wish to the second; None: it does not."""
    with Folder() as f:
        p = reverie("run", "--offline", "--seed", "3", "--script", f.write("script", SCRIPT), "--duration", str(duration_s), "--set",
                    "show.hold_s=300", "--set", "show.adaptive_hold=" + adaptive, "--set", "dream.size=128x80", "--set",
                    "dream.steps=4", "--set", "video.size=128x80", "--set", "video.fps=5", "--set", "record.enabled=false",
                    timeout=600)
        if p.returncode != 0:
            raise AssertionError(p.stderr)
        found = re.search(r"dream: ([0-9.]+) s: now dreaming pizza", p.stderr)
        return float(found.group(1)) if found else None


class AdaptiveHold(unittest.TestCase):
    def test_what_has_formed_gives_way(self):
        at_s = pizza_at_s("true", 45)
        self.assertIsNotNone(at_s)
        self.assertGreaterEqual(at_s, 15)  # everything gets that much

    def test_without_it_nothing_gives_way(self):
        self.assertIsNone(pizza_at_s("false", 30))


if __name__ == "__main__":
    unittest.main()
