//! Reads records into shapes, without building their values.

mod tape;
#[cfg(test)]
mod tests;
mod unique;
mod walk;

use super::shape::{MAX_DEPTH, Shape};
use crate::json::path::{JsonPath, Step};
use crate::json::{Cursor, unescape};
use crate::records::Batch;
use tape::{Kind, Tape};
pub(super) use unique::Uniqueness;
use walk::Walk;

/// What became of the texts that were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Objects that are in the shape.
    pub records: u64,
    /// Texts that are not JSON in UTF-8, not one value, or longer than a record may be.
    pub malformed: u64,
    /// Values that are no objects, and documents in which the path leads nowhere.
    pub other: u64,
}

/// Reads records: one after the other, keeping what was allocated. A record like those before it
/// costs no allocation.
#[derive(Debug)]
pub struct Inference {
    path: JsonPath,
    tape: Tape,
    unescaped: String,
    /// The values that the path leads to, by their tokens.
    found: Vec<usize>,
    /// Room for the next step's.
    next: Vec<usize>,
    counts: Counts,
}

impl Inference {
    /// Reads the records that a path leads to in each text; of the elements of an array the path
    /// within them is meant.
    #[must_use]
    pub fn new(path: &JsonPath) -> Self {
        Self {
            path: path.clone(),
            tape: Tape::new(MAX_DEPTH + path.steps().len()),
            unescaped: String::new(),
            found: Vec::new(),
            next: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// Tells what became of the texts so far.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Adds the records of a batch to a shape; what cannot be added is counted.
    pub fn read_batch(&mut self, batch: &Batch, shape: &mut Shape) {
        self.read_some(batch, usize::MAX, shape);
    }

    /// The same for the first texts of a batch.
    pub(super) fn read_some(&mut self, batch: &Batch, texts: usize, shape: &mut Shape) {
        // Checking the whole at once is cheaper; if it is not text, some of its records may be.
        let text = simdutf8::basic::from_utf8(&batch.text).ok();
        let mut places = shape.places();
        for record in batch.records.iter().take(texts) {
            let whole = text.and_then(|text| text.get(record.start..record.end));
            let record_text =
                whole.or_else(|| simdutf8::basic::from_utf8(batch.text_of(record)).ok());
            match record_text.filter(|_| record.fault.is_none()) {
                Some(record) => self.read_text(record, shape, &mut places),
                None => self.counts.malformed += 1,
            }
        }
    }

    /// Adds the records of one text to a shape; what cannot be added is counted. For many texts
    /// [`Self::read_batch`] is sooner, since the places of the shape are counted once.
    pub fn read(&mut self, text: &[u8], shape: &mut Shape) {
        let mut places = shape.places();
        match simdutf8::basic::from_utf8(text) {
            Ok(text) => self.read_text(text, shape, &mut places),
            Err(_) => self.counts.malformed += 1,
        }
    }

    fn read_text(&mut self, text: &str, shape: &mut Shape, places: &mut usize) {
        if !self.parse(text) {
            self.counts.malformed += 1;
            return;
        }
        self.counts.other += u64::from(self.found.is_empty());
        for at in 0..self.found.len() {
            let at = self.found[at];
            if self.tape.token(at).kind == Kind::Object {
                self.counts.records += 1;
                self.add(at, text, shape, places);
            } else {
                self.counts.other += 1;
            }
        }
    }

    /// Reads a text, and finds the values that the path leads to; false if it is malformed.
    fn parse(&mut self, text: &str) -> bool {
        let mut cursor = Cursor::default();
        cursor.go(text.as_bytes(), 0);
        // Tokens have places of 32 bits.
        let is_read = u32::try_from(text.len()).is_ok() && self.tape.read(&mut cursor).is_ok();
        if is_read {
            self.find(text);
        }
        is_read
    }

    fn add(&mut self, at: usize, text: &str, shape: &mut Shape, places: &mut usize) {
        let (record, limits) = shape.parts();
        let mut walk = Walk {
            tape: &mut self.tape,
            record: text,
            unescaped: &mut self.unescaped,
            limits,
            places,
            narrower: false,
        };
        walk.value(record, at, 0);
        if walk.narrower {
            shape.narrow();
            *places = shape.places();
        }
    }

    /// Follows the path from the first token.
    fn find(&mut self, text: &str) {
        self.found.clear();
        self.found.push(0);
        for step in self.path.steps() {
            self.next.clear();
            for at in self.found.drain(..) {
                match (step, self.tape.token(at).kind) {
                    (Step::Each, Kind::Array) => self.next.extend(self.tape.elements(at)),
                    (Step::Field(name), Kind::Object) => {
                        self.next.extend(field(&self.tape, text, at, name));
                    }
                    _ => {}
                }
            }
            std::mem::swap(&mut self.found, &mut self.next);
        }
    }
}

/// The value of the last key of this name.
fn field(tape: &Tape, text: &str, object: usize, name: &str) -> Option<usize> {
    let mut keys = tape.keys(object);
    let mut found = None;
    while let Some(key) = keys.next(tape) {
        let token = tape.token(key);
        let written = &text[token.start as usize..token.end as usize];
        let is_it = if token.kind == Kind::Key(true) {
            let mut unescaped = String::new();
            unescape(written, &mut unescaped);
            unescaped == name
        } else {
            written == name
        };
        found = if is_it { Some(key + 1) } else { found };
    }
    found
}
