"""What is in Postgres, however a tool names its columns and child tables."""

import decimal
import json
import os
import subprocess


def sql(*commands):
    """The lines that psql prints."""
    arguments = [argument for command in commands for argument in ("-c", command)]
    psql = ["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", os.environ["DATABASE_URL"], *arguments]
    environment = os.environ | {"PGTZ": "UTC", "PGOPTIONS": "-c client_min_messages=warning"}
    return subprocess.run(psql, env=environment, check=True, capture_output=True, text=True).stdout.splitlines()


def clear():
    """An empty database."""
    sql("drop schema if exists stevedore, stevedore_queue, public cascade", "create schema public")


def names():
    return sql("select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'")


def read(table):
    lines = sql(f'select row_to_json(t) from "{table}" as t')
    return [json.loads(line, parse_float=decimal.Decimal, parse_int=int) for line in lines]


def rejects():
    """The texts that were set aside."""
    return [row["raw"] for row in read("readings_rejects")] if "readings_rejects" in names() else []


def rows():
    """The rows of the root table by id, each with the entries of its lists."""
    found, every = {}, names()
    if "readings" not in every:
        return found
    by_dlt_id = {}
    for row in read("readings"):
        by_dlt_id[row.get("_dlt_id")] = row
        data = row.get("data")
        identity = data.get("id") if isinstance(data, dict) else row.get("id")
        found.setdefault(int(identity) if identity is not None else None, []).append(row)
    if "readings_items" in every:
        entries = {}
        for entry in sorted(read("readings_items"), key=lambda entry: entry.get("position", entry.get("item_no"))):
            entries.setdefault(entry["id"], []).append({"sku": entry["sku"], "qty": entry["qty"]})
        for identity, alike in found.items():
            for at, row in enumerate(alike):  # of rows with one id, each has its share of the entries
                row["items"] = entries.get(identity, [])[at :: len(alike)]
    for child in (name for name in every if name.startswith("readings__")):
        for entry in sorted(read(child), key=lambda entry: entry["_dlt_list_idx"]):
            parent = by_dlt_id.get(entry["_dlt_parent_id"])
            if parent is not None:
                key = child.removeprefix("readings__")
                parent[key] = [*(parent.get(key) or []), of_dlt(entry)]
    return found


def of_dlt(entry):
    fields = {name: value for name, value in entry.items() if not name.startswith("_dlt") and value is not None}
    return fields["value"] if list(fields) == ["value"] else fields
