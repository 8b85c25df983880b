//! The first rows of a query, for an answer whose length is bounded.

use polars::prelude::DataFrame;
use tokio::task::spawn_blocking;
use tokio_postgres::Transaction;

use super::prepared::Prepared;
use super::{Keep, Params, QueryColumn, READING, failed, frame, moved};
use crate::error::{Error, Result};

/// Bytes of rows behind which no further row is read.
const BYTES: usize = 1 << 20;
/// Rows that are fetched at once: each may be as long as all may be together.
const FETCHED_ROWS: i32 = 8;
/// Characters of a text at most,
const LONGEST_TEXT: usize = 64 << 10;
/// and at least, however many columns there are.
const SHORTEST_CUT: usize = 256;
/// Bytes of a character at most.
const CHARACTER_BYTES: usize = 4;

/// The first rows of a query.
#[derive(Debug)]
pub struct FirstRows {
    /// The columns as Postgres has them, whatever they are read as.
    pub columns: Vec<QueryColumn>,
    /// The rows; none if there are no rows.
    pub rows: Option<DataFrame>,
    /// Whether there are no further rows.
    pub is_all: bool,
    /// Characters behind which texts are cut. A text that is cut has one character more.
    pub cut_after: usize,
}

/// Reads the first rows of a query, about a megabyte of them. The database cuts long texts before it
/// sends them, and sends no rows that are not read: neither a long value nor many rows take memory here.
///
/// # Errors
/// [`Error::Database`], [`Error::Arrow`] when connectorx fails, and [`Error::Frame`] when two columns have
/// the same name.
pub async fn first_rows(
    transaction: &Transaction<'_>,
    query: &str,
    params: Params<'_>,
    keep: Keep,
) -> Result<FirstRows> {
    let prepared = Prepared::new(transaction, query, keep, Some(cut_after)).await?;
    let Prepared { statement, columns, described, cut_after } = prepared;
    let portal = transaction.bind(&statement, params).await.map_err(failed)?;
    let (mut rows, mut bytes, mut is_all) = (Vec::new(), 0, false);
    while !is_all && bytes < BYTES {
        let fetched = transaction.query_portal(&portal, FETCHED_ROWS).await.map_err(failed)?;
        is_all = fetched.len() < FETCHED_ROWS as usize;
        bytes += fetched.iter().map(|row| row.raw_size_bytes()).sum::<usize>();
        rows.extend(fetched);
    }
    let rows = match rows.is_empty() {
        true => None,
        false => {
            let batch = moved(&columns, rows).await?;
            let imported = spawn_blocking(move || frame::import(&batch)).await;
            let failed = |panicked| Error::Arrow { doing: READING, source: Box::new(panicked) };
            Some(imported.map_err(failed)??)
        }
    };
    let cut_after = cut_after.unwrap_or(usize::MAX);
    Ok(FirstRows { columns: described, rows, is_all, cut_after })
}

/// Behind how many characters each of so many columns is cut, so that a row is no longer than all may be.
fn cut_after(columns: usize) -> usize {
    (BYTES / CHARACTER_BYTES / columns.max(1)).clamp(SHORTEST_CUT, LONGEST_TEXT)
}
