#!/usr/bin/env python3
"""Writes the tables of docs/concepts/dirty-files.md, of what dirty.sh found and of the commands that it ran.

report.py [RESULTS]      (default benches/results; another folder leaves the page unchanged, and prints the tables)
"""

import csv
import pathlib
import re
import sys

import files
from tool import HERE, tools

ROOT = HERE.parents[2]
RESULTS = ROOT / "benches/results"
PAGE = ROOT / "docs/concepts/dirty-files.md"
MARKS = "<!-- dirty: benches/peers/dirty/report.py writes this -->", "<!-- /dirty -->"
WORDS = {name: words for name, words, _ in files.CASES} | {name: words for name, words, _ in files.DELIVERIES}
TOOLS = tools()
ORDER = ["stevedore", "dlt", "sling", "duckdb"]  # the first words of scripts
COUNTS = ["kept", "rejected", "changed", "lost", "twice"]


def read(path):
    lines = path.read_text().splitlines()
    notes = [line[2:] for line in lines if line.startswith("# ")]
    return notes, list(csv.DictReader(line for line in lines if not line.startswith("# ")))


def counts(run):
    return {name: int(run[name]) for name in COUNTS}


def cell(run):
    """What came of a file: `9 kept, **1 changed**`. Bold is what is not as in the file."""
    came = counts(run)
    if run["load"] == "failed" and not any(came[name] for name in ("kept", "changed", "rejected", "twice")):
        return "fails"
    words = [f"{came[name]:,} {name}" if name in ("kept", "rejected") else f"**{came[name]:,} {name}**" for name in COUNTS if came[name]]
    return ("fails: " if run["load"] == "failed" else "") + (", ".join(words) or "0 records")


def table(runs, name):
    """Cases from top to bottom, tools from left to right."""
    runs = [run for run in runs if run["table"] == name]
    tools = sorted({run["tool"] for run in runs}, key=order)
    cells = {(run["case"], run["tool"]): cell(run) for run in runs}
    rows = [f"| | {' | '.join(TOOLS[tool].about for tool in tools)} |", "|---|" + "---|" * len(tools)]
    for case in dict.fromkeys(run["case"] for run in runs):
        rows.append(f"| {WORDS[case]} | {' | '.join(cells.get((case, tool), '–') for tool in tools)} |")
    if name != "deliveries":
        cases = len({run["case"] for run in runs})
        rows.append(f"| **of {cases} files** | {' | '.join(total([run for run in runs if run['tool'] == tool]) for tool in tools)} |")
    return "\n".join(rows)


def order(tool):
    return ORDER.index(tool.split("-")[0]), tool


def total(runs):
    """How many files came to which end, by the worst that happened to a record of theirs."""
    ends = {"whole": 0, "with rejects": 0, "changed": 0, "with losses": 0, "fail": 0}
    for run in runs:
        came = counts(run)
        ends["fail" if run["load"] == "failed" else "with losses" if came["lost"] else "changed" if came["changed"]
             else "with rejects" if came["rejected"] else "whole"] += 1
    return ", ".join(f"{number} {end}" for end, number in ends.items() if number)


def changes(runs):
    """What was changed, and by which tools in the same way."""
    alike = {}
    for run in runs:
        if run["table"] != "deliveries" and int(run["changed"]):
            shown = [code(note) for note in run["notes"].split(" ; ") if " → " in note][:4]
            more = int(run["changed"]) - len(shown)
            words = "; ".join(shown) + (f"; {more:,} more" if more > 0 else "")
            alike.setdefault((run["case"], words), set()).add(run["tool"])
    places = {case: at for at, case in enumerate(WORDS)}
    rows = []
    for (case, words), by in sorted(alike.items(), key=lambda item: places[item[0][0]]):
        rows.append(f"| {WORDS[case]} | {words} | {'; '.join(TOOLS[tool].about for tool in sorted(by, key=order))} |")
    return "\n".join(["| | in the file → in Postgres | by |", "|---|---|---|", *rows])


def code(text):
    text = text.replace("|", "\\|")
    return f"``{text}``" if "`" in text else f"`{text}`"


def commands():
    parts = []
    for tool in sorted(TOOLS.values(), key=lambda tool: order(tool.name)):
        lines = [line for line in tool.path.read_text().splitlines() if not re.match(r"# (about|in|needs|shellcheck)\b", line)]
        language = "python" if tool.path.suffix == ".py" else "sh"
        parts.append(f"{tool.about}:\n\n```{language}\n" + "\n".join(lines) + "\n```")
    shared = (HERE / "pipeline.py").read_text().split("import dlt")[1].split("\n", 1)[1].split("FOLDER, NAME")[1]
    feed = (HERE / "readings.toml").read_text().split("\n\n", 1)[1].strip()
    parts.append(f"What the scripts of dlt share:\n\n```python\n{shared.split(chr(10), 1)[1].strip()}\n```")
    parts.append(f"The feed of Stevedore, `readings.toml`:\n\n```toml\n{feed}\n```")
    parts.append(f"The tables into which DuckDB loads declared columns, `tables.sql`:\n\n```sql\n{(HERE / 'tables.sql').read_text().strip()}\n```")
    return "\n\n".join(parts)


def sections(notes, runs):
    return "\n\n".join([
        "## As they load by default",
        "The columns of Stevedore are those of a feed. The other tools infer theirs from the file.", table(runs, "default"),
        "## With declared columns",
        "The columns are declared for all of them, as in the feed of Stevedore.", table(runs, "strict"),
        "## Delivered again",
        "Nine records come, and then come again in another way. In the first line, the file itself has a record twice.",
        table(runs, "deliveries"),
        "## What was changed", changes(runs),
        "## The commands", "\n".join(f"- {note}" for note in notes), commands(),
    ])


def main(results):
    text = sections(*read(results / "dirty.csv"))
    if results.resolve() != RESULTS:
        print(text)
        return
    begin, end = MARKS
    page = PAGE.read_text()
    PAGE.write_text(re.sub(f"{re.escape(begin)}.*{re.escape(end)}", lambda _: f"{begin}\n\n{text}\n\n{end}", page, flags=re.DOTALL))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS)
