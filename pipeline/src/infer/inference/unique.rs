//! Finds out whether a field has another value in each record.

use std::collections::HashSet;

use super::{Inference, field};
use crate::infer::inference::tape::Kind;
use crate::json::path::JsonPath;
use crate::json::unescape;
use crate::records::Batch;

/// Values that are remembered of a field; of more, nobody can say whether all are different.
const MAX_VALUES: usize = 20_000_000;

/// Fields of records that have had another value in each record so far.
#[derive(Debug)]
pub(in crate::infer) struct Uniqueness {
    inference: Inference,
    fields: Vec<(String, HashSet<u64>)>,
}

impl Uniqueness {
    /// Looks at these fields of records.
    pub(in crate::infer) fn new(fields: &[String]) -> Self {
        let fields = fields.iter().map(|field| (field.clone(), HashSet::new())).collect();
        Self { inference: Inference::new(&JsonPath::default()), fields }
    }

    /// Whether no field is left.
    pub(in crate::infer) fn is_over(&self) -> bool {
        self.fields.is_empty()
    }

    /// The fields that are left.
    pub(in crate::infer) fn fields(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(field, _)| field.as_str())
    }

    pub(in crate::infer) fn read_batch(&mut self, batch: &Batch) {
        for record in &batch.records {
            let text = simdutf8::basic::from_utf8(batch.text_of(record)).ok();
            if let Some(text) = text.filter(|_| record.fault.is_none()) {
                self.read_text(text);
            }
        }
    }

    fn read_text(&mut self, text: &str) {
        if !self.inference.parse(text) {
            return;
        }
        let Inference { found, tape, .. } = &self.inference;
        for at in found.iter().filter(|at| tape.token(**at).kind == Kind::Object) {
            self.fields.retain_mut(|(name, seen)| {
                let value = field(tape, text, *at, name).map(|at| tape.token(at));
                let hash = value.map(|token| {
                    let written = &text[token.start as usize..token.end as usize];
                    hash(written, token.kind)
                });
                hash.is_some_and(|hash| seen.insert(hash)) && seen.len() <= MAX_VALUES
            });
        }
    }
}

/// The same for values that a column may take for one: ids may be written in either case.
fn hash(written: &str, kind: Kind) -> u64 {
    let mut value = String::new();
    match kind {
        Kind::String(true) => unescape(written, &mut value),
        _ => value.push_str(written),
    }
    value.make_ascii_lowercase();
    xxhash_rust::xxh3::xxh3_64(value.as_bytes())
}
