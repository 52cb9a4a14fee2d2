"""Big attachments go in and out, and 500 recipients wait, in bounded memory.

Every process's RssAnon is looked at every 50 ms. MIB in the environment: the
big attachment's size; 128 in make check, 2048 in make soak.
"""
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import load  # noqa: E402
import relay as house  # noqa: E402

MIB = int(os.environ.get("MIB", "2048" if os.environ.get("SOAK") else "128"))
MOST_KIB = 64 << 10
IDLE_ALL_KIB = 48 << 10
POLLERS = 500
POLL_KIB = 20
tap = house.Tap()


def big_envelope(recipients, pdf, digest):
    return {"type": "document", "recipients": recipients, "parts": [
        {"name": "payload", "filename": "big.pdf", "mediaType": "application/pdf",
         "size": pdf.size, "sha256": digest}]}


def peaks_told(sampler, what):
    told = ", ".join(f"{name} {kib / 1024:.1f}" for name, kib in sorted(sampler.peaks.items()))
    print(f"# {what}: peak RssAnon in MiB of {sampler.samples} samples: {told}")


def judge(sampler, what):
    over = {n: k for n, k in sampler.peaks.items() if k >= MOST_KIB}
    peaks_told(sampler, what)
    tap.ok(not over and sampler.samples > 2,
           f"{what}: no process has 64 MiB of its own", over or sampler.samples)


def fetch(relay, name, sampler):
    """budstikke fetch, watched too; the folder of the only message."""
    out = os.path.join(relay.folder, "in." + name)
    process = subprocess.Popen(
        [os.path.join(house.BUILD, "budstikke"), "fetch", "-c",
         os.path.join(relay.dir, "clients", name + ".conf"), "--out", out,
         "--reference", "sak-1"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    sampler.watch(process.pid, "budstikke fetch")
    said = process.communicate(timeout=300)[0]
    return process.returncode, out, said


def stored_digest(out):
    for folder, _, files in os.walk(out):
        for file in files:
            if file.endswith(".pdf"):
                digest = hashlib.sha256()
                with open(os.path.join(folder, file), "rb") as pdf:
                    while piece := pdf.read(1 << 20):
                        digest.update(piece)
                return digest.hexdigest()
    return None


def gcm_certificate(relay, name):
    """A second key of a mailbox, sealed to with AES-GCM from now on."""
    base = os.path.join(relay.dir, "clients", name)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:3072", "-nodes", "-days", "30", "-subj",
         "/CN=gcm/O=gcm", "-addext", "keyUsage=critical,keyEncipherment", "-keyout",
         base + ".gcm.key", "-out", base + ".gcm.crt"], check=True, capture_output=True)
    conf = base + ".conf"
    with open(conf, "a") as file:
        file.write(f"seal-certificate = {name}.gcm.crt\nseal-key = {name}.gcm.key\n")
    done = [relay.tool("cert", "-c", conf, "suspend", base + ".seal.crt"),
            relay.tool("cert", "-c", conf, "add", base + ".gcm.crt", "--suite", "cms-gcm-oaep"),
            relay.tool("cert", "-c", conf, "prove", base + ".gcm.crt", "--key",
                       base + ".gcm.key", "--suite", "cms-gcm-oaep")]
    tap.ok(all(d.returncode == 0 for d in done), f"{name} registers and proves a GCM certificate",
           [d.stdout + d.stderr for d in done])


def post_and_fetch(relay, pids):
    pdf = load.BigPdf(MIB << 20)
    digest = pdf.sha256()
    with load.Sampler(pids) as sampler:
        begin = time.monotonic()
        status, _, body = load.post_stream(
            relay, "nav", big_envelope([house.ORGANISATIONS["oslo"]], pdf, digest),
            [dict(name="payload", filename="big.pdf", mediaType="application/pdf", data=pdf)],
            str(uuid.uuid4()), 240)
        print(f"# {MIB} MiB in after {time.monotonic() - begin:.1f} s")
        tap.ok(status == 201, f"{MIB} MiB go in by POST, for AES-CBC", body)
    judge(sampler, f"{MIB} MiB in by POST")
    with load.Sampler(pids) as sampler:
        begin = time.monotonic()
        code, out, said = fetch(relay, "oslo", sampler)
        print(f"# {MIB} MiB fetched, opened and confirmed after "
              f"{time.monotonic() - begin:.1f} s")
        tap.ok(code == 0, f"{MIB} MiB are fetched, opened and confirmed", said)
    judge(sampler, f"{MIB} MiB out by fetch")
    tap.ok(stored_digest(out) == digest, "what was stored is what was sent", out)
    subprocess.run(["rm", "-rf", out], check=True)


def payloads_of_most():
    """(name, status, payload) of almost the size payload_bytes: the lists of
    an application grown, and values that take the most memory to read."""
    path = os.path.join(house.TOP, "tests", "formats", "fixtures", "digisos", "gyldig-stor.json")
    with open(path) as file:
        good = file.read()
    most = (1 << 20) - 4096
    for name, *way in (("children", "familie", "forsorgerplikt", "ansvar"),
                       ("cases", "okonomi", "opplysninger", "bostotte", "saker"),
                       ("employments", "arbeid", "forhold")):
        value = json.loads(good)
        at = value["data"]
        for step in way:
            at = at[step]
        item = len(json.dumps(at[0], ensure_ascii=False).encode()) + 2
        room = most - len(json.dumps(value, ensure_ascii=False).encode())
        at += [at[0]] * (room // item)
        yield name, 201, json.dumps(value, ensure_ascii=False).encode()
    for name, one in (("empty objects", "{}"), ("objects", '{"a":1}'), ("numbers", "1")):
        value = json.loads(good)
        value["data"]["more"] = "HERE"
        many = "[" + ",".join([one] * ((most - len(good)) // (len(one) + 1))) + "]"
        yield name, 422, json.dumps(value, ensure_ascii=False).replace('"HERE"', many).encode()


def render_payloads(relay, pids):
    nav = relay.caller("nav")
    with load.Sampler(pids) as sampler:
        got = []
        for name, status, payload in payloads_of_most():
            parts = [house.part("payload", "soknad.json", "application/json", payload)]
            answer = house.submit(nav, [house.ORGANISATIONS["trondheim"]], parts,
                                  kind="digisos-soknad", reference="sak-1", timeout=120)
            got.append((name, len(payload) > 1000000, answer.status, status, answer.body[:300]))
    nav.close()
    tap.ok(all(large and status == want for _, large, status, want, _ in got),
           "payloads of almost 1 MiB are rendered, or refused for their values", got)
    judge(sampler, "payloads of almost 1 MiB")


def patch(relay, sock, path, offset, pieces, size):
    sock.sendall((f"PATCH {path} HTTP/1.1\r\nHost: localhost\r\nUpload-Offset: {offset}\r\n"
                  "Content-Type: application/offset+octet-stream\r\n"
                  f"Content-Length: {size}\r\n\r\n").encode())
    for piece in pieces:
        sock.sendall(piece)
    return load.answer_of(sock)


def sliced(pdf, start, stop):
    at = 0
    for piece in pdf:
        low, high = max(start - at, 0), min(stop - at, len(piece))
        if low < high:
            yield piece[low:high]
        at += len(piece)


def upload_and_ranges(relay, pids):
    size = MIB << 18  # a quarter
    pdf = load.BigPdf(size, "upload")
    digest = pdf.sha256()
    bergen = relay.caller("bergen")
    half = size // 2 + 12345
    with load.Sampler(pids) as sampler:
        sock = load.wire(relay, "nav", 240)
        head = json.dumps(big_envelope([bergen.organisation], pdf, digest)).encode()
        sock.sendall((f"POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\n"
                      f"Idempotency-Key: {uuid.uuid4()}\r\nContent-Type: application/json\r\n"
                      f"Content-Length: {len(head)}\r\n\r\n").encode() + head)
        status, fields, body = load.answer_of(sock)
        tap.ok(status == 201, "an upload begins", body)
        path = fields.get("location")
        status, fields, body = patch(relay, sock, path, 0, sliced(pdf, 0, half), half)
        tap.ok(status == 204 and fields.get("upload-offset") == str(half),
               "half of it is taken", (status, fields, body))
        sock.close()
        sock = load.wire(relay, "nav", 240)
        status, _, body = patch(relay, sock, path, half, sliced(pdf, half, size), size - half)
        tap.ok(status == 201, f"{size >> 20} MiB go in by a resumed upload, for AES-GCM", body)
        sock.close()
        message = json.loads(body).get("id")
    judge(sampler, f"{size >> 20} MiB in by upload")
    with load.Sampler(pids) as sampler:
        content = f"/v1/mailbox/{bergen.organisation}/messages/{message}/content"
        first = bergen.get(content, headers={"Range": "bytes=0-999999"})
        tail = bergen.get(content, headers={"Range": "bytes=-1000"})
        tap.ok(first.status == 206 and len(first.body) == 1000000 and
               tail.status == 206 and len(tail.body) == 1000, "ranges of it are given",
               (first.status, tail.status))
        bergen.close()
        code, out, said = fetch(relay, "bergen", sampler)
        tap.ok(code == 0, "it is fetched, opened and confirmed", said)
    judge(sampler, f"{size >> 20} MiB out by ranges and fetch")
    tap.ok(stored_digest(out) == digest, "what was stored is what was sent", out)
    subprocess.run(["rm", "-rf", out], check=True)


def many_at_once(relay, pids):
    """Ten submissions of 8 MiB to two recipients each, and beside them twenty
    of 900 KiB, which go whole: each thrice. A 503 is asked again."""
    got = []

    def some(recipients, pdf, digest):
        head = big_envelope([house.ORGANISATIONS[n] for n in recipients], pdf, digest)
        for _ in range(3):
            key = str(uuid.uuid4())
            for _ in range(100):
                try:
                    status = load.post_stream(
                        relay, "nav", head, [dict(name="payload", filename="big.pdf",
                                                  mediaType="application/pdf", data=pdf)],
                        key, 240)[0]
                except OSError as error:
                    status = repr(error)
                if status != 503:
                    break
                time.sleep(0.2)
            got.append(status)

    work = []
    for count, mib, recipients in ((10, 8 << 20, ("oslo", "bergen")), (20, 900 << 10, ("oslo",))):
        pdf = load.BigPdf(mib, f"many {mib}")
        digest = pdf.sha256()
        work += [threading.Thread(target=some, args=(recipients, pdf, digest))
                 for _ in range(count)]
    with load.Sampler(pids) as sampler:
        for thread in work:
            thread.start()
        for thread in work:
            thread.join()
    tap.ok(got == [201] * 90, "thirty senders at once, large and small, are all served",
           sorted(map(str, got)))
    judge(sampler, "thirty senders at once")


# ---- idle long-polls ----------------------------------------------------------

def organisation(number):
    """A number that passes modulus 11, of the range that is never given out."""
    weights = (3, 2, 7, 6, 5, 4, 3, 2)
    while True:
        digits = f"{number:08d}"
        check = -sum(int(d) * w for d, w in zip(digits, weights)) % 11
        if check != 10:
            return digits + str(check), number + 1
        number += 1


def callers_add(relay):
    """500 recipients with a token each, before the relay starts."""
    tokens, number, rows = [], 90001000, []
    for i in range(POLLERS):
        org, number = organisation(number)
        token = f"token-of-poller-{i:04d}-" + uuid.uuid4().hex
        tokens.append((org, token))
        rows.append(f'\t{{ name = "poller{i}"; organisation = "{org}"; roles = ["recipient"];\n'
                    f'\t  token_sha256 = "{hashlib.sha256(token.encode()).hexdigest()}"; }}')
    path = os.path.join(relay.dir, "callers.conf")
    with open(path) as file:
        text = file.read()
    at = text.rindex(")")
    with open(path, "w") as file:
        file.write(text[:at].rstrip() + ",\n" + ",\n".join(rows) + "\n" + text[at:])
    return tokens


def used_kib(pids):
    return sum(load.anon_kib(pid) for pid in pids)


def settled(pids):
    """The sum, once it has stood still for half a second."""
    last, since = used_kib(pids), time.monotonic()
    while time.monotonic() - since < 0.5:
        time.sleep(0.05)
        now = used_kib(pids)
        if now != last:
            last, since = now, time.monotonic()
    return last


def poll_on(sock, org, token=None):
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    sock.sendall((f"GET /v1/mailbox/{org}/messages?wait=55 HTTP/1.1\r\n"
                  f"Host: localhost\r\n{authorization}\r\n").encode())


def polls_cost(relay, pids, openers, what, judged):
    socks = []
    before = settled(pids)
    for connect in openers:
        socks.append(connect())
    after = settled(pids)
    waiting = 0
    for sock in socks:
        sock.setblocking(False)
        try:
            waiting += 0 if sock.recv(1) else 0
        except OSError:
            waiting += 1  # nothing to read: it waits
    each = (after - before) / len(socks)
    print(f"# {what}: {each:.1f} KiB for each of {len(socks)} over all processes "
          f"({before} -> {after} KiB)")
    tap.ok(waiting == len(socks), f"{what}: all of them wait", waiting)
    if judged:
        tap.ok(each <= POLL_KIB, f"{what}: at most {POLL_KIB} KiB each", f"{each:.1f} KiB")
    for sock in socks:
        sock.close()


def idle_polls(relay, pids, tokens):
    operator = relay.caller("operator")
    bad = 0
    for org, _ in tokens:
        put = operator.post_json(f"/v1/mailbox/{org}", {"state": "open", "types": ["document"]}, method="PUT")
        bad += put.status not in (200, 201)
    tap.ok(bad == 0, f"{POLLERS} mailboxes are opened", put)

    def by_token(org, token):
        def connect():
            sock = load.wire(relay)
            poll_on(sock, org, token)
            return sock
        return connect

    for _ in range(3):  # what the first of all costs is no one's share
        sock = by_token(*tokens[0])()
        sock.close()
    polls_cost(relay, pids, [by_token(*t) for t in tokens],
               f"{POLLERS} idle recipients with tokens", True)


def idle_polls_by_certificate(relay, pids):
    def by_certificate():
        sock = load.wire(relay, "oslo")
        poll_on(sock, house.ORGANISATIONS["oslo"])
        return sock

    by_certificate().close()
    polls_cost(relay, pids, [by_certificate] * POLLERS,
               f"{POLLERS} idle long-polls with client certificates", False)


def main():
    relay = house.Relay(options=["-o", f"polls_per_organisation={POLLERS + 10}",
                                 "-o", "not_fetched_seconds=3600",
                                 "-o", "not_confirmed_seconds=3600"])
    try:
        tokens = callers_add(relay)
        relay.start()
        time.sleep(1)
        pids = [relay.process.pid] + load.children(relay.process.pid)
        idle = settled(pids)
        print("# idle: " + ", ".join(
            f"{load.name_of(p)} {load.anon_kib(p) / 1024:.1f}" for p in pids) + " MiB")
        tap.ok(idle <= IDLE_ALL_KIB, "idle, all processes together have at most 48 MiB",
               f"{idle} KiB")
        idle_polls(relay, pids, tokens)
        relay.stop()
        relay.start()
        time.sleep(1)
        pids = [relay.process.pid] + load.children(relay.process.pid)
        idle_polls_by_certificate(relay, pids)
        gcm_certificate(relay, "bergen")
        render_payloads(relay, pids)
        post_and_fetch(relay, pids)
        upload_and_ranges(relay, pids)
        many_at_once(relay, pids)
        same = [relay.process.pid] + load.children(relay.process.pid)
        tap.ok(sorted(same) == sorted(pids), "no process was replaced meanwhile", (pids, same))
        check = relay.tool("spool", "check", relay.dir)
        tap.ok(check.returncode == 0, "the store is clean", check.stdout + check.stderr)
    finally:
        relay.close()
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
