#!/usr/bin/env python3
"""Makes tables, the chart and the section of benches/README.md from what run.sh measured.

report.py [RESULTS]      (default benches/results; another folder leaves benches/README.md unchanged)
"""

import csv
import pathlib
import re
import statistics
import sys

import chart

ROOT = pathlib.Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benches/results"
OURS, LIMIT = "stevedore", "limit-one"
MARKS = "<!-- peers: benches/peers/report.py writes this -->", "<!-- /peers -->"


class Peer:
    """All runs of one peer on one file."""

    def __init__(self, runs):
        self.name, self.about = runs[0]["peer"], runs[0]["about"]
        self.problem = next((run["rows"] for run in runs if run["rows"] != "equal"), None)
        good = [run for run in runs if run["rows"] == "equal"]
        self.runs = len(good)
        if good:
            for column in ("wall_s", "client_cpu_s", "server_cpu_s", "rss_mb"):
                setattr(self, column, statistics.median(float(run[column]) for run in good))
            walls = [float(run["wall_s"]) for run in good]
            self.spread = f"{digits(min(walls))} to {digits(max(walls))}"


class Measured:
    """One results file: what is said of it, and its peers, fastest first."""

    def __init__(self, path):
        lines = path.read_text().splitlines()
        self.notes = [line[2:] for line in lines if line.startswith("# ")]
        runs = {}
        for run in csv.DictReader(line for line in lines if not line.startswith("#")):
            runs.setdefault(run["peer"], []).append(run)
        peers = [Peer(of_one) for of_one in runs.values()]
        self.peers = sorted((peer for peer in peers if peer.runs), key=lambda peer: peer.wall_s)
        self.failed = [peer for peer in peers if peer.problem]
        self.by_name = {peer.name: peer for peer in self.peers}
        self.records = int(path.stem.removeprefix("peers-"))

    def where(self):
        """The machine, how busy it was, the server and the day."""
        told = ("machine:", "load average", "server:", "day:")
        return "; ".join(note.removeprefix("machine: ") for note in self.notes if note.startswith(told))

    def missing(self):
        """What there are no numbers of, and why."""
        left_out = [note for note in self.notes if note.startswith(("left out:", "only these were run:"))]
        return left_out + [f"failed: {peer.about}: {peer.problem}" for peer in self.failed]

    def ratio(self, peer, to):
        return digits(peer.wall_s / self.by_name[to].wall_s) if to in self.by_name else "–"


def digits(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(measured):
    rows = [
        "| | wall s | of all runs | ratio to ours | ratio to the limit | client CPU s | server CPU s | peak memory MB | runs |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for peer in measured.peers:
        server = f"{digits(peer.server_cpu_s)}" if peer.server_cpu_s else "–"
        rows.append(
            f"| {peer.about} | {digits(peer.wall_s)} | {peer.spread} | {measured.ratio(peer, OURS)} | {measured.ratio(peer, LIMIT)} | "
            f"{digits(peer.client_cpu_s)} | {server} | {peer.rss_mb:.0f} | {peer.runs} |"
        )
    return "\n".join(rows)


def notes(measured):
    told = [note for note in measured.notes if note not in measured.missing()]
    return "\n".join(f"- {note}" for note in told + measured.missing())


def page(measured):
    return (
        f"# {measured.records:,} records\n\nMedians; each run is a whole process, in turn, and its rows were compared "
        f"afterwards. The limit is `\\copy` of ready binary files.\n\n{verdict(measured)}\n\n{table(measured)}\n\n{notes(measured)}\n"
    )


def verdict(measured):
    """How ours stands, in one line."""
    ours = measured.by_name.get(OURS)
    others = [peer for peer in measured.peers if kind(peer) == "b"]
    if not ours or not others:
        return ""
    words = f"The fastest of the others, {others[0].about}, takes {measured.ratio(others[0], OURS)} × as long as ours"
    if "old-job" in measured.by_name:
        words += f", and the old job {measured.ratio(measured.by_name['old-job'], OURS)} ×"
    if ours.server_cpu_s:
        words += f". Our client takes {ours.client_cpu_s / ours.server_cpu_s:.2f} × the CPU of the server"
    return words + "."


def plain(words):
    return words.replace("**", "").replace("`", "")


def picture(every):
    parts, top = [], 0
    for measured in every:
        title = f"{measured.records:,} records: seconds from start to committed (logarithmic)"
        rows = [
            (plain(peer.about), peer.wall_s, kind(peer), f"{digits(peer.wall_s)} s, {measured.ratio(peer, OURS)} ×")
            for peer in measured.peers
        ]
        added, height = chart.bars(top, 860, title, rows)
        parts += added
        top += height + 16
    return chart.page(860, top, "How long loading takes, and by what", parts)


def kind(peer):
    return "a" if peer.name.startswith(OURS) else "c" if peer.name.startswith("limit") else "b"


def section(every):
    """All sizes side by side, in the order of the largest."""
    head = "".join(f" {measured.records:,} records: s | × ours | CPU s | MB |" for measured in every)
    rows = [f"| |{head}", "|---|" + "--:|--:|--:|--:|" * len(every)]
    for peer in sorted({p.name: p for m in every for p in m.peers}.values(), key=lambda peer: order(every, peer.name)):
        cells = "".join(cell(measured, measured.by_name.get(peer.name)) for measured in every)
        rows.append(f"| {peer.about} |{cells}")
    said = [f"- {measured.records:,} records: {note}." for measured in every for note in [measured.where(), *measured.missing()]]
    return "\n".join(rows + [""] + said)


def order(every, name):
    return [measured.by_name[name].wall_s if name in measured.by_name else float("inf") for measured in reversed(every)]


def cell(measured, peer):
    if peer is None:
        return " – | – | – | – |"
    return f" {digits(peer.wall_s)} | {measured.ratio(peer, OURS)} | {digits(peer.client_cpu_s)} | {peer.rss_mb:.0f} |"


def write_readme(every):
    readme = ROOT / "benches/README.md"
    begin, end = MARKS
    block = f"{begin}\n\n![Seconds of each, logarithmic](results/peers.svg)\n\n{section(every)}\n\n{end}"
    text = readme.read_text()
    readme.write_text(re.sub(f"{re.escape(begin)}.*{re.escape(end)}", lambda _: block, text, flags=re.DOTALL))


def main(results):
    every = sorted((Measured(path) for path in results.glob("peers-*.csv")), key=lambda measured: measured.records)
    for measured in every:
        (results / f"peers-{measured.records}.md").write_text(page(measured))
    (results / "peers.svg").write_text(picture(every))
    if results.resolve() == RESULTS:
        write_readme(every)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS)
