"""Kill the relay at every state change, and each role at random, under load.

What is judged:
  - whatever was acknowledged is there afterwards, with the same receipt;
  - the same key gives the first receipt, byte for byte;
  - what was confirmed stays confirmed; nothing half-there is listed;
  - `budstikke spool check` is clean, and the counts add up.
KILLS in the environment: random kills besides (default 40).
"""
import http.client
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

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import relay as house  # noqa: E402

BROKEN = (OSError, http.client.HTTPException, ssl.SSLError)
EACH = int(os.environ.get("EACH", "3"))
RANDOM_KILLS = int(os.environ.get("KILLS", "40"))
HOUR_MS = 3600000
DAY_MS = 24 * HOUR_MS
tap = house.Tap()


class World:
    """What was promised, and what the crash file and the clock say."""

    def __init__(self):
        self.crash_file = None
        self.lock = threading.Lock()
        self.acknowledged = {}  # id -> (key, parts, recipients, receipt)
        self.confirmed = {}     # (id, recipient) -> state
        self.keys = {}          # certificate -> path of its .crt and .crt.key
        self.stopping = False
        self.pause = threading.Event()
        self.wrong = []         # (kind, what was seen)
        self.began = time.monotonic()
        self.doing = "start"    # what the harness is at, for what goes wrong
        self.retries = 0

    def blame(self, kind, seen=""):
        """What is not as promised: said at the moment that it is seen."""
        sentence = (f"{kind} ({time.monotonic() - self.began:.1f} s, at {self.doing}): "
                    f"{seen}")
        with self.lock:
            self.wrong.append((kind, sentence))
            print(f"# WRONG: {sentence}", flush=True)

    def verdict(self):
        """How many of each kind, then the first of each, then the others."""
        kinds = {}
        for kind, sentence in self.wrong:
            kinds.setdefault(kind, []).append(sentence)
        lines = ["; ".join(f"{len(all_)} x {kind}" for kind, all_ in kinds.items())]
        lines += [all_[0] for all_ in kinds.values()]
        lines += [one for all_ in kinds.values() for one in all_[1:6]]
        return "\n".join(line[:600] for line in lines)


def make_clock(path):
    with open(path, "wb") as clock:
        clock.write(struct.pack("=qqq", 0, 1000, 0))


def clock_forward(path, ms):
    with open(path, "r+b") as clock:
        offset = struct.unpack("=q", clock.read(8))[0]
        clock.seek(0)
        clock.write(struct.pack("=q", offset + ms))


# ---- load -------------------------------------------------------------------

def until_answered(world, call, seconds=60):
    """Repeat one exchange while it breaks or is refused for a time."""
    end = time.monotonic() + seconds
    last = None
    while time.monotonic() < end:
        try:
            answer = last = call()
        except BROKEN as error:
            last = error
            world.retries += 1
            time.sleep(0.02)
            continue
        if answer.status in (429, 500, 503, 507) or answer.code() == "idempotency-in-progress":
            world.retries += 1
            time.sleep(0.02)
            continue
        return answer
    world.blame("no answer for a minute", f"the last was {last}")
    return None


def sender(world, relay, seed):
    rng = random.Random(seed)
    nav = relay.caller("nav")
    oslo, bergen, trondheim = (house.ORGANISATIONS[n] for n in ("oslo", "bergen", "trondheim"))
    while not world.stopping:
        if world.pause.is_set():
            time.sleep(0.01)
            continue
        recipients = rng.choice([[oslo], [bergen], [oslo, bergen], [trondheim]])
        time.sleep(0.02)
        key = str(uuid.uuid4())
        size = rng.choice([1000, 20000, 60000, 150000])
        parts = house.document(size, key)
        answer = until_answered(
            world, lambda: house.submit(nav, recipients, parts, key, timeout=20))
        if answer is None:
            continue
        if answer.status != 201:
            world.blame("a submission was refused", repr(answer))
            continue
        got = answer.json()
        with world.lock:
            world.acknowledged[got["id"]] = (key, parts, recipients, got["receipt"])
        if rng.random() < 0.2:
            recalled = until_answered(
                world, lambda: nav.request("DELETE", f"/v1/messages/{got['id']}"))
            if recalled is not None and recalled.status == 200:
                for one in recalled.json()["recipients"]:
                    if one["state"] == "recalled":
                        with world.lock:
                            world.confirmed[got["id"], one["recipient"]] = "recalled"
    nav.close()


def receiver(world, relay, name, seed):
    """Takes most messages in, rejects some, forgets some, lies about some."""
    rng = random.Random(seed)
    caller = relay.caller(name)
    box = f"/v1/mailbox/{caller.organisation}/messages"
    while not world.stopping:
        if world.pause.is_set():
            time.sleep(0.01)
            continue
        page = until_answered(world, lambda: caller.get(box))
        if page is None or page.status != 200:
            continue
        entries = page.json()["messages"]
        if not entries:
            time.sleep(0.02)
        for entry in entries[:10]:
            if world.stopping:
                break
            receive(world, relay, caller, name, box, entry, rng)
    caller.close()


def receive(world, relay, caller, name, box, entry, rng):
    message = entry["id"]
    content = until_answered(world, lambda: caller.get(f"{box}/{message}/content"))
    if content is None or content.status != 200:
        return  # recalled or expired in between
    lot = rng.random()
    if lot < 0.05:
        return
    if lot < 0.10:
        word = {"status": "opened"}
    elif lot < 0.15:
        word = {"status": "rejected", "reason": "unreadable", "permanent": True}
    elif lot < 0.20:
        word = {"status": "rejected", "reason": "busy", "permanent": False}
    elif lot < 0.23:
        word = {"status": "imported", "proof": "0" * 64}
    else:
        try:
            proof = house.proof_of(relay, name, content.body,
                                   world.keys.get(entry["certificate"]))
        except RuntimeError as error:
            world.blame("content does not open", f"{message}: {error}")
            return
        word = {"status": "imported", "proof": proof}
    said = until_answered(world, lambda: caller.post_json(f"{box}/{message}/receipt", word))
    if said is None:
        return
    final = {"imported": "imported"}.get(word["status"]) or (
        "rejected" if word.get("permanent") else None)
    if said.status == 200 and final and word.get("proof") != "0" * 64:
        with world.lock:
            world.confirmed[message, caller.organisation] = final
    elif said.status not in (200, 404, 409):
        world.blame("a receipt was refused", f"{message} {word['status']}: {said!r}")


def operator(world, relay, seed):
    """Mailboxes and certificates change; deadlines are put off; feeds are read."""
    rng = random.Random(seed)
    caller = relay.caller("operator")
    bergen = relay.caller("bergen")
    pem_path = os.path.join(relay.folder, "extra.crt")
    while not world.stopping:
        if world.pause.is_set():
            time.sleep(0.01)
            continue
        number = house.ORGANISATIONS["bergen"]
        until_answered(world, lambda: caller.post_json(
            f"/v1/mailbox/{number}", {"state": "open", "types": ["document", "digisos-soknad"]},
            method="PUT"))
        with world.lock:
            some = list(world.acknowledged.items())[-5:]
        if some:
            message, promise = rng.choice(some)
            until_answered(world, lambda: caller.post_json(
                f"/v1/messages/{message}/extension",
                {"recipient": promise[2][0], "expires": "2099-01-01T00:00:00.000Z"}))
        certificate(world, relay, bergen, pem_path)
        until_answered(world, lambda: caller.get("/v1/feed"))
        until_answered(world, lambda: caller.get("/v1/alarms"))
        time.sleep(0.2)
    caller.close()
    bergen.close()


def certificate(world, relay, caller, pem_path, days="36500", suspend=True):
    """Register a new certificate, prove it, and perhaps suspend it."""
    pem_path = f"{pem_path}.{uuid.uuid4()}"
    import base64
    import hashlib
    import subprocess
    key_path = pem_path + ".key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key_path,
         "-out", pem_path, "-days", days, "-subj", "/CN=extra"],
        check=True, capture_output=True)
    box = f"/v1/mailbox/{caller.organisation}/certificates"
    with open(pem_path) as pem:
        added = until_answered(world, lambda p=pem.read(): caller.post_json(box, {"certificate": p}))
    if added is None or added.status != 201:
        world.blame("a certificate was refused", repr(added))
        return
    got = added.json()
    world.keys[got["certificate"]] = pem_path
    octets = subprocess.run(
        ["openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-inkey", key_path, "-recip",
         pem_path], input=base64.b64decode(got["challenge"]), capture_output=True).stdout
    proof = hashlib.sha256(octets).hexdigest()
    proved = until_answered(world, lambda: caller.post_json(
        f"{box}/{got['certificate']}/proof", {"proof": proof}))
    if proved is None or proved.status != 200:
        world.blame("a proof was refused", repr(proved))
    if not suspend:
        return
    gone = until_answered(world, lambda: caller.request("DELETE", f"{box}/{got['certificate']}"))
    if gone is None or gone.status != 200:
        world.blame("a certificate was not suspended", repr(gone))


# ---- state changes that the load alone does not come by ---------------------

BIG = 9 << 20  # staged while it comes, erased in more than one step


def send_big(world, relay, name, broken=False):
    """A message that is staged; broken: its digest is wrong, all is dropped."""
    nav = relay.caller("nav")
    parts = house.document(BIG, str(uuid.uuid4()))
    head = house.envelope("document", [house.ORGANISATIONS[name]], parts)
    if broken:
        head["parts"][0]["sha256"] = "0" * 64
    body, content_type = house.multipart(head, parts)
    answer = until_answered(world, lambda: nav.request(
        "POST", "/v1/messages", body,
        {"Content-Type": content_type, "Idempotency-Key": str(uuid.uuid4())}))
    nav.close()
    if answer is not None and answer.status != (422 if broken else 201):
        world.blame("a large message was answered otherwise", repr(answer))


def cut_big(world, relay, name):
    """Half a large message, and the net role dies: what was staged is nobody's."""
    nav = relay.caller("nav")
    parts = house.document(BIG, str(uuid.uuid4()))
    body, content_type = house.multipart(
        house.envelope("document", [house.ORGANISATIONS[name]], parts), parts)
    raw = nav.context.wrap_socket(house.socket.create_connection(("127.0.0.1", relay.port)))
    try:
        raw.sendall((f"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Type: {content_type}\r\n"
                     f"Idempotency-Key: {uuid.uuid4()}\r\nContent-Length: {len(body)}\r\n\r\n")
                    .encode())
        raw.sendall(body[:len(body) * 3 // 4])
        time.sleep(0.3)
        kill_role(relay, "net")
    except OSError:
        pass
    finally:
        raw.close()


def short_certificate(world, relay, clock):
    """One that ends tomorrow, by the relay's clock."""
    bergen = relay.caller("bergen")
    with open(clock, "rb") as file:
        ahead = struct.unpack("=q", file.read(8))[0] // DAY_MS
    certificate(world, relay, bergen, os.path.join(relay.folder, "short.crt"),
                str(ahead + 2), False)
    bergen.close()


def cause_goes_away(world, relay, clock):
    """An alarm's message is fetched and waits on: it is looked at again."""
    nav, trondheim, operator = (relay.caller(n) for n in ("nav", "trondheim", "operator"))
    box = f"/v1/mailbox/{trondheim.organisation}/messages"
    sent = until_answered(world, lambda: house.submit(nav, [trondheim.organisation]))
    if sent is not None and sent.status == 201:
        message = sent.json()["id"]
        until_answered(world, lambda: operator.post_json(
            f"/v1/messages/{message}/extension",
            {"recipient": trondheim.organisation, "expires": "2099-01-01T00:00:00.000Z"}))
        clock_forward(clock, 30000)
        time.sleep(0.8)
        until_answered(world, lambda: trondheim.get(box))
        until_answered(world, lambda: trondheim.get(f"{box}/{message}/content"))
        time.sleep(0.4)
        clock_forward(clock, 900000)
    for caller in (nav, trondheim, operator):
        caller.close()


def drive(world, relay, clock, name, step):
    """One step towards the state change; most of them the load brings about."""
    if name == "spool.stage" and step % 25 == 0:
        send_big(world, relay, "oslo")
    elif name == "spool.stage.drop" and step % 25 == 0:
        send_big(world, relay, "oslo", broken=True)
    elif name == "spool.sweep" and step % 50 == 0:
        cut_big(world, relay, "oslo")
        clock_forward(clock, 2 * HOUR_MS)
    elif name == "spool.purging" and step % 50 == 0:
        send_big(world, relay, "trondheim")
        clock_forward(clock, HOUR_MS)
    elif name == "spool.certificate.ended" and step % 50 == 0:
        short_certificate(world, relay, clock)
        clock_forward(clock, 3 * DAY_MS)
    elif name == "spool.due.recheck" and step % 25 == 0:
        cause_goes_away(world, relay, clock)
    elif name == "spool.forgotten" and step % 50 == 0:
        world.pause.set()
        time.sleep(0.5)
        judge(world, relay)
        with world.lock:
            world.acknowledged.clear()
        clock_forward(clock, 40 * DAY_MS)
        world.pause.clear()
    elif step % 100 == 0:
        clock_forward(clock, HOUR_MS)
    elif step % 20 == 0:
        clock_forward(clock, 40000)


# ---- kills ------------------------------------------------------------------

def points():
    """Every state change that the programs name."""
    done = house.subprocess.run([os.path.join(house.BUILD, "budstikked"), "--crash-points"],
                                capture_output=True, text=True)
    return sorted(set(done.stdout.split()))


def crash_write(world, name):
    """The roles have the file mapped: it is written over, never cut."""
    with open(world.crash_file, "r+b") as crash:
        crash.write(name.encode().ljust(128, b"\0"))


def crash_pending(world):
    with open(world.crash_file, "rb") as crash:
        return crash.read(1) != b"\0"


def crash_at(world, relay, clock, name, seconds=60):
    """True when some role died at the place named."""
    before = relay.log(relay.mark).count(" role.dead ")
    world.doing = name
    crash_write(world, name)
    end = time.monotonic() + seconds
    step = 0
    while crash_pending(world):
        if time.monotonic() > end:
            crash_write(world, "")
            return False
        step += 1
        drive(world, relay, clock, name, step)
        time.sleep(0.02)
    end = time.monotonic() + 10
    while relay.log(relay.mark).count(" role.dead ") == before:
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def kill_role(relay, role):
    pid = relay.role_pid(role)
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    end = time.monotonic() + 20
    while time.monotonic() < end:
        now = relay.role_pid(role)
        if now != pid and re.search(
                rf" role\.ready role={role} slot=\d+ pid={now}", relay.log(relay.mark)):
            return True
        time.sleep(0.01)
    return False


# ---- judgement --------------------------------------------------------------

def judge(world, relay, sample=None):
    """Everything promised is there. With sample: only so many of the newest."""
    nav = relay.caller("nav")
    with world.lock:
        promises = list(world.acknowledged.items())
        confirmed = dict(world.confirmed)
    if sample is not None:
        promises = promises[-sample:]
    for message, (key, parts, recipients, receipt) in promises:
        status = until_answered(world, lambda: nav.get(f"/v1/messages/{message}"))
        if status is None or status.status != 200:
            world.blame("acknowledged and lost", f"{message} {status!r}")
            continue
        got = status.json()
        if got["receipt"] != receipt:
            world.blame("another receipt than was given", f"{message}: {got['receipt']} was {receipt}")
        for one in got["recipients"]:
            want = confirmed.get((message, one["recipient"]))
            if want is not None and one["state"] != want:
                world.blame("a state that was confirmed changed",
                            f"{message} was {want} and is {one['state']}")
        again = until_answered(world, lambda: house.submit(nav, recipients, parts, key))
        if again is None or again.status != 201 or again.json()["receipt"] != receipt:
            world.blame("the same key gave another answer", f"{message} {again!r}")
    nav.close()
    return len(promises)


def check_store(relay):
    done = relay.tool("spool", "check", os.path.join(relay.dir, "spool"))
    return done.returncode == 0, done.stdout + done.stderr


def main():
    world = World()
    folder = house.tempfile.mkdtemp(prefix="budstikke-crash.")
    world.crash_file = os.path.join(folder, "crash")
    clock = os.path.join(folder, "clock")
    with open(world.crash_file, "wb") as crash:
        crash.write(b"\0" * 128)
    make_clock(clock)
    os.chmod(world.crash_file, 0o666)
    os.chmod(folder, 0o755)
    relay = house.Relay(
        options=["-o", "environment=test", "-o", f"clock_file={clock}",
                 "-o", "step_hold_seconds=0", "-o", "requests_per_second=100000",
                 "-o", "staged_hours=1", "-o", "idempotency_days=30",
                 "-o", "expire_seconds=600", "-o", "grace_seconds=300",
                 "-o", "escalate_seconds=60", "-o", "notice_tries=2", "-o", "purge_bytes=1048576",
                 "-o", "role_deaths=100", "-o", "keepalive_seconds=60"],
        environment={"BUDSTIKKE_CRASH_FILE": world.crash_file},
        init=["--webhook", "http://127.0.0.1:9/"])
    counts = {}
    kills = {"at a state change": 0, "of a role": 0, "of all": 0}
    try:
        relay.start()
        names = points()
        tap.ok(len(names) >= 30, f"the programs name {len(names)} state changes",
               " ".join(names))
        threads = [threading.Thread(target=sender, args=(world, relay, n)) for n in range(2)]
        threads += [threading.Thread(target=receiver, args=(world, relay, n, 9))
                    for n in ("oslo", "bergen")]
        threads.append(threading.Thread(target=operator, args=(world, relay, 5)))
        for thread in threads:
            thread.daemon = True
            thread.start()
        for round_number in range(EACH):
            for name in names:
                if crash_at(world, relay, clock, name):
                    counts[name] = counts.get(name, 0) + 1
                    kills["at a state change"] += 1
            tap.ok(True, f"round {round_number + 1}: {sum(counts.values())} kills so far, "
                         f"{len(world.acknowledged)} acknowledged")
        for name in names:  # the load does not come by all of them each time
            while counts.get(name, 0) < EACH and crash_at(world, relay, clock, name):
                counts[name] = counts.get(name, 0) + 1
                kills["at a state change"] += 1
        for name in names:
            print(f"# {counts.get(name, 0):3d} kills at {name}", flush=True)
        missing = [n for n in names if counts.get(n, 0) < EACH]
        tap.ok(not missing, f"every state change was killed at {EACH} times at least",
               " ".join(missing))
        rng = random.Random(1)
        for number in range(RANDOM_KILLS):
            world.doing = f"random kill {number + 1}"
            time.sleep(rng.random() * 0.3)
            if number % 10 == 9:
                relay.kill()
                relay.start()
                kills["of all"] += 1
            elif kill_role(relay, rng.choice(["spool", "spool", "net", "keys", "render", "scan",
                                              "courier"])):
                kills["of a role"] += 1
        world.stopping = True
        for thread in threads:
            thread.join(90)
        for what, number in kills.items():
            print(f"# {number} kills {what}", flush=True)
        total = sum(kills.values())
        tap.ok(total >= EACH * len(names) + RANDOM_KILLS * 0.8, f"{total} kills in all")
        world.doing = "the last judgement"
        judged = judge(world, relay)
        tap.ok(not world.wrong, f"all {judged} acknowledged messages are there with their first "
                                f"receipt ({world.retries} exchanges were repeated)",
               world.verdict())
        clean, said = check_store(relay)
        tap.ok(clean, "spool check finds nothing while the relay runs", said)
        tap.ok(relay.stop() == 0, "the relay ends in order", relay.log()[-2000:])
        clean, said = check_store(relay)
        tap.ok(clean, "spool check finds nothing afterwards", said)
    except Exception as error:  # the harness itself: a failure, not a silence
        import traceback
        tap.ok(False, f"the crash test came to its end: {error}", traceback.format_exc())
    finally:
        world.stopping = True
        relay.close()
        house.shutil.rmtree(folder, ignore_errors=True)
    return tap.finish()


sys.exit(main())
