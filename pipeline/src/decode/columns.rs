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
use super::texts::{Text, Texts};
use crate::feed::{Decoded, Feed, Field, Kind, Storage, Type};
use crate::records::Record;

/// The columns of a batch being built.
#[derive(Debug)]
pub(super) struct Columns {
    fields: Vec<Builder>,
    record_no: Vec<i64>,
    byte_offset: Vec<i64>,
    byte_length: Vec<i64>,
    rejections: Vec<Rejection>,
}

/// Why the record of a row is rejected.
#[derive(Debug)]
struct Rejection {
    row: usize,
    problem: Problem,
    raw: String,
}

impl Columns {
    /// No rows, but room for so many, and for so many entries of the lists of each field.
    pub(super) fn new(feed: &Feed, rows: usize, entries: &[usize]) -> Self {
        let mut lists = 0..;
        let fields = feed.fields.iter().zip(entries).map(|(field, entries)| match &field.kind {
            Kind::Value(data_type) => Builder::of_values(*data_type, rows),
            Kind::List(fields) => {
                let list = lists.next().unwrap_or_default();
                Builder::List(ListBuilder::new(list, fields, rows, *entries))
            }
        });
        Self {
            fields: fields.collect(),
            record_no: Vec::with_capacity(rows),
            byte_offset: Vec::with_capacity(rows),
            byte_length: Vec::with_capacity(rows),
            rejections: Vec::new(),
        }
    }

    /// From now on, rows are of records of this text.
    pub(super) fn begin(&mut self, text: &Text) {
        self.fields.iter_mut().for_each(|builder| builder.begin(text));
    }

    /// Adds what the reader holds as a row.
    pub(super) fn push(&mut self, reader: &Reader<'_>, record: &Record, number: u64) {
        for (builder, slot) in self.fields.iter_mut().zip(reader.slots()) {
            builder.push(reader, [*slot]);
        }
        self.record_no.push(number as i64);
        self.byte_offset.push(record.byte_offset as i64);
        self.byte_length.push(record.byte_length as i64);
    }

    /// Adds to the last row why its record is rejected, and its text.
    pub(super) fn reject(&mut self, problem: Problem, raw: String) {
        self.rejections.push(Rejection { row: self.height() - 1, problem, raw });
    }

    /// How many entries the lists of each field have.
    pub(super) fn entries(&self) -> impl Iterator<Item = usize> {
        self.fields.iter().map(|builder| match builder {
            Builder::List(lists) => lists.entries.len(),
            _ => 0,
        })
    }

    /// How many rows there are.
    pub(super) const fn height(&self) -> usize {
        self.record_no.len()
    }

    /// The frame: the fields of the feed, then what else is decoded.
    pub(super) fn finish(self, feed: &Feed) -> PolarsResult<DataFrame> {
        let (height, rejections) = (self.height(), &self.rejections);
        let fields = feed.fields.iter().zip(self.fields);
        let mut columns = fields
            .map(|(field, builder)| series(&field.column, builder.finish(field)?))
            .collect::<PolarsResult<Vec<_>>>()?;
        for (decoded, values) in [
            (Decoded::RecordNo, self.record_no),
            (Decoded::ByteOffset, self.byte_offset),
            (Decoded::ByteLength, self.byte_length),
        ] {
            columns.push(series(decoded.column(), PrimitiveArray::from_vec(values).boxed())?);
        }
        columns.extend([
            of_rejected(Decoded::Reason, rejections, height, |it| it.problem.reason.as_str())?,
            of_rejected(Decoded::Detail, rejections, height, |it| &it.problem.detail)?,
            of_rejected(Decoded::Raw, rejections, height, |it| &it.raw)?,
        ]);
        DataFrame::new(height, columns.into_iter().map(Into::into).collect())
    }
}

/// A column that only the rows of rejected records have values in.
fn of_rejected(
    decoded: Decoded,
    rejections: &[Rejection],
    height: usize,
    value: impl Fn(&Rejection) -> &str,
) -> PolarsResult<Series> {
    let mut texts = MutablePlString::with_capacity(height);
    for rejection in rejections {
        texts.extend_null(rejection.row - texts.len());
        texts.push_value(value(rejection));
    }
    texts.extend_null(height - texts.len());
    series(decoded.column(), texts.freeze().boxed())
}

fn series(name: &str, array: Box<dyn Array>) -> PolarsResult<Series> {
    Series::from_arrow(name.into(), array)
}

/// A column being built.
#[derive(Debug)]
enum Builder {
    Text(Texts),
    Integer(MutablePrimitiveArray<i64>),
    Boolean(MutableBooleanArray),
    List(ListBuilder),
}

/// A column of lists of entries being built.
#[derive(Debug)]
struct ListBuilder {
    /// Which list of the record it is.
    list: usize,
    offsets: Vec<i64>,
    lists: MutableBitmap,
    entries: MutableBitmap,
    children: Vec<Builder>,
}

impl Builder {
    fn of_values(data_type: Type, rows: usize) -> Self {
        match data_type.storage() {
            Storage::Text => Self::Text(Texts::with_capacity(rows)),
            Storage::Integer => Self::Integer(MutablePrimitiveArray::with_capacity(rows)),
            Storage::Boolean => Self::Boolean(MutableBooleanArray::with_capacity(rows)),
        }
    }

    fn begin(&mut self, text: &Text) {
        match self {
            Self::Text(texts) => texts.begin(text),
            Self::List(lists) => lists.children.iter_mut().for_each(|child| child.begin(text)),
            Self::Integer(_) | Self::Boolean(_) => {}
        }
    }

    /// Adds what slots hold; a bad value is null.
    #[inline(always)]
    fn push(&mut self, reader: &Reader<'_>, slots: impl IntoIterator<Item = Slot>) {
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
            Self::Integer(integers) => {
                for slot in slots {
                    match slot {
                        Slot::Integer(integer) => integers.push_value(integer),
                        _ => integers.push(None),
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
            Self::List(lists) => slots.for_each(|slot| lists.push(reader, slot)),
        }
    }

    fn finish(self, field: &Field) -> PolarsResult<Box<dyn Array>> {
        Ok(match (self, &field.kind) {
            (Self::Text(texts), _) => texts.finish().boxed(),
            (Self::Integer(mut integers), _) => integers.as_box(),
            (Self::Boolean(mut booleans), _) => booleans.as_box(),
            (Self::List(lists), Kind::List(fields)) => lists.finish(fields)?,
            (Self::List(lists), Kind::Value(_)) => lists.finish(&[])?,
        })
    }
}

impl ListBuilder {
    fn new(list: usize, fields: &[Field], rows: usize, entries: usize) -> Self {
        let children = fields.iter().filter_map(|field| match field.kind {
            Kind::Value(data_type) => Some(Builder::of_values(data_type, entries)),
            // No feed has lists within lists.
            Kind::List(_) => None,
        });
        Self {
            list,
            offsets: vec![0],
            lists: MutableBitmap::with_capacity(rows),
            entries: MutableBitmap::with_capacity(entries),
            children: children.collect(),
        }
    }

    fn push(&mut self, reader: &Reader<'_>, slot: Slot) {
        let is_list = matches!(slot, Slot::List);
        if is_list {
            let (entries, slots) = reader.list(self.list);
            entries.iter().for_each(|is_object| self.entries.push(*is_object));
            let fields = self.children.len();
            for (at, child) in self.children.iter_mut().enumerate() {
                let entries = slots.chunks_exact(fields);
                child.push(reader, entries.map(|entry| entry[at]));
            }
        }
        self.offsets.push(self.entries.len() as i64);
        self.lists.push(is_list);
    }

    fn finish(self, fields: &[Field]) -> PolarsResult<Box<dyn Array>> {
        let height = self.entries.len();
        let children = self.children.into_iter().zip(fields);
        let values =
            children.map(|(child, field)| child.finish(field)).collect::<PolarsResult<Vec<_>>>()?;
        let fields = fields.iter().zip(&values).map(|(field, array)| {
            ArrowField::new(field.column.as_str().into(), array.dtype().clone(), true)
        });
        let dtype = ArrowDataType::Struct(fields.collect());
        let entries = StructArray::try_new(dtype.clone(), height, values, self.entries.into())?;
        let offsets = OffsetsBuffer::try_from(self.offsets)?;
        let dtype = ListArray::<i64>::default_datatype(dtype);
        Ok(ListArray::try_new(dtype, offsets, entries.boxed(), self.lists.into())?.boxed())
    }
}
