//! Reads the records of a batch into the columns of a frame.
//!
//! A frame has a row for every record: the feed's fields under the names of their columns, null where a
//! value is missing or cannot be taken, then what is [`Decoded`] besides: the record's place and, for a
//! record that must be rejected, the reason, what was found, and its text. Nothing is coerced, but that
//! a number or boolean is taken for the text that is written.
//!
//! [`Decoded`]: crate::feed::Decoded

mod array;
mod builder;
mod bundle;
mod columns;
mod demand;
mod expected;
mod extra;
mod hash;
mod limit;
mod list;
mod members;
mod name;
mod preset;
mod raw;
mod record;
mod slot;
mod texts;
mod trail;
mod unknown;
mod value;

use std::collections::BTreeMap;
use std::sync::Arc;

use polars::prelude::DataFrame;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::records::Batch;
pub(crate) use bundle::BundleDecoder;
use columns::Columns;
use expected::Shape;
pub use limit::Limits;
pub(crate) use name::shortened;
pub(crate) use raw::RAW_BYTES;
use record::Reader;
use texts::Text;
use unknown::UnknownFields;

/// The column with the number of a record's object in its bundle; the first is 0.
pub(crate) const OBJECT_NO: &str = "$object_no";

/// Entries of lists that room is made for at most, before there are any.
const ENTRIES_EXPECTED: usize = 1 << 16;

/// Decodes the batches of one object under the rules of a feed.
#[derive(Debug)]
pub struct Decoder {
    feed: Arc<Feed>,
    shape: Shape,
    /// Whether the text of every record is kept, since records may be rejected after they are decoded.
    keeps_raw: bool,
    /// How many entries the lists of each table had in the last batch: the next has about as many.
    entries: Vec<usize>,
    /// What the UUIDs of the records of this object are made of.
    namespace: Uuid,
    /// How often each key that the feed does not have was seen, by its name.
    unknown_fields: UnknownFields,
}

impl Decoder {
    /// A decoder that rejects what does not fit `limits`.
    #[must_use]
    pub fn new(feed: &Arc<Feed>, limits: &Limits) -> Self {
        Self {
            feed: Arc::clone(feed),
            shape: Shape::new(feed, limits),
            keeps_raw: feed.has_expressions() || limits.has_domains,
            entries: vec![0; feed.plan.tables.len()],
            namespace: Uuid::nil(),
            unknown_fields: UnknownFields::default(),
        }
    }

    /// The records that come are of this version of an object, from which their UUIDs are made.
    #[must_use]
    pub fn with_object(mut self, origin: &str, version: &str) -> Self {
        self.begin_object(origin, version);
        self
    }

    pub(super) fn begin_object(&mut self, origin: &str, version: &str) {
        self.namespace = extra::namespace(origin, version);
    }

    /// The columns of a batch: a row for each of its records, in order.
    ///
    /// # Errors
    /// [`Error::Frame`] when Polars refuses the columns, which only a mistake of ours can cause.
    pub fn decode(&mut self, batch: &Batch) -> Result<DataFrame> {
        let mut columns = self.columns(batch.records.len());
        self.read(batch, &mut columns);
        let entries = columns.entries(self.entries.len()).into_iter();
        self.entries = entries.map(|entries| entries.min(ENTRIES_EXPECTED)).collect();
        columns
            .finish(&self.feed)
            .map_err(|source| Error::Frame { doing: "build the columns of a batch", source })
    }

    /// Columns with room for so many records.
    fn columns(&self, rows: usize) -> Columns {
        Columns::new(&self.feed, self.keeps_raw, rows, &self.entries)
    }

    /// Adds the records of a batch to columns.
    fn read(&mut self, batch: &Batch, columns: &mut Columns) {
        let (shared, text) = Text::of(&batch.text);
        columns.begin(&shared);
        let mut reader = Reader::new(&self.shape, batch, text);
        for (record, number) in batch.records.iter().zip(batch.first_record_no..) {
            let problem = reader.read(record);
            columns.push(&reader, record, number, self.namespace);
            if let Some(problem) = problem {
                columns.reject(problem, raw::printable(batch.text_of(record)));
            }
            reader.tell_unknown(|prefix, name| self.unknown_fields.count(prefix, name));
        }
    }

    /// How often each key that the feed does not have was seen, so far.
    #[must_use]
    pub fn into_unknown_fields(self) -> BTreeMap<String, u64> {
        self.unknown_fields.into_counts()
    }
}
