//! What was seen in records, place by place, in a form that can be stored and merged.

mod column;
mod digits;
mod example;
mod fields;
mod forms;
mod limit;
mod node;
mod range;
mod sketch;

use serde::{Deserialize, Serialize};

pub(crate) use digits::Digits;
pub(crate) use fields::{Field, Fields, kept};
pub(crate) use forms::Forms;
pub use limit::MAX_FIELDS;
pub(crate) use limit::{Limits, MAX_DEPTH};
pub(crate) use node::{Arrays, Node, Objects};
pub(crate) use range::Floats;

/// Says what values were seen at each place of many records.
///
/// Shapes are merged in any order and grouping to the same result, to the byte as JSON, so those of
/// objects can be stored and merged later. It is a fixed form of what was seen: an object place with
/// more than `max_fields` keys (a record: 1,600) is a map of one value, whichever keys came first;
/// objects and arrays within more than 32 others are only counted.
///
/// Memory is bounded: when there are more than 10,000 places, all nested objects become maps, values
/// over four deep are only counted, and records have `max_fields` too. The order decides only whether
/// that happens to input with more places than that in some part of it and fewer in all, since maps
/// show later.
///
/// As JSON it holds texts with U+0000 if the records do, which `jsonb` refuses: store it as bytes.
///
/// ```
/// use pipeline::infer::inference::Inference;
/// use pipeline::json::path::JsonPath;
/// use pipeline::infer::shape::{MAX_FIELDS, Shape};
///
/// let mut inference = Inference::new(&JsonPath::default());
/// let mut shape = Shape::new(MAX_FIELDS);
/// inference.read(br#"{"id": 1, "tags": ["a"]}"#, &mut shape);
/// let mut other = Shape::new(MAX_FIELDS);
/// inference.read(br#"{"id": 2.5, "note": null}"#, &mut other);
/// shape.merge(other);
/// assert_eq!(shape.data_type().to_string(), "struct<id:double,note:void,tags:array<string>>");
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Shape {
    limits: Limits,
    /// The records, as one value.
    record: Node,
}

impl Default for Shape {
    fn default() -> Self {
        Self::new(MAX_FIELDS)
    }
}

impl Shape {
    /// A shape of no records, in which a column of more than `max_fields` keys is a map.
    #[must_use]
    pub fn new(max_fields: usize) -> Self {
        Self { limits: Limits::new(max_fields), record: Node::default() }
    }

    /// Counts the records.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.record.count()
    }

    /// Counts the places: fields, elements of arrays and values of maps.
    #[must_use]
    pub fn places(&self) -> usize {
        self.record.places()
    }

    /// Lists the names of the records' fields as they are written, in order.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let fields = self.record.objects.iter().flat_map(|objects| objects.fields.iter());
        let mut names: Vec<_> =
            fields.filter(|field| field.node.count() > 0).map(|field| &*field.name).collect();
        names.sort_unstable();
        names
    }

    /// Adds what was seen elsewhere; the narrower of both limits holds from then on.
    pub fn merge(&mut self, other: Self) {
        let limits = self.limits.and(other.limits);
        let mut other_record = other.record;
        if other.limits != limits {
            other_record.narrow(0, limits);
        }
        if self.limits != limits {
            self.limits = limits;
            self.record.narrow(0, limits);
        }
        self.record.merge(other_record, 0, limits);
        if self.limits.note_places(self.record.places()) {
            self.narrow();
        }
    }

    /// What was seen of the records, as one value.
    pub(crate) const fn record(&self) -> &Node {
        &self.record
    }

    /// What a record is added to, and within which limits.
    pub(crate) const fn parts(&mut self) -> (&mut Node, &mut Limits) {
        (&mut self.record, &mut self.limits)
    }

    /// Keeps to the limits after they have become narrower.
    pub(crate) fn narrow(&mut self) {
        self.record.narrow(0, self.limits);
    }
}

#[cfg(test)]
mod tests;
