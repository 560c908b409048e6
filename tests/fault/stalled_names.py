"""A name server that never answers: what asks for an endpoint's address ends by its timeout, or when it is
cancelled.  The server stands in network and mount namespaces of the test's own; skipped where those are forbidden.
"""
import fcntl
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from fault import Tarn, case, skip  # noqa: E402

INSIDE = "TARN_TEST_INSIDE"
SOON = 3.0  # seconds: what asks for the address itself would wait for ten


def enter():
    """Starts anew where the network is a loop of our own and its name server is 127.0.0.1."""
    if INSIDE in os.environ:
        return
    with tempfile.NamedTemporaryFile("w", prefix="tarn-resolv-") as resolver:
        resolver.write("nameserver 127.0.0.1\n")
        resolver.flush()
        try:
            done = subprocess.run(
                ["unshare", "--map-root-user", "--net", "--mount", "sh", "-c",
                 'mount --bind "$0" /etc/resolv.conf && exec "$@"', resolver.name,
                 sys.executable, *sys.argv], env={**os.environ, INSIDE: "1"}, stderr=subprocess.PIPE, text=True)
            why = done.stderr.strip().split("\n")[-1]
        except OSError as error:
            why = str(error)
        else:
            sys.stderr.write(done.stderr)
            if done.returncode == 0 or not why.startswith(("unshare", "mount")):
                sys.exit(done.returncode)
    skip("stalled names", f"no namespaces here: {why}")
    sys.exit(77)


def raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        IFF_UP, SIOCSIFFLAGS = 1, 0x8914
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))


class Silent:
    """Takes questions, and says when one has come."""

    def __init__(self):
        self.asked = threading.Event()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while self.socket.recvfrom(4096):
            self.asked.set()


enter()
raise_loopback()
silent = Silent()
tarn = Tarn()
ENDPOINT = {**os.environ, "AWS_ENDPOINT_URL": "http://stalled.test:9000", "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b", "HOME": tarn.folder}
CALLS = {"a query": ["query", "SELECT * FROM 's3://lake/a.parquet'"], "ls": ["ls", "s3://lake/"],
         "cp": ["cp", "-", "s3://lake/k"], "a table": ["table", "show", "s3://lake/t"]}


def start(arguments):
    silent.asked.clear()
    return subprocess.Popen([tarn.path, *arguments], env=ENDPOINT, cwd=tarn.folder, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


for name, arguments in CALLS.items():
    for number in (signal.SIGINT, signal.SIGTERM):
        running = start(arguments)
        case(f"{name} asks for the name", silent.asked.wait(30))
        begun = time.monotonic()
        running.send_signal(number)
        try:
            said = running.communicate(timeout=60)[1]
        except subprocess.TimeoutExpired:
            running.kill()
            said = "it hangs"
        took = time.monotonic() - begun
        case(f"{name} ends with {128 + number}", running.returncode == 128 + number, (running.returncode, said))
        case(f"{name} ends soon", took < SOON, took)
begun = time.monotonic()
limits = "SET s3.connect_timeout_ms = 700; SET s3.retries = 2; "
running = start(["query", limits + CALLS["a query"][1]])
said = running.communicate(timeout=100)[1]
took = time.monotonic() - begun
case("the timeout ends it", running.returncode == 75, (running.returncode, said))
case("in time", took < 2 * 0.7 + SOON, took)
case("and says what was waited for",
     "stalled.test:9000: no name server told its address within 700 ms, after 2 attempts" in said, said)
tarn.close()
