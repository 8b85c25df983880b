//! Sends encoded rows to their tables within the load's transaction.

use std::pin::Pin;

use bytes::Bytes;
use futures::SinkExt;
use serde::{Deserialize, Serialize};
use tokio_postgres::{CopyInSink, Transaction};

use super::Mode;
use super::encode::{HEADER, Rows, TRAILER};
use super::left_out::{ASKED, Asked};
use super::table::Table;
use super::target::Targets;
use super::waiting::Waiting;
use crate::error::{Error, Result};
use crate::failpoint::Failpoint;
use crate::feed::listed;

/// Bytes of rows that wait for a COPY of their table to be worth its while, of all tables together.
const WAITING_BYTES: usize = 16 << 20;

/// The rows of a load on their way into its tables.
///
/// Those of one table, mostly the largest, go into a long COPY while the load goes on: the first child
/// table, or the root table of a feed without children. The others wait. All wait where the children of
/// unchanged records are left out.
pub struct Sink<'t> {
    transaction: &'t Transaction<'t>,
    targets: &'t Targets,
    /// The table whose rows do not wait, if there is one.
    streamed: Option<usize>,
    /// The COPY into it that is under way.
    stream: Option<Copy>,
    /// What waits for each table.
    waiting: Vec<Waiting>,
    /// Which records were asked about, while the children of unchanged ones are left out.
    asked: Option<Asked>,
    /// Whether all rows have a table to go to.
    is_staged: bool,
    written: Written,
    hit: fn(Failpoint),
}

/// How many rows the database says it has taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// For each table, rows of its frame.
    pub rows: Vec<u64>,
}

/// What became of the rows of a frame: all but `deleted` add up to `rows`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    /// Rows of the frame that the database has taken.
    pub rows: u64,
    /// New rows.
    pub inserted: u64,
    /// Rows that replaced the row of their key.
    pub updated: u64,
    /// Rows that are there already, except for the columns that we fill. They were left alone.
    pub unchanged: u64,
    /// Rows for which a greater or later one of the same key is there.
    pub superseded: u64,
    /// Rows that were removed for them.
    pub deleted: u64,
}

impl RowCounts {
    /// Rows that are all new.
    #[must_use]
    pub fn inserted(rows: u64) -> Self {
        Self { rows, inserted: rows, ..Self::default() }
    }

    /// Rows of which a merge says nothing so far.
    pub(crate) fn superseded(rows: u64) -> Self {
        Self { rows, superseded: rows, ..Self::default() }
    }

    /// Adds those of others.
    pub const fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.inserted += other.inserted;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.superseded += other.superseded;
        self.deleted += other.deleted;
    }
}

impl<'t> Sink<'t> {
    /// Begins the COPY of the table whose rows do not wait.
    ///
    /// # Errors
    /// [`Error::Database`] when the database refuses.
    pub async fn open(
        transaction: &'t Transaction<'t>,
        targets: &'t Targets,
        hit: fn(Failpoint),
    ) -> Result<Self> {
        let tables = targets.tables.len();
        let has_children = targets.feed.plan.children().next().is_some();
        let leaves_out = targets.may_leave_out() && targets.has_rows(transaction).await?;
        let mut sink = Self {
            transaction,
            targets,
            streamed: (!leaves_out).then_some(usize::from(has_children)),
            stream: None,
            waiting: (0..tables).map(|_| Waiting::default()).collect(),
            asked: leaves_out.then(Asked::default),
            is_staged: targets.mode != Mode::Merge,
            written: Written { rows: vec![0; tables] },
            hit,
        };
        if let Some(streamed) = sink.streamed {
            sink.stream(streamed).await?;
        }
        Ok(sink)
    }

    /// Sends rows, or keeps them until they are worth a COPY of their own.
    ///
    /// # Errors
    /// [`Error::Database`] when the database refuses them.
    pub async fn write(&mut self, rows: Rows) -> Result<()> {
        if self.streamed == Some(rows.table) {
            return self.stream(rows.table).await?.send(rows.bytes.into()).await;
        }
        self.waiting[rows.table].push(rows.bytes);
        if rows.table == 0 && self.asked.is_some() {
            self.leave_out().await?;
        }
        let bytes = self.waiting.iter().map(|waiting| waiting.bytes).sum::<usize>();
        if bytes > WAITING_BYTES && self.is_all_asked() {
            let fullest = (0..self.waiting.len()).max_by_key(|table| self.waiting[*table].bytes);
            self.end_stream().await?;
            self.copy_waiting(fullest.unwrap_or_default()).await?;
        }
        Ok(())
    }

    /// Sends what is left: in merge mode the rows of the root table are in the staging table then.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn finish(mut self) -> Result<Written> {
        self.end_stream().await?;
        let rejects = self.targets.feed.plan.rejects_index();
        for child in 1..rejects {
            self.copy_waiting(child).await?;
        }
        (self.hit)(Failpoint::ChildrenCopied);
        self.copy_waiting(rejects).await?;
        (self.hit)(Failpoint::RejectsCopied);
        self.stage().await?;
        self.copy_waiting(0).await?;
        (self.hit)(Failpoint::RootCopied);
        Ok(self.written)
    }

    /// Whether no children wait whose records will be asked about.
    fn is_all_asked(&self) -> bool {
        let mut children =
            self.targets.feed.plan.children().map(|(table, _, _)| &self.waiting[table]);
        self.asked.is_none() || children.all(Waiting::is_all_asked)
    }

    /// Asks about the root rows that wait, which come behind their children, and leaves the waiting children
    /// out of those that are there unchanged.
    async fn leave_out(&mut self) -> Result<()> {
        self.copy_waiting(0).await?;
        let Some(mut asked) = self.asked.take() else {
            return Ok(());
        };
        let unchanged = self.targets.unchanged(self.transaction, &asked).await?;
        let children: Vec<_> = self.targets.feed.plan.children().map(|(at, _, _)| at).collect();
        let left_out = children.iter().map(|table| self.waiting[*table].leave_out(&unchanged));
        let (left_out, last): (Vec<_>, Vec<_>) = left_out.unzip();
        let noted = self.targets.note_left_out(self.transaction, &mut asked, &unchanged, &left_out);
        for ((table, noted), last) in children.into_iter().zip(noted.await?).zip(last) {
            self.written.rows[table] += noted;
            self.waiting[table].note_asked(&last, asked.record_no);
        }
        self.asked = asked.is_worth_it().then_some(asked);
        Ok(())
    }

    /// The COPY under way into this table, begun again where others were between.
    async fn stream(&mut self, table: usize) -> Result<&mut Copy> {
        let stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.begin(table).await?,
        };
        Ok(self.stream.insert(stream))
    }

    async fn end_stream(&mut self) -> Result<()> {
        if let (Some(stream), Some(table)) = (self.stream.take(), self.streamed) {
            self.written.rows[table] += stream.finish().await?;
        }
        Ok(())
    }

    /// Sends what waits for a table, if anything does.
    async fn copy_waiting(&mut self, table: usize) -> Result<()> {
        let rows = std::mem::take(&mut self.waiting[table]).rows;
        if rows.is_empty() {
            return Ok(());
        }
        let mut copy = self.begin(table).await?;
        for rows in rows {
            copy.send(rows).await?;
        }
        self.written.rows[table] += copy.finish().await?;
        Ok(())
    }

    /// Begins a COPY into a table, or into its staging table.
    async fn begin(&mut self, table: usize) -> Result<Copy> {
        if self.targets.is_staged(table) {
            self.stage().await?;
        }
        let sent = self.targets.sent(table);
        let is_asked = table == 0 && self.asked.is_some();
        let name = if is_asked { ASKED.to_owned() } else { self.targets.copied_to(table) };
        Copy::begin(self.transaction, &name, &sent).await
    }

    /// Creates the staging tables, if there are to be any and are none yet.
    async fn stage(&mut self) -> Result<()> {
        if !self.is_staged {
            self.targets.create_staging(self.transaction).await?;
            self.is_staged = true;
        }
        Ok(())
    }
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
        let sql = format!("copy {name} ({}) from stdin (format binary)", listed(table.names()));
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
