"""The gallery through the whole show, behind its fence: wishes from the page and the terminal, !mine with links, the files at these
links, loops of both kinds, and nothing else of the folder."""
import glob
import json
import os
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from page_show import SLOW, Page  # noqa: E402
from program import Folder  # noqa: E402

SECONDS = 4  # a wish has the screen; a loop needs two


def webp_pictures(data):
    """How many pictures an animated WebP has, by its chunks (RIFF: 4 letters, size, padded to 2)."""
    at, count = 12, 0
    while at + 8 <= len(data):
        name, size = data[at:at + 4], struct.unpack_from("<I", data, at + 4)[0]
        count += name == b"ANMF"
        at += 8 + size + size % 2
    return count if data[:4] == b"RIFF" and data[8:12] == b"WEBP" and at == len(data) else 0


def mp4_pictures(path):
    out = subprocess.run(["ffprobe", "-v", "error", "-count_packets", "-show_entries", "stream=nb_read_packets,codec_type", "-of", "json",
                          path], stdout=subprocess.PIPE, check=True).stdout
    (stream,) = json.loads(out)["streams"]
    return int(stream["nb_read_packets"])


class Gallery(unittest.TestCase):
    def show(self, folder, loop):
        return Page("gallery.enabled=true", "gallery.dir=" + folder.path("gallery"), "gallery.loop=" + loop, "show.hold_s=%d" % SECONDS)

    def mine(self, p, number):
        """What !mine says, once the gallery's thread has written the files."""
        answers = []
        for _ in range(30 * SLOW):
            answers.append(p.post("/api/request", {"text": "!mine"})[2])
            if "-%d." % number in answers[-1].get("loop", ""):
                return answers[-1]
            time.sleep(1)
        self.fail("no links: %r\n%s" % (answers, p.log().decode()))

    def wishes_and_links(self, loop):
        with Folder() as f, self.show(f, loop) as p:
            ids = []
            for text in ("goldfish", "lemon", "pizza"):
                ids.append(p.post("/api/request", {"text": text})[2]["id"])
                p.until(lambda s: s.get("now", {}).get("id") == ids[-1])
            mine = self.mine(p, ids[1])  # the last one is on the screen, and has nothing yet
            self.assertIn("lemon", mine["reply"])
            self.assertRegex(mine["still"], r"^/gallery/\d{8}-\d{6}-%d\.jpg$" % ids[1])
            status, head, still = p.request("GET", mine["still"])
            self.assertEqual((status, head["content-type"], still[:3]), (200, "image/jpeg", b"\xff\xd8\xff"))
            status, head, film = p.request("GET", mine["loop"])
            self.assertEqual((status, head["content-type"]), (200, {"mp4": "video/mp4", "webp": "image/webp"}[loop]))
            count = webp_pictures(film) if loop == "webp" else mp4_pictures(f.write("loop.mp4", film))
            self.assertGreaterEqual(count, 8)
            for name in ("gallery.json", "../log", "%2e%2e/log", os.path.basename(mine["still"])[:-4] + ".png"):
                self.assertIn(p.request("GET", "/gallery/" + name)[0], (400, 404), name)
            self.assertLess(p.stop(), 20)
            self.assertEqual(p.process.returncode, 0, p.log().decode())
            self.assertNotIn(b"fence: open", p.log())
            names = sorted(os.path.basename(n).split(".")[-1] for n in glob.glob(f.path("gallery", "credits-*")))
            self.assertEqual(names, ["jpg", "json", "txt"])
            with open(glob.glob(f.path("gallery", "credits-*.txt"))[0], encoding="utf-8") as text:
                self.assertRegex(text.read(), r"(?s)goldfish.*lemon")
            self.assertEqual(os.stat(f.path("gallery", "gallery.json")).st_mode & 0o777, 0o600)  # who wished, by login

    def test_with_films(self):
        self.wishes_and_links("mp4")

    def test_with_webp(self):
        self.wishes_and_links("webp")


if __name__ == "__main__":
    unittest.main()
