#!/usr/bin/env python3
"""Kills loads at random and repeats them until they are done, then counts what is lost, twice or orphaned.

run.py KILLS SEED FOLDER RESULTS: see crash.sh
"""

import datetime
import os
import pathlib
import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

import server
from scenarios import ALL, OF_THE_LOAD, STEVEDORE

#: Kills of one load at most; then it is left alone.
KILLS_OF_A_LOAD = 4
#: How often each kind of kill is drawn: a restart takes seconds.
WEIGHTS = {"loader": 5, "sessions": 4, "server": 2}


@dataclass
class Outcome:
    """What became of all rounds of a scenario."""

    rounds: int = 0
    kills: Counter = field(default_factory=Counter)
    hits: Counter = field(default_factory=Counter)
    lost: int = 0
    twice: int = 0
    orphans: int = 0


class Run:
    """One scenario, as often as it comes up."""

    def __init__(self, scenario, number):
        self.scenario, self.number, self.outcome = scenario, number, Outcome()
        self.template, self.database = f"template_{number}", f"round_{number}"
        self.seconds = []
        self.make_reference()

    def begin(self, database, arguments):
        command = [STEVEDORE, "load", *arguments, "--json", "--no-preflight", "--database-url", server.url_of(database)]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def finish(self, process):
        errors = process.communicate(timeout=300)[1]
        return self.scenario.is_done(process), errors

    def make_reference(self):
        """A database with the tables that an undisturbed load makes, in a schema of their own."""
        server.drop(self.template)
        server.create(self.template, "template0")
        subprocess.run(
            [STEVEDORE, "migrate", "--database-url", server.url_of(self.template)], check=True, capture_output=True
        )
        tables = self.scenario.tables
        drop = f"drop table if exists {', '.join(tables)}"
        server.sql(self.template, drop, *self.scenario.before.split(";"))
        whole = f"whole_{self.number}"
        server.drop(whole)
        server.create(whole, self.template)
        for prepare, arguments in self.scenario.steps():
            prepare()
            begun = time.monotonic()
            done, errors = self.finish(self.begin(whole, arguments))
            self.seconds.append(time.monotonic() - begun)
            if not done:
                raise SystemExit(f"{self.scenario.name}: {errors}")
        counts = [int(server.sql(whole, f"select count(*) from {table}")[0][0]) for table in tables]
        if self.scenario.expected() not in (None, counts):
            raise SystemExit(f"{self.scenario.name}: {counts} rows undisturbed, and the files have {self.scenario.expected()}")
        print(f"{self.scenario.name}: {counts} rows in {sum(self.seconds):.2f} s undisturbed", file=sys.stderr)
        server.sql(self.template, "create schema whole")
        dump = subprocess.run(
            ["pg_dump", "-O", "-x", "--no-comments", *[f"--table={table}" for table in tables], server.url_of(whole)],
            check=True,
            capture_output=True,
            text=True,
        )
        names = dump.stdout.replace("public.", "whole.")
        subprocess.run(
            ["psql", "-qX", "-v", "ON_ERROR_STOP=1", server.url_of(self.template)],
            input=names,
            text=True,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        server.drop(whole)

    def round(self, chance, kills_left):
        """Loads all of it, and kills on the way."""
        server.drop(self.database)
        server.create(self.database, self.template)
        self.outcome.rounds += 1
        for (prepare, arguments), seconds in zip(self.scenario.steps(), self.seconds):
            prepare()
            kills = min(chance.randint(1, KILLS_OF_A_LOAD), kills_left())
            for _ in range(kills):
                # Later kills of a load that is done would hit nothing.
                process = self.begin(self.database, arguments)
                try:
                    process.wait(chance.uniform(0, seconds))
                except subprocess.TimeoutExpired:
                    pass
                self.kill(process, chance)
                if self.finish(process)[0]:
                    break
            self.repeat(arguments)
        self.compare()
        server.drop(self.database)

    def kill(self, process, chance):
        kind = chance.choices(list(WEIGHTS), WEIGHTS.values())[0]
        is_running = process.poll() is None
        self.outcome.kills[kind] += 1
        if kind == "loader":
            process.kill()
        elif kind == "sessions":
            is_running = server.end_sessions(self.database) > 0 and is_running
        else:
            server.restart()
        self.outcome.hits[kind] += is_running

    def repeat(self, arguments):
        """Until it is done; what a kill has left behind may stand in the way for a moment."""
        for _ in range(10):
            done, errors = self.finish(self.begin(self.database, arguments))
            if done:
                return
            time.sleep(0.5)
        raise SystemExit(f"{self.scenario.name}: never done: {errors}")

    def compare(self):
        for table in self.scenario.tables:
            columns = ", ".join(
                f"{name}::text"
                for (name,) in server.sql(
                    self.template,
                    f"select quote_ident(attname) from pg_attribute where attrelid = 'whole.{table}'::regclass and attnum > 0",
                )
                if name not in OF_THE_LOAD
            )
            whole, here = f"select {columns} from whole.{table}", f"select {columns} from public.{table}"
            self.outcome.lost += self.count(f"select count(*) from ({whole} except all {here}) d")
            self.outcome.twice += self.count(f"select count(*) from ({here} except all {whole}) d")
        self.outcome.orphans += sum(self.count(question) for question in self.scenario.orphans())

    def count(self, question):
        return int(server.sql(self.database, question)[0][0])


def table(runs, kills, seed):
    """What came of it, as a page."""
    version = subprocess.run([STEVEDORE, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    postgres = server.sql("postgres", "show server_version")[0][0]
    lines = [
        "# Killed at random",
        "",
        f"`benches/crash.sh {kills} {seed}` on {datetime.date.today()}: {version}, PostgreSQL {postgres}, {os.cpu_count()} processors.",
        "A kill is SIGKILL for the loader, `pg_terminate_backend` for all its sessions, or `pg_ctl -m immediate restart`. It",
        "hits if the load ran. Each load is repeated until it is done. Then all rows are compared with those of a load that",
        "nobody disturbed. Columns that differ from load to load (its number, time and object) are left out. Lost are rows that",
        "are missing. Twice are rows too many.",
        "",
        "| loads | rounds | kills | hits: loader | hits: sessions | hits: server | rows lost | rows twice | orphans |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    total = Outcome()
    for name, it in [*((run.scenario.name, run.outcome) for run in runs), ("all", total)]:
        hits = " | ".join(f"{it.hits[kind]} of {it.kills[kind]}" for kind in WEIGHTS)
        lines.append(f"| {name} | {it.rounds} | {it.kills.total()} | {hits} | {it.lost} | {it.twice} | {it.orphans} |")
        total.rounds += it.rounds
        total.kills += it.kills
        total.hits += it.hits
        total.lost += it.lost
        total.twice += it.twice
        total.orphans += it.orphans
    return "\n".join(lines) + "\n", total


def main():
    kills, seed, work, results = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], pathlib.Path(sys.argv[4])
    chance = random.Random(seed)
    runs = [Run(scenario(work), number) for number, scenario in enumerate(ALL)]

    def left():
        return kills - sum(run.outcome.kills.total() for run in runs)

    # Orders come up more often: they have children to lose.
    turns = [run for run in runs for _ in range(run.scenario.turns)]
    while left() > 0:
        for run in turns:
            if left() > 0:
                run.round(chance, left)
                print(f"{kills - left()} of {kills} kills", file=sys.stderr)
    text, total = table(runs, kills, seed)
    results.write_text(text, encoding="utf-8")
    print(text)
    sys.exit(bool(total.lost or total.twice or total.orphans))


if __name__ == "__main__":
    main()
