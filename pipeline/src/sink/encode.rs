//! Encodes the columns of a frame as rows of Postgres' binary COPY format.
//!
//! Own code, since it reads Polars' columns where they lie: a quarter of the processor time of the
//! driver's writer, which takes boxed values one by one.
//! The format: <https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-BINARY-FORMAT>.

use polars::prelude::{Column as FrameColumn, DataFrame, DataType, PolarsResult, StaticArray};
use polars_arrow::array::{BooleanArray, PrimitiveArray, Utf8ViewArray};

use super::Mode;
use super::table::{Column, Table, Wire};
use super::target::Targets;
use crate::decode::{OBJECT_NO, RECORD_NO};
use crate::error::{Error, Result};

/// What a COPY in binary format begins with: signature, no flags, no extension.
pub(super) const HEADER: &[u8] = b"PGCOPY\n\xFF\r\n\0\0\0\0\0\0\0\0\0";
/// What it ends with.
pub(super) const TRAILER: &[u8] = &(-1_i16).to_be_bytes();

/// Postgres counts from 2000-01-01.
const MICROS_FROM_1970_TO_2000: i64 = 946_684_800_000_000;

/// Bytes of encoded rows that are handed on at once. A log row repeats the key of its record, so the
/// rows of a batch may be many times as long as its text.
const PIECE_BYTES: usize = 2 << 20;

/// Encoded rows of one of the tables.
#[derive(Debug)]
pub enum Rows {
    /// Of the status table, or of its staging table in merge mode.
    Status(Vec<u8>),
    /// Of the log table.
    Log(Vec<u8>),
    /// Of the table of rejected records.
    Rejected(Vec<u8>),
}

/// Encodes frames for the tables of a load.
#[derive(Debug, Clone)]
pub struct Encoder {
    status: Table,
    log: Table,
    rejected: Table,
}

impl Encoder {
    /// An encoder for these tables.
    #[must_use]
    pub fn new(targets: &Targets) -> Self {
        Self {
            status: targets.status_rows(),
            log: targets.log.clone(),
            rejected: targets.rejected.clone(),
        }
    }

    /// Encodes the status frame and hands its rows on in pieces, until `send` says no.
    ///
    /// # Errors
    /// [`Error::Frame`] when the frame lacks a column of its table or has it in another type.
    pub fn status(&self, frame: &DataFrame, mut send: impl FnMut(Rows) -> bool) -> Result<()> {
        encode(frame, &self.status, |rows| send(Rows::Status(rows)))
    }

    /// As [`Self::status`], of the log frame.
    ///
    /// # Errors
    /// As [`Self::status`].
    pub fn log(&self, frame: &DataFrame, mut send: impl FnMut(Rows) -> bool) -> Result<()> {
        encode(frame, &self.log, |rows| send(Rows::Log(rows)))
    }

    /// As [`Self::status`], of the frame of rejected records.
    ///
    /// # Errors
    /// As [`Self::status`].
    pub fn rejected(&self, frame: &DataFrame, mut send: impl FnMut(Rows) -> bool) -> Result<()> {
        encode(frame, &self.rejected, |rows| send(Rows::Rejected(rows)))
    }
}

impl Targets {
    /// The columns of the rows that COPY sends of the status frame: in merge mode those of the
    /// staging table, which also tells the later of two records.
    pub(super) fn status_rows(&self) -> Table {
        let mut table = self.status.clone();
        if self.mode == Mode::Merge {
            if self.is_bundled {
                table.columns.push(Column::unlimited(OBJECT_NO, Wire::Int4));
            }
            table.columns.push(Column::unlimited(RECORD_NO, Wire::Int8));
        }
        table
    }
}

/// The cells of a column, in the physical type that the wire type is made of.
enum Cells {
    Text(Utf8ViewArray),
    Integer(Wire, PrimitiveArray<i64>),
    Boolean(BooleanArray),
}

fn encode(frame: &DataFrame, table: &Table, mut send: impl FnMut(Vec<u8>) -> bool) -> Result<()> {
    let failed = |source| Error::Frame { doing: "encode the rows of a batch", source };
    let cells =
        table.columns.iter().map(|column| Cells::of(frame.column(column.name)?, column.wire));
    let cells = cells.collect::<PolarsResult<Vec<_>>>().map_err(failed)?;
    let fields = (cells.len() as i16).to_be_bytes();
    let most_bytes = cells.iter().map(Cells::most_bytes).sum::<usize>() + 2 * frame.height();
    let room = most_bytes.min(PIECE_BYTES + PIECE_BYTES / 8);
    let mut out = Vec::with_capacity(room);
    for row in 0..frame.height() {
        out.extend_from_slice(&fields);
        for cell in &cells {
            cell.encode(row, &mut out);
        }
        if out.len() >= PIECE_BYTES && !send(std::mem::replace(&mut out, Vec::with_capacity(room)))
        {
            return Ok(());
        }
    }
    if !out.is_empty() {
        send(out);
    }
    Ok(())
}

impl Cells {
    fn of(column: &FrameColumn, wire: Wire) -> PolarsResult<Self> {
        let series = column.as_materialized_series();
        Ok(match wire {
            Wire::Text => Self::Text(series.str()?.rechunk().downcast_as_array().clone()),
            Wire::Boolean => Self::Boolean(series.bool()?.rechunk().downcast_as_array().clone()),
            wire => {
                let integers = series.to_physical_repr().cast(&DataType::Int64)?;
                Self::Integer(wire, integers.i64()?.rechunk().downcast_as_array().clone())
            }
        })
    }

    fn most_bytes(&self) -> usize {
        match self {
            Self::Text(texts) => 4 * texts.len() + texts.total_bytes_len(),
            Self::Integer(_, integers) => 12 * integers.len(),
            Self::Boolean(booleans) => 5 * booleans.len(),
        }
    }

    /// Appends a length and the value, or the length -1 for a null.
    fn encode(&self, row: usize, out: &mut Vec<u8>) {
        match self {
            Self::Text(texts) => value(texts.get(row).map(str::as_bytes), out),
            Self::Boolean(booleans) => value(booleans.get(row).map(|is| [u8::from(is)]), out),
            Self::Integer(wire, integers) => {
                let integer = integers.get(row);
                // The decoder has seen to it that the integer fits the narrower ones.
                match wire {
                    Wire::Int2 => value(integer.map(|integer| (integer as i16).to_be_bytes()), out),
                    Wire::Int4 => value(integer.map(|integer| (integer as i32).to_be_bytes()), out),
                    Wire::Timestamp => {
                        value(
                            integer.map(|micros| (micros - MICROS_FROM_1970_TO_2000).to_be_bytes()),
                            out,
                        );
                    }
                    _ => value(integer.map(i64::to_be_bytes), out),
                }
            }
        }
    }
}

fn value(bytes: Option<impl AsRef<[u8]>>, out: &mut Vec<u8>) {
    match bytes {
        Some(bytes) => {
            let bytes = bytes.as_ref();
            out.extend_from_slice(&(bytes.len() as i32).to_be_bytes());
            out.extend_from_slice(bytes);
        }
        None => out.extend_from_slice(&(-1_i32).to_be_bytes()),
    }
}
