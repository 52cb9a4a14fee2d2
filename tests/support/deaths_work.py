"""Each role dies while it has work: who is answered what, and when.

SIGSTOP makes "while it has work" certain: a stopped role has taken nothing
further; then it is killed, or let go on.
"""
import http.server
import json
import os
import re
import signal
import ssl
import http.client
import sys
import threading
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import load  # noqa: E402
import relay as house  # noqa: E402

BROKEN = (OSError, http.client.HTTPException, ssl.SSLError)
tap = house.Tap()
FIXTURES = os.path.join(house.TOP, "tests", "formats", "fixtures", "digisos")


class Ask(threading.Thread):
    """One exchange in a thread of its own, with its time."""

    def __init__(self, call):
        super().__init__(daemon=True)
        self.call, self.answer, self.error, self.seconds = call, None, None, 0
        self.start()

    def run(self):
        begin = time.monotonic()
        try:
            self.answer = self.call()
        except BROKEN as error:
            self.error = error
        self.seconds = time.monotonic() - begin

    def result(self, seconds=40):
        self.join(seconds)
        return self.answer


def application(text=None):
    """A payload of digisos-soknad that is new each time, and its list."""
    with open(os.path.join(FIXTURES, "gyldig-kort.json"), encoding="utf-8") as file:
        payload = json.load(file)
    payload["budstikke-test"] = text or str(uuid.uuid4())
    return [house.part("payload", "soknad.json", "application/json",
                       json.dumps(payload).encode()),
            house.part("list", "vedlegg.json", "application/json", b'{"vedlegg": []}')]


def send(relay, parts=None, kind="document", key=None):
    """A submission by a caller of its own, since threads do not share one."""
    caller = relay.caller("nav")
    try:
        return house.submit(caller, [house.ORGANISATIONS["oslo"]], parts, key, kind, timeout=40)
    finally:
        caller.close()


def deaths(relay, role):
    return relay.log(relay.mark).count(f" role.dead role={role} ")


def kill_and_wait(relay, role):
    old = relay.role_pid(role)
    begin = time.monotonic()
    os.kill(old, signal.SIGKILL)
    back = load.wait_until(10, lambda: relay.role_pid(role) != old and
                           f"role.ready role={role} slot=0 pid={relay.role_pid(role)} "
                           in relay.log(relay.mark))
    took = time.monotonic() - begin
    tap.ok(back and took < 1.5, f"{role} is back within about a second",
           f"{took:.2f} s")


def is_ready(relay, role):
    """The newest process of a role, once it serves."""
    pid = relay.role_pid(role)
    ready = f"role.ready role={role} slot=0 pid={pid} " in relay.log(relay.mark)
    return pid if ready and house.alive(pid) else None


def refused_for_now(answer):
    return (answer is not None and answer.status == 503 and
            answer.code() == "temporarily-unavailable" and
            int(answer.headers.get("Retry-After", 0)) >= 1)


def settle():
    """Five deaths of one role within ten seconds would slow its restart."""
    time.sleep(2.5)


# ---- render -------------------------------------------------------------------

def render_dies_at_work(relay):
    tap.ok(send(relay, application(), "digisos-soknad").status == 201,
           "an application is accepted")
    os.kill(relay.role_pid("render"), signal.SIGSTOP)
    first = Ask(lambda: send(relay, application(), "digisos-soknad"))
    time.sleep(0.5)
    behind = [Ask(lambda: send(relay, application(), "digisos-soknad")) for _ in range(3)]
    plain = Ask(lambda: send(relay))
    tap.ok(plain.result() is not None and plain.answer.status == 201,
           "what render does not work on goes on while it hangs", plain.answer)
    time.sleep(0.5)
    kill_and_wait(relay, "render")
    tap.ok(refused_for_now(first.result()),
           "the application that render worked on gets 503 with Retry-After", first.answer)
    tap.ok(all(b.result() is not None and b.answer.status == 201 for b in behind),
           "those behind it are rendered by the next one", [b.answer for b in behind])


def payload_that_kills(relay):
    deadly = application("budstikke-test-render-dies")
    before = deaths(relay, "render")
    answers = [send(relay, deadly, "digisos-soknad") for _ in range(2)]
    # the connection tells net before the parent has reaped
    both = load.wait_until(3, lambda: deaths(relay, "render") == before + 2)
    tap.ok(all(refused_for_now(a) for a in answers) and both,
           "a payload that kills render gets 503 twice", answers)
    third = send(relay, deadly, "digisos-soknad")
    tap.ok(third.status == 422 and third.code() == "payload-invalid",
           "then it is refused by its digest", third)
    tap.ok(deaths(relay, "render") == before + 2, "and render does not see it again")
    tap.ok(send(relay, application(), "digisos-soknad").status == 201,
           "other applications are rendered")


def payload_that_hangs_up(relay):
    """The sender is gone before render dies: it counts all the same."""
    deadly = application("budstikke-test-render-dies by one that hangs up")
    body, kind = house.multipart(
        house.envelope("digisos-soknad", [house.ORGANISATIONS["oslo"]], deadly), deadly)
    for _ in range(2):
        before = deaths(relay, "render")
        pid = load.wait_until(5, lambda: is_ready(relay, "render"))
        os.kill(pid, signal.SIGSTOP)
        sock = load.wire(relay, "nav")
        sock.sendall((f"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: "
                      f"{uuid.uuid4()}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}"
                      "\r\n\r\n").encode() + body)
        time.sleep(0.5)
        sock.close()
        time.sleep(0.3)
        os.kill(pid, signal.SIGCONT)
        load.wait_until(5, lambda b=before: deaths(relay, "render") > b)
    time.sleep(0.5)
    before = deaths(relay, "render")
    answer = send(relay, deadly, "digisos-soknad")
    tap.ok(answer.status == 422 and deaths(relay, "render") == before,
           "a sender that hangs up does not hide what its payload did", answer)


def payload_that_stalls(relay):
    begin = time.monotonic()
    answer = send(relay, application("budstikke-test-render-stalls"), "digisos-soknad")
    took = time.monotonic() - begin
    tap.ok(refused_for_now(answer) and 0.9 < took < 4,
           "a rendering that takes longer than render_ms is ended", (answer, took))


def payload_that_swells(relay):
    """All the memory that the role may have: its own end, and no one else's."""
    before = deaths(relay, "render")
    mark = relay.mark
    answer = send(relay, application("budstikke-test-render-swells"), "digisos-soknad")
    tap.ok(refused_for_now(answer), "a payload that takes all memory gets 503", answer)
    swollen = re.findall(r"test: swollen to (\d+) MiB", relay.log(mark))
    tap.ok(len(swollen) == 1 and 200 < int(swollen[0]) <= 1024,
           "the role came to its limit", swollen)
    tap.ok(load.wait_until(3, lambda: deaths(relay, "render") == before + 1),
           "and ended")
    tap.ok(send(relay, application(), "digisos-soknad").status == 201,
           "the next application is rendered")


# ---- scan ---------------------------------------------------------------------

def scan_dies_at_work(relay):
    os.kill(relay.role_pid("scan"), signal.SIGSTOP)
    first = Ask(lambda: send(relay))
    time.sleep(0.7)
    kill_and_wait(relay, "scan")
    tap.ok(refused_for_now(first.result()),
           "the message that scan worked on gets 503 with Retry-After", first.answer)
    tap.ok(send(relay).status == 201, "the next one is looked at")


# ---- keys and spool -----------------------------------------------------------

def waits_for(relay, role):
    os.kill(relay.role_pid(role), signal.SIGSTOP)
    asks = [Ask(lambda: send(relay)) for _ in range(3)]
    time.sleep(1)
    tap.ok(all(a.answer is None and a.error is None for a in asks),
           f"requests wait while {role} is away")
    kill_and_wait(relay, role)
    good = [a.result() is not None and a.answer.status == 201 for a in asks]
    print(f"# they were answered after {max(a.seconds for a in asks):.2f} s")
    tap.ok(all(good), f"and succeed with the new {role}", [a.answer or a.error for a in asks])


def too_long_without(relay, role, most):
    pid = relay.role_pid(role)
    os.kill(pid, signal.SIGSTOP)
    key = str(uuid.uuid4())
    parts = house.document()
    ask = Ask(lambda: send(relay, parts, key=key))
    answer = ask.result()
    os.kill(pid, signal.SIGCONT)
    print(f"# 503 after {ask.seconds:.2f} s")
    tap.ok(refused_for_now(answer) and 4 < ask.seconds < most,
           f"{role} stays away: 503 with Retry-After within {most} s",
           (answer or ask.error, ask.seconds))
    again = load.wait_until(10, lambda: (lambda a: a if a.status == 201 else None)(
        send(relay, parts, key=key)))
    tap.ok(again is not None, f"when {role} is there again the same key succeeds")
    return again


# ---- net ----------------------------------------------------------------------

def net_dies_after_commit(relay):
    """The commit is made, the answer never leaves: spool is held until net is
    stopped, and works while it is."""
    caller = relay.caller("nav")
    spool, net = relay.role_pid("spool"), relay.role_pid("net")
    key, parts = str(uuid.uuid4()), house.document()
    mailbox = f"/v1/mailbox/{house.ORGANISATIONS['oslo']}"
    operator = relay.caller("operator")
    before = operator.get(mailbox).json()["counts"]["accepted"]
    os.kill(spool, signal.SIGSTOP)
    lost = Ask(lambda: send(relay, parts, key=key))
    time.sleep(0.7)
    os.kill(net, signal.SIGSTOP)
    os.kill(spool, signal.SIGCONT)
    time.sleep(0.7)
    operator.close()
    kill_and_wait(relay, "net")
    lost.join(10)
    tap.ok(lost.answer is None and isinstance(lost.error, BROKEN),
           "when net dies its connections break", lost.answer)
    made = relay.caller("operator").get(mailbox).json()["counts"]["accepted"]
    tap.ok(made == before + 1, "but what it had committed is there", (before, made))
    answer = house.submit(caller, [house.ORGANISATIONS["oslo"]], parts, key)
    tap.ok(answer.status == 201, "the retry with the same key is answered 201", answer)
    now = relay.caller("operator").get(mailbox).json()["counts"]["accepted"]
    tap.ok(now == before + 1, "and stores nothing twice", (before, now))
    evidence = caller.get(f"/v1/messages/{answer.json()['id']}/evidence").json()
    first = json.dumps(evidence)
    tap.ok(answer.json()["receipt"] in first, "with the first receipt, byte for byte")


def net_dies_idle(relay):
    net = relay.role_pid("net")
    os.kill(net, signal.SIGKILL)
    begin = time.monotonic()
    answer = None
    while time.monotonic() - begin < 5 and answer is None:
        try:
            answer = relay.caller("oslo").get(f"/v1/mailbox/{house.ORGANISATIONS['oslo']}")
        except BROKEN:
            pass
    took = time.monotonic() - begin
    tap.ok(answer is not None and answer.status == 200 and took < 1.5,
           "a connection made just after net died is served within about a second",
           (answer, took))


def reader_is_stuck(relay, crash_file):
    """net stops inside a read transaction: spool has it ended. A reader of the
    newest state is in nobody's way, so a commit that was held comes behind."""
    net, spool = is_ready(relay, "net"), is_ready(relay, "spool")
    os.kill(spool, signal.SIGSTOP)
    held = Ask(lambda: send(relay))
    time.sleep(0.7)
    with open(crash_file, "r+b") as crash:
        crash.write(b"view.reading!".ljust(128, b"\0"))
    stuck = Ask(lambda: relay.caller("oslo").get(
        f"/v1/mailbox/{house.ORGANISATIONS['oslo']}/messages"))
    time.sleep(0.3)
    os.kill(spool, signal.SIGCONT)
    begin = time.monotonic()
    ended = load.wait_until(15, lambda: f"reader.stuck pid={net}" in relay.log(relay.mark) and
                            relay.role_pid("net") != net)
    took = time.monotonic() - begin
    tap.ok(ended and 1.5 < took < 6,
           "a net that holds a read transaction over reader_seconds (2) is ended",
           f"{took:.1f} s")
    stuck.join(10)
    held.join(10)
    answer = load.wait_until(5, lambda: Ask(lambda: relay.caller("oslo").get(
        f"/v1/mailbox/{house.ORGANISATIONS['oslo']}/messages")).result(5))
    tap.ok(answer and answer.status == 200, "and the next one serves", answer)


# ---- courier and the alarm of deaths -------------------------------------------

class Hook(http.server.BaseHTTPRequestHandler):
    seen = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Hook.seen.append(body.decode())
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def five_deaths(relay):
    """The alarm of deaths, raised while the courier hangs: its notice is told
    by the next courier."""
    settle()
    courier = relay.role_pid("courier")
    os.kill(courier, signal.SIGSTOP)
    for _ in range(5):
        pid = relay.role_pid("scan")
        os.kill(pid, signal.SIGKILL)
        load.wait_until(8, lambda p=pid: relay.role_pid("scan") != p)
    operator = relay.caller("operator")
    raised = load.wait_until(6, lambda: [
        a for a in operator.get("/v1/alarms").json()["alarms"]
        if a["cause"] == "relay-fault"])
    tap.ok(raised and raised[0]["severity"] == "critical",
           "five deaths in ten seconds raise a relay-fault alarm", raised)
    time.sleep(1)
    kill_and_wait(relay, "courier")
    told = load.wait_until(60, lambda: [h for h in Hook.seen if "relay-fault" in h])
    tap.ok(told, "a notice that died with the courier is posted by the next", Hook.seen)
    tap.ok(send(relay).status == 201, "messages go in all the while")
    relay.stop()
    relay.start()
    operator = relay.caller("operator")
    quiet = load.wait_until(10, lambda: not [
        a for a in operator.get("/v1/alarms").json()["alarms"]
        if a["cause"] == "relay-fault" and a["state"] != "resolved"])
    tap.ok(quiet, "a relay started anew does not keep the alarm of the one before")


def main():
    hook = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    relay = house.Relay(
        options=["-o", "render_ms=1000", "-o", "reader_seconds=2",
                 "-o", "role_deaths=5", "-o", "not_fetched_seconds=3600"],
        init=["--webhook", f"http://127.0.0.1:{hook.server_address[1]}/"])
    crash_file = os.path.join(relay.folder, "crash")
    relay.environment["BUDSTIKKE_CRASH_FILE"] = crash_file
    try:
        relay.start()
        scan_dies_at_work(relay)
        render_dies_at_work(relay)
        settle()
        payload_that_kills(relay)
        time.sleep(10)
        payload_that_hangs_up(relay)
        time.sleep(10)
        payload_that_stalls(relay)
        payload_that_swells(relay)
        waits_for(relay, "keys")
        waits_for(relay, "spool")
        too_long_without(relay, "keys", 9)
        too_long_without(relay, "spool", 15)
        net_dies_after_commit(relay)
        net_dies_idle(relay)
        reader_is_stuck(relay, crash_file)
        five_deaths(relay)
        check = relay.tool("spool", "check", relay.dir)
        tap.ok(check.returncode == 0, "the store is clean", check.stdout + check.stderr)
    except Exception:
        print(relay.log()[-3000:], file=sys.stderr)
        raise
    finally:
        relay.close()
        hook.shutdown()
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
