"""What the program answers to the mistakes that people make: each says what, where, and what to do.

Every row is a mistake as it is typed, the exit code, and what the answer must hold; "what to do" is part of each. What
needs no model is refused before one is loaded, so these are answered in moments: see test_nothing_is_loaded_first."""
import os
import re
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from program import Folder, reverie  # noqa: E402

CHAT = ["--set", "chat.enabled=true"]
RTMP = ["--set", "rtmp.enabled=true"]
QUIET = ["--set", "record.enabled=false"]
KEY = {"REVERIE_RTMP_STREAM_KEY": "live_123_abcdefghij"}


def sets(*assignments):
    return [word for a in assignments for word in ("--set", a)]


# (arguments, exit code, pattern of the answer)
TYPED = [
    ([], 2, r"To begin: reverie run"),
    (["runn"], 2, r"no command 'runn'; did you mean reverie run\?"),
    (["run", *sets("video.siez=1x1")], 2, r"video has no option \"siez\"; did you mean size\?"),
    (["run", *sets("show.hold=10")], 2, r"did you mean hold_s\?"),
    (["run", *sets("nosuch.key=1")], 2, r"no section \"nosuch\"; there are show, dream, .*video"),
    (["run", *sets("video")], 2, r"--set takes section\.key=value, as in "),
    (["run", *sets("video.size=640*360")], 2, r"video\.size: .*640\*360.* WIDTHxHEIGHT, each side from 64"),
    (["run", *sets("dream.steps=eight")], 2, r"dream\.steps: .*eight.* from 1 to 1000"),
    (["run", *QUIET, *sets("video.size=641x360")], 1, r"video\.size 641x360: both sides must be even, as in 640x360"),
    (["run", "-c", "nofile.yaml"], 2, r"nofile\.yaml: No such file"),
    (["run", *sets("rtmp.stream_key=live_1")], 2, r"a secret.*REVERIE_RTMP_STREAM_KEY"),
    (["run", *QUIET, *RTMP], 1, r"rtmp\.url must look like rtmps://HOST/app.*REVERIE_RTMP_STREAM_KEY"),
    (["run", *QUIET, *RTMP, *sets("rtmp.url=live.twitch.tv/app")], 1, r"rtmp\.url must look like rtmps://HOST/app"),
    (["run", *QUIET, *CHAT], 1, r"chat\.channel is empty; set it to the channel to join"),
    (["run", *QUIET, *CHAT, *sets("chat.channel=https://www.twitch.tv/ann?x=1")], 1, r"not a valid channel.*mean ann\?"),
    (["run", *QUIET, *CHAT, *sets("chat.channel=@ann")], 1, r"not a valid channel name; did you mean ann\?"),
    (["run", *QUIET, *CHAT, *sets("chat.channel=ann", "chat.nick=a b")], 1, r"chat\.nick \"a b\" is not a valid name"),
    (["run", *QUIET, *CHAT, *sets("chat.channel=ann", "chat.server=irc://x")], 1, r"chat\.server .*without irc://"),
    (["run", *QUIET, *sets("dream.model=/absent.pth")], 1, r"/absent\.pth: no such file; scripts/get-weights"),
    (["run", *QUIET, *sets("dream.start_image=/absent.png")], 1, r"dream\.start_image: /absent\.png: No such file"),
    (["run", *QUIET, *sets("show.banned_file=/absent")], 1, r"show\.banned_file: /absent.*No such file"),
    (["run", *QUIET, *sets("show.state_dir=/proc/absent")], 1, r"show\.state_dir: /proc/absent: nothing can be made in"),
    (["run", *QUIET, *sets("web.bind=localhost")], 1, r"web\.bind.*localhost.*(REVERIE_WEB_TOKEN|IP address)"),
    (["run", *QUIET, *sets("web.bind=0.0.0.0")], 1, r"can be reached by others.*REVERIE_WEB_TOKEN"),
    (["run", "--backend", "cuda"], 2, r"did you mean --set dream\.backend=cuda\?"),
    (["run", "goldfish"], 2, r"unexpected argument 'goldfish': start the show, then type it"),
    (["run", "-d", "5"], 2, r"no option -d.*reverie run --help"),
    (["run", "--duration", "0"], 2, r"--duration: \"0\" .*time like 90s, 1\.5m, 2h or 1:30 of at least 0\.04 s"),
    (["run", "--seed", "abc"], 2, r"--seed: \"abc\" .*whole number"),
    (["still"], 2, r"what to dream\? Give -t TEXT"),
    (["still", "goldfish"], 2, r"unexpected argument 'goldfish'; did you mean -t goldfish\?"),
    (["still", "-t", "harry potter", "-o", "x.png"], 1, r"\"harry potter\".*(near it: \w|reverie synsets --list)"),
    (["still", "-t", "goldfish", "-o", "/absent/x.png"], 1, r"/absent/x\.png: cannot be written: No such file"),
    (["still", "-t", "goldfish", "-o", "x.tiff"], 1, r"x\.tiff: pictures are written as \.png, \.jpg or \.webp"),
    (["still", "-t", "goldfish", "--size", "20000x500", "-o", "x.png"], 2, r"--size: .*from 64 to 16384 px"),
    (["still", "-t", "goldfish", "-o", "x.jpg", "--bits", "16"], 1, r"only PNG keeps 16 bits"),
    (["still", "-t", "goldfish", "-o", "x.webp", "--size", "16384x64"], 1, r"x\.webp: a picture of .*16383 in WebP"),
    (["still", "-t", "goldfish", "-o", "/dev/null", "--save-every", "1"], 1, r"/dev/null can be written only once"),
    (["still", "-t", "goldfish", "-o", ""], 1, r"the name of the file to write is empty"),
    (["still", "-t", "goldfish", "-o", "/tmp"], 1, r"/tmp: is a folder; name a file in it"),
    (["still", "-t", "goldfish", "-o", "x.avi", "--animate", "1"], 1, r"films are written as \.mp4, \.webp or \.gif"),
    (["still", "-t", "goldfish", "-o", "x.png", "--objects", "big"], 2, r"--objects: \"big\" is no size in pixels; write 60-200"),
    (["still", "-t", "goldfish", "-o", "x.png", "--octave-steps", "4,x"], 2, r"--octave-steps: \"4,x\".* write 60,40,20"),
    (["still", "-t", "goldfish", "-o", "x.png", "--mask", "m.png"], 2, r"--mask keep something of a picture; give one with -i"),
    (["still", "-t", "goldfish", "-o", "x.png", "--guide", "m.png"], 2, r"--guide chooses channels of a layer"),
    (["still", "-t", "goldfish", "-o", "x.png", "--preset", "deapdream"], 1, r"no \"deapdream\"; did you mean deepdream\?"),
    (["still", "-o", "x.png", "--again", "/absent.png"], 1, r"/absent\.png: No such file"),
    (["still", "-t", "#200", "-o", "x.png"], 1, r"this model has 200 classes, #0 to #199"),
    (["still", "--layer", "conv9_9", "-o", "x.png"], 1, r"no such layer; reverie inspect --layers lists them"),
    (["still", "--layer", "conv5_1:", "-o", "x.png"], 1, r"a channel is missing behind the colon; write conv5_1:0"),
    (["still", "--layer", "conv5_1:128", "-o", "x.png"], 1, r"channel of conv5_1: 128; channels are 0 to 127"),
    (["classify"], 2, r"which pictures\? See reverie classify --help"),
]

# (text of the file, pattern of the answer)
FILES = [
    ("video:\n\tsize: 640x360\n", r"c\.yaml:2: .*(blank|space)"),
    ("video:\n  siez: 640x360\n", r"c\.yaml:2: .*siez.*did you mean size\?"),
    ("chat:\n  channel: #ann\n", r"c\.yaml:2: chat\.channel: # begins a comment.*in quotes"),
    ("chat:\n  channel:\n", r"c\.yaml:2: chat\.channel: has no value; delete the line for the default"),
    ("chat:\n  channel: # none\n", r"c\.yaml:2: chat\.channel: has no value"),
    ("rtmp:\n  stream_key: live_1\n", r"c\.yaml:2: .*REVERIE_RTMP_STREAM_KEY"),
]


class Typed(unittest.TestCase):
    def answers(self, p, code, pattern):
        self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        self.assertRegex(p.stderr, pattern)
        self.assertNotIn("live_1", p.stdout + p.stderr)

    def test_on_the_command_line(self):
        for args, code, pattern in TYPED:
            with self.subTest(args=args):
                self.answers(reverie(*args, cwd="/tmp"), code, pattern)

    def test_in_a_file(self):
        with Folder() as f:
            for text, pattern in FILES:
                with self.subTest(text=text):
                    self.answers(reverie("run", "-c", f.write("c.yaml", text)), 2, pattern)

    def test_in_a_script(self):
        with Folder() as f:
            path = f.write("s", "0 ann goldfish\nsoon ann pizza\n")
            self.answers(reverie("run", *QUIET, "--script", path), 1, r"s:2: \"soon\" is not a time; write SECONDS USER TEXT")

    def test_with_secrets(self):
        with Folder() as f:
            path = f.write("key.txt", "live_123_abcdefghij\n")
            os.chmod(path, 0o644)
            p = reverie("run", *QUIET, env=dict(os.environ, REVERIE_RTMP_STREAM_KEY_FILE=path))
            self.answers(p, 2, r"REVERIE_RTMP_STREAM_KEY_FILE: .*mode 644\); run: chmod 600 .*key\.txt")
        url = sets("rtmp.url=rtmp://127.0.0.1:1/app/live_123_abcdefghij")
        p = reverie("run", *QUIET, *RTMP, *url, env=dict(os.environ, **KEY))
        self.answers(p, 1, r"rtmp\.url holds a stream key.*end rtmp\.url with the app")

    def test_nothing_is_loaded_first(self):
        for args, code, _ in TYPED:
            if args[:1] == ["run"] and code == 1 and "/absent.pth" not in str(args):
                with self.subTest(args=args):  # the model file is not there: what is said is not about it
                    p = reverie(*args, *sets("dream.model=/absent.pth"))
                    self.assertNotIn("/absent.pth", p.stderr)


class Running(unittest.TestCase):
    """What only shows while the show runs: it goes on, and says so once."""

    def show(self, *args, stdin=b"", env=None):
        p = reverie("run", "--duration", "2", "--watch=no", *sets("dream.size=64x64", "dream.backend=null", "web.enabled=false"),
                    *args, stdin=stdin, env=dict(os.environ, **(env or {})))
        self.assertEqual(p.returncode, 0, p.stderr)
        return p.stderr

    def once(self, text, pattern):
        self.assertEqual(len([line for line in text.splitlines() if pattern in line]), 1, text)

    def test_an_ingest_that_refuses(self):
        err = self.show(*QUIET, *RTMP, *sets("rtmp.url=rtmp://127.0.0.1:1/app"), env=KEY)
        self.once(err, "rtmp://127.0.0.1: cannot connect: ")
        self.assertRegex(err, r"trying again in \d+ s\. Check rtmp\.url, the key and the network")

    def test_a_chat_that_refuses(self):
        err = self.show(*QUIET, *CHAT, *sets("chat.channel=ann", "chat.server=127.0.0.1", "chat.port=1", "chat.tls=false",
                                             "chat.nick=bot"))
        self.assertRegex(err, r"cannot connect to 127\.0\.0\.1 port 1: Connection refused; next attempt in")
        first = re.search(r"next attempt in [0-9.]+ s", err).group()
        self.once(err, first)

    def test_a_folder_that_takes_no_file(self):
        err = self.show(*sets("record.dir=/proc/absent"))
        self.once(err, "cannot record into /proc/absent")
        self.assertIn("check record.dir", err)

    def test_a_variable_that_nothing_reads(self):
        self.once(self.show(*QUIET, env={"REVERIE_RTMP_KEY": "live_1"}), "did you mean REVERIE_RTMP_STREAM_KEY?")


class Checks(unittest.TestCase):
    def check(self, code, *args, env=None):
        base = sets("dream.size=64x64", "dream.backend=cpu", "record.enabled=false", "web.enabled=false")
        p = reverie("check", *base, *args, env=dict(os.environ, **(env or {})))
        self.assertEqual((p.returncode, p.stderr), (code, ""), p.stdout)
        self.assertNotIn("live_123", p.stdout)
        for line in p.stdout.splitlines():
            self.assertRegex(line, r"^(ok  |warn|BAD ) \w+ +\S")
        return p.stdout


class Check(Checks):
    def test_what_run_would_stumble_over(self):
        cases = [
            (CHAT, r"BAD  chat +chat\.channel is empty"),
            (CHAT + sets("chat.channel=twitch.tv/ann"), r"BAD  chat .*did you mean ann\?"),
            (sets("dream.start_image=/absent.png"), r"BAD  start .*/absent\.png"),
            (sets("show.banned_file=/absent"), r"BAD  rules .*/absent"),
            (sets("show.state_dir=/proc/absent"), r"BAD  state .*/proc"),
            (sets("audio.source=/absent.mp3"), r"BAD  audio .*/absent\.mp3.*silent.*audio\.source"),
            (sets("video.size=641x360"), r"BAD  video .*must be even"),
            (RTMP, r"BAD  rtmp .*rtmp\.url must look like"),
            (["--script", "/absent"], r"BAD  script .*/absent"),
            (sets("record.enabled=true", "record.dir=/proc/absent"), r"BAD  record .*/proc/absent.*record\.dir"),
        ]
        for args, pattern in cases:
            with self.subTest(args=args):
                self.assertRegex(self.check(1, "--offline-checks", *args), pattern)

    def test_the_page(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = "web.port=%d" % server.getsockname()[1]
            out = self.check(0, "--offline-checks", *sets("web.enabled=true", port))
            self.assertRegex(out, r"warn page .*port \d+ cannot be opened: .*in use; .*web\.port")
        self.assertRegex(self.check(0, "--offline-checks", *sets("web.enabled=true", port)), r"ok   page .* is free")
        out = self.check(1, "--offline-checks", *sets("web.enabled=true", "web.bind=0.0.0.0"))
        self.assertRegex(out, r"BAD  page .*REVERIE_WEB_TOKEN")

    def test_keys(self):
        ingest = RTMP + sets("rtmp.url=rtmp://live.twitch.tv/app")
        self.assertRegex(self.check(1, "--offline-checks", *ingest), r"BAD  rtmp .*REVERIE_RTMP_STREAM_KEY_FILE")
        self.assertRegex(self.check(0, "--offline-checks", *ingest, env=KEY), r"ok   rtmp .*a key is there; .*rtmps://")
        out = self.check(1, "--offline-checks", *RTMP, *sets("rtmp.url=rtmp://x/app/live_123_abcdefghij"))
        self.assertRegex(out, r"BAD  rtmp .*holds a stream key.*REVERIE_RTMP_STREAM_KEY")
        out = self.check(0, "--offline-checks", env={"REVERIE_RTMP_KEY": "live_123", "REVERIE_VIDEO_FPS": "3"})
        self.assertRegex(out, r"warn secrets +nothing reads the variable REVERIE_RTMP_KEY; did you mean REVERIE_RTMP_STREAM_KEY\?")
        self.assertRegex(out, r"warn secrets +nothing reads the variable REVERIE_VIDEO_FPS; settings come from -c and --set")
        out = self.check(0, "--offline-checks", *CHAT, *sets("chat.channel=ann", "chat.nick=bot"))
        self.assertRegex(out, r"warn chat +there is no token for bot.*REVERIE_CHAT_TOKEN, or REVERIE_CHAT_TOKEN_FILE")

    def test_more_than_the_platform_takes(self):
        ingest = RTMP + sets("rtmp.url=rtmps://live.twitch.tv/app")
        fast = self.check(0, "--offline-checks", *ingest, *sets("video.bitrate_kbps=9000"), env=KEY)
        self.assertRegex(fast, r"warn rtmp +Twitch takes at most 6000 kbit/s; set video\.bitrate_kbps=6000")
        self.assertNotIn("warn", self.check(0, "--offline-checks", *ingest, *sets("video.bitrate_kbps=6000"), env=KEY))

    def test_the_ingest_is_reached(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            url = "127.0.0.1:%d" % server.getsockname()[1]
            out = self.check(0, *RTMP, *sets("rtmp.url=rtmp://%s/app" % url), env=KEY)
            self.assertRegex(out, r"ok   rtmp +127\.0\.0\.1 port \d+ answers")
        out = self.check(1, *RTMP, *sets("rtmp.url=rtmp://%s/app" % url), env=KEY)
        self.assertRegex(out, r"BAD  rtmp +127\.0\.0\.1 port \d+ cannot be reached: .*refused.*check rtmp\.url")
        with socket.create_server(("127.0.0.1", 0)) as server:  # speaks no TLS
            url = "127.0.0.1:%d" % server.getsockname()[1]

            def hang_up():
                try:
                    server.accept()[0].close()
                except OSError:
                    pass
            thread = threading.Thread(target=hang_up, daemon=True)
            thread.start()
            out = self.check(1, *RTMP, *sets("rtmp.url=rtmps://%s/app" % url), env=KEY)
            thread.join()
            self.assertRegex(out, r"BAD  rtmp +127\.0\.0\.1 port \d+ cannot be reached")


class Login(Checks):
    """Against a server of a few lines."""

    def serve(self, answer):
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)

        def talk():
            try:
                connection = server.accept()[0]
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                try:
                    for line in lines:
                        for reply in answer(line.decode().strip()):
                            connection.sendall(reply.encode() + b"\r\n")
                except OSError:
                    pass
        threading.Thread(target=talk, daemon=True).start()
        return CHAT + sets("chat.channel=ann", "chat.nick=bot", "chat.server=127.0.0.1", "chat.tls=false",
                           "chat.port=%d" % server.getsockname()[1])

    @staticmethod
    def welcome(line):
        word, _, rest = line.partition(" ")
        return {"CAP": [":s CAP * ACK " + rest[4:]] if rest.startswith("REQ") else [],
                "NICK": [":s 001 bot :hi", ":s 376 bot :end"], "JOIN": [":bot!bot@s JOIN #ann", ":s 366 bot #ann :end"],
                "PING": [":s PONG s " + rest]}.get(word, [])

    def test_a_good_one(self):
        out = self.check(0, *self.serve(self.welcome), env={"REVERIE_CHAT_TOKEN": "live_123"})
        self.assertRegex(out, r"ok   login +ann on 127\.0\.0\.1, can listen and speak")

    def test_a_refused_one(self):
        def refuse(line):
            return [":s NOTICE * :Login authentication failed"] if line.startswith("NICK") else self.welcome(line)
        out = self.check(1, *self.serve(refuse), env={"REVERIE_CHAT_TOKEN": "live_123"})
        self.assertRegex(out, r"BAD  login +.*(refuse|authentication)")

    def test_nobody_there(self):
        args = CHAT + sets("chat.channel=ann", "chat.server=127.0.0.1", "chat.port=1", "chat.tls=false")
        out = self.check(1, *args)
        self.assertRegex(out, r"BAD  login +cannot connect to 127\.0\.0\.1 port 1: Connection refused\n")
        self.assertNotIn("login", self.check(0, "--offline-checks", *args))


if __name__ == "__main__":
    unittest.main()
