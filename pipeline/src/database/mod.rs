//! Connections to Postgres, the ledger's schema, and the embedded server.

mod embedded;
mod install;
mod migrate;

pub use embedded::{Embedded, EmbeddedOptions};
pub use install::{Binaries, DEFAULT_DOWNLOAD_URL, Download, install_command};
pub use migrate::migrate;

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls};

use crate::error::{Error, Result};

/// Longest time to wait for a server that does not answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Where Debian's and other builds' servers listen when a URL names no host, as psql does.
const SOCKET_FOLDERS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// The schema `stevedore` is for the ledger. To a role of that name it would be the first of its
/// search path, where users' tables would be created beside those that are there already.
const KEEP_OUT: &str = "select set_config('search_path', \
    replace(current_setting('search_path'), '\"$user\"', 'public'), false) \
    where current_user = 'stevedore'";

/// A database that can be connected to.
#[derive(Debug, Clone)]
pub struct Database {
    config: Config,
}

/// A connection, and the task that drives it.
#[derive(Debug)]
pub struct Connection {
    client: Client,
    /// None once its end was looked at.
    driver: Option<JoinHandle<Result<(), tokio_postgres::Error>>>,
    database: Database,
}

impl Database {
    /// A database by its URL (`postgresql://user:password@host:port/name`) or by `key=value` pairs.
    ///
    /// # Errors
    /// [`Error::Connect`] when the text is neither.
    pub fn new(url: &str) -> Result<Self> {
        let mut config: Config = url.parse().map_err(|source| Error::Connect { source })?;
        if config.get_application_name().is_none() {
            config.application_name("stevedore");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            for folder in SOCKET_FOLDERS {
                config.host_path(folder);
            }
        }
        Ok(Self { config })
    }

    /// Connects.
    ///
    /// # Errors
    /// [`Error::Connect`] when the server cannot be reached or refuses.
    pub async fn connect(&self) -> Result<Connection> {
        let connected = self.config.connect(NoTls).await;
        let (client, connection) = connected.map_err(|source| Error::Connect { source })?;
        let driver = tokio::spawn(connection);
        client.batch_execute(KEEP_OUT).await.map_err(|source| Error::Connect { source })?;
        Ok(Connection { client, driver: Some(driver), database: self.clone() })
    }
}

impl Connection {
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
