//! The cells of a column, as COPY takes them: the length of each, then its value.

use std::ops::Range;

use polars::prelude::{Column as FrameColumn, DataType, PolarsResult, Series};
use polars_arrow::array::{Array, ListArray, Utf8ViewArray};
use polars_arrow::bitmap::Bitmap;

use super::coded::Form;
use crate::feed::Wire;

/// Bytes that are written at once where a text is shorter: what comes next is written over the rest.
pub(super) const WORD_BYTES: usize = 32;

/// Bytes that an array has besides its elements: its length, dimensions, flags, type, size and bound.
const ARRAY_BYTES: usize = 24;

/// The cells of a column.
pub(super) enum Cells {
    Text(Utf8ViewArray),
    /// Texts that stand for something else.
    Coded(Utf8ViewArray, Form),
    Short(Vec<Short>),
    /// The same in all rows.
    Same(Short),
    Array(Arrays),
}

/// The cells of a column of arrays.
pub(super) struct Arrays {
    offsets: Vec<i64>,
    are_there: Option<Bitmap>,
    /// The type of the elements, as PostgreSQL's catalog numbers it.
    oid: u32,
    elements: Box<Cells>,
}

/// A cell of fixed length: its length, then the value, or the length -1 for a null.
#[derive(Debug, Clone, Copy)]
pub(super) struct Short {
    bytes: [u8; 12],
    length: u32,
}

impl Cells {
    pub(super) fn of(column: &FrameColumn, wire: &Wire) -> PolarsResult<Self> {
        let is_short =
            matches!(wire, Wire::Boolean | Wire::Integer { .. } | Wire::Real | Wire::Double);
        match column {
            FrameColumn::Scalar(column) if is_short => {
                let cells = short_cells(&column.as_single_value_series(), wire)?;
                Ok(cells.first().map_or(Self::Short(Vec::new()), |cell| Self::Same(*cell)))
            }
            column => Self::of_series(column.as_materialized_series(), wire),
        }
    }

    fn of_series(series: &Series, wire: &Wire) -> PolarsResult<Self> {
        let texts = || PolarsResult::Ok(series.str()?.rechunk().downcast_as_array().clone());
        let form = match wire {
            Wire::Text => return texts().map(Self::Text),
            Wire::Array { oid, element } => {
                return Arrays::of(series, *oid, element).map(Self::Array);
            }
            Wire::Numeric => Form::Numeric,
            Wire::Uuid => Form::Uuid,
            Wire::Hex => Form::Hex,
            Wire::Jsonb => Form::Jsonb,
            Wire::Boolean | Wire::Integer { .. } | Wire::Real | Wire::Double => {
                return short_cells(series, wire).map(Self::Short);
            }
        };
        Ok(Self::Coded(texts()?, form))
    }

    pub(super) fn most_bytes(&self, rows: Range<usize>) -> usize {
        let of_texts = |texts: &Utf8ViewArray, more: usize| {
            let views = &texts.views()[rows.clone()];
            views.iter().map(|view| 4 + more + view.length as usize).sum()
        };
        match self {
            Self::Text(texts) => of_texts(texts, 0),
            Self::Coded(texts, form) => of_texts(texts, form.more_bytes()),
            Self::Short(_) | Self::Same(_) => size_of::<Short>() * rows.len(),
            Self::Array(arrays) => arrays.most_bytes(rows),
        }
    }

    #[inline(always)]
    pub(super) fn put(&self, row: usize, out: &mut Vec<u8>) {
        match self {
            Self::Same(cell) => put(cell.bytes, cell.length as usize, out),
            Self::Array(arrays) => arrays.put(row, out),
            Self::Coded(texts, form) => match texts.get(row) {
                Some(text) => form.put(text, out),
                None => out.extend_from_slice(&NULL),
            },
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

fn short_cells(series: &Series, wire: &Wire) -> PolarsResult<Vec<Short>> {
    let (bytes, zero) = match wire {
        Wire::Integer { bytes, zero } => (*bytes, *zero),
        Wire::Real => {
            let cells = series.f64()?.iter();
            return Ok(cells.map(|it| Short::of(it.map(|it| (it as f32).to_be_bytes()))).collect());
        }
        Wire::Double => {
            let cells = series.f64()?.iter();
            return Ok(cells.map(|it| Short::of(it.map(f64::to_be_bytes))).collect());
        }
        _ => {
            let cells = series.bool()?.iter().map(|is| Short::of(is.map(|is| [u8::from(is)])));
            return Ok(cells.collect());
        }
    };
    let integers = series.to_physical_repr().cast(&DataType::Int64)?;
    let integers = integers.i64()?.iter();
    // The decoder has seen to it that the integer fits the narrower ones.
    Ok(match bytes {
        2 => integers.map(|it| Short::of(it.map(|it| (it as i16).to_be_bytes()))).collect(),
        4 => integers
            .map(|it| Short::of(it.map(|it| (it - zero) as i32).map(i32::to_be_bytes)))
            .collect(),
        _ => integers.map(|it| Short::of(it.map(|it| (it - zero).to_be_bytes()))).collect(),
    })
}

impl Arrays {
    fn of(series: &Series, oid: u32, element: &Wire) -> PolarsResult<Self> {
        let lists = series.list()?.rechunk();
        let array: &ListArray<i64> = lists.downcast_as_array();
        let offsets = array.offsets().iter().copied().collect();
        let are_there = array.validity().cloned();
        // The elements of all rows, also of those before and behind a slice.
        let elements = Series::from_arrow(lists.name().clone(), array.values().clone())?;
        let elements = match series.dtype() {
            DataType::List(inner) => elements.cast(inner)?,
            _ => elements,
        };
        let elements = Box::new(Cells::of_series(&elements, element)?);
        Ok(Self { offsets, are_there, oid, elements })
    }

    fn elements_of(&self, rows: Range<usize>) -> Range<usize> {
        self.offsets[rows.start] as usize..self.offsets[rows.end] as usize
    }

    fn most_bytes(&self, rows: Range<usize>) -> usize {
        ARRAY_BYTES * rows.len() + self.elements.most_bytes(self.elements_of(rows))
    }

    /// One dimension, counted from 1; none of an empty array.
    /// The format: `array_recv` in PostgreSQL's `arrayfuncs.c`.
    fn put(&self, row: usize, out: &mut Vec<u8>) {
        if self.are_there.as_ref().is_some_and(|are_there| !are_there.get_bit(row)) {
            return out.extend_from_slice(&NULL);
        }
        let elements = self.elements_of(row..row + 1);
        let start = out.len();
        let dimensions = u32::from(!elements.is_empty());
        // That there may be nulls is always said: it is only looked at, not believed.
        let has_nulls = dimensions;
        for word in [0, dimensions, has_nulls, self.oid] {
            out.extend_from_slice(&word.to_be_bytes());
        }
        if !elements.is_empty() {
            out.extend_from_slice(&(elements.len() as u32).to_be_bytes());
            out.extend_from_slice(&1_u32.to_be_bytes());
        }
        for element in elements {
            self.elements.put(element, out);
        }
        let length = (out.len() - start - 4) as u32;
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }
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
