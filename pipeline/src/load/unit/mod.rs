//! Whole objects that are loaded together: one, or the small ones of a bundle.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::try_join4;
use uuid::Uuid;

use super::reconcile::title;
use super::transaction::{Recorded, Transforming, Unit};
use super::{LoadOptions, seconds_since, stamp};
use crate::database::{Ask, LoadTransaction};
use crate::error::{Error, Result};
use crate::failpoint::Failpoint;
use crate::feed::Feed;
use crate::frame::Stamp;
use crate::ledger::{self, Counts, EarlierVersion, Entry, Identity, Incomplete, Loaded};
use crate::sink::{Encoder, Mode, Targets};
use crate::store::Object;
use crate::summary::{State, Summary};
use crate::transform::Tally;

/// Begins to make rows of the records of all objects, whose rows get these stamps.
type Start<'a> = Box<dyn FnOnce(Vec<Stamp>, Encoder) -> Transforming + Send + Sync + 'a>;

/// Whole objects that are loaded in one transaction, each of them a load of its own.
pub(crate) struct Objects<'a> {
    loads: Vec<ObjectLoad<'a>>,
    mode: Mode,
    options: &'a LoadOptions,
    is_bundle: bool,
    start: Option<Start<'a>>,
}

/// The load of one object.
struct ObjectLoad<'a> {
    object: &'a Object,
    identity: &'a Identity,
    job_id: Option<Uuid>,
    load_id: i64,
    started_at: SystemTime,
    /// The newest load of another version of the object.
    earlier: Option<EarlierVersion>,
}

/// What is there already of the versions of a unit.
pub(crate) enum Found {
    /// Some are loaded.
    Loaded(Vec<Option<Loaded>>),
    /// One is being loaded in parts.
    Incomplete(Incomplete),
}

impl<'a> Objects<'a> {
    /// One object, of which `start` will make rows.
    pub(super) fn alone(
        object: &'a Object,
        identity: &'a Identity,
        started_at: SystemTime,
        mode: Mode,
        options: &'a LoadOptions,
        start: impl FnOnce(Vec<Stamp>, Encoder) -> Transforming + Send + Sync + 'a,
    ) -> Self {
        let one =
            Self::bundle([(object, identity, options.job_id)], started_at, mode, options, start);
        Self { is_bundle: false, ..one }
    }

    /// The objects of one of many bundles, each with the job that asks for it, of which `start` will make rows.
    pub(crate) fn bundle(
        objects: impl IntoIterator<Item = (&'a Object, &'a Identity, Option<Uuid>)>,
        started_at: SystemTime,
        mode: Mode,
        options: &'a LoadOptions,
        start: impl FnOnce(Vec<Stamp>, Encoder) -> Transforming + Send + Sync + 'a,
    ) -> Self {
        let load = |(object, identity, job_id)| ObjectLoad {
            object,
            identity,
            job_id,
            load_id: 0,
            started_at,
            earlier: None,
        };
        let loads = objects.into_iter().map(load).collect();
        Self { loads, mode, options, is_bundle: true, start: Some(Box::new(start)) }
    }

    fn identities(&self) -> Vec<&'a Identity> {
        self.loads.iter().map(|load| load.identity).collect()
    }
}

impl Unit for Objects<'_> {
    const HAS_WHOLE_OBJECTS: bool = true;
    type Found = Found;
    type Loaded = Vec<Summary>;

    async fn claim(&mut self, transaction: &LoadTransaction<'_>) -> Result<Option<Found>> {
        let identities = self.identities();
        ledger::claim(transaction, &identities).await?;
        if self.mode == Mode::Replace {
            ledger::claim_origins(&**transaction, &identities).await?;
        }
        // Somebody else may have had a claim meanwhile. The questions go out at once.
        let (existing, incomplete, load_ids, earlier) = try_join4(
            find_existing(transaction, &identities, self.options),
            ledger::incomplete(transaction, &identities),
            ledger::next_loads(transaction, identities.len()),
            ledger::earlier_versions(transaction, &identities),
        )
        .await?;
        if existing.iter().any(Option::is_some) {
            return Ok(Some(Found::Loaded(existing)));
        }
        if let Some(incomplete) = incomplete {
            return Ok(Some(Found::Incomplete(incomplete)));
        }
        for ((load, load_id), earlier) in self.loads.iter_mut().zip(load_ids).zip(earlier) {
            (load.load_id, load.started_at) = (load_id, instant(load.started_at, load_id));
            load.earlier = earlier;
        }
        Ok(None)
    }

    fn start(&mut self, encoder: Encoder) -> Result<Transforming> {
        let stamp = |load: &ObjectLoad<'_>| stamp(load.object, load.load_id, load.started_at);
        let stamps = self.loads.iter().map(stamp).collect();
        let Some(start) = self.start.take() else {
            return Err(Error::Stopped { object: title(&self.names()) });
        };
        Ok(start(stamps, encoder))
    }

    async fn remove_replaced(
        &self,
        transaction: &LoadTransaction<'_>,
        targets: &Targets,
    ) -> Result<Vec<Vec<u64>>> {
        let replaced = ledger::replaced_loads(&**transaction, &self.identities()).await?;
        let mut removed = Vec::with_capacity(replaced.len());
        for load_ids in replaced {
            removed.push(targets.remove_loads(transaction, &load_ids).await?);
        }
        Ok(removed)
    }

    async fn record(
        &self,
        transaction: &LoadTransaction<'_>,
        feed: &Feed,
        tallies: &[Tally],
        counts: Vec<Counts>,
    ) -> Result<Vec<Summary>> {
        let options = self.options;
        let entry = |((load, tally), counts): ((&ObjectLoad<'_>, &Tally), _)| Entry {
            load_id: load.load_id,
            mode: self.mode,
            reload: options.reload,
            job_id: load.job_id,
            format: tally.format,
            compression: tally.compression,
            started_at: load.started_at,
            seconds: seconds_since(load.started_at),
            counts,
            replay_of: None,
        };
        let entries: Vec<_> = self.loads.iter().zip(tallies).zip(counts).map(entry).collect();
        let of_loads = self.loads.iter().map(|load| load.identity).zip(&entries);
        ledger::record(transaction, &of_loads.collect::<Vec<_>>()).await?;
        let summary = |(load, entry): (&ObjectLoad<'_>, Entry)| {
            let Entry { load_id, seconds, counts, .. } = entry;
            Summary::new(load.object, State::Loaded, self.mode, Some(load_id), seconds, counts)
                .after(load.earlier.as_ref(), feed.children)
        };
        Ok(self.loads.iter().zip(entries).map(summary).collect())
    }
}

impl Recorded for Objects<'_> {
    const POINTS: [Failpoint; 2] = [Failpoint::Recorded, Failpoint::Committed];

    fn is_last(&self) -> bool {
        !self.is_bundle
    }

    fn names(&self) -> Vec<String> {
        self.loads.iter().map(|load| load.object.url()).collect()
    }

    async fn is_recorded(&self, transaction: &LoadTransaction<'_>) -> Result<bool> {
        // All of them are there, or none.
        let Some(ObjectLoad { identity, load_id, .. }) = self.loads.first() else {
            return Ok(true);
        };
        ledger::claim(transaction, &[identity]).await?;
        ledger::is_recorded(&**transaction, *load_id).await
    }
}

/// The loads of these versions that are there already, unless they are to be loaded again.
pub(crate) async fn find_existing(
    client: &impl Ask,
    identities: &[&Identity],
    options: &LoadOptions,
) -> Result<Vec<Option<Loaded>>> {
    match (options.reload, options.job_id) {
        (false, _) => ledger::loaded(client, identities, None).await,
        // The job's attempt before this one may have committed and died before it could say so.
        (true, Some(job_id)) => ledger::loaded(client, identities, Some(job_id)).await,
        (true, None) => Ok(vec![None; identities.len()]),
    }
}

/// Microseconds within which no two loads have the same number modulo as many.
const INSTANTS: i64 = 1 << 14;

/// When a load began, to some milliseconds: each load at an instant of its own, by which its rows are
/// known, also where another process loads just then.
pub(crate) fn instant(began_at: SystemTime, load_id: i64) -> SystemTime {
    let micros = began_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as i64;
    let earlier = (micros - load_id).rem_euclid(INSTANTS);
    UNIX_EPOCH + Duration::from_micros((micros - earlier).unsigned_abs())
}

#[cfg(test)]
mod tests;
