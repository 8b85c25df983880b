//! Encodes the columns of a frame as rows of Postgres' binary COPY format.
//!
//! Own code, since it reads Polars' columns where they lie: a quarter of the processor time of the
//! driver's writer, which takes boxed values one by one.
//! The format: <https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-BINARY-FORMAT>.

use std::ops::Range;

use polars::prelude::{Column as FrameColumn, DataFrame, DataType, PolarsResult, Series};
use polars_arrow::array::{Array, Utf8ViewArray};

use super::Mode;
use super::table::{Column, Table};
use super::target::Targets;
use crate::decode::OBJECT_NO;
use crate::error::{Error, Result};
use crate::feed::{Decoded, Type, Wire};

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
    /// The index of the table in the feed's plan. In merge mode rows of the root table go to its
    /// staging table.
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

impl Targets {
    /// The columns of the rows that COPY sends of a table: in merge mode for the root table those of
    /// the staging table, which also tells the later of two records.
    pub(super) fn sent(&self, table: usize) -> Table {
        let mut sent = self.tables[table].clone();
        if table == 0 && self.mode == Mode::Merge {
            if self.is_bundled {
                sent.columns.push(Column::ours(OBJECT_NO, Type::Integer));
            }
            sent.columns.push(Column::ours(Decoded::RecordNo.column(), Type::BigInt));
        }
        sent
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
        .map(|column| Cells::of(frame.column(column.name.as_str())?, column.data_type.wire()));
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

/// Bytes that are written at once where a text is shorter: what comes next is written over the rest.
const WORD_BYTES: usize = 32;

/// Bytes of the number of cells at the beginning of a row.
const COUNT_BYTES: usize = 2;

/// The cells of a column.
enum Cells {
    Text(Utf8ViewArray),
    Short(Vec<Short>),
    /// The same in all rows.
    Same(Short),
}

/// A cell of fixed length: its length, then the value, or the length -1 for a null.
#[derive(Debug, Clone, Copy)]
struct Short {
    bytes: [u8; 12],
    length: u32,
}

impl Cells {
    fn of(column: &FrameColumn, wire: Wire) -> PolarsResult<Self> {
        if let (FrameColumn::Scalar(column), true) = (column, !matches!(wire, Wire::Text)) {
            let cells = short_cells(&column.as_single_value_series(), wire)?;
            return Ok(cells.first().map_or(Self::Short(Vec::new()), |cell| Self::Same(*cell)));
        }
        let series = column.as_materialized_series();
        Ok(match wire {
            Wire::Text => Self::Text(series.str()?.rechunk().downcast_as_array().clone()),
            wire => Self::Short(short_cells(series, wire)?),
        })
    }

    fn most_bytes(&self, rows: Range<usize>) -> usize {
        match self {
            Self::Text(texts) => {
                let views = &texts.views()[rows];
                views.iter().map(|view| 4 + view.length as usize).sum()
            }
            Self::Short(_) | Self::Same(_) => size_of::<Short>() * rows.len(),
        }
    }

    #[inline(always)]
    fn put(&self, row: usize, out: &mut Vec<u8>) {
        match self {
            Self::Same(cell) => put(cell.bytes, cell.length as usize, out),
            Self::Short(cells) => put(cells[row].bytes, cells[row].length as usize, out),
            Self::Text(texts) => {
                if texts.validity().is_some_and(|validity| !validity.get_bit(row)) {
                    return out.extend_from_slice(&NULL);
                }
                let view = texts.views()[row];
                let (count, length) = (view.length.to_be_bytes(), view.length as usize);
                if view.is_inline() {
                    // A view is a length and then the text, as Postgres has it.
                    let mut word = view.as_u128().to_le_bytes();
                    word[..4].copy_from_slice(&count);
                    return put(word, 4 + length, out);
                }
                out.extend_from_slice(&count);
                let text = &texts.data_buffers()[view.buffer_idx as usize][view.offset as usize..];
                match text.first_chunk::<WORD_BYTES>() {
                    Some(word) if length <= WORD_BYTES => put(*word, length, out),
                    _ => out.extend_from_slice(&text[..length]),
                }
            }
        }
    }
}

/// The length of a null.
const NULL: [u8; 4] = (-1_i32).to_be_bytes();

fn short_cells(series: &Series, wire: Wire) -> PolarsResult<Vec<Short>> {
    let (bytes, zero) = match wire {
        Wire::Integer { bytes, zero } => (bytes, zero),
        Wire::Boolean | Wire::Text => {
            let cells = series.bool()?.iter().map(|is| Short::of(is.map(|is| [u8::from(is)])));
            return Ok(cells.collect());
        }
    };
    let integers = series.to_physical_repr().cast(&DataType::Int64)?;
    let integers = integers.i64()?.iter();
    // The decoder has seen to it that the integer fits the narrower ones.
    Ok(match bytes {
        2 => integers.map(|it| Short::of(it.map(|it| (it as i16).to_be_bytes()))).collect(),
        4 => integers.map(|it| Short::of(it.map(|it| (it as i32).to_be_bytes()))).collect(),
        _ => integers.map(|it| Short::of(it.map(|it| (it - zero).to_be_bytes()))).collect(),
    })
}

impl Short {
    #[inline(always)]
    fn of<const N: usize>(value: Option<[u8; N]>) -> Self {
        let mut bytes = [0; 12];
        let Some(value) = value else {
            bytes[..4].copy_from_slice(&NULL);
            return Self { bytes, length: 4 };
        };
        bytes[..4].copy_from_slice(&(N as u32).to_be_bytes());
        bytes[4..4 + N].copy_from_slice(&value);
        Self { bytes, length: 4 + N as u32 }
    }
}

/// Adds the first bytes of a word, all of which is written, since that is faster.
#[inline(always)]
fn put<const N: usize>(word: [u8; N], length: usize, out: &mut Vec<u8>) {
    let end = out.len() + length;
    out.extend_from_slice(&word);
    out.truncate(end);
}
