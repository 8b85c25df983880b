//! Encodes the columns of a frame as rows of Postgres' binary COPY format.
//!
//! Own code, since it reads Polars' columns where they lie: a quarter of the processor time of the
//! driver's writer, which takes boxed values one by one.
//! The format: <https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-BINARY-FORMAT>.

mod cells;
mod coded;
mod numeric;

use std::ops::Range;

use polars::prelude::{DataFrame, PolarsResult};

use self::cells::{Cells, WORD_BYTES};
use super::table::Table;
use super::target::Targets;
use crate::error::{Error, Result};

/// What a COPY in binary format begins with: signature, no flags, no extension.
pub(super) const HEADER: &[u8] = b"PGCOPY\n\xFF\r\n\0\0\0\0\0\0\0\0\0";
/// What it ends with.
pub(super) const TRAILER: &[u8] = &(-1_i16).to_be_bytes();

/// Bytes of encoded rows that are handed on at once. A row of a child table repeats the key of its
/// record, so the rows of a batch may be many times as long as its text.
const PIECE_BYTES: usize = 2 << 20;

/// Encoded rows of one of the tables.
#[derive(Debug)]
pub struct Rows {
    /// The index of the table in the feed's plan. Rows that are to be merged go to its staging table.
    pub table: usize,
    /// The rows, as COPY takes them.
    pub bytes: Vec<u8>,
}

/// Encodes frames for the tables of a load.
#[derive(Debug, Clone)]
pub struct Encoder {
    tables: Vec<Table>,
}

impl Encoder {
    /// An encoder for these tables.
    #[must_use]
    pub fn new(targets: &Targets) -> Self {
        let tables = (0..targets.tables.len()).map(|table| targets.sent(table));
        Self { tables: tables.collect() }
    }

    /// Encodes the frame of the table of this index and hands its rows on in pieces, until `send` says
    /// no.
    ///
    /// # Errors
    /// [`Error::Frame`] when a frame with rows lacks a column of its table or has it in another type.
    pub fn encode(
        &self,
        table: usize,
        frame: &DataFrame,
        mut send: impl FnMut(Rows) -> bool,
    ) -> Result<()> {
        encode(frame, &self.tables[table], |bytes| send(Rows { table, bytes }))
    }
}

fn encode(frame: &DataFrame, table: &Table, mut send: impl FnMut(Vec<u8>) -> bool) -> Result<()> {
    if frame.height() == 0 {
        return Ok(());
    }
    let failed = |source| Error::Frame { doing: "encode the rows of a batch", source };
    let cells = table
        .columns
        .iter()
        .map(|column| Cells::of(frame.column(column.name.as_str())?, &column.data_type.wire()));
    let cells = cells.collect::<PolarsResult<Vec<_>>>().map_err(failed)?;
    let mut rows = 0..frame.height();
    while !rows.is_empty() {
        let (piece, bytes) = piece(&cells, rows.clone());
        rows.start = piece.end;
        if !send(encoded(&cells, piece, bytes)) {
            break;
        }
    }
    Ok(())
}

/// The first of these rows that make up a piece, and how many bytes they take at most.
fn piece(cells: &[Cells], rows: Range<usize>) -> (Range<usize>, usize) {
    let mut most_bytes = COUNT_BYTES * rows.len();
    most_bytes += cells.iter().map(|cells| cells.most_bytes(rows.clone())).sum::<usize>();
    if most_bytes < PIECE_BYTES + PIECE_BYTES / 8 || rows.len() == 1 {
        return (rows, most_bytes);
    }
    let half = rows.start + rows.len() / 2;
    piece(cells, rows.start..half)
}

fn encoded(cells: &[Cells], rows: Range<usize>, most_bytes: usize) -> Vec<u8> {
    let count = (cells.len() as i16).to_be_bytes();
    let mut out = Vec::with_capacity(most_bytes + WORD_BYTES);
    for row in rows {
        out.extend_from_slice(&count);
        for cells in cells {
            cells.put(row, &mut out);
        }
    }
    out
}

/// Bytes of the number of cells at the beginning of a row.
const COUNT_BYTES: usize = 2;
