"""What lasts while keys, clocks, zones and stores change under the messages.

Keys are rotated by SIGHUP while messages wait, a recipient gets a new
certificate, the wall clock jumps, the time zone is odd, and a store comes back
from a backup.
"""
import base64
import datetime
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import drive  # noqa: E402
import relay as house  # noqa: E402

tap = house.Tap()
ZONE = "XYZ+13:37"  # no zone of the world


class World:
    def __init__(self, **more):
        with open(os.path.join(house.TOP, "relay", "openapi.json")) as source:
            self.document = drive.Document(json.load(source))
        self.relay = drive.relay_with(**more)
        self.meet()

    def meet(self):
        for name in ("nav", "oslo", "bergen", "trondheim", "operator"):
            setattr(self, name, drive.Judged(self.relay.caller(name), self.document))

    def again(self):
        self.relay.start()
        self.meet()

    def send(self, who=None, parts=None, key=None, reference=None):
        answer = house.submit(self.nav, [(who or self.oslo).organisation], parts, key, reference=reference)
        assert answer.status == 201, answer
        return answer.json()

    def reload(self):
        """SIGHUP, and wait until every role is a new one."""
        before = self.relay.log().count(" role.ready role=net ")
        self.relay.process.send_signal(signal.SIGHUP)
        return drive.wait_for(20, lambda: self.relay.log().count(" role.ready role=net ") > before and
                              "conf.loaded reload=1" in self.relay.log())


def box(who):
    return f"/v1/mailbox/{who.organisation}/messages"


def proof(world, who, message, name=None):
    content = who.get(f"{box(who)}/{message}/content")
    return house.proof_of(world.relay, name or who.caller.name, content.body)


def confirm(who, message, word):
    return who.post_json(f"{box(who)}/{message}/receipt", {"status": "imported", "proof": word})


def read_jws(text):
    def part(n):
        piece = text.split(".")[n]
        return json.loads(base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4)))
    return part(0), part(1)


def verified(world, receipt):
    path = os.path.join(world.relay.folder, str(uuid.uuid4()))
    with open(path, "w") as out:
        out.write(receipt)
    done = world.relay.tool("verify", "--ca", os.path.join(world.relay.dir, "ca.crt"), path)
    return done.returncode == 0, done.stdout + done.stderr


# ---- keys -------------------------------------------------------------------

def new_evidence_key(world):
    """As an operator would: a key of its own, a certificate of the authority."""
    keys = os.path.join(world.relay.dir, "keys")
    key, request, certificate = (os.path.join(world.relay.folder, n) for n in ("e.key", "e.csr", "e.crt"))
    extensions = os.path.join(world.relay.folder, "e.ext")
    with open(extensions, "w") as out:
        out.write("basicConstraints = critical, CA:FALSE\n"
                  "keyUsage = critical, digitalSignature, nonRepudiation\n"
                  "subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n")
    subject = subprocess.run(
        ["openssl", "x509", "-in", os.path.join(keys, "evidence.crt"), "-noout", "-subject",
         "-nameopt", "RFC2253,sep_multiline,lname"], capture_output=True, text=True).stdout
    found = re.search(r"NTRNO-\d{9}", subject).group(0)
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-out", key], check=True, capture_output=True)
    subprocess.run(["openssl", "req", "-new", "-key", key, "-out", request, "-subj",
                    f"/C=NO/O=budstikke/organizationIdentifier={found}/CN=budstikke evidence 2"],
                   check=True, capture_output=True)
    subprocess.run(["openssl", "x509", "-req", "-in", request, "-CA",
                    os.path.join(world.relay.dir, "ca.crt"), "-CAkey", os.path.join(keys, "authority.key"),
                    "-set_serial", "77", "-days", "365", "-extfile", extensions, "-out", certificate],
                   check=True, capture_output=True)
    os.chmod(key, 0o600)
    for name in ("key", "crt"):
        target = os.path.join(keys, "evidence." + name)
        status = os.stat(target)
        house.shutil.copy(os.path.join(world.relay.folder, "e." + name), target + ".new")
        os.chown(target + ".new", status.st_uid, status.st_gid)
        os.chmod(target + ".new", status.st_mode & 0o777)
        os.rename(target + ".new", target)


def keys_rotate(world):
    old = world.send(reference="sak 1")
    new_evidence_key(world)
    with open(os.path.join(world.relay.dir, "keys", "meta.key"), "a") as out:
        out.write(f"m2 {os.urandom(32).hex()}\n")
    tap.ok(world.reload(), "new keys are read on SIGHUP", world.relay.log()[-2000:])
    new = world.send(reference="sak 2")
    tap.ok(read_jws(old["receipt"])[0]["x5c"] != read_jws(new["receipt"])[0]["x5c"],
           "a new receipt is signed with the new evidence key")
    for sentence, receipt in (("the old", old["receipt"]), ("the new", new["receipt"])):
        tap.ok(*(lambda v, s=sentence: (v[0], f"{s} receipt verifies offline", v[1]))(verified(world, receipt)))
    again = world.nav.get(f"/v1/messages/{old['id']}").json()
    tap.ok(again["receipt"] == old["receipt"], "the old receipt is given out as it was signed")
    tap.ok(again.get("reference") == "sak 1", "a reference under the old metadata key is read", again)
    got = world.nav.get(f"/v1/messages/{new['id']}").json()
    tap.ok(got.get("reference") == "sak 2", "a reference under the new one too", got)
    answer = confirm(world.oslo, old["id"], proof(world, world.oslo, old["id"]))
    tap.ok(answer.status == 200, "a message that waited is imported", answer)
    tap.ok(*(lambda v: (v[0], "its evidence verifies", v[1]))(verified(world, answer.json()["evidence"])))
    trail = world.nav.get(f"/v1/messages/{old['id']}/evidence").json()["evidence"]
    signers = {read_jws(piece["evidence"])[0]["x5c"][0] for piece in trail}
    tap.ok(len(signers) == 2 and all(verified(world, p["evidence"])[0] for p in trail),
           "one trail, signed with two keys, verifies from end to end", len(signers))
    broken = os.path.join(world.relay.dir, "keys", "evidence.key")
    with open(broken) as source:
        good = source.read()
    with open(broken, "w") as out:
        out.write("no key\n")
    world.relay.process.send_signal(signal.SIGHUP)
    time.sleep(1.5)
    with open(broken, "w") as out:
        out.write(good)
    answer = drive.wait_for(20, lambda: (lambda a: a if a.status == 201 else None)(
        house.submit(world.nav, [world.oslo.organisation])))
    tap.ok(answer, "a key that cannot be read does not end the service")


def certificate_rotates(world):
    """A recipient's new certificate while a message to the old one waits."""
    waits = world.send()
    base = os.path.join(world.relay.folder, "second")
    clients = os.path.join(world.relay.dir, "clients")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:3072", "-nodes", "-keyout", base + ".key",
                    "-out", base + ".crt", "-days", "365", "-subj", "/CN=second"], check=True, capture_output=True)
    path = f"/v1/mailbox/{world.oslo.organisation}/certificates"
    with open(base + ".crt") as pem:
        added = world.oslo.post_json(path, {"certificate": pem.read()}).json()
    early = world.send()
    entry = world.oslo.get(f"{box(world.oslo)}/{early['id']}").json()
    tap.ok(entry["certificate"] != added["certificate"], "a certificate is not used before it is proved")
    octets = subprocess.run(["openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-inkey", base + ".key",
                             "-recip", base + ".crt"], input=base64.b64decode(added["challenge"]),
                            capture_output=True).stdout
    proved = world.oslo.post_json(f"{path}/{added['certificate']}/proof",
                                  {"proof": hashlib.sha256(octets).hexdigest()})
    tap.ok(proved.status == 200, "it is proved", proved)
    new = world.send()
    entry = world.oslo.get(f"{box(world.oslo)}/{new['id']}").json()
    tap.ok(entry["certificate"] == added["certificate"], "then new messages are sealed to it", entry)
    answer = confirm(world.oslo, waits["id"], proof(world, world.oslo, waits["id"]))
    tap.ok(answer.status == 200, "what waited opens with the old key", answer)
    for name in ("key", "crt"):
        house.shutil.copy(f"{base}.{name}", os.path.join(clients, f"second.seal.{name}"))
    answer = confirm(world.oslo, new["id"], proof(world, world.oslo, new["id"], "second"))
    tap.ok(answer.status == 200, "what came after opens with the new one", answer)
    confirm(world.oslo, early["id"], proof(world, world.oslo, early["id"]))


# ---- time -------------------------------------------------------------------

def zone(world):
    """TZ is odd: times are UTC everywhere."""
    message = world.send()
    now = datetime.datetime.now(datetime.timezone.utc)
    status = world.nav.get(f"/v1/messages/{message['id']}").json()
    _, payload = read_jws(message["receipt"])
    with_zone = {"status": status["accepted"], "evidence": payload["time"],
                 "log": re.findall(r"^(\S+) info net message\.accepted", world.relay.log(), re.M)[-1]}
    for where, text in with_zone.items():
        then = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)
        tap.ok(abs((now - then).total_seconds()) < 30, f"TZ={ZONE}: the time in the {where} is UTC", text)
    body = json.dumps({"recipient": world.oslo.organisation, "expires": "2098-07-01T14:00:00+02:00"})
    got = world.operator.request("POST", f"/v1/messages/{message['id']}/extension", body,
                                 {"Content-Type": "application/json"})
    if got.status == 200:
        tap.ok(got.json()["expires"] == "2098-07-01T12:00:00.000Z", "a time with an offset is understood", got)
    else:
        tap.ok(got.status == 422 and got.json()["errors"][0]["pointer"] == "/expires",
               "a time with an offset is refused, not misread", got)
    head = world.nav.get("/v1/feed").headers["Date"]
    then = datetime.datetime.strptime(head, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=datetime.timezone.utc)
    tap.ok(abs((now - then).total_seconds()) < 30, "and so is Date", head)


def clock_steps():
    """The wall clock jumps: it is said, deadlines wait, nobody is alarmed."""
    world = World(clock=True, hold=4, options=["not_fetched_seconds=600", "expire_seconds=86400"])
    made = world.relay
    try:
        messages = [world.send(who)["id"] for who in (world.oslo, world.bergen, world.trondheim)]
        time.sleep(1.2)  # the relay has looked at its clock
        made.clock.forward(2 * drive.DAY_MS)
        stepped = drive.wait_for(10, lambda: re.findall(r" clock\.stepped ms=(\d+)", made.log()))
        tap.ok(stepped and abs(int(stepped[0]) - 2 * drive.DAY_MS) < 5000,
               "a clock that jumps two days is noticed, and by how much", stepped)
        alarms = world.operator.get("/v1/alarms").json()["alarms"]
        states = [world.nav.get(f"/v1/messages/{m}").json()["recipients"][0]["state"] for m in messages]
        tap.ok(not alarms and states == ["accepted"] * 3, "no deadline fires for a while", f"{alarms} {states}")
        made.clock.forward(-2 * drive.DAY_MS)
        back = drive.wait_for(10, lambda: re.findall(r" clock\.stepped ms=-(\d+)", made.log()))
        tap.ok(back, "the step back is noticed too", made.log()[-1000:])
        time.sleep(6)
        alarms = world.operator.get("/v1/alarms").json()["alarms"]
        states = [world.nav.get(f"/v1/messages/{m}").json()["recipients"][0]["state"] for m in messages]
        tap.ok(not alarms and states == ["accepted"] * 3,
               "set right in time, it has alarmed nobody and ended nothing", f"{alarms} {states}")
        late = world.send()
        tap.ok(late["state"] == "accepted", "messages are accepted behind a step back")
        made.clock.forward(700000)
        found = drive.wait_for(20, lambda: world.operator.get("/v1/alarms").json()["alarms"])
        tap.ok(len(found or []) >= 1, "a step that stays: deadlines fire after the hold", found)
        check = made.tool("spool", "check", os.path.join(made.dir, "spool"))
        tap.ok(check.returncode == 0, "spool check is clean", check.stdout + check.stderr)
    finally:
        made.close()


# ---- a store that comes back -------------------------------------------------

def restored(world):
    to = world.trondheim
    spool = os.path.join(world.relay.dir, "spool")
    copy = os.path.join(world.relay.folder, "backup")
    parts, key = house.document(), str(uuid.uuid4())
    waiting = world.send(to, parts=parts, key=key, reference="sak 3")
    done = world.send(to)
    done_proof = proof(world, to, done["id"])
    backup = world.relay.tool("spool", "backup", spool, copy)
    tap.ok(backup.returncode == 0, "a backup while the relay runs", backup.stderr)
    confirm(to, done["id"], done_proof)
    lost_parts, lost_key = house.document(), str(uuid.uuid4())
    lost = world.send(to, parts=lost_parts, key=lost_key)
    cursor = world.nav.get("/v1/feed").json()["cursor"]
    tap.ok(world.relay.stop() == 0, "the relay ends")
    os.rename(spool, spool + ".lost")
    back = world.relay.tool("spool", "restore", spool, copy)
    tap.ok(back.returncode == 0, "the backup is restored", back.stderr + back.stdout)
    if not os.path.isdir(spool):
        return
    world.again()
    to = world.trondheim
    for who, message in (("waiting", waiting), ("done since", done)):
        got = to.get(f"{box(to)}/{message['id']}")
        tap.ok(got.status == 200 and got.json()["redelivered"],
               f"a message that was {who} comes again, marked redelivered", got)
    answer = confirm(to, done["id"], done_proof)
    tap.ok(answer.status == 200, "the same confirmation again is taken", answer)
    same = world.send(to, parts=parts, key=key, reference="sak 3")
    tap.ok(same["id"] == waiting["id"] and same["receipt"] == waiting["receipt"],
           "a key from before the backup gives its first receipt")
    tap.ok(world.nav.get(f"/v1/messages/{lost['id']}").status == 404, "what came after it is not here")
    anew = world.send(to, parts=lost_parts, key=lost_key)
    tap.ok(anew["id"] != lost["id"], "its key makes a new message")
    answer = confirm(to, waiting["id"], proof(world, to, waiting["id"]))
    tap.ok(answer.status == 200, "what waited is imported", answer)
    alarms = [a for a in world.operator.get("/v1/alarms").json()["alarms"] if a["cause"] == "restored"]
    tap.ok(len(alarms) == 1, "an alarm says that the store was restored", alarms)
    page = world.nav.get(f"/v1/feed?cursor={cursor}")
    entries = page.json()["entries"] if page.status == 200 else []
    missing = [e for e in entries if e.get("missingAfter")]
    tap.ok(page.status == 200 and missing, "a reader with an old cursor is told from when on evidence is missing", page)
    epoch = int(page.json()["cursor"].split(".")[0])
    tap.ok(epoch > int(cursor.split(".")[0]), "a restored store is another epoch", page.json()["cursor"])
    tap.ok(verified(world, anew["receipt"])[0] and verified(world, lost["receipt"])[0],
           "receipts of both epochs verify, that of the lost message too")
    closed = world.operator.request("POST", f"/v1/alarms/{alarms[0]['id']}/closure") if alarms else None
    tap.ok(closed and closed.status == 200, "the operator closes the alarm", closed)
    check = world.relay.tool("spool", "check", spool)
    tap.ok(check.returncode == 0, "spool check is clean", check.stdout + check.stderr)


def oversized():
    """Over the limits of sizes: refused before the bytes come."""
    world = World(options=["message_bytes=1048576", "part_bytes=524288",
                           "linger_bytes=16777216", "linger_ms=20000"])
    try:
        oslo = [world.oslo.organisation]
        big = house.document(600000)
        answer = house.submit(world.nav, oslo, big)
        tap.ok(answer.status == 422 and answer.json()["errors"][0]["pointer"] == "/parts/0/size",
               "a part over part_bytes is refused, with its place", answer)
        many = house.document(500000) + [
            house.part(f"a{n}", f"{n}.txt", "text/plain", b"x" * 500000) for n in range(2)]
        answer = house.submit(world.nav, oslo, many)
        tap.ok(answer.status == 422 and answer.json()["errors"][0]["pointer"] == "/parts",
               "a message over message_bytes is refused", answer)
        head = house.envelope("document", oslo, big)
        made = world.nav.request("POST", "/v1/uploads", json.dumps(head), {
            "Content-Type": "application/json", "Idempotency-Key": "big"})
        tap.ok(made.status == 422, "so is an upload, at its envelope", made)
        data = drive.head_bytes("POST", "/v1/messages", [
            ("Content-Type", "multipart/form-data; boundary=b"), ("Idempotency-Key", "k"),
            ("Expect", "100-continue"), ("Content-Length", str(1 << 40))])
        answer = world.nav.raw("POST", "/v1/messages", data)
        tap.ok(answer.status == 413, "a length over every limit is refused before 100 Continue", answer)
        tap.ok(world.send()["state"] == "accepted", "what is within them is accepted")
        tap.ok(not world.document.faults, "every answer was one that the OpenAPI document knows",
               "\n".join(world.document.faults))
    finally:
        world.relay.close()


def main():
    world = None
    try:
        world = World(environment={"TZ": ZONE}, options=[
            "not_fetched_seconds=86400", "not_confirmed_seconds=86400"])
        for case in (zone, keys_rotate, certificate_rotates, restored):
            case(world)
        tap.ok(not world.document.faults, "every answer was one that the OpenAPI document knows",
               "\n".join(sorted(set(world.document.faults))))
        world.relay.close()
        oversized()
        clock_steps()
    except Exception as error:  # the harness itself: a failure, not a silence
        import traceback
        tap.ok(False, f"the drive came to its end: {error}", traceback.format_exc())
    finally:
        if world is not None:
            world.relay.close()
    return tap.finish()


sys.exit(main())
