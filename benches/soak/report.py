#!/usr/bin/env python3
"""Makes the page and the chart of what soak.sh measured. Exits with 1 if something has grown.

report.py [RESULTS]      (default benches/results)
"""

import csv
import pathlib
import statistics
import sys

import chart

RESULTS = pathlib.Path(__file__).resolve().parents[2] / "benches/results"
#: How much more the last quarter may have than the second: the first is for getting warm.
FLAT = 1.2
CLAIMED = {
    "server_mb": "memory of the server, MB",
    "worker_mb": "memory of the worker, MB",
    "connections": "connections to the database",
    "p50_ms": "put to the end of the job, half of the objects, ms",
    "p95_ms": "put to the end of the job, 95 % of the objects, ms",
}
#: Points of a line of the chart: each is the median of its time.
POINTS = 60


def read(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    notes = dict(line[2:].rsplit(": ", 1) for line in lines if line.startswith("# "))
    return notes, list(csv.DictReader(line for line in lines if not line.startswith("#")))


def values(rows, column):
    return [float(row[column]) for row in rows if row[column]]


def quarter(rows, number):
    return rows[len(rows) * (number - 1) // 4 : len(rows) * number // 4]


def claims(rows):
    """Of each number: its median in the second quarter and in the last, and whether it is flat."""
    for column, name in CLAIMED.items():
        second, last = (statistics.median(values(quarter(rows, number), column)) for number in (2, 4))
        yield name, second, last, last <= second * FLAT


def page(notes, rows, claimed):
    minutes = float(rows[-1]["seconds"]) / 60
    wrong = {name.removeprefix("checked: "): count for name, count in notes.items() if name.startswith("checked: ")}
    flat = "flat" if all(is_flat for *_, is_flat in claimed) else "NOT flat"
    load = lambda number: statistics.median(values(quarter(rows, number), "machine_load"))
    cpu = float(rows[-1]["cpu_s"]) / float(rows[-1]["seconds"])
    lines = [
        "# A long time",
        "",
        f"**{minutes:.0f} minutes, {int(notes['objects']):,} objects, {notes['faults']}: {wrong['rows lost']} rows lost, "
        f"{wrong['rows twice']} rows twice; memory, connections and latency are {flat}.**",
        "",
        f"`{notes['command']}` on {notes['day']}: {notes['program']}.",
        "",
        "![Memory, connections, latency and waiting jobs by minutes](soak.svg)",
        "",
        "| medians | second quarter | last quarter | change | |",
        "|---|--:|--:|--:|---|",
        *(f"| {name} | {second:.1f} | {last:.1f} | {(last / second - 1) * 100:+.0f} % | {'flat' if is_flat else 'grown'} |" for name, second, last, is_flat in claimed),
        "",
        f"- Flat is at most {FLAT - 1:.0%} more. The first quarter is for getting warm.",
        f"- Of the objects: {notes['of these']}. Notices: {notes['notices']}.",
        "- The latencies are those of objects with a notice. A listing every five seconds finds the",
        f"  others: {statistics.median(values(rows, 'listed_p50_ms')):,.0f} ms in the median.",
        "- The server runs no jobs. Two workers do. One of them is killed again and again, the other one lives all the time.",
        f"- Server and workers together use {cpu:.0%} of a processor. The machine is busy with other work too: its load average is",
        f"  {load(2):.1f} in the second quarter and {load(4):.1f} in the last one.",
        f"- In the end: {', '.join(f'{name}: {count}' for name, count in wrong.items())}.",
    ]
    return "\n".join(lines) + "\n"


def points(rows, column, of=statistics.median):
    """The line of a column: place and value."""
    size = max(1, len(rows) // POINTS)
    for start in range(0, len(rows), size):
        if found := values(rows[start : start + size], column):
            yield start / max(len(rows) - 1, 1), of(found)


def picture(rows):
    width, height, step = 340, 150, 430
    minutes = float(rows[-1]["seconds"]) / 60
    marks = [(share, f"{minutes * share:.0f} min" if share else "0") for share in (0, 0.25, 0.5, 0.75, 1)]
    panels = [
        ("Memory: server (blue), worker (grey)", "MB", [("b", "worker_mb"), ("a", "server_mb")]),
        ("Put to the end of the job: half (blue), 95 % (grey) of the objects", "ms", [("b", "p95_ms"), ("a", "p50_ms")]),
        ("Connections to the database", "", [("a", "connections")]),
        ("Jobs that wait or run, at most", "", [("a", "waiting_jobs")]),
    ]
    parts = []
    for index, (title, unit, series) in enumerate(panels):
        x, y = 60 + index % 2 * step, 48 + index // 2 * (height + 90)
        of = max if "at most" in title else statistics.median
        lines = [(kind, list(points(rows, column, of))) for kind, column in series]
        parts += chart.curves(x, y, width, height, title, unit, chart.linear, marks, lines, dots=False)
    words = "medians of each minute; sessions are ended, a worker is killed or PostgreSQL restarts in turn"
    parts.append(chart.text(60, 2 * (height + 90) + 28, words, "small"))
    return chart.page(870, 2 * (height + 90) + 40, f"A server and its workers over {minutes:.0f} minutes", parts)


def main(results):
    notes, rows = read(results / "soak.csv")
    claimed = list(claims(rows))
    text = page(notes, rows, claimed)
    (results / "soak.md").write_text(text, encoding="utf-8")
    (results / "soak.svg").write_text(picture(rows), encoding="utf-8")
    print(text)
    sys.exit(not all(is_flat for *_, is_flat in claimed))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS)
