"""What one organisation, or a client that breaks off, may not do to the others:
each of these went wrong once."""
import http.client
import json
import os
import random
import select
import signal
import ssl
import sys
import threading
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import drive  # noqa: E402
import relay as house  # noqa: E402

BROKEN = (OSError, http.client.HTTPException, ssl.SSLError)
tap = house.Tap()
FIXTURES = os.path.join(house.TOP, "tests", "formats", "fixtures", "digisos")


def fixture(name):
    with open(os.path.join(FIXTURES, name), "rb") as text:
        return text.read()


def payload(word=""):
    """An application; word makes it another."""
    return [house.part("payload", "payload.json", "application/json",
                       fixture("gyldig-minimal.json") + b" " * len(word))]


class Stopped:
    """A role that does not answer for a while."""

    def __init__(self, relay, role):
        self.pid = relay.role_pid(role)

    def __enter__(self):
        os.kill(self.pid, signal.SIGSTOP)

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGCONT)


def begin(nav, parts, to, kind="document"):
    head = json.dumps(house.envelope(kind, to, parts))
    return nav.request("POST", "/v1/uploads", head, {
        "Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())})


def patch_bytes(upload, offset, data, length=None):
    return drive.head_bytes("PATCH", f"/v1/uploads/{upload}", [
        ("Content-Type", "application/offset+octet-stream"), ("Upload-Offset", offset),
        ("Content-Length", len(data) if length is None else length)]) + data


def patch(nav, upload, offset, data):
    return nav.request("PATCH", f"/v1/uploads/{upload}", data, {
        "Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)})


def offset_of(nav, upload):
    return int(nav.request("HEAD", f"/v1/uploads/{upload}").headers["Upload-Offset"])


def staged(relay):
    got = relay.tool("spool", "stats", os.path.join(relay.dir, "spool"), "--json")
    return json.loads(got.stdout)["staged"]


def abort_post(caller, parts, kind):
    """Send a whole message and go away."""
    body, content_type = house.multipart(house.envelope(kind, [house.ORGANISATIONS["oslo"]], parts), parts)
    with drive.connect(caller) as sock:
        sock.sendall(drive.head_bytes("POST", "/v1/messages", [
            ("Content-Type", content_type), ("Content-Length", len(body)),
            ("Idempotency-Key", str(uuid.uuid4()))]) + body)
        time.sleep(0.1)


def shares():
    """What a refused message staged is gone at once; the share counts what is
    under way."""
    relay = drive.relay_with(["stage_bytes=65536", "waiting_bytes=9000000"])
    nav, operator = relay.caller("nav"), relay.caller("operator")
    oslo = house.ORGANISATIONS["oslo"]
    try:
        parts = house.document(4000000)
        data = parts[0]["data"]
        first = begin(nav, parts, [oslo]).json()["upload"]
        patch(nav, first, 0, data[:-1])
        drive.wait_for(10, lambda: staged(relay) > 0)
        tap.ok(staged(relay) > 0, "what is being sent is staged")
        second = begin(nav, house.document(4000000), [oslo])
        tap.ok(second.status == 201, "as much as the sender's share allows may be under way", second)
        third = begin(nav, house.document(4000000), [oslo])
        tap.ok(third.status == 429 and third.headers["Retry-After"],
               "more is refused before its first byte", third)
        more = house.document(4000000)
        body, content_type = house.multipart(house.envelope("document", [oslo], more), more)
        again = drive.raw(nav, drive.head_bytes("POST", "/v1/messages", [
            ("Content-Type", content_type), ("Content-Length", len(body)),
            ("Idempotency-Key", str(uuid.uuid4()))]) + body, "POST")
        tap.ok(again.status == 429, "in one request, too", again)
        mailbox = {"state": "paused", "types": ["document"]}
        operator.post_json(f"/v1/mailbox/{oslo}", mailbox, "PUT")
        refused = patch(nav, first, len(data) - 1, data[-1:])
        tap.ok(refused.status == 503, "a mailbox that closed meanwhile refuses at the end", refused)
        nav.request("DELETE", f"/v1/uploads/{second.json()['upload']}")
        time.sleep(0.5)
        tap.ok(staged(relay) == 0, "what a refused message had staged is dropped", staged(relay))
    finally:
        relay.close()


def renders():
    """Payloads of those who went away do not pile up before the others'."""
    relay = drive.relay_with(["render_ms=30000"], tokens=[
        ("other", drive.organisation_number(7), ["sender"], "t" * 40, 'types = ["digisos-soknad"];')])
    nav = relay.caller("nav")
    other = drive.TokenCaller(relay, drive.organisation_number(7), "t" * 40)
    oslo = house.ORGANISATIONS["oslo"]
    big = [house.part("payload", "payload.json", "application/json", fixture("gyldig-stor.json"))]
    try:
        with Stopped(relay, "render"):
            for _ in range(100):
                abort_post(nav, big, "digisos-soknad")
            before = time.monotonic()
        got = house.submit(other, [oslo], payload(), kind="digisos-soknad")
        took = time.monotonic() - before
        tap.ok(got.status == 201, "another's application is taken", got)
        one = time.monotonic()
        house.submit(nav, [oslo], big, kind="digisos-soknad")
        one = time.monotonic() - one
        tap.ok(took < 8 * one + 1, "and does not wait for those whose senders left",
               f"{took:.2f} s, one big application takes {one:.2f} s")
    finally:
        relay.close()


def deadly():
    """What ended two workers is not put to a third; nothing else goes with it."""
    relay = drive.relay_with(["render_ms=30000"])
    nav = relay.caller("nav")
    oslo = house.ORGANISATIONS["oslo"]
    try:
        for turn in range(2):
            pid = relay.role_pid("render")
            os.kill(pid, signal.SIGSTOP)
            answers = {}

            def send(name, parts, caller):
                answers[name] = house.submit(caller, [oslo], parts, kind="digisos-soknad")

            threads = [threading.Thread(target=send, args=("deadly", payload("x"), relay.caller("nav")))]
            threads[0].start()
            time.sleep(0.5)
            threads.append(threading.Thread(target=send, args=("behind", payload("yy" + "y" * turn), relay.caller("nav"))))
            threads[1].start()
            time.sleep(0.5)
            os.kill(pid, signal.SIGKILL)
            for thread in threads:
                thread.join()
            drive.wait_for(10, lambda: relay.role_pid("render") != pid)
            tap.ok(answers["deadly"].status == 503, "what ended a worker is told to come again", answers["deadly"])
            tap.ok(answers["behind"].status == 201, "what waited behind it is not lost with it", answers["behind"])
        third = house.submit(nav, [oslo], payload("x"), kind="digisos-soknad")
        tap.ok(third.status == 422, "what ended two is refused", third)
        same = house.submit(nav, [oslo], payload("xx"), kind="digisos-soknad")
        tap.ok(same.status == 201, "another is not", same)
    finally:
        relay.close()


def uploads():
    relay = drive.relay_with(["stage_bytes=65536"])
    nav = relay.caller("nav")
    oslo = house.ORGANISATIONS["oslo"]
    try:
        parts = house.document(20000000)
        data = parts[0]["data"]
        upload = begin(nav, parts, [oslo]).json()["upload"]
        with Stopped(relay, "spool"):
            with drive.connect(nav) as sock:
                sock.settimeout(1)
                try:
                    sock.sendall(patch_bytes(upload, 0, data[:180000], len(data)))
                except OSError:
                    pass
            time.sleep(0.5)
            at = offset_of(nav, upload)
            sock = drive.connect(nav)
            sock.settimeout(3)
            sent = patch_bytes(upload, at, data[at:])
            done = 0
            try:
                while done < len(sent):
                    done += sock.send(sent[done:done + 65536])
            except OSError:
                pass
            tap.ok(done < 5000000, "bytes that cannot be taken are not read", done)
        sock.settimeout(60)
        while done < len(sent) and not select.select([sock], [], [], 0)[0]:
            done += sock.send(sent[done:done + 65536])
        got = drive.read_answer(sock, "PATCH")
        sock.close()
        tap.ok(got.status == 201, "an upload gone on with while the relay was behind is whole", got)
        empty = house.part("payload", "document.pdf", "application/pdf", b"")
        begun = begin(nav, [empty], [oslo])
        answer = begun if begun.status != 201 else patch(nav, begun.json()["upload"], 0, b"")
        tap.ok(answer.status == 422, "an upload without a byte comes to an end", answer)
    finally:
        relay.close()


def lists():
    relay = drive.relay_with()
    nav = relay.caller("nav")
    oslo = house.ORGANISATIONS["oslo"]
    try:
        parts = payload() + [
            house.part("list", "vedlegg.json", "application/json", b""),
            house.part("a", "a.pdf", "application/pdf", house.pdf())]
        got = house.submit(nav, [oslo], parts, kind="digisos-soknad")
        tap.ok(got.status == 422, "an attachment list of no bytes is no list", got)
        got = house.submit(nav, [oslo], parts, kind="digisos-soknad", key=False, query="?dry-run=1")
        tap.ok(got.status == 422, "on a dry run, too", got)
    finally:
        relay.close()


def rendered():
    """Large documents to several recipients go in pieces."""
    relay = drive.relay_with(["payload_bytes=8388608", "markdown_bytes=8388608", "render_ms=60000"])
    nav = relay.caller("nav")
    try:
        value = json.loads(fixture("gyldig-stor.json"))
        dice = random.Random(1)
        text = " ".join("".join(chr(dice.randrange(97, 123)) for _ in range(9)) for _ in range(700000))
        value["data"]["arbeid"]["kommentarTilArbeidsforhold"]["verdi"] = text
        parts = [house.part("payload", "payload.json", "application/json", json.dumps(value).encode())]
        got = house.submit(nav, [house.ORGANISATIONS[n] for n in ("oslo", "bergen", "trondheim")], parts,
                           kind="digisos-soknad", timeout=120)
        tap.ok(got.status == 201, "large rendered documents reach all their recipients", got)
        if got.status == 201:
            sizes = [d["size"] for d in nav.get("/v1/messages/" + got.json()["id"]).json()["recipients"]]
            tap.ok(sum(sizes) > 16 << 20, "more than one request holds", sizes)
            oslo = relay.caller("oslo")
            sealed = oslo.get(f"/v1/mailbox/{oslo.organisation}/messages/{got.json()['id']}/content").body
            house.opened(relay, "oslo", sealed)
    finally:
        relay.close()


def references():
    """A reference that no evidence can hold spoils nobody's group."""
    relay = drive.relay_with(["reference_bytes=4096"])
    nav, oslo = relay.caller("nav"), relay.caller("oslo")
    try:
        one = house.submit(nav, [oslo.organisation]).json()["id"]
        path = f"/v1/mailbox/{oslo.organisation}/messages/{one}"
        proof = house.proof_of(relay, "oslo", oslo.get(path + "/content").body)
        got = oslo.post_json(path + "/receipt", {"status": "imported", "proof": proof, "reference": "\x01" * 4096})
        tap.ok(got.status == 422 and got.json()["errors"][0]["pointer"] == "/reference",
               "a reference of controls is refused by itself", got)
        tap.ok("spool.commit-failed" not in relay.log(), "and no group fails of it")
        got = oslo.post_json(path + "/receipt", {"status": "imported", "proof": proof, "reference": '"' * 4096})
        tap.ok(got.status == 200, "the longest reference is taken", got)
    finally:
        relay.close()


def operators():
    """An operator who is a recipient, too, has no key for another's mailbox."""
    both = drive.organisation_number(8)
    relay = drive.relay_with(tokens=[("both", both, ["recipient", "operator"], "b" * 40, "")])
    caller = drive.TokenCaller(relay, both, "b" * 40)
    oslo = house.ORGANISATIONS["oslo"]
    try:
        with open(os.path.join(relay.dir, "clients", "bergen.seal.crt")) as pem:
            got = caller.post_json(f"/v1/mailbox/{oslo}/certificates", {"certificate": pem.read()})
        tap.ok(got.status == 404, "an operator adds no certificate to another's mailbox", got)
        got = caller.get(f"/v1/mailbox/{oslo}/certificates")
        tap.ok(got.status == 200, "but sees which there are", got)
        hex_name = got.json()["certificates"][0]["certificate"]
        got = caller.post_json(f"/v1/mailbox/{oslo}/certificates/{hex_name}/proof", {"proof": "0" * 64})
        tap.ok(got.status == 404, "and proves none", got)
    finally:
        relay.close()


def alarms():
    """What is wrong with the relay is told although groups fail just then."""
    relay = drive.relay_with(["role_deaths=1", "role_wait_ms=500"])
    oslo = house.ORGANISATIONS["oslo"]
    ending = []

    def send():
        nav = relay.caller("nav")
        while not ending:
            try:
                house.submit(nav, [oslo])
            except BROKEN:
                pass

    def firing():
        return [a for a in operator.get("/v1/alarms").json()["alarms"]
                if a["cause"] == "relay-fault" and a["state"] == "firing"]

    operator = relay.caller("operator")
    try:
        threads = [threading.Thread(target=send) for _ in range(12)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        with Stopped(relay, "keys"):
            time.sleep(0.2)
            os.kill(relay.role_pid("courier"), signal.SIGKILL)
            time.sleep(2)
        ending.append(True)
        for thread in threads:
            thread.join()
        tap.ok("spool.commit-failed" in relay.log(), "groups failed meanwhile")
        tap.ok(drive.wait_for(5, firing), "a role's deaths raise their alarm", relay.log()[-1500:])
    finally:
        ending.append(True)
        relay.close()


def main():
    wanted = sys.argv[1:]
    for case in (shares, renders, deadly, uploads, lists, rendered, references, operators, alarms):
        if not wanted or case.__name__ in wanted:
            case()
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
