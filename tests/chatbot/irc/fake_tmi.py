"""A scripted Twitch for tests: what the real one does, and everything that it does when it is not well.

A server runs an asyncio loop on a thread. Each connection runs the test's script, a coroutine that gets a Conversation;
conversations are kept in Server.talks, in order, with all that the bot sent. Certificates are made by the openssl
command, once per test run. Bot starts the probe (test_irc_probe.c) and collects what it reports."""
import asyncio
import json
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time

REVERIE = os.environ.get("REVERIE", "")
SANITIZED = bool(os.environ.get("SANITIZER"))
PATIENCE_S = 60 if SANITIZED else 20


def probe_path():
    folder = os.path.dirname(REVERIE)
    if not os.path.basename(folder).startswith("obj-"):
        folder = os.path.join(folder, "obj-release")
    return os.path.join(folder, "tests", "chatbot", "irc", "test_irc_probe")


class Conversation:
    """One connection, as the server sees it."""

    def __init__(self, reader, writer, number):
        self.reader, self.writer, self.number = reader, writer, number
        self.began = time.monotonic()
        self.sent = []  # (seconds since the beginning, line) that the bot sent
        self.nick = "?"

    async def line(self, timeout=PATIENCE_S):
        """The next line from the bot; None when it hung up."""
        data = await asyncio.wait_for(self.reader.readline(), timeout)
        if not data:
            return None
        text = data.decode("utf-8").rstrip("\r\n")
        assert data.endswith(b"\r\n") and len(data) <= 1024, data
        self.sent.append((time.monotonic() - self.began, text))
        return text

    async def expect(self, prefix, timeout=PATIENCE_S):
        """Reads on to a line that begins so."""
        while True:
            text = await self.line(timeout)
            if text is None:
                raise ConnectionError("hung up before " + prefix)
            if text.startswith(prefix):
                return text

    def say(self, *lines):
        for text in lines:
            self.raw((text if isinstance(text, bytes) else text.encode()) + b"\r\n")

    def raw(self, data):
        self.writer.write(data)

    def chat(self, text, user="ann", tags="", channel="#chan"):
        """A viewer's line; text may be bytes."""
        head = "%s:%s!%s@%s.tmi.twitch.tv PRIVMSG %s :" % ("@%s " % tags if tags else "", user, user, user, channel)
        self.say(head.encode() + (text if isinstance(text, bytes) else text.encode()))

    async def login(self, caps="ACK", join=True):
        """Up to the channel. Returns the PASS that the bot gave, or None."""
        password = None
        while True:
            text = await self.expect("")
            word, _, rest = text.partition(" ")
            if word == "CAP" and rest.startswith("REQ"):
                self.say(":tmi.twitch.tv CAP * %s %s" % (caps, rest[4:]))
            elif word == "PASS":
                password = rest
            elif word == "NICK":
                self.nick = rest
            elif word == "USER":
                break
        self.say(*(":tmi.twitch.tv %s %s :-" % (n, self.nick) for n in ("001", "002", "003", "004", "375", "372", "376")))
        if join:
            await self.expect("JOIN #chan")
            self.joined()
        return password

    def joined(self):
        me = "%s!%s@%s.tmi.twitch.tv" % (self.nick, self.nick, self.nick)
        self.say(":%s JOIN #chan" % me, ":%s.tmi.twitch.tv 353 %s = #chan :%s" % (self.nick, self.nick, self.nick),
                 ":%s.tmi.twitch.tv 366 %s #chan :End of /NAMES list" % (self.nick, self.nick),
                 "@emote-only=0;room-id=7 :tmi.twitch.tv ROOMSTATE #chan")

    async def listen(self, seconds=None):
        """Reads what the bot says, answering its PINGs, until it hangs up or the time is over."""
        end = time.monotonic() + seconds if seconds is not None else None
        while True:
            try:
                text = await self.line(max(0.001, end - time.monotonic()) if end else 3600)
            except asyncio.TimeoutError:
                return
            if text is None:
                return
            if text.startswith("PING"):
                self.say(":tmi.twitch.tv PONG tmi.twitch.tv " + text[5:])
            if end and time.monotonic() >= end:
                return

    def reset(self):
        """Goes away with a RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def texts(self):
        return [text for _, text in self.sent]

    def said(self):
        """(seconds, text) of the lines for the channel."""
        return [(t, text.split(" :", 1)[1]) for t, text in self.sent if " PRIVMSG #chan :" in " " + text]

    def threads(self):
        """(id of the line that is answered, text) of the replies in threads."""
        found = [re.match(r"@reply-parent-msg-id=(\S+) PRIVMSG #chan :(.*)", text) for _, text in self.sent]
        return [m.groups() for m in found if m]


class Server:
    """`with Server(script) as s:`; `tls` is a (certificate, key) pair of paths or None, `newest` an ssl.TLSVersion."""

    def __init__(self, script, tls=None, hosts=("127.0.0.1",), newest=None):
        self.script, self.hosts, self.talks, self.faults = script, hosts, [], []
        self.context = None
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.set_ciphers("ALL:@SECLEVEL=0")  # this side takes whatever there is
            self.context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            self.context.maximum_version = newest or ssl.TLSVersion.MAXIMUM_SUPPORTED
            self.context.load_cert_chain(*tls)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)

    def __enter__(self):
        self.loop.set_exception_handler(lambda loop, what: None)  # refused handshakes are the point of some tests
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self.open(), self.loop).result()
        return self

    async def open(self):
        first = socket.create_server((self.hosts[0], 0), family=family_of(self.hosts[0]))
        self.port = first.getsockname()[1]
        socks = [first] + [socket.create_server((h, self.port), family=family_of(h)) for h in self.hosts[1:]]
        self.servers = [await asyncio.start_server(self.converse, sock=s, ssl=self.context, limit=1 << 20,
                                                   ssl_handshake_timeout=PATIENCE_S if self.context else None)
                        for s in socks]

    async def converse(self, reader, writer):
        talk = Conversation(reader, writer, len(self.talks))
        self.talks.append(talk)
        try:
            await self.script(talk)
        except (ConnectionError, asyncio.TimeoutError, ssl.SSLError) as e:
            self.faults.append("%s: %r" % (type(e).__name__, e))
        except Exception as e:  # pylint: disable=broad-except  # a fault of the script fails the test
            self.faults.append("script: %r" % e)
        finally:
            writer.close()

    def __exit__(self, *_):
        def finish():
            for s in self.servers:
                s.close()
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.call_later(0.05, self.loop.stop)
        self.loop.call_soon_threadsafe(finish)
        self.thread.join()
        self.loop.close()

    def wait_talks(self, count, timeout=PATIENCE_S):
        wait_until(lambda: len(self.talks) >= count, timeout, "%d connections" % count)
        return self.talks


def family_of(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def wait_until(condition, timeout=PATIENCE_S, what="it"):
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited %.0f s for %s" % (timeout, what))
        time.sleep(0.005)


class Bot:
    """The probe, running. Options as "name=value": those of the section "chat", and times in milliseconds."""

    def __init__(self, port, *options, env=None, **settings):
        given = dict(server="127.0.0.1", port=port, tls="false", channel="chan", nick="bot", retry_min=50,
                     retry_max=200, quick=50, stable=1000)
        given.update(settings)
        argv = [probe_path(), *options, *("%s=%s" % item for item in given.items())]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("REVERIE_CHAT")}
        environment.update(env or {})
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env=environment)
        self.events, self.changed, self.raw = [], threading.Condition(), b""
        self.errors = b""
        self.threads = [threading.Thread(target=self.read_events), threading.Thread(target=self.read_errors)]
        for t in self.threads:
            t.start()

    def read_events(self):
        for data in self.process.stdout:
            event = json.loads(data)
            with self.changed:
                self.raw += data
                self.events.append(event)
                self.changed.notify_all()

    def read_errors(self):
        self.errors = self.process.stderr.read()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None and kind:
            self.process.kill()
        self.close()

    def wait(self, event, timeout=PATIENCE_S, after=0, **match):
        """The first such event from number `after` on. A callable value is a condition."""
        def found():
            for e in self.events[after:]:
                if e["event"] == event and all(v(e[k]) if callable(v) else e[k] == v for k, v in match.items()):
                    return e
            return None
        with self.changed:
            if not self.changed.wait_for(found, timeout):
                raise AssertionError("no %s %s in %s" % (event, match, self.events[-20:]))
            return found()

    def all(self, event):
        return [e for e in self.events if e["event"] == event]

    def command(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def counters(self):
        n = len(self.events)
        self.command("counters")
        return self.wait("counters", after=n)

    def rss_kb(self):
        with open("/proc/%d/status" % self.process.pid) as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))

    def files(self):
        return len(os.listdir("/proc/%d/fd" % self.process.pid))

    def close(self):
        """Ends it. Returns how long irc_close took, in ms; None when it had ended before."""
        if self.process.stdin.closed:
            return None
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        code = self.process.wait(PATIENCE_S)
        for t in self.threads:
            t.join()
        self.process.stdout.close()
        self.process.stderr.close()
        if code not in (0, -9):
            raise AssertionError("the probe ended with %d:\n%s" % (code, self.errors.decode("utf-8", "replace")))
        closed = self.all("closed")
        return closed[0]["took_ms"] if closed else None


class Certificates:
    """good, self_signed, expired, wrong_host, weak (RSA of 1024 bits), for_clients: (certificate, key); ca: path of
    the authority."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="reverie-certs-")
        names = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:127.0.0.2,IP:::1"
        self.ca = self.path("ca.pem")
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                     "-subj", "/CN=Reverie test authority", "-keyout", self.path("ca.key"), "-out", self.ca)
        self.good = self.issue("good", names)
        self.wrong_host = self.issue("wrong_host", "subjectAltName=DNS:elsewhere.example")
        self.expired = self.issue("expired", names, "20200101000000Z", "20210101000000Z")
        self.weak = self.issue("weak", names, key=("rsa:1024",))
        self.for_clients = self.issue("for_clients", names + "\nextendedKeyUsage=clientAuth")
        self.self_signed = (self.path("self.pem"), self.path("self.key"))
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                     "-subj", "/CN=localhost", "-addext", names, "-keyout", self.self_signed[1], "-out",
                     self.self_signed[0])

    def path(self, name):
        return os.path.join(self.folder, name)

    def openssl(self, *args):
        subprocess.run(["openssl", *args], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       cwd=self.folder)

    def issue(self, name, extension, start=None, end=None, key=("ec", "-pkeyopt", "ec_paramgen_curve:P-256")):
        with open(self.path("ca.conf"), "w") as f:
            f.write("[ca]\ndefault_ca=d\n[d]\ndatabase=%s\nnew_certs_dir=%s\nserial=%s\ndefault_md=sha256\n"
                    "policy=p\nunique_subject=no\n[p]\ncommonName=supplied\n[x]\n%s\n"
                    % (self.path("index"), self.folder, self.path("serial"), extension))
        open(self.path("index"), "a").close()
        key_file, request, certificate = (self.path(name + ending) for ending in (".key", ".csr", ".pem"))
        self.openssl("req", "-newkey", *key, "-nodes", "-subj", "/CN=" + name, "-keyout", key_file, "-out", request)
        when = ["-startdate", start, "-enddate", end] if start else ["-days", "30"]
        self.openssl("ca", "-batch", "-config", self.path("ca.conf"), "-extensions", "x", "-rand_serial", "-cert",
                     self.ca, "-keyfile", self.path("ca.key"), "-in", request, "-out", certificate, "-notext", *when)
        return certificate, key_file

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)
