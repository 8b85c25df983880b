#!/usr/bin/env python3
"""Objects arrive, notices get lost or come twice, and processes are killed: counts what is lost or there twice.

run.py OBJECTS KILLS SEED FOLDER RESULTS: see arrivals.sh
"""

import datetime
import json
import os
import pathlib
import random
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

STEVEDORE, DATABASE = os.environ["STEVEDORE"], os.environ["DATABASE_URL"]
# As the old job had them: without keys, so that what is loaded twice is there twice.
TABLES = """
create table user_status (userid varchar, createdat varchar, status varchar, lastvisitedat int, isblacklisted boolean,
  ingested_at timestamp);
create table user_status_log (userid varchar, updatedon varchar, status varchar, ingested_at timestamp)"""
#: One object in so many is written a second time, after its first version was loaded.
OVERWRITTEN = 20
#: Objects that arrive one after the other, for the time that one takes.
MEASURED = 200


def sql(statement):
    command = ["psql", "-qAtX", "-F", "\t", "-v", "ON_ERROR_STOP=1", DATABASE, "-c", statement]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line.split("\t") for line in answer.stdout.splitlines()]


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Process:
    """A server or worker that is killed and comes back."""

    def __init__(self, bucket, *arguments):
        more = ["--bucket", f"bucket={bucket}", "--database-url", DATABASE, "--concurrency", "2", "--no-preflight"]
        self.command = [STEVEDORE, *arguments, *more]
        self.start()

    def start(self):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(self.command, **quiet)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.start()


class Stream:
    """What arrives, and the notices of it."""

    def __init__(self, folder, url, chance):
        self.folder, self.url, self.chance = folder, url, chance
        self.notices, self.versions = Counter(), {}

    def ask(self, path, body=None, method="POST"):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def watch(self, name, prefix, every):
        plan = {"name": name, "bucket": "bucket", "prefix": prefix, "feed": "user_status", "mode": "append", "every": every}
        for _ in range(100):
            try:
                return self.ask("/v1/watches", plan)["token"]
            except urllib.error.URLError:
                time.sleep(0.1)
        raise SystemExit("the server does not start")

    def put(self, key):
        """A version of an object, there as a whole at once; when that was."""
        version = self.versions[key] = self.versions.get(key, 0) + 1
        user = f"{key}#{version}"
        logs = [{"updatedOn": "2022-01-01", "status": "s"}]
        record = {"userId": user, "createdAt": "2022-01-01", "lastVisitedAt": 1, "status": "s", "statusLogs": logs, "isBlacklisted": False}
        file = self.folder / key
        part = file.with_suffix(".part")
        part.write_text(json.dumps(record) + "\n")
        at = time.time()
        part.rename(file)
        return at

    def notice(self, watch, token, key):
        record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "bucket"}, "object": {"key": key}}}
        try:
            self.ask(f"/v1/arrivals/{watch}?token={token}", {"Records": [record]})
            self.notices["answered"] += 1
        except (urllib.error.URLError, OSError):
            # The sender would try again; here it is lost as well.
            self.notices["unanswered"] += 1


def wait_for(users, seconds):
    """Until so many users are in the table."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if int(sql("select count(distinct userid) from user_status")[0][0]) >= users:
            return
        time.sleep(0.2)


def latencies(put):
    """Seconds from when an object was put to when its job knew that its rows are committed."""
    ended = dict(sql("select key, extract(epoch from finished_at) from stevedore.jobs where key is not null"))
    return sorted(float(ended[key]) - at for key, at in put.items())


def measure(stream, notified):
    """Objects one after the other, with notices or by listings alone."""
    name = "notified" if notified else "listed"
    (stream.folder / name).mkdir()
    token = stream.watch(name, f"{name}/", "1h" if notified else "1s")
    # Its first listing has nothing to find.
    time.sleep(1.5)
    put = {}
    for number in range(MEASURED if notified else MEASURED // 4):
        key = f"{name}/{number}.json"
        put[key] = stream.put(key)
        if notified:
            stream.notice(name, token, key)
        time.sleep(stream.chance.uniform(0.05, 0.15) if notified else stream.chance.uniform(0.1, 0.5))
    wait_for(len(stream.versions), 60)
    found = latencies(put)
    stream.ask(f"/v1/watches/{name}/pause")
    return f"{statistics.median(found) * 1000:.0f} ms", f"{found[len(found) * 95 // 100] * 1000:.0f} ms", f"{found[-1] * 1000:.0f} ms"


def storm(stream, processes, objects, kills):
    """Objects arrive while processes are killed; how often each was."""
    (stream.folder / "storm").mkdir()
    token = stream.watch("storm", "storm/", "2s")
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
    senders = ThreadPoolExecutor(4)
    for number in range(objects):
        key = f"storm/{number}.json"
        stream.put(key)
        fate = stream.chance.randrange(3)
        stream.notices[("dropped", "once", "twice")[fate]] += 1
        for _ in range(fate):
            senders.submit(stream.notice, "storm", token, key)
        if number >= 1000 and number % OVERWRITTEN == 0 and is_loaded(again := f"storm/{number - 1000}.json"):
            stream.put(again)
        time.sleep(max(0.0, begun + seconds * number / objects - time.monotonic()))
    senders.shutdown()
    killer.join()
    over.set()
    return killed


def is_loaded(key):
    return int(sql(f"select count(*) from user_status where userid = '{key}#1'")[0][0]) > 0


def main():
    objects, kills, seed = map(int, sys.argv[1:4])
    work, results = pathlib.Path(sys.argv[4]), pathlib.Path(sys.argv[5])
    folder = work / "bucket"
    folder.mkdir()
    for statement in TABLES.split(";"):
        sql(statement)
    url = f"http://127.0.0.1:{(port := free_port())}"
    serve = Process(folder, "serve", "--listen", f"127.0.0.1:{port}")
    stream = Stream(folder, url, random.Random(seed))
    rows = [("with a notice", *measure(stream, True)), ("listed every second", *measure(stream, False))]
    worker = Process(folder, "worker", "--no-listen")
    killed = storm(stream, {"server": serve, "worker": worker}, objects, kills)
    expected = {f"{key}#{version}" for key, versions in stream.versions.items() for version in range(1, versions + 1)}
    wait_for(len(expected), 120)
    found = Counter(user for (user,) in sql("select userid from user_status"))
    lost = len(expected - set(found))
    twice = sum(count - 1 for count in found.values())
    children = int(sql("select count(*) from user_status_log")[0][0])
    again = int(sql("select count(*) from (select 1 from stevedore.loads where state = 'loaded' group by origin, version having count(*) > 1) d")[0][0])
    for process in (serve, worker):
        process.process.kill()
    version = subprocess.run([STEVEDORE, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    build = "debug" if "debug" in STEVEDORE else "release"
    overwritten = sum(versions - 1 for versions in stream.versions.values())
    lines = [
        "# Arrivals",
        "",
        f"`benches/arrivals.sh {objects} {kills} {seed}` on {datetime.date.today()}: {version}, {build} build, {os.cpu_count()} processors.",
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
