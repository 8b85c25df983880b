//! Connections to Postgres, the ledger's schema, and the embedded server.

mod ask;
mod connection;
mod embedded;
mod install;
mod migrate;
mod options;
mod pooler;
mod tls;

pub(crate) use ask::LoadTransaction;
pub use ask::{Ask, KeptStatements};
pub use connection::Connection;
pub use embedded::{Embedded, EmbeddedOptions};
pub use install::{Binaries, DEFAULT_DOWNLOAD_URL, Download, install_command};
pub use migrate::{migrate, refuse_outdated};
pub use tls::TlsStream;

use std::time::Duration;

use futures::future::join;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::{Error, Result, Unreachable, causes};
use options::{take_tls_options, unusable};
use tls::Connector;

/// Longest time to wait for a server that does not answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Where Debian's and other builds' servers listen when a URL names no host, as psql does.
const SOCKET_FOLDERS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// A server that says nothing for so long is asked whether it is there still,
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
/// so often,
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// and so many times.
const KEEPALIVE_RETRIES: u32 = 3;
/// How long a server may leave unacknowledged what was sent to it.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(30);
/// What the driver has for the first of these where the text says nothing.
const DRIVERS_IDLE: Duration = Duration::from_secs(2 * 60 * 60);

/// Makes the server notice within 15 seconds that our machine is gone: until then it keeps the
/// locks of a load. Means nothing to a local socket.
const NOTICE_THE_END: &str =
    "set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 2; set tcp_keepalives_count = 3";

/// Makes the server notice that we are gone while it computes. Not every system can.
const NOTICE_WHILE_BUSY: &str = "set client_connection_check_interval = '5s'";

/// The schema `stevedore` is for the ledger. To a role of that name it would be the first of its
/// search path, where users' tables would be created beside those that are there already.
const KEEP_OUT: &str = "select set_config('search_path', \
    replace(current_setting('search_path'), '\"$user\"', 'public'), false) \
    where current_user = 'stevedore'";

/// A database that can be connected to.
#[derive(Debug, Clone)]
pub struct Database {
    config: Config,
    tls: Connector,
    lock_timeout: Option<Duration>,
    statement_timeout: Option<Duration>,
    keeps_statements: bool,
    plans_anew: bool,
    records_lineage: bool,
}

/// What drives an opened connection.
pub type Opened = tokio_postgres::Connection<Socket, TlsStream>;

impl Database {
    /// A database by its URL (`postgresql://user:password@host:port/name`) or by `key=value` pairs.
    ///
    /// TLS is as libpq's `sslmode`, `sslrootcert`, `sslcert` and `sslkey` say, with these differences:
    /// `allow` is `prefer`; the roots of `verify-ca` and `verify-full` are the platform's where no file is
    /// named, and with those the name of the host is always checked; a host is looked for among a
    /// certificate's alternative names only; a client's certificate is used only where it is named, there or
    /// in `PGSSLCERT` and `PGSSLKEY`. A local socket never uses TLS.
    ///
    /// # Errors
    /// [`Error::ConnectionOptions`] when the text is neither or asks for a kind of TLS that there is not,
    /// [`Error::RootCertificates`] when its `sslrootcert` is of no use, [`Error::ClientCertificate`] when its
    /// `sslcert` or `sslkey` is.
    pub fn new(url: &str) -> Result<Self> {
        let (text, tls) = take_tls_options(url)?;
        let mut config: Config =
            text.parse().map_err(|error| unusable(causes(&error).join(": ")))?;
        config.ssl_mode(tls.mode);
        add_defaults(&mut config);
        if config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_))) {
            config.ssl_mode(SslMode::Disable);
        }
        let identity = tls.identity.filter(|_| config.get_ssl_mode() != SslMode::Disable);
        let tls = Connector::new(&tls.verify, identity)?;
        Ok(Self {
            config,
            tls,
            lock_timeout: None,
            statement_timeout: None,
            keeps_statements: false,
            plans_anew: false,
            records_lineage: false,
        })
    }

    /// How long a statement waits for a lock, before it fails (SQLSTATE 55P03); zero is for ever,
    /// None as the server says. A load waits for locks of its tables, and for another load of the
    /// same object.
    #[must_use]
    pub const fn with_lock_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// How long a statement may take, before it fails (SQLSTATE 57014); zero is for ever, None as
    /// the server says. One statement of a load, the COPY of its log, takes as long as the load.
    #[must_use]
    pub const fn with_statement_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.statement_timeout = timeout;
        self
    }

    /// Has the statements that every load needs prepared once for a connection, where no pooler may lose them.
    #[must_use]
    pub const fn with_kept_statements(mut self) -> Self {
        self.keeps_statements = true;
        self
    }

    /// Has the server plan each statement anew, also those of its triggers and foreign keys: for sessions that live
    /// long, and work on tables which a plan saw small and which grow by thousands of rows within seconds.
    #[must_use]
    pub const fn with_new_plans(mut self) -> Self {
        self.plans_anew = true;
        self
    }

    /// Whether sessions write the starts and ends of jobs as events of lineage.
    #[must_use]
    pub const fn with_lineage(mut self, records_lineage: bool) -> Self {
        self.records_lineage = records_lineage;
        self
    }

    /// What the driver goes by, without the options of TLS.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Where the database is, as `host:port/name`, for messages: there is no secret in it.
    #[must_use]
    pub fn address(&self) -> String {
        let ports = self.config.get_ports();
        let port = |at: usize| ports.get(at).or(ports.first()).copied().unwrap_or(5432);
        let hosts = self.config.get_hosts().iter().enumerate().map(|(at, host)| match host {
            Host::Tcp(name) => format!("{name}:{}", port(at)),
            Host::Unix(folder) => format!("{}:{}", folder.display(), port(at)),
        });
        let hosts = hosts.collect::<Vec<_>>().join(",");
        match self.config.get_dbname().or(self.config.get_user()) {
            Some(name) => format!("{hosts}/{name}"),
            None => hosts,
        }
    }

    /// Connects, for whoever drives the connection and calls [`Self::prepare_session`] then.
    ///
    /// # Errors
    /// The driver's, when the server cannot be reached or refuses.
    pub async fn open(&self) -> Result<(Client, Opened), tokio_postgres::Error> {
        match self.config.connect(self.tls()).await {
            Err(error) if self.goes_on_without_tls(&error) => {
                let mut config = self.config.clone();
                config.ssl_mode(SslMode::Disable).connect(self.tls()).await
            }
            opened => opened,
        }
    }

    /// Applies the settings of a session, in one round trip. By statements, not as options of the
    /// connection: a pooler would refuse those.
    ///
    /// # Errors
    /// The driver's, when the connection broke.
    pub async fn prepare_session(&self, client: &Client) -> Result<(), tokio_postgres::Error> {
        let mut statements = vec![NOTICE_THE_END.to_owned(), KEEP_OUT.to_owned()];
        for (setting, timeout) in
            [("lock_timeout", self.lock_timeout), ("statement_timeout", self.statement_timeout)]
        {
            if let Some(timeout) = timeout {
                statements.push(format!("set {setting} = {}", milliseconds(timeout)));
            }
        }
        if self.plans_anew {
            statements.push("set plan_cache_mode = force_custom_plan".to_owned());
        }
        if self.records_lineage {
            statements.push("set stevedore.lineage = 'on'".to_owned());
        }
        // By itself, since it may fail, and not caught by a block of PL/pgSQL, which would have to be
        // loaded first.
        let statements = statements.join("; ");
        let (noticing, set) =
            join(client.batch_execute(NOTICE_WHILE_BUSY), client.batch_execute(&statements)).await;
        if let Err(error) = noticing {
            tracing::debug!(%error, "a busy server will not notice that we are gone");
        }
        set
    }

    /// Connects.
    ///
    /// # Errors
    /// [`Error::Connect`] when the server cannot be reached or refuses.
    pub async fn connect(&self) -> Result<Connection> {
        let failed =
            |source| Error::Connect { source: Unreachable { address: self.address(), source } };
        let (client, connection) = self.open().await.map_err(failed)?;
        let driver = tokio::spawn(connection);
        self.prepare_session(&client).await.map_err(failed)?;
        Ok(Connection::new(client, driver, self.clone()))
    }

    fn tls(&self) -> MakeRustlsConnect {
        self.tls.get()
    }

    /// Whether TLS was only preferred, and the server will not have it: the handshake failed, or
    /// its rules (pg_hba.conf) let nobody in who uses it.
    fn goes_on_without_tls(&self, error: &tokio_postgres::Error) -> bool {
        let is_refused = error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION);
        self.config.get_ssl_mode() == SslMode::Prefer
            && (is_refused || tls::is_handshake_error(error))
    }
}

/// What a text leaves open.
fn add_defaults(config: &mut Config) {
    if config.get_application_name().is_none() {
        config.application_name("stevedore");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(TCP_USER_TIMEOUT);
    }
    if config.get_keepalives_idle() == DRIVERS_IDLE {
        config.keepalives_idle(KEEPALIVE_IDLE);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_interval(KEEPALIVE_INTERVAL);
    }
    if config.get_keepalives_retries().is_none() {
        config.keepalives_retries(KEEPALIVE_RETRIES);
    }
    if config.get_hosts().is_empty() {
        // A name for each address: TLS wants one.
        for address in config.get_hostaddrs().to_vec() {
            config.host(address.to_string());
        }
    }
    if config.get_hosts().is_empty() {
        for folder in SOCKET_FOLDERS {
            config.host_path(folder);
        }
    }
}

/// A timeout as the server takes it: one that is not zero does not become zero, which is none.
fn milliseconds(timeout: Duration) -> i32 {
    i32::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;
