//! Rejected records, and what was done about them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What was done about a reject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RejectState {
    /// Nothing yet.
    Open,
    /// It was loaded again. If it was rejected again, the load of the replay has the new reject.
    Replayed,
    /// It is not to be loaded.
    Ignored,
}

impl RejectState {
    pub(crate) const ALL: [Self; 3] = [Self::Open, Self::Replayed, Self::Ignored];

    /// The word for the state, as the database and the API have it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Replayed => "replayed",
            Self::Ignored => "ignored",
        }
    }
}

/// A record that was rejected.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Reject {
    /// The load that rejected it
    pub(crate) load_id: i64,
    /// The feed; null if the ledger does not know the load
    pub(crate) feed: Option<String>,
    /// The object, with its bucket
    pub(crate) object: Option<String>,
    /// The version of the object
    pub(crate) object_version: Option<String>,
    /// Its number in the object, from 1
    pub(crate) record_no: Option<i64>,
    /// Offset in the text of the object, in bytes
    pub(crate) byte_offset: Option<i64>,
    /// Length in the text of the object, in bytes; of an edited text its own length
    pub(crate) byte_length: Option<i64>,
    /// Reason
    pub(crate) reason: Option<String>,
    /// Place and what was found there
    pub(crate) detail: Option<String>,
    /// Its text, up to 64 KiB
    pub(crate) raw: Option<String>,
    /// Its fields in one text, if its feed keeps one; the first 65536 characters
    pub(crate) concat: Option<String>,
    /// When it was written
    pub(crate) ingested_at: Option<DateTime<Utc>>,
    /// What was done about it
    pub(crate) state: RejectState,
    /// Who replayed or ignored it; null if it is open
    pub(crate) handled_by: Option<String>,
    /// When it was replayed or ignored
    pub(crate) handled_at: Option<DateTime<Utc>>,
    /// What was noted then
    pub(crate) note: Option<String>,
    /// The load that loaded it again
    pub(crate) replay_load_id: Option<i64>,
    /// The text that was loaded in place of its own
    pub(crate) edited_text: Option<String>,
    /// If the load is a replay: the load whose reject with the same `record_no` was loaded again
    pub(crate) replay_of: Option<i64>,
}
