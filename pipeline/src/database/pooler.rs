//! Whether a pooler is between us and the server that gives each transaction a session of its own choice.

use std::time::Duration;

use futures::future::try_join;
use tokio::time::timeout;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::Database;
use crate::error::{Error, Result, Unreachable};

/// How often it is looked. A pooler that takes its sessions in turn shows itself in the second round at the
/// latest.
const ROUNDS: usize = 4;
/// How long a pooler may take to find a second session.
const PATIENCE: Duration = Duration::from_secs(2);

impl Database {
    /// Fails if a pooler in transaction mode is between us and the server: listeners, locks of a session and
    /// prepared statements are lost there from one transaction to the next.
    ///
    /// # Errors
    /// [`Error::Pooled`] if there is one; [`Error::Connect`] if the server cannot be reached,
    /// [`Error::Database`] if it does not answer.
    pub async fn refuse_pooler(&self) -> Result<()> {
        let unreachable =
            |source| Error::Connect { source: Unreachable { address: self.address(), source } };
        let (one, other) = try_join(self.plain(), self.plain()).await.map_err(unreachable)?;
        let shares = shares_sessions(&one, &other).await.map_err(|source| Error::Database {
            doing: "look whether a pooler is between us and the database".to_owned(),
            source,
        })?;
        if shares { Err(Error::Pooled { address: self.address() }) } else { Ok(()) }
    }

    /// Whether what is prepared on a connection is still there in its next transaction. Of the poolers in
    /// transaction mode, some see to that, others do not.
    ///
    /// # Errors
    /// [`Error::Connect`] if the server cannot be reached, [`Error::Database`] if it does not answer.
    pub async fn keeps_statements(&self) -> Result<bool> {
        let unreachable =
            |source| Error::Connect { source: Unreachable { address: self.address(), source } };
        let (one, other) = try_join(self.plain(), self.plain()).await.map_err(unreachable)?;
        keeps_statements(&one, &other).await.map_err(|source| Error::Database {
            doing: "look whether prepared statements stay".to_owned(),
            source,
        })
    }

    /// A connection without settings of its session: some poolers would keep its session for that.
    async fn plain(&self) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = self.open().await?;
        tokio::spawn(connection);
        Ok(client)
    }
}

/// Whether two connections get sessions of the server in turn. While one is within a transaction, and holds
/// what the other had, the other must get another one.
async fn shares_sessions(one: &Client, other: &Client) -> Result<bool, tokio_postgres::Error> {
    let first = session(one).await?;
    for _ in 0..ROUNDS {
        other.batch_execute("begin").await?;
        let held = session(other).await?;
        // First: a pooler with one session would let us wait for the second.
        let is_shared = held == first || session(one).await? != first;
        other.batch_execute("rollback").await?;
        if is_shared || session(one).await? != first {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a connection finds what it has prepared though the other holds a session, perhaps that one.
async fn keeps_statements(one: &Client, other: &Client) -> Result<bool, tokio_postgres::Error> {
    let statement = one.prepare("select 1").await?;
    for _ in 0..ROUNDS {
        other.batch_execute("begin").await?;
        session(other).await?;
        let found = timeout(PATIENCE, one.query_one(&statement, &[])).await;
        other.batch_execute("rollback").await?;
        match found {
            Ok(Ok(_)) => {}
            Ok(Err(error)) if error.code().is_none() => return Err(error),
            // It is not there, or the pooler has no second session.
            Ok(Err(_)) | Err(_) => return Ok(false),
        }
    }
    Ok(true)
}

/// The server's process that answers. By the simple protocol, which leaves nothing behind.
async fn session(client: &Client) -> Result<Option<String>, tokio_postgres::Error> {
    let answer = client.simple_query("select pg_backend_pid()").await?;
    Ok(answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }))
}
