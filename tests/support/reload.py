"""Reload and stop under load; and three weeks of a recipient's silence."""
import http.client
import os
import signal
import ssl
import struct
import sys
import threading
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import relay as house  # noqa: E402

BROKEN = (OSError, http.client.HTTPException, ssl.SSLError)
DAY_MS = 86400000
tap = house.Tap()


def send_on(relay, stop, done, wrong):
    """One sender that repeats what broke, and nothing else."""
    nav = relay.caller("nav")
    oslo = house.ORGANISATIONS["oslo"]
    while not stop.is_set():
        key, parts = str(uuid.uuid4()), house.document(30000)
        for _ in range(100):
            try:
                answer = house.submit(nav, [oslo], parts, key, timeout=20)
            except BROKEN:
                time.sleep(0.02)
                continue
            if answer.status == 201:
                done.append((key, parts, answer.json()["receipt"]))
            else:
                wrong.append(repr(answer))
            break
        else:
            wrong.append("not taken after a hundred tries")
    nav.close()


def reload_under_load():
    relay = house.Relay(options=["-o", "requests_per_second=100000"])
    stop, done, wrong = threading.Event(), [], []
    try:
        relay.start()
        threads = [threading.Thread(target=send_on, args=(relay, stop, done, wrong))
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            time.sleep(1)
            before = relay.role_pid("net")
            relay.process.send_signal(signal.SIGHUP)
            end = time.monotonic() + 20
            while relay.role_pid("net") == before and time.monotonic() < end:
                time.sleep(0.02)
        time.sleep(1)
        stop.set()
        for thread in threads:
            thread.join(60)
        tap.ok(len(done) > 50 and not wrong,
               f"three reloads: {len(done)} messages taken, none refused", "\n".join(wrong[:5]))
        nav = relay.caller("nav")
        lost = 0
        for key, parts, receipt in done:
            again = house.submit(nav, [house.ORGANISATIONS["oslo"]], parts, key)
            lost += again.status != 201 or again.json()["receipt"] != receipt
        tap.ok(lost == 0, "each of them has its first receipt", f"{lost} have not")
        nav.close()
        stop_in_the_middle(relay)
    finally:
        stop.set()
        relay.close()


def stop_in_the_middle(relay):
    """A body is half there when SIGTERM comes: it is finished and answered."""
    nav = relay.caller("nav")
    parts = house.document(200000)
    body, content_type = house.multipart(
        house.envelope("document", [house.ORGANISATIONS["oslo"]], parts), parts)
    raw = nav.context.wrap_socket(house.socket.create_connection(("127.0.0.1", relay.port)))
    raw.settimeout(20)
    raw.sendall((f"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Type: {content_type}\r\n"
                 f"Idempotency-Key: {uuid.uuid4()}\r\nContent-Length: {len(body)}\r\n\r\n").encode())
    raw.sendall(body[:100000])
    time.sleep(0.3)
    relay.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    raw.sendall(body[100000:])
    got = raw.recv(65536)
    tap.ok(got.startswith(b"HTTP/1.1 201 "), "a message half there at SIGTERM is taken and answered",
           got[:300])
    raw.close()
    tap.ok(relay.process.wait(45) == 0, "then the relay ends")


def three_weeks_of_silence():
    folder = house.tempfile.mkdtemp(prefix="budstikke-clock.")
    clock = os.path.join(folder, "clock")
    os.chmod(folder, 0o755)
    with open(clock, "wb") as file:
        file.write(struct.pack("=qqq", 0, 1000, 0))
    relay = house.Relay(options=["-o", "environment=test", "-o", f"clock_file={clock}",
                                 "-o", "step_hold_seconds=0", "-o", "not_fetched_seconds=0",
                                 "-o", "not_confirmed_seconds=0"])
    try:
        relay.start()
        nav, bergen, operator = (relay.caller(n) for n in ("nav", "bergen", "operator"))
        sent = [house.submit(nav, [bergen.organisation]).json()["id"] for _ in range(20)]
        with open(clock, "r+b") as file:
            file.write(struct.pack("=q", 21 * DAY_MS))
        end = time.monotonic() + 20
        alarms = []
        while not alarms and time.monotonic() < end:
            time.sleep(0.2)
            alarms = [a for a in operator.get("/v1/alarms").json()["alarms"]
                      if a["mailbox"] == bergen.organisation]
        tap.ok(len(alarms) == 1 and alarms[0]["count"] == 20 and
               alarms[0]["cause"] == "never-polled" and alarms[0]["severity"] == "critical",
               "three weeks of silence are one critical alarm for all twenty", alarms)
        box = f"/v1/mailbox/{bergen.organisation}/messages"
        taken = []
        for entry in bergen.get(box).json()["messages"]:
            sealed = bergen.get(f"{box}/{entry['id']}/content").body
            said = bergen.post_json(f"{box}/{entry['id']}/receipt", {
                "status": "imported", "proof": house.proof_of(relay, "bergen", sealed)})
            taken += [entry["id"]] if said.status == 200 else []
        tap.ok(sorted(taken) == sorted(sent), "all twenty can be taken in after three weeks")
        states = {r["state"] for m in sent
                  for r in nav.get(f"/v1/messages/{m}").json()["recipients"]}
        tap.ok(states == {"imported"}, "and their sender sees them imported", states)
        end = time.monotonic() + 20
        while time.monotonic() < end and any(
                a["mailbox"] == bergen.organisation
                for a in operator.get("/v1/alarms").json()["alarms"]):
            time.sleep(0.2)
        left = [a for a in operator.get("/v1/alarms").json()["alarms"]
                if a["mailbox"] == bergen.organisation]
        tap.ok(not left, "the alarm ended by itself", left)
        shown = relay.tool("status", "-c", os.path.join(relay.dir, "clients", "nav.conf"), sent[0])
        words = shown.stdout + shown.stderr
        tap.ok(shown.returncode == 0 and all(
            w in words for w in ("accepted", "fetched", "imported")),
            "one command tells a message's whole way", words)
    finally:
        relay.close()
        house.shutil.rmtree(folder, ignore_errors=True)


reload_under_load()
three_weeks_of_silence()
sys.exit(tap.finish())
