//! What was loaded: one row in `stevedore.loads` for each load, written in the load's transaction.
//!
//! A claim makes loads of the same version of the same object take turns and gives each its
//! number; the row is written last. So whoever finds the row finds the rows of the load too, and
//! whoever does not finds none of them.
//!
//! A load in parts is the exception: its row and its plan are there from the beginning, in the
//! state `loading`, and whoever finds them finds which parts are committed.

mod discard;
mod earlier;
mod loads;
mod parts;
mod source;

pub(crate) use discard::{LedgerState, Unfinished, claim_parts, claim_unfinished, remove};
pub(crate) use earlier::{EarlierVersion, earlier_versions};
pub(crate) use loads::{
    claim, claim_origins, is_recorded, loaded, next_loads, record, replaced_loads,
};
pub(crate) use parts::{
    Incomplete, Part, RecordedPart, complete, incomplete, is_begun, is_part_committed, parts, plan,
    record_part, take_part, take_part_of_others,
};

pub use source::Source;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_postgres::types::Json;
use tokio_postgres::{GenericClient, Row};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::records::{Compression, Format};
use crate::sink::{Mode, RequestedMode, RowCounts};
use crate::store::Object;

/// Which version of which object goes through which feed: what is loaded exactly once.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    feed: Arc<Feed>,
    bucket: String,
    key: String,
    version: String,
    bytes: i64,
    /// Where the object really is, whatever its bucket is called.
    origin: String,
}

/// The counts of a load.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts {
    /// Records of the object.
    pub records: u64,
    /// Records that are valid.
    pub loaded: u64,
    /// Records that are rejected.
    pub rejected: u64,
    /// What became of the rows of each table, in the order of the feed's tables.
    pub tables: Vec<TableCounts>,
    /// Rejected records by the word for why.
    pub rejected_by_reason: BTreeMap<String, u64>,
    /// How often each key that the feed does not have was seen.
    pub unknown_fields: BTreeMap<String, u64>,
}

/// What a load did to one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableCounts {
    /// The table, as the feed names it.
    pub table: String,
    /// What became of its rows.
    #[serde(flatten)]
    pub counts: RowCounts,
}

/// A load of the same version that is there already.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) load_id: i64,
    /// None if the ledger has one that this version does not know.
    pub(crate) mode: Option<Mode>,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) seconds: f64,
    pub(crate) counts: Counts,
}

/// What a load adds to its identity and counts for the ledger.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) load_id: i64,
    pub(crate) mode: Mode,
    pub(crate) reload: bool,
    pub(crate) job_id: Option<Uuid>,
    pub(crate) format: Option<Format>,
    pub(crate) compression: Compression,
    pub(crate) started_at: SystemTime,
    pub(crate) seconds: f64,
    pub(crate) counts: Counts,
    /// The load whose rejects it loads again, if it is a replay.
    pub(crate) replay_of: Option<i64>,
}

impl Identity {
    /// The version of an object that a load has read, with so many bytes that are loaded now.
    pub(crate) fn of_version(feed: &Arc<Feed>, source: &Source, bytes: i64) -> Self {
        Self {
            feed: Arc::clone(feed),
            bucket: source.bucket.clone(),
            key: source.key.clone(),
            version: source.version.clone(),
            bytes,
            origin: source.origin.clone(),
        }
    }

    pub(crate) fn of(feed: &Arc<Feed>, object: &Object) -> Self {
        Self {
            feed: Arc::clone(feed),
            bucket: object.bucket.name.clone(),
            key: object.key.clone(),
            version: object.version(),
            bytes: object.size as i64,
            origin: object.origin(),
        }
    }

    /// The hash of the feed.
    pub(crate) fn feed_hash(&self) -> &str {
        &self.feed.hash
    }
}

impl Counts {
    /// Adds those of another part of the load.
    pub(crate) fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.loaded += other.loaded;
        self.rejected += other.rejected;
        for of_other in &other.tables {
            match self.tables.iter_mut().find(|of_self| of_self.table == of_other.table) {
                Some(of_self) => of_self.counts.add(&of_other.counts),
                None => self.tables.push(of_other.clone()),
            }
        }
        for (sums, counts) in [
            (&mut self.rejected_by_reason, &other.rejected_by_reason),
            (&mut self.unknown_fields, &other.unknown_fields),
        ] {
            for (name, count) in counts {
                *sums.entry(name.clone()).or_default() += count;
            }
        }
    }
}

/// Writes the row of a load that failed, of which nothing else was written.
pub(crate) async fn record_failure(
    client: &impl GenericClient,
    identity: &Identity,
    (mode, reload, job_id): (RequestedMode, bool, Option<Uuid>),
    started_at: SystemTime,
    error: &Error,
) -> Result<()> {
    let sql = include_str!("../../../sql/queries/record_failure.sql");
    let Identity { feed, bucket, key, version, bytes, origin } = identity;
    let seconds = started_at.elapsed().unwrap_or_default().as_secs_f64();
    let (mode, code, error) = (mode.as_str(), error.code(), error.with_causes());
    let written = client
        .execute(
            sql,
            &[
                &feed.name,
                bucket,
                key,
                version,
                &mode,
                &reload,
                bytes,
                &started_at,
                &seconds,
                &error,
                &code,
                &job_id,
                origin,
                &feed.hash,
                &feed.text,
            ],
        )
        .await;
    written.map(drop).map_err(failed("write the failed load into the ledger"))
}

fn failed(doing: &'static str) -> impl FnOnce(tokio_postgres::Error) -> Error {
    move |source| Error::Database { doing: doing.to_owned(), source }
}

impl From<&Row> for Loaded {
    fn from(row: &Row) -> Self {
        Self {
            load_id: row.get("load_id"),
            mode: row.get::<_, &str>("mode").parse().ok(),
            started_at: row.get("started_at"),
            seconds: row.get("seconds"),
            counts: Counts::from(row),
        }
    }
}

impl From<&Row> for Counts {
    fn from(row: &Row) -> Self {
        let count = |name| u64::try_from(row.get::<_, i64>(name)).unwrap_or_default();
        let by_name = |name| {
            let Json(counts) = row.get::<_, Json<BTreeMap<String, Value>>>(name);
            counts
                .into_iter()
                .map(|(name, count)| (name, count.as_u64().unwrap_or_default()))
                .collect()
        };
        let Json(tables) = row.get("tables");
        Self {
            records: count("records"),
            loaded: count("loaded"),
            rejected: count("rejected"),
            tables,
            rejected_by_reason: by_name("rejected_by_reason"),
            unknown_fields: by_name("unknown_fields"),
        }
    }
}
