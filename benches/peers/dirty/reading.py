"""An independent reading of a file: what Python's `json` finds in it, every number as the text that it was written as.

A record that is not strict JSON in UTF-8 is still read as far as that is possible, so that a tool which is kinder can
be compared with it. What cannot be read at all is a record without fields.
"""

import json
import re
import zlib


class Number(str):
    """A number, as it is written."""


class Several(list):
    """The values of a key that an object has several times."""


class Record:
    """A record of the file: its id, its fields (None if it cannot be read), and its text."""

    def __init__(self, identity, fields, text):
        self.id, self.fields, self.text = identity, fields, text


def pairs(found):
    fields = {}
    for key, value in found:
        fields[key] = Several([*fields[key], value] if isinstance(fields[key], Several) else [fields[key], value]) \
            if key in fields else value
    return fields


DECODER = json.JSONDecoder(object_pairs_hook=pairs, parse_int=Number, parse_float=Number, parse_constant=Number)


def unpacked(content):
    if not content.startswith(b"\x1f\x8b"):
        return content
    return zlib.decompressobj(wbits=31).decompress(content)


def records(content):
    """The records of a file's bytes."""
    found = []
    for line in unpacked(content).removeprefix(b"\xef\xbb\xbf").splitlines():
        text = line.decode("utf-8", "surrogateescape").strip()
        while text:
            try:
                fields, end = DECODER.raw_decode(text)
            except ValueError:
                fields, end = None, len(text)
            identity = re.search(r'"id": (\d+)', text[:end])
            found.append(Record(int(identity[1]) if identity else None, fields, text[:end]))
            text = text[end:].strip()
    return found
