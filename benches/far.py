#!/usr/bin/env python3
"""Makes the tables, the chart and the section of benches/README.md of what far.sh measured.

far.py [RESULTS]      (default benches/results; another folder leaves benches/README.md unchanged)
"""

import csv
import pathlib
import re
import statistics
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benches/peers"))
import chart  # noqa: E402
from report import digits  # noqa: E402

RESULTS = ROOT / "benches/results"
MARKS = "<!-- far: benches/far.py writes this -->", "<!-- /far -->"
OURS, OTHER = "stevedore", "duckdb"

class Input:
    """All runs over the same objects: by peer and distance, one of each round."""

    def __init__(self, name, described):
        self.name, self.runs, self.problems = name, {}, {}
        self.records, self.objects, self.bytes = (int(described[word]) for word in ("records", "objects", "bytes"))

    def title(self):
        if self.objects > 1:
            return f"{self.objects:,} objects of {self.records / self.objects:g} records"
        return f"{self.records:,} records in one object"

    def add(self, run):
        key = run["peer"], run["distance"]
        if run["rows"] == "equal":
            self.runs.setdefault(key, {})[run["round"]] = run
        else:
            self.problems[key] = run["rows"]

    def distances(self):
        return list(dict.fromkeys(distance for _, distance in [*self.runs, *self.problems]))

    def of(self, peer, distance):
        return self.runs.get((peer, distance), {})

    def median(self, peer, distance, column="wall_s"):
        runs = self.of(peer, distance).values()
        return statistics.median(float(run[column]) for run in runs) if runs else None

    def ratio(self, one, other):
        """The median of the ratios within each round."""
        one, other = self.of(*one), self.of(*other)
        ratios = [float(one[at]["wall_s"]) / float(other[at]["wall_s"]) for at in one if at in other]
        return statistics.median(ratios) if ratios else None

    def rate(self, seconds):
        if seconds is None:
            return "–"
        return f"{self.objects / seconds:,.0f} objects/s" if self.objects > 1 else f"{self.bytes / 1e6 / seconds:.0f} MB/s"


def shown(value):
    return "–" if value is None else digits(value)


def place(distance):
    return "local folder" if distance == "local" else f"{distance} ms"


def table(measured):
    rows = [
        "| answers after | stevedore s | × the local folder | rate | client CPU s | peak MB | DuckDB s | × ours | peak MB | rounds |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for distance in measured.distances():
        ours, other = (OURS, distance), (OTHER, distance)
        seconds = measured.median(*ours)
        theirs = measured.median(*other)
        if theirs is None and other in measured.problems:
            theirs = measured.problems[other]
        cells = [
            place(distance),
            shown(seconds),
            shown(measured.ratio(ours, (OURS, "local"))),
            measured.rate(seconds),
            shown(measured.median(*ours, "client_cpu_s")),
            shown(peak(measured, ours)),
            theirs if isinstance(theirs, str) else shown(theirs),
            shown(measured.ratio(other, ours)),
            shown(peak(measured, other)),
            f"{len(measured.of(*ours))} and {len(measured.of(*other))}",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def peak(measured, key):
    """Of all runs, not the median."""
    runs = measured.of(*key).values()
    return max((float(run["rss_mb"]) for run in runs), default=None)


def section(every):
    return "\n\n".join(f"{measured.title()} ({measured.bytes / 1e6:.0f} MB):\n\n{table(measured)}" for measured in every)


def picture(every):
    width, height, step = 200, 170, 285
    parts = []
    for column, measured in enumerate(every):
        distances = measured.distances()
        spot = {distance: index / max(len(distances) - 1, 1) for index, distance in enumerate(distances)}
        series = []
        for kind, peer in (("b dash", OTHER), ("a", OURS)):
            points = [(spot[d], measured.median(peer, d)) for d in distances if measured.median(peer, d) is not None]
            series += [(kind, points)] * bool(points)
        marks = [(spot[distance], distance) for distance in distances]
        axis = chart.logarithmic if measured.objects > 1 else chart.linear
        words = f"{measured.objects:,} objects" if measured.objects > 1 else f"{measured.records:,} records"
        title = f"{words}, {measured.bytes / 1e6:.0f} MB: seconds"
        parts += chart.curves(60 + column * step, 48, width, height, title, "s", axis, marks, series)
    words = "blue: stevedore load; dashed: DuckDB with httpfs and its postgres extension; below: the local folder, then the milliseconds of each answer"
    parts.append(chart.text(60, 262, words, "small"))
    return chart.page(870, 274, "How long loading takes by the distance of the store", parts)


def read(path):
    lines = path.read_text().splitlines()
    notes = [line[2:] for line in lines if line.startswith("# ")]
    described = {}
    for note in notes:
        if found := re.match(r"input: (\w+), (?P<records>\d+) records, (?P<objects>\d+) objects, (?P<bytes>\d+) bytes", note):
            described[found[1]] = found.groupdict()
    every = {name: Input(name, words) for name, words in described.items()}
    for run in csv.DictReader(line for line in lines if not line.startswith("#")):
        every[run["input"]].add(run)
    return notes, list(every.values())


def page(notes, every):
    return (
        "# How far the store is\n\nThe same objects from a local folder and from an S3 store on this machine (`benches/far.rs`) that "
        "begins each answer after so many milliseconds and gives each stream 90 MB/s. Medians of whole processes in turn, the rows "
        "compared after each; ratios are medians of those within each round; peaks are the greatest of all runs.\n\n"
        f"{section(every)}\n\n" + "\n".join(f"- {note}" for note in notes) + "\n"
    )


def write_readme(every):
    readme = ROOT / "benches/README.md"
    begin, end = MARKS
    picture = "![Seconds by the distance of the store](results/far.svg)"
    block = f"{begin}\n\n{picture}\n\n{section(every)}\n\n{end}"
    text = readme.read_text()
    readme.write_text(re.sub(f"{re.escape(begin)}.*{re.escape(end)}", lambda _: block, text, flags=re.DOTALL))


def main(results):
    notes, every = read(results / "far.csv")
    (results / "far.md").write_text(page(notes, every))
    (results / "far.svg").write_text(picture(every))
    if results.resolve() == RESULTS:
        write_readme(every)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS)
