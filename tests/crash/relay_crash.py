"""Kill the relay at every state change, and each role at random, under load.

What is judged:
  - whatever was acknowledged is there afterwards, with the same receipt;
  - the same key gives the first receipt, byte for byte;
  - what was confirmed stays confirmed; nothing half-there is listed;
  - every other answer is one that was promised, whatever died meanwhile;
  - `budstikke spool check` is clean, and the counts add up.
A message is known for idempotency_days after its end at least: what is older
by the relay's clock, which the test sets, may be known or not.
EACH in the environment: kills at each state change (default 3); KILLS: random
kills besides (default 40); SEED of what is random; SOAK: 1,000 kills in all.
"""
import base64
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from relay_load import (  # noqa: E402
    DAY_MS, HOUR_MS, KNOWN_DAYS, PATIENCE, SEED, World, certificate_make, certificate_use, house,
    judged, load, until_answered)

SOAK = bool(os.environ.get("SOAK"))
EACH = int(os.environ.get("EACH", "12" if SOAK else "3"))
RANDOM_KILLS = int(os.environ.get("KILLS", "560" if SOAK else "40"))
tap = house.Tap()


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
    key = str(uuid.uuid4())
    judged(world, lambda: nav.request(
        "POST", "/v1/messages", body, {"Content-Type": content_type, "Idempotency-Key": key}),
        [422] if broken else [201], "a large message was answered otherwise")
    nav.close()


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


def short_certificate(world, relay):
    """One that ends tomorrow, by the relay's clock."""
    bergen = relay.caller("bergen")
    ahead = world.offset_ms() // DAY_MS
    path = os.path.join(relay.folder, f"short.{uuid.uuid4()}.crt")
    certificate_use(world, bergen, certificate_make(path, ahead + 2))
    bergen.close()


def cause_goes_away(world, relay):
    """An alarm's message is fetched and waits on: it is looked at again."""
    nav, trondheim, operator_ = (relay.caller(n) for n in ("nav", "trondheim", "operator"))
    box = f"/v1/mailbox/{trondheim.organisation}/messages"
    key, parts = str(uuid.uuid4()), house.document()
    sent = judged(world, lambda: house.submit(nav, [trondheim.organisation], parts, key), [201],
                  "a submission was refused")
    if sent is not None:
        message = sent.json()["id"]
        judged(world, lambda: operator_.post_json(
            f"/v1/messages/{message}/extension",
            {"recipient": trondheim.organisation, "expires": "2099-01-01T00:00:00.000Z"}),
            [200], "an extension was refused")
        world.forward(30000)
        time.sleep(0.8)
        judged(world, lambda: trondheim.get(box), [200], "a list was refused")
        judged(world, lambda: trondheim.get(f"{box}/{message}/content"), [200],
               "content was refused")
        time.sleep(0.4)
        world.forward(900000)
    for caller in (nav, trondheim, operator_):
        caller.close()


def leap(world, relay):
    """The clock goes on until messages are forgotten: what is promised now is
    judged before."""
    judge(world, relay)
    world.forward((KNOWN_DAYS + 10) * DAY_MS)
    with world.lock:
        for message, promise in list(world.acknowledged.items()):
            if world.may_be_forgotten(promise.sent_ms):
                del world.acknowledged[message]


def drive(world, relay, name, step):
    """One step towards the state change; most of them the load brings about."""
    if name == "spool.stage" and step % 25 == 0:
        send_big(world, relay, "oslo")
    elif name == "spool.stage.drop" and step % 25 == 0:
        send_big(world, relay, "oslo", broken=True)
    elif name == "spool.sweep" and step % 50 == 0:
        cut_big(world, relay, "oslo")
        world.forward(2 * HOUR_MS)
    elif name == "spool.purging" and step % 50 == 0:
        send_big(world, relay, "trondheim")
        world.forward(HOUR_MS)
    elif name in ("spool.certificate.warned", "spool.certificate.ended") and step % 50 == 0:
        short_certificate(world, relay)
        world.forward(3 * DAY_MS)
    elif name == "spool.due.recheck" and step % 25 == 0:
        cause_goes_away(world, relay)
    elif name == "spool.forgotten" and step % 50 == 0:
        leap(world, relay)
    elif step % 100 == 0:
        world.forward(HOUR_MS)
    elif step % 20 == 0:
        world.forward(40000)


# ---- kills ------------------------------------------------------------------

def points():
    """Every state change that the programs name."""
    done = subprocess.run([os.path.join(house.BUILD, "budstikked"), "--crash-points"],
                          capture_output=True, text=True)
    return sorted(set(done.stdout.split()))


def crash_write(world, name):
    """The roles have the file mapped: it is written over, never cut."""
    with open(world.crash_file, "r+b") as crash:
        crash.write(name.encode().ljust(128, b"\0"))


def crash_pending(world):
    with open(world.crash_file, "rb") as crash:
        return crash.read(1) != b"\0"


def deaths(relay):
    return relay.log(relay.mark).count(" role.dead ")


STEPS = 2000  # of driving, at least: a slow machine takes longer for each


def crash_at(world, relay, name):
    """True when some role died at the place named."""
    before = deaths(relay)
    world.doing = name
    crash_write(world, name)
    end = time.monotonic() + PATIENCE
    step = 0
    while crash_pending(world):
        if step > STEPS and time.monotonic() > end:
            crash_write(world, "")
            return False
        step += 1
        drive(world, relay, name, step)
        time.sleep(0.02)
    end = time.monotonic() + PATIENCE
    while deaths(relay) == before:
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

def told_by(receipt):
    """What a receipt says of its own place, for whoever compares two."""
    payload = receipt.split(".")[1]
    got = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return {name: got.get(name) for name in ("id", "message", "time", "epoch", "sequence", "level")}


def judge_one(world, nav, message, promise, confirmed):
    status = until_answered(world, lambda: nav.get(f"/v1/messages/{message}"))
    if status is None or status.status != 200:
        world.blame("acknowledged and lost", f"{message} {status!r}")
        return
    got = status.json()
    world.expect(got["receipt"] == promise.receipt, "another receipt than was given",
                 f"{message}: {told_by(got['receipt'])} was {told_by(promise.receipt)}, "
                 f"{'' if got['receipt'].split('.')[1] == promise.receipt.split('.')[1] else 'not '}"
                 "the same payload")
    for one in got["recipients"]:
        want = confirmed.get((message, one["recipient"]))
        world.expect(want is None or one["state"] == want, "a state that was confirmed changed",
                     f"{message} was {want} and is {one['state']}")
    again = until_answered(
        world, lambda: house.submit(nav, promise.recipients, promise.parts, promise.key))
    world.expect(again is not None and again.status == 201 and
                 again.json()["receipt"] == promise.receipt and again.json()["id"] == message,
                 "the same key gave another answer", f"{message} {again!r}")


def judge(world, relay):
    """Everything promised is there. Gives how many promises were looked at."""
    nav = relay.caller("nav")
    with world.lock:
        promises = [(message, promise) for message, promise in world.acknowledged.items()
                    if not world.may_be_forgotten(promise.sent_ms)]
        confirmed = dict(world.confirmed)
    for message, promise in promises:
        judge_one(world, nav, message, promise, confirmed)
        world.judged += not promise.judged
        promise.judged = True
    nav.close()
    return len(promises)


def check_store(relay):
    done = relay.tool("spool", "check", os.path.join(relay.dir, "spool"))
    return done.returncode == 0, done.stdout + done.stderr


def kill_at_points(world, relay, names, kills):
    """EACH kills at every state change. kills: name -> how many."""
    slowest = {}

    def one(name):
        began = time.monotonic()
        kills[name] += crash_at(world, relay, name)
        slowest[name] = max(slowest.get(name, 0), time.monotonic() - began)

    for round_number in range(EACH):
        for name in names:
            one(name)
        print(f"# round {round_number + 1}: {sum(kills.values())} kills so far, "
              f"{world.accepted} acknowledged", flush=True)
    for name in names:  # the load does not come by all of them each time
        for _ in range(EACH - kills[name]):
            one(name)
    for name in names:
        print(f"# {kills[name]:3d} kills at {name} (the slowest took {slowest[name]:.1f} s)",
              flush=True)


def kill_at_random(world, relay, kills):
    rng = random.Random(SEED + 1)
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


def prove(world, relay):
    names = points()
    tap.ok(len(names) >= 30, f"the programs name {len(names)} state changes", " ".join(names))
    threads = load(world, relay)
    at_points = dict.fromkeys(names, 0)
    kill_at_points(world, relay, names, at_points)
    missing = [n for n in names if at_points[n] < EACH]
    tap.ok(not missing, f"every state change was killed at {EACH} times at least",
           " ".join(missing))
    kills = {"at a state change": sum(at_points.values()), "of a role": 0, "of all": 0}
    kill_at_random(world, relay, kills)
    world.doing = "the end of the load"
    world.stopping = True
    for thread in threads:
        thread.join(2 * PATIENCE)
    world.expect(not any(thread.is_alive() for thread in threads), "the load does not end")
    for what, number in kills.items():
        print(f"# {number} kills {what}", flush=True)
    total = sum(kills.values())
    tap.ok(total >= EACH * len(names) + RANDOM_KILLS * 0.8, f"{total} kills in all")
    world.doing = "the last judgement"
    last = judge(world, relay)
    print(f"# {world.accepted} acknowledged, {world.judged} judged, {last} of them at the end; "
          f"repeated: {world.repeated}", flush=True)
    tap.ok(not world.wrong, f"all {world.judged} acknowledged messages are there with their first "
                            f"receipt ({sum(world.repeated.values())} exchanges were repeated)",
           world.verdict())
    clean, said = check_store(relay)
    tap.ok(clean, "spool check finds nothing while the relay runs", said)
    tap.ok(relay.stop() == 0, "the relay ends in order", relay.log()[-2000:])
    clean, said = check_store(relay)
    tap.ok(clean, "spool check finds nothing afterwards", said)


def main():
    folder = tempfile.mkdtemp(prefix="budstikke-crash.")
    world = World(folder)
    relay = house.Relay(
        options=["-o", "environment=test", "-o", f"clock_file={world.clock}",
                 "-o", "step_hold_seconds=0", "-o", "requests_per_second=100000",
                 "-o", "staged_hours=1", "-o", f"idempotency_days={KNOWN_DAYS}",
                 "-o", "expire_seconds=600", "-o", "grace_seconds=300",
                 "-o", "escalate_seconds=60", "-o", "notice_tries=2", "-o", "purge_bytes=1048576",
                 "-o", "role_deaths=100", "-o", "keepalive_seconds=60"],
        environment={"BUDSTIKKE_CRASH_FILE": world.crash_file},
        init=["--webhook", "http://127.0.0.1:9/"])
    try:
        relay.start()
        prove(world, relay)
    except Exception as error:  # the harness itself: a failure, not a silence
        tap.ok(False, f"the crash test came to its end: {error}", traceback.format_exc())
    finally:
        world.stopping = True
        relay.close()
        house.shutil.rmtree(folder, ignore_errors=True)
    return tap.finish()


sys.exit(main())
