"""Drive every operation of the OpenAPI document to every documented status.

Every answer is held against the document: its status, its header fields, its
body's schema. What is documented and was never seen is a failure too, but for
UNPROVOKED below.
"""
import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import drive  # noqa: E402
import relay as house  # noqa: E402

tap = house.Tap()

# (operation, status) that no client can bring about, and why it stands in the
# document all the same
NO_FAULT = "only a fault of the relay's own, or no memory, gives it"
NO_STORE = "these read the store by themselves: only a store that cannot be read gives it"
READING = ("getMessage", "listEvidence", "listMailboxes", "getMailbox", "listMailboxMessages",
           "getMailboxMessage", "listCertificates", "getFeed", "listAlarms", "getTile",
           "getConsistency")
HELD_HERE = ("createUpload", "getUpload", "dropUpload")


def unprovoked(document):
    table = {}
    for name in document.operations:
        table[name, "500"] = NO_FAULT
    table["listLogs", "503"] = "only in the moment after a start, before the first checkpoint"
    table["getConservation", "503"] = "only in the moment after a start, before the first statement"
    table["makeConservation", "503"] = "only while spool has ended and its successor is not there yet"
    for name in READING:
        table[name, "503"] = NO_STORE
    for name in HELD_HERE:
        table[name, "503"] = NO_FAULT
    return table


class World:
    """One relay and its callers, all judged by the document."""

    def __init__(self, document, **more):
        self.relay = drive.relay_with(**more)
        self.document = document
        for name in ("nav", "oslo", "bergen", "trondheim", "operator"):
            setattr(self, name, drive.Judged(self.relay.caller(name), document))
        self.nobody = drive.Judged(self.relay.caller(None), document)
        self.who = {"sender": self.nav, "recipient": self.oslo, "operator": self.operator}
        self.box = f"/v1/mailbox/{self.oslo.organisation}"

    def submit(self, recipients=None, parts=None, **more):
        return house.submit(self.nav, recipients or [self.oslo.organisation], parts, **more)

    def message(self, recipients=None):
        answer = self.submit(recipients)
        assert answer.status == 201, answer
        return answer.json()["id"]

    def close(self):
        self.relay.close()


def fill(world, path, **values):
    """A documented path with real values."""
    values = {"message": drive.UNKNOWN_ID, "upload": drive.UNKNOWN_ID, "alarm": drive.UNKNOWN_ID,
              "certificate": "0" * 64, "recipient": world.oslo.organisation,
              "epoch": "9", "position": "9.9", "path": "0/000.p/1", **values}
    return re.sub(r"\{([a-z]+)\}", lambda m: values[m.group(1)], path)


def roles_of(operation):
    return [tag for tag in operation["tags"] if tag != "any"] or ["sender", "recipient", "operator"]


def caller_of(world, operation):
    tag = operation["tags"][0]
    return world.who.get(tag, world.nav)


def good_fields(method, name):
    if name in ("submitMessage", "sendProbe"):
        return [("Content-Type", "multipart/form-data; boundary=b"), ("Idempotency-Key", "k")]
    if name == "createUpload":
        return [("Content-Type", "application/json"), ("Idempotency-Key", "k")]
    if name == "continueUpload":
        return [("Content-Type", "application/offset+octet-stream"), ("Upload-Offset", "0")]
    return [("Content-Type", "application/json")] if method in ("POST", "PUT") else []


# ---- what is the same for all operations ------------------------------------

def generic(world):
    """400 401 403 404 413 414 415 417 431 of every operation that has them."""
    document = world.document
    for _, method, name, template in list(document.paths):
        operation = document.operations[name]
        caller = caller_of(world, operation)
        path = fill(world, template, message=world.oslo_only)
        fields = good_fields(method, name)
        statuses = document.statuses(name)
        small = fields + ([("Content-Length", "2")] if "requestBody" in operation else [])

        def send(caller, fields, path=path, method=method, body=b"{}"):
            data = drive.head_bytes(method, path, fields)
            return caller.raw(method, path, data + (body if "requestBody" in operation else b""))

        send(caller, small + [("Bad Field", "x")])
        send(caller, small, path + "?q=" + "a" * 9000)
        slip = send(caller, small, path + "?no-such-parameter=1")
        tap.ok(slip.status == 400, f"{name}: a query parameter that it does not know: 400", slip)
        send(caller, small + [("Expect", "a-miracle")])
        send(caller, small + [("X-Large", "a" * 40000)])
        if "401" in statuses:
            send(world.nobody, small)
            send(world.nobody, small + [("Authorization", "Bearer " + "x" * 40)])
        if "403" in statuses:
            for role, other in world.who.items():
                if role not in world.relay_roles[name]:
                    answer = send(other, small)
                    tap.ok(answer.status == 403 and (method == "HEAD" or answer.code() == "role-missing"),
                           f"{name}: the role {role} gets 403", answer)
                else:
                    answer = send(other, small)
                    if answer.status == 403:
                        tap.ok(False, f"{name}: the role {role} may", answer)
        if "404" in statuses:
            send(caller, small, fill(world, template))
        if "requestBody" in operation and name != "continueUpload":
            send(caller, [f for f in small if f[0] != "Content-Type"] +
                 [("Content-Type", "text/html")])
            send(caller, fields + [("Content-Length", str(1 << 40))], body=b"")
    tap.ok(True, "what is the same for all operations was asked of all")


def slow_bodies(world):
    """408: a body that does not come."""
    upload = upload_begin(world, house.document(5000))[0]
    message = world.message()
    waiting = []
    for _, method, name, template in list(world.document.paths):
        operation = world.document.operations[name]
        if "requestBody" not in operation:
            continue
        path = fill(world, template, message=message, upload=upload)
        if name == "proveCertificate":
            path = fill(world, template)
        caller = caller_of(world, operation)
        sock = drive.connect(caller.caller)
        sock.sendall(drive.head_bytes(method, path, good_fields(method, name) +
                                      [("Content-Length", "100")]) +
                     (b"--b\r\n" if name in ("submitMessage", "sendProbe") else b"{"))
        waiting.append((method, path, name, sock))
    for method, path, name, sock in waiting:
        answer = drive.read_answer(sock, method)
        sock.close()
        world.document.judge(method, path, answer)
        tap.ok(answer.status == 408 and answer.code() == "request-too-slow",
               f"{name}: a body that stops gets 408", answer)


# ---- the main road ----------------------------------------------------------

def submissions(world):
    nav, oslo, bergen = world.nav, world.oslo.organisation, world.bergen.organisation
    parts = house.document()
    key = str(uuid.uuid4())
    first = world.submit([oslo, bergen], parts, key=key)
    tap.ok(first.status == 201 and len(first.json()["recipients"]) == 2, "a message is accepted", first)
    again = world.submit([oslo, bergen], parts, key=key)
    tap.ok(again.status == 201 and again.json()["receipt"] == first.json()["receipt"],
           "the same key and envelope give the first receipt", again)
    other = world.submit([oslo], parts, key=key)
    tap.ok(other.status == 409 and other.code() == "idempotency-conflict",
           "the same key with another envelope is refused", other)
    dry = world.submit([oslo], query="?dry-run=1", key=False)
    tap.ok(dry.status == 200, "a dry run", dry)
    for query in ("?dry-run=2",):
        tap.ok(world.submit(query=query).status == 400, "dry-run is 0 or 1")
    tap.ok(world.submit(key=False).code() == "idempotency-key-required", "a key is required")
    tap.ok(world.submit(["999999999"]).status == 422, "an unknown recipient is refused")
    got = nav.get(f"/v1/messages/{first.json()['id']}")
    tap.ok(got.status == 200 and got.json()["state"] == "waiting", "its status can be asked for", got)
    tap.ok(nav.get(f"/v1/messages/{first.json()['id']}/evidence").status == 200, "its evidence too")
    oversized = house.envelope("document", [oslo], house.document())
    oversized["reference"] = "x" * (300 << 10)
    body, kind = house.multipart(oversized, [])
    answer = nav.request("POST", "/v1/messages", body, {"Content-Type": kind, "Idempotency-Key": "k1"})
    tap.ok(answer.status == 413, "an envelope over its limit is refused", answer)
    return first.json()["id"]


def upload_begin(world, parts, key=None, recipients=None):
    key = key or str(uuid.uuid4())
    envelope = house.envelope("document", recipients or [world.oslo.organisation], parts)
    answer = world.nav.request("POST", "/v1/uploads", json.dumps(envelope),
                               {"Content-Type": "application/json", "Idempotency-Key": key})
    return (answer.json().get("upload") if answer.status == 201 else None), answer, key, envelope


def patch(world, upload, offset, data, caller=None):
    return (caller or world.nav).request(
        "PATCH", f"/v1/uploads/{upload}", data,
        {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)})


def uploads(world):
    nav = world.nav
    parts = house.document(5000)
    data = parts[0]["data"]
    upload, answer, key, envelope = upload_begin(world, parts)
    tap.ok(answer.status == 201 and answer.headers["Location"] == f"/v1/uploads/{upload}",
           "an upload begins", answer)
    tap.ok(upload_begin(world, parts, key)[0] == upload, "the same key finds it again")
    other = upload_begin(world, house.document(100), key)[1]
    tap.ok(other.status == 409, "the same key with another envelope is refused", other)
    moved = patch(world, upload, 0, data[:1000])
    tap.ok(moved.status == 204 and moved.headers["Upload-Offset"] == "1000", "some bytes are taken", moved)
    where = nav.request("HEAD", f"/v1/uploads/{upload}")
    tap.ok(where.status == 204 and where.headers["Upload-Offset"] == "1000" and
           where.headers["Upload-Length"] == str(len(data)), "HEAD tells the offset", where)
    wrong = patch(world, upload, 2000, data[2000:])
    tap.ok(wrong.status == 409 and wrong.code() == "upload-offset-wrong" and
           wrong.headers["Upload-Offset"] == "1000", "another offset is refused", wrong)
    missing = nav.request("PATCH", f"/v1/uploads/{upload}", b"x",
                          {"Content-Type": "application/offset+octet-stream"})
    tap.ok(missing.status == 400, "Upload-Offset is required", missing)
    kind = nav.request("PATCH", f"/v1/uploads/{upload}", b"x", {"Upload-Offset": "1000"})
    tap.ok(kind.status == 415, "the media type is required", kind)
    much = patch(world, upload, 1000, data[1000:] + b"more")
    tap.ok(much.status == 413, "more bytes than declared are refused", much)
    drop_running(world, upload, data)
    where = nav.request("HEAD", f"/v1/uploads/{upload}")
    offset = int(where.headers["Upload-Offset"])
    done = patch(world, upload, offset, data[offset:])
    tap.ok(done.status == 201 and done.json()["state"] == "accepted", "the last byte makes the message", done)
    again = upload_begin(world, parts, key)[1]
    tap.ok(again.status == 201 and again.json().get("receipt") == done.json()["receipt"],
           "the same key afterwards gives the first receipt", again)
    bad = house.document(3000)
    upload = upload_begin(world, bad)[0]
    wrong = patch(world, upload, 0, b"x" * len(bad[0]["data"]))
    tap.ok(wrong.status == 422, "another digest than declared is refused", wrong)
    upload = upload_begin(world, bad)[0]
    tap.ok(nav.request("DELETE", f"/v1/uploads/{upload}").status == 204, "an upload is given up")
    tap.ok(nav.request("HEAD", f"/v1/uploads/{upload}").status == 404, "and is gone")
    tap.ok(upload_begin(world, [dict(bad[0], mediaType="text/html")])[1].status == 422,
           "an envelope that breaks the profile is refused")
    key_missing = nav.request("POST", "/v1/uploads", json.dumps(envelope),
                              {"Content-Type": "application/json"})
    tap.ok(key_missing.status == 400, "an upload needs a key", key_missing)
    big = dict(envelope, reference="x" * (300 << 10))
    answer = nav.request("POST", "/v1/uploads", json.dumps(big),
                         {"Content-Type": "application/json", "Idempotency-Key": "k2"})
    tap.ok(answer.status == 413, "an upload's envelope over its limit is refused", answer)


def drop_running(world, upload, data):
    """DELETE while a PATCH brings bytes: 409."""
    path = f"/v1/uploads/{upload}"
    sock = drive.connect(world.nav.caller)
    sock.sendall(drive.head_bytes("PATCH", path, good_fields("PATCH", "continueUpload")[:1] + [
        ("Upload-Offset", "1000"), ("Content-Length", str(len(data) - 1000))]) + data[1000:1010])
    end = time.monotonic() + 5
    while time.monotonic() < end:
        where = world.nav.request("HEAD", path)
        if where.headers["Upload-Offset"] != "1000":
            break
        time.sleep(0.02)
    answer = world.nav.request("DELETE", path)
    tap.ok(answer.status == 409, "an upload under way is not given up", answer)
    sock.close()
    time.sleep(0.2)


def mailbox(world, message):
    oslo, box = world.oslo, world.box
    page = oslo.get(box + "/messages?wait=1")
    tap.ok(page.status == 200 and page.json()["messages"], "the recipient lists its messages", page)
    tap.ok(oslo.get(box + "/messages?cursor=" + page.json()["cursor"]).json()["messages"] == [],
           "the cursor goes on behind them")
    tap.ok(oslo.get(box + "/messages?wait=61").status == 400, "wait is bounded")
    tap.ok(oslo.get(box + "/messages?cursor=x").status == 400, "a cursor is one that was given")
    tap.ok(oslo.get(f"/v1/mailbox/{world.bergen.organisation}/messages").status == 404,
           "another's mailbox does not exist")
    entry = f"{box}/messages/{message}"
    tap.ok(oslo.get(entry).status == 200, "one entry")
    early = world.operator.get(entry + "/content")
    tap.ok(early.status == 409, "an operator cannot make a waiting message look fetched", early)
    head = oslo.request("HEAD", entry + "/content")
    tap.ok(head.status == 200 and not head.body, "HEAD of the content", head)
    recall_later = world.message()
    content = oslo.get(entry + "/content")
    tap.ok(content.status == 200 and "Repr-Digest" not in content.headers, "the content", content.status)
    some = oslo.request("GET", entry + "/content", headers={"Range": "bytes=10-19"})
    tap.ok(some.status == 206 and some.body == content.body[10:20], "a range of it", some)
    same = oslo.request("GET", entry + "/content", headers={
        "Range": "bytes=10-", "If-Range": content.headers["ETag"]})
    tap.ok(same.status == 206 and same.body == content.body[10:], "If-Range with its ETag", same.status)
    none = oslo.request("GET", entry + "/content", headers={"Range": "bytes=99999999-"})
    tap.ok(none.status == 416, "a range without a byte", none)
    want = oslo.request("GET", entry + "/content", headers={"Want-Repr-Digest": "sha-256=1"})
    digest = "sha-256=:" + base64.b64encode(hashlib.sha256(content.body).digest()).decode() + ":"
    tap.ok(want.headers.get("Repr-Digest") == digest, "the digest of the ciphertext where it is wanted", want.headers)
    recall = world.nav.request("DELETE", f"/v1/messages/{message}?recipient={oslo.organisation}")
    tap.ok(recall.status == 409 and recall.code() == "already-handed-out",
           "what was handed out is not recalled", recall)
    recall = world.nav.request("DELETE", f"/v1/messages/{recall_later}")
    tap.ok(recall.status == 200 and recall.json()["recipients"][0]["state"] == "recalled", "a recall", recall)
    again = world.nav.request("DELETE", f"/v1/messages/{recall_later}")
    tap.ok(again.status == 200, "a recall repeats harmlessly", again)
    gone = oslo.get(f"{box}/messages/{recall_later}/content")
    tap.ok(gone.status == 410 and gone.code() == "recalled", "what is recalled is not handed out", gone)
    receipts(world, message, entry, content.body)
    return recall_later


def receipts(world, message, entry, sealed):
    oslo, path = world.oslo, entry + "/receipt"
    tap.ok(oslo.post_json(path, {"status": "imported"}).status == 422, "a proof is required")
    tap.ok(oslo.request("POST", path, b"{", {"Content-Type": "application/json"}).status == 400,
           "a receipt is JSON")
    wrong = oslo.post_json(path, {"status": "imported", "proof": "0" * 64})
    tap.ok(wrong.status == 409 and wrong.code() == "proof-wrong", "a wrong proof is refused", wrong)
    refused = oslo.post_json(path, {"status": "rejected", "reason": "busy", "permanent": False})
    tap.ok(refused.status == 200 and refused.json()["state"] == "fetched", "a temporary refusal", refused)
    seen = oslo.post_json(path, {"status": "opened"})
    tap.ok(seen.status == 200, "opened", seen)
    word = {"status": "imported", "proof": house.proof_of(world.relay, "oslo", sealed), "reference": "A/1"}
    done = oslo.post_json(path, word)
    tap.ok(done.status == 200 and done.json()["state"] == "imported" and not done.json()["repeated"],
           "imported", done)
    again = oslo.post_json(path, word)
    tap.ok(again.status == 200 and again.json()["repeated"] and
           again.json()["evidence"] == done.json()["evidence"], "the same again: the first evidence", again)
    late = oslo.post_json(path, {"status": "rejected", "reason": "late", "permanent": True})
    tap.ok(late.status == 409 and late.code() == "already-final", "another word after it is refused", late)
    other = world.bergen.post_json(f"/v1/mailbox/{world.bergen.organisation}/messages/"
                                   f"{world.oslo_only}/receipt", {"status": "opened"})
    tap.ok(other.status == 404 and other.code() == "message-unknown", "of another's message: 404", other)


def operators(world, message, recalled):
    op, box = world.operator, world.box
    body = {"recipient": world.oslo.organisation, "expires": "2098-01-01T00:00:00.000Z"}
    fresh = world.message()
    tap.ok(op.post_json(f"/v1/messages/{fresh}/extension", body).status == 200, "a deadline is put off")
    final = op.post_json(f"/v1/messages/{recalled}/extension", body)
    tap.ok(final.status == 409, "not behind an outcome", final)
    past = op.post_json(f"/v1/messages/{fresh}/extension", dict(body, expires="1999-01-01T00:00:00.000Z"))
    tap.ok(past.status == 422, "not into the past", past)
    unknown = op.post_json(f"/v1/messages/{drive.UNKNOWN_ID}/extension", body)
    tap.ok(unknown.status == 404, "not of an unknown message", unknown)
    tap.ok(op.get(f"/v1/messages/{message}/evidence").status == 200, "an operator sees evidence")
    tap.ok(op.get("/v1/mailboxes").status == 200, "all mailboxes")
    tap.ok(op.get("/v1/conservation").status == 200, "the account of all deliveries")
    tap.ok(op.get("/v1/mailboxes?after=x").status == 400, "after an organisation number")
    tap.ok(op.get(box).status == 200 and world.oslo.get(box).status == 200, "one mailbox")
    tap.ok(op.get("/v1/mailbox/12").status == 400, "an organisation number is one")
    new = f"/v1/mailbox/{drive.organisation_number(1234567)}"
    tap.ok(op.get(new).status == 404, "no such mailbox")
    state = {"state": "open", "types": ["document"]}
    made = op.post_json(new, state, "PUT")
    tap.ok(made.status == 201 and made.json()["state"] == "proving",
           "a mailbox that is to open is made, and waits for its probe", made)
    paused = op.post_json(new, dict(state, state="paused"), "PUT")
    tap.ok(paused.status == 409 and paused.code() == "mailbox-state",
           "what never opened is not paused", paused)
    tap.ok(op.post_json(new, dict(state, state="closed"), "PUT").status == 200, "it is closed")
    tap.ok(op.post_json(new, {"state": "ajar", "types": 1}, "PUT").status == 422, "not into any state")
    no_json = op.request("PUT", new, b"[", {"Content-Type": "application/json"})
    tap.ok(no_json.status == 400, "a mailbox is JSON", no_json)


PROBE = [house.part("attachment-1", "prove.txt", "text/plain", b"Dette er en pr\xc3\xb8ve.\n")]


def probe(world, recipient, parts=None, kind="probe", **more):
    """As submit(), by the operator on the way of probes."""
    return house.submit(world.operator, [recipient], parts or PROBE, kind=kind, path="/v1/probes", **more)


def prove(world, sealed, message):
    return world.oslo.post_json(f"{world.box}/messages/{message}/receipt", {
        "status": "imported", "proof": house.proof_of(world.relay, "oslo", sealed)})


def probes(world):
    """A mailbox opens when a probe has been confirmed, and not before."""
    op, oslo = world.operator, world.oslo.organisation
    key = str(uuid.uuid4())
    types = op.get(world.box).json()["types"]

    def state(word):
        return op.post_json(world.box, {"state": word, "types": types}, "PUT").json()["state"]

    tap.ok(state("closed") == "closed" and state("open") == "proving",
           "a mailbox that was closed opens by a probe")
    shut = world.submit()
    tap.ok(shut.status == 422 and shut.code() == "recipient-not-open",
           "while it is proving it takes no message", shut)
    first = probe(world, oslo, key=key)
    tap.ok(first.status == 201, "but a probe", first)
    tap.ok(probe(world, oslo, [dict(PROBE[0], filename="p.txt")], key=key).status == 409,
           "its key is taken then")
    again = probe(world, oslo)
    content = f"{world.box}/messages/%s/content"
    sealed = [world.oslo.get(content % sent.json()["id"]).body for sent in (first, again)]
    replayed = prove(world, sealed[0], again.json()["id"])
    tap.ok(replayed.status == 409 and replayed.code() == "proof-wrong",
           "one probe's proof is none for another", replayed)
    tap.ok(op.get(world.box).json()["state"] == "proving", "and opens nothing")
    proved = prove(world, sealed[1], again.json()["id"])
    tap.ok(proved.status == 200 and op.get(world.box).json()["state"] == "open",
           "the proof of the probe opens the mailbox", proved)
    tap.ok(world.submit().status == 201, "messages are taken now")
    tap.ok(probe(world, oslo).status == 201, "one that is open is probed again")
    late = prove(world, sealed[0], first.json()["id"])
    tap.ok(late.status == 200 and op.get(world.box).json()["state"] == "open", "a second proof changes nothing")
    tap.ok(state("paused") == "paused" and probe(world, oslo).status == 422 and state("open") == "open",
           "one that was open before goes on after a pause")
    other = probe(world, oslo, house.document(), kind="document")
    tap.ok(other.status == 403 and other.code() == "type-denied", "an operator sends nothing but probes", other)
    stranger = house.submit(world.nav, [oslo], PROBE, kind="probe")
    tap.ok(stranger.status == 403 and stranger.code() == "type-denied", "and a sender no probes", stranger)
    body, kind = house.multipart(dict(house.envelope("probe", [oslo], PROBE), reference="x" * (300 << 10)), [])
    large = op.request("POST", "/v1/probes", body, {"Content-Type": kind, "Idempotency-Key": "k2"})
    tap.ok(large.status == 413, "its envelope has the same limit", large)
    nobodys = op.post_json(f"/v1/mailbox/{drive.organisation_number(1234568)}",
                           {"state": "proving", "types": []}, "PUT")
    keyless = probe(world, nobodys.json()["recipient"])
    tap.ok(keyless.status == 422 and keyless.code() == "recipient-key-unproved",
           "without a proved key there is nothing to seal a probe to", keyless)


def make_certificate(world, name):
    base = os.path.join(world.relay.folder, name)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                    base + ".key", "-out", base + ".crt", "-days", "365", "-subj", f"/CN={name}"],
                   check=True, capture_output=True)
    with open(base + ".crt") as pem:
        return pem.read(), base


def certificates(world):
    oslo, path = world.oslo, world.box + "/certificates"
    pem, base = make_certificate(world, "new")
    tap.ok(oslo.get(path).status == 200, "a mailbox's certificates")
    tap.ok(oslo.post_json(path, {"certificate": "no"}).status == 422, "a certificate is one")
    added = oslo.post_json(path, {"certificate": pem})
    tap.ok(added.status == 201, "a certificate is added", added)
    got = added.json()
    one = f"{path}/{got['certificate']}"
    tap.ok(oslo.post_json(one + "/proof", {"proof": "0" * 64}).status == 422, "its proof can be wrong")
    tap.ok(oslo.request("POST", one + "/proof", b"{", {"Content-Type": "application/json"}).status == 400,
           "a proof is JSON")
    octets = subprocess.run(
        ["openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-inkey", base + ".key", "-recip",
         base + ".crt"], input=base64.b64decode(got["challenge"]), capture_output=True).stdout
    proof = {"proof": hashlib.sha256(octets).hexdigest()}
    proved = oslo.post_json(one + "/proof", proof)
    tap.ok(proved.status == 200 and proved.json()["state"] == "active", "and right", proved)
    again = oslo.post_json(path, {"certificate": pem})
    tap.ok(again.status == 409, "what is active is not added again", again)
    gone = oslo.request("DELETE", one)
    tap.ok(gone.status == 200 and gone.json()["state"] == "suspended", "a certificate is suspended", gone)
    late = oslo.post_json(one + "/proof", proof)
    tap.ok(late.status == 409, "a suspended one is not proved", late)
    repeat = oslo.request("DELETE", one)
    tap.ok(repeat.status == 200, "a suspension repeats harmlessly", repeat)
    tap.ok(oslo.request("DELETE", f"{path}/{'1' * 64}").status == 404 and
           oslo.post_json(f"{path}/{'1' * 64}/proof", proof).status == 404, "no such certificate")
    events = re.findall(rf" certificate\.([a-z-]+) mailbox={oslo.organisation} certificate="
                        rf"{got['certificate']} by={oslo.organisation}\n", world.relay.log())
    tap.ok(events == ["added", "proof-wrong", "proved", "suspended", "suspended"],
           "the log tells each step once it is done, and the wrong proof", events)
    other = f"/v1/mailbox/{world.bergen.organisation}/certificates"
    tap.ok(oslo.get(other).status == 404 and oslo.post_json(other, {"certificate": pem}).status == 404,
           "another's certificates do not exist")


def feeds(world):
    for who in (world.nav, world.oslo, world.operator):
        page = who.get("/v1/feed?wait=0")
        tap.ok(page.status == 200 and page.json()["entries"], "a feed has entries", page)
        tap.ok(who.get("/v1/alarms?resolved=1").status == 200, "alarms")
    tap.ok(world.nav.get("/v1/feed?cursor=x").status == 400, "a feed's cursor is one that was given")
    tap.ok(world.nav.get("/v1/alarms?resolved=2").status == 400, "resolved is 0 or 1")
    another = f"{world.box}/messages/{world.message()}/receipt"
    wrong = world.oslo.post_json(another, {"status": "imported", "proof": "1" * 64})
    tap.ok(wrong.status == 409, "a wrong proof that is left so", wrong)
    alarms = {a["cause"]: a for a in world.operator.get("/v1/alarms").json()["alarms"]}
    tap.ok("proof-wrong" in alarms, "the wrong proof raised an alarm", alarms)
    op = world.operator
    tap.ok(op.request("POST", f"/v1/alarms/{drive.UNKNOWN_ID}/closure").status == 404, "no such alarm")
    closed = op.request("POST", f"/v1/alarms/{alarms['proof-wrong']['id']}/closure")
    tap.ok(closed.status == 200 and closed.json()["state"] == "resolved", "an alarm is closed by hand", closed)
    world.relay.clock.forward(20 * 1000)
    waiting = drive.wait_for(10, lambda: [
        a for a in op.get("/v1/alarms").json()["alarms"] if a["cause"] in ("never-polled", "not-fetched")])
    tap.ok(waiting, "a message that nobody fetches raises an alarm", op.get("/v1/alarms"))
    open_one = op.request("POST", f"/v1/alarms/{waiting[0]['id']}/closure")
    tap.ok(open_one.status == 409 and open_one.code() == "alarm-state",
           "an alarm that ends by itself is not closed by hand", open_one)


def proofs(world, message):
    """The log: checkpoint, hashes, growth, and the bundle of one receipt."""
    nav, trail = world.nav, f"/v1/messages/{message}/evidence"
    place = nav.get(trail).json()["evidence"][0]["position"]
    logs = drive.wait_for(10, lambda: world.nobody.get("/v1/log").json()["logs"])
    head = logs[-1]
    base = f"/v1/log/{head['epoch']}"
    note = world.nobody.get(base + "/checkpoint")
    tap.ok(note.status == 200 and note.body.startswith(head["origin"].encode() + b"\n"),
           "the checkpoint needs no credentials", note)
    tap.ok(head["key"].startswith(head["origin"] + "+"), "the key has the log's name", head)
    field = nav.get("/v1/feed?wait=0").headers["Budstikke-Checkpoint"].split()
    tap.ok(field[0] == head["origin"] and int(field[1]) >= head["size"], "every answer tells it", field)
    tap.ok(nav.get(base + "/tile/0/000.p/1").status == 200, "a tile has hashes")
    tap.ok(len(nav.get(base + "/tile/0/000.p/2").body) == 64, "32 octets each")
    tap.ok(nav.get(base + "/tile/0/x001/000").status == 404 and nav.get(base + "/tile/0/0").status == 404,
           "what is no tile of this log is not there")
    grown = nav.get(base + f"/consistency?from=1&to={head['size']}")
    tap.ok(grown.status == 200 and grown.json()["to"] == head["size"], "it only grew", grown)
    for slip in ("?from=0", "", "?from=x", f"?from=1&to={1 << 40}", "?from=2&to=1"):
        tap.ok(nav.get(base + "/consistency" + slip).status == 400, f"sizes are checked: {slip}")
    for who in (nav, world.oslo, world.operator):
        bundle = drive.wait_for(10, lambda: (lambda a: a if a.status == 200 else None)(who.get(f"{trail}/{place}")))
        tap.ok(bundle and bundle.json()["proof"].startswith("c2sp.org/tlog-proof@v1\n"),
               f"{who.caller.organisation} gets the bundle", bundle)
    for wrong in ("1.999999", "x", "1.0", "2.1"):
        tap.ok(nav.get(f"{trail}/{wrong}").code() == "evidence-unknown", f"no evidence at {wrong}")
    tap.ok(world.trondheim.get(f"{trail}/{place}").status == 404, "another's does not exist")
    early = None
    for _ in range(30):
        new = world.message()
        at = nav.get(f"/v1/messages/{new}/evidence").json()["evidence"][0]["position"]
        early = nav.get(f"/v1/messages/{new}/evidence/{at}")
        if early.status == 503:
            break
    tap.ok(early.code() == "checkpoint-pending" and early.headers["Retry-After"] == "1",
           "before its checkpoint a bundle is asked for again", early)


def erased(world, message):
    world.relay.clock.forward(40 * drive.DAY_MS)
    path = f"{world.box}/messages/{message}/content"
    gone = drive.wait_for(10, lambda: (lambda a: a if a.status == 410 else None)(world.oslo.get(path)))
    tap.ok(gone, "after the grace period the content is erased: 410", world.oslo.get(path))
    status = world.nav.get(f"/v1/messages/{message}")
    tap.ok(status.status == 200, "the message's status is still there", status)
    trail = f"/v1/messages/{world.oslo_only}/evidence"  # expired by now
    place = world.nav.get(trail).json()["evidence"][0]["position"]
    world.relay.clock.forward(40 * drive.DAY_MS)
    bundle = drive.wait_for(10, lambda: (lambda a: a if a.status == 410 else None)(
        world.nav.get(f"{trail}/{place}")))
    tap.ok(bundle and bundle.code() == "proof-erased", "what proves its evidence is erased: 410", bundle)


def outside(world):
    """Before any operation: 404, 405, 501, 505."""
    problem = world.document.document["components"]["schemas"]["Problem"]
    cases = [(404, drive.head_bytes("GET", "/v1/nothing")),
             (405, drive.head_bytes("PATCH", "/v1/feed")),
             (501, drive.head_bytes("BREW", "/v1/feed")),
             (501, drive.head_bytes("POST", "/v1/messages", [("Transfer-Encoding", "gzip, chunked")])),
             (505, b"GET /v1/feed HTTP/2.0\r\nHost: relay\r\n\r\n")]
    for status, data in cases:
        answer = drive.raw(world.nav.caller, data)
        faults = world.document.errors(problem, answer.json()) if answer.body else ["no body"]
        tap.ok(answer.status == status and not faults and (status != 405 or answer.headers["Allow"]),
               f"before any operation: {status}", f"{answer} {faults}")
    public = world.nobody.get("/v1/openapi.json")
    tap.ok(public.status == 200, "the document needs no credentials", public)


def shares(document):
    """429 of every operation that has it."""
    world = World(document, options=["requests_per_second=1"])
    try:
        for _, method, name, template in list(document.paths):
            operation = document.operations[name]
            if "429" not in operation["responses"]:
                continue
            caller, path = caller_of(world, operation), fill(world, template)
            fields = good_fields(method, name)
            body = b"{}" if "requestBody" in operation else b""
            if body:
                fields = fields + [("Content-Length", "2")]
            for _ in range(6):
                answer = caller.raw(method, path, drive.head_bytes(method, path, fields) + body)
                if answer.status == 429:
                    break
            tap.ok(answer.status == 429 and answer.headers["Retry-After"] == "1",
                   f"{name}: too many requests get 429 with Retry-After", answer)
    finally:
        world.close()


def full_and_gone(document):
    """507 with a store that is full, then 503 while spool is away."""
    world = World(document, options=[
        f"map_bytes={16 << 20}", f"reserve_bytes={4 << 20}", "role_wait_ms=300", "escalate_seconds=9999"])
    try:
        message = world.message()
        away = world.message()
        parts = house.document(900000)
        upload = upload_begin(world, parts)[0]
        for _ in range(40):
            answer = world.submit(parts=house.document(900000))
            if answer.status != 201:
                break
        tap.ok(answer.status == 507 and answer.headers["Retry-After"], "a full store gets 507", answer)
        answer = patch(world, upload, 0, parts[0]["data"])
        tap.ok(answer.status == 507, "so does the end of an upload", answer)
        for _ in range(300):  # one is small: some fit in what is left
            answer = probe(world, world.oslo.organisation)
            if answer.status != 201:
                break
        tap.ok(answer.status == 507, "and a probe", answer)
        upload = upload_begin(world, house.document(100))[0]
        data = house.document(100)
        upload, _, _, _ = upload_begin(world, data)
        pem, _ = make_certificate(world, "away")
        state = {"state": "open", "types": ["document"]}
        entry = f"{world.box}/messages/{message}"
        with drive.SpoolAway(world.relay):
            asked = [
                ("submitMessage", lambda: world.submit()),
                ("sendProbe", lambda: probe(world, world.oslo.organisation)),
                ("continueUpload", lambda: patch(world, upload, 0, data[0]["data"])),
                ("recallMessage", lambda: world.nav.request("DELETE", f"/v1/messages/{away}")),
                ("extendDelivery", lambda: world.operator.post_json(
                    f"/v1/messages/{away}/extension",
                    {"recipient": world.oslo.organisation, "expires": "2098-01-01T00:00:00.000Z"})),
                ("putMailbox", lambda: world.operator.post_json(world.box, state, "PUT")),
                ("getContent", lambda: world.oslo.get(entry + "/content")),
                ("confirmDelivery", lambda: world.oslo.post_json(entry + "/receipt", {"status": "opened"})),
                ("addCertificate", lambda: world.oslo.post_json(
                    world.box + "/certificates", {"certificate": pem})),
                ("suspendCertificate", lambda: world.oslo.request(
                    "DELETE", f"{world.box}/certificates/{'1' * 64}")),
                ("proveCertificate", lambda: world.oslo.post_json(
                    f"{world.box}/certificates/{'1' * 64}/proof", {"proof": "0" * 64})),
                ("closeAlarm", lambda: world.operator.request(
                    "POST", f"/v1/alarms/{drive.UNKNOWN_ID}/closure"))]
            for name, ask in asked:
                answer = ask()
                tap.ok(answer.status == 503 and answer.headers["Retry-After"],
                       f"{name}: 503 while spool is away", answer)
            tap.ok(world.nav.get(f"/v1/messages/{message}").status == 200 and
                   world.oslo.get(world.box + "/messages").status == 200,
                   "what is there can be read meanwhile")
        answer = world.oslo.get(entry + "/content")
        tap.ok(answer.status == 200, "and afterwards all goes on", answer)
    finally:
        world.close()


def consistent(document):
    """The document against itself and against the programs."""
    for name, schema in document.document["components"]["schemas"].items():
        try:
            drive.jsonschema.Draft202012Validator.check_schema(schema)
        except drive.jsonschema.SchemaError as error:
            tap.ok(False, f"the schema {name} is one", error)
    with open(os.path.join(house.TOP, "relay", "problem.h")) as source:
        codes = re.findall(r'^\tX\([A-Z_]+, "([a-z0-9-]+)"', source.read(), re.M)
    listed = document.document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
    tap.ok(sorted(codes) == sorted(listed), "the list of problem codes is the programs'",
           set(codes) ^ set(listed))
    with open(os.path.join(house.TOP, "relay", "routes.c")) as source:
        routes = re.findall(r'\{([A-Z]+), "([^"]+)",\s+(ACT_[A-Z_]+),', source.read())
    with open(os.path.join(house.TOP, "relay", "authority.c")) as source:
        rights = re.findall(r"\{(ACT_[A-Z_]+),\s+CALLER_([A-Z]+),", source.read())

    def route(path):
        return re.sub(r"\{[a-z]+\}", "{}", path.replace("{path}", "{*}"))

    have = {(method, route(path)) for _, method, _, path in document.paths}
    want = {(method, path) for method, path, _ in routes}
    tap.ok(have == want, "the document has the programs' routes, all and no other", have ^ want)
    by_route = {(method, path): [role.lower() for right, role in rights if right == act]
                for method, path, act in routes}
    return {name: by_route[method, route(path)]
            for _, method, name, path in document.paths}


def main():
    with open(os.path.join(house.TOP, "relay", "openapi.json")) as source:
        document = drive.Document(json.load(source))
    roles = consistent(document)
    World.relay_roles = roles
    world = None
    try:
        world = World(document, clock=True, options=["body_stall_seconds=1"])
        served = world.nobody.get("/v1/openapi.json")
        tap.ok(served.json() == document.document, "the relay serves this document")
        outside(world)
        message = submissions(world)
        world.oslo_only = world.message()
        uploads(world)
        recalled = mailbox(world, message)
        operators(world, message, recalled)
        probes(world)
        certificates(world)
        feeds(world)
        proofs(world, message)
        generic(world)
        slow_bodies(world)
        erased(world, message)
        world.close()
        shares(document)
        full_and_gone(document)
    except Exception as error:  # the harness itself: a failure, not a silence
        import traceback
        tap.ok(False, f"the drive came to its end: {error}", traceback.format_exc())
    finally:
        if world is not None:
            world.close()
    tap.ok(not document.faults, "no answer has a status, field or value that is not documented",
           "\n".join(sorted(set(document.faults))))
    excused = unprovoked(document)
    unknown = [key for key in excused if key[0] not in document.operations]
    tap.ok(not unknown, "only operations that exist are excused", unknown)
    left = sorted(document.unseen() - set(excused))
    tap.ok(not left, "every documented status of every operation was seen", left)
    seen_after_all = sorted(set(excused) & document.seen)
    tap.ok(not seen_after_all, "what is excused was not seen", seen_after_all)
    for (name, status), why in sorted(excused.items()):
        if status in document.statuses(name):
            print(f"# not brought about: {name} {status}: {why}")
    print(f"# {len(document.operations)} operations, {len(document.seen)} of their statuses seen")
    return tap.finish()


sys.exit(main())
