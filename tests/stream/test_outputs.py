"""The list of outputs, against real servers: two at once of which one hangs, SRT, HLS, the last minute, a backup."""
import glob
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import outputs as o


@unittest.skipUnless(o.FFMPEG and o.FFPROBE, "ffmpeg is not installed")
class Outputs(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="reverie-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def nginx(self, name):
        if not o.HAS_NGINX:
            self.skipTest("nginx with its RTMP module is not installed")
        return o.Nginx(self, os.path.join(self.folder, name))

    def check_whole(self, path, least_s):
        """Evenly spaced pictures, none missing; left-out ones on a slow machine are no fault of the output."""
        times = [t for t, _ in o.packets(path)]
        self.assertGreater(times[-1] - times[0], least_s)
        return [b - a for a, b in zip(times, times[1:]) if b - a > 0.05]

    def test_one_hangs_and_the_other_loses_nothing(self):
        good, bad = self.nginx("good"), self.nginx("bad")
        show = o.Show(self, self.folder, """
  - {kind: rtmp, name: good, url: "%s"}
  - {kind: rtmp, name: bad, url: "%s"}
  - {kind: record, name: file, dir: files}
""" % (good.url, bad.url), REVERIE_OUTPUTS_GOOD_STREAM_KEY=o.KEY, REVERIE_OUTPUTS_BAD_STREAM_KEY=o.KEY + "b")
        show.wait(r"good: on the air")
        show.wait(r"bad: on the air")
        bad.process.send_signal(signal.SIGSTOP)
        show.wait(r"warn +bad: .*off the air.*took nothing", 90)
        bad.process.kill()
        time.sleep(3)
        show.stop()
        log = show.log()
        self.assertNotIn(o.KEY, log)
        self.assertNotRegex(log, r"warn +(good|file):")
        self.assertEqual(len(good.files()), 1)
        recorded = o.packets(glob.glob(self.folder + "/files/*.mp4")[0])
        sent = o.packets(good.files()[0])
        hashes = [h for _, h in recorded]
        begin = hashes.index(sent[0][1])
        self.assertEqual([h for _, h in sent], hashes[begin:begin + len(sent)])  # not one is missing in the middle
        self.assertLess(len(hashes) - begin - len(sent), 5)

    def test_srt_encrypted_into_ffmpeg(self):
        port = o.free_port(o.socket.SOCK_DGRAM)
        url = "srt://127.0.0.1:%d" % port
        out = os.path.join(self.folder, "got.ts")
        server = subprocess.Popen([o.FFMPEG, "-v", "error", "-y", "-i",
                                   url + "?mode=listener&passphrase=0123456789&pbkeylen=16", "-c", "copy", out],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: server.poll() is None and (server.kill(), server.wait()))
        time.sleep(1)
        show = o.Show(self, self.folder, "  - {kind: srt, name: studio, url: '%s', latency_ms: 200}\n" % url,
                      REVERIE_OUTPUTS_STUDIO_PASSPHRASE="0123456789")
        show.wait(r"studio: on the air: srt://127\.0\.0\.1:%d" % port)
        time.sleep(3)
        show.stop()
        self.assertNotIn("0123456789", show.log())
        server.wait(20)
        self.assertEqual(o.probe(out, "-show_entries", "stream=codec_name"), ["h264", "aac"])
        self.assertEqual(self.check_whole(out, 5), [])

    def test_srt_with_a_wrong_passphrase_is_never_on_the_air(self):
        url = "srt://127.0.0.1:%d" % o.free_port(o.socket.SOCK_DGRAM)
        server = subprocess.Popen([o.FFMPEG, "-v", "error", "-i", url + "?mode=listener&passphrase=0123456789", "-f",
                                   "null", "-"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: server.poll() is None and (server.kill(), server.wait()))
        time.sleep(1)
        show = o.Show(self, self.folder, "  - {kind: srt, name: studio, url: '%s'}\n" % url,
                      REVERIE_OUTPUTS_STUDIO_PASSPHRASE="another one")
        show.wait(r"warn +studio: srt://127\.0\.0\.1:\d+: cannot connect", 30)
        time.sleep(7)
        self.assertNotIn("on the air:", show.log())
        self.assertNotIn("another one", show.log())

    def test_hls_plays_while_it_grows(self):
        show = o.Show(self, self.folder, "  - {kind: hls, name: web, dir: hls, segment: 2, segments: 3}\n")
        playlist = os.path.join(self.folder, "hls", "live.m3u8")
        segments = lambda: glob.glob(self.folder + "/hls/*.ts")
        o.wait_until(lambda: os.path.exists(self.folder + "/hls/live3.ts"), "the fourth segment")
        self.assertEqual(o.probe(playlist, "-live_start_index", "0", "-read_intervals", "%+3", "-show_entries",
                                 "stream=codec_name")[:2], ["h264", "aac"])
        for _ in range(30):  # never half a playlist, and never one that names what is not there
            with open(playlist, encoding="utf-8") as f:
                text = f.read()
            self.assertTrue(text.startswith("#EXTM3U") and text.endswith(".ts\n"))
            names = [line for line in text.split("\n") if line.endswith(".ts")]
            self.assertLessEqual(len(names), 3)
            self.assertTrue(all(os.path.exists(self.folder + "/hls/" + n) for n in names))
            time.sleep(0.05)
        o.wait_until(lambda: os.path.exists(self.folder + "/hls/live6.ts"), "the seventh segment")
        self.assertLessEqual(len(segments()), 6)
        self.assertFalse(os.path.exists(self.folder + "/hls/live0.ts"))
        show.stop()
        before = max(int(os.path.basename(s)[4:-3]) for s in segments())
        again = o.Show(self, self.folder, "  - {kind: hls, name: web, dir: hls, segment: 2, segments: 3}\n")
        o.wait_until(lambda: os.path.exists(self.folder + "/hls/live%d.ts" % (before + 2)), "what follows the old ones")
        with open(playlist, encoding="utf-8") as f:
            self.assertIn("#EXT-X-DISCONTINUITY\n", f.read())
        again.stop()

    def test_switched_at_run_time_and_a_clip(self):
        nginx = self.nginx("server")
        show = o.Show(self, self.folder, "  - {kind: rtmp, name: tv, url: '%s', enabled: false}\n" % nginx.url,
                      "record: {enabled: false}\nclip: {length: 5, dir: kept}\n", REVERIE_OUTPUTS_TV_STREAM_KEY=o.KEY)
        show.wait(r"frames|info")
        show.say("!clip")
        show.wait(r"I remember nothing of the last minute")
        show.say("!output clip on")
        show.wait(r"clip: switched on")
        show.say("!output TV on")
        show.wait(r"tv: on the air")
        show.say("!output tv on")
        show.wait(r"tv is on already")
        show.say("!output nosuch on")
        show.wait(r"Not there\. I go to: .*tv \(on\)")
        show.say("!clip")
        show.wait(r"clip: kept [\d.]+ s in kept/")
        show.say("!clip")
        show.wait(r"kept one just now")
        show.say("!output tv off")
        show.wait(r"tv: switched off")
        show.say("!output")
        show.wait(r"tv \(off\)")
        o.wait_until(lambda: len(nginx.files()) == 1, "the end of the stream")
        files = glob.glob(self.folder + "/kept/*.mp4")
        self.assertEqual(len(files), 1)
        length = float(o.probe(files[0], "-show_entries", "format=duration")[0])
        self.assertGreater(length, 4.5)
        self.assertLess(length, 7.5)
        self.assertEqual(self.check_whole(files[0], 4), [])
        out = subprocess.run([o.FFMPEG, "-v", "error", "-i", files[0], "-f", "null", "-"], check=True,
                             stderr=subprocess.PIPE).stderr
        self.assertEqual(out, b"")
        show.stop()

    def test_the_backup_takes_over(self):
        nginx = self.nginx("backup")
        show = o.Show(self, self.folder, "  - {kind: rtmp, name: tv, url: 'rtmp://127.0.0.1:%d/app', backup_url: '%s'}\n"
                      % (o.free_port(), nginx.url), REVERIE_OUTPUTS_TV_STREAM_KEY=o.KEY)
        show.wait(r"stays down; trying the backup, rtmp://127\.0\.0\.1", 30)
        show.wait(r"tv: on the air", 60)
        show.stop()
        self.assertEqual(len(nginx.files()), 1)

    def test_the_example_is_right(self):
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, "config", "outputs.yaml")
        done = subprocess.run([o.REVERIE, "run", "-c", path, "--print-config"], stdin=subprocess.DEVNULL, timeout=30,
                              stdout=subprocess.PIPE, check=True)
        for line in ("name: \"twitch\"", "backup_url: \"rtmps://b.rtmps.youtube.com/live2?backup=1\"", "latency_ms: 600",
                     "dir: /mnt/archive"):
            self.assertIn("    %s\n" % line, done.stdout.decode())

    def test_bad_lists_name_the_line(self):
        for outputs, words in (("  - {kind: rtmp, name: a, url: 'http://x/y'}\n", "outputs.a.url must look like"),
                               ("  - {kind: srt, name: a, url: 'srt://x:1?passphrase=0123456789'}\n", "nothing behind it"),
                               ("  - {kind: hls, name: a}\n", "outputs.a.dir is empty"),
                               ("  - {kind: rtmp, name: record, url: 'rtmp://x/y'}\n", "taken")):
            path = os.path.join(self.folder, "bad.yaml")
            with open(path, "w", encoding="utf-8") as f:
                f.write("# one\noutputs:\n" + outputs)
            done = subprocess.run([o.REVERIE, "run", "-c", path], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                  timeout=30, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn("bad.yaml:3: ", done.stderr.decode())
            self.assertIn(words, done.stderr.decode())
            self.assertNotIn("0123456789", done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
