"""drive - what api_drive.py and bad_input.py share: the test clock, exact bytes
on the wire, callers with tokens, and the OpenAPI document as a judge of every
answer (python3-jsonschema, a validator that is not ours).
"""
import http.client
import json
import os
import re
import select
import signal
import socket
import ssl
import struct
import time

import jsonschema

import relay as house

DAY_MS = 86400000
UNKNOWN_ID = "01890000-0000-7000-8000-000000000000"


class Clock:
    """A file that the relay's wall clock is read through (clock_file)."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "clock")
        with open(self.path, "wb") as out:
            out.write(struct.pack("=qqq", 0, 1000, 0))
        os.chmod(self.path, 0o644)

    def forward(self, ms):
        with open(self.path, "r+b") as clock:
            offset = struct.unpack("=q", clock.read(8))[0]
            clock.seek(0)
            clock.write(struct.pack("=q", offset + ms))


def relay_with(options=(), clock=False, tokens=(), environment=None, init=(), hold=0):
    """A started relay. tokens: (name, organisation, roles, token, more lines);
    hold: seconds without deadlines behind a step of the clock."""
    made = house.Relay(options=[], environment=environment, init=init)
    os.chmod(made.folder, 0o755)
    if clock:
        made.clock = Clock(made.folder)
        made.options += ["-o", f"clock_file={made.clock.path}", "-o", f"step_hold_seconds={hold}"]
    for option in options:
        made.options += ["-o", option]
    if tokens:
        add_tokens(made, tokens)
    return made.start()


def add_tokens(made, tokens):
    path = os.path.join(made.dir, "callers.conf")
    with open(path) as conf:
        text = conf.read()
    for name, organisation, roles, token, more in tokens:
        digest = house.hashlib.sha256(token.encode()).hexdigest()
        words = ", ".join(f'"{role}"' for role in roles)
        entry = (f'\t{{ name = "{name}"; organisation = "{organisation}"; roles = [{words}];\n'
                 f'\t  token_sha256 = "{digest}"; {more} }}')
        text = text.rstrip()
        assert text.endswith(");"), text[-40:]
        text = text[:-2].rstrip() + ",\n" + entry + "\n);\n"
    with open(path, "w") as conf:
        conf.write(text)


class TokenCaller(house.Caller):
    """A caller without a certificate, with a bearer token."""

    def __init__(self, made, organisation, token):
        super().__init__(made, None)
        self.organisation, self.token = organisation, token

    def request(self, method, path, body=None, headers=None, **more):
        headers = dict(headers or {}, Authorization="Bearer " + self.token)
        return super().request(method, path, body, headers, **more)


def organisation_number(n):
    """A synthetic number that passes mod 11; different for different n."""
    while True:
        text = f"9{n:07d}"
        rest = sum(int(d) * w for d, w in zip(text, (3, 2, 7, 6, 5, 4, 3, 2))) % 11
        if rest != 1:
            return text + str((11 - rest) % 11)
        n += 1000003


# ---- exact bytes ------------------------------------------------------------

def connect(caller, timeout=20):
    sock = socket.create_connection(("127.0.0.1", caller.relay.port), timeout=timeout)
    return caller.context.wrap_socket(sock)


def read_answer(sock, method="GET"):
    got = http.client.HTTPResponse(sock, method=method)
    got.begin()
    return house.Answer(got.status, got.headers, got.read())


def raw(caller, data, method="GET", timeout=20):
    """Send just these bytes and read one answer; an early one is read early."""
    with connect(caller, timeout) as sock:
        for at in range(0, len(data), 16384):
            if at > 0 and select.select([sock], [], [], 0)[0]:
                break
            try:
                sock.sendall(data[at:at + 16384])
            except (OSError, ssl.SSLError):
                break
        return read_answer(sock, method)


def head_bytes(method, path, fields=()):
    lines = [f"{method} {path} HTTP/1.1", "Host: relay"] + [f"{n}: {v}" for n, v in fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


# ---- the document as a judge ------------------------------------------------

class Document:
    """openapi.json; faults() finds what an answer has that is not in it."""

    def __init__(self, document):
        self.document = document
        self.resolver = jsonschema.RefResolver.from_schema(document)
        self.seen = set()
        self.faults = []
        self.paths = []
        self.operations = {}
        for path, item in document["paths"].items():
            said = re.sub(r"\\\{path\\\}", ".+", re.escape(path))
            pattern = re.compile("^" + re.sub(r"\\\{[a-z]+\\\}", "[^/]+", said) + "$")
            for method, operation in item.items():
                if method == "parameters":
                    continue
                name = operation["operationId"]
                self.operations[name] = operation
                self.paths.append((pattern, method.upper(), name, path))
        self.every = {name.lower() for name in document["x-every-answer"]["headers"]}

    def resolve(self, value):
        while isinstance(value, dict) and "$ref" in value:
            value = self.resolver.resolve(value["$ref"])[1]
        return value

    def operation_of(self, method, path):
        path = path.split("?")[0]
        for pattern, verb, name, _ in self.paths:
            if pattern.match(path) and verb == method:
                return name
        for pattern, verb, name, _ in self.paths:
            if pattern.match(path) and verb == "GET" and method == "HEAD":
                return name
        return None

    def statuses(self, name):
        return set(self.operations[name]["responses"])

    def errors(self, schema, value):
        check = jsonschema.Draft202012Validator(schema, resolver=self.resolver)
        return [f"{list(e.absolute_path)}: {e.message[:300]}" for e in check.iter_errors(value)]

    def judge(self, method, path, answer):
        """Note an answer of an operation, and every fault in it."""
        name = self.operation_of(method, path)
        faults = []
        if name is None:
            faults.append("no such operation in the document")
            self.faults += [f"{method} {path}: {f}" for f in faults]
            return
        status = str(answer.status)
        self.seen.add((name, status))
        said = self.resolve(self.operations[name]["responses"].get(status))
        if said is None:
            faults.append(f"status {status} is not documented: {answer.body[:300]!r}")
        else:
            faults += self.header_faults(said, answer)
            if method != "HEAD":
                faults += self.body_faults(said, answer)
        self.faults += [f"{name} {status} ({method} {path[:120]}): {f}" for f in faults]

    def header_faults(self, said, answer):
        faults = []
        headers = {n.lower(): v for n, v in said.get("headers", {}).items()}
        for field, value in answer.headers.items():
            field = field.lower()
            if field in self.every:
                continue
            if field not in headers:
                faults.append(f"header {field} is not documented")
                continue
            schema = self.resolve(headers[field])["schema"]
            faults += [f"header {field}: {e}" for e in self.errors(schema, value)]
        for field, header in headers.items():
            if self.resolve(header).get("required") and field not in answer.headers:
                faults.append(f"header {field} is promised and missing")
        return faults

    def body_faults(self, said, answer):
        content = said.get("content")
        kind = answer.headers.get("Content-Type")
        if content is None:
            return [f"a body where none is documented: {answer.body[:100]!r}"] if answer.body else []
        if kind not in content:
            return [f"media type {kind} is not documented"]
        if "json" not in kind:
            return []
        try:
            value = json.loads(answer.body)
        except ValueError as error:
            return [f"the body is not JSON: {error}"]
        faults = self.errors(content[kind]["schema"], value)
        if kind == "application/problem+json" and value.get("status") != answer.status:
            faults.append("the problem has another status than the answer")
        return faults

    def unseen(self):
        """Documented (operation, status) that no answer had."""
        return {(name, status) for name in self.operations for status in self.statuses(name)
                if (name, status) not in self.seen}


class Judged:
    """A caller whose every answer is judged by the document."""

    def __init__(self, caller, document):
        self.caller, self.document = caller, document
        self.organisation = caller.organisation
        self.relay = caller.relay

    def request(self, method, path, body=None, headers=None, **more):
        answer = self.caller.request(method, path, body, headers, **more)
        self.document.judge(method, path, answer)
        return answer

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post_json(self, path, value, method="POST", **more):
        return self.request(method, path, json.dumps(value),
                            {"Content-Type": "application/json"}, **more)

    def raw(self, method, path, data):
        answer = raw(self.caller, data, method)
        self.document.judge(method, path, answer)
        return answer

    def close(self):
        self.caller.close()


class SpoolAway:
    """The parent is stopped and spool killed: nobody starts it anew."""

    def __init__(self, made):
        self.relay = made

    def __enter__(self):
        os.kill(self.relay.process.pid, signal.SIGSTOP)
        pid = self.relay.role_pid("spool")
        os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + 5
        while house.alive(pid) and time.monotonic() < end:
            time.sleep(0.01)
        return self

    def __exit__(self, *_):
        before = self.relay.log(self.relay.mark).count(" role.ready role=spool ")
        os.kill(self.relay.process.pid, signal.SIGCONT)
        end = time.monotonic() + 15
        while time.monotonic() < end:
            if self.relay.log(self.relay.mark).count(" role.ready role=spool ") > before:
                return
            time.sleep(0.02)


def wait_for(seconds, what):
    """Until what() is true; its last value."""
    end = time.monotonic() + seconds
    while True:
        got = what()
        if got or time.monotonic() > end:
            return got
        time.sleep(0.03)
