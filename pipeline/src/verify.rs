//! Holds the tables against the ledger, and the ledger against the objects read anew.

use polars::prelude::{DataFrame, PolarsError, PolarsResult, polars_err};
use serde::{Deserialize, Serialize};

use crate::database::Connection;
use crate::error::{Error, Result};
use crate::feed::{Feed, Ident, Source, Stamped, TableName, TablePlan};
use crate::load::Summary;
use crate::query::read;
use crate::records::Format;
use crate::sink::Mode;

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
    /// Records that are rejected.
    pub rejected: Count,
    /// Rows of each table that the load has written, in the order of the feed's tables.
    pub tables: Vec<TableCount>,
}

/// The rows of a load in one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableCount {
    /// The table, as the feed names it.
    pub table: String,
    /// How many rows it has of the load.
    pub rows: Count,
}

impl Verified {
    /// Whether all counts agree.
    #[must_use]
    pub fn agrees(&self) -> bool {
        let of_tables = self.tables.iter().map(|table| &table.rows);
        let mut counts = [&self.records, &self.loaded, &self.rejected].into_iter().chain(of_tables);
        counts.all(Count::agrees)
    }

    /// Adds what a dry run of the same version has counted.
    pub fn add(&mut self, anew: &Summary) {
        self.records.object = Some(anew.records);
        self.loaded.object = Some(anew.loaded);
        self.rejected.object = Some(anew.rejected);
        // A dry run does not know what a merge leaves of the root table's rows.
        let is_merged = self.mode == Mode::Merge;
        for of_load in self.tables.iter_mut().skip(usize::from(is_merged)) {
            let anew = anew.tables.iter().find(|of_anew| of_anew.table == of_load.table);
            of_load.rows.object = anew.map(|table| table.counts.rows);
        }
    }
}

/// Counts what is in the tables of each load that the ledger has, or of one. Rows are known by their
/// `load_id`, or by the instant at which their load began. Each table is read once, by the server; one
/// that has neither column is not.
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
    let (mut found, mut counted) = (Vec::new(), Vec::new());
    for table in &feed.plan.tables {
        if let Some(sql) = rows_by_load(connection, table).await? {
            found.push(sql);
            counted.push(format!("({}, 0::bigint)", literal(&table.name.plain())));
        }
    }
    let sql = include_str!("../../sql/queries/verify.sql")
        .replace("{found}", &found.join("\n    union all\n    "))
        .replace("{counted}", &counted.join(", "));
    let loads = read(&**connection, &sql, &[&feed.name, &load_id]).await?;
    (0..loads.height())
        .map(|at| verified(&loads, at))
        .collect::<PolarsResult<_>>()
        .map_err(|source| Error::Frame { doing: "compare counts", source })
}

/// How many rows of each load a table has, as SQL; none where they cannot be told.
async fn rows_by_load(connection: &Connection, table: &TablePlan) -> Result<Option<String>> {
    let (name, text) = (&table.name, literal(&table.name.plain()));
    if let Some(column) = table.filled_with(Source::Stamp(Stamped::LoadId)) {
        let by = &column.name;
        return Ok(Some(format!("select {by}, {text}, count(*) from {name} group by {by}")));
    }
    let Some(column) = table.filled_with(Source::Stamp(Stamped::IngestedAt)) else {
        return Ok(None);
    };
    let at = instant(connection, &table.name, &column.name).await?;
    Ok(Some(format!(
        "select loads.load_id, {text}, n from loads \
         join (select {at} as at, count(*) as n from {name} group by 1) as rows using (at)"
    )))
}

/// A text as SQL takes it.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
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

/// The instant in a column in UTC, without a zone.
async fn instant(connection: &Connection, table: &TableName, column: &Ident) -> Result<String> {
    let sql = "select atttypid = 'timestamptz'::regtype from pg_attribute \
        where attrelid = to_regclass($1) and attname = $2";
    let row = connection.query_opt(sql, &[&table.to_string(), &column.as_str()]).await;
    let row = row.map_err(|source| Error::Database {
        doing: format!("look at the columns of {table}"),
        source,
    })?;
    let has_zone = row.is_some_and(|row| row.get(0));
    Ok(if has_zone { format!("{column} at time zone 'UTC'") } else { column.to_string() })
}

/// A table of a load, as `verify.sql` has it.
#[derive(Deserialize)]
struct Found {
    table: String,
    ledger: u64,
    table_rows: Option<u64>,
}

fn unknown_mode(detail: String) -> PolarsError {
    polars_err!(ComputeError: "the mode of a load in the ledger: {detail}")
}

fn unreadable(error: serde_json::Error) -> PolarsError {
    polars_err!(ComputeError: "the tables of a load: {error}")
}

fn verified(loads: &DataFrame, at: usize) -> PolarsResult<Verified> {
    let number = |column: &str| -> PolarsResult<u64> {
        Ok(loads.column(column)?.get(at)?.extract().unwrap_or_default())
    };
    let text = |column: &str| -> PolarsResult<Option<String>> {
        Ok(loads.column(column)?.get(at)?.get_str().map(str::to_owned))
    };
    let count = |ledger: &str| -> PolarsResult<Count> {
        Ok(Count { ledger: number(ledger)?, table: None, object: None, at_most: false })
    };
    let mode: Mode = text("mode")?.unwrap_or_default().parse().map_err(unknown_mode)?;
    let tables: Vec<Found> =
        serde_json::from_str(&text("tables")?.unwrap_or_default()).map_err(unreadable)?;
    let tables = tables.into_iter().enumerate().map(|(at, found)| {
        // Later loads may have replaced rows that are merged.
        let at_most = mode == Mode::Merge && at == 0;
        let Found { table, ledger, table_rows } = found;
        TableCount { table, rows: Count { ledger, table: table_rows, object: None, at_most } }
    });
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
        records: count("records")?,
        loaded: count("loaded")?,
        rejected: count("rejected")?,
        tables: tables.collect(),
    })
}
