"""What the tests on S3 share: the command, the list of cases, and a proxy that spoils what it is told to.

The proxy stands between the command and the server of scripts/with-s3; its rule sees each request and
says what becomes of it.  Without a rule, all is passed on as it came, signature and Host included."""
import http.client
import os
import pathlib
import signal
import socket
import struct
import subprocess
import threading
import time
import urllib.parse

SERVER = os.environ.get("TARN_S3_SERVER", "")
BUCKET_NAME = os.environ.get("TARN_TEST_BUCKET", "")
BUCKET = "s3://" + BUCKET_NAME
UPSTREAM = os.environ.get("AWS_ENDPOINT_URL", "").removeprefix("http://")
CASES = []


class Skipped(Exception):
    pass


def case(function):
    CASES.append((function.__name__, function))
    return function


def check(condition, what="", *more):
    assert condition, " ".join(str(w) for w in (what, *more))


class Tarn:
    """The command in a folder of its own, with a home and open uploads of its own."""

    def __init__(self, path, folder, home):
        self.path, self.folder, self.home = path, folder, home
        self.environment = {**os.environ, "HOME": str(folder), "XDG_STATE_HOME": f"{folder}/state",
                            "TARN_TEMP_DIR": str(folder)}

    def file(self, name):
        return pathlib.Path(self.folder, name)

    def write(self, name, data):
        path = self.file(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def through(self, proxy, **more):
        """The same command, by way of a proxy."""
        other = Tarn(self.path, self.folder, self.home)
        other.environment = {**self.environment, "AWS_ENDPOINT_URL": proxy.url, **more}
        return other

    def start(self, *arguments, **more):
        more = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        return subprocess.Popen([self.path, *map(str, arguments)], cwd=self.folder, env=self.environment, **more)

    def ran(self, *arguments, stdin=b"", environment=(), timeout=120):
        return subprocess.run([self.path, *map(str, arguments)], cwd=self.folder, input=stdin, capture_output=True,
                              timeout=timeout, check=False, env={**self.environment, **dict(environment)})

    def run(self, *arguments, code=0, **more):
        ran = self.ran(*arguments, **more)
        assert ran.returncode == code, (f"tarn {' '.join(map(str, arguments))}: exit {ran.returncode}, not {code}\n"
                                        f"{ran.stderr.decode(errors='replace')}")
        return ran.stdout

    def fails(self, *arguments, code, **more):
        """What it says on standard error when it ends with that code."""
        ran = self.ran(*arguments, **more)
        said = ran.stderr.decode(errors="replace")
        assert ran.returncode == code, f"tarn {' '.join(map(str, arguments))}: exit {ran.returncode}, not {code}\n{said}"
        return said

    def rows(self, sql):
        """The rows of a query, as lists of text."""
        lines = self.run("query", "--format", "csv", "--no-header", sql).decode().splitlines()
        return [line.split(",") for line in lines]

    def abort_uploads(self):
        """Aborts what the server knows of open uploads below the home; how many there were."""
        return int(self.ran("rm", "--uploads", self.home + "/").stderr.split()[0])

    def keys(self, below=""):
        ran = self.ran("ls", "-r", self.home + "/" + below)
        return ran.stdout.decode().split() if ran.returncode == 0 else []


# ---- the proxy ----


class Request:
    def __init__(self, number, method, target, headers, body):
        self.number, self.method, self.target, self.headers, self.body = number, method, target, headers, body
        path, _, query = target.partition("?")
        self.path = urllib.parse.unquote(path)
        self.key = self.path.removeprefix("/" + BUCKET_NAME).lstrip("/")
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))

    @property
    def kind(self):
        """list, head, get, put, part, create, complete, abort, delete; probe: of what the store keeps"""
        if "/.tarn-probe-" in self.key:
            return "probe"
        if self.method == "GET":
            return "list" if "list-type" in self.query or "uploads" in self.query else "get"
        if self.method == "PUT":
            return "part" if "partNumber" in self.query else "put"
        if self.method == "POST":
            return "create" if "uploads" in self.query else "complete" if "uploadId" in self.query else "delete"
        if self.method == "DELETE":
            return "abort" if "uploadId" in self.query else "delete"
        return self.method.lower()


def answer(status, body="", **headers):
    """An answer of the proxy's own."""
    return ("answer", status, body.encode() if isinstance(body, str) else body,
            {name.replace("_", "-"): value for name, value in headers.items()})


def error(status, code, message="so", **headers):
    return answer(status, f"<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>",
                  Content_Type="application/xml", **headers)


STALL = ("stall",)                   # never answered
RESET = ("reset",)                   # the connection is reset, and the server saw nothing
LOSE = ("lose",)                     # the server does it, and the answer is lost


def stall_after(size):
    """The head and so many bytes of the true answer's body, then nothing."""
    return ("part", size, "stall")


def cut_after(size):
    return ("part", size, "close")


def reset_after(size):
    return ("part", size, "reset")


def change(function):
    """The true answer, with (status, headers, body) by `function`."""
    return ("change", function)


class Proxy:
    def __init__(self, rule=None, upstream=UPSTREAM, tls=None):
        self.rule, self.upstream, self.tls = rule, upstream, tls
        self.requests, self.more = [], threading.Condition()
        self.over = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.over.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    def await_request(self, wanted, seconds=30):
        """Until a request came for which `wanted` holds."""
        with self.more:
            assert self.more.wait_for(lambda: any(wanted(r) for r in self.requests), seconds), \
                ["no such request came", [(r.method, r.target) for r in self.requests][-5:]]

    def count(self, wanted):
        with self.more:
            return sum(1 for r in self.requests if wanted(r))

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        server = http.client.HTTPConnection(self.upstream, timeout=60)
        try:
            peer = self.tls.wrap_socket(peer, server_side=True) if self.tls else peer
            with peer, peer.makefile("rb") as reader:
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while self.one(peer, reader, server):
                    pass
        except (OSError, ValueError, http.client.HTTPException):
            pass
        finally:
            server.close()

    def one(self, peer, reader, server):
        first = reader.readline().decode("latin-1").split()
        if len(first) != 3:
            return False
        headers = {}
        while (line := reader.readline().decode("latin-1").rstrip("\r\n")):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = reader.read(int(headers.get("content-length", 0)))
        with self.more:
            request = Request(len(self.requests), first[0], first[1], headers, body)
            self.requests.append(request)
            self.more.notify_all()
        does = (self.rule(request) if self.rule else None) or ("pass",)
        if does[0] == "stall":
            return self.hold(peer)
        if does[0] == "reset":
            return self.reset(peer)
        if does[0] == "answer":
            return self.reply(peer, request, *does[1:])
        status, got, data = self.ask(server, request)
        if does[0] == "lose":
            return self.reset(peer)
        if does[0] == "change":
            status, got, data = does[1](status, got, data)
        if does[0] != "part":
            return self.reply(peer, request, status, data, got)
        self.send_head(peer, status, got, len(data))
        peer.sendall(data[:does[1]])
        if does[2] == "stall":
            return self.hold(peer)
        return self.reset(peer) if does[2] == "reset" else False

    @staticmethod
    def ask(server, request):
        for attempt in (0, 1):
            try:
                server.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
                for name, value in request.headers.items():
                    server.putheader(name, value)
                server.endheaders(request.body)
                response = server.getresponse()
                break
            except (OSError, http.client.HTTPException):
                server.close()  # it closed a kept connection; once more
                if attempt == 1:
                    raise
        return response.status, dict(response.getheaders()), response.read()

    @staticmethod
    def send_head(peer, status, headers, size):
        lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, 'So')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()
                  if name.lower() not in ("content-length", "transfer-encoding", "connection")]
        if status not in (204, 304):
            lines.append(f"Content-Length: {size}")
        peer.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def reply(self, peer, request, status, body, headers):
        length = {name.lower(): value for name, value in headers.items()}.get("content-length", 0)
        head = request.method == "HEAD"
        self.send_head(peer, status, headers, int(length) if head else len(body))
        if not head:
            peer.sendall(body)
        return True

    def hold(self, peer):
        peer.setblocking(False)
        while not self.over.wait(0.02):
            try:
                if peer.recv(4096) == b"":
                    return False
            except BlockingIOError:
                pass
        return False

    @staticmethod
    def reset(peer):
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        return False


def interrupt(process, number=signal.SIGINT, seconds=20):
    """Sends the signal.  (exit code, seconds until it left, standard error)"""
    began = time.monotonic()
    process.send_signal(number)
    try:
        _, said = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return "killed by the test", time.monotonic() - began, ""
    return process.returncode, time.monotonic() - began, said.decode(errors="replace")
