#!/usr/bin/env python3
"""Objects arrive, notices get lost or come twice, and processes are killed: counts what is lost or there twice.

run.py OBJECTS KILLS SEED FOLDER RESULTS: see arrivals.sh
"""

import datetime
import os
import pathlib
import random
import statistics
import sys
import threading
import time
from collections import Counter

import database
from process import Fleet, program
from stream import Stream, wait_for

#: The database.
HERE = "postgres"
#: One object in so many is written a second time, after its first version was loaded.
OVERWRITTEN = 20
#: Objects that arrive one after the other, for the time that one takes.
MEASURED = 200


def latencies(put):
    """Seconds from when an object was put to when its job knew that its rows are committed."""
    ended = dict(database.sql(HERE, "select key, extract(epoch from finished_at) from stevedore.jobs where key is not null"))
    return sorted(float(ended[key]) - at for key, at in put.items())


def measure(stream, notified):
    """Objects one after the other, with notices or by listings alone."""
    name = "notified" if notified else "listed"
    token = stream.watch(name, "1h" if notified else "1s")
    # Its first listing has nothing to find.
    time.sleep(1.5)
    put = {}
    for number in range(MEASURED if notified else MEASURED // 4):
        key = f"{name}/{number}.json"
        put[key] = stream.put(key)
        if notified:
            stream.notice(name, token, key)
        time.sleep(stream.chance.uniform(0.05, 0.15) if notified else stream.chance.uniform(0.1, 0.5))
    wait_for(HERE, len(stream.versions), 60)
    found = latencies(put)
    stream.client.insist(f"/v1/watches/{name}/pause", method="POST")
    return f"{statistics.median(found) * 1000:.0f} ms", f"{found[len(found) * 95 // 100] * 1000:.0f} ms", f"{found[-1] * 1000:.0f} ms"


def storm(stream, processes, objects, kills):
    """Objects arrive while processes are killed; how often each was."""
    token = stream.watch("storm", "2s")
    killed, over = Counter(), threading.Event()

    def kill():
        for _ in range(kills):
            if over.wait(stream.chance.uniform(0.2, 2 * seconds / kills)):
                return
            kind = stream.chance.choice(list(processes))
            processes[kind].kill()
            killed[kind] += 1

    # Time to come back between two kills.
    seconds = max(kills * 1.5, objects / 20)
    begun = time.monotonic()
    killer = threading.Thread(target=kill)
    killer.start()
    for number in range(objects):
        key = f"storm/{number}.json"
        stream.put(key)
        stream.tell("storm", token, key)
        if number >= 1000 and number % OVERWRITTEN == 0 and stream.is_loaded(HERE, again := f"storm/{number - 1000}.json"):
            stream.put(again)
        time.sleep(max(0.0, begun + seconds * number / objects - time.monotonic()))
    stream.senders.shutdown()
    killer.join()
    over.set()
    return killed


def main():
    objects, kills, seed = map(int, sys.argv[1:4])
    work, results = pathlib.Path(sys.argv[4]), pathlib.Path(sys.argv[5])
    folder = work / "bucket"
    folder.mkdir()
    database.sql(HERE, *database.OLD_TABLES.split(";"))
    with Fleet(HERE, folder, work) as fleet:
        stream = Stream(folder, fleet.client, random.Random(seed))
        rows = [("with a notice", *measure(stream, True)), ("listed every second", *measure(stream, False))]
        fleet.start_worker()
        killed = storm(stream, fleet.processes, objects, kills)
        expected = stream.expected()
        wait_for(HERE, len(expected), 120)
    found = Counter(user for (user,) in database.sql(HERE, "select userid from user_status"))
    lost = len(expected - set(found))
    twice = sum(count - 1 for count in found.values())
    children = database.count(HERE, "select count(*) from user_status_log")
    loads = "select 1 from stevedore.loads where state = 'loaded' group by origin, version having count(*) > 1"
    again = database.count(HERE, f"select count(*) from ({loads}) d")
    overwritten = sum(versions - 1 for versions in stream.versions.values())
    lines = [
        "# Arrivals",
        "",
        f"`benches/arrivals.sh {objects} {kills} {seed}` on {datetime.date.today()}: {program()}, {os.cpu_count()} processors.",
        "From when an object is put to when its job knows that its rows are committed, one object at a time:",
        "",
        "| objects | median | 95 % | longest |",
        "|---|---|---|---|",
        *(f"| {name} | {median} | {most} | {longest} |" for name, median, most, longest in rows),
        "",
        f"Then {objects} objects, {overwritten} of them overwritten, while a server and a worker are killed at random. Of the notices,",
        "some are dropped, some are sent once, and some twice. A listing every two seconds finds the rest.",
        "",
        "| versions | notices dropped | once | twice | unanswered | kills of the server | of the worker | lost | twice in the tables | twice in the ledger |",
        "|---|---|---|---|---|---|---|---|---|---|",
        f"| {len(expected)} | {stream.notices['dropped']} | {stream.notices['once']} | {stream.notices['twice']} | {stream.notices['unanswered']} "
        f"| {killed['server']} | {killed['worker']} | {lost} | {twice + abs(children - sum(found.values()))} | {again} |",
    ]
    text = "\n".join(lines) + "\n"
    results.write_text(text, encoding="utf-8")
    print(text)
    sys.exit(bool(lost or twice or again))


if __name__ == "__main__":
    main()
