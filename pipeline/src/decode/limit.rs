//! What the target columns can hold.

use crate::feed::{ColumnPlan, Feed, Kind, Limit, RowsOf, Source};

/// What the target columns of a feed can hold, by the fields that go into them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// One for each field of the record.
    pub record: Vec<Limit>,
    /// For each field of the record that is a list, one for each field of its entries.
    pub entries: Vec<Vec<Limit>>,
}

impl Limits {
    /// The limits of the tables that a fresh database gets.
    #[must_use]
    pub fn of_fresh_tables(feed: &Feed) -> Self {
        Self::of(feed, |_, column| column.data_type.limit())
    }

    /// What all the columns that a field goes into can hold, and its declared type can be: of the table
    /// of an index each column holds `held`.
    pub(crate) fn of(feed: &Feed, held: impl Fn(usize, &ColumnPlan) -> Limit) -> Self {
        let none = |fields: usize| vec![Limit::None; fields];
        let entries = feed.fields.iter().map(|field| match &field.kind {
            Kind::List(entry) => none(entry.len()),
            Kind::Value(_) => Vec::new(),
        });
        let mut limits = Self { record: none(feed.fields.len()), entries: entries.collect() };
        for (at, table) in feed.plan.tables.iter().enumerate() {
            for column in &table.columns {
                let limit = match (column.source, table.rows) {
                    (Source::Record(field), _) => &mut limits.record[field],
                    (Source::Entry(field), RowsOf::Entries { list, .. }) => {
                        &mut limits.entries[list][field]
                    }
                    _ => continue,
                };
                *limit = limit.narrower(column.data_type.limit()).narrower(held(at, column));
            }
        }
        limits
    }
}
