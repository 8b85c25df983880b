#!/usr/bin/env python3
"""Makes the table and the chart of what growth.sh measured.

growth.py [RESULTS]      (default benches/results)
"""

import csv
import pathlib
import statistics
import sys

import chart

RESULTS = pathlib.Path(__file__).resolve().parents[2] / "benches/results"
SERIES = {
    "records": "records (5 logs each, 1 % rejected)",
    "logs": "logs of a record (100,000 records)",
    "rejected": "per cent rejected (100,000 records)",
}

SHORT = {"records": "records", "logs": "logs of a record", "rejected": "% rejected"}


class Point:
    """The medians of one file."""

    def __init__(self, runs):
        self.x, self.bytes = float(runs[0][runs[0]["series"]]), int(runs[0]["bytes"])
        self.ours = self.of([run for run in runs if run["peer"] == "stevedore"])
        self.limit = self.of([run for run in runs if run["peer"] == "limit-one"])
        self.runs = sum(run["peer"] == "stevedore" for run in runs)

    @staticmethod
    def of(runs):
        columns = ("wall_s", "client_cpu_s", "server_cpu_s", "rss_mb")
        return [statistics.median(float(run[column]) for run in runs) for column in columns] if runs else None


def read(path):
    lines = path.read_text().splitlines()
    series = {name: {} for name in SERIES}
    for run in csv.DictReader(line for line in lines if not line.startswith("#")):
        series[run["series"]].setdefault((int(run["records"]), int(run["logs"]), int(run["rejected"])), []).append(run)
    notes = [line[2:] for line in lines if line.startswith("# ")]
    return notes, {name: [Point(runs) for runs in of_one.values()] for name, of_one in series.items()}


def table(name, points):
    rows = [
        f"| {SERIES[name]} | MB | wall s | MB/s | ratio to the limit | client CPU s | server CPU s | peak memory MB | runs |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for point in points:
        wall, client, server, peak = point.ours
        ratio = f"{wall / point.limit[0]:.2f}" if point.limit else "–"
        rows.append(
            f"| {point.x:,.0f} | {point.bytes / 1e6:.0f} | {wall:.2f} | {point.bytes / 1e6 / wall:.0f} | {ratio} | "
            f"{client:.2f} | {server or float('nan'):.2f} | {peak:.0f} | {point.runs} |".replace("nan", "–")
        )
    return "\n".join(rows)


def picture(series):
    width, height, step = 200, 170, 285
    parts = []
    for column, (name, points) in enumerate(series.items()):
        if not points:
            continue
        x = 60 + column * step
        places = [index / max(len(points) - 1, 1) for index in range(len(points))]
        marks = [(place, chart.number(point.x)) for place, point in zip(places, points)]
        pairs = list(zip(places, points))
        limit = [(place, point.limit[0]) for place, point in pairs if point.limit]
        parts += chart.curves(
            x,
            48,
            width,
            height,
            f"Seconds by {SHORT[name]}",
            "s",
            chart.logarithmic,
            marks,
            [("b dash", limit)] * bool(limit) + [("a", [(place, point.ours[0]) for place, point in pairs])],
        )
        parts += chart.curves(
            x,
            310,
            width,
            height,
            f"Peak memory by {SHORT[name]}",
            "MB",
            chart.linear,
            marks,
            [("a", [(place, point.ours[3]) for place, point in pairs])],
        )
    parts.append(
        chart.text(
            60,
            524,
            "blue: stevedore load --mode append; dashed: \\copy of ready binary files; seconds on a logarithmic axis",
            "small",
        )
    )
    return chart.page(870, 536, "How the cost of a load grows", parts)


def main(results):
    notes, series = read(results / "growth.csv")
    tables = "\n\n".join(table(name, points) for name, points in series.items() if points)
    (results / "growth.md").write_text(
        "# How cost grows\n\n`stevedore load --mode append`, medians of whole processes. The limit is `\\copy` of the same rows as "
        f"ready binary files over one connection; from 128 MiB on ours has two.\n\n{tables}\n\n" + "\n".join(f"- {note}" for note in notes) + "\n"
    )
    (results / "growth.svg").write_text(picture(series))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS)
