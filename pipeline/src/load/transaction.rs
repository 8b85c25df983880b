//! THE PAGE: how a unit of work gets into its tables, in one transaction.
//!
//! | step | what holds after it |
//! |---|---|
//! | claim | nobody else loads the same versions, and none of them is loaded already |
//! | remove | in mode replace, the rows of earlier versions are gone |
//! | copy | the database has the rows of the unit, in merge mode in a staging table |
//! | check rejects | no more records of an object are rejected than may be |
//! | merge | the rows are in their tables |
//! | reconcile | every record that was read is loaded or rejected, and the database has taken it |
//! | record | the ledger has what was loaded |
//! | commit | all of this is there; before it, none of it was |
//!
//! Single loads, bundles of small objects and parts of a huge one all go this way, and no rows of a
//! load are committed anywhere else.

use std::time::Duration;

use futures::future::{BoxFuture, try_join};
use tokio::sync::mpsc;
use tracing::Instrument;

use super::LoadOptions;
use super::reconcile::{add_removed, reconcile_counts, title};
use super::rejects::check_rejects;
use super::turn::Turn;
use crate::TRACES;
use crate::database::{Connection, Database, LoadTransaction};
use crate::error::{Error, Result};
use crate::failpoint::Failpoint;
use crate::feed::Feed;
use crate::ledger::Counts;
use crate::sink::{Encoder, Mode, Rows, Sink, Targets, Written};
use crate::transform::Tally;

/// What one transaction loads: some whole objects, or a part of one.
pub(crate) trait Unit: Recorded {
    /// Whether its records are all of its objects: of a part nobody knows whether too many are rejected.
    const HAS_WHOLE_OBJECTS: bool;
    /// What a claim finds instead of work.
    type Found;
    /// What a unit is once it is recorded.
    type Loaded;

    /// Waits until nobody else loads the same, and takes it until the transaction ends. What was
    /// found when there is nothing to be loaded.
    async fn claim(&mut self, transaction: &LoadTransaction<'_>) -> Result<Option<Self::Found>>;

    /// Begins to make rows of the records.
    ///
    /// # Errors
    /// When nothing was claimed.
    fn start(&mut self, encoder: Encoder) -> Result<Transforming>;

    /// In mode replace: removes the rows of what was loaded of its objects before, from the tables of the feed.
    /// How many rows of each table went, of each object.
    async fn remove_replaced(
        &self,
        transaction: &LoadTransaction<'_>,
        targets: &Targets,
    ) -> Result<Vec<Vec<u64>>>;

    /// Writes what was loaded into the ledger: tallies and proven counts, one of each object.
    async fn record(
        &self,
        transaction: &LoadTransaction<'_>,
        feed: &Feed,
        tallies: &[Tally],
        counts: Vec<Counts>,
    ) -> Result<Self::Loaded>;
}

/// What the ledger knows of when it is committed.
pub(crate) trait Recorded {
    /// The point between the ledger's row and the commit, and the one behind the commit.
    const POINTS: [Failpoint; 2];

    /// Whether nothing more is committed after this under the same [`Progress`].
    ///
    /// [`Progress`]: crate::progress::Progress
    fn is_last(&self) -> bool;

    /// What it is, for errors: of each object of a unit.
    fn names(&self) -> Vec<String>;

    /// Whether the ledger has it, once a backend that may still be committing it is done.
    async fn is_recorded(&self, transaction: &LoadTransaction<'_>) -> Result<bool>;
}

/// Rows on their way to the database.
pub(crate) struct Transforming {
    /// The encoded rows, as they come.
    pub(crate) rows: mpsc::Receiver<Rows>,
    /// What the records of each object became, once there are no more rows.
    pub(crate) tallies: BoxFuture<'static, Result<Vec<Tally>>>,
    /// Makes sure that the version that is read is there to the end. It runs while rows are written.
    pub(crate) version_check: BoxFuture<'static, Result<()>>,
}

/// How the transaction of a unit ended.
pub(crate) enum Outcome<U: Unit> {
    /// It is committed.
    Loaded(U::Loaded),
    /// There was nothing to be loaded, and nothing is written.
    Found(U::Found),
    /// A unit before it in line failed, and nothing is written.
    PredecessorFailed,
    /// Another load changed records that were taken to be unchanged, so that their children were not sent.
    /// Nothing is written.
    Overtaken,
}

/// Loads a unit of work: all of it is committed, or nothing.
///
/// # Errors
/// Every [`Error`]; then nothing of the unit is written. Only after [`Error::CommitUnknown`] it may be.
pub(crate) async fn load_unit<U: Unit>(
    unit: &mut U,
    connection: &mut Connection,
    targets: &Targets,
    options: &LoadOptions,
    mut turn: Turn,
) -> Result<Outcome<U>> {
    let database = connection.database().clone();
    if !turn.claim.reach().await {
        return Ok(Outcome::PredecessorFailed);
    }
    // The answer to the commit before may have been lost with the connection.
    connection.reconnect().await?;
    let transaction = connection.begin(false).await?;
    if let Some(found) = unit.claim(&transaction).await? {
        return Ok(Outcome::Found(found));
    }
    turn.claim.pass();
    let removed = match targets.mode() {
        Mode::Replace => unit.remove_replaced(&transaction, targets).await?,
        Mode::Append | Mode::Merge => Vec::new(),
    };
    let names = unit.names();
    let span = tracing::debug_span!(target: TRACES, "copy", objects = names.len() as i64);
    let copied = copy(unit, &transaction, targets, options).instrument(span).await?;
    let (copied, tallies) = copied;
    if U::HAS_WHOLE_OBJECTS {
        check_rejects(&names, &tallies, options.max_rejected)?;
    }
    if !turn.commit.reach().await {
        return Ok(Outcome::PredecessorFailed);
    }
    let merged = match targets.mode() {
        Mode::Append | Mode::Replace => Vec::new(),
        Mode::Merge => {
            let staged = copied.rows.first().copied().unwrap_or_default();
            let span = tracing::debug_span!(target: TRACES, "merge", rows = staged as i64);
            let merged = targets.merge(&transaction, staged).instrument(span).await?;
            let Some(merged) = merged else {
                return Ok(Outcome::Overtaken);
            };
            (options.hit)(Failpoint::Merged);
            merged
        }
    };
    let plan = &targets.feed().plan;
    let mut counts = reconcile_counts(&names, plan, &tallies, &copied, &merged)?;
    add_removed(&mut counts, &removed);
    let loaded = unit.record(&transaction, targets.feed(), &tallies, counts).await?;
    let span = tracing::debug_span!(target: TRACES, "commit");
    commit(transaction, &database, unit, options).instrument(span).await?;
    turn.commit.pass();
    Ok(Outcome::Loaded(loaded))
}

/// Sends the rows as they come: what the database has taken, and what was sent.
async fn copy<U: Unit>(
    unit: &mut U,
    transaction: &LoadTransaction<'_>,
    targets: &Targets,
    options: &LoadOptions,
) -> Result<(Written, Vec<Tally>)> {
    let Transforming { mut rows, tallies, version_check } = unit.start(Encoder::new(targets))?;
    let written = async {
        let mut sink = Sink::open(transaction, targets, options.hit).await?;
        while let Some(rows) = rows.recv().await {
            sink.write(rows).await?;
        }
        let tallies = tallies.await?;
        Ok((sink.finish().await?, tallies))
    };
    let (written, ()) = try_join(written, version_check).await?;
    Ok(written)
}

/// Commits what the ledger has, unless the load was asked to stop.
pub(super) async fn commit<R: Recorded>(
    transaction: LoadTransaction<'_>,
    database: &Database,
    recorded: &R,
    options: &LoadOptions,
) -> Result<()> {
    let [before, after] = R::POINTS;
    (options.hit)(before);
    if !options.progress.begin_commit() {
        return Err(Error::Cancelled { object: title(&recorded.names()) });
    }
    let committed = match transaction.commit().await {
        Ok(()) => Ok(()),
        Err(source) => resolve_commit_outcome(database, recorded, source).await,
    };
    if committed.is_ok() {
        (options.hit)(after);
    }
    if !recorded.is_last() {
        options.progress.end_commit();
    }
    committed
}

/// After a commit whose answer did not come: asks the ledger, once the backend is done.
async fn resolve_commit_outcome<R: Recorded>(
    database: &Database,
    recorded: &R,
    source: tokio_postgres::Error,
) -> Result<()> {
    let asked = async {
        // However long that takes: to know is worth the wait.
        let forever = Some(Duration::ZERO);
        let patient = database.clone().with_lock_timeout(forever).with_statement_timeout(forever);
        let mut connection = patient.connect().await?;
        let transaction = connection.begin(false).await?;
        recorded.is_recorded(&transaction).await
    };
    match asked.await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::Database { doing: "commit the load".to_owned(), source }),
        Err(error) => {
            Err(Error::CommitUnknown { object: title(&recorded.names()), source: Box::new(error) })
        }
    }
}
