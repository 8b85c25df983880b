//! A load as the ledger has it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// State of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LoadState {
    /// Its rows were committed with this entry.
    Loaded,
    /// Nothing was written.
    Failed,
    /// It is loaded in parts, and some are not committed yet. It is running, or loading the object again
    /// continues it.
    Loading,
}

impl LoadState {
    pub(crate) const ALL: [Self; 3] = [Self::Loaded, Self::Failed, Self::Loading];

    /// The word for the state, as the ledger has it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::Failed => "failed",
            Self::Loading => "loading",
        }
    }
}

/// What a load did to one table. All counts but `deleted` add up to `rows`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct LoadTable {
    /// The table, as the feed names it
    pub(crate) table: String,
    /// Rows that the load had for it
    pub(crate) rows: u64,
    /// New rows
    pub(crate) inserted: u64,
    /// Existing rows that were replaced, in merge mode
    pub(crate) updated: u64,
    /// Rows that were there already, except for metadata columns, and were left alone, in merge mode
    pub(crate) unchanged: u64,
    /// Records for which a newer one existed, in merge mode
    pub(crate) superseded: u64,
    /// Existing rows that were removed
    pub(crate) deleted: u64,
}

/// A load as the ledger has it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Load {
    /// The load's number
    pub(crate) load_id: i64,
    /// The feed
    pub(crate) feed: String,
    /// The hash of the feed's text, as `/v1/feeds` has it; null if the load is older than these
    pub(crate) feed_hash: Option<String>,
    /// The configured bucket, or the place of the object for `stevedore load`
    pub(crate) bucket: String,
    /// The object's key
    pub(crate) key: String,
    /// The version of the object that was read
    pub(crate) version: String,
    /// State of the load
    pub(crate) state: LoadState,
    /// The mode that was used: `merge` or `append`; `auto` of a load that failed before its tables had
    /// chosen one
    pub(crate) mode: String,
    /// Whether it was loaded again on purpose
    pub(crate) reload: bool,
    /// Format of the records
    pub(crate) format: Option<String>,
    /// Compression of the object
    pub(crate) compression: Option<String>,
    /// The size of the object in bytes, as stored
    pub(crate) bytes: i64,
    /// Records that were read
    pub(crate) records: Option<i64>,
    /// Records that were loaded
    pub(crate) loaded: Option<i64>,
    /// Records that were rejected
    pub(crate) rejected: Option<i64>,
    /// Rejected records about which nothing was done yet; null if the load failed or is not complete
    pub(crate) rejects_open: Option<i64>,
    /// If it is a replay: the load whose rejects it has loaded again
    pub(crate) replay_of: Option<i64>,
    /// What happened to the rows of each table, in the order of the feed's tables. Empty if the load failed
    /// or is not complete
    pub(crate) tables: Vec<LoadTable>,
    /// Rejected records, counted by reason
    #[schema(value_type = Option<Object>)]
    pub(crate) rejected_by_reason: Option<Value>,
    /// Keys that the feed does not have, counted by name
    #[schema(value_type = Option<Object>)]
    pub(crate) unknown_fields: Option<Value>,
    /// When it began
    pub(crate) started_at: DateTime<Utc>,
    /// When it ended
    pub(crate) finished_at: Option<DateTime<Utc>>,
    /// Duration in seconds
    pub(crate) seconds: Option<f64>,
    /// Number of parts, if it is loaded in parts
    pub(crate) parts: Option<i64>,
    /// Number of committed parts
    pub(crate) parts_committed: Option<i64>,
    /// Error code, if it failed
    pub(crate) error_code: Option<String>,
    /// The job that asked for it
    pub(crate) job_id: Option<Uuid>,
}
