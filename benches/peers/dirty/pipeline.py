"""What the scripts of dlt share: the pipeline, and the records of a file with their columns declared."""

import os

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
import dlt  # noqa: E402
from dlt.sources.filesystem import filesystem, read_jsonl  # noqa: E402

FILE, CLEAN = os.environ["FILE"], os.environ["CLEAN"]
FOLDER, NAME = os.path.split(FILE)

COLUMNS = {
    "id": {"data_type": "bigint", "precision": 32, "nullable": False},
    "name": {"data_type": "text", "nullable": False},
    "count": {"data_type": "bigint", "precision": 32},
    "big": {"data_type": "bigint"},
    "amount": {"data_type": "decimal", "precision": 18, "scale": 2},
    "ratio": {"data_type": "double"},
    "ok": {"data_type": "bool"},
    "at": {"data_type": "timestamp"},
}
ITEMS = {
    "sku": {"name": "sku", "data_type": "text"},
    "qty": {"name": "qty", "data_type": "bigint", "precision": 32},
}

pipeline = dlt.pipeline(
    "dirty",
    pipelines_dir=os.path.join(os.environ["SCRATCH"], "dlt"),
    dataset_name="public",
    destination=dlt.destinations.postgres(os.environ["DATABASE_URL"]),
)


def records(file):
    folder, name = os.path.split(file)
    return (filesystem(folder, file_glob=name) | read_jsonl()).with_name("readings")


def declared(file):
    found = records(file)
    found.apply_hints(columns=COLUMNS, nested_hints={"items": {"columns": ITEMS}})
    return found
