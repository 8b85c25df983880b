#!/usr/bin/env python3
"""Prints a table of what feeds.sh measured: medians, and how many times the limit and stevedore a peer takes.

feeds.py CSV
"""

import csv
import pathlib
import statistics
import sys

NAMES = {"stevedore": "**stevedore** `load --mode append --connections 1`",
         "limit": "limit: `\\copy` of ready binary files", "duckdb": "DuckDB with its postgres extension"}


def ratio(runs, subject, peer, other):
    """The median of the ratios, round by round."""
    wall = {(run["peer"], run["round"]): float(run["wall_s"]) for run in runs if run["subject"] == subject}
    rounds = {number for _, number in wall}
    return statistics.median(wall[peer, number] / wall[other, number] for number in rounds)


def main(path):
    lines = pathlib.Path(path).read_text().splitlines()
    runs = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    print("| | s | × the limit | × ours | client CPU s | server CPU s | MB |\n|---|--:|--:|--:|--:|--:|--:|")
    for subject in dict.fromkeys(run["subject"] for run in runs):
        for peer, name in NAMES.items():
            of_peer = [run for run in runs if (run["subject"], run["peer"]) == (subject, peer)]
            medians = {column: statistics.median(float(run[column]) for run in of_peer)
                       for column in ("wall_s", "client_cpu_s", "server_cpu_s", "rss_mb")}
            print(f"| {subject}: {name} | {medians['wall_s']:.2f} | {ratio(runs, subject, peer, 'limit'):.2f} "
                  f"| {ratio(runs, subject, peer, 'stevedore'):.2f} | {medians['client_cpu_s']:.2f} "
                  f"| {medians['server_cpu_s']:.2f} | {medians['rss_mb']:.0f} |")


if __name__ == "__main__":
    main(sys.argv[1])
