#!/usr/bin/python3
"""The show for a long time, with a fault a minute: `make soak MINUTES=60`, or `soak.py MINUTES [--only text] [--set key=value]`.

Faults: the ingest server killed, and stopped; the disk full; the dreamer killed, where it has a process of its own; the chat
dropped; two busy loops. Meanwhile the crowd of `reverie crowd` talks. Each minute tells how it stands; at the end is a
report of what was promised (judge.py), and the exit code is 1 when one promise was broken. The log and the report stay
in the folder that the first line names. Needs root, or a kernel that lets users mount a tmpfs of their own."""
import argparse
import os
import shutil
import signal
import sys
import tempfile
import time

import faults
import judge
import stage as stages

FIRST_FAULT_S = 40
LATELY_S = 40  # so long after its end warnings still belong to a fault


def options():
    p = argparse.ArgumentParser()
    p.add_argument("minutes", type=int, nargs="?", default=30, help="at least 2")
    p.add_argument("--only", default="", help="only faults whose name holds this text")
    p.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the show, over the soak's")
    a = p.parse_args()
    a.minutes = max(a.minutes, 2)
    return a


class Soak:
    def __init__(self, folder, arguments):
        self.a, self.folder = arguments, folder
        self.stage = stages.Stage(folder, dict(s.split("=", 1) for s in arguments.set), arguments.minutes)
        self.seen = judge.Seen()
        self.kinds = [f for f in faults.ALL if arguments.only in f.name]
        self.fault = self.told = None     # that is on or heals
        self.lately = []                  # [(ended, fault)]
        self.machine_s, self.own_s, self.sampled_s = stages.machine_s(), self.stage.own_cpu_s(), 0.0
        self.begun = 0

    # ---- faults ----

    def begin_fault(self, now):
        fault = self.kinds[self.begun % len(self.kinds)]()
        if fault.begin(self.stage) is False:
            print("  %s: left out, there is nothing to do it to" % fault.name, flush=True)
            self.kinds.remove(type(fault))
            return
        self.begun += 1
        self.fault = fault
        self.told = judge.Told(fault.name, now, wants_notice=bool(fault.unwell), notices_s=fault.notices_s, heals_s=fault.heals_s)
        self.seen.faults.append(self.told)

    def end_fault(self, now):
        self.fault.end(self.stage)
        self.told.ended_s = now
        self.sampled_s = 0  # what the loops took is not others'

    def follow_fault(self, now, status):
        """One that is on: is it noticed, over, healed?"""
        f, t = self.fault, self.told
        if status and f.unwell and t.noticed_s is None and any(u.startswith(f.unwell) for u in status["unwell"]):
            t.noticed_s = now - t.at_s
        if t.ended_s is None and now - t.at_s >= f.lasts_s:
            self.end_fault(now)
        elif t.ended_s is not None and status and f.is_healed(self.stage, status) and (t.noticed_s is not None or not f.unwell):
            t.healed_s = now
        if t.healed_s is not None or (t.ended_s is not None and now - t.ended_s > f.heals_s + 5):
            self.lately.append((now, f))
            self.fault = self.told = None

    # ---- looking ----

    def take_sample(self, now):
        pid, own_s, machine_s = self.stage.show.pid, self.stage.own_cpu_s(), stages.machine_s()
        passed = now - self.sampled_s
        others = max(0.0, (machine_s - self.machine_s - (own_s - self.own_s)) / passed) if self.sampled_s else 0.0
        self.machine_s, self.own_s, self.sampled_s = machine_s, own_s, now
        fds = len(os.listdir("/proc/%d/fd" % pid)) if os.path.exists("/proc/%d/fd" % pid) else 0
        sample = judge.Sample(now, self.stage.status(), stages.rss_mb(pid), fds, others, self.fault.name if self.fault else "")
        self.seen.samples.append(sample)
        return sample

    def read_log(self, now):
        self.lately = [(t, f) for t, f in self.lately if now - t < LATELY_S]
        lately = [f for _, f in self.lately] + ([self.fault] if self.fault else [])
        others = max((s.others for s in self.seen.samples[-15:]), default=0)
        for line in self.stage.new_lines():
            if line[0] in ("warn", "error"):
                known = judge.is_explained(line, lately, others)
                (self.seen.expected if known else self.seen.unexpected).append((now, "%s: %s" % line[1:]))

    def take_files(self, all_of_them=False):
        """Reads the recordings that are finished, and makes room."""
        files = self.stage.files()
        for path in files if all_of_them else files[:-1]:
            if os.path.getsize(path) > 0:
                self.seen.files.append(judge.probe(path, self.seen.fps))
            os.unlink(path)

    def tell_minute(self, now):
        s = self.seen.samples[-1]
        f = s.status["frames"] if s.status else {"encoded": 0, "repeated": 0, "left_out": 0}
        print("%5.1f min  %.0f MB, %d files open, %d frames, %d repeated, %d left out, %d + %d warnings  %s" %
              (now / 60, s.rss_mb, s.fds, f["encoded"], f["repeated"], f["left_out"], len(self.seen.expected), len(self.seen.unexpected),
               self.seen.faults[-1].name if self.seen.faults else ""), flush=True)

    # ---- the whole ----

    def run(self):
        end_s, minutes = 60 * self.a.minutes, 0
        while (now := self.stage.now()) < end_s and self.stage.show.poll() is None:
            sample = self.take_sample(now)
            self.read_log(now)
            if self.fault:
                self.follow_fault(now, sample.status)
            elif self.kinds and now > FIRST_FAULT_S + 60 * self.begun and self.begun < self.a.minutes - 1:
                self.begin_fault(now)
            if sample.status and sample.status["chat"]["state"] == "online":
                self.stage.chat.speak(now)
            else:
                self.stage.chat.skip(now)
            if now > 60 * (minutes + 1):
                minutes += 1
                self.take_files()
                self.tell_minute(now)
            time.sleep(max(0.0, 1 - (self.stage.now() - now)))
        self.finish()

    def finish(self):
        if self.fault and self.told.ended_s is None:
            self.end_fault(self.stage.now())
        began = time.monotonic()
        self.stage.show.send_signal(signal.SIGTERM)
        self.seen.exit_code = self.stage.show.wait(20)
        self.seen.exit_s = time.monotonic() - began
        self.read_log(self.stage.now())
        totals = [text for _, part, text in self.stage.lines if part == "stats" and text.startswith("all ")]
        self.seen.frames = int(totals[-1].split(": ")[1].split()[0]) if totals else 0
        self.seen.asked, self.seen.answered = len(self.stage.chat.asked), self.stage.chat.answers()
        self.take_files(True)


def report(seen):
    """Lines for people, and whether all was kept."""
    rows = list(judge.promises(seen))
    words = {True: "kept", False: "BROKEN", None: "-"}
    lines = ["", "%-42s %-58s %-34s" % ("promise", "measured", "bound")]
    lines += ["%-42s %-58s %-34s %s" % (*row[:3], words[row[3]]) for row in rows]
    lines += ["", "warnings that nothing explains:" if seen.unexpected else "no warning without an explanation"]
    lines += ["  %4.0f s  %s" % w for w in seen.unexpected]
    lines += ["expected warnings:"] + ["  %4.0f s  %s" % w for w in seen.expected]
    others = sum(s.others for s in seen.samples) / max(len(seen.samples), 1)
    if others > judge.BUSY_OTHERS:
        lines += ["", "other programs took %.1f processors: what is said of time is about them, too" % others]
    broken = [row[0].strip() for row in rows if row[3] is False]
    lines += ["", "broken: " + ", ".join(broken) if broken else "all %d promises were kept" % len(rows)]
    return lines, not broken


def main():
    if os.geteuid() != 0:
        os.execvp("unshare", ["unshare", "-rm", sys.executable, *sys.argv])
    arguments = options()
    folder = tempfile.mkdtemp(prefix="reverie-soak-")
    os.chmod(folder, 0o755)
    print("%d minutes; the log is %s/log" % (arguments.minutes, folder), flush=True)
    soak = Soak(folder, arguments)
    try:
        soak.run()
    finally:
        soak.stage.close()
    lines, kept = report(soak.seen)
    print("\n".join(lines))
    with open(os.path.join(folder, "report"), "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
    shutil.rmtree(os.path.join(folder, "nginx"), ignore_errors=True)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
