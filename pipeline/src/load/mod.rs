//! One load: an object goes through a feed into its tables, once, in one transaction; a huge one in
//! parts.

mod add_up;
mod connections;
mod parts;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::try_join;
use tokio::sync::mpsc;
use tokio_postgres::{GenericClient, Transaction};
use uuid::Uuid;

use crate::database::{Connection, Database};
use crate::decode::Limits;
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::frame::Stamp;
use crate::ledger::{self, Counts, Entry, Identity, Loaded};
pub use crate::load::connections::{Connections, whole_because};
pub use crate::load::parts::help;
pub use crate::point::Point;
pub use crate::progress::Progress;
use crate::reject_run::RejectRun;
use crate::sink::{Encoder, RequestedMode, Rows, Sink, Targets, Written};
use crate::source::{CutOptions, Object, ObjectReader};
pub use crate::summary::{State, Summary, Warning, WarningKind};
pub use crate::transform::warm_up;
use crate::transform::{Tally, Transform, Work};

/// Records in a row that may be rejected, unless something else is asked for.
pub const MAX_REJECTS_IN_A_ROW: u64 = 500_000;

/// How to load an object.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// What becomes of the status rows.
    pub mode: RequestedMode,
    /// How the object is cut into records.
    pub cut: CutOptions,
    /// Whether to load a version again that is loaded already.
    pub reload: bool,
    /// The job that asks for it, if one does: a version is loaded again once for each job.
    pub job_id: Option<Uuid>,
    /// Records that may be rejected in a row before the load is given up; 0 for any number.
    pub max_rejects_in_a_row: u64,
    /// On how many connections, and in which parts.
    pub connections: Connections,
    /// Is told how far the load is, and may stop it.
    pub progress: Arc<Progress>,
    /// Is called when the load reaches one of its points.
    pub reached: fn(Point),
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
    feed: &'static Feed,
    connection: &mut Connection,
    options: &LoadOptions,
) -> Result<Summary> {
    let started_at = SystemTime::now();
    options.progress.begin();
    let identity = Identity::of(feed, object);
    let mut mode = options.mode;
    match attempt(object, feed, &identity, connection, options, started_at, &mut mode).await {
        Ok(summary) => Ok(summary),
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
    feed: &Feed,
    connection: &Connection,
    options: &LoadOptions,
) -> bool {
    let earlier = earlier(&Identity::of(feed, object), &**connection, options).await;
    earlier.is_ok_and(|loaded| loaded.is_some())
}

/// Notes a failure in the ledger, if that can be. The mode is that of the options: `auto` when the
/// load failed before its tables had chosen one.
pub(crate) async fn note_failure(
    object: &Object,
    feed: &Feed,
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
    feed: &'static Feed,
    identity: &Identity,
    connection: &mut Connection,
    options: &LoadOptions,
    started_at: SystemTime,
    mode: &mut RequestedMode,
) -> Result<Summary> {
    let database = connection.database().clone();
    if let Some(loaded) = earlier(identity, &**connection, options).await? {
        return Ok(Summary::already_loaded(object, loaded));
    }
    let open = || ObjectReader::open(object, Arc::clone(&options.progress.bytes_read));
    // The first bytes come while the database is asked, unless the object may be loaded in parts: that
    // depends on the mode.
    let reader = connections::is_whole(object, options, options.mode).then(open);
    // Before the load begins: creating what is missing keeps readers of a table out until the end
    // of its transaction.
    let targets = Targets::find_or_create(&**connection, feed, options.mode).await?;
    *mode = targets.mode().into();
    if reader.is_none() && whole_because(object, options, targets.mode()).await?.is_none() {
        return parts::load(object, feed, identity, connection, options, targets, started_at).await;
    }
    let reader = reader.unwrap_or_else(open);
    let transaction = connection.begin(false).await?;
    let load_id = ledger::claim(&transaction, identity).await?;
    // Somebody else may have had the claim meanwhile. Both questions go out at once.
    let (loaded, begun) = try_join(
        earlier(identity, &transaction, options),
        ledger::incomplete(&transaction, identity),
    )
    .await?;
    if let Some(loaded) = loaded {
        return Ok(Summary::already_loaded(object, loaded));
    }
    if let Some(begun) = begun {
        drop((transaction, reader));
        return parts::go_on(object, feed, identity, connection, options, targets, begun).await;
    }
    let stamp = stamp(object, load_id, started_at);
    let encoder = Some(Encoder::new(&targets));
    let transform = prepared(object, feed, targets.limits(), stamp, encoder, options);
    let (rows, work) = transform.start(reader);
    let (written, tally) = write(object, &transaction, &targets, rows, work, options).await?;
    let counts = prove(object, &tally, written)?;
    let seconds = seconds_since(started_at);
    let entry = Entry {
        load_id,
        mode: targets.mode(),
        reload: options.reload,
        job_id: options.job_id,
        format: tally.format,
        compression: tally.compression,
        started_at,
        seconds,
        counts: &counts,
    };
    ledger::record(&transaction, identity, &entry).await?;
    commit(transaction, &database, (object, identity, load_id), options).await?;
    Ok(Summary::new(object, State::Loaded, targets.mode(), Some(load_id), seconds, counts))
}

/// Commits a load that the ledger has, unless it is to stop; if the answer does not come, the ledger
/// tells what became of it.
async fn commit(
    transaction: Transaction<'_>,
    database: &Database,
    (object, identity, load_id): (&Object, &Identity, i64),
    options: &LoadOptions,
) -> Result<()> {
    (options.reached)(Point::Recorded);
    if !options.progress.begin_commit() {
        return Err(Error::Cancelled { object: object.url() });
    }
    if let Err(source) = transaction.commit().await {
        was_committed(database, object, identity, load_id, source).await?;
    }
    (options.reached)(Point::Committed);
    Ok(())
}

/// Reads and checks an object as a load would, and writes nothing; without a connection it is held
/// against the tables that a fresh database gets.
///
/// # Errors
/// As [`load`].
pub async fn dry_run(
    object: &Object,
    feed: &'static Feed,
    connection: Option<&mut Connection>,
    options: &LoadOptions,
) -> Result<Summary> {
    let started_at = SystemTime::now();
    let targets = match connection {
        Some(connection) => {
            let transaction = connection.begin(true).await?;
            Targets::find(&transaction, feed, options.mode).await?
        }
        None => Targets::fresh(feed, options.mode.on_new_table()),
    };
    let stamp = stamp(object, 0, started_at);
    let reader = ObjectReader::open(object, Arc::clone(&options.progress.bytes_read));
    let transform = prepared(object, feed, targets.limits(), stamp, None, options);
    let (_, work) = transform.start(reader);
    let tally = work.await.map_err(|_| stopped(object))??;
    let written = Written {
        status: tally.loaded,
        log: tally.log_rows,
        rejected: tally.rejected,
        merged: None,
    };
    let counts = prove(object, &tally, written)?;
    let seconds = seconds_since(started_at);
    Ok(Summary::new(object, State::DryRun, targets.mode(), None, seconds, counts))
}

/// The load of this version that is there already, unless it is to be loaded again.
async fn earlier(
    identity: &Identity,
    client: &impl GenericClient,
    options: &LoadOptions,
) -> Result<Option<Loaded>> {
    match (options.reload, options.job_id) {
        (false, _) => ledger::loaded(client, identity, None).await,
        // The job's attempt before this one may have committed and not lived to tell.
        (true, Some(job_id)) => ledger::loaded(client, identity, Some(job_id)).await,
        (true, None) => Ok(None),
    }
}

fn prepared(
    object: &Object,
    feed: &'static Feed,
    limits: Limits,
    stamp: Stamp,
    encoder: Option<Encoder>,
    options: &LoadOptions,
) -> Transform {
    Transform {
        object: object.clone(),
        feed,
        limits,
        stamp,
        encoder,
        cut: options.cut.clone(),
        reject_run: RejectRun::new(options.max_rejects_in_a_row),
        progress: Arc::clone(&options.progress),
    }
}

/// Sends the rows as they come; what the database has taken, and what was sent.
async fn write(
    object: &Object,
    transaction: &Transaction<'_>,
    targets: &Targets,
    mut rows: mpsc::Receiver<Rows>,
    work: Work,
    options: &LoadOptions,
) -> Result<(Written, Tally)> {
    let mut sink = Sink::open(transaction, targets, options.reached).await?;
    while let Some(rows) = rows.recv().await {
        sink.write(rows).await?;
    }
    let tally = work.await.map_err(|_| stopped(object))??;
    Ok((sink.finish().await?, tally))
}

/// The counts of a load, proven: every record of the object is loaded or rejected, every entry of
/// a loaded record's list is a row of the log, and the database has taken as many rows of each.
pub(crate) fn prove(object: &Object, tally: &Tally, written: Written) -> Result<Counts> {
    let equal = [
        ("records read, and loaded and rejected", tally.records, tally.loaded + tally.rejected),
        (
            "rejected records, and those with a reason",
            tally.rejected,
            tally.rejected_by_reason.values().sum(),
        ),
        ("entries of lists, and rows of the log", tally.list_entries, tally.log_rows),
        ("rows of the log, and those the database took", tally.log_rows, written.log),
        ("valid records, and those the database took", tally.loaded, written.status),
        ("rejected records, and those the database took", tally.rejected, written.rejected),
    ];
    if let Some((what, one, other)) = equal.into_iter().find(|(_, one, other)| one != other) {
        let detail = format!("{what}, are {one} and {other}");
        return Err(Error::Unproven { object: object.url(), detail });
    }
    Ok(Counts {
        records: tally.records,
        loaded: written.status,
        rejected: written.rejected,
        log_rows: written.log,
        merged: written.merged,
        rejected_by_reason: tally.rejected_by_reason.clone(),
        unknown_fields: tally.unknown_fields.clone(),
    })
}

/// After a commit whose answer did not come: asks the ledger, once whoever commits is done.
pub(crate) async fn was_committed(
    database: &Database,
    object: &Object,
    identity: &Identity,
    load_id: i64,
    source: tokio_postgres::Error,
) -> Result<()> {
    let asked = async {
        // However long that takes: to know is worth the wait.
        let forever = Some(Duration::ZERO);
        let patient = database.clone().with_lock_timeout(forever).with_statement_timeout(forever);
        let mut connection = patient.connect().await?;
        let transaction = connection.begin(false).await?;
        ledger::claim(&transaction, identity).await?;
        ledger::is_recorded(&transaction, load_id).await
    };
    match asked.await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::Database { doing: "commit the load".to_owned(), source }),
        Err(error) => Err(Error::CommitUnknown { object: object.url(), source: Box::new(error) }),
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
