#!/usr/bin/env python3
"""Lets objects arrive and faults come, and notes how the processes are.

run.py MINUTES SEED FOLDER RESULTS: see soak.sh
"""

import datetime
import gzip
import os
import pathlib
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import database
from process import STEVEDORE, Fleet, program
from sampler import Sampler
from stream import Stream, record_of, wait_for

#: The database, and the watch.
HERE, WATCH = "soak", "arriving"
#: Objects a second, and users of an object.
RATE, USERS = 8, 5
#: One object in so many is broken; one has a record that is rejected; one that is loaded is overwritten.
BROKEN, POISONED, OVERWRITTEN = 100, 20, 20
#: The faults in turn, and the seconds between them. Ten come at least.
FAULTS, EVERY, LEAST = ("sessions", "worker", "sessions", "worker", "PostgreSQL"), 60, 10


class Soak:
    """All that goes on at the same time, until the time is over."""

    def __init__(self, fleet, folder, chance, minutes):
        self.fleet, self.seconds, self.over = fleet, minutes * 60, threading.Event()
        self.stream = Stream(folder, fleet.client, chance, USERS)
        self.sampler = Sampler(fleet)
        self.faults, self.made = Counter(), Counter()

    def run(self):
        self.token = self.stream.watch(WATCH, "5s")
        with ThreadPoolExecutor() as threads:
            beside = [threads.submit(run) for run in (self.sample, self.disturb)]
            try:
                self.send()
            finally:
                self.over.set()
        for thread in beside:
            thread.result()
        self.stream.senders.shutdown()

    def send(self):
        begun = time.monotonic()
        for number in range(int(self.seconds * RATE)):
            self.arrive(number)
            time.sleep(max(0.0, begun + number / RATE - time.monotonic()))

    def arrive(self, number):
        key = f"{WATCH}/{number}.json"
        if number % BROKEN == BROKEN - 1:
            self.made["broken"] += 1
            whole = gzip.compress(b"{}\n" * 1000)
            self.tell(f"{key}.gz", self.stream.write(f"{key}.gz", whole[: len(whole) // 2]))
            return
        poison = number % POISONED == POISONED - 1
        self.made["poisoned"] += poison
        self.tell(key, self.stream.put(key, *[record_of("nobody", status="")] * poison))
        if number % OVERWRITTEN == 0 and number >= 60 * RATE and self.stream.is_loaded(HERE, again := f"{WATCH}/{number - 60 * RATE}.json"):
            self.made["overwritten"] += 1
            self.tell(again, self.stream.put(again))

    def tell(self, key, at):
        self.sampler.put(key, at, self.stream.tell(WATCH, self.token, key) > 0)

    def sample(self):
        while not self.over.wait(self.sampler.until_next()):
            self.sampler.sample()

    def disturb(self):
        every, number = min(EVERY, self.seconds / LEAST), 0
        while not self.over.wait(every):
            kind = FAULTS[number % len(FAULTS)]
            if kind == "worker":
                self.fleet.processes["killed worker"].kill()
            elif kind == "sessions":
                database.end_sessions(HERE)
            else:
                database.restart()
            self.faults[kind] += 1
            self.sampler.fault = kind
            number += 1

    def check(self):
        """What is wrong in the end, by name."""
        expected = self.stream.expected()
        wait_for(HERE, len(expected), 120)
        end = time.monotonic() + 120
        waiting = "select count(*) from stevedore.jobs where state in ('queued', 'running')"
        while (endless := database.count(HERE, waiting)) and time.monotonic() < end:
            time.sleep(0.5)
        found = Counter(user for (user,) in database.sql(HERE, "select userid from user_status"))
        verify = [STEVEDORE, "verify", "--tables-only", "--database-url", database.url_of(HERE)]
        failed = database.count(HERE, "select count(*) from stevedore.jobs where state = 'failed' and key is not null")
        rejected = database.count(HERE, "select count(*) from user_status_error_rec")
        return {
            "rows lost": len(expected - set(found)),
            "rows twice": sum(found.values()) - len(found),
            "rejects lost or twice": abs(rejected - self.made["poisoned"]),
            "failed jobs that are not those of broken objects": abs(failed - self.made["broken"]),
            "jobs without an end": endless,
            "ledger disagrees": subprocess.run(verify, capture_output=True, check=False).returncode,
        }


def main():
    minutes, seed = float(sys.argv[1]), int(sys.argv[2])
    work, results = pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[4])
    folder = work / "bucket"
    folder.mkdir()
    database.create(HERE, "template0")
    database.sql(HERE, *database.OLD_TABLES.split(";"))
    with Fleet(HERE, folder, work, "--log", "warn", server=["--no-worker"]) as fleet, open(results, "w", encoding="utf-8") as out:
        # The first one is there all the time: its memory is measured.
        fleet.start_worker("worker")
        fleet.start_worker("killed worker")
        soak = Soak(fleet, folder, random.Random(seed), minutes)
        soak.sampler.write_to(out)
        soak.run()
        wrong, stream = soak.check(), soak.stream
        notes = {
            "command": f"benches/soak.sh {minutes:g} {seed}",
            "day": datetime.date.today(),
            "program": f"{program()}, {os.cpu_count()} processors",
            "objects": sum(stream.versions.values()) + soak.made["broken"],
            "of these": ", ".join(f"{count} {kind}" for kind, count in soak.made.items()),
            "notices": ", ".join(f"{count} {kind}" for kind, count in stream.notices.items()),
            "faults": ", ".join(f"{count} × {kind}" for kind, count in soak.faults.items()),
        }
        out.writelines(f"# {name}: {value}\n" for name, value in [*notes.items(), *(("checked: " + name, count) for name, count in wrong.items())])
    if any(wrong.values()):
        raise SystemExit(f"wrong: {wrong}")


if __name__ == "__main__":
    main()
