//! Loads in parts: a plan that is there from the beginning, and what of it is committed.
//!
//! The row of a part is locked by whoever is at it, and changed in the transaction that writes its
//! rows. So a part is taken as long as its taker's connection lives, and there are no leases.

use std::ops::Range;
use std::time::SystemTime;

use tokio_postgres::types::Json;
use tokio_postgres::{GenericClient, Row};
use uuid::Uuid;

use super::loads::each;
use super::{Counts, Entry, Identity, failed};
use crate::database::Ask;
use crate::error::Result;

/// A load in parts that is not complete.
#[derive(Debug, Clone)]
pub(crate) struct Incomplete {
    pub(crate) load_id: i64,
    pub(crate) mode: String,
    /// The hash of the feed with which it began; none of a load that is older than these.
    pub(crate) feed_hash: Option<String>,
    pub(crate) started_at: SystemTime,
    pub(crate) parts: u64,
    pub(crate) committed: u64,
    /// Of the parts that are committed: bytes, records, loaded, rejected.
    pub(crate) counts: [u64; 4],
}

/// A part that is to be loaded.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) number: i32,
    /// It has the lines that begin here.
    pub(crate) bytes: Range<u64>,
}

/// A part as the ledger has it.
#[derive(Debug)]
pub(crate) struct RecordedPart {
    pub(crate) bytes: Range<u64>,
    /// Where its lines stand; none of a part that is not committed.
    pub(crate) text: Option<Range<u64>>,
    pub(crate) counts: Counts,
}

/// The first load in parts of any of these versions that is not complete, if there is one.
pub(crate) async fn incomplete(
    client: &impl Ask,
    identities: &[&Identity],
) -> Result<Option<Incomplete>> {
    // By itself, since every load asks, and there hardly ever is one.
    let sql = include_str!("../../../sql/queries/incomplete_loads.sql");
    let feed = identities.first().map(|identity| &identity.feed.name);
    let origins = each(identities, |identity| &identity.origin);
    let versions = each(identities, |identity| &identity.version);
    let asked = failed("look for a load that is not complete");
    let found = client.ask(sql, &[&feed, &origins, &versions]).await.map_err(asked)?;
    let Some(load) = found.first() else {
        return Ok(None);
    };
    let load_id = load.get("load_id");
    let sql = include_str!("../../../sql/queries/incomplete.sql");
    let parts = client.client().query_one(sql, &[&load_id]).await;
    let parts = parts.map_err(failed("look how far a load is"))?;
    Ok(Some(Incomplete {
        load_id,
        mode: load.get("mode"),
        feed_hash: load.get("feed_hash"),
        started_at: load.get("started_at"),
        parts: count(&parts, "parts"),
        committed: count(&parts, "committed"),
        counts: ["bytes", "records", "loaded", "rejected"].map(|name| count(&parts, name)),
    }))
}

/// Writes the row of a load that begins, and its plan: parts of so many bytes. How many they are.
pub(crate) async fn plan(
    transaction: &impl GenericClient,
    identity: &Identity,
    entry: &Entry,
    part_bytes: u64,
) -> Result<u64> {
    let sql = include_str!("../../../sql/queries/plan_load.sql");
    let Identity { feed, bucket, key, version, bytes, origin } = identity;
    let planned = transaction
        .execute(
            sql,
            &[
                &entry.load_id,
                &feed.name,
                bucket,
                key,
                version,
                &entry.mode.as_str(),
                &entry.reload,
                bytes,
                &entry.started_at,
                &entry.job_id,
                origin,
                &(part_bytes as i64),
                &feed.hash,
                &feed.text,
            ],
        )
        .await;
    planned.map_err(failed("write the plan of the load into the ledger"))
}

/// Whether a load has begun, by its number: its plan is there, whatever became of its parts.
pub(crate) async fn is_begun(transaction: &impl GenericClient, load_id: i64) -> Result<bool> {
    let sql = "select exists (select from stevedore.loads where load_id = $1)";
    let row = transaction.query_one(sql, &[&load_id]).await;
    Ok(row.map_err(failed("look the load up in the ledger"))?.get(0))
}

/// Takes a part that nobody is at, until the transaction ends; none when there is none.
pub(crate) async fn take_part(
    transaction: &impl GenericClient,
    load_id: i64,
) -> Result<Option<Part>> {
    take(transaction, include_str!("../../../sql/queries/take_part.sql"), load_id).await
}

/// Waits for whoever is at the parts that are not committed, and takes the first that they leave;
/// none when all are committed.
pub(crate) async fn take_part_of_others(
    transaction: &impl GenericClient,
    load_id: i64,
) -> Result<Option<Part>> {
    // They may be at it for longer than one waits for a table.
    let patient = transaction.batch_execute("set local lock_timeout = 0").await;
    patient.map_err(failed("wait for the parts of others"))?;
    let sql = include_str!("../../../sql/queries/take_part.sql").replace("skip locked", "");
    take(transaction, &sql, load_id).await
}

async fn take(client: &impl GenericClient, sql: &str, load_id: i64) -> Result<Option<Part>> {
    let row = client.query_opt(sql, &[&load_id]).await;
    let row = row.map_err(failed("take a part of the load"))?;
    Ok(row
        .map(|row| Part { number: row.get("part"), bytes: range(&row, "start_byte", "end_byte") }))
}

/// Whether a part is committed, once a backend that is at it is done.
pub(crate) async fn is_part_committed(
    transaction: &impl GenericClient,
    load_id: i64,
    part: &Part,
) -> Result<bool> {
    let sql = "select committed_at is not null from stevedore.load_parts \
        where load_id = $1 and part = $2 for update";
    let row = transaction.query_one(sql, &[&load_id, &part.number]).await;
    Ok(row.map_err(failed("look a part of the load up in the ledger"))?.get(0))
}

/// Writes what a part became, whose counts are proven.
pub(crate) async fn record_part(
    transaction: &impl GenericClient,
    load_id: i64,
    part: &Part,
    text: &Range<u64>,
    counts: &Counts,
) -> Result<()> {
    let sql = include_str!("../../../sql/queries/record_part.sql");
    let numbers = [text.start, text.end, counts.records, counts.loaded, counts.rejected];
    let [start, end, records, loaded, rejected] = numbers.map(|number| number as i64);
    let recorded = transaction
        .execute(
            sql,
            &[
                &load_id,
                &part.number,
                &start,
                &end,
                &records,
                &loaded,
                &rejected,
                &Json(&counts.tables),
                &Json(&counts.rejected_by_reason),
                &Json(&counts.unknown_fields),
            ],
        )
        .await;
    recorded.map(drop).map_err(failed("write a part of the load into the ledger"))
}

/// The parts of a load, in their order.
pub(crate) async fn parts(client: &impl GenericClient, load_id: i64) -> Result<Vec<RecordedPart>> {
    let sql = "select * from stevedore.load_parts where load_id = $1::bigint order by part";
    let rows = client.query(sql, &[&load_id]).await;
    let rows = rows.map_err(failed("read the parts of the load"))?;
    Ok(rows.iter().map(RecordedPart::from).collect())
}

/// Makes a load complete whose counts are proven; how long it took from its beginning.
pub(crate) async fn complete(
    transaction: &impl GenericClient,
    load_id: i64,
    job_id: Option<Uuid>,
    counts: &Counts,
) -> Result<f64> {
    let sql = include_str!("../../../sql/queries/complete_load.sql");
    let [records, loaded, rejected] =
        [counts.records, counts.loaded, counts.rejected].map(|number| number as i64);
    let row = transaction
        .query_one(
            sql,
            &[
                &load_id,
                &records,
                &loaded,
                &rejected,
                &Json(&counts.rejected_by_reason),
                &Json(&counts.unknown_fields),
                &job_id,
                &Json(&counts.tables),
            ],
        )
        .await;
    Ok(row.map_err(failed("complete the load in the ledger"))?.get("seconds"))
}

impl From<&Row> for RecordedPart {
    fn from(row: &Row) -> Self {
        let bytes = range(row, "start_byte", "end_byte");
        if row.get::<_, Option<SystemTime>>("committed_at").is_none() {
            return Self { bytes, text: None, counts: Counts::default() };
        }
        Self { bytes, text: Some(range(row, "text_start", "text_end")), counts: Counts::from(row) }
    }
}

fn range(row: &Row, start: &str, end: &str) -> Range<u64> {
    count(row, start)..count(row, end)
}

fn count(row: &Row, name: &str) -> u64 {
    u64::try_from(row.get::<_, i64>(name)).unwrap_or_default()
}
