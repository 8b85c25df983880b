"""Holds events against the schemas of OpenLineage, and each facet against the one that it names.

Arguments: a file with an event a line.
"""

import json
import re
import sys
from pathlib import Path

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

files = [json.loads(file.read_text()) for file in Path(__file__).with_name("schemas").glob("*.json")]
schemas = {schema["$id"]: schema for schema in files}
EVENTS = "https://openlineage.io/spec/2-0-2/OpenLineage.json"


def retrieve(uri):
    """The schema of a URI. Facets name the schema of events by the version that was the newest one then."""
    uri = re.sub(r"/spec/[0-9-]+/OpenLineage\.json", "/spec/2-0-2/OpenLineage.json", uri)
    of_old_form = re.fullmatch(r"(.*OpenLineage\.json)/(\$defs/\w+)", uri)
    if of_old_form:
        schema = {"$ref": f"{of_old_form[1]}#/{of_old_form[2]}"}
    else:
        schema = schemas[uri]
    return Resource.from_contents(schema, default_specification=DRAFT202012)


registry = Registry(retrieve=retrieve)


def validate(value, schema):
    checker = FormatChecker()
    Draft202012Validator({"$ref": schema}, registry=registry, format_checker=checker).validate(value)


def facets(value):
    """All facets within a value."""
    if isinstance(value, dict):
        if "_schemaURL" in value:
            yield value
        for part in value.values():
            yield from facets(part)
    elif isinstance(value, list):
        for part in value:
            yield from facets(part)


seen = set()
for line in Path(sys.argv[1]).read_text().splitlines():
    event = json.loads(line)
    assert event["schemaURL"].startswith(EVENTS), event
    validate(event, event["schemaURL"])
    for facet in facets(event):
        validate(facet, facet["_schemaURL"])
        seen.add(facet["_schemaURL"].rsplit("/", 1)[1])
# Every schema was used.
unused = {id.rsplit("/", 1)[1][: -len(".json")] for id in schemas} - seen - {"OpenLineage"}
assert not unused, unused
