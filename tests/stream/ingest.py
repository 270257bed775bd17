"""What tests of the stream push to: nginx with its RTMP module, a line of so many bits, a port that is free."""
import os
import shutil
import socket
import subprocess
import threading
import time

MODULE = "/usr/lib/nginx/modules/ngx_rtmp_module.so"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
IS_THERE = bool(NGINX) and os.path.exists(MODULE)
CONFIG = """
load_module %(module)s;
daemon off; master_process off; worker_processes 1; pid %(folder)s/pid; error_log %(folder)s/error.log;
events { worker_connections 64; }
rtmp { server { listen 127.0.0.1:%(port)d; ping 5s; ping_timeout 5s;
  application app { live on; record all; record_path %(folder)s; }
  application live { live on; }
  application deny { live on; deny publish all; } } }
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Nginx:
    """Takes rtmp://127.0.0.1:PORT/app (recorded into the folder as FLV), /live, and refuses /deny."""

    def __init__(self, folder, port):
        self.folder, self.port = folder, port
        self.config = os.path.join(folder, "nginx.conf")
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(CONFIG % {"module": MODULE, "folder": folder, "port": port})
        os.chmod(folder, 0o777)
        self.start()

    def start(self):
        self.process = subprocess.Popen([NGINX, "-c", self.config, "-p", self.folder], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.kill()
        self.process.wait()


class Proxy(threading.Thread):
    """Carries bytes to the server at so many a second; None: as they come. Small buffers, as a thin line has."""

    def __init__(self, server_port):
        super().__init__(daemon=True)
        self.server_port, self.rate = server_port, None
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(4)
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                client = self.listener.accept()[0]
                server = socket.create_connection(("127.0.0.1", self.server_port))
            except OSError:
                return
            threading.Thread(target=self.carry, args=(server, client, False), daemon=True).start()
            threading.Thread(target=self.carry, args=(client, server, True), daemon=True).start()

    def carry(self, a, b, slowly):
        try:
            while data := a.recv(4096):
                b.sendall(data)
                if slowly and self.rate:
                    time.sleep(len(data) / self.rate)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass
