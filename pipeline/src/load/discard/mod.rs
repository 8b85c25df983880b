//! Removes what an unfinished load in parts has written.

use std::sync::Arc;

use serde::Serialize;
use tokio_postgres::error::SqlState;

use crate::database::Connection;
use crate::error::{Error, Result};
use crate::feed::{Feed, Feeds};
use crate::ledger::{self, LedgerState, RecordedPart, Unfinished};
use crate::sink::{Removed, remove_rows};

/// What was removed of a load.
#[derive(Debug, Clone, Serialize)]
pub struct Discarded {
    /// The number that the load had in the ledger.
    pub load_id: i64,
    /// Its object, as the ledger calls it.
    pub object: String,
    /// The version of the object.
    pub version: String,
    /// Parts that were committed.
    pub committed: u64,
    /// All parts.
    pub parts: u64,
    /// How many rows of each table were removed.
    pub tables: Vec<Removed>,
}

/// Removes what an unfinished load in parts has written: the rows of its committed parts, its rejects, its
/// parts and its row in the ledger, in one transaction.
///
/// # Errors
/// [`Error::NoLoad`], [`Error::NoFeed`] when its feed is unknown, [`Error::LoadEnded`] when the load is not an unfinished one, [`Error::LoadRunning`]
/// when another process loads it, [`Error::DiscardDenied`] when the role may not,
/// [`Error::CountMismatch`] when more rows have its instant than it has written, [`Error::Database`]. Then
/// nothing was removed.
pub async fn discard(
    connection: &mut Connection,
    feeds: &Feeds,
    load_id: i64,
) -> Result<Discarded> {
    let denied = |error| match error {
        Error::Database { source, .. }
            if source.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) =>
        {
            Error::DiscardDenied { load_id, source }
        }
        error => error,
    };
    remove(connection, feeds, load_id).await.map_err(denied)
}

async fn remove(connection: &mut Connection, feeds: &Feeds, load_id: i64) -> Result<Discarded> {
    let transaction = connection.begin(false).await?;
    let load = ledger::claim_unfinished(&*transaction, load_id).await?;
    let load = load.ok_or(Error::NoLoad { load_id })?;
    let Unfinished { feed, feed_text, object, version, state, started_at, is_free } = load;
    let ended = match state {
        LedgerState::Loading => None,
        LedgerState::Loaded => Some("is complete, and its rows stay"),
        LedgerState::Failed => Some("failed, and wrote no rows"),
    };
    if let Some(ended) = ended {
        return Err(Error::LoadEnded { load_id, object, ended });
    }
    if !is_free || !ledger::claim_parts(&*transaction, load_id).await? {
        return Err(Error::LoadRunning { load_id, object });
    }
    let parts = ledger::parts(&*transaction, load_id).await?;
    // As it was when the load began, whatever its file says now.
    let feed = match feed_text {
        Some(text) => Feed::read(&feed, &text)?,
        None => Arc::clone(feeds.get(&feed)?),
    };
    let tables = remove_rows(&transaction, &feed, load_id, started_at).await?;
    check(&tables, &parts)
        .map_err(|detail| Error::CountMismatch { object: object.clone(), detail })?;
    ledger::remove(&*transaction, load_id).await?;
    transaction.commit().await.map_err(|source| Error::Database {
        doing: format!("commit that the load {load_id} is discarded"),
        source,
    })?;
    let committed = parts.iter().filter(|part| part.text.is_some()).count() as u64;
    let parts = parts.len() as u64;
    Ok(Discarded { load_id, object, version, committed, parts, tables })
}

/// Fails when a table has more rows of the load than its parts have written: some are not the load's. There
/// may be fewer, which somebody has removed before.
fn check(tables: &[Removed], parts: &[RecordedPart]) -> Result<(), String> {
    for Removed { table, deleted } in tables {
        let of_parts = parts.iter().flat_map(|part| &part.counts.tables);
        let of_table = of_parts.filter(|of_part| of_part.table == *table);
        let written: u64 = of_table.map(|of_part| of_part.counts.rows).sum();
        if *deleted > written {
            return Err(format!(
                "{deleted} rows of {table} are marked as the load's, and the ledger says that it wrote {written}"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
