"""The bot, a viewer and a real IRC server: InspIRCd with TLS. Left out, with a word, where it is not installed."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import fake_tmi
from fake_tmi import Bot, wait_until

SERVER = shutil.which("inspircd") or shutil.which("inspircd", path="/usr/sbin:/usr/lib/inspircd")
CONFIG = """<server name="irc.test" description="test" network="Test">
<admin name="a" nick="a" email="a@test">
<module name="ssl_gnutls">
<sslprofile name="p" provider="gnutls" certfile="%(certificate)s" keyfile="%(key)s" hash="sha256">
<bind address="127.0.0.1" port="%(tls_port)d" type="clients" sslprofile="p">
<bind address="127.0.0.1" port="%(port)d" type="clients">
<connect allow="*" %(password)s timeout="20" threshold="100000" commandrate="10000000" fakelag="no" pingfreq="5"
 hardsendq="10485760" softsendq="10240000" recvq="1048576" localmax="100" globalmax="100" useident="no"
 resolvehostnames="no" maxconnwarn="no">
<connect allow="*" name="open" timeout="20" threshold="100000" commandrate="10000000" fakelag="no" localmax="100"
 globalmax="100" resolvehostnames="no" recvq="1048576" hardsendq="10485760">
<performance nouserdns="yes" clonesonconnect="no" quietbursts="yes">
<limits maxline="4096">
<log method="file" type="* -USERINPUT -USEROUTPUT" level="default" target="%(folder)s/log">
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def holds(path, text):
    """Is the file there, with this in it?"""
    try:
        with open(path, errors="replace") as f:
            return text in f.read()
    except FileNotFoundError:
        return False


class Viewer:
    """Somebody in the room, on a plain socket."""

    def __init__(self, port, nick="ann"):
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.file = self.sock.makefile("rb")
        self.raw(b"NICK %s\r\nUSER %s 0 * :x\r\n" % (nick.encode(), nick.encode()))
        self.until(b" 001 ")
        self.raw(b"JOIN #chan\r\n")
        self.until(b" 366 ")

    def raw(self, data):
        self.sock.sendall(data)

    def say(self, text):
        self.raw(b"PRIVMSG #chan :" + (text if isinstance(text, bytes) else text.encode()) + b"\r\n")

    def until(self, part, timeout=20):
        self.sock.settimeout(timeout)
        while True:
            line = self.file.readline()
            if not line:
                raise AssertionError("the server hung up")
            if line.startswith(b"PING"):
                self.raw(b"PONG" + line[4:])
            if part in line:
                return line.decode("utf-8", "replace").rstrip()

    def close(self):
        self.file.close()
        self.sock.close()


@unittest.skipUnless(SERVER, "inspircd is not installed")
@unittest.skipUnless(shutil.which("openssl"), "the openssl command, which makes the certificates, is not there")
class Inspircd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.certificates = fake_tmi.Certificates()
        cls.folder = tempfile.mkdtemp(prefix="reverie-inspircd-")

    @classmethod
    def tearDownClass(cls):
        cls.certificates.close()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def setUp(self):
        self.port, self.tls_port = free_port(), free_port()
        self.process = None

    def tearDown(self):
        self.stop()

    def start(self, certificate="good", password=""):
        values = dict(certificate=getattr(self.certificates, certificate)[0],
                      key=getattr(self.certificates, certificate)[1], tls_port=self.tls_port, port=self.port,
                      folder=self.folder, password='password="%s"' % password if password else "")
        path = os.path.join(self.folder, "inspircd.conf")
        with open(path, "w") as f:
            f.write(CONFIG % values)
        argv = [SERVER, "--config", path, "--nofork", "--nopid"] + (["--runasroot"] if os.getuid() == 0 else [])
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, cwd=self.folder)

        def is_up():
            if self.process.poll() is not None:
                raise AssertionError(self.process.stdout.read().decode("utf-8", "replace"))
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return True
            except OSError:
                return False
        wait_until(is_up, what="inspircd")

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None

    def bot(self, **settings):
        given = dict(tls="true", ca_file=self.certificates.ca, server="localhost")
        given.update(settings)
        return Bot(self.tls_port, **given)

    def test_i1_i2_i3_i4_lines_of_every_kind(self):
        self.start()
        with self.bot() as bot:
            bot.wait("online")
            ann = Viewer(self.port)
            texts = ["w" * n for n in (400, 510, 1000, 1023, 1024, 1500, 3000)]
            texts += ["\u0416" * 500, "\U0001f600" * 500, " ".join(["Kappa"] * 83)]
            for text in texts:
                ann.say(text)
                ann.say("next")
            dirty = [(b"\x02bold\x0304,01red", "boldred"), (b"\x1b[31mred", "red"), ("rtl\u202ex".encode(), "rtlx"),
                     (b"bad\xff\xfe", "bad"), (b"\x01ACTION waves\x01", "waves")]
            for data, _ in dirty:
                ann.say(data)
            for byte in b"\r\n\n\r\nPRIVMSG #chan :slow\r\n":
                ann.raw(bytes([byte]))
            ann.raw(b"".join(b"PRIVMSG #chan :n%d\r\n" % i for i in range(10)))
            bot.wait("line", text="n9")
            heard = [e["text"] for e in bot.all("line")]
            for text, got in zip(texts, heard[0:20:2]):
                self.assertTrue(got == text or (text.startswith(got) and len(got) == 2048), (len(text), len(got)))
            self.assertEqual(heard[1:20:2], ["next"] * 10)
            self.assertEqual(heard[20:], [text for _, text in dirty] + ["slow"] + ["n%d" % i for i in range(10)])
            ann.close()

    def test_replies_and_kicks(self):
        self.start()
        ann = Viewer(self.port)  # the first in the room: its operator
        with self.bot(join=200) as bot:
            bot.wait("online")
            ann.until(b"JOIN")
            ann.say("say hello \u0416")
            self.assertTrue(ann.until(b"PRIVMSG").endswith("PRIVMSG #chan :hello \u0416"))
            n = len(bot.events)
            ann.raw(b"KICK #chan bot :out\r\n")
            bot.wait("online", after=n)
            ann.say("say again")
            ann.until(b":again")
            ann.raw(b"PRIVMSG bot :\x01VERSION\x01\r\nPRIVMSG bot :say private\r\n")
            time.sleep(0.3)
            self.assertEqual(bot.counters()["sent"], 2)
        ann.close()

    def test_i8_server_dies_and_stalls(self):
        self.start()
        with self.bot(ping=300, pong=300) as bot:
            bot.wait("online")
            self.stop()
            bot.wait("waiting")
            n = len(bot.events)
            self.start()
            bot.wait("online", after=n)
            self.process.send_signal(signal.SIGSTOP)
            bot.wait("waiting", text=lambda t: "silent" in t)
            n = len(bot.events)
            self.process.send_signal(signal.SIGCONT)
            bot.wait("online", after=n)
            ann = Viewer(self.port)
            ann.say("still there")
            bot.wait("line", text="still there")
            ann.close()

    def test_i9_a_nick_in_use_and_a_password(self):
        self.start(password="opensesame")
        with self.bot(anonymous_fallback="false", env={"REVERIE_CHAT_TOKEN": "opensesame"}) as bot, \
                self.bot(env={"REVERIE_CHAT_TOKEN": "opensesame"}) as twin:
            first, second = bot.wait("joining"), twin.wait("joining")
            self.assertEqual({e["text"].split()[-1] for e in (first, second)}, {"bot", "bot_"})
            bot.wait("online")
            twin.wait("online")

    def test_i10_impostors(self):
        self.start(certificate="wrong_host")
        with self.bot() as bot:
            bot.wait("alarm", text=lambda t: "prove" in t)
        with self.bot(ca_file="") as bot:
            bot.wait("alarm", text=lambda t: "prove" in t or "trusts no certificates" in t)
        with Bot(self.port, connect=1500, tls="true", ca_file=self.certificates.ca) as bot:
            bot.wait("waiting", text=lambda t: "handshake" in t)

    @contextlib.contextmanager
    def real_client(self):
        """The client ii in the room. Gives say(text) and heard(text), which waits for it."""
        with tempfile.TemporaryDirectory() as home:
            client = subprocess.Popen(["ii", "-i", home, "-s", "127.0.0.1", "-p", str(self.port), "-n", "ann"],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                server = os.path.join(home, "127.0.0.1")
                wait_until(lambda: os.path.exists(os.path.join(server, "in")), what="ii")
                wait_until(lambda: holds(os.path.join(server, "out"), "Welcome"), what="ii's login")
                with open(os.path.join(server, "in"), "w") as f:
                    f.write("/j #chan\n")
                channel = os.path.join(server, "#chan")
                wait_until(lambda: os.path.exists(os.path.join(channel, "in")), what="the room")

                def say(text):
                    with open(os.path.join(channel, "in"), "w") as f:
                        f.write(text + "\n")

                yield say, lambda text: wait_until(lambda: holds(os.path.join(channel, "out"), text), what=text)
            finally:
                client.kill()
                client.wait()

    @unittest.skipUnless(shutil.which("ii"), "the IRC client ii is not installed")
    def test_a_real_client_is_answered(self):
        self.start()
        with self.bot() as bot:
            bot.wait("online")
            with self.real_client() as (say, heard):
                say("say goldfish it is")
                heard("<bot> goldfish it is")

    @unittest.skipUnless(shutil.which("ii"), "the IRC client ii is not installed")
    def test_a_wish_typed_in_a_real_client_changes_the_dream(self):
        self.start()
        log_path = os.path.join(self.folder, "show.log")
        with open(log_path, "wb") as log:
            show = subprocess.Popen(
                [fake_tmi.REVERIE, "run", "--duration", "300", "--set", "dream.size=128x128", "--set", "dream.steps=2",
                 "--set", "video.size=320x180", "--set", "record.enabled=false", "--set", "show.state_dir=",
                 "--set", "chat.enabled=true", "--set", "chat.server=localhost",
                 "--set", "chat.port=%d" % self.tls_port, "--set", "chat.channel=chan", "--set", "chat.nick=dreamer",
                 "--set", "chat.ca_file=" + self.certificates.ca],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_until(lambda: holds(log_path, "#chan"), what="the show in the room")
            with self.real_client() as (say, heard):
                say("nothing to see here, everybody")
                say("!dream goldfish")
                heard("<dreamer> @ann ")
                wait_until(lambda: holds(log_path, "now dreaming goldfish"), what="the dream's turn")
                wait_until(lambda: holds(log_path, "request 1 is on the screen"), what="the picture")
        finally:
            show.terminate()
            self.assertEqual(show.wait(30), 0)


if __name__ == "__main__":
    unittest.main()
