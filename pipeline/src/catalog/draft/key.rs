//! Which field identifies a record, and which says how new it is.

use std::collections::BTreeSet;

use super::kind::{Kind, classify, grouped};
use super::names::{safe, singular};
use crate::infer::shape::{Field, Forms, Shape};

/// Characters of a key's longest value: an index of Postgres must hold it.
const MAX_CHARACTERS: u64 = 200;
/// Records from which values that happen to be distinct are a key, if only the end of the name says so.
const ENOUGH_RECORDS: u64 = 100;
/// Names of fields that say when a record was changed.
const CHANGED: [&str; 10] = [
    "updated_at",
    "modified_at",
    "changed_at",
    "last_updated",
    "last_modified",
    "last_updated_at",
    "updated",
    "updated_on",
    "modified_on",
    "last_modified_at",
];

/// The key of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) field: String,
    pub(super) evidence: String,
}

/// The fields that may be a key by their names and by what a shape knows, the most likely one first. That
/// no value is there twice must be found out.
pub(super) fn candidates(shape: &Shape, table: &str) -> Vec<String> {
    let mut found: Vec<_> = fields(shape)
        .filter(|field| could_be_key(field, shape.records()))
        .filter_map(|field| Some((likelihood(&field.name, table)?, field)))
        .collect();
    found.sort_by_key(|(rank, field)| (*rank, field.name.clone()));
    found.into_iter().map(|(_, field)| field.name.to_string()).collect()
}

/// The key, if one of the fields of which no value is there twice is one for sure.
pub(super) fn certain(shape: &Shape, table: &str, unique: &BTreeSet<String>) -> Option<Key> {
    let records = shape.records();
    let mut candidates = candidates(shape, table).into_iter().filter(|it| unique.contains(it));
    let field = candidates.next()?;
    let is_certain = match likelihood(&field, table)? {
        Likelihood::Name => records > 1,
        Likelihood::Ending => records >= ENOUGH_RECORDS,
    };
    is_certain.then(|| Key { evidence: evidence(records, records), field })
}

/// What is known of a field that may be the key, but not for sure.
pub(super) fn possible(shape: &Shape, table: &str, unique: &BTreeSet<String>) -> Option<Key> {
    let field = candidates(shape, table).into_iter().next()?;
    let records = shape.records();
    let distinct = fields(shape).find(|it| *it.name == *field)?.node.sketch.estimate();
    let evidence = match unique.contains(&field) {
        true => evidence(records, records),
        false => format!("about {}", evidence(records, distinct.min(records))),
    };
    Some(Key { field, evidence })
}

/// The fields of which what is known already proves that no value is there twice.
pub(super) fn known_unique(shape: &Shape) -> BTreeSet<String> {
    let is_unique = |field: &&Field| field.node.sketch.exact() == Some(shape.records());
    fields(shape).filter(is_unique).map(|field| field.name.to_string()).collect()
}

/// The field that says when a record was changed, if every record has it.
pub(super) fn latest_by(shape: &Shape) -> Option<&str> {
    let records = shape.records();
    let is_it = |field: &&Field| {
        let forms = field.node.strings.as_ref().map(|strings| strings.forms);
        let is_time = matches!(forms, Some(Forms::TIMESTAMP_WITH_OFFSET | Forms::DATE));
        let is_number = matches!(classify(&field.node).0, Kind::Scalar("bigint"));
        CHANGED.contains(&safe(&field.name).as_str())
            && field.node.nulls == 0
            && field.node.count() == records
            && (is_time || is_number)
    };
    fields(shape).find(is_it).map(|field| &*field.name)
}

fn fields(shape: &Shape) -> impl Iterator<Item = &Field> {
    let objects = shape.record().objects.iter().filter(|objects| objects.map.is_none());
    objects.flat_map(|objects| objects.fields.iter())
}

fn could_be_key(field: &Field, records: u64) -> bool {
    let node = &field.node;
    let is_scalar = matches!(classify(node).0, Kind::Scalar("bigint" | "uuid" | "text"));
    let longest = node.strings.as_ref().map_or(0, |strings| strings.max_length);
    // The estimate is off by a few percent.
    let distinct = node.sketch.estimate();
    is_scalar
        && node.nulls == 0
        && node.count() == records
        && longest <= MAX_CHARACTERS
        && distinct.saturating_mul(10) >= records.saturating_mul(8)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Likelihood {
    /// It is called `id`, `uuid`, `key` or after the table.
    Name,
    /// Its name ends like that of an id, which may be the id of something else.
    Ending,
}

fn likelihood(field: &str, table: &str) -> Option<Likelihood> {
    let name = safe(field);
    let own = singular(table);
    let is_own =
        name.strip_suffix("_id").is_some_and(|of| !of.is_empty() && (of == own || of == table));
    match name.as_str() {
        "id" | "uuid" | "key" | "guid" => Some(Likelihood::Name),
        _ if is_own => Some(Likelihood::Name),
        _ => {
            let endings = ["_id", "_uuid", "_key", "_guid"];
            endings.iter().any(|ending| name.ends_with(ending)).then_some(Likelihood::Ending)
        }
    }
}

/// Whether a field is called like one that identifies something.
pub(super) fn is_like_id(field: &str) -> bool {
    likelihood(field, "").is_some()
}

fn evidence(records: u64, distinct: u64) -> String {
    let (records, distinct) = (grouped(records), grouped(distinct));
    format!("{records} records, {distinct} distinct values, never null")
}
