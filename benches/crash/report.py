"""What came of the kills, as a page."""

import datetime
import os

import database
from process import program

#: What is killed, as the table has it.
KINDS = ("loader", "server", "worker", "sessions", "PostgreSQL")
TITLES = ("rows lost", "rows twice", "orphans", "jobs without an end", "ledger disagrees")


def row(name, outcome):
    hits = [f"{outcome.hits[kind]} of {outcome.kills[kind]}" if outcome.kills[kind] else "–" for kind in KINDS]
    ends = (outcome.lost, outcome.twice, outcome.orphans, outcome.endless, outcome.unbalanced)
    cells = [name, outcome.rounds, outcome.kills.total(), outcome.hits.total(), *hits, *ends]
    return "| " + " | ".join(map(str, cells)) + " |"


def page(runs, kills, seed):
    total = type(runs[0].outcome)()
    for run in runs:
        total.add(run.outcome)
    retried = sum(getattr(run.scenario, "retried", 0) for run in runs)
    columns = ["what runs", "rounds", "kills", "hits", *KINDS, *TITLES]
    postgres = database.sql("postgres", "show server_version")[0][0]
    lines = [
        "# Killed at random",
        "",
        f"**{total.kills.total():,} kills, {total.hits.total():,} hits: {total.lost} rows lost, {total.twice} rows twice.**",
        "",
        f"`benches/crash.sh {kills} {seed}` on {datetime.date.today()}: {program()}, PostgreSQL {postgres}, "
        f"{os.cpu_count()} processors.",
        "",
        "| " + " | ".join(columns) + " |",
        "|---" * len(columns) + "|",
        *(row(run.scenario.name, run.outcome) for run in runs),
        row("**all**", total),
        "",
        "- A kill is SIGKILL for the loader (`stevedore load`), the server or the worker, `pg_terminate_backend` for all sessions",
        "  of the database, or `pg_ctl -m immediate restart` of PostgreSQL.",
        "- It hits if something ran. The loader hits if it had not ended. Server and worker hit if that process ran a job or listed",
        "  a watch at that moment. Sessions and PostgreSQL hit if any load, job or listing ran.",
        "- A killed load is repeated until it is done. A killed server or worker is started again, and gets no other help.",
        f"  Jobs that failed, and had to be retried by hand: {retried}.",
        "- After each round all rows are compared with those of the same work undisturbed. Columns that differ from load to load",
        "  (its number, time and object) are left out. Lost are rows that are missing. Twice are rows too many. Orphans are rows",
        "  of a child table without their root row. `stevedore verify --tables-only` compares the tables with the ledger.",
    ]
    return "\n".join(lines) + "\n"
