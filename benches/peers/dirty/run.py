#!/usr/bin/env python3
"""Loads each dirty file with each tool, and compares what is in Postgres with an independent reading of the file.

run.py CSV      (called by dirty.sh, which sets DATABASE_URL, STEVEDORE, PEERS and SCRATCH)

ONLY="dlt-append bom" takes these scripts of with/, and these cases.
"""

import csv
import os
import pathlib
import shutil
import sys
import time

import files
import tables
from compare import outcome
from reading import records
from tool import tools

GZIP = b"\x1f\x8b"
SCRATCH = pathlib.Path(os.environ["SCRATCH"])
FIRST_CLEAN = 1_000_000  # ids from here on are those of the file with which some tools make their tables
COLUMNS = ["table", "case", "tool", "load", "records", "kept", "changed", "rejected", "lost", "twice", "notes"]


def begin():
    """An empty folder, an empty database, and a clean file with other ids."""
    shutil.rmtree(SCRATCH, ignore_errors=True)
    (SCRATCH / "in").mkdir(parents=True)
    tables.clear()
    clean = SCRATCH / "clean.jsonl"
    clean.write_text("".join(files.line(FIRST_CLEAN + number) + "\n" for number in range(8)))
    return clean


def deliver(delivered):
    """Writes the files one after the other, each ten seconds younger than the one before it, and yields their paths."""
    now, there = time.time(), {}
    for age, (name, make) in enumerate(delivered):
        content = make()
        path = SCRATCH / "in" / f"{name.removesuffix('!')}.jsonl{'.gz' if content.startswith(GZIP) else ''}"
        if name.endswith("!") or there.get(path) != content:
            path.write_bytes(content)
            os.utime(path, (now + 10 * age, now + 10 * age))
            there[path] = content
        yield path


def run(table, case, tool, delivered):
    """Loads the files one after the other, and returns a row of the results."""
    clean, failures, newest = begin(), [], {}
    for path in deliver(delivered):
        failures.append(tool.load(path, clean))
        newest[path] = path.read_bytes()
    wanted = {(record.id, record.text): record for content in newest.values() for record in records(content)}
    rows = {identity: found for identity, found in tables.rows().items() if identity is None or identity < FIRST_CLEAN}
    came = outcome(wanted.values(), rows, tables.rejects())
    failure = next((failure for failure in failures if failure), None)
    notes = ([failure] if failure else []) + came.notes
    row = [table, case, tool.name, "failed" if failure else "loaded", len(wanted), came.kept, came.changed,
           came.rejected, came.lost, came.twice, " ; ".join(notes[:8]).replace(str(SCRATCH / "in"), "…")]
    print(",".join(map(str, row))[:240], file=sys.stderr)
    return row


def main(path):
    only = set(os.environ.get("ONLY", "").split())
    every, rows = tools(), []
    for table in ("default", "strict", "deliveries"):
        if table == "deliveries":
            cases = [(name, delivered) for name, _, delivered in files.DELIVERIES]
        else:
            cases = [(name, [("readings", make)]) for name, _, make in files.CASES]
        for case, delivered in cases:
            for tool in every.values():
                named = not only & set(every) or tool.name in only
                if table in tool.tables and named and (not only - set(every) or case in only):
                    rows.append(run(table, case, tool, delivered))
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


if __name__ == "__main__":
    main(sys.argv[1])
