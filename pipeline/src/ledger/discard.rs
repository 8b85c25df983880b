//! Loads in parts that are given up: what the ledger has of them is removed with their rows.

use std::time::SystemTime;

use tokio_postgres::GenericClient;

use super::failed;
use crate::error::Result;

/// How far a load is, as the ledger has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LedgerState {
    Loading,
    Loaded,
    Failed,
}

/// A load that may be an unfinished one.
#[derive(Debug)]
pub(crate) struct Unfinished {
    /// The name of its feed.
    pub(crate) feed: String,
    /// The text of its feed; none of a load that is older than these.
    pub(crate) feed_text: Option<String>,
    /// Its object, as the ledger calls it.
    pub(crate) object: String,
    pub(crate) version: String,
    pub(crate) state: LedgerState,
    pub(crate) started_at: SystemTime,
    /// Whether nobody begins or completes a load of the same version; nobody can until the transaction
    /// ends.
    pub(crate) is_free: bool,
}

/// Looks a load up, and claims its version if that is free. None if there is no such load.
pub(crate) async fn claim_unfinished(
    transaction: &impl GenericClient,
    load_id: i64,
) -> Result<Option<Unfinished>> {
    let asked = || failed("look the load up in the ledger");
    let sql = "select to_regclass('stevedore.loads') is not null";
    let has_ledger = transaction.query_one(sql, &[]).await.map_err(asked())?;
    if !has_ledger.get::<_, bool>(0) {
        return Ok(None);
    }
    let sql = include_str!("../../../sql/queries/claim_unfinished.sql");
    let row = transaction.query_opt(sql, &[&load_id]).await.map_err(asked())?;
    Ok(row.map(|row| Unfinished {
        feed: row.get("feed"),
        feed_text: row.get("feed_text"),
        object: row.get("object"),
        version: row.get("version"),
        state: match row.get("state") {
            "loading" => LedgerState::Loading,
            "loaded" => LedgerState::Loaded,
            _ => LedgerState::Failed,
        },
        started_at: row.get("started_at"),
        is_free: row.get("is_free"),
    }))
}

/// Takes all parts of an unfinished load until the transaction ends. False if somebody is at one of them,
/// or has completed the load meanwhile.
pub(crate) async fn claim_parts(transaction: &impl GenericClient, load_id: i64) -> Result<bool> {
    let sql = include_str!("../../../sql/queries/claim_parts.sql");
    let row = transaction.query_one(sql, &[&load_id]).await;
    let are_free: Option<bool> = row.map_err(failed("take the parts of the load"))?.get(0);
    Ok(are_free.unwrap_or_default())
}

/// Removes the row of an unfinished load, and its parts.
pub(crate) async fn remove(transaction: &impl GenericClient, load_id: i64) -> Result<()> {
    let sql = "delete from stevedore.loads where load_id = $1 and state = 'loading'";
    let removed = transaction.execute(sql, &[&load_id]).await;
    removed.map(drop).map_err(failed("remove the load from the ledger"))
}
