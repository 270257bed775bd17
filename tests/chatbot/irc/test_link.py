"""The whole show in a scripted Twitch: wishes, moderation, and a flood that the picture must not notice."""
import os
import re
import socket
import subprocess
import tempfile
import time
import unittest

from fake_tmi import REVERIE, SANITIZED, Server, wait_until

TAGS = "badges=;display-name=Ann;id=m-1;room-id=7;user-id=1"
# Rate x seconds of the flood; FLOOD=1000x60,10000x5 is what the promise says.
FLOODS = [tuple(map(int, part.split("x"))) for part in os.environ.get("FLOOD", "1000x4").split(",")]


class Show:
    """reverie run in the room; `log()` is what it has said so far."""

    def __init__(self, port, *settings):
        self.file = tempfile.NamedTemporaryFile(prefix="reverie-room-")
        given = ["dream.size=128x128", "dream.steps=2", "video.size=320x180", "record.enabled=false", "show.state_dir=",
                 "chat.enabled=true", "chat.server=127.0.0.1", "chat.port=%d" % port, "chat.tls=false",
                 "chat.channel=chan", "chat.nick=bot", *settings]
        argv = [REVERIE, "run"] + [word for s in given for word in ("--set", s)]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.file, stderr=self.file)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.file.close()

    def log(self):
        with open(self.file.name, encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait(self, pattern):
        wait_until(lambda: re.search(pattern, self.log()), what=pattern)

    def rss_mb(self):
        with open("/proc/%d/statm" % self.process.pid) as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6

    def end(self):
        """Its exit code and the line of figures."""
        self.process.terminate()
        code = self.process.wait(30)
        return code, re.search(r"stats: all .*", self.log()).group(0)


class Link(unittest.TestCase):
    def test_every_state_is_logged_once(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            with Show(s.getsockname()[1]) as show:  # bound and not listening: refused
                show.wait(r"chat: .*next attempt")
                show.end()
                said = [line.split(" ", 1)[1] for line in show.log().splitlines() if " chat: " in line]
        self.assertEqual(len([line for line in said if "connecting to" in line]), 1, said)
        for line in said:
            text = line.split("chat: ", 1)[1]
            self.assertEqual(len([other for other in said if other.endswith(text)]), 1, said)

    def test_a_wish_is_answered_dreamed_and_withdrawn(self):
        async def script(talk):
            await talk.login()
            talk.chat("isn't this nice, everybody?", tags=TAGS)
            talk.chat("!dream goldfish", tags=TAGS)
            await talk.listen()
        with Server(script) as server, Show(server.port) as show:
            show.wait(r"now dreaming goldfish +@Ann")
            wait_until(lambda: server.talks[0].said(), what="the answer")
            self.assertEqual(len(server.talks[0].said()), 1)
            self.assertIn("goldfish", server.talks[0].said()[0][1])
            show.wait(r"request 1 is on the screen")
            server.loop.call_soon_threadsafe(
                server.talks[0].say, "@ban-duration=60;room-id=7;target-user-id=1 :tmi.twitch.tv CLEARCHAT #chan :ann")
            show.wait(r"request 1 was withdrawn")
            show.wait(r"withdrawn[\s\S]*now dreaming (?!goldfish)")
            code, _ = show.end()
            self.assertEqual(code, 0)

    def test_the_picture_does_not_notice_a_flood(self):
        pongs = []

        async def script(talk):
            await talk.login()
            for rate, seconds in FLOODS:
                began = time.monotonic()
                for tenth in range(seconds * 10):
                    for i in range(rate // 10):
                        talk.chat("flood %d of many many words" % i, user="u%d" % (i % 900), tags=TAGS)
                    talk.say("PING :%d" % tenth)
                    asked = time.monotonic()
                    await talk.writer.drain()
                    await talk.expect("PONG :%d" % tenth)
                    pongs.append(time.monotonic() - asked)
                    await talk.listen(max(0.001, began + (tenth + 1) / 10 - time.monotonic()))
            talk.chat("!dream goldfish", tags=TAGS)
            await talk.listen()
        seconds = sum(s for _, s in FLOODS)
        with Server(script) as server, Show(server.port) as show:
            show.wait(r"is on the screen|now dreaming")
            wait_until(lambda: pongs, what="the flood")
            before = show.rss_mb()
            wait_until(lambda: len(pongs) == seconds * 10, timeout=seconds * 4 + 30, what="the end of the flood")
            grown = show.rss_mb() - before
            show.wait(r"now dreaming goldfish")
            code, figures = show.end()
            self.assertEqual(code, 0)
            self.assertEqual(len(server.talks), 1)
            if os.environ.get("FLOOD"):
                print("flood %s: slowest PONG %.0f ms, %+.1f MB, %s" % (FLOODS, 1000 * max(pongs), grown, figures))
            self.assertLess(max(pongs), 5 if SANITIZED else 1)
            if not SANITIZED:
                self.assertLess(grown, 16)
                self.assertLess(float(re.search(r"([0-9.]+) % repeated", figures).group(1)), 10, figures)


if __name__ == "__main__":
    unittest.main()
