//! How much a shape tells apart, so that no input makes it large.

use serde::{Deserialize, Serialize};

/// Keys over which a column is a map, unless it is said otherwise: records of people have fewer
/// fields below one key, and identifiers as keys soon are more.
pub const MAX_FIELDS: usize = 200;

/// Keys over which a record is a map: as many columns as a table of Postgres can have.
const RECORD_FIELDS: usize = 1600;
/// Objects and arrays within each other, over which a value is `json`.
pub(crate) const MAX_DEPTH: usize = 32;
/// Places over which nested objects become maps, whatever keys they have.
const MAX_PLACES: usize = 10_000;
/// What is left of [`MAX_DEPTH`] then: 200 columns have at most 3,200 places.
const CROWDED_DEPTH: usize = 4;

/// The limits of a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Limits {
    pub(super) max_fields: usize,
    /// Whether there once were more than [`MAX_PLACES`].
    pub(super) crowded: bool,
}

impl Limits {
    pub(super) const fn new(max_fields: usize) -> Self {
        Self { max_fields, crowded: false }
    }

    /// The limits that keep to both.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            max_fields: self.max_fields.min(other.max_fields),
            crowded: self.crowded || other.crowded,
        }
    }

    /// Distinct keys that an object may have in a value at this depth; the record's is 0.
    pub(crate) fn fields(self, depth: usize) -> usize {
        match (depth, self.crowded) {
            (0, false) => self.max_fields.max(RECORD_FIELDS),
            (1.., true) => 0,
            _ => self.max_fields,
        }
    }

    /// Whether objects and arrays at this depth are not looked into.
    pub(crate) const fn is_deep(self, depth: usize) -> bool {
        depth >= if self.crowded { CROWDED_DEPTH } else { MAX_DEPTH }
    }

    /// Notes how many places there are, and tells whether that makes the limits narrower.
    pub(crate) const fn note_places(&mut self, places: usize) -> bool {
        let narrower = places > MAX_PLACES && !self.crowded;
        self.crowded |= narrower;
        narrower
    }
}
