//! What the target columns can hold.

use crate::feed::{ColumnPlan, Feed, Limit};

/// What the target columns of a feed can hold, by the fields that go into them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// By the index of the table whose rows have the fields, then by the index of the field.
    pub tables: Vec<Vec<Limit>>,
    /// Whether a column is of a domain with a check: then a record may be rejected after it is decoded.
    pub has_domains: bool,
}

impl Limits {
    /// The limits of the tables that a fresh database gets.
    #[must_use]
    pub fn of_fresh_tables(feed: &Feed) -> Self {
        Self::of(feed, |_, column| column.data_type.limit())
    }

    /// What the columns that a field goes into can all hold: of the table of an index each holds `held`.
    pub(crate) fn of(feed: &Feed, held: impl Fn(usize, &ColumnPlan) -> Limit) -> Self {
        let tables = 0..feed.plan.tables.len();
        let none = tables.map(|table| vec![Limit::None; feed.fields_of(table).len()]);
        let mut limits = Self { tables: none.collect(), has_domains: false };
        for (at, table) in feed.plan.tables.iter().enumerate() {
            for column in &table.columns {
                let Some((of_table, field)) = column.source.field(at) else {
                    continue;
                };
                let limit = &mut limits.tables[of_table][field];
                let known = std::mem::replace(limit, Limit::None);
                *limit = known.narrower(column.data_type.limit()).narrower(held(at, column));
            }
        }
        limits
    }

    /// What the columns of a field can hold.
    pub(super) fn of_field(&self, table: usize, field: usize) -> Limit {
        let limit = self.tables.get(table).and_then(|fields| fields.get(field));
        limit.cloned().unwrap_or(Limit::None)
    }
}
