//! Reads rows of Postgres back by connectorx: into batches of Arrow, and these into frames.
//!
//! connectorx moves the cells of a source into columns of Arrow. Its own source for Postgres is left
//! out: that feature links `redshift-iam`, which is under the GPL-3.0, a copy of OpenSSL built from C,
//! and native-tls, which it tells not to verify certificates. In its place is `source`: rows that
//! came over a connection of ours, with its TLS, sockets, timeouts and snapshot.
//!
//! Rows are received on the async threads and moved by connectorx on one that may block, a batch at a
//! time: connectorx bounds a batch by its rows only, and keeps any number of finished ones, but a row
//! may have megabytes.

mod column;
mod first_rows;
mod frame;
pub mod name;
mod prepared;
mod rows;
mod source;

pub use column::{Keep, QueryColumn};
pub use first_rows::{FirstRows, first_rows};
pub use rows::{texts, values};

use std::pin::Pin;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use futures::stream::Fuse;
use futures::{StreamExt, TryStreamExt};
use polars::prelude::DataFrame;
use tokio::task::spawn_blocking;
use tokio_postgres::types::ToSql;
use tokio_postgres::{GenericClient, RowStream};

use crate::error::{Error, Result};
use prepared::Prepared;
use source::{ReadError, SourceColumn};

/// A batch ends with the row that makes it so long,
const BATCH_BYTES: usize = 4 << 20;
/// or with so many rows.
const BATCH_ROWS: usize = 8192;

/// What is being done when it fails.
const READING: &str = "read rows back";

/// Parameters of a query.
pub type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// The rows of a query, a batch at a time: no more than one is in memory.
pub struct Batches {
    rows: Pin<Box<Fuse<RowStream>>>,
    columns: Arc<[SourceColumn]>,
    described: Vec<QueryColumn>,
    empty: RecordBatch,
}

impl Batches {
    /// Begins to read.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn open(
        client: &impl GenericClient,
        query: &str,
        params: Params<'_>,
        keep: Keep,
    ) -> Result<Self> {
        let Prepared { statement, columns, described, .. } =
            Prepared::new(client, query, keep, None).await?;
        let rows = client.query_raw(&statement, params.iter().copied()).await.map_err(failed)?;
        let empty = moved(&columns, Vec::new()).await?;
        Ok(Self { rows: Box::pin(rows.fuse()), columns, described, empty })
    }

    /// The columns as Postgres has them, whatever they are read as.
    #[must_use]
    pub fn columns(&self) -> &[QueryColumn] {
        &self.described
    }

    /// The columns as they are read.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.empty.schema()
    }

    /// The next rows; None after the last.
    ///
    /// # Errors
    /// [`Error::Database`], and [`Error::Arrow`] when connectorx fails.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while rows.len() < BATCH_ROWS && bytes < BATCH_BYTES {
            let Some(row) = self.rows.try_next().await.map_err(failed)? else { break };
            bytes += row.raw_size_bytes();
            rows.push(row);
        }
        if rows.is_empty() {
            return Ok(None);
        }
        moved(&self.columns, rows).await.map(Some)
    }

    /// The next rows as a frame, with the timestamps of both kinds without a zone; None after the last.
    ///
    /// # Errors
    /// As [`Self::next`], and [`Error::Frame`] when two columns have the same name.
    pub async fn next_frame(&mut self) -> Result<Option<DataFrame>> {
        let Some(batch) = self.next().await? else { return Ok(None) };
        let imported = spawn_blocking(move || frame::import(&batch)).await;
        imported
            .map_err(|panicked| Error::Arrow { doing: READING, source: panicked.into() })?
            .map(Some)
    }

    /// All rows that are left, in one frame, as [`Self::next_frame`]. Bound them in the query.
    ///
    /// # Errors
    /// As [`Self::next_frame`].
    pub async fn frame(mut self) -> Result<DataFrame> {
        let mut frame = None::<DataFrame>;
        while let Some(rows) = self.next_frame().await? {
            match &mut frame {
                None => frame = Some(rows),
                Some(frame) => {
                    let doing = "put rows below each other";
                    let failed = |source| Error::Frame { doing, source };
                    frame.vstack_mut_owned(rows).map_err(failed)?;
                }
            }
        }
        frame.map_or_else(|| frame::import(&self.empty), Ok)
    }
}

/// Reads the rows of a query into a frame, with types as [`Keep::Types`] says. All rows are in memory:
/// bound them in the query.
///
/// # Errors
/// As [`Batches::open`] and [`Batches::frame`].
pub async fn read(
    client: &impl GenericClient,
    query: &str,
    params: Params<'_>,
) -> Result<DataFrame> {
    Batches::open(client, query, params, Keep::Types).await?.frame().await
}

/// Moves rows into columns, on a thread that may block.
async fn moved(
    columns: &Arc<[SourceColumn]>,
    rows: Vec<tokio_postgres::Row>,
) -> Result<RecordBatch> {
    let columns = Arc::clone(columns);
    let moved = spawn_blocking(move || source::columns(&columns, rows)).await;
    let failed = |source| Error::Arrow { doing: READING, source };
    match moved.map_err(|panicked| failed(panicked.into()))? {
        Ok(batch) => Ok(batch),
        Err(ReadError::Postgres(source)) => {
            Err(Error::Database { doing: READING.to_owned(), source })
        }
        Err(error) => Err(failed(error.into())),
    }
}

fn failed(source: tokio_postgres::Error) -> Error {
    Error::Database { doing: READING.to_owned(), source }
}
