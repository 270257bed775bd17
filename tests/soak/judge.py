"""What a soak promises, and whether it was kept: pure functions over what was seen."""
import json
import re
import statistics
import subprocess
from dataclasses import dataclass, field

WARM_UP_S, WARM_UP_PART = 60, 6  # at least so long, and a sixth of the whole: caches fill and every fault has been once
BUSY_OTHERS = 0.3  # of one processor, taken by other programs: then figures of speed say nothing about the show


@dataclass
class Sample:
    at_s: float
    status: dict       # None: no answer
    rss_mb: float
    fds: int
    others: float      # processors that other programs took since the last one
    fault: str         # that is on or heals; "": quiet


@dataclass
class Told:
    """One fault, as it went."""
    name: str
    at_s: float
    noticed_s: float = None
    ended_s: float = None  # on the clock of at_s
    healed_s: float = None
    wants_notice: bool = False
    notices_s: float = 0
    heals_s: float = 0


@dataclass
class File:
    """A recording: its frames, what is missing between them, how far sound and picture end apart."""
    name: str
    frames: int
    missing: int
    apart_ms: float


@dataclass
class Seen:
    fps: int = 25
    samples: list = field(default_factory=list)
    faults: list = field(default_factory=list)
    files: list = field(default_factory=list)
    expected: list = field(default_factory=list)    # warnings
    unexpected: list = field(default_factory=list)
    asked: int = 0
    answered: int = 0
    exit_code: int = None
    exit_s: float = 0
    frames: int = 0     # all that the show says it has encoded when it begins to end; a few more follow


def probe(path, fps):
    """Reads a finished recording."""
    out = subprocess.run(["ffprobe", "-v", "error", "-of", "json", "-show_entries", "packet=stream_index,pts_time,duration_time",
                          "-show_entries", "stream=index,codec_type", path], stdout=subprocess.PIPE, check=True).stdout
    info = json.loads(out)
    kinds = {s["index"]: s["codec_type"] for s in info["streams"]}
    spans = {"video": [], "audio": []}
    for p in info["packets"]:
        spans[kinds[p["stream_index"]]].append((float(p["pts_time"]), float(p.get("duration_time", 0))))
    times = sorted(t for t, _ in spans["video"])
    places = round((times[-1] - times[0]) * fps) + 1
    ends = {kind: max(t + d for t, d in packets) for kind, packets in spans.items()}
    return File(path.rsplit("/", 1)[-1], len(times), places - len(times), 1000 * abs(ends["video"] - ends["audio"]))


def slope_per_hour(points):
    """Least squares over (seconds, value)."""
    if len(points) < 2:
        return 0.0
    mean_t = statistics.fmean(t for t, _ in points)
    mean_v = statistics.fmean(v for _, v in points)
    below = sum((t - mean_t) ** 2 for t, _ in points)
    return 3600 * sum((t - mean_t) * (v - mean_v) for t, v in points) / below if below else 0.0


def judge_memory(seen):
    warm_up_s = max(WARM_UP_S, seen.samples[-1].at_s / WARM_UP_PART if seen.samples else 0)
    warm = [(s.at_s, s.rss_mb) for s in seen.samples if s.at_s > warm_up_s]
    minutes = (warm[-1][0] - warm[0][0]) / 60 if warm else 0
    bound = 1.0 if minutes >= 45 else 1.0 + 150 / max(minutes, 1)  # a short run sees large leaks only
    slope = slope_per_hour(warm)
    return "resident memory", "%.1f MB at most, growing %+.2f MB/h" % (max(v for _, v in warm), slope), "%.1f MB/h" % bound, slope <= bound


def judge_files_open(seen):
    quiet = [s.fds for s in seen.samples if not s.fault and s.at_s > 15]
    first, last = statistics.median_low(quiet[:20]), statistics.median_low(quiet[-10:])  # outputs may begin anew meanwhile
    return "open files", "%d at first, %d at last, %d at most" % (first, last, max(s.fds for s in seen.samples)), "no more than at first", last <= first


def judge_clock(seen):
    """Frames encoded and left out are the time that has passed: the worst of what three samples in a row agree on."""
    ahead = [(s.status["frames"]["encoded"] + s.status["frames"]["left_out"]) / seen.fps - s.status["uptime_s"]
             for s in seen.samples if s.status and s.at_s > 10]
    off = [value - ahead[0] for value in ahead]
    worst = max((min(map(abs, off[i:i + 3])) for i in range(len(off) - 2)), default=0)
    return "media time against the clock", "%.2f s off at most" % worst, "0.5 s", worst <= 0.5


def judge_recording(seen):
    left_out = seen.samples[-1].status["frames"]["left_out"] if seen.samples[-1].status else 0
    paused_s = sum((f.healed_s or 0) - f.at_s + 2 for f in seen.faults if f.name == "disk full" and f.healed_s)
    missing = seen.frames - sum(f.frames for f in seen.files)
    allowed = round(paused_s * seen.fps)
    gaps = sum(f.missing for f in seen.files)
    yield ("recording: frames encoded and not there", "%d of %d, in %d files" % (missing, seen.frames, len(seen.files)),
           "%d (while the disk was full)" % allowed, -5 <= missing <= allowed)
    yield "recording: places without a frame", "%d; %d were left out" % (gaps, left_out), "as many as were left out", gaps <= left_out
    whole = [f.apart_ms for f in seen.files if f.missing == 0]  # where the last frame was left out the picture ends early
    yield ("recording: sound and picture end apart", "%.0f ms at most, in %d whole files" % (max(whole, default=0), len(whole)), "40 ms",
           max(whole) <= 40 if whole else None)


def judge_speed(seen):
    """What is asked of a machine that the show has to itself, outside of busy loops."""
    quiet = [(a, b) for a, b in zip(seen.samples, seen.samples[1:])
             if a.status and b.status and a.at_s > 10 and "busy" not in a.fault + b.fault]
    counts = [sum(b.status["frames"][key] - a.status["frames"][key] for a, b in quiet) for key in ("encoded", "repeated", "left_out")]
    others = statistics.fmean(s.others for s in seen.samples[1:])
    percent = 100 * (counts[1] + counts[2]) / max(counts[0] + counts[2], 1)
    figure = "%.2f %% (%d repeated, %d left out of %d)" % (percent, counts[1], counts[2], counts[0] + counts[2])
    if others > BUSY_OTHERS:
        return "frames repeated or left out", figure, "not judged: other programs took %.1f processors" % others, None
    return "frames repeated or left out", figure, "2 %", percent <= 2


def judge_fault(f):
    took = "noticed after %.0f s, " % f.noticed_s if f.noticed_s is not None else "never noticed, " if f.wants_notice else ""
    healed = f.healed_s - f.ended_s if f.healed_s is not None else None
    figure = took + ("well again after %.0f s" % healed if healed is not None else "not well again")
    kept = healed is not None and healed <= f.heals_s and (not f.wants_notice or (f.noticed_s is not None and f.noticed_s <= f.notices_s))
    bound = "%s%.0f s" % ("%.0f s, " % f.notices_s if f.wants_notice else "", f.heals_s)
    return "%3.0f:%02.0f  %s" % (f.at_s // 60, f.at_s % 60, f.name), figure, bound, kept


def promises(seen):
    """Rows (what, figure, bound, kept or None)."""
    silent = longest = 0
    for s in seen.samples:
        silent = 0 if s.status else silent + 1
        longest = max(longest, silent)
    yield from map(judge_fault, seen.faults)
    yield judge_clock(seen)
    yield from judge_recording(seen)
    yield judge_memory(seen)
    yield judge_files_open(seen)
    yield judge_speed(seen)
    yield "answers to `status`", "%d in a row missing at most" % longest, "2", longest <= 2
    yield "lines in the chat answered", "%d of %d" % (seen.answered, seen.asked), "all but three a fault of the chat", \
        seen.asked - seen.answered <= 3 * sum(f.name == "chat dropped" for f in seen.faults) + 3
    yield "warnings that nothing explains", "%d (%d expected)" % (len(seen.unexpected), len(seen.expected)), "0", not seen.unexpected
    yield "end by SIGTERM", "exit %s after %.1f s" % (seen.exit_code, seen.exit_s), "exit 0, 3 s", seen.exit_code == 0 and seen.exit_s <= 3


def is_explained(line, faults, others):
    """`line` is (level, part, text); `faults` those that are on or were so lately."""
    text = "%s: %s" % line[1:]
    if re.search(r"too slow", text) and others > BUSY_OTHERS:
        return True
    return any(re.search(pattern, text) for fault in faults for pattern in fault.warnings)
