#!/usr/bin/env python3
"""Writes a page about what again.sh measured.

again.py CSV      (writes the page beside it)
"""

import csv
import pathlib
import statistics
import sys

from report import digits

TIMES = {"1.00": "once", "2.00": "twice"}


def main(path):
    lines = path.read_text().splitlines()
    notes = [f"- {line[2:]}" for line in lines if line.startswith("# ")]
    peers = {}
    for run in csv.DictReader(line for line in lines if not line.startswith("# ")):
        peers.setdefault(run["about"], []).append(run)
    rows = ["| | s | client CPU s | server CPU s | rows of the file in the tables | runs |", "|---|--:|--:|--:|--:|--:|"]
    for about, runs in peers.items():
        wall, client, server = (digits(statistics.median(float(run[column]) for run in runs))
                                for column in ("wall_s", "client_cpu_s", "server_cpu_s"))
        there = " or ".join(sorted({TIMES.get(run["times_there"], run["times_there"]) for run in runs}))
        rows.append(f"| {about} | {wall} | {client} | {server} | {there} | {len(runs)} |")
    path.with_suffix(".md").write_text(
        "# The same file, a second time\n\nThe tables have the rows of the file already. Medians of the second load, as a "
        "whole process. What the other tools can be told to do instead, such as a merge, is in "
        "`docs/concepts/dirty-files.md`.\n\n" + "\n".join(rows) + "\n\n" + "\n".join(notes) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
