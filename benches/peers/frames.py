"""The three tables as Polars frames."""

import datetime
import os

import polars as pl

ENTRY = pl.Struct({"updatedOn": pl.String, "status": pl.String})
SCHEMA = {
    "userId": pl.String,
    "createdAt": pl.String,
    "lastVisitedAt": pl.Int32,
    "status": pl.String,
    "statusLogs": pl.List(ENTRY),
    "isBlacklisted": pl.Boolean,
}


def read():
    """status, status_log and error_rec, by the names of their tables."""
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    records = pl.read_ndjson(os.environ["FILE"], schema=SCHEMA)
    complete = pl.all_horizontal(pl.col(name).is_not_null() for name in SCHEMA) & (pl.col("status") != "")
    records = records.with_columns(complete.fill_null(False).alias("valid"))
    stamp = pl.lit(now).alias("ingested_at")
    valid = records.lazy().filter("valid")
    entries = (
        valid.select("userId", pl.col("statusLogs")).filter(pl.col("statusLogs").list.len() > 0).explode("statusLogs")
    )
    frames = [
        valid.select(
            pl.col("userId").alias("userid"),
            pl.col("createdAt").alias("createdat"),
            "status",
            pl.col("lastVisitedAt").alias("lastvisitedat"),
            pl.col("isBlacklisted").alias("isblacklisted"),
            stamp,
        ),
        entries.select(
            pl.col("userId").alias("userid"),
            pl.col("statusLogs").struct.field("updatedOn").alias("updatedon"),
            pl.col("statusLogs").struct.field("status").alias("status"),
            stamp,
        ),
        records.lazy().filter(~pl.col("valid")).select(error_rec().alias("error_rec")),
    ]
    return dict(zip(["user_status", "user_status_log", "user_status_error_rec"], pl.collect_all(frames)))


def text(column):
    return column.cast(pl.String).fill_null("null")


def error_rec():
    entry = (
        pl.when(pl.element().is_null())
        .then(pl.lit("null"))
        .otherwise(
            pl.concat_str(
                pl.lit("{"),
                text(pl.element().struct.field("updatedOn")),
                pl.lit(", "),
                text(pl.element().struct.field("status")),
                pl.lit("}"),
            )
        )
    )
    logs = pl.concat_str(pl.lit("["), pl.col("statusLogs").list.eval(entry).list.join(", "), pl.lit("]")).fill_null(
        "null"
    )
    fields = {
        "userid": text(pl.col("userId")),
        "createdAt": text(pl.col("createdAt")),
        "lastVisitedAt": text(pl.col("lastVisitedAt")),
        "status": text(pl.col("status")),
        "statusLogs": logs,
        "isBlacklisted": text(pl.col("isBlacklisted")),
    }
    parts = [part for name, value in fields.items() for part in (pl.lit(f",{name}:"), value)]
    return pl.concat_str(parts).str.slice(1)
