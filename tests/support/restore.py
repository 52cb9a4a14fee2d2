"""A hot backup under load, restored; and the kept store of each format.

tests/spool/fixtures/format-N.mdb.gz is a store of format N: three messages to
two recipients, one imported by one of them, one recalled.
"""
import gzip
import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import load  # noqa: E402
import relay as house  # noqa: E402

GRACE_S = 3
tap = house.Tap()


def under_load(relay, copy):
    """Senders at work while the copy is made: what each was told, and when."""
    told, stop = [], threading.Event()

    def sender():
        caller = relay.caller("nav")
        while not stop.is_set():
            begin = time.monotonic()
            answer = house.submit(caller, [house.ORGANISATIONS["oslo"]], house.document(60000))
            told.append((begin, time.monotonic(), answer))

    threads = [threading.Thread(target=sender) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    before = time.monotonic()
    done = relay.tool("spool", "backup", relay.dir, copy)
    after = time.monotonic()
    time.sleep(0.5)
    stop.set()
    for thread in threads:
        thread.join()
    tap.ok(done.returncode == 0 and all(t[2].status == 201 for t in told),
           f"a backup is taken in {after - before:.2f} s while {len(told)} messages go in",
           (done.stderr, [t[2] for t in told if t[2].status != 201]))
    safe = [t[2].json() for t in told if t[1] < before]
    late = [t[2].json() for t in told if t[0] > after]
    return safe, late


def restore_under_load():
    relay = house.Relay(options=["-o", f"grace_seconds={GRACE_S}",
                                 "-o", "not_fetched_seconds=3600"]).start()
    try:
        nav, oslo = relay.caller("nav"), relay.caller("oslo")
        box = f"/v1/mailbox/{oslo.organisation}/messages"
        first = house.submit(nav, [oslo.organisation]).json()["id"]
        content = oslo.get(f"{box}/{first}/content")
        said = oslo.post_json(f"{box}/{first}/receipt", {
            "status": "imported", "proof": house.proof_of(relay, "oslo", content.body)})
        tap.ok(said.status == 200, "a message is imported; its content stays for its grace", said)
        copy, other = (os.path.join(relay.folder, n) for n in ("backup", "restored"))
        safe, late = under_load(relay, copy)
        cursor = nav.get("/v1/feed").json()["cursor"]
        purged = load.wait_until(10, lambda: "purged" in [
            e["level"] for e in nav.get(f"/v1/messages/{first}/evidence").json()["evidence"]])
        tap.ok(purged, "then it is purged, after the backup")
        relay.stop()
        done = relay.tool("spool", "restore", other, copy)
        tap.ok(done.returncode == 0, "the backup is restored into a new directory", done.stderr)
        check = relay.tool("spool", "check", other)
        tap.ok(check.returncode == 0, "which is clean", check.stdout + check.stderr)
        relay.options += ["-o", f"spool={other}"]
        relay.start()
        judge_restored(relay, safe, late, first, cursor)
        relay.stop()
    finally:
        relay.close()


def listed(oslo, box):
    entries, cursor = {}, ""
    while True:
        page = oslo.get(f"{box}?cursor={cursor}").json()
        entries.update((m["id"], m) for m in page["messages"])
        cursor = page["cursor"]
        if not page["messages"]:
            return entries


def judge_restored(relay, safe, late, first, cursor):
    nav, oslo, operator = (relay.caller(n) for n in ("nav", "oslo", "operator"))
    box = f"/v1/mailbox/{oslo.organisation}/messages"
    there = listed(oslo, box)
    tap.ok(safe and all(m["id"] in there and there[m["id"]]["redelivered"] for m in safe),
           f"the {len(safe)} messages acknowledged before it wait, flagged redelivered")
    kept = all(m["receipt"] in nav.get(f"/v1/messages/{m['id']}/evidence").body.decode()
               for m in safe)
    tap.ok(kept, "each with its first receipt")
    tap.ok(late and not any(m["id"] in there for m in late),
           f"the {len(late)} after it are not there")
    gone = oslo.get(f"{box}/{first}/content")
    tap.ok(gone.status == 410 and gone.code() == "content-erased",
           "content whose grace is over does not come back", gone)
    feed = nav.get(f"/v1/feed?cursor={cursor}").json()
    entries = feed["entries"]
    while feed["more"]:
        feed = nav.get(f"/v1/feed?cursor={feed['cursor']}").json()
        entries += feed["entries"]
    missing = [e for e in entries if "missingAfter" in e]
    tap.ok(missing and feed["cursor"].startswith("2."),
           "the sender's feed tells from when acceptances may be missing, in epoch 2", feed)
    alarms = [a for a in operator.get("/v1/alarms").json()["alarms"] if a["cause"] == "restored"]
    tap.ok(len(alarms) == 1 and alarms[0]["severity"] == "critical",
           "a critical alarm says that the store was restored", alarms)
    relay.stop()
    relay.start()
    operator = relay.caller("operator")
    still = [a for a in operator.get("/v1/alarms").json()["alarms"] if a["cause"] == "restored"]
    tap.ok(len(still) == 1, "it stands over a restart", still)
    closed = operator.request("POST", f"/v1/alarms/{alarms[0]['id']}/closure")
    left = [a for a in operator.get("/v1/alarms").json()["alarms"]
            if a["cause"] == "restored" and a["state"] != "resolved"]
    tap.ok(closed.status == 200 and not left, "until an operator closes it", (closed, left))


def kept_formats():
    folder = os.path.join(house.TOP, "tests", "spool", "fixtures")
    names = sorted(n for n in os.listdir(folder) if n.endswith(".mdb.gz"))
    tap.ok(names, "a store of each format is kept", folder)
    for name in names:
        relay = house.Relay()
        try:
            store = os.path.join(relay.folder, "old")
            os.mkdir(store, 0o700)
            with gzip.open(os.path.join(folder, name)) as old, \
                    open(os.path.join(store, "data.mdb"), "wb") as new:
                new.write(old.read())
            done = relay.tool("spool", "upgrade", store)
            tap.ok(done.returncode == 0, f"{name} is upgraded", done.stderr)
            check = relay.tool("spool", "check", store, "--json")
            tap.ok(check.returncode == 0, f"{name} is clean then", check.stdout + check.stderr)
            made = os.path.join(relay.dir, "spool")
            os.rename(made, made + ".fresh")
            owner = os.stat(made + ".fresh")
            os.rename(store, made)
            for path in (made, os.path.join(made, "data.mdb")):
                os.chown(path, owner.st_uid, owner.st_gid)
            relay.start()
            oslo = relay.caller("oslo")
            box = f"/v1/mailbox/{oslo.organisation}"
            counts = oslo.get(box).json()["counts"]
            tap.ok((counts["accepted"], counts["imported"], counts["recalled"]) == (3, 1, 1),
                   f"{name} serves what it held", counts)
            waiting = oslo.get(box + "/messages").json()["messages"]
            content = oslo.get(f"{box}/messages/{waiting[0]['id']}/content")
            tap.ok(len(waiting) == 1 and content.status == 200 and
                   len(content.body) == waiting[0]["size"], f"{name}: content is handed out",
                   (json.dumps(waiting), content.status))
            sent = house.submit(relay.caller("nav"), [house.ORGANISATIONS["trondheim"]])
            tap.ok(sent.status == 201, f"{name} takes new messages", sent)
        finally:
            relay.close()


if __name__ == "__main__":
    restore_under_load()
    kept_formats()
    sys.exit(tap.finish())
