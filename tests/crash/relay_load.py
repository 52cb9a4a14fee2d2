"""The load that the relay carries while it is killed, and what it was promised.

Senders, receivers and an operator say at once when an answer is none of those
that are promised, whatever died meanwhile.
"""
import base64
import hashlib
import http.client
import os
import random
import ssl
import struct
import subprocess
import sys
import threading
import time
import traceback
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import relay as house  # noqa: E402

BROKEN = (OSError, http.client.HTTPException, ssl.SSLError)
SEED = int(os.environ.get("SEED", "0"))
PATIENCE = 120         # seconds until something that must come is missed
KNOWN_DAYS = 30        # idempotency_days
TOLD_AT_ONCE = 3       # of a kind of what is wrong; the verdict counts them all
WRONG_PROOF = "0" * 64
HOUR_MS = 3600000
DAY_MS = 24 * HOUR_MS


class Promise:
    """A message that was acknowledged: what for, and when it was first sent."""

    def __init__(self, sent_ms, key, parts, recipients, receipt):
        self.sent_ms = sent_ms  # by the relay's clock
        self.key, self.parts, self.recipients = key, parts, recipients
        self.receipt = receipt
        self.judged = False


class World:
    """What was promised, and what the crash file and the clock say."""

    def __init__(self, folder):
        self.crash_file = os.path.join(folder, "crash")
        self.clock = os.path.join(folder, "clock")
        self.lock = threading.Lock()
        self.acknowledged = {}  # id -> Promise
        self.accepted = 0       # all that there were of them
        self.judged = 0         # of these, by the clock's great leaps and the end
        self.confirmed = {}     # (id, recipient) -> state
        self.keys = {}          # certificate -> path of its .crt and .crt.key
        self.stopping = False
        self.wrong = []         # (kind, what was seen)
        self.began = time.monotonic()
        self.doing = "start"    # what the harness is at, for what goes wrong
        self.repeated = {}      # why an exchange was repeated -> how often
        with open(self.crash_file, "wb") as crash:
            crash.write(b"\0" * 128)
        with open(self.clock, "wb") as clock:
            clock.write(struct.pack("=qqq", 0, 1000, 0))
        os.chmod(self.crash_file, 0o666)
        os.chmod(folder, 0o755)

    def blame(self, kind, seen=""):
        """What is not as promised: said at the moment that it is seen."""
        sentence = (f"{kind} ({time.monotonic() - self.began:.1f} s, at {self.doing}): "
                    f"{seen}")
        with self.lock:
            self.wrong.append((kind, sentence))
            if sum(k == kind for k, _ in self.wrong) <= TOLD_AT_ONCE:
                print(f"# WRONG: {sentence[:600]}", flush=True)

    def expect(self, good, kind, seen=""):
        if not good:
            self.blame(kind, seen)
        return good

    def verdict(self):
        """How many of each kind, then the first of each, then the others."""
        kinds = {}
        for kind, sentence in self.wrong:
            kinds.setdefault(kind, []).append(sentence)
        lines = ["; ".join(f"{len(all_)} x {kind}" for kind, all_ in kinds.items())]
        lines += [all_[0] for all_ in kinds.values()]
        lines += [one for all_ in kinds.values() for one in all_[1:6]]
        return "\n".join(line[:600] for line in lines)

    def again(self, reason):
        with self.lock:
            self.repeated[reason] = self.repeated.get(reason, 0) + 1

    # the relay's clock, which only the main thread sets

    def offset_ms(self):
        with open(self.clock, "rb") as clock:
            return struct.unpack("=q", clock.read(8))[0]

    def now_ms(self):
        return int(time.time() * 1000) + self.offset_ms()

    def forward(self, ms):
        offset = self.offset_ms()
        with open(self.clock, "r+b") as clock:
            clock.write(struct.pack("=q", offset + ms))

    def may_be_forgotten(self, since_ms):
        """What was known at a time of the relay's clock may be known no more."""
        return self.now_ms() - since_ms >= KNOWN_DAYS * DAY_MS


# ---- load -------------------------------------------------------------------

def until_answered(world, call):
    """Repeat one exchange while it breaks or is refused for a time."""
    end = time.monotonic() + PATIENCE
    last = None
    while time.monotonic() < end:
        try:
            answer = last = call()
        except BROKEN as error:
            last = error
            world.again("broken")
        else:
            if answer.status != 503 and answer.code() != "idempotency-in-progress":
                return answer
            world.again(answer.code() or answer.status)
        time.sleep(0.02)
    world.blame("no answer in time", f"the last was {last!r}")
    return None


def judged(world, call, good, kind, since_ms=None, codes=None):
    """The answer of an exchange when its status is one of the good ones, else
    None: then it was blamed. 404 is one when the message may be forgotten."""
    answer = until_answered(world, call)
    if answer is None:
        return None
    if answer.status == 404 and since_ms is not None and world.may_be_forgotten(since_ms):
        return None
    if answer.status not in good or (
            codes and answer.status >= 400 and answer.code() not in codes):
        world.blame(kind, repr(answer))
        return None
    return answer


def part_of_load(work):
    """A thread of the load: one that ended early would prove nothing."""
    def run(world, caller, *args):
        try:
            while not world.stopping:
                work(world, caller, *args)
        except Exception:
            world.blame("the load broke off", traceback.format_exc().replace("\n", " | ")[-500:])
    return run


@part_of_load
def sender(world, nav, rng):
    oslo, bergen, trondheim = (house.ORGANISATIONS[n] for n in ("oslo", "bergen", "trondheim"))
    recipients = rng.choice([[oslo], [bergen], [oslo, bergen], [trondheim]])
    time.sleep(0.02)
    key = str(uuid.uuid4())
    parts = house.document(rng.choice([1000, 20000, 60000, 150000]), key)
    sent_ms = world.now_ms()
    answer = judged(world, lambda: house.submit(nav, recipients, parts, key, timeout=20), [201],
                    "a submission was refused")
    if answer is None:
        return
    got = answer.json()
    with world.lock:
        world.accepted += 1
        world.acknowledged[got["id"]] = Promise(sent_ms, key, parts, recipients, got["receipt"])
    if rng.random() < 0.2:
        recall(world, nav, got["id"], sent_ms)


def recall(world, nav, message, sent_ms):
    answer = judged(world, lambda: nav.request("DELETE", f"/v1/messages/{message}"), [200, 409],
                    "a recall was refused", sent_ms, ["already-final", "already-handed-out"])
    if answer is None or answer.status != 200:
        return
    for one in answer.json()["recipients"]:
        if one["state"] == "recalled":
            with world.lock:
                world.confirmed[message, one["recipient"]] = "recalled"


@part_of_load
def receiver(world, caller, rng):
    """Takes most messages in, rejects some, forgets some, lies about some."""
    box = f"/v1/mailbox/{caller.organisation}/messages"
    listed_ms = world.now_ms()
    page = judged(world, lambda: caller.get(box), [200], "a list was refused")
    if page is None:
        return
    entries = page.json()["messages"]
    if not entries:
        time.sleep(0.02)
    for entry in entries[:10]:
        if world.stopping:
            break
        receive(world, caller, box, entry, listed_ms, rng)


def word_of(world, caller, entry, content, rng):
    """What the receiver says of a message, or None."""
    lot = rng.random()
    if lot < 0.05:
        return None
    if lot < 0.10:
        return {"status": "opened"}
    if lot < 0.15:
        return {"status": "rejected", "reason": "unreadable", "permanent": True}
    if lot < 0.20:
        return {"status": "rejected", "reason": "busy", "permanent": False}
    if lot < 0.23:
        return {"status": "imported", "proof": WRONG_PROOF}
    try:
        proof = house.proof_of(caller.relay, caller.name, content.body,
                               world.keys.get(entry["certificate"]))
    except RuntimeError as error:
        world.blame("content does not open", f"{entry['id']}: {error}")
        return None
    return {"status": "imported", "proof": proof}


def receive(world, caller, box, entry, listed_ms, rng):
    message = entry["id"]
    content = judged(world, lambda: caller.get(f"{box}/{message}/content"), [200, 410],
                     "content was refused", listed_ms)
    if content is None or content.status != 200:
        return  # it had its end meanwhile, and is erased
    word = word_of(world, caller, entry, content, rng)
    if word is None:
        return
    wrong = word.get("proof") == WRONG_PROOF
    said = judged(world, lambda: caller.post_json(f"{box}/{message}/receipt", word),
                  [409] if wrong else [200, 409], "a receipt was not answered as promised",
                  listed_ms, ["proof-wrong"] if wrong else ["already-final"])
    if said is None or said.status != 200:
        return
    if word["status"] == "imported" or word.get("permanent"):
        with world.lock:
            world.confirmed[message, caller.organisation] = word["status"]


@part_of_load
def operator(world, caller, rng, bergen, certificates):
    """Mailboxes and certificates change; deadlines are put off; feeds are read."""
    judged(world, lambda: caller.post_json(
        f"/v1/mailbox/{bergen.organisation}",
        {"state": "open", "types": ["document", "digisos-soknad"]},
        method="PUT"), [200], "a mailbox was not changed")
    with world.lock:
        some = list(world.acknowledged.items())[-5:]
    if some:
        message, promise = rng.choice(some)
        judged(world, lambda: caller.post_json(
            f"/v1/messages/{message}/extension",
            {"recipient": promise.recipients[0], "expires": "2099-01-01T00:00:00.000Z"}),
            [200, 409], "an extension was refused", promise.sent_ms, ["delivery-state"])
    certificate = rng.choice(certificates)
    if certificate_use(world, bergen, certificate):
        certificate_suspend(world, bergen, certificate)
    judged(world, lambda: caller.get("/v1/feed"), [200], "the feed was refused")
    judged(world, lambda: caller.get("/v1/alarms"), [200], "the alarms were refused")
    time.sleep(0.2)


def certificate_make(path, days):
    """A new certificate at a path, its key beside it; gives the path."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", path + ".key",
         "-out", path, "-days", str(days), "-subj", "/CN=extra"],
        check=True, capture_output=True)
    return path


def certificate_use(world, caller, path):
    """Register a certificate, new or suspended, and prove it. A mailbox keeps
    those that ended, too, and has a limited number: they are used again."""
    box = f"/v1/mailbox/{caller.organisation}/certificates"
    with open(path) as file:
        pem = file.read()
    added = judged(world, lambda: caller.post_json(box, {"certificate": pem}), [201],
                   "a certificate was refused")
    if added is None:
        return False
    got = added.json()
    world.keys[got["certificate"]] = path
    octets = subprocess.run(
        ["openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-inkey", path + ".key",
         "-recip", path], input=base64.b64decode(got["challenge"]), capture_output=True).stdout
    proof = hashlib.sha256(octets).hexdigest()
    return judged(world, lambda: caller.post_json(
        f"{box}/{got['certificate']}/proof", {"proof": proof}), [200],
        "a proof was refused") is not None


def certificate_suspend(world, caller, path):
    der = subprocess.run(["openssl", "x509", "-in", path, "-outform", "DER"],
                         check=True, capture_output=True).stdout
    one = (f"/v1/mailbox/{caller.organisation}/certificates/"
           f"{hashlib.sha256(der).hexdigest()}")
    judged(world, lambda: caller.request("DELETE", one), [200], "a certificate was not suspended")


def load(world, relay):
    """The threads that send, receive and change things."""
    threads = []

    def begin(work, name, seed, *more):
        thread = threading.Thread(
            target=work, args=(world, relay.caller(name), random.Random(seed + SEED), *more))
        thread.daemon = True
        thread.start()
        threads.append(thread)

    certificates = [certificate_make(os.path.join(relay.folder, f"extra.{n}.crt"), 36500)
                    for n in range(4)]
    begin(sender, "nav", 0)
    begin(sender, "nav", 1)
    begin(receiver, "oslo", 9)
    begin(receiver, "bergen", 10)
    begin(operator, "operator", 5, relay.caller("bergen"), certificates)
    return threads
