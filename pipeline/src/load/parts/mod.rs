//! One huge object on many connections: a plan of parts, each of which is one transaction, and a last
//! transaction that makes the load complete when all of them are committed.
//!
//! Whoever loads the version takes parts that nobody is at, in this process or in others, until there
//! are none; then waits for those that others are at, and takes what they leave.

mod add_up;
mod complete;
mod plan;
mod take;
mod unit;

use std::collections::BTreeSet;
use std::iter;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use futures::future::join;

use self::plan::{Begun, begin};
use self::take::Owner;
use super::LoadOptions;
use crate::database::{Connection, Database};
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::ledger::{self, Identity, Incomplete};
use crate::sink::Targets;
use crate::store::Object;
use crate::summary::Summary;
use crate::transform::Domains;

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
            let load = Load::new(object, feed, options, targets, begun, connection.database())?;
            load.run(identity, connection, others).await
        }
    }
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
    let load = Load::new(object, feed, options, targets, begun, connection.database())?;
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
    let Some(begun) = ledger::incomplete(&*connection, &[&identity]).await? else {
        return Ok(false);
    };
    let targets = Targets::find_or_create(&*connection, feed, options.mode).await?;
    let load = Load::new(object, feed, options, targets, begun, connection.database())?;
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

/// A load in parts, as this process works on it.
struct Load<'a> {
    object: &'a Object,
    feed: &'a Arc<Feed>,
    options: &'a LoadOptions,
    targets: Targets,
    domains: Option<Domains>,
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
        database: &Database,
    ) -> Result<Self> {
        if begun.feed_hash.as_ref().is_some_and(|hash| *hash != feed.hash) {
            let (load_id, hash) = (begun.load_id, begun.feed_hash.unwrap_or_default());
            let feed = feed.name.clone();
            return Err(Error::FeedChanged { object: object.url(), load_id, feed, hash });
        }
        if begun.mode != targets.mode().as_str() {
            let Incomplete { load_id, mode, .. } = begun;
            return Err(Error::OtherMode { object: object.url(), load_id, mode });
        }
        let domains = Domains::of(&targets, database);
        Ok(Self { object, feed, options, targets, domains, begun, committed: Mutex::default() })
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

/// The ledger's row of a load is gone that was there just now.
fn stale(object: &Object) -> Error {
    let detail = "the ledger has no row of it any more".to_owned();
    Error::CountMismatch { object: object.url(), detail }
}
