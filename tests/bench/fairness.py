#!/usr/bin/python3
"""How much one noisy sender raises another's p99: a measurement, not a test.

usage: tests/bench/fairness.py [SECONDS [CONNECTIONS]]     (BUILD=build)

A quiet sender submits one 10 KiB document after the other. In every other
round a noisy sender of another organisation submits over CONNECTIONS (64)
connections as fast as it is let. The rounds alternate, so that what else the
machine does falls on both. The noise is made by processes of the lowest
priority: its own cost is not the relay's. Both get the relay's own limits.
"""
import multiprocessing
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import relay as house  # noqa: E402

if "BUILD" not in os.environ:
    house.BUILD = os.path.join(house.TOP, "build")
import drive  # noqa: E402

ROUNDS = 5
NOISY = drive.organisation_number(5000011)
TOKEN = "token-of-a-noisy-sender-0123456789"


class Noise:
    """One process that submits over many connections while the flag is up."""

    def __init__(self, made, connections):
        self.flag = multiprocessing.Event()
        self.over = multiprocessing.Event()
        self.counts = multiprocessing.Array("l", 2)
        self.process = multiprocessing.Process(target=self.run, args=(made, connections), daemon=True)
        self.process.start()

    def run(self, made, connections):
        os.nice(19)
        threads = [house.threading.Thread(target=self.one, args=(made,), daemon=True)
                   for _ in range(connections)]
        for thread in threads:
            thread.start()
        self.over.wait()
        os._exit(0)

    def one(self, made):
        caller = drive.TokenCaller(made, NOISY, TOKEN)
        recipient = [house.ORGANISATIONS["bergen"]]
        while not self.over.is_set():
            self.flag.wait()
            try:
                answer = house.submit(caller, recipient, house.document(10240, "noise"))
            except (OSError, drive.http.client.HTTPException):
                continue
            with self.counts.get_lock():
                self.counts[0 if answer.status == 201 else 1] += 1


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))]


def quiet(caller, seconds):
    taken = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        parts = house.document(10240, "quiet")
        begun = time.monotonic()
        answer = house.submit(caller, [house.ORGANISATIONS["oslo"]], parts)
        taken.append((time.monotonic() - begun) * 1000)
        if answer.status != 201:
            raise SystemExit(f"the quiet sender was refused: {answer}")
    return taken


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 4
    connections = int(sys.argv[2]) if len(sys.argv) > 2 else 64
    made = drive.relay_with(tokens=[("noisy", NOISY, ["sender"], TOKEN, "")], options=[
        "not_fetched_seconds=31536000", "not_confirmed_seconds=31536000"])
    noise = Noise(made, connections)
    try:
        caller = made.caller("nav")
        quiet(caller, 1)
        alone, beside = [], []
        for _ in range(ROUNDS):
            alone.append(quiet(caller, seconds))
            noise.flag.set()
            time.sleep(0.5)
            beside.append(quiet(caller, seconds))
            noise.flag.clear()
            time.sleep(0.5)
        print(f"{'':24}{'messages':>10}{'median ms':>12}{'p99 ms':>10}")
        for name, rounds in (("alone", alone), ("beside a noisy sender", beside)):
            every = [v for r in rounds for v in r]
            print(f"{name:24}{len(every):10}{statistics.median(every):12.2f}{percentile(every, 0.99):10.2f}")
        ratios = [percentile(b, 0.99) / percentile(a, 0.99) for a, b in zip(alone, beside)]
        print(f"p99 beside / alone: {statistics.median(ratios):.2f} "
              f"(median of {ROUNDS} rounds: {', '.join(f'{r:.2f}' for r in ratios)}); goal: under 1.50")
        print(f"the noisy sender: {noise.counts[0]} accepted, {noise.counts[1]} refused, "
              f"{connections} connections")
    finally:
        noise.over.set()
        noise.process.join(5)
        made.close()


main()
