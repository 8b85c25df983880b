//! The loads of the ledger, as they are listed: over REST and by `stevedore loads`.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::{Json, ToSql};

use crate::wire::{Load, LoadState, LoadTable};

/// Loads, newest first, as a [`LoadFilter`] picks them.
pub(crate) const LOADS: &str = include_str!("../../sql/queries/loads.sql");

/// Which loads to list; all of them by default.
#[derive(Debug, Default)]
pub(crate) struct LoadFilter<'a> {
    pub(crate) load_id: Option<i64>,
    pub(crate) state: Option<&'static str>,
    pub(crate) bucket: Option<&'a str>,
    pub(crate) key: Option<&'a str>,
    pub(crate) since: Option<DateTime<Utc>>,
    pub(crate) until: Option<DateTime<Utc>>,
    /// Only loads with a smaller number.
    pub(crate) before: Option<i64>,
    pub(crate) limit: i64,
    pub(crate) feed: Option<&'a str>,
    /// A text within the bucket, `/` and the key.
    pub(crate) object: Option<&'a str>,
}

impl LoadFilter<'_> {
    /// The parameters of [`LOADS`].
    pub(crate) fn params(&self) -> [&(dyn ToSql + Sync); 10] {
        [
            &self.load_id,
            &self.state,
            &self.bucket,
            &self.key,
            &self.since,
            &self.until,
            &self.before,
            &self.limit,
            &self.feed,
            &self.object,
        ]
    }
}

/// A load with all that the ledger says of it. The API says no [`Self::error`]: that has words of the store and
/// the database.
#[derive(Debug, Serialize)]
pub(crate) struct LedgerLoad {
    #[serde(flatten)]
    pub(crate) load: Load,
    /// Why it failed, with the causes.
    pub(crate) error: Option<String>,
}

impl From<&Row> for LedgerLoad {
    fn from(row: &Row) -> Self {
        Self { load: row.into(), error: row.get("error") }
    }
}

impl From<&Row> for Load {
    fn from(row: &Row) -> Self {
        let json = |column| row.get::<_, Option<Json<Value>>>(column).map(|Json(value)| value);
        let word: &str = row.get("state");
        let state = LoadState::ALL.into_iter().find(|state| state.as_str() == word);
        Self {
            load_id: row.get("load_id"),
            feed: row.get("feed"),
            feed_hash: row.get("feed_hash"),
            bucket: row.get("bucket"),
            key: row.get("key"),
            version: row.get("version"),
            state: state.unwrap_or(LoadState::Failed),
            mode: row.get("mode"),
            reload: row.get("reload"),
            format: row.get("format"),
            compression: row.get("compression"),
            bytes: row.get("bytes"),
            records: row.get("records"),
            loaded: row.get("loaded"),
            rejected: row.get("rejected"),
            rejects_open: row.get("rejects_open"),
            replay_of: row.get("replay_of"),
            tables: row.get::<_, Json<Vec<LoadTable>>>("tables").0,
            rejected_by_reason: json("rejected_by_reason"),
            unknown_fields: json("unknown_fields"),
            started_at: row.get("started_at"),
            finished_at: row.get("finished_at"),
            seconds: row.get("seconds"),
            parts: row.get("parts"),
            parts_committed: row.get("parts_committed"),
            error_code: row.get("error_code"),
            job_id: row.get("job_id"),
        }
    }
}
