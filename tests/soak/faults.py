"""What a soak does to a show, one thing a minute. Each fault says for how long, how the show must take it, and which
warnings belong to it."""
import signal
import subprocess
import sys


class Fault:
    name = ""
    lasts_s = 10
    unwell = ""        # the show says so of itself: begins a line of "unwell" in /api/status; "": it need not notice
    notices_s = 12     # within so many seconds from the beginning
    heals_s = 30       # and is well again within so many from the end
    warnings = ()      # regular expressions

    def begin(self, stage):
        """False: there is nothing here to do it to."""
        raise NotImplementedError

    def end(self, stage):
        pass

    def is_healed(self, stage, status):
        del stage
        return not any(line.startswith(self.unwell) for line in status["unwell"]) if self.unwell else True


class ServerKilled(Fault):
    name, unwell, warnings = "ingest server killed", "rtmp:", (r"rtmp: ",)

    def begin(self, stage):
        stage.nginx.stop()

    def end(self, stage):
        stage.nginx.start()


class DiskFull(Fault):
    name, unwell, lasts_s, warnings = "disk full", "record:", 15, (r"record: ", r"sidecar: ", r"disk")

    def begin(self, stage):
        stage.disk.fill()

    def end(self, stage):
        stage.disk.free()


class DreamerKilled(Fault):
    """The camera goes on; another dreamer takes over."""
    name, lasts_s, warnings = "dreamer killed", 2, (r"dream", r"backend")

    def begin(self, stage):
        self.pid = stage.dreamer()
        if self.pid is None:
            return False
        subprocess.run(["kill", "-9", str(self.pid)], check=False)
        return None

    def is_healed(self, stage, status):
        return stage.dreamer() not in (None, self.pid) and status["dream"].get("steps_per_s", 0) > 0


class ServerStopped(Fault):
    """Its kernel goes on taking data for it, some MB, so nobody can know; packets are dropped, or the line is given up."""
    name, lasts_s, warnings = "ingest server stopped (SIGSTOP)", 15, (r"rtmp: ", r"the line is too thin")

    def begin(self, stage):
        stage.nginx.process.send_signal(signal.SIGSTOP)

    def end(self, stage):
        stage.nginx.process.send_signal(signal.SIGCONT)

    def is_healed(self, stage, status):
        return not any(line.startswith("rtmp:") for line in status["unwell"])


class ChatDropped(Fault):
    """It may be back before anybody has looked: it is told by the new connection."""
    name, lasts_s, warnings = "chat dropped", 1, (r"(irc|chat): ",)

    def begin(self, stage):
        self.connections = stage.chat.connections()
        stage.chat.drop()

    def is_healed(self, stage, status):
        return stage.chat.connections() > self.connections and status["chat"]["state"] == "online"


class Busy(Fault):
    """As many loops as there are processors, for half a minute: frames may be left out, time may not."""
    name, lasts_s, warnings = "two busy loops", 30, (r"too slow", r"too slow: ")

    def begin(self, stage):
        stage.helpers = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]

    def end(self, stage):
        for helper in stage.helpers:
            helper.kill()
            helper.wait()
        stage.helpers = []


ALL = [ServerKilled, DiskFull, DreamerKilled, ServerStopped, ChatDropped, Busy]
