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
    /// No rows, but room for so many, and for so many entries of their lists.
    pub(super) fn new(feed: &'static Feed, rows: usize, entries: usize) -> Self {
        let fields = feed.fields.iter();
        Self {
            feed,
            fields: fields.map(|field| Builder::new(field, rows, entries)).collect(),
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

    /// How many entries the lists of all rows have.
    pub(super) fn entries(&self) -> usize {
        let mut entries = self.fields.iter().filter_map(|builder| match builder {
            Builder::List(lists) => Some(lists.entries.len()),
            _ => None,
        });
        entries.next().unwrap_or_default()
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
        let rejections = &self.rejections;
        columns.extend([
            of_rejected(REASON, rejections, height, |it| it.problem.reason.as_str())?,
            of_rejected(DETAIL, rejections, height, |it| &it.problem.detail)?,
            of_rejected(RAW, rejections, height, |it| &it.raw)?,
        ]);
        DataFrame::new(height, columns.into_iter().map(Into::into).collect())
    }
}

/// A column that only the rows of rejected records have values in.
fn of_rejected(
    name: &str,
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
    series(name, texts.freeze().boxed())
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
    fields: &'static [Field],
    offsets: Vec<i64>,
    lists: MutableBitmap,
    entries: MutableBitmap,
    children: Vec<Builder>,
}

impl Builder {
    fn new(field: &Field, rows: usize, entries: usize) -> Self {
        match field.kind {
            Kind::Text => Self::Text(Texts::with_capacity(rows)),
            Kind::Integer => Self::Integer(MutablePrimitiveArray::with_capacity(rows)),
            Kind::Boolean => Self::Boolean(MutableBooleanArray::with_capacity(rows)),
            Kind::List(fields) => Self::List(ListBuilder {
                fields,
                offsets: vec![0],
                lists: MutableBitmap::with_capacity(rows),
                entries: MutableBitmap::with_capacity(entries),
                children: fields.iter().map(|field| Self::new(field, entries, 0)).collect(),
            }),
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

    fn finish(self) -> PolarsResult<Box<dyn Array>> {
        Ok(match self {
            Self::Text(texts) => texts.finish().boxed(),
            Self::Integer(mut integers) => integers.as_box(),
            Self::Boolean(mut booleans) => booleans.as_box(),
            Self::List(lists) => lists.finish()?,
        })
    }
}

impl ListBuilder {
    fn push(&mut self, reader: &Reader<'_>, slot: Slot) {
        let is_list = matches!(slot, Slot::List);
        if is_list {
            reader.entries().iter().for_each(|is_object| self.entries.push(*is_object));
            let slots = reader.entry_slots();
            for (at, child) in self.children.iter_mut().enumerate() {
                let entries = slots.chunks_exact(self.fields.len());
                child.push(reader, entries.map(|entry| entry[at]));
            }
        }
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
