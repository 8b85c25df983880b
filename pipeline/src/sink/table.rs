//! A table as a load writes it: its columns, and what each of them is there.

use super::Mode;
use super::domain::Domain;
use crate::feed::{Feed, Ident, Limit, RowsOf, TableName, TablePlan, Type};

/// A column that COPY writes, from the column of its name in a frame.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: Ident,
    /// The type of the table's column.
    pub(super) data_type: Type,
    pub(super) limit: Limit,
    /// What SQL calls the type of the table's column, if that is there: it may be none of ours.
    pub(super) label: Option<String>,
    /// The domain of the table's column, if that has checks.
    pub(super) domain: Option<Domain>,
}

impl Column {
    /// A column of ours, which holds whatever a frame holds.
    pub(super) fn ours(name: &'static str, data_type: Type) -> Self {
        let limit = data_type.limit();
        Self { name: Ident::ours(name), data_type, limit, label: None, domain: None }
    }

    /// The type of the column in a staging table: that of the table's, so that what is merged needs no cast.
    pub(super) fn staged_type(&self) -> String {
        self.label.clone().unwrap_or_else(|| self.data_type.to_string())
    }

    /// Whether a row of the first table has the same value as one of the second. Values of `json` cannot be
    /// compared, but their texts can.
    pub(super) fn is_same_sql(&self, first: &str, second: &str) -> String {
        let cast = if self.label.as_deref() == Some("json") { "::text" } else { "" };
        let name = &self.name;
        format!("{first}.{name}{cast} is not distinct from {second}.{name}{cast}")
    }
}

/// The columns of a table that COPY writes, in the order of its rows.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) name: TableName,
    pub(super) columns: Vec<Column>,
    pub(super) is_partitioned: bool,
}

impl Table {
    /// The table that a fresh database gets. In mode merge the key of the root table is indexed.
    pub(super) fn fresh(feed: &Feed, plan: &TablePlan, mode: Mode) -> Self {
        let is_indexed = |name: &Ident| {
            mode == Mode::Merge && plan.rows == RowsOf::Records && feed.key.contains(name)
        };
        let columns = plan.columns.iter().map(|column| {
            let limit = column.data_type.limit();
            let limit = match column.data_type.limit_in_index(feed.key.len()) {
                Some(in_index) if is_indexed(&column.name) => limit.narrower(in_index),
                _ => limit,
            };
            Column {
                name: column.name.clone(),
                data_type: column.data_type.clone(),
                limit,
                label: None,
                domain: None,
            }
        });
        let columns = columns.collect();
        Self { name: plan.name.clone(), columns, is_partitioned: false }
    }

    /// The names of the columns.
    pub(super) fn names(&self) -> impl Iterator<Item = &Ident> {
        self.columns.iter().map(|column| &column.name)
    }

    /// What the column of this name holds.
    pub(super) fn limit(&self, name: &Ident) -> Limit {
        let found = self.columns.iter().find(|column| column.name == *name);
        found.map_or(Limit::None, |column| column.limit.clone())
    }
}
