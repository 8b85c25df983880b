//! Sends encoded rows to their tables within the load's transaction.

use std::path::PathBuf;
use std::pin::Pin;

use bytes::Bytes;
use futures::SinkExt;
use tokio_postgres::{CopyInSink, Transaction};

use super::Mode;
use super::encode::{HEADER, Rows, TRAILER};
use super::merge::{Merged, STAGING, names};
use super::spool::Spool;
use super::table::Table;
use super::target::Targets;
use crate::error::{Error, Result};
use crate::point::Point;

/// The rows of a load on their way into its tables.
pub struct Sink<'t> {
    transaction: &'t Transaction<'t>,
    targets: &'t Targets,
    log: Copy,
    status: Spool,
    rejected: Spool,
    reached: fn(Point),
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
    /// What became of the status rows, in merge mode.
    pub merged: Option<MergeCounts>,
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
    /// Begins the COPY of the log; rows beyond the spools' memory go to files in `spool_folder`.
    ///
    /// # Errors
    /// [`Error::Database`] when the database refuses.
    pub async fn open(
        transaction: &'t Transaction<'t>,
        targets: &'t Targets,
        spool_folder: PathBuf,
        reached: fn(Point),
    ) -> Result<Self> {
        let log = Copy::begin(transaction, targets.log.name, &targets.log).await?;
        let (status, rejected) = (Spool::new(spool_folder.clone()), Spool::new(spool_folder));
        Ok(Self { transaction, targets, log, status, rejected, reached })
    }

    /// Sends or keeps rows.
    ///
    /// # Errors
    /// [`Error::Database`] when the database refuses them, [`Error::Spool`] when they cannot be
    /// kept.
    pub async fn write(&mut self, rows: Rows) -> Result<()> {
        match rows {
            Rows::Status(rows) => self.status.push(rows.into()).await,
            Rows::Log(rows) => self.log.send(rows.into()).await,
            Rows::Rejected(rows) => self.rejected.push(rows.into()).await,
        }
    }

    /// Sends what is left and merges.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn finish(self) -> Result<Written> {
        let (transaction, targets, reached) = (self.transaction, self.targets, self.reached);
        let mut written = self.copy().await?;
        if targets.mode == Mode::Merge {
            let Merged { inserted, updated } = targets.merge(transaction).await?;
            let superseded = written.status.saturating_sub(inserted + updated);
            written.merged = Some(MergeCounts { inserted, updated, superseded });
            reached(Point::Merged);
        }
        Ok(written)
    }

    /// Sends what is left, in merge mode the status rows to the staging table, and does not merge.
    pub(crate) async fn copy(mut self) -> Result<Written> {
        let log = self.log.finish().await?;
        (self.reached)(Point::LogCopied);
        let targets = self.targets;
        let rejected =
            copy(self.transaction, targets.rejected.name, &targets.rejected, &mut self.rejected)
                .await?;
        (self.reached)(Point::RejectedCopied);
        let rows = targets.status_rows();
        let name = match targets.mode {
            Mode::Append => rows.name,
            Mode::Merge => {
                targets.create_staging(self.transaction).await?;
                STAGING
            }
        };
        let status = copy(self.transaction, name, &rows, &mut self.status).await?;
        (self.reached)(Point::StatusCopied);
        Ok(Written { status, log, rejected, merged: None })
    }
}

async fn copy(
    transaction: &Transaction<'_>,
    name: &str,
    table: &Table,
    rows: &mut Spool,
) -> Result<u64> {
    rows.rewind().await?;
    let mut copy = Copy::begin(transaction, name, table).await?;
    while let Some(chunk) = rows.next().await? {
        copy.send(chunk).await?;
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
