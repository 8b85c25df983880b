//! One load: an object goes through a feed into its tables, once, in one transaction; a huge one in
//! parts.

mod connections;
mod discard;
mod parts;
mod reconcile;
mod rejects;
mod retention;
mod transaction;
mod turn;
mod unit;

use std::future::ready;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use futures::FutureExt;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::database::Connection;
use crate::decode::Limits;
use crate::error::{Error, Result};
pub use crate::failpoint::Failpoint;
use crate::feed::Feed;
use crate::frame::Stamp;
use crate::ledger::{self, Identity, Loaded};
pub use crate::load::connections::Connections;
use crate::load::connections::sequential_reason;
pub use crate::load::discard::{Discarded, discard};
pub use crate::load::parts::help;
pub use crate::load::retention::remove_old_rejects;
pub use crate::max_rejected::MaxRejected;
pub use crate::progress::Progress;
use crate::records::CutOptions;
use crate::reject_run::RejectRun;
use crate::sink::{Encoder, RequestedMode, Rows, Targets};
use crate::store::{Object, ObjectReader};
pub use crate::summary::{State, Summary, Warning, WarningKind};
use crate::transform::{Domains, Transform, Work};
pub use crate::transform::{Example, warm_up};
pub(crate) use reconcile::{counts_of, title};
use rejects::check_rejects;
pub(crate) use transaction::{Outcome, Recorded, Transforming, Unit, load_unit};
pub(crate) use turn::Turn;
pub(crate) use unit::{Found, Objects, find_existing, instant};

/// Records in a row that may be rejected, unless something else is asked for.
pub const MAX_REJECTS_IN_A_ROW: u64 = 500_000;

/// How to load an object.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// What becomes of the valid records.
    pub mode: RequestedMode,
    /// How the object is cut into records.
    pub cut: CutOptions,
    /// Whether to load a version again that is loaded already.
    pub reload: bool,
    /// The job that asks for it, if one does: a version is loaded again once for each job.
    pub job_id: Option<Uuid>,
    /// Records that may be rejected in a row before the load is given up; 0 for any number.
    pub max_rejects_in_a_row: u64,
    /// Records of an object that may be rejected; None for any number. With a limit, an object is loaded
    /// on one connection.
    pub max_rejected: Option<MaxRejected>,
    /// On how many connections, and in which parts.
    pub connections: Connections,
    /// Is told how far the load is, and may stop it.
    pub progress: Arc<Progress>,
    /// Is called when the load reaches one of its points.
    pub hit: fn(Failpoint),
}

impl LoadOptions {
    /// These, with what the feed says: where the records are, and where they leave it open the mode and how
    /// many records may be rejected.
    #[must_use]
    pub(crate) fn of_feed(&self, feed: &Feed) -> Self {
        let mode = match self.mode {
            RequestedMode::Auto => feed.mode,
            asked => asked,
        };
        let max_rejected = self.max_rejected.or(feed.max_rejected);
        let cut = CutOptions { records: feed.records.clone(), ..self.cut.clone() };
        Self { mode, max_rejected, cut, ..self.clone() }
    }
}

/// Loads an object: all of it is committed, or nothing; of a huge one, as [`Connections`] say, all of
/// each part or nothing, and loading it again goes on with the parts that are missing.
///
/// # Errors
/// Every [`Error`]; then no row was written but one in the ledger that says so. After
/// [`Error::CommitUnknown`], and only then, the rows may be there: loading again tells. After
/// [`Error::Cancelled`], or when it is dropped, a load has written no row at all. After
/// [`Error::Incomplete`], or when a load in parts is dropped, the rows of the parts that are
/// committed are there.
pub async fn load(
    object: &Object,
    feed: &Arc<Feed>,
    connection: &mut Connection,
    options: &LoadOptions,
) -> Result<Summary> {
    let started_at = SystemTime::now();
    let options = &options.of_feed(feed);
    options.progress.begin();
    let identity = Identity::of(feed, object);
    let mut mode = options.mode;
    match attempt(object, feed, &identity, connection, options, started_at, &mut mode).await {
        Ok(summary) => Ok(summary.through(feed)),
        Err(error) => {
            let error = connection.explain(error).await;
            // Of a load that may be there after all nobody can say that it failed, and one that was
            // cancelled did not.
            if !matches!(error, Error::CommitUnknown { .. }) && !error.is_cancelled() {
                let options = LoadOptions { mode, ..options.clone() };
                note_failure(object, feed, connection, &options, started_at, &error).await;
            }
            Err(error)
        }
    }
}

/// Whether the version is loaded already and is not to be loaded again, as far as the ledger tells.
pub(crate) async fn is_loaded(
    object: &Object,
    feed: &Arc<Feed>,
    connection: &Connection,
    options: &LoadOptions,
) -> bool {
    let existing = existing(&Identity::of(feed, object), connection, options).await;
    existing.is_ok_and(|loaded| loaded.is_some())
}

/// Notes a failure in the ledger, if that can be. The mode is that of the options: `auto` when the
/// load failed before its tables had chosen one.
pub(crate) async fn note_failure(
    object: &Object,
    feed: &Arc<Feed>,
    connection: &Connection,
    options: &LoadOptions,
    started_at: SystemTime,
    error: &Error,
) {
    let identity = Identity::of(feed, object);
    let how = (options.mode, options.reload, options.job_id);
    if let Err(unrecorded) = record_failure(connection, &identity, how, started_at, error).await {
        tracing::debug!(%unrecorded, "the ledger does not know of a load that failed");
    }
}

/// Writes a failure into the ledger, on a new connection if the load's is broken.
async fn record_failure(
    connection: &Connection,
    identity: &Identity,
    how: (RequestedMode, bool, Option<Uuid>),
    started_at: SystemTime,
    error: &Error,
) -> Result<()> {
    if connection.is_closed() {
        let connection = connection.database().connect().await?;
        return ledger::record_failure(&*connection, identity, how, started_at, error).await;
    }
    ledger::record_failure(&**connection, identity, how, started_at, error).await
}

/// Loads an object; `mode` becomes the one that its tables have chosen, once they have.
async fn attempt(
    object: &Object,
    feed: &Arc<Feed>,
    identity: &Identity,
    connection: &mut Connection,
    options: &LoadOptions,
    started_at: SystemTime,
    mode: &mut RequestedMode,
) -> Result<Summary> {
    if let Some(loaded) = existing(identity, connection, options).await? {
        return Ok(Summary::already_loaded(object, loaded));
    }
    let open = || ObjectReader::open(object, Arc::clone(&options.progress.bytes_read));
    // The first bytes come while the database is asked, unless the object may be loaded in parts: that
    // depends on the mode, and on what the object holds.
    let reason = options.sequential_reason(object.size, options.mode);
    let reader = reason.map(|_| open());
    // Before the load begins: creating what is missing keeps readers of a table out until the end
    // of its transaction.
    let targets = Targets::find_or_create(&*connection, feed, options.mode).await?;
    *mode = targets.mode().into();
    let Some(reason) = sequential_reason(object, options, targets.mode()).await? else {
        return parts::load(object, feed, identity, connection, options, targets, started_at).await;
    };
    let counts = options.progress.counts();
    let (mut targets, mut reader) = (targets, reader);
    loop {
        let reader = reader.take().unwrap_or_else(open);
        let held = (targets.limits(), Domains::of(&targets, connection.database()));
        let start = |mut stamps: Vec<Stamp>, encoder| {
            let stamp = stamps.pop().unwrap_or_default();
            let transform = build_transform(object, feed, held, stamp, Some(encoder), options);
            transforming(object, transform.start(reader))
        };
        let mode = targets.mode();
        let mut unit = Objects::alone(object, identity, started_at, mode, options, start);
        match load_unit(&mut unit, connection, &targets, options, Turn::alone()).await? {
            Outcome::Loaded(mut summaries) => {
                let summary = summaries.pop().ok_or_else(|| stopped(object))?;
                return Ok(Summary { sequential_reason: Some(reason), ..summary });
            }
            Outcome::Found(Found::Loaded(mut loaded)) => {
                let loaded = loaded.pop().flatten().ok_or_else(|| stopped(object))?;
                return Ok(Summary::already_loaded(object, loaded));
            }
            Outcome::Found(Found::Incomplete(begun)) => {
                drop(unit);
                let begun =
                    parts::go_on(object, feed, identity, connection, options, targets, begun);
                return begun.await;
            }
            // There is none.
            Outcome::PredecessorFailed => return Err(stopped(object)),
            Outcome::Overtaken => {
                options.progress.go_back(counts);
                targets = targets.with_all_children();
            }
        }
    }
}

/// The rows of one object or part on their way. The reader of a whole object checks its version.
fn transforming(object: &Object, (rows, work): (mpsc::Receiver<Rows>, Work)) -> Transforming {
    let stopped = stopped(object);
    let tallies = async move { Ok(vec![work.await.map_err(|_| stopped)??]) };
    Transforming { rows, tallies: tallies.boxed(), version_check: ready(Ok(())).boxed() }
}

/// Reads and checks an object as a load would, and writes nothing; without a connection it is held
/// against the tables that a fresh database gets.
///
/// # Errors
/// As [`load`].
pub async fn dry_run(
    object: &Object,
    feed: &Arc<Feed>,
    connection: Option<&mut Connection>,
    options: &LoadOptions,
) -> Result<Summary> {
    let started_at = SystemTime::now();
    let options = &options.of_feed(feed);
    let (targets, domains) = match connection {
        Some(connection) => {
            let transaction = connection.begin(true).await?;
            let targets = Targets::find(&transaction, feed, options.mode).await?;
            drop(transaction);
            let domains = Domains::of(&targets, connection.database());
            (targets, domains)
        }
        None => (Targets::fresh(feed, options.mode.on_new_table(feed)), None),
    };
    let stamp = stamp(object, 0, started_at);
    let reader = ObjectReader::open(object, Arc::clone(&options.progress.bytes_read));
    let transform =
        build_transform(object, feed, (targets.limits(), domains), stamp, None, options);
    let (_, work) = transform.start(reader);
    let tally = work.await.map_err(|_| stopped(object))??;
    let (names, tallies) = ([object.url()], [tally]);
    check_rejects(&names, &tallies, options.max_rejected)?;
    let counts = counts_of(&names[0], &feed.plan, &tallies[0])?;
    let seconds = seconds_since(started_at);
    let summary = Summary::new(object, State::DryRun, targets.mode(), None, seconds, counts);
    let [tally] = tallies;
    Ok(Summary { examples: tally.examples, ..summary.through(feed) })
}

/// The load of this version that is there already, unless it is to be loaded again.
async fn existing(
    identity: &Identity,
    connection: &Connection,
    options: &LoadOptions,
) -> Result<Option<Loaded>> {
    Ok(find_existing(connection, &[identity], options).await?.pop().flatten())
}

fn build_transform(
    object: &Object,
    feed: &Arc<Feed>,
    (limits, domains): (Limits, Option<Domains>),
    stamp: Stamp,
    encoder: Option<Encoder>,
    options: &LoadOptions,
) -> Transform {
    Transform {
        object: object.clone(),
        feed: Arc::clone(feed),
        limits,
        domains,
        stamp,
        encoder,
        cut: options.cut.clone(),
        reject_run: RejectRun::new(options.max_rejects_in_a_row),
        progress: Arc::clone(&options.progress),
    }
}

pub(crate) fn stamp(object: &Object, load_id: i64, started_at: SystemTime) -> Stamp {
    let since_1970 = started_at.duration_since(UNIX_EPOCH).unwrap_or_default();
    Stamp {
        ingested_at_micros: since_1970.as_micros() as i64,
        load_id,
        object: object.url(),
        object_version: object.version(),
    }
}

pub(crate) fn seconds_since(started_at: SystemTime) -> f64 {
    started_at.elapsed().unwrap_or_default().as_secs_f64()
}

fn stopped(object: &Object) -> Error {
    Error::Stopped { object: object.url() }
}
