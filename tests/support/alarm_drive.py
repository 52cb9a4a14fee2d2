"""Alarms end to end: from a recipient that stays silent to the webhook.

The causes are told apart, there is one alarm for each mailbox and cause with a
count, each has an all-clear, and a webhook that fails is tried again.
"""
import base64
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import drive  # noqa: E402
import relay as house  # noqa: E402

tap = house.Tap()
FAILURES = 3


class Sink:
    """Takes webhooks; the first FAILURES are answered 503."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "hooks")
        self.process = subprocess.Popen([os.path.join(house.BUILD, "sink"), self.path, str(FAILURES)],
                                        stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().split()[1]

    def events(self):
        with open(self.path) as taken:
            return [json.loads(line) for line in taken.read().splitlines()]

    def of(self, mailbox, cause, kind=None):
        return [e for e in self.events() if e.get("subject") == mailbox and
                e["data"]["cause"] == cause and kind in (None, e["type"].rsplit(".", 1)[1])]

    def close(self):
        self.process.terminate()
        self.process.wait()


class World:
    def __init__(self):
        with open(os.path.join(house.TOP, "relay", "openapi.json")) as source:
            self.document = drive.Document(json.load(source))
        self.folder = house.tempfile.mkdtemp(prefix="budstikke-alarm.")
        self.sink = Sink(self.folder)
        try:
            self.relay = drive.relay_with(
                clock=True, init=["--webhook", self.sink.url],
                options=["not_fetched_seconds=1000",
                         "not_confirmed_seconds=1000", "escalate_seconds=20000", "handed_out_seconds=0"])
        except Exception:
            self.sink.close()
            raise
        for name in ("nav", "oslo", "bergen", "trondheim", "operator"):
            setattr(self, name, drive.Judged(self.relay.caller(name), self.document))

    def close(self):
        self.relay.close()
        self.sink.close()
        house.shutil.rmtree(self.folder, ignore_errors=True)

    def send(self, who):
        answer = house.submit(self.nav, [who.organisation], reference="Kari Hemmelig")
        assert answer.status == 201, answer
        return answer.json()["id"]

    def alarms(self, caller=None):
        return (caller or self.operator).get("/v1/alarms").json()["alarms"]

    def firing(self, who, cause):
        found = [a for a in self.alarms() if a["mailbox"] == who.organisation and a["cause"] == cause]
        return found[0] if len(found) == 1 else (None if not found else found)

    def seconds(self, seconds):
        self.relay.clock.forward(seconds * 1000)


def box(who):
    return f"/v1/mailbox/{who.organisation}/messages"


def fetch(world, who, message):
    content = who.get(f"{box(who)}/{message}/content")
    return house.proof_of(world.relay, who.caller.name, content.body)


def say(who, message, word):
    return who.post_json(f"{box(who)}/{message}/receipt", word)


def hooked(world, who, cause, kind, sentence, retried=False):
    def look():
        found = world.sink.of(who.organisation, cause, kind)
        if not found and retried:
            world.seconds(5)  # tries are spaced on the wall clock
        return found
    found = drive.wait_for(15, look)
    log = [line for line in world.relay.log().splitlines() if " notice." in line or " alarm." in line]
    tap.ok(found, sentence, "\n".join([str(e) for e in world.sink.events()] + log))
    return found[0] if found else None


def silent(world):
    """Three mailboxes, silent in three ways."""
    trondheim = [world.send(world.trondheim) for _ in range(3)]
    bergen = [world.send(world.bergen) for _ in range(2)]
    oslo = [world.send(world.oslo) for _ in range(2)]
    world.bergen.get(box(world.bergen))
    proofs = [fetch(world, world.oslo, m) for m in oslo]
    time.sleep(0.3)
    tap.ok(not world.alarms(), "nobody is alarmed before the time", world.alarms())
    world.seconds(1100)
    for who, cause, count in ((world.trondheim, "never-polled", 3), (world.bergen, "not-fetched", 2),
                              (world.oslo, "not-confirmed", 2)):
        alarm = drive.wait_for(10, lambda who=who, cause=cause, count=count: (
            lambda a: a if a and a["count"] == count else None)(world.firing(who, cause)))
        tap.ok(alarm and alarm["state"] == "firing", f"{cause}: one alarm, count {count}", world.alarms())
        event = hooked(world, who, cause, "raised", f"{cause}: the webhook is told", retried=True)
        if event:
            shape = world.document.errors(
                world.document.document["components"]["schemas"]["Alarm"], event["data"])
            tap.ok(not shape and event["specversion"] == "1.0" and event["source"] and event["id"] and
                   event["datacontenttype"] == "application/json",
                   f"{cause}: as a CloudEvent with the alarm's object", f"{event} {shape}")
    causes = sorted((a["mailbox"], a["cause"]) for a in world.alarms())
    tap.ok(len(causes) == 3 and len(set(causes)) == 3, "three alarms, told apart, and no other", causes)
    own = {a["mailbox"] for a in world.alarms(world.oslo)}
    tap.ok(own == {world.oslo.organisation}, "a recipient sees its own alarms", own)
    tap.ok(world.alarms(world.nav) == [], "a sender has no mailbox, and sees none")
    return trondheim, bergen, list(zip(oslo, proofs))


def retried(world):
    log = world.relay.log()
    tap.ok(log.count(" notice.failed ") >= FAILURES,
           f"the first {FAILURES} tries failed, and were made again", log.count(" notice.failed "))
    kinds = [(e.get("subject"), e["data"]["cause"], e["type"]) for e in world.sink.events()]
    tap.ok(len(kinds) == len(set(kinds)), "each event came once", kinds)


def escalated(world):
    world.seconds(20100)
    for who, cause in ((world.trondheim, "never-polled"), (world.bergen, "not-fetched"),
                       (world.oslo, "not-confirmed")):
        hooked(world, who, cause, "escalated", f"{cause}: what stands too long is escalated")


def all_clear(world, trondheim, bergen, oslo):
    raised = world.sink.of(world.trondheim.organisation, "never-polled", "raised")
    world.trondheim.get(box(world.trondheim))
    event = hooked(world, world.trondheim, "never-polled", "resolved", "a poll is the all-clear of never-polled")
    tap.ok(event and raised and event["data"]["id"] == raised[0]["data"]["id"] and
           event["data"]["state"] == "resolved", "the all-clear names its alarm", event)
    for message in trondheim:
        say(world.trondheim, message, {"status": "imported", "proof": fetch(world, world.trondheim, message)})
    say(world.bergen, bergen[0], {"status": "imported", "proof": fetch(world, world.bergen, bergen[0])})
    alarm = drive.wait_for(5, lambda: (lambda a: a if a and a["count"] == 1 else None)(
        world.firing(world.bergen, "not-fetched")))
    tap.ok(alarm, "one of two is done: the alarm stands, count 1", world.alarms())
    tap.ok(not world.sink.of(world.bergen.organisation, "not-fetched", "resolved"), "without an all-clear")
    fetch(world, world.bergen, bergen[1])
    hooked(world, world.bergen, "not-fetched", "resolved", "the last one fetched is the all-clear of not-fetched")
    for message, proof in oslo:
        say(world.oslo, message, {"status": "imported", "proof": proof})
    hooked(world, world.oslo, "not-confirmed", "resolved",
           "the last one confirmed is the all-clear of not-confirmed")
    say(world.bergen, bergen[1], {"status": "opened"})
    say(world.bergen, bergen[1], {"status": "imported", "proof": fetch(world, world.bergen, bergen[1])})
    left = drive.wait_for(5, lambda: [] == world.alarms())
    tap.ok(left, "no alarm is left", world.alarms())


def refusals(world):
    """A recipient that refuses, for now and for good; a proof that is wrong."""
    oslo = world.oslo
    busy = world.send(oslo)
    fetch(world, oslo, busy)
    said = say(oslo, busy, {"status": "rejected", "reason": "Kari Hemmelig", "permanent": False})
    tap.ok(said.status == 422 and said.code() == "body-invalid",
           "a reason in words is refused: evidence is kept for good", said)
    said = say(oslo, busy, {"status": "rejected", "reason": "archive-down", "permanent": False})
    tap.ok(said.status == 200 and said.json()["state"] == "fetched", "refused for now: it goes on waiting", said)
    tap.ok(world.firing(oslo, "rejected-by-recipient"), "and raises rejected-by-recipient", world.alarms())
    hooked(world, oslo, "rejected-by-recipient", "raised", "the webhook is told of the refusal")
    say(oslo, busy, {"status": "imported", "proof": fetch(world, oslo, busy)})
    hooked(world, oslo, "rejected-by-recipient", "resolved", "the import after it is the all-clear")
    cursor = last_cursor(world.nav)
    never = world.send(oslo)
    said = say(oslo, never, {"status": "rejected", "reason": "wrong-recipient", "permanent": True})
    tap.ok(said.status == 200 and said.json()["state"] == "rejected", "refused for good: rejected", said)
    status = world.nav.get(f"/v1/messages/{never}").json()
    tap.ok(status["state"] == "final" and status["recipients"][0]["state"] == "rejected",
           "the sender sees it in the status", status)
    entries = world.nav.get(f"/v1/feed?cursor={cursor}").json()["entries"]
    mine = [e for e in entries if e.get("message") == never]
    tap.ok([e["level"] for e in mine] == ["accepted", "rejected"] and mine[1]["state"] == "rejected",
           "and in the feed", mine)
    reason = evidence(mine[1])["reason"] if len(mine) == 2 else None
    tap.ok(reason and reason["code"] == "wrong-recipient", "with the reason in its evidence", reason)
    alarm = world.firing(oslo, "rejected-by-recipient")
    tap.ok(alarm and alarm["count"] == 1, "an alarm says so", world.alarms())
    wrong = world.send(oslo)
    fetch(world, oslo, wrong)
    for proof in ("0", "1"):
        answer = say(oslo, wrong, {"status": "imported", "proof": proof * 64})
        tap.ok(answer.status == 409, "a wrong proof is refused", answer)
    alarm = world.firing(oslo, "proof-wrong")
    tap.ok(alarm and alarm["count"] == 1, "proof-wrong is another alarm; one message counts once", world.alarms())
    hooked(world, oslo, "proof-wrong", "raised", "the webhook is told of the wrong proof")
    say(oslo, wrong, {"status": "imported", "proof": fetch(world, oslo, wrong)})
    hooked(world, oslo, "proof-wrong", "resolved", "the right proof is its all-clear")
    if alarm := world.firing(oslo, "rejected-by-recipient"):
        closed = world.operator.request("POST", f"/v1/alarms/{alarm['id']}/closure")
        tap.ok(closed.status == 200, "an operator closes rejected-by-recipient", closed)
        found = drive.wait_for(10, lambda: len(world.sink.of(
            oslo.organisation, "rejected-by-recipient", "resolved")) == 2)
        tap.ok(found, "and the webhook is told")


def expiry(world):
    """What nobody took expires once, with evidence that the sender sees."""
    cursor = last_cursor(world.nav)
    lost = world.send(world.trondheim)
    world.seconds(31 * 86400)
    state = lambda: world.nav.get(f"/v1/messages/{lost}").json()["recipients"][0]["state"]
    tap.ok(drive.wait_for(10, lambda: state() == "expired"), "a message that nobody takes expires", state())
    entries = [e for e in world.nav.get(f"/v1/feed?cursor={cursor}").json()["entries"]
               if e.get("message") == lost]
    tap.ok([e["level"] for e in entries] == ["accepted", "expired"], "the sender sees it in the feed", entries)
    counts = world.operator.get(f"/v1/mailbox/{world.trondheim.organisation}").json()["counts"]
    ends = sum(counts[k] for k in ("waiting", "imported", "rejected", "expired", "recalled"))
    tap.ok(counts["accepted"] == ends, "accepted = waiting + imported + rejected + expired + recalled", counts)


def last_cursor(caller):
    page = caller.get("/v1/feed").json()
    while page["more"]:
        page = caller.get(f"/v1/feed?cursor={page['cursor']}").json()
    return page["cursor"]


def evidence(entry):
    body = entry["evidence"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def finale(world):
    tap.ok(not world.document.faults, "every answer was one that the OpenAPI document knows",
           "\n".join(sorted(set(world.document.faults))))
    with open(world.sink.path) as taken:
        text = taken.read()
    tap.ok("Hemmelig" not in text and "Hemmelig" not in world.relay.log(),
           "no personal value stands in a webhook or in the log")
    check = world.relay.tool("spool", "check", os.path.join(world.relay.dir, "spool"))
    tap.ok(check.returncode == 0, "spool check is clean", check.stdout + check.stderr)


def main():
    world = World()
    try:
        trondheim, bergen, oslo = silent(world)
        retried(world)
        escalated(world)
        all_clear(world, trondheim, bergen, oslo)
        refusals(world)
        expiry(world)
        finale(world)
    except Exception as error:  # the harness itself: a failure, not a silence
        import traceback
        tap.ok(False, f"the drive came to its end: {error}", traceback.format_exc())
    finally:
        world.close()
    return tap.finish()


sys.exit(main())
