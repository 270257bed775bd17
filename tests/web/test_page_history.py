"""What was dreamed before outlives the show, with its pictures, as far as the next page shows it."""
import os
import sqlite3
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import page_show  # noqa: E402
from page_show import Page  # noqa: E402


def dreams(page, text):
    return [d for d in page.get("/api/history")["dreams"] if d["text"] == text]


class Restart(unittest.TestCase):
    def test_history_is_there_again(self):
        with page_show.program.Folder() as f:
            state = "show.state_dir=" + f.path("state")
            with Page(state, "show.hold_s=2", "show.idle_s=1") as first:
                status, _, a = first.post("/api/request", {"text": "goldfish + pizza", "name": "ann"})
                self.assertEqual(status, 200, a)
                first.until(lambda s: s.get("now", {}).get("id") == a["id"], 60)
                first.until(lambda s: s.get("now", {}).get("id") != a["id"], 60)
                first.until(lambda _: dreams(first, "goldfish + pizza"), 10)
                before = dreams(first, "goldfish + pizza")[0]
                picture = first.get(before["picture"])
                first.stop()
            with Page(state) as second:
                after = dreams(second, "goldfish + pizza")[0]
                self.assertEqual(second.get(after["picture"]), picture)
                for key in ("by", "subjects"):
                    self.assertEqual(after[key], before[key])
                self.assertLess(abs(after["on_s"] - before["on_s"]), 3)
                status, _, b = second.post("/api/request", {"text": "king penguin", "name": "ben"})
                self.assertEqual(status, 200, b)
                self.assertGreater(b["id"], a["id"])  # numbers go on
                second.stop()
            with sqlite3.connect(f.path("state", "reverie.db")) as db:
                (longest,) = db.execute("SELECT max(length(thumbnail)) FROM shown").fetchone()
                self.assertLessEqual(longest, 20 << 10)
                self.assertEqual(db.execute("PRAGMA integrity_check").fetchone(), ("ok",))
            db.close()

    def test_without_a_folder_it_begins_empty(self):
        with Page("show.state_dir=") as page:
            self.assertEqual(page.get("/api/history"), {"dreams": []})


if __name__ == "__main__":
    unittest.main()
