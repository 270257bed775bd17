"""`reverie run --rehearse`: a well show keeps its promises, the rehearsal's own faults are noticed and over, and nothing of
it reaches the real store, chat or outputs. Faults that are planted from outside: test_rehearsal_planted.py."""
import json
import os
import socket
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from program import Folder, reverie  # noqa: E402
from rehearsals import SHOW, Rehearsal  # noqa: E402


class Whole(unittest.TestCase):
    MACHINE = ("video: frames left out", "dream: longest time without a new picture",  # what a busy machine breaks
               "warnings that no fault of the rehearsal explains")

    def test_a_show_that_is_well(self):
        report = Rehearsal("--calm", minutes="0.5").run()
        broken = {what for what, verdict in report.rows.items() if verdict == "BROKEN"}
        self.assertEqual(broken - set(self.MACHINE), set(), report.text + report.log)
        self.assertEqual(report.code, 1 if broken else 0)
        self.assertGreaterEqual(len(report.rows), 12, report.text)
        self.assertIn(report.kept, report.text)
        self.assertRegex(report.text, r"by \S+ +on the screen at \d+ s")
        self.assertEqual([name for name in report.files if not name.startswith("rehearsals") and name != "."], [],
                         "it left something outside of its folder")
        self.assertTrue(any(name.endswith(".mp4") for name in report.files), report.files)
        self.assertTrue(any(name.endswith("reverie.db") for name in report.files), report.files)

    def test_its_own_faults_are_noticed_and_over(self):
        report = Rehearsal(minutes="2").run()
        faults = {what: verdict for what, verdict in report.rows.items() if what.startswith("fault")}
        self.assertEqual(len(faults), 8, report.text)
        self.assertEqual(set(faults.values()), {"kept"}, report.text + report.log)

    def test_no_chat_or_output_of_the_settings_is_touched(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(0.1)
            port = str(server.getsockname()[1])
            report = Rehearsal("--calm", chat__enabled="true", chat__server="127.0.0.1", chat__port=port, chat__tls="false",
                               chat__channel="real", chat__nick="realbot", rtmp__enabled="true",
                               rtmp__url="rtmp://127.0.0.1:%s/live" % port,
                               env={"REVERIE_RTMP_STREAM_KEY": "realkey", "REVERIE_CHAT_TOKEN": "oauth:realtoken"}).run()
            self.assertRaises(socket.timeout, server.accept)
        self.assertNotIn("rtmp", report.text)
        self.assertIn("output stand-in", report.text)
        self.assertNotIn("#real", report.log)

    def test_the_page_says_so(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
        seen = []

        def look(process):
            del process
            for _ in range(50):
                try:
                    with socket.create_connection(("127.0.0.1", port), timeout=2) as s:
                        s.sendall(b"GET /api/status HTTP/1.0\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
                        answer = b"".join(iter(lambda: s.recv(65536), b""))
                    seen.append(json.loads(answer.split(b"\r\n\r\n", 1)[1])["rehearsal"])
                    return
                except (OSError, KeyError, ValueError, IndexError):
                    time.sleep(0.1)
        Rehearsal("--calm", web__enabled="true", web__port=str(port), while_on=look).run()
        self.assertEqual(seen, [True])


class Arguments(unittest.TestCase):
    def test_what_does_not_go_together(self):
        for words, said in ((["--rehearse", "--offline"], "leave --offline out"), (["--calm"], "--calm goes with --rehearse"),
                            (["--rehearse=0"], "--rehearse: "), (["--rehearse", "1", "--script", "x"], "leave --script out")):
            done = reverie("run", *words)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(said, done.stderr)

    def test_a_crowd_is_a_script(self):
        first = reverie("crowd", "--minutes", "2", "--seed", "5")
        self.assertEqual(first.stdout, reverie("crowd", "--minutes", "2", "--seed", "5").stdout)
        self.assertNotEqual(first.stdout, reverie("crowd", "--minutes", "2", "--seed", "6").stdout)
        objects = [json.loads(line) for line in reverie("crowd", "--minutes", "2", "--json").stdout.splitlines()]
        self.assertEqual(len({o["kind"] for o in objects}), 12)
        with Folder() as folder:
            script = folder.write("script", first.stdout)
            done = reverie("run", "--offline", "--seed", "1", "--script", script, "--duration", "20", "--set", "record.enabled=false",
                           *(word for k, v in SHOW.items() for word in ("--set", "%s=%s" % (k, v))))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"now dreaming .*@")


if __name__ == "__main__":
    unittest.main()
