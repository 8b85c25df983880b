"""Small dirty files, one for each kind of dirt: good records, and in their middle the dirty ones.

Each record has its own `id`, by which its rows are found again.
"""

import gzip
import json

GOOD = 8  # records in each file that are clean


def good(number):
    return {
        "id": number, "name": f"sensor {number}", "count": number * 10, "big": number * 1000,
        "amount": number + 0.25, "ratio": number / 4, "ok": number % 2 == 0, "at": f"2026-01-31T12:00:{number % 60:02}Z",
        "items": [{"sku": f"a{number}", "qty": 1}, {"sku": f"b{number}", "qty": 2}],
    }


def line(number, **changed):
    """A record as text, with some of its values replaced by texts of JSON: `count="1.9"`. None leaves the key out."""
    fields = {key: json.dumps(value) for key, value in good(number).items()} | changed
    return "{" + ", ".join(f'"{key}": {text}' for key, text in fields.items() if text is not None) + "}"


def around(*dirty):
    """The dirty lines in the middle of good ones. A line may be text or bytes."""
    half = GOOD // 2
    numbers = [*range(1, half + 1), *range(100, 100 + GOOD - half)]
    lines = [line(number) for number in numbers[:half]] + list(dirty) + [line(number) for number in numbers[half:]]
    return b"".join((text if isinstance(text, bytes) else text.encode()) + b"\n" for text in lines)


def late_text():
    """A number that is a text once, behind more records than a sample has."""
    lines = [line(number) for number in range(1, 30_001)] + [line(30_001, count='"many"')]
    return "".join(text + "\n" for text in lines).encode()


def cut_gzip():
    whole = gzip.compress("".join(line(number) + "\n" for number in range(1, 2001)).encode(), mtime=0)
    return whole[: len(whole) * 3 // 4]


# What is dirty: the name of the case, words for it, and the file.
CASES = [
    ("clean", "nothing: eight clean records", lambda: around()),
    ("null", "null in several columns, a missing key", lambda: around(
        line(10, count="null", amount="null", at="null"), line(11, items="null"), line(12, count=None, ok=None))),
    ("null-required", "null, or no key, for a required column", lambda: around(
        line(10, name="null"), line(11, name=None))),
    ("wrong-type", "values of other types: booleans, fractions, lists, objects, texts",
     lambda: around(line(10, count="true"), line(11, count="1.9"), line(12, count="[1]"), line(13, name="7"),
                    line(14, name='{"first": "Ada"}'), line(15, ok='"yes"'))),
    ("text-for-number", "`\"12\"`, `\"twelve\"` and `\"\"` for numbers", lambda: around(
        line(10, count='"12"'), line(11, count='"twelve"'), line(12, amount='""'))),
    ("late-text", "one text for a number, behind 30,000 good records", late_text),
    ("beyond-int4", "2147483648 for `integer`", lambda: around(line(10, count="2147483648"))),
    ("beyond-int8", "9223372036854775809 for `bigint`", lambda: around(line(10, big="9223372036854775809"))),
    ("beyond-2^53", "9007199254740993 for `bigint`", lambda: around(line(10, big="9007199254740993"))),
    ("many-digits", "amounts with 19 and 21 digits", lambda: around(
        line(10, amount="12345678901234567.89"), line(11, amount="0.123456789012345678901"))),
    ("beyond-double", "1e400 for `double precision`", lambda: around(line(10, ratio="1e400"))),
    ("nan", "`NaN` and `Infinity`, as Python writes them", lambda: around(line(10, ratio="NaN"), line(11, ratio="Infinity"))),
    ("broken-line", "a line in the middle that ends too early", lambda: around(line(10)[:60])),
    ("truncated-end", "a last line that ends too early", lambda: around() + line(110)[:60].encode()),
    ("cut-gzip", "a gzip file of 2,000 records that ends too early", cut_gzip),
    ("two-on-a-line", "two objects on one line", lambda: around(line(10) + line(11))),
    ("blank-lines", "CRLF and blank lines", lambda: around(line(10), "", "   ", line(11)).replace(b"\n", b"\r\n")),
    ("bom", "a byte order mark", lambda: b"\xef\xbb\xbf" + around()),
    ("empty", "an empty file", lambda: b""),
    ("duplicate-key", "a key twice in an object", lambda: around(line(10)[:-1] + ', "count": 7}')),
    ("key-case", "`Count` for `count`, and both beside each other", lambda: around(
        line(10, count=None, Count="5"), line(11, Count="6"))),
    ("new-key", "a key that no other record has", lambda: around(line(10, unit='"kg"'))),
    ("invalid-utf8", "a byte that is not UTF-8", lambda: around(line(10, name='"caf@"').encode().replace(b"@", b"\xe9"))),
    ("lone-surrogate", "`\"\\ud800\"`, half of a character", lambda: around(line(10, name='"a\\ud800b"'))),
    ("nul", "`\"\\u0000\"`, which Postgres cannot hold", lambda: around(line(10, name='"a\\u0000b"'))),
    ("no-zone", "timestamps without a zone", lambda: around(
        line(10, at='"2026-01-31T12:00:00"'), line(11, at='"2026-01-31 12:00:00"'))),
    ("bad-date", "`31/01/2026` and the 30th of February", lambda: around(
        line(10, at='"31/01/2026"'), line(11, at='"2026-02-30T00:00:00Z"'))),
    ("object-for-list", "an object or a text for a list, a number for its entry", lambda: around(
        line(10, items='{"sku": "a", "qty": 1}'), line(11, items='"none"'), line(12, items='[{"sku": "a", "qty": 1}, 7]'))),
]


def delivered(count="10"):
    """For what is delivered several times: clean records, of which one may have another value."""
    return around(line(10, count=count))


# Deliveries: a name, words for it, and the files in the order in which they come. `!` is a new date without new content.
DELIVERIES = [
    ("twice-in-file", "one file, in which a record stands twice", [("a", lambda: around(line(10), line(10)))]),
    ("again", "the same file, loaded a second time", [("a", delivered), ("a", delivered)]),
    ("touched", "the same file, written again", [("a", delivered), ("a!", delivered)]),
    ("renamed", "the same records in a file of another name", [("a", delivered), ("b", delivered)]),
    ("overwritten", "the file again, with another value in a record", [("a", delivered), ("a", lambda: delivered("99"))]),
    ("next", "a file with other records", [("a", delivered), ("b", lambda: (line(20) + "\n" + line(21) + "\n").encode())]),
]
