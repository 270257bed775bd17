"""The list of outputs: two servers at once of which one hangs, a backup, switching while the show runs, the last minute,
and lists that are wrong."""
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

    def test_switched_at_run_time_and_a_clip(self):
        nginx = self.nginx("server")
        os.mkdir(self.folder + "/kept")  # the fence is closed at the start, and clips are off then
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
        show.stop()
        self.assertTrue(o.gaps(files[0], 4) == [] or show.left_out())
        out = subprocess.run([o.FFMPEG, "-v", "error", "-i", files[0], "-f", "null", "-"], check=True,
                             stderr=subprocess.PIPE).stderr
        self.assertEqual(out, b"")

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
