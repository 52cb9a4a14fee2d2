"""load - big bodies made on the fly, and what the relay's processes use."""
import hashlib
import json
import os
import socket
import ssl
import subprocess
import threading
import time

BLOCK = 1 << 20


def block(seed):
    """A MiB of pseudo-random bytes without '/', '%' and line ends."""
    raw = hashlib.shake_128(seed.encode()).digest(BLOCK)
    return raw.translate(bytes(65 + b % 26 if b in b"/%\r\n" else b for b in range(256)))


class BigPdf:
    """A valid PDF of exactly size bytes, of which a MiB is in memory."""

    def __init__(self, size, seed="budstikke"):
        self.size = size
        self.block = block(seed)
        head = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
        objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
                   b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>"]
        places = []
        for number, text in enumerate(objects, 1):
            places.append(len(head))
            head += b"%d 0 obj\n%s\nendobj\n" % (number, text)
        places.append(len(head))
        head += b"4 0 obj\n<</Length %010d>>\nstream\n"
        middle = size
        for _ in range(4):  # the tail's length hangs on the place it names
            tail = b"\nendstream\nendobj\n"
            start = len(head) - 5 + 10 + middle + len(tail)
            tail += b"xref\n0 5\n0000000000 65535 f \n"
            tail += b"".join(b"%010d 00000 n \n" % place for place in places)
            tail += b"trailer\n<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start
            middle = size - (len(head) - 5 + 10) - len(tail)
        self.head = head.replace(b"%010d", b"%010d" % middle)
        self.middle, self.tail = middle, tail

    def __iter__(self):
        yield self.head
        left = self.middle
        while left > 0:
            yield self.block if left >= BLOCK else self.block[:left]
            left -= BLOCK
        yield self.tail

    def sha256(self):
        digest = hashlib.sha256()
        for piece in self:
            digest.update(piece)
        return digest.hexdigest()


def anon_kib(pid):
    """RssAnon of a process in KiB; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm") as comm:
            return comm.read().strip()
    except OSError:
        return "gone"


def children(pid):
    return [int(p) for p in subprocess.run(["pgrep", "-P", str(pid)],
                                           capture_output=True, text=True).stdout.split()]


class Sampler:
    """The peak of each process by name, looked at every 50 ms."""

    def __init__(self, pids):
        self.names = {pid: name_of(pid) for pid in pids}
        self.peaks = {}
        self.samples = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()

    def watch(self, pid, name):
        self.names[pid] = name

    def run(self):
        while not self.stopping.is_set():
            for pid, name in list(self.names.items()):
                self.peaks[name] = max(self.peaks.get(name, 0), anon_kib(pid))
            self.samples += 1
            self.stopping.wait(0.05)


def wire(relay, name=None, timeout=120):
    """A TLS connection of a demo party (None: without a certificate)."""
    context = ssl.create_default_context(cafile=os.path.join(relay.dir, "ca.crt"))
    context.check_hostname = False
    if name:
        base = os.path.join(relay.dir, "clients", name)
        context.load_cert_chain(base + ".crt", base + ".key")
    raw = socket.create_connection(("127.0.0.1", relay.port), timeout=timeout)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(raw)


def answer_of(sock):
    """Status, header fields (lower case) and body with a Content-Length."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            raise ConnectionError(f"closed after {data!r}")
        data += piece
    head, body = data.split(b"\r\n\r\n", 1)
    lines = head.decode("latin-1").split("\r\n")
    fields = {k.strip().lower(): v.strip() for k, v in
              (line.split(":", 1) for line in lines[1:])}
    while len(body) < int(fields.get("content-length", 0)):
        piece = sock.recv(65536)
        if not piece:
            raise ConnectionError("closed inside a body")
        body += piece
    return int(lines[0].split()[1]), fields, body


def post_stream(relay, name, head, parts, key, timeout=120):
    """POST /v1/messages with parts (dicts whose data is an iterable of pieces
    with .size); the answer, as soon as there is one."""
    edge = b"budstikke-load"
    preface = (b"--" + edge + b'\r\nContent-Disposition: form-data; name="envelope"\r\n'
               b"Content-Type: application/json\r\n\r\n" + json.dumps(head).encode() + b"\r\n")
    opened = [(f'--{edge.decode()}\r\nContent-Disposition: form-data; name="{p["name"]}"; '
               f'filename="{p["filename"]}"\r\nContent-Type: {p["mediaType"]}\r\n\r\n').encode()
              for p in parts]
    last = b"--" + edge + b"--\r\n"
    total = len(preface) + len(last) + sum(
        len(o) + p["data"].size + 2 for o, p in zip(opened, parts))
    sock = wire(relay, name, timeout)
    sock.sendall((f"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: {key}\r\n"
                  f"Content-Type: multipart/form-data; boundary={edge.decode()}\r\n"
                  f"Content-Length: {total}\r\n\r\n").encode() + preface)
    try:
        for o, p in zip(opened, parts):
            sock.sendall(o)
            for piece in p["data"]:
                sock.sendall(piece)
            sock.sendall(b"\r\n")
        sock.sendall(last)
    except (BrokenPipeError, ConnectionResetError):
        pass  # an early answer is read below
    got = answer_of(sock)
    sock.close()
    return got


def wait_until(seconds, happened):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = happened()
        if value:
            return value
        time.sleep(0.02)
    return None
