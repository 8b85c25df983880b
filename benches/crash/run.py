#!/usr/bin/env python3
"""Kills loads and services at random, and counts what is lost, twice or orphaned when they are done.

run.py KILLS SEED FOLDER RESULTS [NAME]: see crash.sh
"""

import pathlib
import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

import database
import loads
import report
from arrivals import Arrivals
from killer import Calm, Killer
from replays import Replays
from scenario import OF_THE_LOAD, stevedore
from services import Jobs

ALL = (
    loads.OrdersAppend,
    loads.OrdersMerge,
    loads.OrdersReplace,
    loads.UsersSingle,
    loads.UsersMerge,
    loads.UsersBundles,
    loads.UsersParts,
    Jobs,
    Arrivals,
    Replays,
)


@dataclass
class Outcome:
    """What became of all rounds of a scenario."""

    rounds: int = 0
    kills: Counter = field(default_factory=Counter)
    hits: Counter = field(default_factory=Counter)
    lost: int = 0
    twice: int = 0
    orphans: int = 0
    #: Jobs that have no end, and rounds after which the ledger does not agree with the tables.
    endless: int = 0
    unbalanced: int = 0

    def is_bad(self):
        return any((self.lost, self.twice, self.orphans, self.endless, self.unbalanced))

    def add(self, other):
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


class Run:
    """One scenario, as often as it comes up."""

    def __init__(self, scenario, number):
        self.scenario, self.outcome = scenario, Outcome()
        self.template, self.database = f"template_{number}", f"round_{number}"
        self.make_reference(f"whole_{number}")

    def make_reference(self, whole):
        """A database with the tables that nobody disturbed, in a schema of their own."""
        database.create(self.template, "template0")
        stevedore(self.template, "migrate").check_returncode()
        tables = self.scenario.tables
        database.sql(self.template, f"drop table if exists {', '.join(tables)}", *self.scenario.before.split(";"))
        self.scenario.fill(self.template)
        database.create(whole, self.template)
        begun = time.monotonic()
        self.scenario.run(whole, Calm())
        seconds = time.monotonic() - begun
        counts = [database.count(whole, f"select count(*) from {table}") for table in tables]
        if self.scenario.expected() not in (None, counts):
            raise SystemExit(f"{self.scenario.name}: {counts} rows undisturbed, and the files have {self.scenario.expected()}")
        if self.orphans(whole) or not self.agrees(whole):
            raise SystemExit(f"{self.scenario.name}: undisturbed, and not right")
        print(f"{self.scenario.name}: {counts} rows in {seconds:.2f} s undisturbed", file=sys.stderr)
        self.keep_tables(whole)
        database.drop(whole)

    def keep_tables(self, whole):
        """Copies them from the database of the load into the template."""
        database.sql(self.template, "create schema whole")
        only = [f"--table={table}" for table in self.scenario.tables]
        dump = ["pg_dump", "-O", "-x", "--no-comments", *only, database.url_of(whole)]
        dumped = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
        read = ["psql", "-qX", "-v", "ON_ERROR_STOP=1", database.url_of(self.template)]
        subprocess.run(read, input=dumped.replace("public.", "whole."), text=True, check=True, stdout=subprocess.DEVNULL)

    def round(self, chance, kills_left):
        """Does all of it, and kills on the way."""
        database.create(self.database, self.template)
        killer = Killer(chance, kills_left)
        self.scenario.run(self.database, killer)
        round = Outcome(1, killer.kills, killer.hits)
        self.compare(round)
        self.outcome.add(round)
        if not round.is_bad():
            database.drop(self.database)
        return not round.is_bad()

    def compare(self, round):
        for table in self.scenario.tables:
            columns = ", ".join(
                f"{name}::text"
                for (name,) in database.sql(
                    self.template,
                    f"select quote_ident(attname) from pg_attribute where attrelid = 'whole.{table}'::regclass and attnum > 0",
                )
                if name not in OF_THE_LOAD
            )
            whole, here = f"select {columns} from whole.{table}", f"select {columns} from public.{table}"
            round.lost += database.count(self.database, f"select count(*) from ({whole} except all {here}) d")
            round.twice += database.count(self.database, f"select count(*) from ({here} except all {whole}) d")
        round.orphans = self.orphans(self.database)
        round.endless = database.count(self.database, "select count(*) from stevedore.jobs where state in ('queued', 'running')")
        round.unbalanced = int(not self.agrees(self.database))

    def orphans(self, name):
        return sum(database.count(name, question) for question in self.scenario.orphans())

    def agrees(self, name):
        answer = stevedore(name, "verify", "--tables-only", "--feeds", self.scenario.feeds)
        if answer.returncode:
            print(answer.stdout, answer.stderr, file=sys.stderr)
        return answer.returncode == 0


def main():
    kills, seed, work, results = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], pathlib.Path(sys.argv[4])
    chance = random.Random(seed)
    wanted = [scenario for scenario in ALL if sys.argv[5] in scenario.name]
    runs = [Run(scenario(work), number) for number, scenario in enumerate(wanted)]

    def left():
        return kills - sum(run.outcome.kills.total() for run in runs)

    # Those with child tables come up more often: there is more to lose.
    turns = [run for run in runs for _ in range(run.scenario.turns)]
    is_good = True
    while is_good and left() > 0:
        for run in turns:
            if left() > 0 and is_good:
                is_good = run.round(chance, left())
                print(f"{run.scenario.name}: {kills - left()} of {kills} kills", file=sys.stderr)
    text = report.page(runs, kills, seed)
    results.write_text(text, encoding="utf-8")
    print(text)
    if not is_good:
        raise SystemExit(f"the last round is kept in the database {run.database}")


if __name__ == "__main__":
    main()
