//! What a reader expects of the records of a feed.

use super::limit::{Limit, Limits};
use crate::feed::{Feed, Field, Kind};
use crate::json::UsualKey;

/// The fields of the records of a feed and of the entries of their list.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) record: Vec<Expected>,
    /// The key of the list.
    pub(super) list: &'static str,
    pub(super) entry: Vec<Expected>,
}

/// A field: what it takes, what its column can hold, and how its key is mostly written.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) field: &'static Field,
    pub(super) limit: Limit,
    /// Up to which length in bytes a string surely fits, where strings are taken.
    pub(super) plain_bytes: Option<usize>,
    pub(super) key: UsualKey,
}

impl Shape {
    pub(super) fn new(feed: &'static Feed, limits: &Limits) -> Self {
        let (list, entry) = feed.list();
        Self {
            record: expected(feed.fields, &limits.record),
            list: list.name,
            entry: expected(entry, &limits.entry),
        }
    }
}

fn expected(fields: &'static [Field], limits: &[Limit]) -> Vec<Expected> {
    let limits = limits.iter().copied().chain(std::iter::repeat(Limit::None));
    let fields = fields.iter().zip(limits);
    let expected = fields.map(|(field, limit)| Expected {
        field,
        limit,
        plain_bytes: matches!(field.kind, Kind::Text).then(|| limit.sure_bytes()),
        key: UsualKey::new(field.name),
    });
    expected.collect()
}
