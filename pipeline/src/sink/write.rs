//! Sends encoded rows to their tables within the load's transaction.

use std::pin::Pin;

use bytes::Bytes;
use futures::SinkExt;
use tokio_postgres::{CopyInSink, Transaction};

use super::Mode;
use super::encode::{HEADER, Rows, TRAILER};
use super::merge::{STAGING, names};
use super::table::Table;
use super::target::Targets;
use crate::error::{Error, Result};
use crate::failpoint::Failpoint;

/// Bytes of rows that wait for a COPY of their table to be worth its while.
const WAITING_BYTES: usize = 8 << 20;

/// The rows of a load on their way into its tables.
pub struct Sink<'t> {
    transaction: &'t Transaction<'t>,
    targets: &'t Targets,
    /// The COPY of the log that is under way.
    log: Option<Copy>,
    status: Waiting,
    rejected: Waiting,
    /// Whether status rows have a table to go to, in merge mode.
    is_staged: bool,
    written: Written,
    hit: fn(Failpoint),
}

/// Rows of a table whose turn will come.
#[derive(Debug, Default)]
struct Waiting {
    rows: Vec<Bytes>,
    bytes: usize,
}

impl Waiting {
    fn push(&mut self, rows: Vec<u8>) {
        self.bytes += rows.len();
        self.rows.push(rows.into());
    }

    const fn is_enough(&self) -> bool {
        self.bytes > WAITING_BYTES
    }
}

/// How many rows the database says it has taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows of the status frame.
    pub status: u64,
    /// Rows of the log.
    pub log: u64,
    /// Rows of rejected records.
    pub rejected: u64,
}

/// What became of the valid records in merge mode; the three add up to them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MergeCounts {
    /// Records that are rows with a key that was not there.
    pub inserted: u64,
    /// Records that replaced the row of their key.
    pub updated: u64,
    /// Records that a greater or later one of the same key leaves no place.
    pub superseded: u64,
}

impl<'t> Sink<'t> {
    /// Begins the COPY of the log.
    ///
    /// # Errors
    /// [`Error::Database`] when the database refuses.
    pub async fn open(
        transaction: &'t Transaction<'t>,
        targets: &'t Targets,
        hit: fn(Failpoint),
    ) -> Result<Self> {
        let mut sink = Self {
            transaction,
            targets,
            log: None,
            status: Waiting::default(),
            rejected: Waiting::default(),
            is_staged: targets.mode == Mode::Append,
            written: Written::default(),
            hit,
        };
        sink.log().await?;
        Ok(sink)
    }

    /// Sends rows, or keeps them until they are worth a COPY of their own.
    ///
    /// # Errors
    /// [`Error::Database`] when the database refuses them.
    pub async fn write(&mut self, rows: Rows) -> Result<()> {
        match rows {
            Rows::Log(rows) => return self.log().await?.send(rows.into()).await,
            Rows::Status(rows) => self.status.push(rows),
            Rows::Rejected(rows) => self.rejected.push(rows),
        }
        if self.status.is_enough() {
            self.end_log().await?;
            self.copy_status().await?;
        }
        if self.rejected.is_enough() {
            self.end_log().await?;
            self.copy_rejected().await?;
        }
        Ok(())
    }

    /// Sends what is left: in merge mode the status rows are in the staging table then.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn finish(mut self) -> Result<Written> {
        self.end_log().await?;
        (self.hit)(Failpoint::LogCopied);
        self.copy_rejected().await?;
        (self.hit)(Failpoint::RejectedCopied);
        self.copy_status().await?;
        (self.hit)(Failpoint::StatusCopied);
        Ok(self.written)
    }

    /// The COPY of the log, begun again where others were between.
    async fn log(&mut self) -> Result<&mut Copy> {
        let log = match self.log.take() {
            Some(log) => log,
            None => Copy::begin(self.transaction, self.targets.log.name, &self.targets.log).await?,
        };
        Ok(self.log.insert(log))
    }

    async fn end_log(&mut self) -> Result<()> {
        if let Some(log) = self.log.take() {
            self.written.log += log.finish().await?;
        }
        Ok(())
    }

    async fn copy_rejected(&mut self) -> Result<()> {
        let (table, rows) = (&self.targets.rejected, std::mem::take(&mut self.rejected));
        self.written.rejected += copy(self.transaction, table.name, table, rows).await?;
        Ok(())
    }

    async fn copy_status(&mut self) -> Result<()> {
        if !self.is_staged {
            self.targets.create_staging(self.transaction).await?;
            self.is_staged = true;
        }
        let (table, rows) = (self.targets.status_rows(), std::mem::take(&mut self.status));
        let name = match self.targets.mode {
            Mode::Append => table.name,
            Mode::Merge => STAGING,
        };
        self.written.status += copy(self.transaction, name, &table, rows).await?;
        Ok(())
    }
}

/// Sends what waits for a table, if anything does; how many rows the database has taken.
async fn copy(
    transaction: &Transaction<'_>,
    name: &str,
    table: &Table,
    waiting: Waiting,
) -> Result<u64> {
    if waiting.rows.is_empty() {
        return Ok(0);
    }
    let mut copy = Copy::begin(transaction, name, table).await?;
    for rows in waiting.rows {
        copy.send(rows).await?;
    }
    copy.finish().await
}

/// Bytes of rows that are handed to the driver at once.
const SEND_BYTES: usize = 256 << 10;

/// One COPY in binary format.
struct Copy {
    table: String,
    sink: Pin<Box<CopyInSink<Bytes>>>,
}

impl Copy {
    async fn begin(transaction: &Transaction<'_>, name: &str, table: &Table) -> Result<Self> {
        let sql = format!("copy {name} ({}) from stdin (format binary)", names(table));
        let sink = transaction.copy_in(&sql).await.map_err(|source| failed(name, source))?;
        let mut copy = Self { table: name.to_owned(), sink: Box::pin(sink) };
        copy.send(Bytes::from_static(HEADER)).await?;
        Ok(copy)
    }

    /// Sends rows in pieces, since the driver copies each into a buffer that it keeps.
    async fn send(&mut self, mut rows: Bytes) -> Result<()> {
        while !rows.is_empty() {
            let piece = rows.split_to(rows.len().min(SEND_BYTES));
            self.sink.send(piece).await.map_err(|source| failed(&self.table, source))?;
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<u64> {
        self.send(Bytes::from_static(TRAILER)).await?;
        self.sink.as_mut().finish().await.map_err(|source| failed(&self.table, source))
    }
}

fn failed(table: &str, source: tokio_postgres::Error) -> Error {
    Error::Database { doing: format!("copy rows into the table {table}"), source }
}
