//! The fields of a record or an entry as columns: nested objects are flattened as far as a row can hold
//! them.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::kind::{Kind, classify};
use crate::infer::shape::{Field, Node, Objects};
use crate::json::path::{JsonPath, Step};

/// Columns of a table, without ours.
const MAX_COLUMNS: usize = 980;
/// Bytes of a row: a page of Postgres holds 8 kB of what cannot be moved out of it, without ours.
const MAX_ROW_BYTES: usize = 7000;
/// Bytes of a value that Postgres can move out of a row, at most.
const MOVABLE_BYTES: usize = 26;
/// Bytes of a key that a shape may have cut.
const CUT_KEY_BYTES: usize = 1000;

/// A field that becomes a column or a child table.
#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    /// The keys that lead to it.
    pub(super) keys: Vec<&'a str>,
    pub(super) node: &'a Node,
    pub(super) kind: Kind<'a>,
    /// What is doubtful about it.
    pub(super) remark: Option<String>,
}

/// The fields of objects, nested objects flattened, in their order. `above` are the steps that lead to the
/// objects.
pub(super) fn flatten<'a>(objects: &'a Objects, above: &[Step]) -> Vec<Entry<'a>> {
    let mut entries = fields(objects, &[]);
    let mut size = Size::of(&entries);
    // Those near the root come first; what does not fit any more stays a document.
    while let Some(depth) = shallowest(&entries) {
        let mut flattened = Vec::with_capacity(entries.len());
        for entry in entries {
            let Kind::Struct(objects) = entry.kind else {
                flattened.push(entry);
                continue;
            };
            if entry.keys.len() > depth {
                flattened.push(entry);
                continue;
            }
            let inner = fields(objects, &entry.keys);
            let with_inner = size.and(Size::of(&inner));
            if with_inner.fits() && inner.iter().all(|it| path(above, &it.keys).is_some()) {
                size = with_inner;
                flattened.extend(inner);
            } else {
                flattened.push(as_document(entry, &inner));
            }
        }
        entries = flattened;
    }
    entries
}

/// The path of a key from the steps above it; none if it is too long for a feed.
pub(super) fn path(above: &[Step], keys: &[&str]) -> Option<JsonPath> {
    let keys = keys.iter().map(|key| Step::Field((*key).to_owned()));
    let steps: Vec<_> = above.iter().cloned().chain(keys).collect();
    let path = JsonPath::of(&steps);
    path.to_string().parse().ok()
}

fn shallowest(entries: &[Entry<'_>]) -> Option<usize> {
    let structs = entries.iter().filter(|entry| matches!(entry.kind, Kind::Struct(_)));
    structs.map(|entry| entry.keys.len()).min()
}

fn as_document<'a>(entry: Entry<'a>, inner: &[Entry<'_>]) -> Entry<'a> {
    let (kind, remark) = if super::kind::holds_nul(entry.node) {
        (Kind::LeftOut, "some of its texts hold U+0000, which Postgres cannot store".to_owned())
    } else {
        let remark =
            format!("an object of {} fields: a row has no room for more columns", inner.len());
        (Kind::Json, remark)
    };
    Entry { kind, remark: Some(remark), ..entry }
}

/// The fields of objects, by their mean place.
fn fields<'a>(objects: &'a Objects, above: &[&'a str]) -> Vec<Entry<'a>> {
    let mut by_name: HashMap<String, usize> = HashMap::new();
    for field in objects.fields.iter() {
        *by_name.entry(field.name.to_ascii_lowercase()).or_default() += 1;
    }
    let mut fields: Vec<&Field> = objects.fields.iter().collect();
    fields.sort_by(|one, other| order(one, other));
    let entry = |field: &'a Field| {
        let keys = above.iter().copied().chain([&*field.name]).collect();
        let is_ambiguous = by_name.get(&field.name.to_ascii_lowercase()).is_some_and(|n| *n > 1);
        let (kind, remark) = kind(field, is_ambiguous);
        Entry { keys, node: &field.node, kind, remark }
    };
    fields.into_iter().map(entry).collect()
}

fn kind(field: &Field, is_ambiguous: bool) -> (Kind<'_>, Option<String>) {
    let (kind, remark) = classify(&field.node);
    if field.name.contains('\0') || field.name.len() >= CUT_KEY_BYTES {
        return (Kind::LeftOut, Some("no path can have this key".to_owned()));
    }
    match kind {
        Kind::LeftOut => (kind, remark),
        // Where an object has several of them, only the last was looked at.
        _ if is_ambiguous => (Kind::Json, Some("another key differs only by case".to_owned())),
        _ => (kind, remark),
    }
}

/// By the mean place among the keys, exactly, then by name.
fn order(one: &Field, other: &Field) -> Ordering {
    let product = |one: &Node, other: &Node| u128::from(one.positions) * u128::from(other.count());
    let by_place = product(&one.node, &other.node).cmp(&product(&other.node, &one.node));
    by_place.then_with(|| one.name.cmp(&other.name))
}

/// How much of a row columns take.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    columns: usize,
    bytes: usize,
}

impl Size {
    fn of(entries: &[Entry<'_>]) -> Self {
        let bytes = entries.iter().map(bytes).sum();
        let is_column = |entry: &&Entry<'_>| !matches!(entry.kind, Kind::List(_));
        Self { columns: entries.iter().filter(is_column).count(), bytes }
    }

    const fn and(self, other: Self) -> Self {
        Self { columns: self.columns + other.columns, bytes: self.bytes + other.bytes }
    }

    const fn fits(self) -> bool {
        self.columns <= MAX_COLUMNS && self.bytes <= MAX_ROW_BYTES
    }
}

/// The bytes that a column takes in a row for sure.
fn bytes(entry: &Entry<'_>) -> usize {
    match entry.kind {
        Kind::Scalar("bigint" | "double precision" | "timestamptz" | "date" | "boolean") => 8,
        Kind::Scalar("uuid") => 16,
        Kind::Scalar("text") => {
            let longest = entry.node.strings.as_ref().map_or(0, |strings| strings.max_length);
            // A character may have four bytes.
            MOVABLE_BYTES.min(usize::try_from(longest).unwrap_or(MOVABLE_BYTES) * 4 + 2)
        }
        Kind::LeftOut | Kind::List(_) => 0,
        Kind::Scalar(_) | Kind::Array(_) | Kind::Struct(_) | Kind::Json => MOVABLE_BYTES,
    }
}

/// As many of the entries as a row can hold, and those that are left over.
pub(super) fn held(entries: Vec<Entry<'_>>) -> (Vec<Entry<'_>>, Vec<Entry<'_>>) {
    let mut size = Size::default();
    entries.into_iter().partition(|entry| {
        size = size.and(Size::of(std::slice::from_ref(entry)));
        size.fits()
    })
}
