"""One organisation's many submissions do not hold up another's one.

No clock is asked: net is stopped while everybody's requests arrive, the other
organisation's last of all; then the order of the acceptances tells who waited
for whom.
"""
import hashlib
import os
import signal
import sys
import threading
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import relay as house  # noqa: E402

tap = house.Tap()
MANY = 24
TURNS = 4
TOKEN = "a-token-for-the-quiet-one"
QUIET = "900000057"


def start(*options):
    relay = house.Relay(options)
    path = os.path.join(relay.dir, "callers.conf")
    with open(path) as conf:
        text = conf.read().rstrip()
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    with open(path, "w") as conf:
        conf.write(text[:text.rindex(")")] +
                   f', {{ name = "quiet"; organisation = "{QUIET}"; '
                   f'roles = ["sender"]; token_sha256 = "{digest}"; }}\n);\n')
    return relay.start()


class Quiet(house.Caller):
    def __init__(self, relay):
        super().__init__(relay, None)

    def request(self, method, path, body=None, headers=None, **more):
        headers = dict(headers or {}, Authorization="Bearer " + TOKEN)
        return super().request(method, path, body, headers, **more)


def rank(relay):
    """How many of the noisy one's messages were accepted before the quiet
    one's, which came last; and all answers."""
    answers = []
    lock = threading.Lock()

    def send(caller, sent):
        def run():
            answer = house.submit(caller, [house.ORGANISATIONS["oslo"]])
            with lock:
                answers.append(answer)
        thread = threading.Thread(target=run)
        thread.start()
        sent.append(thread)

    noisy = [relay.caller("nav") for _ in range(MANY)]
    quiet = Quiet(relay)
    for caller in noisy:  # so that connections stand
        caller.get("/v1/feed?cursor=1.99999")
    tap.ok(house.submit(quiet, [house.ORGANISATIONS["oslo"]]).status == 201,
           "the quiet one is known to send")
    before = relay.caller("operator").get("/v1/feed").json()["cursor"]
    net = relay.role_pid("net")
    threads = []
    os.kill(net, signal.SIGSTOP)
    try:
        for caller in noisy:
            send(caller, threads)
        house.time.sleep(0.2)
        send(quiet, threads)
        house.time.sleep(0.1)
    finally:
        os.kill(net, signal.SIGCONT)
    for thread in threads:
        thread.join()
    entries = relay.caller("operator").get(
        "/v1/feed?cursor=" + before).json()["entries"]
    senders = [e["sender"] for e in entries if e["level"] == "accepted"]
    return senders.index(QUIET), senders, answers


def refusals(relay, wait_s):
    """Over the share: refused after refusal_ms; who leaves before harms nobody."""
    noisy = relay.caller("nav")
    noisy.get("/v1/feed?cursor=1.99999")
    began = house.time.monotonic()
    answer = noisy.get("/v1/feed?cursor=1.99999")
    took = house.time.monotonic() - began
    tap.ok(answer.status == 429 and answer.headers["Retry-After"] and took >= wait_s,
           f"what is over the share is refused after {wait_s} s", (answer, took))
    leaver = relay.caller("nav")
    try:
        leaver.request("GET", "/v1/feed?cursor=1.99999", timeout=wait_s / 4)
    except OSError:
        leaver.connection = None  # closed with it
    house.time.sleep(wait_s)
    tap.ok(house.submit(Quiet(relay), [house.ORGANISATIONS["oslo"]]).status == 201,
           "and the relay serves the others")


def main():
    relay = start("-o", "requests_per_second=1", "-o", "refusal_ms=600")
    try:
        refusals(relay, 0.6)
    finally:
        relay.close()
    relay = start("-o", f"turns_per_organisation={TURNS}", "-o", "uploads_per_organisation=100")
    try:
        place, senders, answers = rank(relay)
        tap.ok(len(senders) == MANY + 1 and all(a.status == 201 for a in answers),
               "everything is accepted in the end", answers)
        tap.ok(place <= 2 * TURNS,
               f"the quiet one waits for {TURNS} or so of {MANY}, not for all",
               f"it waited for {place}")
    finally:
        relay.close()
    relay = start("-o", "turns_per_organisation=10000", "-o", "uploads_per_organisation=100")
    try:
        place, _, _ = rank(relay)
        print(f"# without turns it waited for {place} of {MANY}")
        tap.ok(place > 2 * TURNS, "and without turns it would wait, so this test can fail",
               f"it waited for {place}")
    finally:
        relay.close()
    return tap.finish()


sys.exit(main())
