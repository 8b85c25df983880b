//! Builds the columns of a batch, one value after the other.

use polars::prelude::{DataFrame, PolarsResult, Series};
use polars_arrow::array::{Array, MutablePlString, PrimitiveArray};
use uuid::Uuid;

use super::builder::Builder;
use super::extra::Extra;
use super::record::Reader;
use super::slot::Problem;
use super::texts::Text;
use crate::feed::{Decoded, Feed};
use crate::records::Record;

/// The columns of a batch being built.
#[derive(Debug)]
pub(super) struct Columns {
    fields: Vec<Builder>,
    record_no: Vec<i64>,
    byte_offset: Vec<i64>,
    byte_length: Vec<i64>,
    /// None for a feed that asks for nothing of it.
    extra: Option<Extra>,
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
    /// No rows, but room for so many, and for so many entries of the lists of each table.
    pub(super) fn new(feed: &Feed, keeps_raw: bool, rows: usize, entries: &[usize]) -> Self {
        Self {
            fields: feed.fields.iter().map(|field| Builder::of(field, rows, entries)).collect(),
            record_no: Vec::with_capacity(rows),
            byte_offset: Vec::with_capacity(rows),
            byte_length: Vec::with_capacity(rows),
            extra: Extra::new(feed, keeps_raw, rows),
            rejections: Vec::new(),
        }
    }

    /// From now on, rows are of records of this text.
    pub(super) fn begin(&mut self, text: &Text) {
        self.fields.iter_mut().for_each(|builder| builder.begin(text));
        self.extra.iter_mut().for_each(|extra| extra.begin(text));
    }

    /// Adds what the reader holds as a row.
    pub(super) fn push(
        &mut self,
        reader: &Reader<'_>,
        record: &Record,
        number: u64,
        namespace: Uuid,
    ) {
        for (builder, slot) in self.fields.iter_mut().zip(reader.slots()) {
            builder.push(reader, [*slot]);
        }
        self.record_no.push(number as i64);
        self.byte_offset.push(record.byte_offset as i64);
        self.byte_length.push(record.byte_length as i64);
        if let Some(extra) = &mut self.extra {
            extra.push(reader, record, namespace);
        }
    }

    /// Adds to the last row why its record is rejected, and its text.
    pub(super) fn reject(&mut self, problem: Problem, raw: String) {
        self.rejections.push(Rejection { row: self.height() - 1, problem, raw });
    }

    /// How many entries the lists of each table have.
    pub(super) fn entries(&self, tables: usize) -> Vec<usize> {
        let mut counts = vec![0; tables];
        self.fields.iter().for_each(|builder| builder.count_entries(&mut counts));
        counts
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
            .map(|(field, builder)| series(&field.column, builder.finish()?))
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
        ]);
        if !self.extra.as_ref().is_some_and(Extra::has_raw) {
            columns.push(of_rejected(Decoded::Raw, rejections, height, |it| &it.raw)?);
        }
        if let Some(extra) = self.extra {
            columns.extend(extra.finish()?);
        }
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
