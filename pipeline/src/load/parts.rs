//! One huge object on many connections: a plan of parts, each of which is one transaction, and a last
//! transaction that makes the load complete when all of them are committed.
//!
//! Whoever loads the version takes parts that nobody is at, in this process or in others, until there
//! are none; then waits for those that others are at, and takes what they leave.

use std::collections::BTreeSet;
use std::iter;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use futures::future::{join, try_join};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio_postgres::Transaction;

use super::add_up::{add_up, records_before};
use super::rejects::check_parts;
use super::transaction::{Outcome, Recorded, Transforming, Unit, commit, load_unit};
use super::turn::Turn;
use super::unit::{find_existing, instant};
use super::{LoadOptions, build_transform, stamp, stopped, transforming};
use crate::database::{Connection, Database};
use crate::error::{Error, Result};
use crate::failpoint::Failpoint;
use crate::feed::Feed;
use crate::ledger::{self, Counts, Entry, Identity, Incomplete, Loaded, Part};
use crate::records::{Compression, Format, PartReader};
use crate::sink::{Encoder, Mode, Targets};
use crate::store::{Object, verify_version};
use crate::summary::{State, Summary};
use crate::transform::Tally;

/// Loads an object in parts: begins, or goes on where others have begun.
pub(super) async fn load(
    object: &Object,
    feed: &Arc<Feed>,
    identity: &Identity,
    connection: &mut Connection,
    options: &LoadOptions,
    targets: Targets,
    started_at: SystemTime,
) -> Result<Summary> {
    let database = connection.database().clone();
    let begun = begin(object, identity, connection, options, targets.mode(), started_at);
    let others = connect_others(&database, options.connections.number() - 1);
    let (begun, others) = join(begun, others).await;
    match begun? {
        Begun::Done(loaded) => Ok(Summary::already_loaded(object, loaded)),
        Begun::Incomplete(begun) => {
            let load = Load::new(object, feed, options, targets, begun)?;
            load.run(identity, connection, others).await
        }
    }
}

/// What there is of a version once somebody has begun.
enum Begun {
    Done(Loaded),
    Incomplete(Incomplete),
}

/// Writes the plan, unless somebody else has.
async fn begin(
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
    };
    let part_bytes = options.connections.part_bytes_of(object.size);
    let parts = ledger::plan(&transaction, identity, &entry, part_bytes).await?;
    commit(transaction, &database, &Plan { object, identity, load_id }, options).await?;
    Ok(Begun::Incomplete(Incomplete {
        load_id,
        mode: mode.as_str().to_owned(),
        started_at,
        parts,
        committed: 0,
        counts: [0; 4],
    }))
}

/// Goes on with a load that is not complete.
pub(super) async fn go_on(
    object: &Object,
    feed: &Arc<Feed>,
    identity: &Identity,
    connection: &mut Connection,
    options: &LoadOptions,
    targets: Targets,
    begun: Incomplete,
) -> Result<Summary> {
    let load = Load::new(object, feed, options, targets, begun)?;
    let wanted = options.connections.number().min(load.missing() as usize);
    let others = connect_others(connection.database(), wanted.saturating_sub(1)).await;
    load.run(identity, connection, others).await
}

/// Loads one part of an object that somebody else loads in parts; false when there is none that is
/// to be taken.
///
/// # Errors
/// As [`super::load`]; nothing of the part was written, and others will take it.
pub async fn help(
    object: &Object,
    feed: &Arc<Feed>,
    connection: &mut Connection,
    options: &LoadOptions,
) -> Result<bool> {
    let identity = Identity::of(feed, object);
    let Some(begun) = ledger::incomplete(&**connection, &[&identity]).await? else {
        return Ok(false);
    };
    let targets = Targets::find_or_create(&**connection, feed, options.mode).await?;
    let load = Load::new(object, feed, options, targets, begun)?;
    load.load_part(connection, Owner::Unclaimed).await
}

/// So many connections, or as many as the server lets us have.
async fn connect_others(database: &Database, wanted: usize) -> Vec<Connection> {
    let mut others = Vec::new();
    while others.len() < wanted {
        match database.connect().await {
            Ok(connection) => others.push(connection),
            Err(error) => {
                let (connections, error) = (others.len() + 1, error.with_causes());
                tracing::warn!(connections, error, "a load has fewer connections than it wants");
                break;
            }
        }
    }
    others
}

/// Which parts are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// Those that nobody is at.
    Unclaimed,
    /// Those that others are at, once they leave them.
    Other,
}

/// A load in parts, as this process works on it.
struct Load<'a> {
    object: &'a Object,
    feed: &'a Arc<Feed>,
    options: &'a LoadOptions,
    targets: Targets,
    begun: Incomplete,
    /// The parts that were committed here. One whose commit was not answered may have been taken and
    /// committed on another connection meanwhile, and is here once.
    committed: Mutex<BTreeSet<i32>>,
}

impl<'a> Load<'a> {
    fn new(
        object: &'a Object,
        feed: &'a Arc<Feed>,
        options: &'a LoadOptions,
        targets: Targets,
        begun: Incomplete,
    ) -> Result<Self> {
        if begun.mode != targets.mode().as_str() {
            let Incomplete { load_id, mode, .. } = begun;
            return Err(Error::OtherMode { object: object.url(), load_id, mode });
        }
        Ok(Self { object, feed, options, targets, begun, committed: Mutex::default() })
    }

    /// Parts that were not committed when it began here.
    const fn missing(&self) -> u64 {
        self.begun.parts.saturating_sub(self.begun.committed)
    }

    /// Loads what is missing, and makes the load complete.
    async fn run(
        &self,
        identity: &Identity,
        connection: &mut Connection,
        mut others: Vec<Connection>,
    ) -> Result<Summary> {
        // Somebody else may have begun, and left less than there are connections for.
        others.truncate(self.missing().saturating_sub(1) as usize);
        self.options.progress.add(self.begun.counts);
        self.options.progress.parts.store(self.missing(), Ordering::Relaxed);
        let done = self.load_missing(identity, connection, others).await;
        done.map_err(|source| self.incomplete(source))
    }

    async fn load_missing(
        &self,
        identity: &Identity,
        connection: &mut Connection,
        mut others: Vec<Connection>,
    ) -> Result<Summary> {
        self.take_all(iter::once(&mut *connection).chain(&mut others)).await?;
        drop(others);
        while self.load_part(connection, Owner::Other).await? {}
        self.complete(identity, connection).await
    }

    /// Loads parts on all connections until there are none that nobody is at, or one fails: that is
    /// told when each of the others is done with its part, since one that is dropped while it commits
    /// leaves a part that nobody counts.
    async fn take_all(&self, all: impl Iterator<Item = &mut Connection>) -> Result<()> {
        let failed = AtomicBool::new(false);
        let taking = all.map(|connection| self.take_parts(connection, &failed));
        let mut taking = taking.collect::<FuturesUnordered<_>>();
        let mut result = Ok(());
        while let Some(taken) = taking.next().await {
            match taken {
                Err(error) if result.is_err() => {
                    tracing::debug!(%error, "another part could not be loaded either");
                }
                taken => result = result.and(taken),
            }
        }
        result
    }

    async fn take_parts(&self, connection: &mut Connection, failed: &AtomicBool) -> Result<()> {
        while !failed.load(Ordering::Relaxed) {
            match self.load_part(connection, Owner::Unclaimed).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    failed.store(true, Ordering::Relaxed);
                    return Err(connection.explain(error).await);
                }
            }
        }
        Ok(())
    }

    /// Loads a part: all of it is committed, with its entry in the ledger, or nothing. False when there
    /// is none to be taken.
    async fn load_part(&self, connection: &mut Connection, owner: Owner) -> Result<bool> {
        let mut unit = PartUnit { load: self, owner, part: None, checked_to: 0 };
        let (targets, options) = (&self.targets, self.options);
        match load_unit(&mut unit, connection, targets, options, Turn::alone()).await? {
            Outcome::Loaded(()) => {
                let number = unit.claimed()?.number;
                self.committed.lock().unwrap_or_else(PoisonError::into_inner).insert(number);
                Ok(true)
            }
            Outcome::Found(NoPart) | Outcome::PredecessorFailed => Ok(false),
        }
    }

    /// Makes the load complete, all of whose parts are committed, unless somebody else has.
    async fn complete(&self, identity: &Identity, connection: &mut Connection) -> Result<Summary> {
        let Self { object, options, .. } = self;
        let (database, load_id) = (connection.database().clone(), self.begun.load_id);
        connection.reconnect().await?;
        let transaction = connection.begin(false).await?;
        ledger::claim(&transaction, &[identity]).await?;
        if ledger::is_recorded(&transaction, load_id).await? {
            let loaded = ledger::loaded(&transaction, &[identity], None).await?;
            let loaded = loaded.into_iter().flatten().next();
            return loaded.map(|loaded| self.completed(loaded)).ok_or_else(|| stale(object));
        }
        let identities = [identity];
        let (parts, earlier) = try_join(
            ledger::parts(&transaction, load_id),
            ledger::earlier_versions(&transaction, &identities),
        )
        .await?;
        if parts.is_empty() {
            return Err(Error::Discarded { object: object.url(), load_id });
        }
        let counts = add_up(object.size, &parts)
            .map_err(|detail| Error::CountMismatch { object: object.url(), detail })?;
        check_parts(&object.url(), &counts, options.max_rejected)?;
        let (starts, before) = records_before(&parts);
        if parts.iter().skip(1).any(|part| part.counts.rejected > 0) {
            self.targets.number_rejected(&transaction, load_id, &starts, &before).await?;
        }
        let seconds = ledger::complete(&transaction, load_id, options.job_id, &counts).await?;
        commit(transaction, &database, &Completion { object, identity, load_id }, options).await?;
        let mode = self.targets.mode();
        let summary = Summary::new(object, State::Loaded, mode, Some(load_id), seconds, counts);
        Ok(summary.after(earlier.first().and_then(Option::as_ref)))
    }

    /// The summary of a load that somebody else has made complete: ours too, if a part was.
    fn completed(&self, loaded: Loaded) -> Summary {
        let summary = Summary::already_loaded(self.object, loaded);
        match self.committed_here() {
            0 => summary,
            _ => Summary { state: State::Loaded, ..summary },
        }
    }

    fn committed_here(&self) -> u64 {
        self.committed.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
    }

    fn incomplete(&self, source: Error) -> Error {
        // Of one that may be complete nobody can say that it is not, and of one that was discarded no
        // part is there.
        if matches!(source, Error::CommitUnknown { .. } | Error::Discarded { .. }) {
            return source;
        }
        Error::Incomplete {
            object: self.object.url(),
            load_id: self.begun.load_id,
            committed: self.begun.committed + self.committed_here(),
            parts: self.begun.parts,
            source: Box::new(source),
        }
    }
}

/// A part of a load, as a unit of work.
struct PartUnit<'a> {
    load: &'a Load<'a>,
    owner: Owner,
    /// The part that was claimed.
    part: Option<Part>,
    /// The byte to which all had been read when the version was checked.
    checked_to: u64,
}

/// No part is to be taken.
struct NoPart;

impl PartUnit<'_> {
    fn claimed(&self) -> Result<&Part> {
        self.part.as_ref().ok_or_else(|| stopped(self.load.object))
    }
}

impl Unit for PartUnit<'_> {
    const HAS_WHOLE_OBJECTS: bool = false;
    type Found = NoPart;
    type Loaded = ();

    async fn claim(&mut self, transaction: &Transaction<'_>) -> Result<Option<NoPart>> {
        let load_id = self.load.begun.load_id;
        self.part = match self.owner {
            Owner::Unclaimed => ledger::take_part(transaction, load_id).await?,
            Owner::Other => ledger::take_part_of_others(transaction, load_id).await?,
        };
        Ok(self.part.is_none().then_some(NoPart))
    }

    fn start(&mut self, encoder: Encoder) -> Result<Transforming> {
        let Load { object, feed, options, targets, begun, .. } = self.load;
        let bytes_read = Arc::clone(&options.progress.bytes_read);
        let (reader, mut arrival) =
            PartReader::open(object, self.claimed()?.bytes.clone(), bytes_read);
        self.checked_to = arrival.end;
        let stamp = stamp(object, begun.load_id, begun.started_at);
        let transform =
            build_transform(object, feed, targets.limits(), stamp, Some(encoder), options);
        let object_read = (*object).clone();
        // The store is asked while the rest is written.
        let version_check = async move { arrival.verify_version(&object_read).await }.boxed();
        Ok(Transforming { version_check, ..transforming(object, transform.start_part(reader)) })
    }

    async fn record(
        &self,
        transaction: &Transaction<'_>,
        tallies: &[Tally],
        counts: Vec<Counts>,
    ) -> Result<()> {
        // The last line may end behind what had been read at the check.
        if tallies.iter().any(|tally| tally.text.end > self.checked_to) {
            verify_version(self.load.object).await?;
        }
        let (load_id, part) = (self.load.begun.load_id, self.claimed()?);
        for (tally, counts) in tallies.iter().zip(&counts) {
            ledger::record_part(transaction, load_id, part, &tally.text, counts).await?;
        }
        Ok(())
    }
}

impl Recorded for PartUnit<'_> {
    const POINTS: [Failpoint; 2] = [Failpoint::PartRecorded, Failpoint::PartCommitted];

    fn is_last(&self) -> bool {
        false
    }

    fn names(&self) -> Vec<String> {
        let object = self.load.object.url();
        match &self.part {
            Some(Part { bytes: Range { start, end }, .. }) => {
                vec![format!("{object} (bytes {start} to {end})")]
            }
            None => vec![object],
        }
    }

    async fn is_recorded(&self, transaction: &Transaction<'_>) -> Result<bool> {
        ledger::is_part_committed(transaction, self.load.begun.load_id, self.claimed()?).await
    }
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

    async fn is_recorded(&self, transaction: &Transaction<'_>) -> Result<bool> {
        ledger::claim(transaction, &[self.identity]).await?;
        // Others may have gone on with it meanwhile.
        ledger::is_begun(transaction, self.load_id).await
    }
}

/// A load in parts that is complete.
struct Completion<'a> {
    object: &'a Object,
    identity: &'a Identity,
    load_id: i64,
}

impl Recorded for Completion<'_> {
    const POINTS: [Failpoint; 2] = [Failpoint::Recorded, Failpoint::Committed];

    fn is_last(&self) -> bool {
        true
    }

    fn names(&self) -> Vec<String> {
        vec![self.object.url()]
    }

    async fn is_recorded(&self, transaction: &Transaction<'_>) -> Result<bool> {
        ledger::claim(transaction, &[self.identity]).await?;
        ledger::is_recorded(transaction, self.load_id).await
    }
}

/// The ledger's row of a load is gone that was there just now.
fn stale(object: &Object) -> Error {
    let detail = "the ledger has no row of it any more".to_owned();
    Error::CountMismatch { object: object.url(), detail }
}
