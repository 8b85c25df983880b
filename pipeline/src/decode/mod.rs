//! Reads the records of a batch into the columns of a frame.
//!
//! A frame has a row for every record: the feed's fields under their column names, null where a
//! value is missing or cannot be taken, then the record's place and, for a record that must be
//! rejected, `reason`, `detail` and `raw`. Nothing is coerced but what [`Kind::Text`] says.
//!
//! [`Kind::Text`]: crate::feed::Kind::Text

mod bundle;
mod columns;
mod expected;
mod limit;
mod name;
mod raw;
mod record;
mod slot;
mod texts;

use std::collections::BTreeMap;

use polars::prelude::DataFrame;

use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::source::Batch;
pub(crate) use bundle::BundleDecoder;
use columns::Columns;
use expected::Shape;
pub use limit::{Limit, Limits};
use record::Reader;
use texts::Text;

/// The column with a record's number in its object.
pub(crate) const RECORD_NO: &str = "record_no";
/// The column with the number of a record's object in its bundle; the first is 0.
pub(crate) const OBJECT_NO: &str = "object_no";
/// The column with the place where a record begins in its object's text.
pub(crate) const BYTE_OFFSET: &str = "byte_offset";
/// The column with the length of a record's text.
pub(crate) const BYTE_LENGTH: &str = "byte_length";
/// The column with the word for why a record is rejected.
pub(crate) const REASON: &str = "reason";
/// The column with what was found wrong.
pub(crate) const DETAIL: &str = "detail";
/// The column with a rejected record's text.
pub(crate) const RAW: &str = "raw";

/// Entries of lists that room is made for at most, before there are any.
const ENTRIES_EXPECTED: usize = 1 << 16;

/// Names of unknown fields that are counted apart; the others are counted together, since the
/// names are the sender's and could be without number.
const UNKNOWN_NAMES: usize = 1000;
/// Where the unknown fields beyond that are counted.
const OTHER_UNKNOWN: &str = "(other)";

/// Decodes the batches of one object under the rules of a feed.
#[derive(Debug)]
pub struct Decoder {
    feed: &'static Feed,
    shape: Shape,
    /// How many entries the lists of the last batch had: the next has about as many.
    entries: usize,
    /// How often each key that the feed does not have was seen, by its name.
    unknown_fields: BTreeMap<String, u64>,
}

impl Decoder {
    /// A decoder that rejects what does not fit `limits`.
    #[must_use]
    pub fn new(feed: &'static Feed, limits: &Limits) -> Self {
        Self { feed, shape: Shape::new(feed, limits), entries: 0, unknown_fields: BTreeMap::new() }
    }

    /// The columns of a batch: a row for each of its records, in order.
    ///
    /// # Errors
    /// [`Error::Frame`] when Polars refuses the columns, which only a mistake of ours can cause.
    pub fn decode(&mut self, batch: &Batch) -> Result<DataFrame> {
        let mut columns = Columns::new(self.feed, batch.records.len(), self.entries);
        self.read(batch, &mut columns);
        self.entries = columns.entries().min(ENTRIES_EXPECTED);
        columns
            .finish()
            .map_err(|source| Error::Frame { doing: "build the columns of a batch", source })
    }

    /// Adds the records of a batch to columns.
    fn read(&mut self, batch: &Batch, columns: &mut Columns) {
        let (shared, text) = Text::of(&batch.text);
        columns.begin(&shared);
        let mut reader = Reader::new(&self.shape, batch, text);
        let mut name = String::new();
        for (record, number) in batch.records.iter().zip(batch.first_record_no..) {
            let problem = reader.read(record);
            columns.push(&reader, record, number);
            if let Some(problem) = problem {
                columns.reject(problem, raw::printable(batch.text_of(record)));
            }
            reader.tell_unknown(&mut name, |name| count(&mut self.unknown_fields, name));
        }
    }

    /// How often each key that the feed does not have was seen, so far.
    #[must_use]
    pub fn into_unknown_fields(self) -> BTreeMap<String, u64> {
        self.unknown_fields
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    if let Some(count) = counts.get_mut(name) {
        *count += 1;
    } else if counts.len() < UNKNOWN_NAMES {
        counts.insert(name.to_owned(), 1);
    } else {
        *counts.entry(OTHER_UNKNOWN.to_owned()).or_default() += 1;
    }
}
