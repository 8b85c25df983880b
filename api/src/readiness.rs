//! Whether the database can carry the queue. A pooler in between cannot, until somebody names the database
//! itself or sets the pooler otherwise.

use std::time::Duration;

use pipeline::database::Database;
use pipeline::error::{Error, Result};
use tokio::sync::watch;

/// How often it is looked whether the pooler is gone.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// What to do about a pooler.
pub(crate) const REMEDY: &str = "name the database itself with --queue-database-url \
    (STEVEDORE_QUEUE_DATABASE_URL), loads may use the pooler still; or let the pooler keep sessions (session \
    pooling)";

/// Tells whether the process can work, once for everybody.
#[derive(Debug, Clone)]
pub(crate) struct Readiness(watch::Sender<Option<String>>);

impl Readiness {
    /// Looks at the database of the queue.
    ///
    /// # Errors
    /// When it cannot be reached, but not when a pooler is in between.
    pub(crate) async fn find(database: &Database) -> Result<Self> {
        match database.refuse_pooler().await {
            Err(error @ Error::Pooled { .. }) => Ok(Self::unready(format!("{error}: {REMEDY}"))),
            found => found.map(|()| Self::ready()),
        }
    }

    pub(crate) fn ready() -> Self {
        Self(watch::Sender::new(None))
    }

    fn unready(why: String) -> Self {
        Self(watch::Sender::new(Some(why)))
    }

    /// Why the process cannot work, if it cannot.
    pub(crate) fn refusal(&self) -> Option<String> {
        self.0.borrow().clone()
    }

    /// Waits until the process can work.
    pub(crate) async fn wait(&self) {
        // The sender is ours, so this fails never.
        self.0.subscribe().wait_for(Option::is_none).await.ok();
    }

    /// Looks again and again until no pooler is in between, and does what is left to be done then.
    pub(crate) async fn recover<F, E>(self, database: Database, prepare: impl Fn() -> F)
    where
        F: Future<Output = Result<(), E>>,
        E: std::error::Error + 'static,
    {
        loop {
            tokio::time::sleep(LOOK_AGAIN).await;
            match database.refuse_pooler().await {
                Ok(()) => match prepare().await {
                    Ok(()) => break,
                    Err(error) => tracing::warn!(
                        error = pipeline::error::causes(&error).join(": "),
                        "the database cannot be prepared, trying again"
                    ),
                },
                Err(error) => {
                    tracing::debug!(error = error.with_causes(), "the queue cannot be used");
                }
            }
        }
        tracing::info!("no pooler is in between any more");
        self.0.send_replace(None);
    }
}
