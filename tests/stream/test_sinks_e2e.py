"""The recording of a whole show: ended by a signal, killed, and out of room."""
import glob
import os
import re
import resource
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest

REVERIE = os.environ["REVERIE"]
FFPROBE = shutil.which("ffprobe")
SMALL = ["--set", "video.size=320x180", "--set", "video.bitrate_kbps=600", "--set",
         "record.dir=recordings"]


def probe(path, *entries):
    out = subprocess.run([FFPROBE, "-v", "error", "-of", "csv=p=0", *entries, path], check=True,
                         stdout=subprocess.PIPE).stdout
    return out.decode().split()


def header_length_s(path):
    """What the movie's header says: box mvhd, version 0."""
    with open(path, "rb") as f:
        data = f.read(1 << 16)
    body = data.index(b"mvhd") + 4
    scale, length = struct.unpack(">II", data[body + 12:body + 20])
    return length / scale


def wait_until(condition, patience_s=60):
    end = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(0.05)


class Recordings(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="reverie-test-")
        self.addCleanup(shutil.rmtree, self.folder)

    def start(self, *arguments, preexec_fn=None):
        self.log = open(os.path.join(self.folder, "log"), "w+b")
        self.addCleanup(self.log.close)
        show = subprocess.Popen([REVERIE, "run", *SMALL, *arguments], cwd=self.folder, stdin=subprocess.DEVNULL,
                                stdout=self.log, stderr=self.log, preexec_fn=preexec_fn)
        self.addCleanup(lambda: show.poll() is None and (show.kill(), show.wait()))
        return show

    def files(self):
        return sorted(glob.glob(os.path.join(self.folder, "recordings", "*.mp4")))

    def size(self):
        return sum(os.path.getsize(f) for f in self.files())

    def check_plays(self, path, least_s):
        """Evenly spaced pictures from 0 on. Returns how many."""
        self.assertIsNotNone(re.fullmatch(r"\d{8}-\d{6}-\d{3}\.mp4", os.path.basename(path)))
        if not FFPROBE:
            self.skipTest("ffprobe is not installed")
        self.assertEqual(probe(path, "-show_entries", "stream=codec_name"), ["h264", "aac"])
        times = sorted(float(t) for t in probe(path, "-select_streams", "v", "-show_entries", "packet=pts_time"))
        self.assertEqual(times[0], 0)
        self.assertTrue(all(abs(b - a - 0.04) < 1e-5 for a, b in zip(times, times[1:])))
        self.assertGreaterEqual(times[-1], least_s)
        return len(times)

    def test_kill_loses_a_fragment_at_most(self):
        show = self.start()
        wait_until(lambda: self.size() > 50000)
        began = self.size()
        wait_until(lambda: self.size() > began)  # a fragment has just been written: the clock starts here
        time.sleep(3)
        show.kill()
        show.wait()
        self.assertEqual(len(self.files()), 1)
        self.check_plays(self.files()[0], 3 - 1)

    def test_sigterm_finalises(self):
        show = self.start()
        wait_until(lambda: self.size() > 20000)
        began = time.monotonic()
        show.send_signal(signal.SIGTERM)
        self.assertEqual(show.wait(10), 0)
        self.assertLess(time.monotonic() - began, 5)
        count = self.check_plays(self.files()[0], 0.4)
        self.assertAlmostEqual(header_length_s(self.files()[0]), count / 25, places=2)
        self.assertAlmostEqual(float(probe(self.files()[0], "-show_entries", "format=duration")[0]), count / 25, delta=0.03)

    def test_a_crash_at_the_start_leaves_no_empty_file(self):
        for wait_s in (0.2, 0.4, 0.6):
            show = self.start()
            time.sleep(wait_s)
            show.kill()
            show.wait()
        self.assertTrue(all(os.path.getsize(f) > 0 for f in self.files()))

    def test_old_recordings_go_and_strangers_stay(self):
        os.mkdir(os.path.join(self.folder, "recordings"))
        for name in ("20200101-000000-000.mp4", "holiday.mp4"):
            path = os.path.join(self.folder, "recordings", name)
            with open(path, "wb") as f:
                f.write(b"x")
            os.utime(path, (0, 0))
        show = self.start("--duration", "1", "--set", "record.keep_days=30")
        self.assertEqual(show.wait(60), 0)
        names = [os.path.basename(f) for f in self.files()]
        self.assertNotIn("20200101-000000-000.mp4", names)
        self.assertIn("holiday.mp4", names)
        self.assertEqual(len(names), 2)

    def test_full_disk_does_not_end_the_show(self):
        def little_room():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (150000, resource.RLIM_INFINITY))

        show = self.start("--duration", "4", preexec_fn=little_room)
        self.assertEqual(show.wait(60), 0)
        self.log.seek(0)
        text = self.log.read().decode()
        self.assertEqual(text.count("ulimit -f"), 1, text)
        self.assertIn("100 frames", text)
        self.check_plays(self.files()[0], 0.4)


if __name__ == "__main__":
    unittest.main()
