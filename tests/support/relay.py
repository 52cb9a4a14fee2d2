"""relay - what the Python tests share: a demo relay, callers, messages.

Python is used where a test needs many connections, exact bytes on the wire, or
a JSON Schema validator that is not ours. Everything goes through the real
programs: budstikke init, budstikked, openssl.
"""
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import uuid

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD", os.path.join(TOP, "build", "hooks"))
ORGANISATIONS = {}


class Tap:
    """Prints TAP; finish() gives the exit status."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def ok(self, good, sentence, detail=""):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {sentence}", flush=True)
        if not good and detail:
            for line in str(detail)[:4000].splitlines():
                print(f"#   {line}", flush=True)
        return good

    def skip(self, sentence, why):
        self.count += 1
        print(f"ok {self.count} # SKIP {why} ({sentence})", flush=True)

    def finish(self):
        print(f"1..{self.count}", flush=True)
        return 1 if self.failed else 0


class Relay:
    """A fresh demo directory and the process that serves it."""

    def __init__(self, options=(), environment=None, init=()):
        self.folder = tempfile.mkdtemp(prefix="budstikke.")
        self.dir = os.path.join(self.folder, "relay")
        self.options = list(options)
        self.environment = dict(os.environ, **(environment or {}))
        self.process = None
        self.log_path = os.path.join(self.folder, "log")
        subprocess.run(
            [os.path.join(BUILD, "budstikke"), "init", self.dir, "--demo", *init],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for name in ("nav", "oslo", "bergen", "trondheim", "operator"):
            with open(os.path.join(self.dir, "clients", name + ".conf")) as conf:
                found = re.search(r'organisation\s*=\s*"?(\d{9})', conf.read())
            ORGANISATIONS[name] = found.group(1)

    def start(self, seconds=30):
        with open(self.log_path, "ab") as log:
            self.mark = log.tell()
            self.process = subprocess.Popen(
                [os.path.join(BUILD, "budstikked"), "-c",
                 os.path.join(self.dir, "relay.conf"), *self.options],
                stderr=log, stdin=subprocess.DEVNULL, env=self.environment)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = re.search(r"^ready https://[^:]*:(\d+)", self.log(self.mark), re.M)
            if found and re.search(r"^ready admin ", self.log(self.mark), re.M):
                self.port = int(found.group(1))
                admin = re.search(r"^ready admin http://[^:]*:(\d+)", self.log(self.mark), re.M)
                self.admin_port = int(admin.group(1)) if admin else None
                return self
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError("the relay did not get ready:\n" + self.log(self.mark)[-4000:])

    def log(self, start=0):
        with open(self.log_path, "rb") as log:
            log.seek(start)
            return log.read().decode("utf-8", "replace")

    def role_pid(self, role):
        """The newest process of a role, or None."""
        found = re.findall(rf" role\.started role={role} slot=\d+ pid=(\d+)", self.log(self.mark))
        return int(found[-1]) if found else None

    def stop(self, seconds=45):
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def kill(self):
        """SIGKILL to all of it at once, as a power cut would."""
        pids = [self.process.pid] + [int(p) for p in subprocess.run(
            ["pgrep", "-P", str(self.process.pid)], capture_output=True,
            text=True).stdout.split()]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        end = time.monotonic() + 10
        while time.monotonic() < end and any(alive(p) for p in pids[1:]):
            time.sleep(0.01)

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def caller(self, name):
        return Caller(self, name)

    def tool(self, *args, **more):
        return subprocess.run([os.path.join(BUILD, "budstikke"), *args],
                              capture_output=True, text=True, **more)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def code(self):
        try:
            return self.json().get("code")
        except ValueError:
            return None

    def __repr__(self):
        return f"{self.status} {self.body[:600]!r}"


class Caller:
    """One organisation's client: mutual TLS, one connection, kept alive."""

    def __init__(self, relay, name):
        self.relay, self.name = relay, name
        self.organisation = ORGANISATIONS.get(name)
        self.context = ssl.create_default_context(cafile=os.path.join(relay.dir, "ca.crt"))
        self.context.check_hostname = False
        if name:
            base = os.path.join(relay.dir, "clients", name)
            self.context.load_cert_chain(base + ".crt", base + ".key")
        self.connection = None

    def request(self, method, path, body=None, headers=None, timeout=30, close=False):
        """One exchange; OSError or HTTPException when the connection broke."""
        for attempt in (0, 1):
            fresh = self.connection is None
            if fresh:
                self.connection = http.client.HTTPSConnection(
                    "127.0.0.1", self.relay.port, context=self.context, timeout=timeout)
            try:
                self.connection.request(method, path, body=body, headers=headers or {})
                got = self.connection.getresponse()
                answer = Answer(got.status, got.headers, got.read())
                if close or got.headers.get("Connection") == "close":
                    self.close()
                return answer
            except (http.client.RemoteDisconnected, ConnectionError, ssl.SSLError):
                self.close()
                # an idle connection that the relay had closed is no failure
                if fresh or attempt:
                    raise
            except Exception:
                self.close()
                raise

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post_json(self, path, value, method="POST", **more):
        return self.request(method, path, json.dumps(value),
                            {"Content-Type": "application/json"}, **more)

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


# ---- messages ---------------------------------------------------------------

def pdf(size=0, word="budstikke"):
    """A small valid PDF, padded by a comment to at least size bytes."""
    objects = ["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
               "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>"]
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    pad = size - 500 - len(word)
    if pad > 0:
        line = hashlib.sha256(word.encode()).hexdigest()
        out += ("%" + (line * (pad // len(line) + 1))[:pad] + "\n").encode()
    out += f"% {word}\n".encode()
    places = []
    for number, text in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{text}\nendobj\n".encode()
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    for place in places:
        out += f"{place:010d} 00000 n \n".encode()
    out += f"trailer\n<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


def part(name, filename, media_type, data):
    return {"name": name, "filename": filename, "mediaType": media_type, "data": data}


def envelope(kind, recipients, parts, reference=None):
    value = {"type": kind, "recipients": recipients, "parts": [
        {"name": p["name"], "filename": p["filename"], "mediaType": p["mediaType"],
         "size": len(p["data"]), "sha256": hashlib.sha256(p["data"]).hexdigest()}
        for p in parts]}
    if reference is not None:
        value["reference"] = reference
    return value


def multipart(head, parts, boundary="budstikke-boundary"):
    out = bytearray()

    def add(disposition, media_type, data):
        out.extend(f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n"
                   f"Content-Type: {media_type}\r\n\r\n".encode())
        out.extend(data)
        out.extend(b"\r\n")

    add('name="envelope"', "application/json",
        head if isinstance(head, bytes) else json.dumps(head).encode())
    for p in parts:
        add(f'name="{p["name"]}"; filename="{p["filename"]}"', p["mediaType"], p["data"])
    out.extend(f"--{boundary}--\r\n".encode())
    return bytes(out), f"multipart/form-data; boundary={boundary}"


def document(size=2000, word=None):
    return [part("payload", "document.pdf", "application/pdf", pdf(size, word or str(uuid.uuid4())))]


def submit(caller, recipients, parts=None, key=None, kind="document", reference=None,
           query="", path="/v1/messages", **more):
    parts = parts if parts is not None else document()
    body, content_type = multipart(envelope(kind, recipients, parts, reference), parts)
    headers = {"Content-Type": content_type}
    if key is not False:
        headers["Idempotency-Key"] = key or str(uuid.uuid4())
    return caller.request("POST", path + query, body, headers, **more)


def opened(relay, name, sealed, certificate=None):
    """The package inside a sealed message, by openssl alone. certificate: its
    path, when it is not the demo's; the key lies beside it as .key."""
    base = os.path.join(relay.dir, "clients", name + ".seal")
    crt, key = (certificate, certificate + ".key") if certificate else (base + ".crt", base + ".key")
    done = subprocess.run(["openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-inkey",
                           key, "-recip", crt],
                          input=sealed, capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode())
    return done.stdout


def proof_of(relay, name, sealed, certificate=None):
    return hashlib.sha256(opened(relay, name, sealed, certificate)).hexdigest()
