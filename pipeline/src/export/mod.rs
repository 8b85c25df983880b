//! Writes the rows of a table into a file: whole, or not at all, and of one state of the table.
//!
//! A large table is read in parts, each over a connection of its own, all in one snapshot
//! (`snapshot`). Parquet is written from the batches that [`query`](crate::query) reads; CSV and NDJSON
//! are the server's own text (`text`). Of each part no more than a batch is in memory, and of the file
//! what its format has to hold back (`sheet`).

mod sheet;
mod snapshot;
mod text;

use std::fs::{File, Permissions};
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use tempfile::{Builder, NamedTempFile};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::{JoinSet, spawn_blocking};

use super::query::{Batches, Keep};
use crate::database::{Connection, Database};
use crate::error::{Error, Result};
use sheet::Sheet;
use snapshot::Part;
use text::Lines;

/// What a file of rows is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// RFC 4180, with a line of names. Null is nothing, and the empty text `""`.
    Csv,
    /// A JSON object a line, as `row_to_json` writes them: numbers keep all their digits, and what
    /// JSON has no number for, like `NaN`, is a string.
    Ndjson,
    /// Parquet, with the types of [`Keep::Types`].
    Parquet,
}

/// A table that is to be a file.
#[derive(Debug)]
pub struct Unload<'a> {
    /// The table or view, as SQL takes it.
    pub table: &'a str,
    /// What the file is.
    pub format: FileFormat,
    /// Parts that are read at the same time, at most. Rows are in the table's own order with one.
    pub parallel: NonZeroUsize,
    /// Rows that were written so far.
    pub written: Arc<AtomicU64>,
}

/// Some rows on their way into the file.
enum Piece {
    Batch(RecordBatch),
    Lines { bytes: Bytes, rows: u64 },
}

/// Rows of a part, on their way out of the database.
enum Reading {
    Batches(Batches),
    Lines(Lines),
}

/// Writes a table into a file, and puts it into its place at the end: whoever sees it sees all of it.
/// How many rows there were.
///
/// # Errors
/// [`Error::Connect`] and [`Error::Database`], [`Error::Write`] when the file cannot be written, and
/// [`Error::Arrow`].
pub async fn unload(database: &Database, unload: &Unload<'_>, file: &Path) -> Result<u64> {
    let failed = |source| write_failed(file, source);
    let beside = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let beside = beside.unwrap_or(Path::new(".")).to_owned();
    let part = new_file(file, &beside).map_err(|source| failed(source.into()))?;
    let parts = snapshot::parts(database, unload.table, unload.parallel).await?;
    let head = head(&parts, unload).await?;
    let mut readings = Vec::new();
    for part in parts {
        readings.push((Reading::open(&part, unload).await?, part.connection));
    }
    let schema = readings.iter().find_map(|(reading, _)| reading.schema());
    let out = part.reopen().map_err(|source| failed(source.into()))?;
    let (sender, pieces) = channel(1);
    let written = Arc::clone(&unload.written);
    let format = unload.format;
    let writing = spawn_blocking(move || {
        let schema = schema.unwrap_or_else(|| Arc::new(Schema::empty()));
        write(Sheet::begin(format, out, schema)?, head, pieces, &written)
    });
    let read = read_all(readings, sender).await;
    // Without rows to come it ends, and lets go of the file.
    let wrote = writing.await.unwrap_or_else(|panicked| Err(panicked.into()));
    read?;
    wrote.map_err(failed)?;
    part.persist(file).map_err(|source| failed(source.error.into()))?;
    Ok(unload.written.load(Ordering::Relaxed))
}

/// A file beside the one that is wanted, with the rights of any other new file. It is removed when it
/// is dropped.
fn new_file(file: &Path, folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".");
    let mut builder = Builder::new();
    builder.prefix(&name).suffix(".part").permissions(Permissions::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// What stands above the rows.
async fn head(parts: &[Part], unload: &Unload<'_>) -> Result<Bytes> {
    match (unload.format, parts.first()) {
        (FileFormat::Csv, Some(part)) => text::names(&part.connection, unload.table).await,
        _ => Ok(Bytes::new()),
    }
}

impl Reading {
    /// Begins to read a part.
    async fn open(part: &Part, unload: &Unload<'_>) -> Result<Self> {
        let (client, query) = (&*part.connection, part.query(unload.table));
        Ok(match unload.format {
            FileFormat::Csv => Self::Lines(text::csv(client, &query).await?),
            FileFormat::Ndjson => Self::Lines(text::ndjson(client, &query).await?),
            FileFormat::Parquet => {
                Self::Batches(Batches::open(client, &query, &[], Keep::Types).await?)
            }
        })
    }

    fn schema(&self) -> Option<SchemaRef> {
        match self {
            Self::Batches(batches) => Some(batches.schema()),
            Self::Lines(_) => None,
        }
    }

    async fn next(&mut self) -> Result<Option<Piece>> {
        Ok(match self {
            Self::Batches(batches) => batches.next().await?.map(Piece::Batch),
            Self::Lines(lines) => {
                lines.next().await?.map(|(bytes, rows)| Piece::Lines { bytes, rows })
            }
        })
    }
}

/// Reads all parts beside each other; the first error ends them all.
async fn read_all(readings: Vec<(Reading, Connection)>, pieces: Sender<Piece>) -> Result<()> {
    let mut tasks = JoinSet::new();
    for (reading, connection) in readings {
        tasks.spawn(read(reading, connection, pieces.clone()));
    }
    drop(pieces);
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|panicked| Error::Arrow {
            doing: "read a part of a table",
            source: panicked.into(),
        })??;
    }
    Ok(())
}

/// Reads a part, until its end or until nobody writes any more.
async fn read(
    mut reading: Reading,
    mut connection: Connection,
    pieces: Sender<Piece>,
) -> Result<()> {
    loop {
        match reading.next().await {
            Ok(Some(piece)) => {
                if pieces.send(piece).await.is_err() {
                    return Ok(());
                }
            }
            Ok(None) => return Ok(()),
            Err(error) => return Err(connection.explain(error).await),
        }
    }
}

/// What is wrong with a file that cannot be written.
type WriteError = Box<dyn std::error::Error + Send + Sync>;

/// Writes the pieces, on a thread that may block.
fn write(
    mut sheet: Sheet,
    head: Bytes,
    mut pieces: Receiver<Piece>,
    written: &AtomicU64,
) -> Result<File, WriteError> {
    sheet.lines(&head)?;
    while let Some(piece) = pieces.blocking_recv() {
        let rows = match piece {
            Piece::Batch(batch) => {
                sheet.batch(&batch)?;
                batch.num_rows() as u64
            }
            Piece::Lines { bytes, rows } => {
                sheet.lines(&bytes)?;
                rows
            }
        };
        written.fetch_add(rows, Ordering::Relaxed);
    }
    let file = sheet.end()?;
    file.sync_all()?;
    Ok(file)
}

fn write_failed(file: &Path, source: WriteError) -> Error {
    Error::Write { file: file.to_owned(), source }
}
