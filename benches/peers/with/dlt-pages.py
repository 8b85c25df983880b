# about: dlt
# needs: dlt
# slow
"""Rows are yielded in pages, and files are CSV, which dlt loads by COPY: what its page on speed advises."""

import datetime
import json
import os

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
import dlt

NOW = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
PAGE = 10_000
FIELDS = ["userId", "createdAt", "lastVisitedAt", "status", "statusLogs", "isBlacklisted"]
COLUMNS = {
    "user_status": {
        "userid": "text",
        "createdat": "text",
        "status": "text",
        "lastvisitedat": "bigint",
        "isblacklisted": "bool",
        "ingested_at": "timestamp",
    },
    "user_status_log": {"userid": "text", "updatedon": "text", "status": "text", "ingested_at": "timestamp"},
    "user_status_error_rec": {"error_rec": "text"},
}


def text(value):
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def error_rec(record):
    logs = record.get("statusLogs")
    if logs is not None:
        entries = (
            "null" if entry is None else f"{{{text(entry.get('updatedOn'))}, {text(entry.get('status'))}}}"
            for entry in logs
        )
        logs = f"[{', '.join(entries)}]"
    values = [
        record.get("userId"),
        record.get("createdAt"),
        record.get("lastVisitedAt"),
        record.get("status"),
        logs,
        record.get("isBlacklisted"),
    ]
    names = ["userid", *FIELDS[1:]]
    return ",".join(f"{name}:{text(value)}" for name, value in zip(names, values))


def rows(record):
    """The table and row of everything that a record becomes."""
    if any(record.get(field) is None for field in FIELDS) or record["status"] == "":
        yield "user_status_error_rec", {"error_rec": error_rec(record)}
        return
    user = record["userId"]
    yield (
        "user_status",
        {
            "userid": user,
            "createdat": record["createdAt"],
            "status": record["status"],
            "lastvisitedat": record["lastVisitedAt"],
            "isblacklisted": record["isBlacklisted"],
            "ingested_at": NOW,
        },
    )
    for entry in record["statusLogs"]:
        entry = entry or {}
        yield (
            "user_status_log",
            {"userid": user, "updatedon": entry.get("updatedOn"), "status": entry.get("status"), "ingested_at": NOW},
        )


@dlt.resource(max_table_nesting=0)
def records():
    pages = {table: [] for table in COLUMNS}
    with open(os.environ["FILE"]) as file:
        for line in file:
            for table, row in rows(json.loads(line)):
                pages[table].append(row)
                if len(pages[table]) == PAGE:
                    yield hints(table, pages[table])
                    pages[table] = []
    for table, page in pages.items():
        yield hints(table, page)


def hints(table, page):
    columns = [{"name": name, "data_type": kind, "timezone": False} for name, kind in COLUMNS[table].items()]
    return dlt.mark.with_hints(
        page,
        dlt.mark.make_hints(table_name=table, columns=columns, write_disposition="append"),
        create_table_variant=True,
    )


pipeline = dlt.pipeline(
    "peer",
    pipelines_dir=os.path.join(os.environ["SCRATCH"], "dlt"),
    dataset_name="public",
    destination=dlt.destinations.postgres(os.environ["DATABASE_URL"]),
)
pipeline.run(records(), loader_file_format="csv").raise_on_failed_jobs()
