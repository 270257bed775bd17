#!/usr/bin/python3
"""A long flood: `tests/chatbot/irc/soak_irc.py 1000x60 10000x5` sends so many lines a second for so many seconds, tagged and
over TLS, to the bot in front of a scripted server, and demands that every line is heard, every PING answered within a
second, and memory stays as it was. $REVERIE is the program's path, as for the tests."""
import os
import sys
import time

os.environ.setdefault("REVERIE", os.path.join(os.path.dirname(__file__), "..", "..", "build", "reverie"))
from fake_tmi import Bot, Certificates, Server, wait_until  # noqa: E402  pylint: disable=wrong-import-position

TAGS = ("badges=subscriber/12;color=#0000FF;display-name=Ann;emotes=25:0-4;id=885196de-cb67-427a-baa8-82f9b0fcd05f;"
        "room-id=7;tmi-sent-ts=1642696567751;user-id=4242;user-type=")


def flood(certificates, rate, seconds):
    pongs = []

    async def script(talk):
        await talk.login()
        began = time.monotonic()
        for tenth in range(seconds * 10):
            talk.raw("".join("@%s :u%d!u@h PRIVMSG #chan :flood %d of many many words\r\n" % (TAGS, i % 900, i)
                             for i in range(rate // 10)).encode())
            talk.say("PING :%d" % tenth)
            asked = time.monotonic()
            await talk.writer.drain()
            await talk.expect("PONG :%d" % tenth)
            pongs.append(time.monotonic() - asked)
            await talk.listen(max(0.001, began + (tenth + 1) / 10 - time.monotonic()))
        talk.chat("say done")
        await talk.listen()

    with Server(script, tls=certificates.good) as server, \
            Bot(server.port, "quiet", tls="true", server="localhost", ca_file=certificates.ca, ping=5000,
                pong=5000) as bot:
        bot.wait("online")
        before = bot.rss_kb()
        bot.wait("line", text="say done", timeout=2 * seconds + 60)
        after = bot.rss_kb()
        wait_until(lambda: server.talks[0].said(), what="the answer")
        heard = bot.counters()["messages"] - 1
        print("%d lines/s for %d s: %d heard, RSS %d -> %d kB, slowest PONG %.0f ms, %d connection(s)" %
              (rate, seconds, heard, before, after, max(pongs) * 1e3, len(server.talks)), flush=True)
        return heard == rate * seconds and max(pongs) < 1 and after - before < 4096 and len(server.talks) == 1


def main():
    certificates = Certificates()
    try:
        return 0 if all([flood(certificates, *map(int, a.split("x"))) for a in sys.argv[1:] or ["1000x60", "10000x5"]]) else 1
    finally:
        certificates.close()


if __name__ == "__main__":
    sys.exit(main())
