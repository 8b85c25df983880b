//! What `serve` and `worker` have in common: the database, the jobs, the buckets, and how they stop.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use pipeline::database::{Connection, Database, Embedded};
use pipeline::error::Error;
use pipeline::feed::Feeds;
use tokio::signal::unix::{SignalKind, signal};
use tokio_postgres::SimpleQueryMessage;
use tokio_util::sync::CancellationToken;

use super::print::Printer;
use super::{outdated, session};
use crate::buckets::{BucketError, Buckets};
use crate::config::WorkArgs;
use crate::http::Pulse;
use crate::jobs::watches::{DefinedBy, Definition, WatchPlan, WrongPlan};
use crate::jobs::{
    self, Lineage, Listener, Queue, Sender, Store, StoreError, Worker, WorkerSettings,
};
use crate::readiness::Readiness;

/// Connections of a worker beside those of its attempts: heartbeats, sweeps and notes.
const WORKERS_OWN: usize = 3;

/// What is said of a pooler that cannot carry loads either.
const NO_STATEMENTS: &str = "note: the pooler of --database-url loses prepared statements, so loads use \
    --queue-database-url too (PgBouncer keeps them from version 1.21 on, with max_prepared_statements)";

/// Why a service did not start.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error(transparent)]
    Pipeline(#[from] Error),
    #[error(transparent)]
    Bucket(#[from] BucketError),
    #[error("--queue-database-url leads to another database than --database-url")]
    OtherDatabase,
    #[error("could not prepare the queue")]
    Queue(#[source] graphile_worker::DbError),
    #[error("the watch {name} of the settings cannot be used")]
    Watch { name: String, source: WrongPlan },
    #[error("could not define the watches of the settings")]
    Define(#[source] StoreError),
    #[error("could not prepare the connections")]
    Pool(#[from] deadpool_postgres::BuildError),
    #[error("could not listen on {address} for probes")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("could not prepare webhooks or events of lineage")]
    Webhooks(#[source] reqwest::Error),
    #[error("could not listen to signals")]
    Signals(#[source] std::io::Error),
    #[error("could not count")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
}

impl StartError {
    /// The error to print.
    pub(super) fn as_error(&self) -> &(dyn std::error::Error + 'static) {
        match self {
            Self::Pipeline(error) => error,
            Self::Bucket(error) => error,
            other => other,
        }
    }
}

/// A service that has its database.
pub(super) struct Service {
    pub(super) listener: Listener,
    pub(super) buckets: Buckets,
    pub(super) worker: Arc<Worker>,
    /// Whether the database can carry the queue.
    pub(super) readiness: Readiness,
    /// Set when the process is to stop.
    pub(super) stopping: CancellationToken,
    /// The database with the timeouts of queries.
    queries: Database,
    queue: Queue,
    embedded: Option<Embedded>,
    /// Ends what is still connected, after everything else has stopped.
    ended: CancellationToken,
}

impl Service {
    /// Opens buckets and database and brings the latter up to date.
    pub(super) async fn start(
        args: &WorkArgs,
        watches: Vec<WatchPlan>,
        feeds: &Feeds,
        printer: &Printer,
    ) -> Result<Self, StartError> {
        let buckets = Buckets::open(&args.buckets)?;
        let watches = checked(watches, &buckets, feeds)?;
        let stopping = CancellationToken::new();
        stop_on_signals(stopping.clone())?;
        let (database, embedded) = session::open(&args.database, printer).await?;
        let direct = match args.queue_url() {
            Some(url) => same_database(&database, Database::new(url)?).await?,
            None => database.clone(),
        };
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let queries = direct
            .clone()
            .with_statement_timeout(seconds(args.statement_timeout_secs))
            .with_lock_timeout(seconds(args.statement_timeout_secs))
            .with_lineage(args.openlineage_url.is_some());
        let loads = match args.queue_url() {
            Some(_) if !database.keeps_statements().await? => {
                printer.note(NO_STATEMENTS);
                &direct
            }
            _ => &database,
        };
        let waiting = |database: &Database| {
            database
                .clone()
                .with_lock_timeout(seconds(args.lock_timeout_secs))
                .with_kept_statements()
        };
        let ended = CancellationToken::new();
        let readiness = Readiness::find(&direct).await?;
        let listener = Listener::start(queries.clone(), readiness.clone(), ended.clone());
        // A pool of its own, so that slow questions to the API do not make the worker look dead.
        let work = queries.clone().with_new_plans();
        let work = jobs::pool(&work, args.concurrency() + WORKERS_OWN)?;
        let queue = Queue::new(work.clone(), listener.clone());
        let work = Store::new(work, queue.clone());
        match readiness.refusal() {
            None => {
                prepare(&direct, &queue).await?;
                define(&work, &watches).await.map_err(StartError::Define)?;
            }
            Some(why) => {
                printer.note(&format!("not ready: {why}"));
                tokio::spawn(recover(readiness.clone(), direct.clone(), &queue, &ended));
                tokio::spawn(define_later(readiness.clone(), work.clone(), watches));
            }
        }
        tokio::spawn(outdated::stop_when_outdated(
            work.clone(),
            readiness.clone(),
            stopping.clone(),
        ));
        let settings = WorkerSettings {
            concurrency: args.concurrency(),
            grace: Duration::from_secs(args.grace_secs),
            connections: args.connections.connections(),
            cut: args.records.cut(None),
            max_rejects_in_a_row: args.rejects.max_rejects_in_a_row,
            max_rejected: args.rejects.max_rejected,
            catalog: !args.no_preflight,
            retention: args.retention(),
            webhooks: sender(args)?,
            lineage: lineage(args, &database)?,
        };
        let known = (buckets.clone(), feeds.clone());
        let databases = (waiting(loads), waiting(&direct));
        let worker = Worker::new(databases, work, listener.clone(), known, settings);
        let worker = Arc::new(worker);
        Ok(Self { listener, buckets, worker, readiness, stopping, queries, queue, embedded, ended })
    }

    /// The jobs as the API sees them, over connections of its own.
    pub(super) fn store(&self, connections: NonZeroUsize) -> Result<Store, StartError> {
        Ok(Store::new(jobs::pool(&self.queries, connections.get())?, self.queue.clone()))
    }

    /// Works until the process is to stop, from when it is ready.
    pub(super) fn work(&self) -> impl Future<Output = ()> + Send + use<> {
        let (readiness, stopping) = (self.readiness.clone(), self.stopping.clone());
        let worker = Arc::clone(&self.worker);
        async move {
            tokio::select! {
                () = readiness.wait() => worker.run(stopping).await,
                () = stopping.cancelled() => {}
            }
        }
    }

    /// What answers the requests of probes and Prometheus.
    pub(super) fn pulse(&self, store: Store, metrics: PrometheusHandle) -> Pulse {
        let (readiness, stopping) = (self.readiness.clone(), self.stopping.clone());
        Pulse { store, readiness, metrics, stopping }
    }

    /// Ends what was started.
    pub(super) async fn close(self) -> Result<(), Error> {
        self.ended.cancel();
        match self.embedded {
            Some(embedded) => embedded.stop().await,
            None => Ok(()),
        }
    }
}

/// Sends webhooks, if the settings have a key to sign them with.
fn sender(args: &WorkArgs) -> Result<Option<Sender>, StartError> {
    let secrets = args.webhook_secrets.clone();
    let sender = (!secrets.is_empty()).then(|| Sender::new(secrets));
    sender.transpose().map_err(StartError::Webhooks)
}

/// Sends events of lineage, if the settings say where to.
fn lineage(args: &WorkArgs, database: &Database) -> Result<Option<Lineage>, StartError> {
    let new = |url| {
        let namespace = args.openlineage_namespace.clone();
        Lineage::new(url, args.openlineage_key.clone(), namespace, &database.address())
    };
    args.openlineage_url.clone().map(new).transpose().map_err(StartError::Webhooks)
}

/// The watches of the settings, if they can be carried out here.
fn checked(
    watches: Vec<WatchPlan>,
    buckets: &Buckets,
    feeds: &Feeds,
) -> Result<Vec<Definition>, StartError> {
    let check = |watch: WatchPlan| {
        let name = watch.name.clone().unwrap_or_default();
        watch.checked(buckets, feeds).map_err(|source| StartError::Watch { name, source })
    };
    watches.into_iter().map(check).collect()
}

/// Writes the watches of the settings, in place of those of their names.
async fn define(store: &Store, watches: &[Definition]) -> Result<(), StoreError> {
    for watch in watches {
        store.define_watch(watch, DefinedBy::Settings, true).await?;
    }
    Ok(())
}

async fn define_later(readiness: Readiness, store: Store, watches: Vec<Definition>) {
    readiness.wait().await;
    if let Err(error) = define(&store, &watches).await {
        let error = pipeline::error::causes(&error).join(": ");
        tracing::error!(
            error,
            "the watches of the settings are not defined: start the process again"
        );
    }
}

/// Brings the ledger, the jobs and the queue up to date.
pub(super) async fn prepare(database: &Database, queue: &Queue) -> Result<(), StartError> {
    let mut connection = database.connect().await?;
    pipeline::database::migrate(&mut connection).await?;
    jobs::migrate(&connection, queue).await.map_err(StartError::Queue)
}

/// The second, if it leads to the same database as the first.
async fn same_database(pooled: &Database, direct: Database) -> Result<Database, StartError> {
    let (of_loads, of_queue) = (pooled.connect().await?, direct.connect().await?);
    let (loads, queue) = (identity(&of_loads).await, identity(&of_queue).await);
    let failed = |source| Error::Database { doing: "compare the databases".to_owned(), source };
    let is_same = loads.map_err(failed)? == queue.map_err(failed)?;
    if is_same { Ok(direct) } else { Err(StartError::OtherDatabase) }
}

/// Which database of which server it is. By the simple protocol, which every pooler lets through.
async fn identity(connection: &Connection) -> Result<Option<String>, tokio_postgres::Error> {
    let sql = "select concat_ws(' ', current_database(), pg_postmaster_start_time())";
    let answer = connection.simple_query(sql).await?;
    Ok(answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }))
}

/// Waits until no pooler is in between, unless the process ends.
fn recover(
    readiness: Readiness,
    direct: Database,
    queue: &Queue,
    ended: &CancellationToken,
) -> impl Future<Output = ()> + Send + use<> {
    let (queue, ended, database) = (queue.clone(), ended.clone(), direct.clone());
    async move {
        tokio::select! {
            () = readiness.recover(direct, || prepare(&database, &queue)) => {}
            () = ended.cancelled() => {}
        }
    }
}

/// Stops at the first SIGTERM or SIGINT; a second one ends the process at once.
fn stop_on_signals(stopping: CancellationToken) -> Result<(), StartError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(StartError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(StartError::Signals)?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if stopping.is_cancelled() {
                std::process::exit(1);
            }
            tracing::info!("stopping: what runs may come to its end, a second signal ends it");
            stopping.cancel();
        }
    });
    Ok(())
}
