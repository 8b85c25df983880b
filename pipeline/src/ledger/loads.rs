//! Loads that are claimed and recorded together, with one statement for all of them.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use tokio_postgres::GenericClient;
use tokio_postgres::types::Json;
use uuid::Uuid;

use super::{Entry, Identity, Loaded, TableCounts, failed};
use crate::database::Ask;
use crate::error::Result;
use crate::records::Format;

/// Waits until nobody else loads any of the versions; the locks are held until the transaction ends.
pub(crate) async fn claim(transaction: &impl Ask, identities: &[&Identity]) -> Result<()> {
    let sql = include_str!("../../../sql/queries/claim.sql");
    let feed = identities.first().map(|identity| &identity.feed.name);
    let origins = each(identities, |identity| &identity.origin);
    let versions = each(identities, |identity| &identity.version);
    let claimed = transaction.ask(sql, &[&feed, &origins, &versions]).await;
    claimed.map(drop).map_err(failed("claim the loads in the ledger"))
}

/// Waits until nobody else replaces what was loaded of any of the objects; the locks are held until the
/// transaction ends.
pub(crate) async fn claim_origins(
    transaction: &impl GenericClient,
    identities: &[&Identity],
) -> Result<()> {
    let sql = include_str!("../../../sql/queries/claim_origins.sql");
    let feed = identities.first().map(|identity| &identity.feed.name);
    let origins = each(identities, |identity| &identity.origin);
    let claimed = transaction.query(sql, &[&feed, &origins]).await;
    claimed.map(drop).map_err(failed("claim the objects in the ledger"))
}

/// Of each object the loads whose rows may be there: all since the last one that replaced those before.
pub(crate) async fn replaced_loads(
    transaction: &impl GenericClient,
    identities: &[&Identity],
) -> Result<Vec<Vec<i64>>> {
    let sql = include_str!("../../../sql/queries/replaced_loads.sql");
    let feed = identities.first().map(|identity| &identity.feed.name);
    let origins = each(identities, |identity| &identity.origin);
    let rows = transaction.query(sql, &[&feed, &origins]).await;
    let rows = rows.map_err(failed("look for earlier loads of the objects in the ledger"))?;
    Ok(rows.iter().map(|row| row.get("load_ids")).collect())
}

/// The numbers of so many new loads, in their order.
pub(crate) async fn next_loads(transaction: &impl Ask, count: usize) -> Result<Vec<i64>> {
    let sql = include_str!("../../../sql/queries/next_loads.sql");
    let rows = transaction.ask(sql, &[&(count as i64)]).await;
    let rows = rows.map_err(failed("number the loads in the ledger"))?;
    Ok(rows.iter().map(|row| row.get("load_id")).collect())
}

/// Of each version the load that is there, if any; with a job, only one that it has asked for.
pub(crate) async fn loaded(
    client: &impl Ask,
    identities: &[&Identity],
    by_job: Option<Uuid>,
) -> Result<Vec<Option<Loaded>>> {
    let sql = include_str!("../../../sql/queries/loaded.sql");
    let feed = identities.first().map(|identity| &identity.feed.name);
    let buckets = each(identities, |identity| &identity.bucket);
    let keys = each(identities, |identity| &identity.key);
    let versions = each(identities, |identity| &identity.version);
    let origins = each(identities, |identity| &identity.origin);
    let rows = client.ask(sql, &[&feed, &buckets, &keys, &versions, &origins, &by_job]).await;
    let mut found = vec![None; identities.len()];
    for row in rows.map_err(failed("look the objects up in the ledger"))? {
        let at = usize::try_from(row.get::<_, i64>("at")).unwrap_or_default();
        if let Some(found) = found.get_mut(at.wrapping_sub(1)) {
            *found = Some(Loaded::from(&row));
        }
    }
    Ok(found)
}

/// Whether a load is there, by its number.
pub(crate) async fn is_recorded(client: &impl GenericClient, load_id: i64) -> Result<bool> {
    let sql = "select exists (select from stevedore.loads where load_id = $1 and state = 'loaded')";
    let row = client.query_one(sql, &[&load_id]).await;
    Ok(row.map_err(failed("look the load up in the ledger"))?.get(0))
}

/// Writes the rows of loads whose counts are proven; mode and reload are those of the first.
pub(crate) async fn record(transaction: &impl Ask, loads: &[(&Identity, &Entry)]) -> Result<()> {
    let sql = include_str!("../../../sql/queries/record_loads.sql");
    let Some((Identity { feed, .. }, first)) = loads.first() else {
        return Ok(());
    };
    let rows = loads.iter().map(|(identity, entry)| Row::of(identity, entry)).collect::<Vec<_>>();
    let written = transaction
        .ask(
            sql,
            &[&feed.name, &first.mode.as_str(), &first.reload, &Json(rows), &feed.hash, &feed.text],
        )
        .await;
    written.map(drop).map_err(failed("write the loads into the ledger"))
}

pub(super) fn each<'a>(
    identities: &[&'a Identity],
    of: impl Fn(&'a Identity) -> &'a String,
) -> Vec<&'a str> {
    identities.iter().map(|identity| of(identity).as_str()).collect()
}

/// What is not the same for all loads of a bundle.
#[derive(Debug, Serialize)]
struct Row<'a> {
    load_id: i64,
    job_id: Option<Uuid>,
    bucket: &'a str,
    key: &'a str,
    version: &'a str,
    format: Option<&'static str>,
    compression: String,
    bytes: i64,
    records: u64,
    loaded: u64,
    rejected: u64,
    tables: &'a [TableCounts],
    rejected_by_reason: &'a BTreeMap<String, u64>,
    unknown_fields: &'a BTreeMap<String, u64>,
    started_at: String,
    seconds: f64,
    origin: &'a str,
    replay_of: Option<i64>,
}

impl<'a> Row<'a> {
    fn of(identity: &'a Identity, entry: &'a Entry) -> Self {
        let counts = &entry.counts;
        let started_at = DateTime::<Utc>::from(entry.started_at);
        Self {
            load_id: entry.load_id,
            job_id: entry.job_id,
            bucket: &identity.bucket,
            key: &identity.key,
            version: &identity.version,
            format: entry.format.map(Format::as_str),
            compression: entry.compression.to_string(),
            bytes: identity.bytes,
            records: counts.records,
            loaded: counts.loaded,
            rejected: counts.rejected,
            tables: &counts.tables,
            rejected_by_reason: &counts.rejected_by_reason,
            unknown_fields: &counts.unknown_fields,
            started_at: started_at.to_rfc3339_opts(SecondsFormat::Micros, true),
            seconds: entry.seconds,
            origin: &identity.origin,
            replay_of: entry.replay_of,
        }
    }
}
