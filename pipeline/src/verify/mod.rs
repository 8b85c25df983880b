//! Holds the tables against the ledger, and the ledger against the objects read anew.

mod counts;

use polars::prelude::{DataFrame, PolarsError, PolarsResult, polars_err};
use serde::Deserialize;

pub use self::counts::{Claims, Count, Incomplete, RejectStates, TableCount, Verified};
use crate::database::Connection;
use crate::error::{Error, Result};
use crate::feed::{Children, Feed, Ident, Source, Stamped, TableName, TablePlan};
use crate::query::read;
use crate::sink::Mode;

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
    if !feeds_of_loads(connection).await?.contains(&feed.name) {
        return Ok(Vec::new());
    }
    let (mut found, mut counted) = (Vec::new(), Vec::new());
    for table in &feed.plan.tables {
        if let Some(sql) = rows_by_load(connection, table).await? {
            found.push(sql);
            counted.push(format!("({}, 0::bigint)", literal(&table.name.plain())));
        }
    }
    let sql = include_str!("../../../sql/queries/verify.sql")
        .replace("{found}", &found.join("\n    union all\n    "))
        .replace("{rejects}", &literal(&feed.plan.rejects().name.plain()))
        .replace("{rejects_table}", &feed.plan.rejects().name.to_string())
        .replace("{counted}", &counted.join(", "));
    let loads = read(&**connection, &sql, &[&feed.name, &load_id]).await?;
    (0..loads.height())
        .map(|at| verified(feed, &loads, at))
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

/// The feeds of which there are loads that did not fail, by their names: before its first load a feed may
/// have no tables.
///
/// # Errors
/// [`Error::Database`].
pub async fn feeds_of_loads(connection: &Connection) -> Result<Vec<String>> {
    let failed = |source| Error::Database { doing: "look for the ledger".to_owned(), source };
    let sql = "select to_regclass('stevedore.loads') is not null";
    let is_there = connection.query_one(sql, &[]).await.map_err(failed)?;
    if !is_there.get::<_, bool>(0) {
        return Ok(Vec::new());
    }
    let sql = "select distinct feed from stevedore.loads where state <> 'failed' order by feed";
    let rows = connection.query(sql, &[]).await.map_err(failed)?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
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

fn verified(feed: &Feed, loads: &DataFrame, at: usize) -> PolarsResult<Verified> {
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
    let is_replaced = number("is_replaced")? > 0;
    let tables: Vec<Found> =
        serde_json::from_str(&text("tables")?.unwrap_or_default()).map_err(unreadable)?;
    let tables = tables.into_iter().enumerate().map(|(at, found)| {
        // Later loads may have replaced rows that are merged, and those of earlier versions.
        let at_most = match mode {
            Mode::Merge => at == 0 || feed.children == Children::Replace,
            Mode::Append | Mode::Replace => is_replaced,
        } && at < feed.plan.rejects_index();
        let Found { table, ledger, table_rows } = found;
        TableCount { table, rows: Count { ledger, table: table_rows, object: None, at_most } }
    });
    let incomplete = match number("parts")? {
        0 => None,
        parts => Some(Incomplete { committed: number("committed")?, parts }),
    };
    let replay = match number("replay_of")? {
        0 => None,
        replay_of => Some(Claims {
            replay_of,
            rejects: Count {
                ledger: number("records")?,
                table: Some(number("claims")?),
                object: None,
                // Of rejects that were too old, what was done about them is gone too.
                at_most: number("is_forgotten")? > 0,
            },
        }),
    };
    let reject_states = RejectStates {
        open: number("open")?,
        replayed: number("replayed")?,
        ignored: number("ignored")?,
        removed: number("removed")?,
    };
    Ok(Verified {
        replay,
        reject_states,
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
