//! What a reader expects of the records of a feed.

use super::limit::Limits;
use crate::feed::{Feed, Field, Kind, Limit, Storage, Type};
use crate::json::UsualKey;

/// The fields of the records of a feed and of the entries of their lists.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) record: Vec<Expected>,
    pub(super) lists: Vec<List>,
    /// Whether keys match without regard to ASCII case.
    ignore_case: bool,
}

/// A list of the record: its key, and the fields of its entries.
#[derive(Debug)]
pub(super) struct List {
    pub(super) key: String,
    pub(super) entry: Vec<Expected>,
}

/// A field: what it takes, what its column can hold, and how its key is mostly written.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) name: String,
    pub(super) takes: Takes,
    pub(super) limit: Limit,
    pub(super) required: bool,
    pub(super) non_empty: bool,
    /// Up to which length in bytes a string surely fits, where strings are taken as they are.
    pub(super) plain_bytes: Option<usize>,
    pub(super) key: UsualKey,
}

/// What a field takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Takes {
    /// A value.
    Value(Type),
    /// An array: the list of this number.
    List(usize),
}

impl Shape {
    pub(super) fn new(feed: &Feed, limits: &Limits) -> Self {
        let (mut record, mut lists) = (Vec::new(), Vec::new());
        for (at, field) in feed.fields.iter().enumerate() {
            let takes = match &field.kind {
                Kind::Value(data_type) => Takes::Value(*data_type),
                Kind::List(entry) => {
                    lists.push(List {
                        key: field.key.clone(),
                        entry: expected_entry(entry, &limits.entries[at]),
                    });
                    Takes::List(lists.len() - 1)
                }
            };
            record.push(Expected::new(field, takes, limits.record[at]));
        }
        Self { record, lists, ignore_case: feed.ignore_case }
    }

    /// The field that a key names.
    pub(super) fn find(&self, expected: &[Expected], key: &str) -> Option<usize> {
        let is_same = |it: &Expected| match self.ignore_case {
            true => it.name.eq_ignore_ascii_case(key),
            false => it.name == key,
        };
        expected.iter().position(is_same)
    }
}

fn expected_entry(fields: &[Field], limits: &[Limit]) -> Vec<Expected> {
    let expected = fields.iter().zip(limits).filter_map(|(field, limit)| match field.kind {
        Kind::Value(data_type) => Some(Expected::new(field, Takes::Value(data_type), *limit)),
        // No feed has lists within lists.
        Kind::List(_) => None,
    });
    expected.collect()
}

impl Expected {
    fn new(field: &Field, takes: Takes, limit: Limit) -> Self {
        let is_text =
            matches!(takes, Takes::Value(data_type) if data_type.storage() == Storage::Text);
        Self {
            name: field.key.clone(),
            takes,
            limit,
            required: field.required,
            non_empty: field.non_empty,
            plain_bytes: is_text.then(|| limit.sure_bytes()),
            key: UsualKey::new(&field.key),
        }
    }
}
