"""Bad input gets a clear error, and loses nothing.

Each case goes through the real relay. After it the store is what it was
(spool stats), the answer is one that the OpenAPI document knows, and no
personal value that was planted stands in an error; at the end none stands in
the log either, and spool check is clean.
"""
import copy
import hashlib
import json
import os
import sys
import threading
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import drive  # noqa: E402
import relay as house  # noqa: E402

tap = house.Tap()
# what stands in payloads, references, file names and keys of these tests, and
# must stand nowhere else
PERSONAL = ["Hemmelig", "17017012345", "Storgata-77", "pasient@"]
NAME = "Kari Hemmelig"
COUNTED = ("messages", "deliveries", "evidence", "sequence", "staged", "counts", "mailboxes",
           "certificates")
TOKENS = {"skatt": "token-of-skatt-0123456789abcdef", "gammel": "token-of-gammel-0123456789abcdef",
          "smal": "token-of-smal-0123456789abcdef"}
SKATT = drive.organisation_number(2000011)


class World:
    def __init__(self):
        with open(os.path.join(house.TOP, "relay", "openapi.json")) as source:
            self.document = drive.Document(json.load(source))
        self.errors = []
        self.relay = drive.relay_with(
            clock=True,
            tokens=[("skatt", SKATT, ["sender"], TOKENS["skatt"], ""),
                    ("gammel", SKATT, ["sender"], TOKENS["gammel"],
                     'expires = "2020-01-01T00:00:00Z";'),
                    ("smal", SKATT, ["sender"], TOKENS["smal"], 'types = ["digisos-soknad"];')],
            options=["log_level=debug", "header_seconds=1",
                     "not_fetched_seconds=31536000", "not_confirmed_seconds=31536000",
                     "uploads_per_organisation=4", "polls_per_organisation=2",
                     "waiting_bytes=16777216"])
        for name in ("nav", "oslo", "bergen", "trondheim", "operator"):
            setattr(self, name, Heard(self, self.relay.caller(name)))
        for name, token in TOKENS.items():
            setattr(self, name, Heard(self, drive.TokenCaller(self.relay, SKATT, token)))
        self.oslo_box = f"/v1/mailbox/{self.oslo.organisation}/messages"

    def stats(self):
        done = self.relay.tool("spool", "stats", os.path.join(self.relay.dir, "spool"), "--json")
        got = json.loads(done.stdout)
        return {key: got[key] for key in COUNTED}


class Heard(drive.Judged):
    """Judged, and every refusal's body kept to look for personal values."""

    def __init__(self, world, caller):
        super().__init__(caller, world.document)
        self.world = world

    def request(self, method, path, body=None, headers=None, **more):
        answer = super().request(method, path, body, headers, **more)
        self.keep(answer)
        return answer

    def raw(self, method, path, data):
        answer = super().raw(method, path, data)
        self.keep(answer)
        return answer

    def keep(self, answer):
        if answer.status >= 400:
            self.world.errors.append(answer.body + str(answer.headers).encode())


def nothing_changed(world, sentence, act):
    """act() gives (good, what was seen); the store must be as before."""
    before = world.stats()
    good, seen = act()
    after = drive.wait_for(3, lambda: (lambda s: s if s == before else None)(world.stats()))
    found = [p for p in PERSONAL if any(p.encode() in e for e in world.errors)]
    tap.ok(good and after and not found, sentence,
           f"{seen!r}\nbefore {before}\nafter  {after or world.stats()}\npersonal {found}")
    world.errors.clear()


def refused(world, sentence, status, code, ask, pointer=None):
    def act():
        answer = ask()
        pointers = [e["pointer"] for e in answer.json()["errors"]] if answer.body else []
        good = (answer.status == status and answer.code() == code and
                (pointer is None or pointer in pointers))
        return good, answer
    nothing_changed(world, sentence, act)


# ---- payloads ---------------------------------------------------------------

def application():
    path = os.path.join(house.TOP, "tests", "formats", "fixtures", "digisos", "gyldig-minimal.json")
    with open(path) as source:
        value = json.load(source)
    person = value["data"]["personalia"]
    person["personIdentifikator"]["verdi"] = "17017012345"
    person["navn"]["fornavn"], person["navn"]["etternavn"] = "Kari", "Hemmelig"
    value["data"]["begrunnelse"]["hvaSokesOm"] = "Storgata-77, pasient@example.org"
    return value


def soknad(data):
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    return [house.part("payload", "soknad.json", "application/json", data)]


def payloads(world):
    def send(data):
        return lambda: house.submit(world.nav, [world.oslo.organisation], soknad(data),
                                    kind="digisos-soknad", reference=NAME)

    good = application()
    whole = json.dumps(good)
    wrong = copy.deepcopy(good)
    wrong["data"]["personalia"]["navn"]["fornavn"] = {"Hemmelig": "17017012345"}
    many = copy.deepcopy(good)
    many["data"]["Hemmelig"] = "17017012345"
    many["data"]["personalia"]["navn"]["etternavn"] = 17017012345
    deep = whole[:-1] + ', "Hemmelig": ' + "[" * 200 + "]" * 200 + "}"
    cases = [
        ("a payload that is not JSON", b"Kari Hemmelig 17017012345"),
        ("a payload cut in the middle", whole[:len(whole) // 2].encode()),
        ("a payload that is not an object", b'["Hemmelig"]'),
        ("a payload with a key twice",
         (whole[:-1] + ', "Hemmelig": 1, "Hemmelig": "17017012345"}').encode()),
        ("a payload that is not UTF-8", whole.replace("Hemmelig", "Hemmelig\udcff").encode(
            "utf-8", "surrogateescape")),
        ("a payload with a NUL in a text", whole.replace("Hemmelig", "Hemmelig\\u0000").encode()),
        ("a payload with wrong types", wrong),
        ("a payload with several errors", many),
        ("a payload that is too deep", deep.encode()),
        ("an empty payload", b""),
    ]
    for sentence, data in cases:
        refused(world, sentence + " is refused: payload-invalid", 422, "payload-invalid", send(data))
    answer = send(wrong)()
    tap.ok(any(e["pointer"] == "/data/personalia/navn/fornavn" for e in answer.json()["errors"]),
           "the refusal says where, by a JSON pointer", answer)
    large = copy.deepcopy(good)
    large["data"]["begrunnelse"]["hvaSokesOm"] = "Storgata-77 " * 100000
    head = house.envelope("digisos-soknad", [world.oslo.organisation], soknad(large), NAME)
    refused(world, "a payload over its limit is refused before its bytes", 422, "envelope-invalid",
            lambda: send_as(world, head, soknad(large)), "/parts/0/size")
    accepted = send(good)()
    tap.ok(accepted.status == 201, "the same payload without the errors is accepted", accepted)
    dry = lambda: (lambda a: (a.status == 200, a))(house.submit(
        world.nav, [world.oslo.organisation], soknad(good), kind="digisos-soknad",
        query="?dry-run=1", key=False))
    nothing_changed(world, "a dry run validates and renders, and stores nothing", dry)
    refused(world, "a dry run refuses what a submission would", 422, "payload-invalid", lambda: house.submit(
        world.nav, [world.oslo.organisation], soknad(wrong), kind="digisos-soknad",
        query="?dry-run=1", key=False))


# ---- envelopes and parts ----------------------------------------------------

def send_as(world, head, sent):
    body, kind = house.multipart(head, sent)
    return world.nav.raw("POST", "/v1/messages", drive.head_bytes("POST", "/v1/messages", [
        ("Content-Type", kind), ("Idempotency-Key", str(uuid.uuid4())),
        ("Content-Length", str(len(body)))]) + body)


def attachment(filename, data=b"Hemmelig", name="a1"):
    return house.part(name, filename, "text/plain", data)


def recipients_and_types(world):
    oslo = world.oslo.organisation
    refused(world, "an unknown recipient is refused", 422, "recipient-not-open",
            lambda: house.submit(world.nav, [oslo, drive.organisation_number(3000017)]),
            "/recipients/1")
    refused(world, "an organisation number that is none is refused", 422, "envelope-invalid",
            lambda: house.submit(world.nav, ["900000007"]), "/recipients/0")
    refused(world, "the same recipient twice is refused", 422, "envelope-invalid",
            lambda: house.submit(world.nav, [oslo, oslo]))
    refused(world, "no recipient is refused", 422, "envelope-invalid",
            lambda: house.submit(world.nav, []), "/recipients")
    refused(world, "an unknown type is refused", 422, "type-unknown",
            lambda: house.submit(world.nav, [oslo], kind="brev-hemmelig"), "/type")
    refused(world, "a type that the caller may not send is refused", 403, "type-denied",
            lambda: house.submit(world.smal, [oslo]), "/type")
    bare = drive.organisation_number(4000037)
    put = world.operator.post_json(f"/v1/mailbox/{bare}", {"state": "open", "types": ["document"]}, "PUT")
    assert put.status == 201, put
    refused(world, "a recipient without an active certificate is refused", 422, "recipient-not-open",
            lambda: house.submit(world.nav, [bare]), "/recipients/0")
    refused(world, "all recipients or none: one that is not open refuses all", 422, "recipient-not-open",
            lambda: house.submit(world.nav, [oslo, bare]), "/recipients/1")
    both = house.submit(world.nav, [bare, drive.organisation_number(3000017)])
    tap.ok(len(both.json()["errors"]) == 2, "a refusal lists every reason", both)


def parts_that_differ(world):
    oslo = [world.oslo.organisation]
    main = house.document()
    two = main + [attachment("vedlegg.txt")]
    head = house.envelope("document", oslo, two, NAME)

    def case(sentence, code, sent, envelope=head, status=422):
        refused(world, sentence, status, code, lambda: send_as(world, envelope, sent))

    case("a part that is missing", "parts-mismatch", main)
    case("a part too many", "parts-mismatch", two + [attachment("mer.txt", name="a2")])
    case("parts in another order", "parts-mismatch", [two[1], two[0]])
    case("a part of another name", "parts-mismatch", [two[0], dict(two[1], name="Hemmelig")])
    case("a part of another file name", "parts-mismatch", [two[0], dict(two[1], filename="Hemmelig.txt")])
    case("a part that is longer than declared", "digest-mismatch",
         [two[0], dict(two[1], data=b"Hemmelig" * 10)])
    case("a part that is shorter than declared", "digest-mismatch", [two[0], dict(two[1], data=b"Hem")])
    case("a part of another digest", "digest-mismatch", [two[0], dict(two[1], data=b"hemmeliG")])
    case("a payload of another digest", "digest-mismatch",
         [dict(two[0], data=b"%PDF-1.4 Hemmelig".ljust(len(two[0]["data"]))), two[1]])
    case("an envelope with an unknown member", "envelope-invalid", two, dict(head, Hemmelig="17017012345"))
    case("an envelope with a wrong type", "envelope-invalid", two, dict(head, reference=17017012345))
    case("an envelope that is not JSON", "envelope-invalid", two, b"Kari Hemmelig", 422)
    case("an envelope with a key twice", "envelope-invalid", two,
         (json.dumps(head)[:-1] + ',"type":"Hemmelig"}').encode())
    case("a reference over its limit", "envelope-invalid", two, dict(head, reference="Hemmelig" * 100))
    body, kind = house.multipart(head, two)
    first = body.index(b"--budstikke-boundary", 5)
    refused(world, "parts before the envelope", 422, "parts-mismatch", lambda: world.nav.request(
        "POST", "/v1/messages", body[first:], {"Content-Type": kind, "Idempotency-Key": "k-Hemmelig"}))
    refused(world, "a multipart body without its end", 400, "body-truncated", lambda: world.nav.request(
        "POST", "/v1/messages", body[:-6], {"Content-Type": kind, "Idempotency-Key": "k-Hemmelig"}))
    refused(world, "a multipart body cut in a part", 400, "body-truncated", lambda: world.nav.request(
        "POST", "/v1/messages", body[:-60], {"Content-Type": kind, "Idempotency-Key": "k-Hemmelig"}))
    refused(world, "a body of another boundary", 400, "request-malformed", lambda: world.nav.request(
        "POST", "/v1/messages", body, {"Content-Type": "multipart/form-data; boundary=other",
                                       "Idempotency-Key": "k-Hemmelig"}))


def file_names(world):
    oslo = [world.oslo.organisation]
    main = house.document()

    def case(sentence, name, pointer="/parts/1/filename"):
        sent = main + [attachment(name)]
        head = house.envelope("document", oslo, sent)
        # the multipart header need not be able to carry it: the envelope is first
        refused(world, sentence, 422, "envelope-invalid",
                lambda: send_as(world, head, main + [attachment("x.txt")]), pointer)

    case("an attachment named ../../x", "../../Hemmelig")
    case("an attachment named with a backslash", "..\\Hemmelig")
    case("an attachment with NUL in its name", "Hemmelig\0.txt", "")
    case("an attachment with a name of 300 characters", "Hemmelig" * 37 + ".txt")
    case("an attachment named ..", "..")
    case("an attachment with an empty name", "")
    case("an attachment with a line end in its name", "Hemmelig\r\nX: y")
    case("an attachment whose name turns the reading direction", "Hemmelig\u202efdp.exe")
    case("an attachment named as a device", "CON.txt")
    twice = main + [attachment("Hemmelig.txt"), attachment("Hemmelig.txt", name="a2")]
    refused(world, "two attachments of the same name", 422, "envelope-invalid",
            lambda: send_as(world, house.envelope("document", oslo, twice), twice), "/parts/2")
    alike = main + [attachment("Hemmelig.txt"), attachment("HEMMELIG.TXT", name="a2")]
    refused(world, "two that a file system takes for one", 422, "envelope-invalid",
            lambda: send_as(world, house.envelope("document", oslo, alike), alike))
    sent = main + [attachment("x.txt")]
    head = house.envelope("document", oslo, sent)
    body, kind = house.multipart(head, sent)
    for sentence, other in (("../../x only in the part's header", b"../../Hemmelig"),
                            ("NUL only in the part's header", b"Hemme\0lig")):
        changed = body.replace(b'filename="x.txt"', b'filename="' + other + b'"')
        nothing_changed(world, sentence + " is refused", lambda changed=changed: (
            lambda a: (a.status in (400, 422), a))(world.nav.request(
                "POST", "/v1/messages", changed, {"Content-Type": kind, "Idempotency-Key": "n1"})))


def many_parts(world):
    oslo = [world.oslo.organisation]
    main = house.document()
    crowd = main + [attachment(f"{n}.txt", b"x", f"a{n}") for n in range(10000)]
    head = house.envelope("document", oslo, crowd)
    nothing_changed(world, "an envelope of 10,000 parts is refused at the envelope", lambda: (
        lambda a: (a.status in (413, 422) and a.code() in ("envelope-invalid", "too-large"), a))(
            send_as(world, head, crowd)))
    small = [{"name": "p", "mediaType": "x/x", "size": 0, "sha256": "0" * 64}] * 2000
    refused(world, "so is one of 2,000 that fits its size", 422, "envelope-invalid",
            lambda: send_as(world, dict(head, parts=small), main), "/parts")
    head = house.envelope("document", oslo, main)
    nothing_changed(world, "10,000 parts behind an envelope of one are refused early", lambda: (
        lambda a: (a.status == 422, a))(send_as(world, head, crowd)))


# ---- connections ------------------------------------------------------------

def cuts(world):
    parts = house.document(3000000)
    head = house.envelope("document", [world.oslo.organisation], parts)
    body, kind = house.multipart(head, parts)
    data = drive.head_bytes("POST", "/v1/messages", [
        ("Content-Type", kind), ("Idempotency-Key", "cut-Hemmelig"), ("Content-Length", str(len(body)))])
    for tenth in range(10):
        def act(tenth=tenth):
            sock = drive.connect(world.nav.caller)
            sock.sendall(data + body[:len(body) * tenth // 10])
            if tenth % 2:
                sock.close()
            else:  # as a cable that is pulled: no end of TLS, a reset
                sock.setsockopt(drive.socket.SOL_SOCKET, drive.socket.SO_LINGER,
                                drive.struct.pack("ii", 1, 0))
                sock.close()
            return True, ""
        nothing_changed(world, f"a connection cut at {tenth} tenths of an upload leaves nothing", act)
    def again():
        answer = world.nav.request("POST", "/v1/messages", body, {
            "Content-Type": kind, "Idempotency-Key": "cut-Hemmelig"})
        return answer if answer.code() != "idempotency-in-progress" else None
    whole = drive.wait_for(5, again)
    tap.ok(whole.status == 201, "the same key then takes the whole message", whole)


def slow_loris(world):
    begun = time.monotonic()
    with drive.connect(world.nav.caller) as sock:
        def act():
            sock.sendall(b"GET /v1/feed HTTP/1.1\r\n")
            try:
                while time.monotonic() - begun < 8:
                    sock.sendall(b"X-Slow: Hemmelig\r\n")
                    time.sleep(0.1)
            except OSError:
                pass
            try:
                return drive.read_answer(sock).status == 408, "another answer"
            except (OSError, drive.http.client.HTTPException) as error:
                return isinstance(error, OSError), repr(error)
        nothing_changed(world, "a header that trickles is ended by header_seconds", act)
    tap.ok(time.monotonic() - begun < 8, "and soon", time.monotonic() - begun)
    tap.ok(world.nav.get("/v1/feed").status == 200, "others are served")


# ---- keys, tokens, other people's messages ----------------------------------

def keys_and_callers(world):
    oslo = world.oslo.organisation
    parts, key = house.document(), "key-Hemmelig-1"
    first = house.submit(world.nav, [oslo, world.bergen.organisation], parts, key)
    tap.ok(first.status == 201, "a message for two", first)
    refused(world, "the same key with other content", 409, "idempotency-conflict",
            lambda: house.submit(world.nav, [oslo], house.document(), key))
    same = lambda recipients: (lambda a: (
        a.status == 201 and a.json()["receipt"] == first.json()["receipt"] and
        a.json()["id"] == first.json()["id"], a))(house.submit(world.nav, recipients, parts, key))
    nothing_changed(world, "the same key and content: the first receipt, nothing new",
                    lambda: same([oslo, world.bergen.organisation]))
    nothing_changed(world, "also with the recipients in another order",
                    lambda: same([world.bergen.organisation, oslo]))
    other = house.submit(world.skatt, [oslo], parts, key)
    tap.ok(other.status == 201 and other.json()["id"] != first.json()["id"],
           "another organisation's key is another key", other)
    refused(world, "an expired token", 401, "credentials-expired", lambda: world.gammel.get("/v1/feed"))
    unknown = Heard(world, drive.TokenCaller(world.relay, SKATT, "token-Hemmelig-that-nobody-has"))
    refused(world, "an unknown token", 401, "credentials-unknown", lambda: unknown.get("/v1/feed"))
    bare = Heard(world, world.relay.caller(None))
    refused(world, "no credentials", 401, "credentials-missing", lambda: bare.get("/v1/feed"))
    tap.ok(bare.get("/v1/feed").headers["WWW-Authenticate"] ==
           'Bearer, Basic realm="budstikke", charset="UTF-8"', "401 says what would do")
    forged = Heard(world, world.relay.caller(None))
    with open(os.path.join(world.relay.dir, "clients", "nav.crt")) as pem:
        field = pem.read().replace("\n", "%0A")
    nothing_changed(world, "a certificate in a header field is not believed from the network", lambda: (
        lambda a: (a.status == 401, a))(forged.request("GET", "/v1/feed", headers={
            "X-Client-Certificate": field, "X-SSL-Client-Cert": field, "Client-Cert": field})))
    denied = world.relay.log().count(" access.denied ")
    only = house.submit(world.nav, [oslo]).json()["id"]
    bergen = world.bergen
    for sentence, status, ask in (
            ("fetch of another's message", 404,
             lambda: bergen.get(f"/v1/mailbox/{bergen.organisation}/messages/{only}/content")),
            ("fetch from another's mailbox", 404, lambda: bergen.get(f"{world.oslo_box}/{only}/content")),
            ("status of another sender's message", 404, lambda: world.skatt.get(f"/v1/messages/{only}")),
            ("recall of another sender's message", 404,
             lambda: world.skatt.request("DELETE", f"/v1/messages/{only}")),
            ("evidence of another's message", 404, lambda: world.skatt.get(f"/v1/messages/{only}/evidence")),
            ("a recipient that sends", 403, lambda: house.submit(bergen, [oslo]))):
        answer = [None]

        def act(ask=ask, status=status, answer=answer):
            answer[0] = ask()
            return answer[0].status == status, answer[0]
        nothing_changed(world, f"{sentence}: {status}", act)
        now = world.relay.log().count(" access.denied ")
        tap.ok(now == denied + 1, f"{sentence} is logged as access.denied", f"{denied} {now}")
        denied = now
    both = first.json()["id"]
    receipt(world.oslo, both, {"status": "opened"})
    receipt(bergen, both, {"status": "opened"})
    for who, others in ((world.oslo, bergen), (bergen, world.oslo)):
        trail = who.get(f"/v1/messages/{both}/evidence").json()["evidence"]
        seen = {piece.get("recipient") for piece in trail}
        tap.ok([p["level"] for p in trail] == ["accepted", "opened"] and others.organisation not in seen,
               "a recipient sees the evidence of its own delivery, not of another's", trail)
    trail = world.nav.get(f"/v1/messages/{both}/evidence").json()["evidence"]
    tap.ok(len(trail) == 3, "the sender sees all of it", trail)
    feed = json.dumps(world.skatt.get("/v1/feed").json())
    tap.ok(only not in feed, "another sender's feed does not tell of it")


def running_keys(world):
    parts = house.document(200000)
    head = house.envelope("document", [world.oslo.organisation], parts)
    body, kind = house.multipart(head, parts)
    field = {"Content-Type": "application/json", "Idempotency-Key": "running"}
    made = world.nav.request("POST", "/v1/uploads", json.dumps(head), field)
    answer = house.submit(world.nav, [world.oslo.organisation], parts, "running")
    tap.ok(answer.status == 409 and answer.code() == "idempotency-in-progress" and
           answer.headers["Retry-After"], "the same key while an upload is under way: 409", answer)
    other = house.submit(world.nav, [world.oslo.organisation], house.document(), "running")
    tap.ok(other.status == 409 and other.code() == "idempotency-conflict",
           "the same key with other content meanwhile: another 409", other)
    done = world.nav.request("PATCH", made.headers["Location"], parts[0]["data"], {
        "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"})
    tap.ok(done.status == 201, "the first goes on undisturbed", done)
    again = house.submit(world.nav, [world.oslo.organisation], parts, "running")
    tap.ok(again.status == 201 and again.json()["receipt"] == done.json()["receipt"],
           "and then the key gives its receipt, by the other road too", again)
    with drive.connect(world.nav.caller) as first, drive.connect(world.nav.caller) as second:
        for sock in (first, second):
            sock.sendall(drive.head_bytes("POST", "/v1/messages", [
                ("Content-Type", kind), ("Idempotency-Key", "twins"), ("Expect", "100-continue"),
                ("Content-Length", str(len(body)))]))
            assert sock.recv(1000).startswith(b"HTTP/1.1 100 "), "no 100"
            sock.sendall(body[:100000])
        ready = drive.wait_for(10, lambda: drive.select.select([first, second], [], [], 0)[0])
        lost, won = (first, second) if first in ready else (second, first)
        answer = drive.read_answer(lost)
        tap.ok(len(ready) == 1 and answer.code() == "idempotency-in-progress",
               "of two with one key at the same time one is told to wait", answer)
        won.sendall(body[100000:])
        tap.ok(drive.read_answer(won).status == 201, "and one is accepted")


# ---- uploads ----------------------------------------------------------------

def uploads(world):
    parts = house.document(700000) + [attachment("vedlegg.txt", os.urandom(300000).hex().encode())]
    data = b"".join(p["data"] for p in parts)
    envelope = json.dumps(house.envelope("document", [world.oslo.organisation], parts))
    head = {"Content-Type": "application/json", "Idempotency-Key": "upload-Hemmelig"}
    made = world.nav.request("POST", "/v1/uploads", envelope, head)
    path = made.headers["Location"]

    def patch(caller, offset, piece):
        return caller.request("PATCH", path, piece, {
            "Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)})

    def offset_after_cut():
        """A wrong offset is told the right one, once the cut was noticed."""
        answer = patch(world.nav, len(data) + 1, b"x")
        return answer if answer.code() == "upload-offset-wrong" else None
    at = 0
    for tenth in (1, 4, 7):
        until = len(data) * tenth // 10
        with drive.connect(world.nav.caller) as sock:
            sock.sendall(drive.head_bytes("PATCH", path, [
                ("Content-Type", "application/offset+octet-stream"), ("Upload-Offset", str(at)),
                ("Content-Length", str(len(data) - at))]) + data[at:until])
        drive.wait_for(5, lambda: int(world.nav.request("HEAD", path).headers["Upload-Offset"]) > at)
        answer = drive.wait_for(5, offset_after_cut)
        before, at = at, int(world.nav.request("HEAD", path).headers["Upload-Offset"])
        tap.ok(answer and answer.headers["Upload-Offset"] == str(at) and before < at <= until,
               f"an upload cut at {tenth} tenths has kept what came, and says how much", answer)
    for wrong, which in ((0, "at the beginning"), (at + 1, "one too far")):
        answer = patch(world.nav, wrong, data[wrong:])
        tap.ok(answer.status == 409 and answer.code() == "upload-offset-wrong" and
               answer.headers["Upload-Offset"] == str(at), f"an offset {which} is refused", answer)
    refused(world, "another caller's upload", 404, "upload-unknown", lambda: patch(world.skatt, at, data[at:]))
    same = world.nav.request("POST", "/v1/uploads", envelope, head)
    tap.ok(same.headers["Location"] == path and same.headers["Upload-Offset"] == str(at),
           "the same key finds the upload where it stands", same)
    done = patch(world.nav, at, data[at:])
    tap.ok(done.status == 201, "its last byte makes the message", done)
    again = world.nav.request("POST", "/v1/uploads", envelope, head)
    tap.ok(again.status == 201 and again.json().get("receipt") == done.json()["receipt"],
           "the same key afterwards: the first receipt", again)
    sealed = world.oslo.get(f"{world.oslo_box}/{done.json()['id']}/content").body
    tap.ok(b"PK" in house.opened(world.relay, "oslo", sealed)[:4], "what was uploaded in pieces opens")

    def bad():
        wrong = world.nav.request("POST", "/v1/uploads", envelope, dict(head, **{
            "Idempotency-Key": "upload-2"}))
        answer = world.nav.request("PATCH", wrong.headers["Location"], b"Hemmelig" * 90000 +
                                   data[720000:], {"Content-Type": "application/offset+octet-stream",
                                                   "Upload-Offset": "0"})
        gone = world.nav.request("HEAD", wrong.headers["Location"])
        return answer.status == 422 and gone.status == 404, answer
    nothing_changed(world, "an upload of another digest is refused and gone", bad)

    def empty():
        parts = [house.part("payload", "soknad.json", "application/json", b"")]
        made = world.nav.request("POST", "/v1/uploads", json.dumps(house.envelope(
            "digisos-soknad", [world.oslo.organisation], parts)), dict(head, **{"Idempotency-Key": "upload-3"}))
        answer = world.nav.request("PATCH", made.headers["Location"], b"", {
            "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"})
        return answer.status == 422 and answer.code() == "payload-invalid", answer
    nothing_changed(world, "an upload of no bytes comes to an end too", empty)


# ---- outcomes ---------------------------------------------------------------

def receipt(caller, message, word):
    return caller.post_json(f"/v1/mailbox/{caller.organisation}/messages/{message}/receipt", word)


def levels(world, message):
    found = world.nav.get(f"/v1/messages/{message}/evidence").json()["evidence"]
    return [piece["level"] for piece in found]


def state(world, message):
    return world.nav.get(f"/v1/messages/{message}").json()["recipients"][0]["state"]


def fetched(world, message):
    content = world.oslo.get(f"{world.oslo_box}/{message}/content")
    proof = house.proof_of(world.relay, "oslo", content.body) if content.status == 200 else None
    return content, {"status": "imported", "proof": proof}


def outcomes(world):
    def new():
        return house.submit(world.nav, [world.oslo.organisation]).json()["id"]
    message = new()
    _, word = fetched(world, message)
    proof = word["proof"].encode()
    wrong = receipt(world.oslo, message, {"status": "imported", "proof": "0" * 64})
    tap.ok(wrong.status == 409 and wrong.code() == "proof-wrong", "a wrong proof: 409", wrong)
    causes = [a["cause"] for a in world.operator.get("/v1/alarms").json()["alarms"]]
    tap.ok("proof-wrong" in causes, "a wrong proof raises an alarm", causes)
    tap.ok(state(world, message) == "fetched", "the message goes on waiting")
    before = b"".join(world.nav.get(p).body for p in (
        f"/v1/messages/{message}", f"/v1/messages/{message}/evidence"))
    tap.ok(proof not in before and proof.decode() not in world.relay.log(),
           "before imported the proof stands in no answer and not in the log")
    done = receipt(world.oslo, message, word)
    tap.ok(done.status == 200, "the right proof after it is taken", done)
    again = receipt(world.oslo, message, word)
    tap.ok(again.status == 200 and again.json()["evidence"] == done.json()["evidence"],
           "the same again: the first evidence", again)
    late = receipt(world.oslo, message, {"status": "rejected", "reason": "late", "permanent": True})
    tap.ok(late.status == 409 and late.code() == "already-final" and state(world, message) == "imported",
           "another status after a final outcome: 409", late)
    tap.ok("late" in levels(world, message), "it is evidence all the same: a late fact", levels(world, message))
    late = receipt(world.oslo, message, {"status": "imported", "proof": "0" * 64})
    tap.ok(late.status == 409, "a wrong proof after imported: 409", late)


def recall_races_fetch(world):
    def new():
        return house.submit(world.nav, [world.oslo.organisation]).json()["id"]

    def recall(message):
        return world.nav.request("DELETE", f"/v1/messages/{message}")
    message = new()
    tap.ok(recall(message).status == 200 and state(world, message) == "recalled", "recall first: recalled")
    listed = world.oslo.get(world.oslo_box).body.decode()
    tap.ok(message not in listed, "a recalled message is not listed")
    path = f"{world.oslo_box}/{message}/content"
    asked = [world.oslo.get(path), world.operator.get(path),
             world.oslo.request("GET", path, headers={"Range": "bytes=0-0"}),
             world.oslo.request("GET", path, headers={"Want-Repr-Digest": "sha-256=1"})]
    tap.ok(all(a.status == 410 and a.code() == "recalled" for a in asked) and
           world.oslo.request("HEAD", path).status == 410 and "late" in levels(world, message),
           "no byte of it is handed out to anybody, and that it was asked for is evidence", asked)
    said = receipt(world.oslo, message, {"status": "opened"})
    tap.ok(said.status == 409 and state(world, message) == "recalled",
           "what the recipient says of it is late", said)
    message = new()
    content, word = fetched(world, message)
    answer = recall(message)
    tap.ok(content.status == 200 and answer.status == 409 and answer.code() == "already-handed-out" and
           state(world, message) == "fetched", "fetch first: the recall is refused", answer)
    tap.ok(receipt(world.oslo, message, word).status == 200, "and the message is imported")
    both = house.submit(world.nav, [world.oslo.organisation, world.bergen.organisation]).json()["id"]
    fetched(world, both)
    answer = recall(both)
    states = {r["recipient"]: r["state"] for r in answer.json()["recipients"]}
    tap.ok(answer.status == 200 and states[world.bergen.organisation] == "recalled" and
           states[world.oslo.organisation] in ("accepted", "fetched"),
           "of two recipients the one that has not fetched is recalled, and each is told", answer)
    again = recall(both)
    tap.ok(again.status == 200 and again.json() == answer.json(), "repeated, it changes nothing", again)
    split = []
    other = world.relay.caller("oslo")
    for _ in range(15):
        message = new()
        got = {}
        threads = [
            threading.Thread(target=lambda: got.update(recall=recall(message))),
            threading.Thread(target=lambda: got.update(fetch=other.get(f"{world.oslo_box}/{message}/content")))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        now = state(world, message)
        late = "late" in levels(world, message)
        if got["recall"].status == 200:
            right = now == "recalled" and got["fetch"].status == 410
        else:
            right = now in ("accepted", "fetched") and got["fetch"].status == 200
        if not right:
            split.append((got, now, late))
    tap.ok(not split, "at the same time 15 times: one of the two orders, never both", split)


def expiry_races_confirm(world):
    month = 30 * drive.DAY_MS

    def new():
        return house.submit(world.nav, [world.oslo.organisation]).json()["id"]

    def becomes(message, want):
        return drive.wait_for(8, lambda: state(world, message) == want)
    imported, silent, expired = new(), new(), new()
    _, word = fetched(world, imported)
    tap.ok(receipt(world.oslo, imported, word).status == 200, "confirmed before the deadline")
    world.relay.clock.forward(month - 60000)
    young = fetched(world, silent)[1]
    world.relay.clock.forward(61000)
    tap.ok(becomes(expired, "expired"), "expiry first: expired", state(world, expired))
    tap.ok(state(world, imported) == "imported", "what was confirmed stays imported")
    tap.ok("expired" in levels(world, expired), "expiry has its evidence, seen by the sender")
    said = receipt(world.oslo, expired, {"status": "rejected", "reason": "late", "permanent": True})
    tap.ok(said.status == 409 and state(world, expired) == "expired" and "late" in levels(world, expired),
           "a confirmation behind it is a late fact", said)
    tap.ok(state(world, silent) == "fetched", "what was handed out a minute ago is not expired yet")
    tap.ok(receipt(world.oslo, silent, young).status == 200 and state(world, silent) == "imported",
           "and is still imported: confirm first")
    lazy = new()
    world.relay.clock.forward(month - 60000)
    late = fetched(world, lazy)[1]
    world.relay.clock.forward(61000)
    time.sleep(1)
    tap.ok(state(world, lazy) == "fetched", "expiry is put off once")
    world.relay.clock.forward(700000)
    tap.ok(becomes(lazy, "expired"), "and then comes", state(world, lazy))
    said = receipt(world.oslo, lazy, late)
    tap.ok(said.status == 409 and "late" in levels(world, lazy), "the right proof behind it is a late fact", said)


# ---- shares -----------------------------------------------------------------

def shares(world):
    """One organisation uses its shares up; another does not notice."""
    parts = house.document(2000)
    head = house.envelope("document", [world.oslo.organisation], parts)
    body, kind = house.multipart(head, parts)
    held = []
    for number in range(4):
        sock = drive.connect(world.nav.caller)
        sock.sendall(drive.head_bytes("POST", "/v1/messages", [
            ("Content-Type", kind), ("Idempotency-Key", f"held{number}"),
            ("Expect", "100-continue"), ("Content-Length", str(len(body)))]))
        assert sock.recv(1000).startswith(b"HTTP/1.1 100 "), "no 100"
        held.append(sock)

    answer = house.submit(world.nav, [world.oslo.organisation])
    tap.ok(answer.status == 429 and answer.code() == "rate-limited" and answer.headers["Retry-After"],
           "a submission over the share uploads_per_organisation: 429 with Retry-After", answer)
    other = house.submit(world.skatt, [world.oslo.organisation])
    tap.ok(other.status == 201, "another sender's is accepted meanwhile", other)
    for sock in held:
        sock.sendall(body)
    answers = [drive.read_answer(sock).status for sock in held]
    for sock in held:
        sock.close()
    tap.ok(answers == [201] * 4, "those under way are accepted", answers)
    cursor = world.bergen.get("/v1/feed").json()
    while cursor["more"]:
        cursor = world.bergen.get(f"/v1/feed?cursor={cursor['cursor']}").json()
    path = f"/v1/feed?cursor={cursor['cursor']}&wait=20"
    polls = [drive.connect(world.bergen.caller) for _ in range(3)]
    for sock in polls:
        sock.sendall(drive.head_bytes("GET", path))
    ready = drive.wait_for(10, lambda: drive.select.select(polls, [], [], 0)[0])
    answer = drive.read_answer(ready[0])
    tap.ok(len(ready) == 1 and answer.status == 429 and answer.headers["Retry-After"],
           "the third long-poll over a share of two: 429, at once", answer)
    for sock in polls:
        sock.close()

    def burst():
        for _ in range(30):
            answer = house.submit(world.skatt, [world.oslo.organisation], house.document(1 << 20))
            if answer.status != 201:
                return answer
        return answer
    answer = burst()
    tap.ok(answer.status == 429 and answer.headers["Retry-After"],
           "a message over the sender's waiting_bytes: 429", answer)
    other = house.submit(world.nav, [world.bergen.organisation])
    tap.ok(other.status == 201, "another sender's is accepted all the same", other)


# ---- the end ----------------------------------------------------------------

def finale(world):
    tap.ok(not world.document.faults, "every answer was one that the OpenAPI document knows",
           "\n".join(sorted(set(world.document.faults))))
    check = world.relay.tool("spool", "check", os.path.join(world.relay.dir, "spool"))
    tap.ok(check.returncode == 0, "spool check is clean while the relay runs", check.stdout + check.stderr)
    tap.ok(world.relay.stop() == 0, "the relay ends in order", world.relay.log()[-2000:])
    check = world.relay.tool("spool", "check", os.path.join(world.relay.dir, "spool"))
    tap.ok(check.returncode == 0, "spool check is clean afterwards", check.stdout + check.stderr)
    log = world.relay.log()
    tap.ok(log.count(" request.done ") > 100, "the log was kept at debug")
    found = [line for line in log.splitlines() if any(p in line for p in PERSONAL)]
    tap.ok(not found, "no personal value stands in the log", "\n".join(found[:10]))
    dead = [line for line in log.splitlines() if " role.dead " in line or "level=error" in line]
    tap.ok(not dead, "no role died and nothing failed", "\n".join(dead[:10]))
    with open(os.path.join(world.relay.dir, "spool", "data.mdb"), "rb") as store:
        bytes_at_rest = store.read()
    found = [p for p in PERSONAL if p.encode() in bytes_at_rest]
    tap.ok(not found, "no personal value stands in the store", found)


def main():
    world = None
    try:
        world = World()
        for case in (recipients_and_types, payloads, parts_that_differ, file_names, many_parts, cuts,
                     slow_loris, keys_and_callers, running_keys, uploads, outcomes,
                     recall_races_fetch, expiry_races_confirm, shares, finale):
            begun = time.monotonic()
            try:
                case(world)
            except Exception as error:  # the harness itself: a failure, not a silence
                import traceback
                tap.ok(False, f"{case.__name__} came to its end: {error}", traceback.format_exc())
            print(f"# {case.__name__}: {time.monotonic() - begun:.1f} s", flush=True)
    finally:
        if world is not None:
            world.relay.close()
    return tap.finish()


sys.exit(main())
