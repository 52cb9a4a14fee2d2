"""Every limit of base/limits.h: one under, just at, one over.

ROWS has a row for each name, and this fails when a limit has none or a row has
no limit. A row is a function here, or the file whose tests hold it (which must
name the limit), or the reason why a test's time or reach is not enough.
"""
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import load  # noqa: E402
import relay as house  # noqa: E402

tap = house.Tap()
SMALL = dict(
    request_line_bytes=512, header_bytes=1500, header_fields=20, header_seconds=2,
    handshake_seconds=2, keepalive_seconds=2, body_stall_seconds=2, json_body_bytes=2048,
    poll_seconds=2, message_bytes=300000, part_bytes=200000, payload_bytes=4000,
    envelope_bytes=4096, parts_per_message=3, part_header_bytes=512, part_name_bytes=16,
    filename_bytes=40, reference_bytes=20, recipients_per_message=2, idempotency_key_bytes=40,
    json_depth=10, findings=3, list_entries=2, uploads_per_organisation=2,
    polls_per_organisation=1, certificates_per_mailbox=3, waiting_bytes=1 << 20,
    render_processes=2, scan_processes=2, connections_per_address=30)


class World:
    def __init__(self):
        self.relay = house.Relay(options=[
            word for n, v in SMALL.items() for word in ("-o", f"{n}={v}")]).start()
        self.nav, self.oslo = self.relay.caller("nav"), self.relay.caller("oslo")
        self.operator = self.relay.caller("operator")
        self.orgs = [house.ORGANISATIONS[n] for n in ("oslo", "bergen", "trondheim")]


def edge(name, probe, codes, value=None):
    """probe(n) is an answer; refused with one of codes just over the limit."""
    value = value or SMALL[name]
    got = [probe(value - 1), probe(value), probe(value + 1)]
    refused = [a.code() in codes for a in got]
    tap.ok(refused == [False, False, True],
           f"{name}: {value - 1} and {value} pass, {value + 1} is refused", got)


# ---- HTTP ---------------------------------------------------------------------

def raw(world, data, seconds=8):
    """One exchange of exact bytes; Answer, or status 0 when it was cut."""
    sock = load.wire(world.relay, "nav", seconds)
    try:
        sock.sendall(data)
        status, fields, body = load.answer_of(sock)
        return house.Answer(status, fields, body)
    except OSError:
        return house.Answer(0, {}, b"{}")
    finally:
        sock.close()


def request_line_bytes(world):
    def probe(n):
        line = b"GET /v1/openapi.json?x= HTTP/1.1"
        line = line.replace(b"x=", b"x=" + b"a" * (n - len(line)))
        return raw(world, line + b"\r\nHost: localhost\r\n\r\n")
    edge("request_line_bytes", probe, ("uri-too-long",))


def header_bytes(world):
    def probe(n):  # the fields' own bytes, without line ends
        rest = n - len("Host: localhost") - len("X: ")
        return raw(world, b"GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\nX: " +
                   b"a" * rest + b"\r\n\r\n")
    edge("header_bytes", probe, ("header-too-large",))


def header_fields(world):
    def probe(n):
        return raw(world, b"GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n" +
                   b"".join(b"X-%d: a\r\n" % i for i in range(n - 1)) + b"\r\n")
    edge("header_fields", probe, ("header-too-large",))


def slow(world, name, first, rest, over_seconds, cut=(408, 0)):
    """Under: the rest comes in half the time. Over: it never comes."""
    limit = SMALL[name]
    sock = load.wire(world.relay, "nav", 10)
    sock.sendall(first)
    time.sleep(limit / 2)
    sock.sendall(rest)
    status = load.answer_of(sock)[0]
    sock.close()
    tap.ok(status not in cut, f"{name}: {limit / 2} s is served", status)
    sock = load.wire(world.relay, "nav", 10)
    sock.sendall(first)
    begin = time.monotonic()
    try:
        status = load.answer_of(sock)[0]
    except OSError:
        status = 0
    took = time.monotonic() - begin
    sock.close()
    tap.ok(status in cut and limit * 0.9 <= took <= over_seconds,
           f"{name}: after {limit} s it is ended", (status, took))


def header_seconds(world):
    slow(world, "header_seconds", b"GET /v1/openapi.json HTTP/1.1\r\n", b"Host: localhost\r\n\r\n",
         4.5)


def body_stall_seconds(world):
    head = (b"POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: stall\r\n"
            b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{")
    slow(world, "body_stall_seconds", head, b"}", 5)


def handshake_seconds(world):
    sock = socket.create_connection(("127.0.0.1", world.relay.port), timeout=10)
    begin = time.monotonic()
    ended = sock.recv(1) == b""
    took = time.monotonic() - begin
    tap.ok(ended and 1.8 <= took <= 4.5, "handshake_seconds: a connection that says nothing ends",
           took)
    raw_sock = socket.create_connection(("127.0.0.1", world.relay.port), timeout=10)
    time.sleep(1)
    context = world.nav.context
    sock = context.wrap_socket(raw_sock)
    tap.ok(sock.version() is not None, "handshake_seconds: half of it is enough")
    sock.close()


def keepalive_seconds(world):
    sock = load.wire(world.relay, "nav", 10)
    for pause in (0, 1):
        time.sleep(pause)
        sock.sendall(b"GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
        status = load.answer_of(sock)[0]
    tap.ok(status == 200, "keepalive_seconds: an idle connection is used again after half of it")
    begin = time.monotonic()
    ended = sock.recv(1) == b""
    took = time.monotonic() - begin
    tap.ok(ended and 1.8 <= took <= 4.5, "keepalive_seconds: then it is closed", took)


def connections_per_address(world):
    def served(sock):
        try:
            sock.sendall(b"GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return load.answer_of(sock)[0] == 200
        except OSError:
            return False

    for caller in (world.nav, world.oslo, world.operator):
        caller.close()
    time.sleep(0.3)
    socks, good = [], []
    for _ in range(SMALL["connections_per_address"] + 1):
        try:
            socks.append(load.wire(world.relay, None, 10))
            good.append(served(socks[-1]))
        except OSError:
            good.append(False)
    for sock in socks:
        sock.close()
    time.sleep(0.3)
    tap.ok(good == [True] * SMALL["connections_per_address"] + [False],
           "connections_per_address: 29 and 30 are served, the 31st is refused", good)


def json_body_bytes(world):
    def probe(n):
        body = json.dumps({"state": "open", "types": ["document", "digisos-soknad"]}).encode()
        return world.operator.request(
            "PUT", f"/v1/mailbox/{world.orgs[0]}", body + b" " * (n - len(body)),
            {"Content-Type": "application/json"})
    edge("json_body_bytes", probe, ("too-large",))


def json_depth(world):
    def probe(n):  # the object around it is the first
        body = '{"state": "open", "types": ' + "[" * (n - 1) + "]" * (n - 1) + "}"
        return world.operator.request("PUT", f"/v1/mailbox/{world.orgs[0]}", body,
                                      {"Content-Type": "application/json"})
    got = [probe(SMALL["json_depth"] + d) for d in (-1, 0, 1)]
    tap.ok([a.status for a in got] == [422, 422, 413] and "json_depth" in got[2].body.decode(),
           "json_depth: what is deeper is refused for its depth", got)


def poll_seconds(world):
    path = f"/v1/mailbox/{world.orgs[0]}/messages?wait="
    got = [world.oslo.get(path + str(n)) for n in (1, 2, 3)]
    tap.ok([a.status for a in got] == [200, 200, 400] and got[2].code() == "parameter-invalid",
           "poll_seconds: 1 and 2 wait, 3 is refused", got)


def polls_per_organisation(world):
    path = f"/v1/mailbox/{world.orgs[0]}/messages?wait=2"
    second = world.relay.caller("oslo")
    got = []
    thread = threading.Thread(target=lambda: got.append(world.oslo.get(path)))
    thread.start()
    time.sleep(0.7)
    over = second.get(path)
    thread.join()
    tap.ok(got[0].status == 200 and over.status == 429 and over.code() == "rate-limited",
           "polls_per_organisation: one waits, a second is refused", (got, over))
    second.close()


# ---- submission: envelopes alone, by POST /v1/uploads -----------------------------

def begin(world, head, key=None):
    """The answer to an envelope; an upload that it began is ended again."""
    answer = world.nav.request(
        "POST", "/v1/uploads", head if isinstance(head, bytes) else json.dumps(head),
        {"Content-Type": "application/json", "Idempotency-Key": key or str(uuid.uuid4())})
    if answer.status == 201:
        world.nav.request("DELETE", answer.headers["Location"])
    return answer


def part(n=0, size=1000, **more):
    return dict({"name": f"p{n}", "filename": f"p{n}.pdf", "mediaType": "application/pdf",
                 "size": size, "sha256": "0" * 64}, **more)


def head(world, parts=None, recipients=1, **more):
    return dict({"type": "document", "recipients": world.orgs[:recipients],
                 "parts": parts or [part()]}, **more)


INVALID = ("envelope-invalid", "too-large", "parts-mismatch")


def message_bytes(world):
    edge("message_bytes", lambda n: begin(world, head(world, [
        part(0, n // 2), part(1, n - n // 2)])), INVALID)


def part_bytes(world):
    edge("part_bytes", lambda n: begin(world, head(world, [part(0, n)])), INVALID)


def payload_bytes(world):
    edge("payload_bytes", lambda n: begin(world, head(
        world, [part(0, n, mediaType="application/json", filename="s.json"),
                part(1, 20, mediaType="application/json", filename="vedlegg.json")],
        type="digisos-soknad")), INVALID + ("payload-invalid",))


def envelope_bytes(world):
    text = json.dumps(head(world)).encode()
    edge("envelope_bytes", lambda n: begin(world, text + b" " * (n - len(text))), INVALID)


def parts_per_message(world):
    edge("parts_per_message", lambda n: begin(world, head(
        world, [part(i) for i in range(n)])), INVALID)


def part_name_bytes(world):
    edge("part_name_bytes", lambda n: begin(world, head(world, [part(name="n" * n)])), INVALID)


def filename_bytes(world):
    edge("filename_bytes", lambda n: begin(world, head(
        world, [part(filename="f" * (n - 4) + ".pdf")])), INVALID)


def reference_bytes(world):
    edge("reference_bytes", lambda n: begin(world, head(world, reference="r" * n)), INVALID)


def recipients_per_message(world):
    edge("recipients_per_message", lambda n: begin(world, head(world, recipients=n)), INVALID)


def idempotency_key_bytes(world):
    edge("idempotency_key_bytes", lambda n: begin(world, head(world), "k" * n),
         ("header-invalid",))


def uploads_per_organisation(world):
    made = [world.nav.request("POST", "/v1/uploads", json.dumps(head(world)), {
        "Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())})
        for _ in range(SMALL["uploads_per_organisation"] + 1)]
    for answer in made:
        if answer.status == 201:
            world.nav.request("DELETE", answer.headers["Location"])
    tap.ok([a.status for a in made] == [201, 201, 429],
           "uploads_per_organisation: two are begun, a third is refused", made)


def part_header_bytes(world):
    parts = house.document(1000)
    body, kind = house.multipart(house.envelope("document", world.orgs[:1], parts), parts)
    line = b"Content-Type: application/pdf\r\n"
    fixed = len(b'Content-Disposition: form-data; name="payload"; filename="document.pdf"\r\n' +
                line)
    near = []
    for size in range(SMALL["part_header_bytes"] - 8, SMALL["part_header_bytes"] + 9):
        pad = b"X-Pad: " + b"a" * (size - fixed - 9) + b"\r\n"
        answer = world.nav.request(
            "POST", "/v1/messages?dry-run=1", body.replace(line, line + pad),
            {"Content-Type": kind, "Idempotency-Key": str(uuid.uuid4())})
        near.append(answer.status)
    passed = near.count(200)
    tap.ok(near == [200] * passed + near[passed:] and 200 not in near[passed:] and
           passed in range(4, 14) and set(near[passed:]) <= {400, 413, 422, 431},
           "part_header_bytes: under it a part passes, over it is refused", near)


def findings(world):
    parts = [house.part("payload", "s.json", "application/json", b'{"data": 1, "x": [1]}'),
             house.part("list", "vedlegg.json", "application/json", b'{"vedlegg": []}')]
    answer = house.submit(world.nav, world.orgs[:1], parts, kind="digisos-soknad",
                          query="?dry-run=1")
    empty = [part(i, name="", filename="", sha256="x", mediaType="") for i in range(2)]
    many = begin(world, head(world, empty))
    count = len(many.json()["errors"])
    tap.ok(answer.status == 422 and many.status == 422 and
           1 <= len(answer.json()["errors"]) <= 4 and count == 4 and
           "not listed" in many.json()["errors"][3]["expected"],
           "findings: three errors are listed, and that there are more", many)


def list_entries(world):
    sent = [house.submit(world.nav, world.orgs[:1]) for _ in range(3)]
    page = world.oslo.get(f"/v1/mailbox/{world.orgs[0]}/messages").json()
    rest = world.oslo.get(
        f"/v1/mailbox/{world.orgs[0]}/messages?cursor={page['cursor']}").json()
    tap.ok([s.status for s in sent] == [201] * 3 and len(page["messages"]) == 2 and page["more"]
           and len(rest["messages"]) == 1 and not rest["more"],
           "list_entries: a page has two, the next the third", (page, rest))


def self_signed(world, name):
    base = os.path.join(world.relay.folder, name)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                    base + ".key", "-out", base + ".crt", "-days", "2", "-subj", f"/CN={name}"],
                   check=True, capture_output=True)
    with open(base + ".crt") as pem:
        return pem.read()


def certificates_per_mailbox(world):
    path = f"/v1/mailbox/{world.orgs[2]}/certificates"
    owner = world.relay.caller("trondheim")
    added = [owner.post_json(path, {"certificate": self_signed(world, f"c{n}")})
             for n in range(4)]
    listed = {c["certificate"]: c["state"] for c in owner.get(path).json()["certificates"]}
    first, *others = [a.json()["certificate"] for a in added]
    tap.ok([a.status for a in added] == [201] * 4 and len(listed) == 3 and first not in listed and
           all(o in listed for o in others[1:]) and "active" in listed.values(),
           "certificates_per_mailbox: at three, a new one takes the place of one not proved",
           (added, listed))
    tap.ok(f" certificate.forgotten mailbox={world.orgs[2]} certificate={first}"
           in world.relay.log(), "and the log says which was forgotten")
    owner.close()


def waiting_bytes(world):
    answers = [house.submit(world.nav, world.orgs[1:2], house.document(190000))
               for _ in range(7)]
    states = [a.status for a in answers]
    good = states.count(201)
    tap.ok(states == [201] * good + [429] * (7 - good) and good in (4, 5),
           "waiting_bytes: 1 MiB of 190 kB messages wait, the next is refused", answers)


def processes(name, role):
    def count(world):
        started = len(re.findall(rf"role\.ready role={role} slot=\d+ ", world.relay.log()))
        tap.ok(started == 2, f"{name}: two are started", started)
    return count


# ---- a second relay: limits on work, at their least -----------------------------

TIGHT = dict(schema_steps=30000, group_requests=1, group_bytes=1 << 20, stage_bytes=64 << 10,
             word_cache_bytes=16 << 10, notice_seconds=1, notice_tries=2, not_fetched_seconds=1)


def application(entries):
    """One with so many entries in its list, each a few rules to check."""
    path = os.path.join(house.TOP, "tests", "formats", "fixtures", "digisos", "gyldig-kort.json")
    with open(path, "rb") as file:
        payload = file.read()
    return [house.part("payload", "s.json", "application/json", payload),
            house.part("list", "vedlegg.json", "application/json",
                       json.dumps({"vedlegg": [{"type": "a"}] * entries}).encode())]


def tight():
    """A hook that takes a post and never answers it, and batches of the least size."""
    hook = socket.create_server(("127.0.0.1", 0))
    relay = house.Relay(
        options=[w for n, v in TIGHT.items() for w in ("-o", f"{n}={v}")],
        init=["--webhook", f"http://127.0.0.1:{hook.getsockname()[1]}/"]).start()
    try:
        nav, oslo = relay.caller("nav"), [house.ORGANISATIONS["oslo"]]
        large = [house.submit(nav, oslo, house.document(3 << 20)) for _ in range(2)]
        threads = [threading.Thread(target=lambda: large.append(
            house.submit(relay.caller("nav"), oslo))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tap.ok([a.status for a in large] == [201] * 10,
               "group_requests, group_bytes, stage_bytes: at their least all messages go in", large)
        few, many = (house.submit(nav, oslo, application(n), kind="digisos-soknad",
                                  query="?dry-run=1") for n in (100, 50000))
        tap.ok(few.status == 200 and many.status == 422 and "schema_steps" in many.body.decode(),
               "schema_steps: what takes more is refused, with the limit's name", (few, many))
        gone = load.wait_until(20, lambda: "notice.given-up" in relay.log())
        tries = [float(m) for m in re.findall(
            r"T\d\d:\d\d:(\d\d\.\d+)Z \S+ spool notice\.failed", relay.log())]
        tap.ok(gone and len(tries) >= 2, "notice_seconds, notice_tries: a hook that never answers "
               "is left after a second, and given up after two tries", tries)
    finally:
        relay.close()
        hook.close()


def tight_row(_):
    """Done by tight(), in a relay of its own."""


IN = "held by the tests of "
ROWS = dict(
    request_line_bytes=request_line_bytes, header_bytes=header_bytes,
    header_fields=header_fields, header_seconds=header_seconds,
    handshake_seconds=handshake_seconds, keepalive_seconds=keepalive_seconds,
    body_stall_seconds=body_stall_seconds, linger_bytes=IN + "tests/relay/test_http.c",
    linger_ms=IN + "tests/relay/test_http.c", connections=IN + "tests/relay/test_http.c",
    connections_per_address=connections_per_address, json_body_bytes=json_body_bytes,
    poll_seconds=poll_seconds, message_bytes=message_bytes, part_bytes=part_bytes,
    payload_bytes=payload_bytes, envelope_bytes=envelope_bytes,
    parts_per_message=parts_per_message, part_header_bytes=part_header_bytes,
    part_name_bytes=part_name_bytes, filename_bytes=filename_bytes,
    reference_bytes=reference_bytes, recipients_per_message=recipients_per_message,
    idempotency_key_bytes=idempotency_key_bytes, json_depth=json_depth,
    json_values=IN + "tests/formats/test_render.c",
    xml_depth=IN + "tests/formats/test_xml.c", xml_nodes=IN + "tests/formats/test_xml.c",
    xml_attributes=IN + "tests/formats/test_xml.c",
    schema_steps=tight_row,
    pattern_steps="bounds PCRE2 within one pattern; a profile's patterns are its operator's, and "
                  "none that is here backtracks",
    findings=findings, upload_hours="counted by the monotonic clock, which no test can set",
    uploads_per_organisation=uploads_per_organisation,
    requests_per_second=IN + "tests/relay/test_fair.c", waiting_bytes=waiting_bytes,
    polls_per_organisation=polls_per_organisation,
    turns_per_organisation=IN + "tests/relay/test_fair.c",
    refusal_ms=IN + "tests/support/fairness.py", list_entries=list_entries,
    certificates_per_mailbox=certificates_per_mailbox,
    map_bytes=IN + "tests/support/full_disk.py", reserve_bytes=IN + "tests/support/full_disk.py",
    group_requests=tight_row, group_bytes=tight_row, stage_bytes=tight_row,
    reader_seconds=IN + "tests/support/deaths_work.py",
    idempotency_days=IN + "tests/spool/test_walk.c",
    staged_hours=IN + "tests/crash/relay_crash.py", purge_bytes=IN + "tests/crash/relay_crash.py",
    step_hold_seconds=IN + "tests/support/reload.py",
    render_processes=processes("render_processes", "render"),
    scan_processes=processes("scan_processes", "scan"),
    role_wait_ms=IN + "tests/relay/test_role.c", role_deaths=IN + "tests/support/deaths_work.py",
    render_ms=IN + "tests/support/deaths_work.py",
    document_nodes=IN + "tests/formats/test_document.c",
    document_text_bytes=IN + "tests/formats/test_document.c",
    document_pages=IN + "tests/formats/test_pdf.c",
    document_bytes=IN + "tests/formats/test_pdf.c",
    markdown_bytes=IN + "tests/formats/test_document.c",
    word_cache_bytes="a cache: over it words are shaped anew and nobody is refused",
    drain_seconds=IN + "tests/scenarios/deaths.sh",
    notice_tries=IN + "tests/crash/relay_crash.py",
    notice_seconds=tight_row)


def main():
    with open(os.path.join(house.TOP, "base", "limits.h")) as source:
        names = re.findall(r"^\s*X\(([a-z_]+),(?! preset)", source.read(), re.M)
    names = [n for n in names if n != "name"]
    tap.ok(len(names) > 50 and sorted(names) == sorted(ROWS),
           f"each of the {len(names)} limits has a row here",
           f"no row: {set(names) - set(ROWS)}; no limit: {set(ROWS) - set(names)}")
    world = World()
    try:
        for name in names:
            row = ROWS.get(name)
            if callable(row):
                row(world)
            elif row and row.startswith(IN):
                with open(os.path.join(house.TOP, row[len(IN):])) as file:
                    tap.ok(re.search(rf"\b{name}\b", file.read()), f"{name}: {row}")
            elif row:
                tap.skip(name, row)
        tap.ok(" role.dead " not in world.relay.log(), "no role died of it")
    finally:
        world.relay.close()
    tight()
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
