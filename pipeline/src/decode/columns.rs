//! Builds the columns of a batch, one value after the other.

use polars::prelude::{DataFrame, PolarsResult, Series};
use polars_arrow::array::{
    Array, ListArray, MutableArray, MutableBooleanArray, MutablePlString, MutablePrimitiveArray,
    PrimitiveArray, StructArray,
};
use polars_arrow::bitmap::MutableBitmap;
use polars_arrow::datatypes::{ArrowDataType, Field as ArrowField};
use polars_arrow::offset::OffsetsBuffer;

use super::record::Reader;
use super::slot::{Problem, Slot};
use super::{BYTE_LENGTH, BYTE_OFFSET, DETAIL, RAW, REASON, RECORD_NO};
use crate::feed::{Feed, Field, Kind};
use crate::source::Record;

/// The columns of a batch being built.
#[derive(Debug)]
pub(super) struct Columns {
    feed: &'static Feed,
    fields: Vec<Builder>,
    record_no: Vec<i64>,
    byte_offset: Vec<i64>,
    byte_length: Vec<i64>,
    reason: MutablePlString,
    detail: MutablePlString,
    raw: MutablePlString,
}

impl Columns {
    pub(super) fn new(feed: &'static Feed, rows: usize) -> Self {
        Self {
            feed,
            fields: feed.fields.iter().map(|field| Builder::new(field, rows)).collect(),
            record_no: Vec::with_capacity(rows),
            byte_offset: Vec::with_capacity(rows),
            byte_length: Vec::with_capacity(rows),
            reason: MutablePlString::with_capacity(rows),
            detail: MutablePlString::with_capacity(rows),
            raw: MutablePlString::with_capacity(rows),
        }
    }

    /// Adds what the reader holds as a row.
    pub(super) fn push(&mut self, reader: &Reader<'_>, record: &Record, number: u64) {
        for (builder, slot) in self.fields.iter_mut().zip(reader.slots()) {
            builder.push(reader, slot);
        }
        self.record_no.push(number as i64);
        self.byte_offset.push(record.byte_offset as i64);
        self.byte_length.push(record.byte_length as i64);
    }

    /// Adds to the same row why its record is rejected, and its text.
    pub(super) fn push_rejection(&mut self, rejection: Option<(Problem, String)>) {
        let (problem, raw) = rejection.unzip();
        self.reason.push(problem.as_ref().map(|problem| problem.reason.as_str()));
        self.detail.push(problem.map(|problem| problem.detail));
        self.raw.push(raw);
    }

    /// How many rows there are.
    pub(super) const fn height(&self) -> usize {
        self.record_no.len()
    }

    pub(super) fn finish(self) -> PolarsResult<DataFrame> {
        let height = self.height();
        let fields = self.feed.fields.iter().zip(self.fields);
        let mut columns = fields
            .map(|(field, builder)| series(field.column, builder.finish()?))
            .collect::<PolarsResult<Vec<_>>>()?;
        for (name, values) in [
            (RECORD_NO, self.record_no),
            (BYTE_OFFSET, self.byte_offset),
            (BYTE_LENGTH, self.byte_length),
        ] {
            columns.push(series(name, PrimitiveArray::from_vec(values).boxed())?);
        }
        for (name, texts) in [(REASON, self.reason), (DETAIL, self.detail), (RAW, self.raw)] {
            columns.push(series(name, texts.freeze().boxed())?);
        }
        DataFrame::new(height, columns.into_iter().map(Into::into).collect())
    }
}

fn series(name: &str, array: Box<dyn Array>) -> PolarsResult<Series> {
    Series::from_arrow(name.into(), array)
}

/// A column being built.
#[derive(Debug)]
enum Builder {
    Text(MutablePlString),
    Integer(MutablePrimitiveArray<i64>),
    Boolean(MutableBooleanArray),
    List(ListBuilder),
}

/// A column of lists of entries being built.
#[derive(Debug)]
struct ListBuilder {
    fields: &'static [Field],
    offsets: Vec<i64>,
    lists: MutableBitmap,
    entries: MutableBitmap,
    children: Vec<Builder>,
}

impl Builder {
    fn new(field: &Field, rows: usize) -> Self {
        match field.kind {
            Kind::Text => Self::Text(MutablePlString::with_capacity(rows)),
            Kind::Integer => Self::Integer(MutablePrimitiveArray::with_capacity(rows)),
            Kind::Boolean => Self::Boolean(MutableBooleanArray::with_capacity(rows)),
            Kind::List(fields) => Self::List(ListBuilder {
                fields,
                offsets: vec![0],
                lists: MutableBitmap::with_capacity(rows),
                entries: MutableBitmap::with_capacity(rows),
                children: fields.iter().map(|field| Self::new(field, rows)).collect(),
            }),
        }
    }

    /// Adds what a slot holds; a bad value is null.
    fn push(&mut self, reader: &Reader<'_>, slot: &Slot) {
        match (self, slot) {
            (Self::Text(texts), Slot::Text(piece)) => texts.push_value(reader.text(*piece)),
            (Self::Text(texts), _) => texts.push_null(),
            (Self::Integer(integers), Slot::Integer(integer)) => integers.push_value(*integer),
            (Self::Integer(integers), _) => integers.push(None),
            (Self::Boolean(booleans), Slot::Boolean(is)) => booleans.push_value(*is),
            (Self::Boolean(booleans), _) => booleans.push_null(),
            (Self::List(lists), Slot::List) => lists.push(reader),
            (Self::List(lists), _) => lists.close(false),
        }
    }

    fn finish(self) -> PolarsResult<Box<dyn Array>> {
        Ok(match self {
            Self::Text(texts) => texts.freeze().boxed(),
            Self::Integer(mut integers) => integers.as_box(),
            Self::Boolean(mut booleans) => booleans.as_box(),
            Self::List(lists) => lists.finish()?,
        })
    }
}

impl ListBuilder {
    fn push(&mut self, reader: &Reader<'_>) {
        for (is_object, slots) in reader.entries() {
            self.entries.push(is_object);
            for (child, slot) in self.children.iter_mut().zip(slots) {
                child.push(reader, slot);
            }
        }
        self.close(true);
    }

    fn close(&mut self, is_list: bool) {
        self.offsets.push(self.entries.len() as i64);
        self.lists.push(is_list);
    }

    fn finish(self) -> PolarsResult<Box<dyn Array>> {
        let height = self.entries.len();
        let values =
            self.children.into_iter().map(Builder::finish).collect::<PolarsResult<Vec<_>>>()?;
        let named = self.fields.iter().zip(&values);
        let fields = named.map(|(field, array)| {
            ArrowField::new(field.column.into(), array.dtype().clone(), true)
        });
        let dtype = ArrowDataType::Struct(fields.collect());
        let entries = StructArray::try_new(dtype.clone(), height, values, self.entries.into())?;
        let offsets = OffsetsBuffer::try_from(self.offsets)?;
        let dtype = ListArray::<i64>::default_datatype(dtype);
        Ok(ListArray::try_new(dtype, offsets, entries.boxed(), self.lists.into())?.boxed())
    }
}
