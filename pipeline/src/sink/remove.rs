//! Removes the rows that a load has written.

use std::time::SystemTime;

use serde::Serialize;
use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;

use super::target::Targets;
use crate::error::{Error, Result};
use crate::feed::{Feed, RowsOf, Source, Stamped, TablePlan};

/// How many rows of a table were removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// The table.
    pub table: String,
    /// Rows that were removed.
    pub deleted: u64,
}

/// Removes the rows of a load from the tables of its feed, and counts them in the order of the plan. Rows are
/// known by the load's number where a table has it, else by the instant when the load began. A table that
/// does not exist has no rows.
///
/// # Errors
/// [`Error::Database`] when the role may not.
pub(crate) async fn remove_rows(
    transaction: &Transaction<'_>,
    feed: &Feed,
    load_id: i64,
    started_at: SystemTime,
) -> Result<Vec<Removed>> {
    let mut removed = Vec::with_capacity(feed.plan.tables.len());
    for table in &feed.plan.tables {
        let deleted = remove(transaction, table, load_id, started_at).await;
        let deleted = deleted.map_err(|source| Error::Database {
            doing: format!("remove the rows of the load from {}", table.name),
            source,
        })?;
        removed.push(Removed { table: table.name.plain(), deleted });
    }
    Ok(removed)
}

impl Targets {
    /// Removes the rows of loads from the tables, but the rejects table, and counts them by table.
    ///
    /// # Errors
    /// [`Error::Database`] when the role may not.
    pub(crate) async fn remove_loads(
        &self,
        transaction: &Transaction<'_>,
        load_ids: &[i64],
    ) -> Result<Vec<u64>> {
        let mut removed = vec![0; self.feed.plan.tables.len()];
        for (table, removed) in self.feed.plan.tables.iter().zip(&mut removed) {
            let load_id = table.filled_with(Source::Stamp(Stamped::LoadId));
            let Some(load_id) = load_id.filter(|_| table.rows != RowsOf::Rejects) else {
                continue;
            };
            if load_ids.is_empty() {
                continue;
            }
            let sql = format!("delete from {} where {} = any ($1)", table.name, load_id.name);
            let deleted = transaction.execute(&sql, &[&load_ids]).await;
            *removed = deleted.map_err(|source| Error::Database {
                doing: format!("remove the rows of earlier versions from {}", table.name),
                source,
            })?;
        }
        Ok(removed)
    }
}

async fn remove(
    transaction: &Transaction<'_>,
    table: &TablePlan,
    load_id: i64,
    started_at: SystemTime,
) -> Result<u64, tokio_postgres::Error> {
    let filled_with = |stamp| table.filled_with(Source::Stamp(stamp));
    let (column, of_load, value): (_, _, &(dyn ToSql + Sync)) =
        match (filled_with(Stamped::LoadId), filled_with(Stamped::IngestedAt)) {
            (Some(column), _) => (column, "$1", &load_id),
            (None, Some(column)) => (column, "$1::timestamptz", &started_at),
            (None, None) => return Ok(0),
        };
    let name = table.name.to_string();
    let sql = "select atttypid = 'timestamp'::regtype from pg_attribute \
        where attrelid = to_regclass($1) and attname = $2";
    let column_found = transaction.query_opt(sql, &[&name, &column.name.as_str()]).await?;
    let Some(column_found) = column_found else {
        return Ok(0);
    };
    let in_utc = if column_found.get(0) { " at time zone 'UTC'" } else { "" };
    let sql = format!("delete from {name} where {} = {of_load}{in_utc}", column.name);
    transaction.execute(&sql, &[value]).await
}
