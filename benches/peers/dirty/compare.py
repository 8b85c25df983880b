"""Compares what is in Postgres with the reading of the file."""

import datetime
import decimal
import json
import re

from reading import Number, Several

MISSING = object()


class Outcome:
    """What came of the records of a file."""

    def __init__(self):
        self.kept = self.changed = self.rejected = self.lost = self.twice = 0
        self.notes = []


def outcome(records, rows, rejects):
    """`rows` are what the tables have, by id; `rejects` are the texts that were set aside. Rows beyond one for each
    record are twice there."""
    came, wanted = Outcome(), {}
    for record in records:
        wanted.setdefault(record.id, []).append(record)
    for identity, alike in wanted.items():
        found = list(rows.get(identity, []))
        for record in alike:
            if found:
                differences, closest = min(((differ(record, row), at) for at, row in enumerate(found)), key=lambda pair: len(pair[0]))
                del found[closest]
                came.changed += bool(differences)
                came.kept += not differences
                came.notes += differences
            elif has_text(rejects, record):
                came.rejected += 1
            else:
                came.lost += 1
        came.twice += len(found)
    return came


def has_text(rejects, record):
    """Whether a record is set aside with its whole text: bytes that Postgres cannot hold are written as `\\xNN`."""
    text = "".join(f"\\x{ord(c) - 0xdc00:02X}" if 0xdc80 <= ord(c) <= 0xdcff else c for c in record.text)
    return any(text in reject for reject in rejects)


def differ(record, row):
    """What of a record its row does not have, in words."""
    if record.fields is None:
        return [f"{shorten(record.text)} → a row with {shorten(json.dumps(row, default=str))}"]
    words = []
    for key, value in record.fields.items():
        for wanted in value if isinstance(value, Several) else [value]:
            candidates = holders(row, key)
            if not any(same(wanted, found) for found in candidates):
                shown = next((found for found in candidates if found is not None), None)
                words.append(f"{key}: {written(wanted)} → {written(shown)}")
    return words


def holders(row, key):
    """The values of all columns that may hold a key: that of its name, its variants, and those for all other keys."""
    folded = key.lower()
    exact = [value for name, value in row.items() if name == key]
    close = [value for name, value in row.items() if name != key and re.match(rf"{folded}(_|$)", name.lower())]
    inner = {name[len(key) + 2 :]: value for name, value in row.items() if name.lower().startswith(f"{folded}__") and value is not None}
    others = [row[name][key] for name in ("rest", "data") if isinstance(row.get(name), dict) and key in row[name]]
    return [*exact, *close, *([inner] if inner else []), *others] or [None]


def same(wanted, found):
    if isinstance(found, str) and isinstance(wanted, (dict, list)):
        try:
            found = json.loads(found, parse_float=decimal.Decimal, parse_int=decimal.Decimal)
        except ValueError:
            return False
    if wanted is None or found is None:
        return wanted is found or (wanted is None and found in ([], "null"))
    if isinstance(wanted, Number):
        return same_number(wanted, found)
    if isinstance(wanted, bool) or isinstance(found, bool):
        return wanted is found or str(found).lower() == str(wanted).lower()
    if isinstance(wanted, str):
        return wanted == str(found) or same_moment(wanted, str(found))
    if isinstance(wanted, list):
        return isinstance(found, list) and len(wanted) == len(found) and all(map(same, wanted, found))
    return isinstance(found, dict) and all(same(value, found.get(key)) for key, value in wanted.items())


def same_number(wanted, found):
    if isinstance(found, (bool, list, dict)):
        return False
    if wanted == str(found):
        return True
    try:
        return decimal.Decimal(str(found)) == decimal.Decimal(wanted)
    except decimal.InvalidOperation:
        return False


def same_moment(wanted, found):
    """Whether both are one moment. A time without a zone may stand for UTC, but a zone must not be added."""
    try:
        wanted, found = (datetime.datetime.fromisoformat(text) for text in (wanted, found))
    except ValueError:
        return False
    if wanted.tzinfo is not None and found.tzinfo is None:
        found = found.replace(tzinfo=datetime.timezone.utc)
    return (wanted.tzinfo is None) == (found.tzinfo is None) and wanted == found


def written(value):
    """A value as it is shown: as JSON, its numbers as they were written."""
    if isinstance(value, dict):
        text = "{" + ", ".join(f'"{key}": {written(inner)}' for key, inner in value.items()) + "}"
    elif isinstance(value, list):
        text = f"[{', '.join(map(written, value))}]"
    elif isinstance(value, (Number, decimal.Decimal)):
        text = str(value)
    else:
        text = json.dumps(value, default=str)
    return shorten(text)


def shorten(text):
    text = text.encode("ascii", "backslashreplace").decode()
    return text if len(text) <= 60 else text[:57] + "…"
