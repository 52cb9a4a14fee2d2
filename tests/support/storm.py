"""A storm: many connections that break off anywhere, several kinds of calls
mixed, roles killed meanwhile. Run with the sanitizer build (BUILD=build/san) a
use of freed memory ends a role with a report; with any build, what was
acknowledged must be there afterwards.

STORM_SECONDS (default 20), THREADS (default 12), SEED, KILL=0 to kill no role.
"""
import hashlib
import http.client
import json
import os
import random
import re
import signal
import ssl
import struct
import sys
import threading
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import relay as house  # noqa: E402

SECONDS = float(os.environ.get("STORM_SECONDS", "20"))
THREADS = int(os.environ.get("THREADS", "12"))
SEED = int(os.environ.get("SEED", str(random.randrange(1 << 30))))
KILL = os.environ.get("KILL", "1") != "0"
BROKEN = (OSError, http.client.HTTPException, ssl.SSLError, ValueError)
REPORT = re.compile(r"AddressSanitizer|LeakSanitizer|runtime error:|Assertion|SUMMARY:")
FIXTURE = os.path.join(house.TOP, "tests", "formats", "fixtures", "digisos", "gyldig-minimal.json")
tap = house.Tap()


class Storm:
    def __init__(self, relay):
        self.relay = relay
        self.end = time.monotonic() + SECONDS
        self.lock = threading.Lock()
        self.acknowledged = {}
        self.uploads = []
        self.statuses = {}
        self.tried = 0
        with open(FIXTURE, "rb") as payload:
            self.payload = payload.read()

    def saw(self, status):
        with self.lock:
            self.statuses[status] = self.statuses.get(status, 0) + 1


def cut(sock, dice):
    """End a connection: with a farewell, without one, or by a reset."""
    how = dice.randrange(3)
    try:
        if how == 0:
            sock.unwrap()
        elif how == 1:
            sock.setsockopt(house.socket.SOL_SOCKET, house.socket.SO_LINGER, struct.pack("ii", 1, 0))
    except BROKEN:
        pass
    sock.close()


def exchange(storm, dice, caller, method, path, body=b"", fields=(), whole=None):
    """One request in pieces of any size, and the answer; often cut off. None
    when it was."""
    lines = [f"{method} {path} HTTP/1.1", "Host: relay"] + [f"{n}: {v}" for n, v in fields]
    chunked = body and dice.random() < 0.3
    if chunked:
        lines.append("Transfer-Encoding: chunked")
        size = dice.choice((1000, 7, 65536))
        sent = b"".join(b"%x\r\n%s\r\n" % (len(body[at:at + size]), body[at:at + size])
                        for at in range(0, len(body), size)) + b"0\r\n\r\n"
    else:
        lines.append(f"Content-Length: {len(body)}")
        sent = body
    data = ("\r\n".join(lines) + "\r\n\r\n").encode() + sent
    cuts = dice.random() < 0.6 if whole is None else not whole
    stop = dice.randrange(len(data) + 1) if cuts and dice.random() < 0.6 else len(data)
    storm.tried += 1
    raw = house.socket.create_connection(("127.0.0.1", storm.relay.port), timeout=10)
    try:
        sock = caller.context.wrap_socket(raw)
    except BROKEN:
        raw.close()
        raise
    try:
        at = 0
        while at < stop:
            step = dice.choice((stop, 4096, 100, 65536, 1 << 20))
            sock.sendall(data[at:min(stop, at + step)])
            at += step
            if dice.random() < 0.02:
                time.sleep(dice.random() * 0.05)
        if cuts:
            time.sleep(dice.choice((0, 0, 0.001, 0.01, 0.1)))
            if stop == len(data) and dice.random() < 0.3:
                sock.recv(dice.choice((1, 100, 5000)))
            return None
        got = http.client.HTTPResponse(sock, method=method)
        got.begin()
        answer = house.Answer(got.status, got.headers, got.read())
        storm.saw(answer.status)
        return answer
    finally:
        cut(sock, dice)


def message(storm, dice):
    if dice.random() < 0.4:
        parts = [house.part("payload", "payload.json", "application/json", storm.payload)]
        kind = "digisos-soknad"
    else:
        parts = house.document(dice.choice((0, 3000, 200000, 2500000)), str(dice.random()))
        for i in range(dice.choice((0, 0, 1, 5))):
            data = house.pdf(dice.choice((100, 100000)))
            parts.append(house.part("attachment", f"a{i}.pdf", "application/pdf", data))
        kind = "document"
    to = [house.ORGANISATIONS[n] for n in dice.sample(("oslo", "bergen", "trondheim"), dice.choice((1, 1, 2, 3)))]
    return kind, to, parts, house.envelope(kind, to, parts, "ref")


def post(storm, dice, callers):
    kind, to, parts, head = message(storm, dice)
    spoilt = dice.random() < 0.15
    if spoilt:
        parts = [dict(p, data=p["data"][:-1] + b"x") for p in parts]
    body, content_type = house.multipart(head, parts)
    key = str(uuid.uuid4())
    for attempt in range(dice.choice((1, 1, 3))):
        answer = exchange(storm, dice, callers["nav"], "POST",
                          "/v1/messages" + dice.choice(("", "", "", "?dry-run=1")), body,
                          [("Content-Type", content_type), ("Idempotency-Key", key)])
        if answer is not None and answer.status == 201:
            with storm.lock:
                storm.acknowledged[answer.json()["id"]] = (answer.json()["receipt"], to)


def upload(storm, dice, callers):
    nav = callers["nav"]
    if storm.uploads and dice.random() < 0.6:
        name, data, to = dice.choice(storm.uploads)
    else:
        kind, to, parts, head = message(storm, dice)
        data = b"".join(p["data"] for p in parts)
        answer = exchange(storm, dice, nav, "POST", "/v1/uploads", json.dumps(head).encode(),
                          [("Content-Type", "application/json"), ("Idempotency-Key", str(uuid.uuid4()))], True)
        if answer.status != 201:
            return
        name = answer.json()["upload"]
        storm.uploads.append((name, data, to))
    for _ in range(3):
        answer = exchange(storm, dice, nav, "HEAD", f"/v1/uploads/{name}", whole=True)
        if answer.status != 204:
            storm.uploads[:] = [u for u in storm.uploads if u[0] != name]
            return
        if dice.random() < 0.1:
            exchange(storm, dice, nav, "DELETE", f"/v1/uploads/{name}")
        offset = int(answer.headers["Upload-Offset"])
        answer = exchange(storm, dice, nav, "PATCH", f"/v1/uploads/{name}", data[offset:offset + dice.choice((1000, 300000, 1 << 30))],
                          [("Content-Type", "application/offset+octet-stream"), ("Upload-Offset", str(offset))])
        if answer is not None and answer.status == 201:
            with storm.lock:
                storm.acknowledged[answer.json()["id"]] = (answer.json()["receipt"], to)
            return


def poll(storm, dice, callers):
    name = dice.choice(("oslo", "bergen", "trondheim"))
    org = house.ORGANISATIONS[name]
    wait = dice.choice((0, 0, 1, 2))
    if dice.random() < 0.3:
        exchange(storm, dice, callers[dice.choice((name, "nav", "operator"))], "GET", f"/v1/feed?wait={wait}")
        return
    exchange(storm, dice, callers[name], "GET", f"/v1/mailbox/{org}/messages?wait={wait}")


def take(storm, dice, callers):
    name = dice.choice(("oslo", "bergen", "trondheim"))
    org = house.ORGANISATIONS[name]
    listed = exchange(storm, dice, callers[name], "GET", f"/v1/mailbox/{org}/messages", whole=True)
    if listed.status != 200 or not listed.json()["messages"]:
        return
    one = dice.choice(listed.json()["messages"])
    path = f"/v1/mailbox/{org}/messages/{one['id']}"
    fields = [("Range", f"bytes={dice.randrange(one['size'])}-")] if dice.random() < 0.3 else []
    if dice.random() < 0.3:
        fields.append(("Want-Repr-Digest", "sha-256=1"))
    exchange(storm, dice, callers[name], "GET", path + "/content", fields=fields)
    say = dice.choice(({"status": "opened"}, {"status": "imported", "proof": hashlib.sha256(b"").hexdigest()},
                       {"status": "rejected", "reason": dice.choice("ab"), "permanent": False},
                       {"status": "rejected", "reason": "no", "permanent": dice.random() < 0.1}, {}))
    exchange(storm, dice, callers[name], "POST", path + "/receipt", json.dumps(say).encode(),
             [("Content-Type", "application/json")])


def look(storm, dice, callers):
    if not storm.acknowledged:
        return
    one = dice.choice(list(storm.acknowledged))
    how = dice.randrange(4)
    if how == 0:
        exchange(storm, dice, callers["nav"], "DELETE", f"/v1/messages/{one}")
    elif how == 1:
        exchange(storm, dice, callers["operator"], "POST", f"/v1/messages/{one}/extension", json.dumps(
            {"recipient": house.ORGANISATIONS["oslo"], "expires": "2099-01-01T00:00:00Z"}).encode(),
            [("Content-Type", "application/json")])
    else:
        exchange(storm, dice, callers["nav"], "GET", f"/v1/messages/{one}" + dice.choice(("", "/evidence")))


def party(storm, dice, callers):
    org = house.ORGANISATIONS["oslo"]
    with open(os.path.join(storm.relay.dir, "clients", "bergen.seal.crt")) as pem:
        body = json.dumps({"certificate": pem.read()}).encode()
    kind = [("Content-Type", "application/json")]
    how = dice.randrange(4)
    if how == 0:
        exchange(storm, dice, callers["oslo"], "POST", f"/v1/mailbox/{org}/certificates", body, kind)
    elif how == 1:
        exchange(storm, dice, callers["operator"], "GET", f"/v1/mailbox/{org}/certificates")
    elif how == 2:
        exchange(storm, dice, callers["operator"], "GET", dice.choice(("/v1/mailboxes", "/v1/alarms?resolved=1")))
    else:
        exchange(storm, dice, callers["operator"], "PUT", f"/v1/mailbox/{org}", json.dumps(
            {"state": "open", "types": ["document", "digisos-soknad"]}).encode(), kind)


def nonsense(storm, dice, callers):
    data = dice.choice((b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n\r\n", os.urandom(200), b""))
    with house.socket.create_connection(("127.0.0.1", storm.relay.port), timeout=5) as sock:
        sock.sendall(data)
        time.sleep(dice.random() * 0.05)


def worker(storm, number):
    dice = random.Random(SEED * 1000 + number)
    callers = {n: storm.relay.caller(n) for n in ("nav", "oslo", "bergen", "trondheim", "operator")}
    what = [post] * 5 + [upload] * 4 + [poll] * 3 + [take] * 5 + [look] * 3 + [party, nonsense]
    while time.monotonic() < storm.end:
        try:
            dice.choice(what)(storm, dice, callers)
        except BROKEN:
            pass


def killer(storm):
    dice = random.Random(SEED)
    while time.monotonic() < storm.end - 3:
        time.sleep(0.4 + dice.random() * 2)
        pid = storm.relay.role_pid(dice.choice(("render", "scan", "keys", "spool", "render", "scan", "net", "courier")))
        try:
            if pid:
                os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def judge(storm):
    """What was acknowledged is there, with its receipt."""
    nav = storm.relay.caller("nav")
    missing = []
    for one, (receipt, _) in storm.acknowledged.items():
        for _ in range(20):
            try:
                answer = nav.get(f"/v1/messages/{one}")
            except BROKEN:
                time.sleep(0.3)
                continue
            if answer.status < 500:
                break
            time.sleep(0.3)
        if answer.status != 200 or answer.json()["receipt"] != receipt:
            missing.append((one, answer))
    nav.close()
    return missing


def main():
    relay = house.Relay(["-o", "role_deaths=100", "-o", "stage_bytes=65536"],
                        {"ASAN_OPTIONS": "abort_on_error=0:detect_leaks=0"})
    try:
        relay.start()
        print(f"# SEED={SEED} SECONDS={SECONDS:g} THREADS={THREADS}", flush=True)
        storm = Storm(relay)
        threads = [threading.Thread(target=worker, args=(storm, n)) for n in range(THREADS)]
        if KILL:
            threads.append(threading.Thread(target=killer, args=(storm,)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(f"# {storm.tried} requests, {len(storm.acknowledged)} acknowledged, "
              f"statuses {dict(sorted(storm.statuses.items()))}", flush=True)
        missing = judge(storm)
        tap.ok(storm.acknowledged, "messages were accepted in the storm")
        tap.ok(not missing, "whatever was acknowledged is there, with its receipt", missing[:3])
        tap.ok(not storm.statuses.get(500), "nothing was answered 500")
        tap.ok(relay.stop() == 0, "the relay leaves when it is asked to", relay.log()[-2000:])
        log = relay.log()
        reports = [m.start() for m in REPORT.finditer(log)]
        tap.ok(not reports, "no sanitizer had anything to report",
               log[max(0, reports[0] - 200):reports[0] + 3500] if reports else "")
        crashed = [line for line in log.splitlines() if " role.dead " in line and "signal=9" not in line]
        tap.ok(not crashed, "no role died but by our hand", "\n".join(crashed[:5]))
        bad = [line for line in log.splitlines() if "channel.broken" in line or "code=bug" in line]
        tap.ok(not bad, "no role spoke nonsense to another", "\n".join(bad[:5]))
        checked = relay.tool("spool", "check", os.path.join(relay.dir, "spool"))
        tap.ok(checked.returncode == 0, "spool check finds nothing", checked.stdout + checked.stderr)
    finally:
        relay.close()
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
