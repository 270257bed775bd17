#!/usr/bin/python3
"""The show for a long time: memory flat, frames on time, every request answered. `make soak MINUTES=60`.

Types a request every 20 s, looks at the resident memory every second, and ends with the figures: exit 1 when memory
grew by more than 4 MB an hour after the first two minutes, or more than 1 % of the frames were repeated."""
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
from program import REVERIE, Folder

WARM_UP_S = 120
GROWTH_MAX_MB_PER_HOUR = 4
SUBJECTS = ["goldfish", "pizza + monarch", "king penguin", "no such thing", "mushroom", "school bus", "!queue"]


def rss_mb(pid):
    with open("/proc/%d/statm" % pid) as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


def slope_per_hour(samples):
    """Least squares over (seconds, MB)."""
    n = len(samples)
    mean_t = sum(t for t, _ in samples) / n
    mean_m = sum(m for _, m in samples) / n
    above = sum((t - mean_t) * (m - mean_m) for t, m in samples)
    below = sum((t - mean_t) ** 2 for t, _ in samples)
    return above / below * 3600 if below else 0.0


def main():
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    with Folder() as f:
        p = subprocess.Popen([REVERIE, "run", "--duration", str(minutes * 60), "--set", "record.dir=" + f.path("rec"),
                              "--set", "show.state_dir=" + f.path("state"),
                              "--set", "record.segment_minutes=2"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        began, samples, turn = time.monotonic(), [], 0
        os.set_blocking(p.stderr.fileno(), False)
        log = b""
        while p.poll() is None:
            now = time.monotonic() - began
            log += p.stderr.read() or b""
            try:
                samples.append((now, rss_mb(p.pid)))
                if now > 20 * turn:
                    p.stdin.write(SUBJECTS[turn % len(SUBJECTS)].encode() + b"\n")
                    p.stdin.flush()
                    turn += 1
            except (OSError, IndexError):
                pass  # it has just ended
            time.sleep(1)
        log += p.stderr.read() or b""
    text = log.decode("utf-8", "replace")
    late = [s for s in samples if s[0] > WARM_UP_S] or samples
    growth = slope_per_hour(late)
    repeated = float(re.findall(r"all .*?([0-9.]+) % repeated", text)[-1])
    print("%.1f min: resident %.0f MB at most, growing %.2f MB an hour; %.2f %% of the frames repeated; exit %d" %
          (minutes, max(m for _, m in samples), growth, repeated, p.returncode))
    print("\n".join(line for line in text.splitlines() if " warn " in line or " error " in line or "stats: all" in line))
    return int(p.returncode != 0 or growth > GROWTH_MAX_MB_PER_HOUR or repeated > 1)


if __name__ == "__main__":
    sys.exit(main())
