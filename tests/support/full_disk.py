"""No room: new messages are refused, what was accepted is seen through.

First on a file system of 128 MiB that is filled from outside, then in a map
that is filled by messages. In each: 507 for new messages; receipts, recalls,
alarms and purges still recorded; when the reserve is used up too, 503 and
nothing acknowledged; all well when there is space again.
"""
import datetime
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import load  # noqa: E402
import relay as house  # noqa: E402

MIB = 1 << 20
RESERVE = 2 * MIB
GRACE_S = 3
tap = house.Tap()


class Room:
    """A file system of 128 MiB of its own, or None to be had."""

    def __init__(self, folder):
        self.at, self.kind = os.path.join(folder, "fs"), None
        os.mkdir(self.at)
        image = os.path.join(folder, "image")
        with open(image, "wb") as file:
            file.truncate(128 * MIB)
        if self.run("mkfs.ext4", "-q", "-m", "0", image) and \
                self.run("mount", "-o", "loop", image, self.at):
            self.kind = "ext4 on a loop device"
        elif self.run("mount", "-t", "tmpfs", "-o", "size=128m", "tmpfs", self.at):
            self.kind = "tmpfs"

    @staticmethod
    def run(*command):
        try:
            return subprocess.run(command, capture_output=True).returncode == 0
        except FileNotFoundError:
            return False

    def fill(self):
        """From outside, to the last block."""
        with open(os.path.join(self.at, "filler"), "wb", buffering=0) as filler:
            size = MIB
            while size >= 512:
                try:
                    filler.write(b"\0" * size)
                except OSError:
                    size //= 2
            try:
                os.fsync(filler.fileno())
            except OSError:
                pass

    def empty(self):
        os.unlink(os.path.join(self.at, "filler"))

    def close(self):
        if self.kind:
            self.run("umount", "-l", self.at)


class House:
    """The relay, its callers, and what was promised."""

    def __init__(self, relay):
        self.relay = relay
        self.nav = relay.caller("nav")
        self.oslo = relay.caller("oslo")
        self.operator = relay.caller("operator")
        self.box = f"/v1/mailbox/{self.oslo.organisation}/messages"
        self.accepted = {}  # id -> receipt
        self.recorded = 0

    def send(self, size=100_000, **more):
        answer = house.submit(self.nav, [self.oslo.organisation], house.document(size), **more)
        if answer.status == 201:
            self.accepted[answer.json()["id"]] = answer.json()["receipt"]
        return answer

    def confirm(self, message):
        content = self.oslo.get(f"{self.box}/{message}/content")
        if content.status != 200:
            return content
        return self.oslo.post_json(f"{self.box}/{message}/receipt", {
            "status": "imported", "proof": house.proof_of(self.relay, "oslo", content.body)})

    def reject(self, message):
        return self.oslo.post_json(f"{self.box}/{message}/receipt", {
            "status": "rejected", "reason": "not-ours", "permanent": True})

    def recall(self, message):
        return self.nav.request("DELETE", f"/v1/messages/{message}")

    def extend(self, message, days):
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
        return self.operator.post_json(f"/v1/messages/{message}/extension", {
            "recipient": self.oslo.organisation,
            "expires": until.strftime("%Y-%m-%dT%H:%M:%SZ")})

    def levels(self, message):
        entries = self.nav.get(f"/v1/messages/{message}/evidence").json()
        return [e["level"] for e in entries["evidence"]]

    def alarms(self, resolved="0"):
        """resolved "1": those that are over too, as when a recall made room."""
        return self.operator.get(f"/v1/alarms?resolved={resolved}").json()["alarms"]

    def state(self, message):
        return self.nav.get(f"/v1/messages/{message}").json()["recipients"][0]["state"]


def refused_full(answer):
    return (answer.status == 507 and answer.code() == "store-full" and
            int(answer.headers.get("Retry-After", 0)) >= 1)


def still_goes_on(h, ids, where):
    """All that must work with only the reserve left. ids: four messages."""
    tap.ok(refused_full(h.send()), f"{where}: a new message gets 507 store-full")
    tap.ok(refused_full(h.send(3 * MIB)), f"{where}: so does a large one")
    got = h.confirm(ids[0])
    tap.ok(got.status == 200, f"{where}: a message is fetched and its receipt recorded", got)
    got = h.reject(ids[1])
    tap.ok(got.status == 200, f"{where}: a rejection is recorded", got)
    got = h.recall(ids[2])
    tap.ok(got.status == 200, f"{where}: a recall is recorded", got)
    tap.ok([h.state(i) for i in ids[:3]] == ["imported", "rejected", "recalled"],
           f"{where}: and the sender sees it")
    causes = load.wait_until(15, lambda: (lambda c: c if {"relay-fault", "never-polled"} <= c
                                          else None)({a["cause"] for a in h.alarms("1")}))
    tap.ok(causes, f"{where}: alarms are raised: the mailbox's and the relay's own",
           h.alarms())
    purged = load.wait_until(15, lambda: "purged" in h.levels(ids[0]))
    tap.ok(purged, f"{where}: content is purged after its time, with evidence",
           h.levels(ids[0]))


def use_up_reserve(h, message, where):
    """Extensions are evidence: they go on until there is no room at all."""
    days, answer = 20, None
    while days < 8000:
        answer = h.extend(message, days)
        if answer.status != 200:
            break
        h.recorded += 1
        days += 1
    print(f"# {h.recorded} deadlines were put off with the reserve of {RESERVE >> 20} MiB")
    tap.ok(answer.status == 503 and answer.code() == "temporarily-unavailable" and
           h.recorded > 10, f"{where}: with the reserve used up there is 503",
           (h.recorded, answer))
    got = h.reject(message)
    tap.ok(got.status == 503 and int(got.headers.get("Retry-After", 0)) >= 1,
           f"{where}: a receipt is not acknowledged", got)
    got = h.recall(message)
    tap.ok(got.status == 503, f"{where}: a recall is not acknowledged", got)
    got = h.send()
    tap.ok(got.status in (503, 507), f"{where}: nor is a new message", got)
    tap.ok(h.state(message) == "accepted", f"{where}: what was refused did not happen",
           h.state(message))
    tap.ok(h.levels(message).count("extended") == h.recorded,
           f"{where}: what was acknowledged did",
           (h.levels(message).count("extended"), h.recorded))


def all_is_well(h, message, where):
    back = load.wait_until(25, lambda: h.send().status == 201)
    tap.ok(back, f"{where}: with space new messages are taken again")
    got = h.reject(message)
    tap.ok(got.status == 200, f"{where}: and receipts", got)
    quiet = load.wait_until(15, lambda: "relay-fault" not in {
        a["cause"] for a in h.alarms() if a["state"] != "resolved"})
    tap.ok(quiet, f"{where}: the relay's alarm is over", h.alarms())
    kept = all(receipt in h.nav.get(f"/v1/messages/{i}/evidence").body.decode()
               for i, receipt in h.accepted.items())
    tap.ok(kept, f"{where}: every receipt that was given is there")
    check = h.relay.tool("spool", "check", h.relay.spool)
    tap.ok(check.returncode == 0, f"{where}: the store is clean", check.stdout + check.stderr)


def options(**more):
    values = dict(not_fetched_seconds=4, not_confirmed_seconds=3600, grace_seconds=GRACE_S,
                  expire_seconds=864000, reserve_bytes=RESERVE, **more)
    return [word for name, value in values.items() for word in ("-o", f"{name}={value}")]


def roles_live(relay, where):
    tap.ok(" role.dead " not in relay.log(relay.mark), f"{where}: no role died of it",
           [line for line in relay.log(relay.mark).splitlines() if "dead" in line])


def full_file_system():
    relay = house.Relay()
    room = Room(relay.folder)
    try:
        if not room.kind:
            tap.skip("a file system of 128 MiB that is filled from outside",
                     "no file system can be mounted here (not root, or no loop device)")
            return
        print(f"# the file system is {room.kind}")
        relay.spool = os.path.join(room.at, "spool")
        subprocess.run(["cp", "-a", os.path.join(relay.dir, "spool"), relay.spool], check=True)
        os.chmod(relay.folder, 0o755)
        os.chmod(room.at, 0o755)
        relay.options = options(spool=relay.spool)
        relay.start()
        h = House(relay)
        ids = [h.send().json()["id"] for _ in range(6)]
        tap.ok(len(h.accepted) == 6, "six messages are accepted")
        room.fill()
        where = "full file system"
        still_goes_on(h, ids, where)
        use_up_reserve(h, ids[4], where)
        roles_live(relay, where)
        room.empty()
        all_is_well(h, ids[4], where)
        data = os.path.join(relay.spool, "data.mdb")
        behind = load.wait_until(15, lambda: os.stat(data).st_blocks * 512 >=
                                 os.stat(data).st_size + RESERVE // 2)
        tap.ok(behind, f"{where}: the reserve is there again",
               (os.stat(data).st_blocks * 512, os.stat(data).st_size, os.listdir(relay.spool)))
        relay.stop()
    finally:
        relay.close()
        room.close()


def full_map():
    relay = house.Relay(options=options(map_bytes=24 * MIB))
    relay.spool = os.path.join(relay.dir, "spool")
    where = "full map"
    try:
        relay.start()
        h = House(relay)
        ids = []
        while len(ids) < 200:
            answer = h.send(400_000)
            if answer.status != 201:
                break
            ids.append(answer.json()["id"])
        tap.ok(refused_full(answer) and len(ids) > 20,
               f"{where}: {len(ids)} messages of 400 kB go into 24 MiB", answer)
        still_goes_on(h, ids, where)
        # what purge set free is taken first, then the reserve
        while h.send(60_000).status == 201:
            pass
        use_up_reserve(h, ids[4], where)
        roles_live(relay, where)
        relay.stop()
        relay.options = options(map_bytes=48 * MIB)
        relay.start()
        h2 = House(relay)
        h2.accepted = h.accepted
        all_is_well(h2, ids[4], "a larger map")
        tap.ok(h2.levels(ids[4]).count("extended") == h.recorded,
               "a larger map: all that was recorded is there")
        relay.stop()
    finally:
        relay.close()


if __name__ == "__main__":
    full_file_system()
    full_map()
    sys.exit(tap.finish())
