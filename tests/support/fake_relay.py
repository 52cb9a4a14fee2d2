"""fake_relay - a relay that misbehaves as it is told, for tests of the client.

usage: fake_relay.py RELAY_DIR PLAN.json LOG

RELAY_DIR is a demo directory: its TLS and evidence keys are used, and its
relay.port is written. PLAN: {"messages": [{"id", "file", "size"?, "cut"?,
"receipt"?}]}. "cut": bytes after which each download breaks off; "receipt":
"forged" or "silent". "recalled": listed, then taken back. Each request is a line of JSON in LOG.
"""
import base64
import hashlib
import http.server
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import time

directory, plan_path, log_path = sys.argv[1:4]


def plan():
    with open(plan_path, encoding="utf-8") as file:
        return json.load(file)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def raw_signature(der):
    """ECDSA-Sig-Value to r and s of 32 octets each."""
    at, parts = 2, []
    for _ in range(2):
        size = der[at + 1]
        parts.append(der[at + 2 : at + 2 + size].lstrip(b"\0").rjust(32, b"\0"))
        at += 2 + size
    return b"".join(parts)


def sign(payload, forged):
    pem = open(directory + "/keys/evidence.crt", encoding="ascii").read()
    der = ssl.PEM_cert_to_DER_cert(pem)
    header = {
        "alg": "ES256",
        "typ": "budstikke-evidence+jws",
        "x5t#S256": b64(hashlib.sha256(der).digest()).decode(),
        "x5c": [base64.b64encode(der).decode()],
    }
    signed = b64(json.dumps(header).encode()) + b"." + b64(json.dumps(payload).encode())
    with tempfile.NamedTemporaryFile() as file:
        file.write(signed + (b"x" if forged else b""))
        file.flush()
        signature = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", directory + "/keys/evidence.key", file.name],
            check=True,
            stdout=subprocess.PIPE,
        ).stdout
    return (signed + b"." + b64(raw_signature(signature))).decode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def note(self, **more):
        entry = {"method": self.command, "path": self.path, "range": self.headers.get("Range")}
        entry.update(more)
        with open(log_path, "a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        kind = "application/json" if status < 400 else "application/problem+json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def entry(self, message):
        size = message.get("size") or os.path.getsize(message["file"])
        return {"id": message["id"], "type": "document", "sender": "900000006",
                "state": "accepted", "size": size}

    def find(self):
        match = re.match(r"/v1/mailbox/\d+/messages/([^/]+)", self.path)
        return next((m for m in plan()["messages"] if match and m["id"] == match[1]), None)

    def do_GET(self):
        self.note()
        message = self.find()
        if re.match(r"/v1/mailbox/\d+/messages(\?|$)", self.path):
            entries = [self.entry(m) for m in plan()["messages"]]
            self.answer(200, {"messages": entries, "cursor": "1.9", "more": False})
        elif message and self.path.endswith("/content"):
            self.content(message)
        elif message:
            self.answer(200, self.entry(message))
        else:
            self.answer(404, {"code": "not-found", "title": "none", "status": 404})

    def content(self, message):
        if message.get("recalled"):
            self.answer(410, {"code": "recalled", "title": "taken back", "status": 410})
            return
        data = open(message["file"], "rb").read()
        start = 0
        asked = re.match(r"bytes=(\d+)-$", self.headers.get("Range") or "")
        if asked:
            start = int(asked[1]) + message.get("shift", 0)
        self.send_response(206 if asked else 200)
        self.send_header("ETag", '"%s-1"' % message["id"])
        self.send_header("Content-Length", str(len(data) - start))
        if asked:
            self.send_header("Content-Range", "bytes %d-%d/%d" % (start, len(data) - 1, len(data)))
        self.end_headers()
        cut = message.get("cut")
        self.wfile.write(data[start:][:cut] if cut else data[start:])
        if cut and len(data) - start > cut:
            self.wfile.flush()
            self.close_connection = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        said = json.loads(body)
        self.note(body=said)
        message = self.find()
        if not message:
            self.answer(404, {"code": "not-found", "title": "none", "status": 404})
            return
        payload = {"version": 1, "id": message["id"], "level": said["status"],
                   "time": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
                   "message": message["id"]}
        evidence = sign(payload, message.get("receipt") == "forged")
        self.answer(200, {"id": message["id"], "state": said["status"], "evidence": evidence})


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(directory + "/keys/tls.crt", directory + "/keys/tls.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
with open(directory + "/relay.port.new", "w", encoding="ascii") as port:
    port.write("%d\n" % server.server_address[1])
os.rename(directory + "/relay.port.new", directory + "/relay.port")
server.serve_forever()
