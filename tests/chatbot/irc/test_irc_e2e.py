"""The bot against a scripted Twitch: every fault of the matrix I1 to I14, over real sockets and TLS."""
import os
import random
import shutil
import socket
import ssl
import tempfile
import threading
import time
import unittest

import fake_tmi
from fake_tmi import PATIENCE_S, SANITIZED, Bot, Server, wait_until

SECRET = "oauth:k3ep0utk3ep0utk3ep0utk3ep0ut"
TAGS = ("badge-info=subscriber/13;badges=subscriber/12,premium/1;client-nonce=459e3142897c7a22b7d275178f2259e0;"
        "color=#0000FF;display-name=Ann;emotes=25:0-4;first-msg=0;flags=;id=885196de-cb67-427a-baa8-82f9b0fcd05f;"
        "mod=0;returning-chatter=0;room-id=7;subscriber=1;tmi-sent-ts=1642696567751;turbo=0;user-id=4242;user-type=")


async def keep(talk):
    """A server that is well."""
    await talk.login()
    await talk.listen()


def own_address():
    """An IPv4 address of this machine that is not the loopback's, or None. By the routes, since its name need not
    resolve; connecting a datagram socket sends nothing, and 192.0.2.0/24 belongs to nobody (RFC 5737)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = s.getsockname()[0]
    return None if address.startswith("127.") else address


class Matrix(unittest.TestCase):
    def hears(self, send, count, **settings):
        """Starts bot and server, lets `send(talk)` speak, and returns the texts of `count` lines."""
        async def script(talk):
            await talk.login()
            send(talk)
            await talk.listen()
        with Server(script) as server, Bot(server.port, **settings) as bot:
            wait_until(lambda: len(bot.all("line")) >= count, what="%d lines" % count)
            self.assertEqual(len(server.talks), 1, "it had to reconnect")
            lines = bot.all("line")
            counters = bot.counters()
            self.assertEqual(counters["lost"], 0)
            self.assertEqual(counters["messages"], count)
        self.assertEqual([f for f in server.faults if f.startswith("script")], [])
        return lines

    def test_i1_long_lines(self):
        expected = []

        def send(talk):
            for tags in ("", TAGS):
                for size in (511, 512, 1023, 1024, 1025, 1500, 2000, 8703):
                    head = "%s:ann!ann@ann.tmi.twitch.tv PRIVMSG #chan :" % ("@%s " % tags if tags else "")
                    text = ("w" * (size - len(head) - 2 - 9) + " the end.") if size > len(head) + 20 else "short"
                    talk.say(head + text)
                    talk.chat("next")
                    expected.extend([text[:2048], "next"])
        lines = self.hears(send, 32)
        self.assertEqual([e["text"] for e in lines], expected)

    def test_i2_five_hundred_characters_of_every_kind(self):
        texts = ["\u0416" * 500, "\U0001f600" * 500, " ".join(["Kappa"] * 83), "\u6c34" * 500]

        def send(talk):
            for text in texts:
                talk.chat(text, tags=TAGS + ";emotes=25:" + ",".join("%d-%d" % (i * 6, i * 6 + 4) for i in range(83)))
                talk.chat("next")
        lines = self.hears(send, 8)
        self.assertEqual([e["text"] for e in lines[0::2]], texts)
        self.assertEqual([e["text"] for e in lines[1::2]], ["next"] * 4)
        self.assertEqual(lines[0]["name"], "Ann")
        self.assertEqual(lines[0]["user_id"], "4242")
        self.assertEqual(lines[0]["roles"], 8)

    def test_i3_packets_cut_anywhere(self):
        async def script(talk):
            await talk.login()
            talk.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            talk.raw(b"\r\n")
            talk.raw(b"\n\n\r\n:ann!a@h PRIVMSG #chan :one\n")
            for piece in (b":ann!a@h PRIVMSG #chan :two\r", b"\n\r", b"\n:ann!a@h PRIVMSG #chan :three\r\n"):
                talk.raw(piece)
                await talk.writer.drain()
                await talk.listen(0.02)
            for byte in b":ann!a@h PRIVMSG #chan :four \xd0\x96\r\n\r\n":
                talk.raw(bytes([byte]))
                await talk.writer.drain()
                await talk.listen(0.002)
            talk.raw(b"".join(b":ann!a@h PRIVMSG #chan :n%d\r\n" % i for i in range(10)))
            await talk.listen()
        with Server(script) as server, Bot(server.port) as bot:
            bot.wait("line", text="n9")
            self.assertEqual([e["text"] for e in bot.all("line")],
                             ["one", "two", "three", "four \u0416"] + ["n%d" % i for i in range(10)])

    def test_i4_bytes_that_steer_or_hide(self):
        cases = [(b"a\0b", "ab"), (b"\x01x", "x"), (b"\x02bold\x0304,01red\x03", "boldred"),
                 (b"\x1b[31mred\x1b[0m", "red"), (b"del\x7f", "del"), (b"bad\xff\xfe\xc0\xaf\xed\xa0\x80", "bad"),
                 ("rtl\u202e\u2066x\u2069".encode(), "rtlx"), (("e" + "\u0301" * 100).encode(), "e" + "\u0301" * 3),
                 ("a\u200db".encode(), "ab"), ("\u0628\u200d\u0629".encode(), "\u0628\u200d\u0629"), ("x \U000e0000".encode(), "x"), ("x\u034f".encode(), "x"),
                 ("\U0002070e\ufdfd".encode(), "\U0002070e\ufdfd"), (b"\x01ACTION waves\x01", "waves")]

        def send(talk):
            for data, _ in cases:
                talk.chat(data)
            talk.chat(b"\x01VERSION\x01")
            talk.chat(b"\x01DCC SEND ../x 2130706433 1 9\x01")
            talk.chat(b"\x01")
            talk.chat("last")
        lines = self.hears(send, len(cases) + 1)
        self.assertEqual([e["text"] for e in lines], [text for _, text in cases] + ["last"])
        self.assertEqual(lines[len(cases) - 1]["action"], 1)

    def test_i5_malformed_lines(self):
        rng = random.Random(5)
        bad = [b"@", b"@a", b":", b": ", b" ", b"PRIVMSG", b":x PRIVMSG", b":x PRIVMSG #chan", b":x 1 2", b":x 12 y",
               b"MODE " + b"a " * 40, b"x" * 20000, b"@" + b"k=v;" * 200 + b" :x NOTICE #chan :hi", b"@a=b\\ PING",
               b"@" + b"a" * 9000 + b" :ann!a@h PRIVMSG #chan", b"KILL bot :x", b"NICK", b":bot NICK", b"001", b"433",
               b":srv 353", b"CAP", b"CAP * ACK", b"RECONNECT_", b"\x00\x00", b"ERROR", b":x!y@z INVITE bot #c",
               b":x!y@z MODE #chan +o bot", b":x!y@z TOPIC #chan", b":x!y@z QUIT", b":x!y@z PART #chan"]

        def send(talk):
            talk.say(*bad)
            for _ in range(3000):
                data = bytearray(rng.choice(bad)[:600] + rng.choice(bad)[:200])
                for _ in range(rng.randrange(8)):
                    data[rng.randrange(len(data))] = rng.choice(b"@:;= \r\0\x01\xff#!x")
                if b"RECONNECT" not in data:
                    talk.say(bytes(data))
            talk.chat("last", user="zoe")
        async def script(talk):
            await talk.login()
            send(talk)
            await talk.listen()
        with Server(script) as server, Bot(server.port) as bot:
            bot.wait("line", user="zoe", text="last")
            self.assertEqual(len(server.talks), 1)
            self.assertEqual(bot.counters()["lost"], 0)

    def test_i6_flood(self):
        rate, seconds = 5000, 3
        pongs = []

        async def script(talk):
            await talk.login()
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
            talk.chat("say done")
            await talk.listen()
        with Server(script) as server, Bot(server.port, "quiet", ping=300, pong=2000) as bot:
            bot.wait("online")
            before = bot.rss_kb()
            bot.wait("line", text="say done", timeout=60)
            grown = bot.rss_kb() - before
            wait_until(lambda: server.talks[0].said(), what="an answer")
            counters = bot.counters()
            self.assertEqual(counters["messages"], rate * seconds + 1)
            self.assertEqual(counters["lost"], 0)
            self.assertEqual(len(server.talks), 1)
            self.assertGreaterEqual(len([t for t in server.talks[0].texts() if t.startswith("PING")]), 5)
            self.assertLess(max(pongs), 1.0)
            if not SANITIZED:
                self.assertLess(grown, 4096)

    def test_i7_pings_and_silence(self):
        async def script(talk):
            await talk.login()
            if talk.number == 0:
                for text in ("PING :tmi.twitch.tv", "PING", "PING a b"):
                    asked = time.monotonic()
                    talk.say(text)
                    answer = await talk.expect("PONG")
                    self.assertLess(time.monotonic() - asked, 1)
                    talk.said_pong = getattr(talk, "said_pong", []) + [answer]
                await talk.expect("PING")  # stays unanswered, the socket open
                talk.silent = time.monotonic()
            await talk.listen() if talk.number else await talk.expect("never")
        with Server(script) as server, Bot(server.port, ping=300, pong=200) as bot:
            server.wait_talks(2)
            self.assertEqual(server.talks[0].said_pong, ["PONG :tmi.twitch.tv", "PONG", "PONG :b"])
            self.assertLess(server.talks[1].began - server.talks[0].silent, 2 if SANITIZED else 0.7)
            bot.wait("waiting", text=lambda t: "silent" in t)
            bot.wait("online", after=len(bot.events) - 1 if bot.events[-1]["event"] == "online" else 0)
            time.sleep(1.2)  # several PINGs that are answered
            self.assertEqual(len(server.talks), 2)

    def test_i8_every_way_to_lose_a_connection(self):
        async def script(talk):
            await talk.login()
            talk.chat("hello %d" % talk.number)
            way = talk.number % 5
            if way == 0:
                talk.say(":tmi.twitch.tv RECONNECT")
                await talk.listen()
            elif way == 1:
                return  # closes
            elif way == 2:
                await talk.listen(0.05)
                talk.reset()
            elif way == 3:
                talk.raw(b":ann!a@h PRIVMSG #chan :half a li")
                return
            else:
                await talk.expect("never")  # half-open: reads and says nothing more
        with Server(script) as server, Bot(server.port, ping=200, pong=100, retry_max=100) as bot:
            server.wait_talks(11)
            heard = {e["text"] for e in bot.all("line")}
            self.assertLessEqual({"hello %d" % i for i in range(10)}, heard)
            waits = [e["text"].rsplit(" ", 2)[1] for e in bot.all("waiting")]
            self.assertGreater(len(set(waits)) + len(waits), 10)
            files = bot.files()
            server.wait_talks(16)
            self.assertLessEqual(bot.files(), files + 2)

    def test_i8_never_more_than_twenty_logins_in_ten_seconds(self):
        async def script(talk):
            await talk.login()
        with Server(script) as server, Bot(server.port, retry_min=1, retry_max=2) as bot:
            bot.wait("waiting", text=lambda t: float(t.split()[-2]) > 2)
            began = time.monotonic()
            time.sleep(1)
            self.assertEqual(len(server.talks), 20)
            self.assertLess(began - server.talks[0].began, 8)

    def test_i9_refused_logins(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "token")

            def put(token):
                with open(path + ".new", "w") as f:
                    f.write(token + "\n")
                os.chmod(path + ".new", 0o600)
                os.rename(path + ".new", path)
            notices = ["Login authentication failed", "Improperly formatted auth", "Login unsuccessful", "Invalid NICK"]
            passwords = []

            async def script(talk):
                for _ in range(4):
                    text = await talk.line()
                    if text.startswith("PASS "):
                        passwords.append((talk.number, text[5:]))
                if talk.number < len(notices):
                    talk.say(":tmi.twitch.tv NOTICE * :" + notices[talk.number])
                    return
                await talk.expect("CAP END")
                talk.say(":tmi.twitch.tv 001 bot :hi")
                await talk.expect("JOIN")
                talk.nick = "bot"
                talk.joined()
                await talk.listen()
            put(SECRET + "0")
            with Server(script) as server, Bot(server.port, login_retry=500, anonymous_fallback="false",
                                               env={"REVERIE_CHAT_TOKEN_FILE": path}) as bot:
                for i in range(4):
                    server.wait_talks(i + 1)
                    put(SECRET + str(i + 1))
                bot.wait("online")
                self.assertEqual(passwords, [(i, SECRET + str(i)) for i in range(5)])
                for before, after in zip(server.talks, server.talks[1:]):
                    self.assertGreater(after.began - before.began, 0.5)
                self.assertEqual([e["text"].split(";")[0] for e in bot.all("alarm")], notices)
                self.assertNotIn(SECRET.encode(), bot.raw)
            self.assertNotIn(SECRET.encode(), bot.errors)

    def test_i9_anonymous_while_the_token_is_refused(self):
        async def script(talk):
            password = None
            while not (text := await talk.expect("")).startswith("CAP END"):
                if text.startswith("PASS "):
                    password = text[5:]
                if text.startswith("NICK "):
                    talk.nick = text[5:]
            talk.password = password
            if password == "old":
                talk.say(":tmi.twitch.tv NOTICE * :Login authentication failed")
                return
            talk.say(":tmi.twitch.tv 001 %s :hi" % talk.nick)
            await talk.expect("JOIN")
            talk.joined()
            talk.chat("say who are you")
            await talk.listen()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "token")

            def put(token):
                with open(path, "w") as f:
                    f.write(token)
                os.chmod(path, 0o600)
            put("old")
            with Server(script) as server, Bot(server.port, login_retry=300, fallback=60000,
                                               env={"REVERIE_CHAT_TOKEN_FILE": path}) as bot:
                bot.wait("online", text=lambda t: "listening only" in t)
                bot.wait("line")
                self.assertRegex(server.talks[1].nick, "^justinfan[0-9]{5}$")
                time.sleep(0.8)
                self.assertEqual(len(server.talks), 2)
                self.assertEqual(server.talks[1].said(), [])
                put("new")
                bot.wait("online", text="in #chan")
                self.assertEqual([t.password for t in server.talks], ["old", None, "new"])
                wait_until(lambda: server.talks[2].said())

    def test_i9_no_tags_and_a_silent_join(self):
        async def script(talk):
            await talk.login(caps="NAK", join=False)
            for _ in range(4):
                await talk.expect("JOIN #chan")
            talk.joined()
            talk.chat("say \u0416" + "\u0416" * 450)
            await talk.listen()
        with Server(script) as server, Bot(server.port, join=100, join_slow=300) as bot:
            bot.wait("online")
            self.assertEqual(len([e for e in bot.all("alarm") if "does not answer to JOIN" in e["text"]]), 1)
            wait_until(lambda: server.talks[0].said())
            self.assertLessEqual(len(server.talks[0].said()[0][1].encode()), 400)

    def test_i11_names(self):
        with Server(keep, hosts=("127.0.0.1", "127.0.0.2")) as server, \
                Bot(server.port, "lookup=fail,fail,400:127.0.0.1,127.0.0.2", server="irc.example", connect=200) as bot:
            bot.wait("online")
            self.assertEqual(len([e for e in bot.all("waiting") if "cannot find" in e["text"]]), 2)
            self.assertGreaterEqual(len([e for e in bot.all("waiting") if "takes too long" in e["text"]]), 1)
            server.loop.call_soon_threadsafe(server.talks[0].reset)
            server.wait_talks(2)
            self.assertEqual(server.talks[1].writer.get_extra_info("sockname")[0], "127.0.0.2")

    def test_i11_ipv6_only(self):
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            self.skipTest("no IPv6 on this machine")
        with Server(keep, hosts=("::1",)) as server, Bot(server.port, server="::1") as bot:
            bot.wait("online")

    def test_i11_the_system_resolver(self):
        with Server(keep) as server, Bot(server.port, server="localhost") as bot:
            bot.wait("online")

    def test_i12_replies_under_limits(self):
        async def script(talk):
            await talk.login()
            for i in range(25):
                talk.chat("say @viewer%02d your wish is heard" % i)
            talk.chat("say same")
            talk.chat("say " + "x" * 600)
            await talk.listen()
        with Server(script) as server, Bot(server.port) as bot:
            bot.wait("online")
            wanted = ["@viewer%02d your wish is heard" % i for i in range(25)] + ["x" * 490, "same"]
            wait_until(lambda: all(any(w in text for _, text in server.talks[0].said()) for w in wanted))
            said = server.talks[0].said()
            self.assertTrue(all(len(text) <= 500 for _, text in said))
            self.assertEqual(len({text for _, text in said}), len(said))
            self.assertLessEqual(len(said), 18)
            for (a, _), (b, _) in zip(said, said[1:]):
                self.assertGreaterEqual(b - a, 1.05)

    def test_i12_a_pause_when_the_server_wants_one(self):
        async def script(talk):
            await talk.login()
            talk.say("@msg-id=msg_ratelimit :tmi.twitch.tv NOTICE #chan :Your message was not sent")
            talk.chat("say later")
            await talk.listen()
        with Server(script) as server, Bot(server.port, pause=600) as bot:
            line = bot.wait("line")
            wait_until(lambda: server.talks[0].said())
            self.assertGreater(server.talks[0].said()[0][0], 0.55, line)

    def test_i13_removals_come_at_once_and_in_order(self):
        async def script(talk):
            await talk.login()
            talk.chat("a", tags="id=m-1;room-id=7")
            talk.say("@login=ann;room-id=;target-msg-id=m-1;tmi-sent-ts=1 :tmi.twitch.tv CLEARMSG #chan :a")
            talk.chat("b", user="bob")
            talk.say("@ban-duration=600;room-id=7;target-user-id=1;tmi-sent-ts=1 :tmi.twitch.tv CLEARCHAT #chan :bob")
            talk.say("@room-id=7;tmi-sent-ts=1 :tmi.twitch.tv CLEARCHAT #chan")
            talk.chat("c")
            await talk.listen()
        with Server(script) as server, Bot(server.port) as bot:
            bot.wait("line", text="c")
            events = [e for e in bot.events if e["event"] in ("line", "clear", "delete")]
            self.assertEqual([(e["event"], e.get("text", e.get("id", e["user"]))) for e in events],
                             [("line", "a"), ("delete", "m-1"), ("line", "b"), ("clear", "bob"), ("clear", ""),
                              ("line", "c")])
            self.assertLess(events[-1]["ms"] - events[0]["ms"], 200 if SANITIZED else 33)
            self.assertEqual(events[0]["id"], "m-1")

    def test_i14_shared_chat_and_missing_names(self):
        def send(talk):
            talk.chat("ours", tags="room-id=7;source-room-id=7;id=1")
            talk.chat("theirs", tags="room-id=7;source-room-id=8;source-id=2;id=3")
            talk.chat("nameless", user="bob", tags="badges=;display-name=;room-id=7")
            talk.chat("bare", user="cem")
            talk.chat("mod", tags="badges=moderator/1,vip/1;mod=1;room-id=7")
            talk.chat("host", tags="badges=broadcaster/1;room-id=7")
        lines = self.hears(send, 5)
        self.assertEqual([(e["text"], e["name"], e["roles"]) for e in lines],
                         [("ours", "ann", 0), ("nameless", "bob", 0), ("bare", "cem", 0), ("mod", "ann", 6),
                          ("host", "ann", 1)])

    def test_the_token_stays_off_plain_networks(self):
        address = own_address()
        if not address:
            self.skipTest("this machine has no address but the loopback")
        with Server(keep, hosts=(address,)) as server, \
                Bot(server.port, server=address, anonymous_fallback="false", env={"REVERIE_CHAT_TOKEN": SECRET}) as bot:
            bot.wait("alarm", text=lambda t: "not sent without encryption" in t)
            self.assertEqual(server.talks[0].texts() if server.talks else [], [])

    def test_the_end_comes_soon_in_every_state(self):
        async def mute(talk):
            await talk.listen()

        async def no_join(talk):
            await talk.login(join=False)
            await talk.listen()

        async def hang_up(_):
            return
        closed = socket.create_server(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        closed.close()
        for name, script, state, settings in [
                ("greeting", mute, "connecting", {}), ("joining", no_join, "joining", {}), ("online", keep, "online", {}),
                ("waiting", hang_up, "waiting", {"retry_min": 60000, "retry_max": 60000}),
                ("refused", None, "waiting", {"port": port, "retry_min": 60000, "retry_max": 60000}),
                ("name", None, "connecting", {"lookup": "60000:127.0.0.1", "server": "slow.example"}),
                ("handshake", mute, "connecting", {"tls": "true"})]:
            with self.subTest(name), Server(script or keep) as server:
                with Bot(**{"port": server.port, **settings}) as bot:
                    bot.wait(state)
                    time.sleep(0.1)
                    self.assertLess(bot.close(), 2000 if SANITIZED else 500)


@unittest.skipUnless(shutil.which("openssl"), "the openssl command, which makes the certificates, is not there")
class Encrypted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.certificates = fake_tmi.Certificates()

    @classmethod
    def tearDownClass(cls):
        cls.certificates.close()

    def bot(self, port, **settings):
        given = dict(tls="true", ca_file=self.certificates.ca, server="localhost", env={"REVERIE_CHAT_TOKEN": SECRET})
        given.update(settings)
        return Bot(port, **given)

    def test_i10_a_good_server_gets_the_token(self):
        passwords = []

        async def script(talk):
            passwords.append(await talk.login())
            talk.chat("\u0416" * 500, tags=TAGS)
            for i in range(2000):
                talk.chat("line %d" % i, tags=TAGS)
            talk.chat("say bye")
            await talk.listen()
        for host in ("localhost", "127.0.0.1"):
            with Server(script, tls=self.certificates.good) as server, self.bot(server.port, server=host) as bot:
                bot.wait("line", text="say bye")
                wait_until(lambda: server.talks[0].said())
                self.assertEqual(bot.counters()["messages"], 2002)
        self.assertEqual(passwords, [SECRET, SECRET])

    def test_i10_impostors_are_refused(self):
        cases = [("self_signed", "not trusted"), ("expired", "expired"), ("wrong_host", "name"),
                 ("weak", "insecure"), ("for_clients", "purpose")]
        for name, word in cases:
            with self.subTest(name), Server(keep, tls=getattr(self.certificates, name)) as server, \
                    self.bot(server.port) as bot:
                alarm = bot.wait("alarm", timeout=10)
                self.assertIn("does not prove who it is", alarm["text"])
                self.assertIn(word, alarm["text"].lower())
                self.assertLess(alarm["ms"], 10000)
                bot.wait("connecting", after=bot.events.index(alarm))
                self.assertEqual([t.texts() for t in server.talks if t.texts()], [])
                self.assertNotIn(SECRET.encode(), bot.raw)
        with Server(keep, tls=self.certificates.good) as server, self.bot(server.port, ca_file="") as bot:
            bot.wait("alarm", text=lambda t: "prove" in t or "trusts no certificates" in t)

    def test_i10_old_protocols_are_refused(self):
        for newest in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            with Server(keep, tls=self.certificates.good, newest=newest) as server, self.bot(server.port) as bot:
                self.assertIn("TLS handshake", bot.wait("waiting")["text"])
                self.assertEqual([t.texts() for t in server.talks if t.texts()], [])
        with Server(keep, tls=self.certificates.good, newest=ssl.TLSVersion.TLSv1_2) as server, \
                self.bot(server.port) as bot:
            bot.wait("online")

    def test_i10_plain_text_and_stalled_handshakes(self):
        received = []

        def serve(greeting):
            sock = socket.create_server(("127.0.0.1", 0))

            def run():
                while True:
                    try:
                        peer, _ = sock.accept()
                    except OSError:
                        return
                    try:
                        with peer:
                            peer.settimeout(PATIENCE_S)
                            peer.sendall(greeting)
                            received.append(peer.recv(65536))
                            peer.recv(65536)
                    except OSError:
                        pass  # the bot hung up with what we sent unread
            thread = threading.Thread(target=run)
            thread.start()
            return sock, thread
        for greeting, word in ((b":tmi.twitch.tv NOTICE * :hello\r\n" * 20, "handshake"), (b"", "handshake")):
            sock, thread = serve(greeting)
            with self.bot(sock.getsockname()[1], connect=700) as bot:
                event = bot.wait("waiting")
                self.assertIn(word, event["text"])
                self.assertLess(event["ms"], 4000)
                bot.wait("waiting", after=bot.events.index(event) + 1)
            sock.shutdown(socket.SHUT_RDWR)
            sock.close()
            thread.join()
        self.assertTrue(received)
        for data in received:
            for word in (b"PASS", b"NICK", SECRET.encode()):
                self.assertNotIn(word, data)

    def test_i8_a_tls_connection_is_lost_and_found(self):
        async def script(talk):
            await talk.login()
            talk.chat("hello %d" % talk.number)
            await talk.listen(0.05)
            if talk.number == 0:
                talk.reset()
            elif talk.number > 1:
                await talk.listen()
        with Server(script, tls=self.certificates.good) as server, self.bot(server.port) as bot:
            bot.wait("line", text="hello 2")
            self.assertLess(bot.close(), 2000)


if __name__ == "__main__":
    unittest.main()
