//! What the database tells everybody: jobs that are new in the queue, changed, or to be cancelled.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use pipeline::database::Database;
use tokio::sync::broadcast;
use tokio_postgres::{AsyncMessage, Error};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::readiness::Readiness;

/// How long a connection that broke stays away, at first and at most.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// Notices that a slow subscriber may be behind. One that is further behind looks at everything.
const BEHIND: usize = 4096;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notice {
    /// The queue has a new entry, or a slot of this worker has become free.
    Queue,
    /// Jobs have changed.
    Changed(Arc<[Uuid]>),
    /// A job with a webhook has ended.
    Webhook,
    /// A job that runs is to be cancelled.
    Cancelled(Uuid),
    /// A watch is new, due sooner, or has another queue.
    Watches,
    /// The connection was lost for a while: anything may have happened.
    Missed,
}

/// Hands on what the database tells.
#[derive(Debug, Clone)]
pub(crate) struct Listener {
    notices: broadcast::Sender<Notice>,
}

impl Listener {
    /// Begins to listen as soon as the process is ready, and goes on until `stopping`, whatever becomes of the
    /// connection.
    pub(crate) fn start(
        database: Database,
        readiness: Readiness,
        stopping: CancellationToken,
    ) -> Self {
        let (notices, _) = broadcast::channel(BEHIND);
        let listening = listen(database, notices.clone(), stopping);
        tokio::spawn(async move {
            readiness.wait().await;
            listening.await;
        });
        Self { notices }
    }

    /// What happens from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    /// Tells the workers of this process to look at the queue.
    pub(super) fn wake(&self) {
        // Nobody may be listening yet.
        self.notices.send(Notice::Queue).ok();
    }
}

async fn listen(
    database: Database,
    notices: broadcast::Sender<Notice>,
    stopping: CancellationToken,
) {
    let mut pause = RECONNECT.0;
    while !stopping.is_cancelled() {
        let ended = tokio::select! {
            ended = hand_on(&database, &notices) => ended,
            () = stopping.cancelled() => return,
        };
        match ended {
            Ok(()) => pause = RECONNECT.0,
            Err(error) => tracing::debug!(%error, "cannot listen to the database"),
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = RECONNECT.1.min(pause * 2),
            () = stopping.cancelled() => return,
        }
    }
}

/// Listens on one connection until it breaks; fails if it could not be made.
async fn hand_on(database: &Database, notices: &broadcast::Sender<Notice>) -> Result<(), Error> {
    let (client, mut connection) = database.open().await?;
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let driver = tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(notification) = message
                && told.send(notification).is_err()
            {
                break;
            }
        }
    });
    client
        .batch_execute(
            "listen \"jobs:insert\"; listen stevedore_jobs; listen stevedore_webhooks; \
            listen stevedore_watches; listen stevedore_cancelled",
        )
        .await?;
    notices.send(Notice::Missed).ok();
    while let Some(notification) = heard.recv().await {
        let ids = notification.payload().split(',').filter_map(|id| Uuid::parse_str(id).ok());
        match notification.channel() {
            "jobs:insert" => drop(notices.send(Notice::Queue)),
            "stevedore_webhooks" => drop(notices.send(Notice::Webhook)),
            "stevedore_watches" => drop(notices.send(Notice::Watches)),
            "stevedore_jobs" => drop(notices.send(Notice::Changed(ids.collect()))),
            _ => ids.for_each(|id| drop(notices.send(Notice::Cancelled(id)))),
        }
    }
    driver.abort();
    Ok(())
}
