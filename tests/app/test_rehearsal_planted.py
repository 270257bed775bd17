"""Each of a dozen faults that are planted in a rehearsal's way from outside is named by its report."""
import concurrent.futures
import os
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from program import SANITIZED, Folder  # noqa: E402
from rehearsals import HANGING_DISK, MINUTES, Rehearsal, Server, busy_port, signals_dreamer  # noqa: E402

ALONE = "eleven shows run side by side, which others would not keep their time beside"


class Planted(unittest.TestCase):
    """Name -> (what is in the report under "what broke", the rehearsal)."""

    def hanging_disk(self, folder):
        source, library = folder.write("slow.c", HANGING_DISK), folder.path("slow.so")
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        return {"LD_PRELOAD": library}

    def plan(self, folder, hangs_up, port):
        everything = folder.write("forbidden", "*a*\n*e*\n*i*\n*o*\n*u*\n*n*\n")
        calm = {"minutes": MINUTES}
        plan = {
            "an ingest that hangs up": (r"output rtmp: down", Rehearsal(
                "--calm", "--with-outputs", record__dir="@/rec", rtmp__enabled="true",
                rtmp__url="rtmp://127.0.0.1:%d/live" % hangs_up.port, env={"REVERIE_RTMP_STREAM_KEY": "nokey"}, **calm)),
            "files that cannot grow": (r"output record: \w+ at the end, down for [1-9]", Rehearsal("--calm", limit=100000, video__bitrate_kbps="2000", **calm)),
            "a dreamer that is killed": (r"deaths of the dreamer.*: 1, 0 ", Rehearsal(
                "--calm", while_on=signals_dreamer(signal.SIGKILL), **calm)),
            "a dreamer that hangs": (r"deaths of the dreamer.*: 1, 1 ", Rehearsal(
                "--calm", while_on=signals_dreamer(signal.SIGSTOP), minutes="0.35")),
            "a bot that leaves its own commands to others": (r"lines that want an answer: ", Rehearsal(
                "--calm", chat__ignore="dream now queue help last where words", **calm)),
            "moderators whom nobody hears": (r"moderators' orders: ", Rehearsal(
                "--calm", chat__ignore="skip hold queue pause resume ban unban forbid allow output", minutes="1")),
            "a list that forbids everything that is asked": (r"wishes: on the screen: 0 ", Rehearsal(
                "--calm", show__banned_file=everything, **calm)),
            "a dream that does not form": (r"wishes that the network sees in the end: 0 of [2-9]", Rehearsal(
                "--calm", show__hold_s="11", dream__step_levels="0.05", minutes="0.75")),
            "a page whose port is taken": (r"(?s)web: .*no fault of the rehearsal explains: [1-9]", Rehearsal(
                "--calm", web__enabled="true", web__port=port, **calm)),
            "sound that is not there": (r"(?s)audio: .*no fault of the rehearsal explains: [1-9]", Rehearsal(
                "--calm", audio__source="http://127.0.0.1:%d/radio" % hangs_up.port, **calm)),
        }
        if not SANITIZED:
            plan["a disk that hangs"] = (r"(?s)record: the disk of .*no fault of the rehearsal explains: [1-9]",
                                         Rehearsal("--calm", env=self.hanging_disk(folder), minutes="0.4"))
        return plan

    def test_each_is_named(self):
        taken, port = busy_port()
        with Folder() as folder, Server() as hangs_up, taken, concurrent.futures.ThreadPoolExecutor(12) as pool:
            plan = self.plan(folder, hangs_up, port)
            running = {name: pool.submit(rehearsal.run) for name, (_, rehearsal) in plan.items()}
            self.assertGreaterEqual(len(running), 10)
            for name, future in running.items():
                report = future.result()
                with self.subTest(fault=name):
                    self.assertEqual(report.code, 1, report.text + report.log)
                    self.assertRegex(report.text if "(?s)" in plan[name][0] else report.broken, plan[name][0], report.text + report.log)

    def test_a_machine_that_is_too_slow(self):
        report = Rehearsal("--calm", video__size="1920x1080", video__fps="60", video__preset="medium").run()
        self.assertRegex(report.broken, r"video: frames left out: [1-9]", report.text + report.log)


if __name__ == "__main__":
    unittest.main()
