//! A connection and the task that drives it.

use std::ops::{Deref, DerefMut};

use tokio::task::JoinHandle;
use tokio_postgres::Client;

use super::Database;
use crate::error::{Error, Result};

/// A connection, and the task that drives it.
#[derive(Debug)]
pub struct Connection {
    client: Client,
    /// None once its end was looked at.
    driver: Option<JoinHandle<Result<(), tokio_postgres::Error>>>,
    database: Database,
}

impl Connection {
    pub(super) const fn new(
        client: Client,
        driver: JoinHandle<Result<(), tokio_postgres::Error>>,
        database: Database,
    ) -> Self {
        Self { client, driver: Some(driver), database }
    }

    /// The database that this connects to.
    #[must_use]
    pub const fn database(&self) -> &Database {
        &self.database
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
