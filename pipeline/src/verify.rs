//! Holds the tables against the ledger, and the ledger against the objects read anew.

use polars::prelude::{DataFrame, PolarsError, PolarsResult, polars_err};
use serde::Serialize;

use crate::catalog::readback::read;
use crate::database::Connection;
use crate::error::{Error, Result};
use crate::feed::{Feed, TableName};
use crate::load::Summary;
use crate::sink::Mode;
use crate::source::Format;

/// A count by all who know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Count {
    /// What the ledger says.
    pub ledger: u64,
    /// How many rows are there; None of what has no rows.
    pub table: Option<u64>,
    /// What the object gives when it is read anew; None if it was not.
    pub object: Option<u64>,
    /// Whether fewer rows than the ledger says are right too, as later loads may have replaced some.
    pub at_most: bool,
}

impl Count {
    /// Whether all who know it say the same.
    #[must_use]
    pub fn agrees(&self) -> bool {
        let in_table = self.table.is_none_or(|rows| {
            if self.at_most { rows <= self.ledger } else { rows == self.ledger }
        });
        in_table && self.object.is_none_or(|count| count == self.ledger)
    }
}

/// How far a load in parts is that is not complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Incomplete {
    /// Parts that are committed.
    pub committed: u64,
    /// All parts.
    pub parts: u64,
}

/// A load of the ledger, and what is there of it.
#[derive(Debug, Clone, Serialize)]
pub struct Verified {
    /// The load.
    pub load_id: u64,
    /// Its object, as the ledger calls it.
    pub object: String,
    /// Where the object really is, if that is known.
    pub origin: Option<String>,
    /// The version of the object that was loaded.
    pub version: String,
    /// The mode in which it was written.
    #[serde(skip)]
    pub mode: Mode,
    /// How the object's records follow each other.
    #[serde(skip)]
    pub format: Option<Format>,
    /// How far it is, if it is not complete: the counts are those of the parts that are committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<Incomplete>,
    /// Records of the object.
    pub records: Count,
    /// Records that are valid.
    pub loaded: Count,
    /// Rows of the status table that the load has written: in merge mode one of each key.
    pub status_rows: Count,
    /// Rows of the log.
    pub log_rows: Count,
    /// Rejected records.
    pub rejected: Count,
}

impl Verified {
    /// Whether all counts agree.
    #[must_use]
    pub fn agrees(&self) -> bool {
        let Self { records, loaded, status_rows, log_rows, rejected, .. } = self;
        [records, loaded, status_rows, log_rows, rejected].iter().all(|count| count.agrees())
    }

    /// Adds what a dry run of the same version has counted.
    pub fn add(&mut self, anew: &Summary) {
        self.records.object = Some(anew.records);
        self.loaded.object = Some(anew.loaded);
        self.log_rows.object = Some(anew.log_rows);
        self.rejected.object = Some(anew.rejected);
    }
}

/// Counts what is in the tables of each load that the ledger has, or of one. Rows of the status table
/// and the log are known by their `ingested_at`, which is when their load began; rejected ones by
/// their `load_id`. Each table is read once, by the server.
///
/// # Errors
/// [`Error::Database`].
pub async fn verify(
    connection: &Connection,
    feed: &Feed,
    load_id: Option<i64>,
) -> Result<Vec<Verified>> {
    if !has_loads(connection).await? {
        return Ok(Vec::new());
    }
    let tables = &feed.plan.tables;
    let sql = include_str!("../../sql/queries/verify.sql")
        .replace("{status_at}", ingested_at(connection, &tables[0].name).await?)
        .replace("{log_at}", ingested_at(connection, &tables[1].name).await?)
        .replace("{status}", &tables[0].name.to_string())
        .replace("{log}", &tables[1].name.to_string())
        .replace("{rejected}", &feed.plan.rejects().name.to_string());
    let loads = read(&**connection, &sql, &[&feed.name, &load_id]).await?;
    (0..loads.height())
        .map(|at| verified(&loads, at))
        .collect::<PolarsResult<_>>()
        .map_err(|source| Error::Frame { doing: "compare counts", source })
}

/// Whether there is a ledger with anything in it: before the first load there may be no tables.
async fn has_loads(connection: &Connection) -> Result<bool> {
    let failed = |source| Error::Database { doing: "look for the ledger".to_owned(), source };
    let sql = "select to_regclass('stevedore.loads') is not null";
    let is_there = connection.query_one(sql, &[]).await.map_err(failed)?;
    if !is_there.get::<_, bool>(0) {
        return Ok(false);
    }
    let sql = "select exists (select from stevedore.loads where state <> 'failed')";
    Ok(connection.query_one(sql, &[]).await.map_err(failed)?.get(0))
}

/// The time of ingestion in UTC, without a zone.
async fn ingested_at(connection: &Connection, table: &TableName) -> Result<&'static str> {
    let sql = "select atttypid = 'timestamptz'::regtype from pg_attribute \
        where attrelid = to_regclass($1) and attname = 'ingested_at'";
    let row = connection.query_opt(sql, &[&table.to_string()]).await;
    let row = row.map_err(|source| Error::Database {
        doing: format!("look at the columns of {table}"),
        source,
    })?;
    let has_zone = row.is_some_and(|row| row.get(0));
    Ok(if has_zone { "ingested_at at time zone 'UTC'" } else { "ingested_at" })
}

fn unknown_mode(detail: String) -> PolarsError {
    polars_err!(ComputeError: "the mode of a load in the ledger: {detail}")
}

fn verified(loads: &DataFrame, at: usize) -> PolarsResult<Verified> {
    let number = |column: &str| -> PolarsResult<u64> {
        Ok(loads.column(column)?.get(at)?.extract().unwrap_or_default())
    };
    let text = |column: &str| -> PolarsResult<Option<String>> {
        Ok(loads.column(column)?.get(at)?.get_str().map(str::to_owned))
    };
    let count = |ledger: &str, table: Option<&str>| -> PolarsResult<Count> {
        let table = table.map(number).transpose()?;
        Ok(Count { ledger: number(ledger)?, table, object: None, at_most: false })
    };
    let mode: Mode = text("mode")?.unwrap_or_default().parse().map_err(unknown_mode)?;
    let status_rows = count("status_rows", Some("status_found"))?;
    let incomplete = match number("parts")? {
        0 => None,
        parts => Some(Incomplete { committed: number("committed")?, parts }),
    };
    Ok(Verified {
        load_id: number("load_id")?,
        object: text("object")?.unwrap_or_default(),
        origin: text("origin")?,
        version: text("version")?.unwrap_or_default(),
        mode,
        format: text("format")?.and_then(|format| format.parse().ok()),
        incomplete,
        records: count("records", None)?,
        loaded: count("loaded", None)?,
        status_rows: Count { at_most: mode == Mode::Merge, ..status_rows },
        log_rows: count("log_rows", Some("log_found"))?,
        rejected: count("rejected", Some("rejected_found"))?,
    })
}
