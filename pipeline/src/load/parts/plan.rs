//! The plan of a load in parts.

use std::time::SystemTime;

use super::stale;
use crate::database::{Connection, LoadTransaction};
use crate::error::Result;
use crate::failpoint::Failpoint;
use crate::ledger::{self, Counts, Entry, Identity, Incomplete, Loaded};
use crate::load::LoadOptions;
use crate::load::transaction::{Recorded, commit};
use crate::load::unit::{find_existing, instant};
use crate::records::{Compression, Format};
use crate::sink::Mode;
use crate::store::Object;

/// What there is of a version once somebody has begun.
pub(super) enum Begun {
    Done(Loaded),
    Incomplete(Incomplete),
}

/// Writes the plan, unless somebody else has.
pub(super) async fn begin(
    object: &Object,
    identity: &Identity,
    connection: &mut Connection,
    options: &LoadOptions,
    mode: Mode,
    started_at: SystemTime,
) -> Result<Begun> {
    let database = connection.database().clone();
    let transaction = connection.begin(false).await?;
    ledger::claim(&transaction, &[identity]).await?;
    let existing = find_existing(&transaction, &[identity], options).await?;
    if let Some(loaded) = existing.into_iter().flatten().next() {
        return Ok(Begun::Done(loaded));
    }
    if let Some(begun) = ledger::incomplete(&transaction, &[identity]).await? {
        return Ok(Begun::Incomplete(begun));
    }
    let load_ids = ledger::next_loads(&transaction, 1).await?;
    let load_id = load_ids.into_iter().next().ok_or_else(|| stale(object))?;
    let started_at = instant(started_at, load_id);
    let entry = Entry {
        load_id,
        mode,
        reload: options.reload,
        job_id: options.job_id,
        format: Some(Format::Ndjson),
        compression: Compression::Plain,
        started_at,
        seconds: 0.0,
        counts: Counts::default(),
        replay_of: None,
    };
    let part_bytes = options.connections.part_bytes_of(object.size);
    let parts = ledger::plan(&*transaction, identity, &entry, part_bytes).await?;
    commit(transaction, &database, &Plan { object, identity, load_id }, options).await?;
    Ok(Begun::Incomplete(Incomplete {
        load_id,
        mode: mode.as_str().to_owned(),
        feed_hash: Some(identity.feed_hash().to_owned()),
        started_at,
        parts,
        committed: 0,
        counts: [0; 4],
    }))
}

/// The plan of a load in parts, of which no part is loaded yet.
struct Plan<'a> {
    object: &'a Object,
    identity: &'a Identity,
    load_id: i64,
}

impl Recorded for Plan<'_> {
    const POINTS: [Failpoint; 2] = [Failpoint::PlanRecorded, Failpoint::Planned];

    fn is_last(&self) -> bool {
        false
    }

    fn names(&self) -> Vec<String> {
        vec![self.object.url()]
    }

    async fn is_recorded(&self, transaction: &LoadTransaction<'_>) -> Result<bool> {
        ledger::claim(transaction, &[self.identity]).await?;
        // Others may have gone on with it meanwhile.
        ledger::is_begun(&**transaction, self.load_id).await
    }
}
