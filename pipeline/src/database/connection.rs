//! A connection and the task that drives it.

use std::ops::{Deref, DerefMut};

use tokio::task::JoinHandle;
use tokio_postgres::{Client, IsolationLevel};

use super::ask::{KeptStatements, LoadTransaction};
use super::{CONNECT_TIMEOUT, Database};
use crate::error::{Error, Result};

/// A connection, and the task that drives it.
///
/// After a load that failed it is as it was before, or closed.
#[derive(Debug)]
pub struct Connection {
    client: Client,
    /// None once its end was looked at.
    driver: Option<JoinHandle<Result<(), tokio_postgres::Error>>>,
    database: Database,
    kept: KeptStatements,
}

impl Connection {
    pub(super) fn new(
        client: Client,
        driver: JoinHandle<Result<(), tokio_postgres::Error>>,
        database: Database,
    ) -> Self {
        Self { client, driver: Some(driver), database, kept: KeptStatements::default() }
    }

    /// The database that this connects to.
    #[must_use]
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// The statements that it has prepared, if it keeps them.
    pub(super) const fn kept_statements(&self) -> Option<&KeptStatements> {
        if self.database.keeps_statements { Some(&self.kept) } else { None }
    }

    /// Connects again if the connection broke.
    ///
    /// # Errors
    /// [`Error::Connect`] when that fails.
    pub async fn reconnect(&mut self) -> Result<()> {
        if self.is_closed() {
            *self = self.database.connect().await?;
        }
        Ok(())
    }

    /// Begins the transaction of a load.
    pub(crate) async fn begin(&mut self, read_only: bool) -> Result<LoadTransaction<'_>> {
        // Whoever waits for a claim must then see what the one before has committed.
        let level = IsolationLevel::ReadCommitted;
        let kept = self.database.keeps_statements.then_some(&self.kept);
        let begun =
            self.client.build_transaction().isolation_level(level).read_only(read_only).start();
        let transaction = begun.await.map_err(|source| Error::Database {
            doing: "begin the transaction of a load".to_owned(),
            source,
        })?;
        Ok(LoadTransaction::new(transaction, kept))
    }

    /// Cancels the statement that the server is at, and closes the connection: for a load that was
    /// dropped midway. The server undoes its transaction and lets go of its locks.
    ///
    /// Closing alone would not do: a server that computes, or waits for a lock, does not look
    /// whether its client is there. One that cannot be reached to be told finds out by itself.
    pub async fn abort(self) {
        let cancel = self.client.cancel_token();
        let cancelled = cancel.cancel_query(self.database.tls());
        match tokio::time::timeout(CONNECT_TIMEOUT, cancelled).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the server was not told to cancel"),
            Err(_) => tracing::debug!("the server was not told to cancel in time"),
        }
        if let Some(driver) = self.driver {
            driver.abort();
        }
    }

    /// The error with the reason why the connection broke, if it did: the driver learns that the
    /// server was shut down, while whoever waits for an answer learns only that none will come.
    pub(crate) async fn explain(&mut self, error: Error) -> Error {
        match error {
            Error::Database { doing, source } if self.client.is_closed() && source.is_closed() => {
                let ended = match self.driver.take() {
                    Some(driver) => driver.await.ok(),
                    None => None,
                };
                let source = match ended {
                    Some(Err(cause)) => cause,
                    _ => source,
                };
                Error::Database { doing, source }
            }
            error => error,
        }
    }
}

impl Deref for Connection {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}
