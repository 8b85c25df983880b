//! Removes rejects that are older than they are kept.

use crate::database::Connection;
use crate::error::{Error, Result};
use crate::feed::Feed;

/// Removes some rejects of loads of a feed that ended so many days ago, oldest first, and notes in the ledger how
/// many of each load are gone; how many were removed.
///
/// # Errors
/// [`Error::Database`].
pub async fn remove_old_rejects(
    connection: &mut Connection,
    feed: &Feed,
    days: u32,
    limit: i64,
) -> Result<u64> {
    let table = &feed.plan.rejects().name;
    let failed = |source| Error::Database { doing: format!("remove old rows of {table}"), source };
    let sql = "select to_regclass($1) is not null";
    let is_there = connection.query_one(sql, &[&table.to_string()]).await.map_err(failed)?;
    if !is_there.get::<_, bool>(0) {
        return Ok(0);
    }
    let sql = include_str!("../../../sql/queries/remove_old_rejects.sql")
        .replace("{rejects}", &table.to_string());
    let row = connection.query_one(&sql, &[&feed.name, &f64::from(days), &limit]).await;
    Ok(row.map_err(failed)?.get::<_, i64>(0).unsigned_abs())
}
