//! A column being built, one value after the other.

use polars::prelude::PolarsResult;
use polars_arrow::array::{
    Array, MutableArray, MutableBooleanArray, MutablePrimitiveArray, PrimitiveArray,
};
use polars_arrow::bitmap::MutableBitmap;
use polars_arrow::datatypes::{ArrowDataType, TimeUnit};

use super::array::ArrayBuilder;
use super::list::ListBuilder;
use super::record::Reader;
use super::slot::Slot;
use super::texts::{Text, Texts};
use crate::feed::{Field, Kind, Storage, Type};

/// A column being built.
#[derive(Debug)]
pub(super) enum Builder {
    Text(Texts),
    Integer(MutablePrimitiveArray<i64>),
    /// Days since 1970.
    Days(MutablePrimitiveArray<i32>),
    /// Microseconds since 1970.
    Micros(MutablePrimitiveArray<i64>),
    Float(MutablePrimitiveArray<f64>),
    Boolean(MutableBooleanArray),
    Array(ArrayBuilder),
    List(ListBuilder),
}

impl Builder {
    /// A column of a field, with room for so many rows, and for so many entries of the lists of each
    /// table.
    pub(super) fn of(field: &Field, rows: usize, entries: &[usize]) -> Self {
        match &field.kind {
            Kind::Value(data_type, _) => Self::of_values(data_type, rows),
            Kind::List(list) => Self::List(ListBuilder::new(list, rows, entries)),
        }
    }

    pub(super) fn of_values(data_type: &Type, rows: usize) -> Self {
        match data_type.storage() {
            Storage::Text => Self::Text(Texts::with_capacity(rows)),
            Storage::Integer => Self::Integer(MutablePrimitiveArray::with_capacity(rows)),
            Storage::Days => Self::Days(MutablePrimitiveArray::with_capacity(rows)),
            Storage::Micros => Self::Micros(MutablePrimitiveArray::with_capacity(rows)),
            Storage::Float => Self::Float(MutablePrimitiveArray::with_capacity(rows)),
            Storage::Boolean => Self::Boolean(MutableBooleanArray::with_capacity(rows)),
            Storage::List => Self::Array(ArrayBuilder::new(data_type.element(), rows)),
        }
    }

    /// From now on, values are of records of this text.
    pub(super) fn begin(&mut self, text: &Text) {
        match self {
            Self::Text(texts) => texts.begin(text),
            Self::List(lists) => lists.begin(text),
            Self::Array(arrays) => arrays.begin(text),
            _ => {}
        }
    }

    /// Adds to `counts`, by tables, how many entries the lists have.
    pub(super) fn count_entries(&self, counts: &mut [usize]) {
        if let Self::List(lists) = self {
            lists.count_entries(counts);
        }
    }

    /// Adds what slots hold; a bad value is null.
    #[inline(always)]
    pub(super) fn push(&mut self, reader: &Reader<'_>, slots: impl IntoIterator<Item = Slot>) {
        let slots = slots.into_iter();
        match self {
            Self::Text(texts) => {
                for slot in slots {
                    match slot {
                        Slot::Text(piece) if !piece.unescaped => {
                            texts.push_part(reader.place(piece));
                        }
                        Slot::Text(piece) => texts.push(reader.text(piece)),
                        _ => texts.push_null(),
                    }
                }
            }
            Self::Integer(integers) | Self::Micros(integers) => {
                for slot in slots {
                    match slot {
                        Slot::Integer(integer) => integers.push_value(integer),
                        _ => integers.push(None),
                    }
                }
            }
            Self::Days(days) => {
                for slot in slots {
                    match slot {
                        Slot::Integer(day) => days.push(i32::try_from(day).ok()),
                        _ => days.push(None),
                    }
                }
            }
            Self::Float(floats) => {
                for slot in slots {
                    match slot {
                        Slot::Float(float) => floats.push_value(float),
                        _ => floats.push(None),
                    }
                }
            }
            Self::Boolean(booleans) => {
                for slot in slots {
                    match slot {
                        Slot::Boolean(is) => booleans.push_value(is),
                        _ => booleans.push_null(),
                    }
                }
            }
            Self::Array(arrays) => slots.for_each(|slot| arrays.push(reader, slot)),
            Self::List(lists) => slots.for_each(|slot| lists.push(reader, slot)),
        }
    }

    pub(super) fn finish(self) -> PolarsResult<Box<dyn Array>> {
        let timestamp = ArrowDataType::Timestamp(TimeUnit::Microsecond, None);
        Ok(match self {
            Self::Text(texts) => texts.finish().boxed(),
            Self::Integer(mut integers) => integers.as_box(),
            Self::Days(days) => PrimitiveArray::from(days).to(ArrowDataType::Date32).boxed(),
            Self::Micros(micros) => PrimitiveArray::from(micros).to(timestamp).boxed(),
            Self::Float(mut floats) => floats.as_box(),
            Self::Boolean(mut booleans) => booleans.as_box(),
            Self::Array(arrays) => arrays.finish()?,
            Self::List(lists) => lists.finish()?,
        })
    }
}

/// Whether each of some rows has a list, and where its elements end.
#[derive(Debug)]
pub(super) struct Extents {
    pub(super) offsets: Vec<i64>,
    pub(super) are_there: MutableBitmap,
}

impl Extents {
    pub(super) fn with_capacity(rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { offsets, are_there: MutableBitmap::with_capacity(rows) }
    }

    /// Adds a row whose elements end there.
    #[inline(always)]
    pub(super) fn push(&mut self, end: usize, is_there: bool) {
        self.offsets.push(end as i64);
        self.are_there.push(is_there);
    }
}
