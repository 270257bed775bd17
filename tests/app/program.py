"""What the whole-program tests share: running build/reverie, probing its recordings."""
import glob
import json
import os
import re
import shutil
import subprocess
import tempfile

REVERIE = os.environ["REVERIE"]
SANITIZED = bool(os.environ.get("SANITIZER"))
# A show small enough for a sanitizer build on two cores.
SMALL = ["--set", "web.enabled=false", "--set", "show.state_dir=", "--set", "dream.size=128x128", "--set", "dream.steps=2", "--set", "video.size=320x180",
         "--set", "video.bitrate_kbps=500"]


class Folder:
    """A scratch folder; `with Folder() as f: f.path("x")`."""

    def __enter__(self):
        self.name = tempfile.mkdtemp(prefix="reverie-test-")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.name, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.name, *parts)

    def write(self, name, text):
        with open(self.path(name), "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        return self.path(name)


# What the leak checker says of itself on a busy machine: its own copy of the process was slow to stop a thread. No leak.
LEAK_CHECKER_WAITS = re.compile(r"^==\d+==Running thread \d+ was not suspended\. False leaks are possible\.\n", re.MULTILINE)


def reverie(*args, stdin=b"", timeout=600 if SANITIZED else 120, cwd=None, env=None):
    """Runs to the end. Returns the CompletedProcess with text output."""
    p = subprocess.run([REVERIE, *args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       timeout=timeout, cwd=cwd, env=env, check=False)
    p.stdout, p.stderr = p.stdout.decode("utf-8", "replace"), p.stderr.decode("utf-8", "replace")
    if SANITIZED:
        p.stderr = LEAK_CHECKER_WAITS.sub("", p.stderr)
    return p


def start(*args, **kwargs):
    """Starts it with pipes; the caller waits for it."""
    kwargs.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen([REVERIE, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kwargs)


def recordings(folder):
    return sorted(glob.glob(os.path.join(folder, "*.mp4")))


def left_out(log):
    """Frames that the summary of a show says were left out, because the machine was too slow."""
    m = re.search(r"stats: all .*?, (\d+) left out", log)
    return int(m.group(1)) if m else 0


def probe(path):
    """ffprobe's view: streams, format, and the time stamps of the video packets in seconds."""
    out = subprocess.run(["ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_format", path],
                         stdout=subprocess.PIPE, check=True).stdout
    info = json.loads(out)
    out = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=pts_time",
                          "-of", "csv=p=0", path], stdout=subprocess.PIPE, check=True).stdout.decode()
    info["pts"] = [float(line.strip(",")) for line in out.split() if line.strip(",")]
    return info
