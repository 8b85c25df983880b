//! Other versions of an object that were loaded before.

use std::time::SystemTime;

use tokio_postgres::Row;

use super::loads::each;
use super::{Identity, failed};
use crate::database::Ask;
use crate::error::Result;

/// A load of another version of an object, whose rows may still be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EarlierVersion {
    pub(crate) load_id: i64,
    pub(crate) version: String,
    /// The `ingested_at` of its rows.
    pub(crate) started_at: SystemTime,
    pub(crate) loaded: u64,
    /// Rows of child tables.
    pub(crate) child_rows: u64,
    /// Whether it is not an unfinished load in parts.
    pub(crate) is_complete: bool,
}

/// Of each object the newest load of another version, if there is one.
pub(crate) async fn earlier_versions(
    client: &impl Ask,
    identities: &[&Identity],
) -> Result<Vec<Option<EarlierVersion>>> {
    let sql = include_str!("../../../sql/queries/earlier_versions.sql");
    let feed = identities.first().map(|identity| &identity.feed.name);
    let origins = each(identities, |identity| &identity.origin);
    let versions = each(identities, |identity| &identity.version);
    let rows = client.ask(sql, &[&feed, &origins, &versions]).await;
    let mut found = vec![None; identities.len()];
    for row in rows.map_err(failed("look for other versions of the objects in the ledger"))? {
        let at = usize::try_from(row.get::<_, i64>("at")).unwrap_or_default();
        if let Some(found) = found.get_mut(at.wrapping_sub(1)) {
            *found = Some(EarlierVersion::from(&row));
        }
    }
    Ok(found)
}

impl From<&Row> for EarlierVersion {
    fn from(row: &Row) -> Self {
        let count = |name| u64::try_from(row.get::<_, i64>(name)).unwrap_or_default();
        Self {
            load_id: row.get("load_id"),
            version: row.get("version"),
            started_at: row.get("started_at"),
            loaded: count("loaded"),
            child_rows: count("child_rows"),
            is_complete: row.get("is_complete"),
        }
    }
}
