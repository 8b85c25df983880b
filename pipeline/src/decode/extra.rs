//! What a frame has of a record besides its fields, where the feed asks for it.

use polars::prelude::{PolarsResult, Series};
use uuid::Uuid;

use super::hash::content_hash;
use super::raw;
use super::record::Reader;
use super::texts::{Text, Texts};
use crate::feed::{Decoded, Feed};
use crate::records::Record;

/// Columns that few feeds have.
#[derive(Debug)]
pub(super) struct Extra {
    record_id: Option<Texts>,
    content_hash: Option<Texts>,
    /// What is hashed of a record.
    hashed: Vec<u8>,
    rest: Option<Texts>,
    /// The text of every record, where a rule may reject it later.
    raw: Option<Texts>,
}

impl Extra {
    /// The columns that a feed asks for, if any.
    pub(super) fn new(feed: &Feed, keeps_raw: bool, rows: usize) -> Option<Self> {
        let texts = |is_there: bool| is_there.then(|| Texts::with_capacity(rows));
        let extra = Self {
            record_id: texts(feed.decodes(Decoded::RecordId)),
            content_hash: texts(feed.decodes(Decoded::ContentHash)),
            hashed: Vec::new(),
            rest: texts(feed.decodes(Decoded::Rest)),
            raw: texts(keeps_raw),
        };
        let Self { record_id, content_hash, rest, raw, .. } = &extra;
        let is_asked_for = [record_id, content_hash, rest, raw].into_iter().any(Option::is_some);
        is_asked_for.then_some(extra)
    }

    pub(super) fn begin(&mut self, text: &Text) {
        let Self { record_id, content_hash, rest, raw, .. } = self;
        for texts in [record_id, content_hash, rest, raw].into_iter().flatten() {
            texts.begin(text);
        }
    }

    /// Adds what is of the record that the reader holds.
    pub(super) fn push(&mut self, reader: &Reader<'_>, record: &Record, namespace: Uuid) {
        if let Some(ids) = &mut self.record_id {
            let id = Uuid::new_v5(&namespace, &record.byte_offset.to_be_bytes());
            ids.push(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        }
        if let (Some(hashes), Some(seed)) = (&mut self.content_hash, &reader.shape.hash_seed) {
            let mut digits = [0; 32];
            let hash = content_hash(reader, seed, &mut self.hashed).to_be_bytes();
            // It cannot fail: there are two digits for each byte.
            hex::encode_to_slice(hash, &mut digits).ok();
            hashes.push(std::str::from_utf8(&digits).unwrap_or_default());
        }
        if let Some(rests) = &mut self.rest {
            match rest(reader) {
                Some(rest) => rests.push(&rest),
                None => rests.push_null(),
            }
        }
        if let Some(raws) = &mut self.raw {
            let text = reader.text_of(record);
            match raw::is_printable(text, reader.is_utf8()) {
                true => raws.push_part(record.start..record.end),
                false => raws.push(&raw::printable(text)),
            }
        }
    }

    /// Whether the text of every record is among them.
    pub(super) const fn has_raw(&self) -> bool {
        self.raw.is_some()
    }

    /// The columns that there are.
    pub(super) fn finish(self) -> PolarsResult<Vec<Series>> {
        let columns = [
            (Decoded::RecordId, self.record_id),
            (Decoded::ContentHash, self.content_hash),
            (Decoded::Rest, self.rest),
            (Decoded::Raw, self.raw),
        ];
        let columns = columns.into_iter().filter_map(|(decoded, texts)| Some((decoded, texts?)));
        let series = columns.map(|(decoded, texts)| {
            Series::from_arrow(decoded.column().into(), texts.finish().boxed())
        });
        series.collect()
    }
}

/// The keys that are kept as one JSON object.
fn rest(reader: &Reader<'_>) -> Option<String> {
    let mut text = String::new();
    for (key, value) in reader.rest() {
        text.push_str(if text.is_empty() { "{\"" } else { ",\"" });
        text.push_str(&reader.record[key.span.range()]);
        text.push_str("\":");
        text.push_str(&reader.record[value.range()]);
    }
    (!text.is_empty()).then(|| text + "}")
}

/// What the UUIDs of the records of an object's version are made of.
pub(super) fn namespace(origin: &str, version: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{origin}\n{version}").as_bytes())
}
