//! The columns that a feed writes, and what each is in the table that it goes to.

use crate::decode::{BYTE_LENGTH, BYTE_OFFSET, DETAIL, Limit, RAW, REASON, RECORD_NO};
use crate::feed::{Feed, Field, Kind};
use crate::frame::INGESTED_AT;

use super::Mode;

/// How a value goes over the wire: the binary form of its target column's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    Text,
    Int2,
    Int4,
    Int8,
    Boolean,
    Timestamp,
}

/// A column that COPY writes.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) wire: Wire,
    pub(super) limit: Limit,
}

impl Column {
    /// A column of ours, which holds whatever a frame holds.
    pub(super) const fn unlimited(name: &'static str, wire: Wire) -> Self {
        Self { name, wire, limit: Limit::None }
    }
}

/// The columns of a table that COPY writes, in the order of its rows.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: Vec<Column>,
}

/// A column that the feed writes.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) name: &'static str,
    pub(super) values: Values,
    /// Whether a row may have no value for it.
    pub(super) nullable: bool,
}

/// What kind of values go into a column.
#[derive(Clone, Copy)]
pub(super) enum Values {
    Text,
    Integer,
    Boolean,
    Timestamp,
}

impl Wanted {
    pub(super) const fn always(name: &'static str, values: Values) -> Self {
        Self { name, values, nullable: false }
    }

    pub(super) const fn of(field: &Field) -> Self {
        let values = match field.kind {
            Kind::Integer => Values::Integer,
            Kind::Boolean => Values::Boolean,
            Kind::Text | Kind::List(_) => Values::Text,
        };
        Self { name: field.column, values, nullable: !field.required }
    }
}

impl Values {
    pub(super) const fn type_name(self) -> &'static str {
        match self {
            Self::Text => "varchar",
            Self::Integer => "bigint",
            Self::Boolean => "boolean",
            Self::Timestamp => "timestamp",
        }
    }

    pub(super) const fn widest(self) -> Wire {
        match self {
            Self::Text => Wire::Text,
            Self::Integer => Wire::Int8,
            Self::Boolean => Wire::Boolean,
            Self::Timestamp => Wire::Timestamp,
        }
    }

    pub(super) fn wire(self, type_name: &str) -> Option<Wire> {
        match (self, type_name) {
            (Self::Text, "varchar" | "text") => Some(Wire::Text),
            (Self::Integer, "int2") => Some(Wire::Int2),
            (Self::Integer, "int4") => Some(Wire::Int4),
            (Self::Integer, "int8") => Some(Wire::Int8),
            (Self::Boolean, "bool") => Some(Wire::Boolean),
            (Self::Timestamp, "timestamp" | "timestamptz") => Some(Wire::Timestamp),
            _ => None,
        }
    }
}

/// The columns of the error table in the order of the frame.
pub(super) const REJECTED: [Wanted; 11] = [
    Wanted::always("error_rec", Values::Text),
    Wanted::always(REASON, Values::Text),
    Wanted::always(DETAIL, Values::Text),
    Wanted::always(RAW, Values::Text),
    Wanted::always("object", Values::Text),
    Wanted::always("object_version", Values::Text),
    Wanted::always(RECORD_NO, Values::Integer),
    Wanted::always(BYTE_OFFSET, Values::Integer),
    Wanted::always(BYTE_LENGTH, Values::Integer),
    Wanted::always("load_id", Values::Integer),
    Wanted::always(INGESTED_AT, Values::Timestamp),
];

/// Bytes that an entry of a B-tree index holds for sure: a third of a page, less what comes with it.
pub(super) const INDEX_BYTES: usize = 2600;

impl Table {
    pub(super) fn fresh(name: &'static str, wanted: &[Wanted]) -> Self {
        let columns =
            wanted.iter().map(|wanted| Column::unlimited(wanted.name, wanted.values.widest()));
        Self { name, columns: columns.collect() }
    }

    /// The status table, whose key is indexed when it is merged into.
    pub(super) fn fresh_with_key(feed: &Feed, mode: Mode) -> Self {
        let mut table = Self::fresh(feed.status_table, &status_columns(feed));
        let key = table.columns.iter_mut().find(|column| column.name == feed.key);
        if let Some(key) = key.filter(|_| mode == Mode::Merge) {
            key.limit = Limit::Text { characters: usize::MAX, bytes: INDEX_BYTES };
        }
        table
    }

    pub(super) fn limit(&self, column: &str) -> Limit {
        let found = self.columns.iter().find(|found| found.name == column);
        found.map_or(Limit::None, |found| found.limit)
    }
}

pub(super) fn status_columns(feed: &Feed) -> Vec<Wanted> {
    fields(feed.scalars())
}

pub(super) fn log_columns(feed: &Feed) -> Vec<Wanted> {
    let (_, entry) = feed.list();
    let key = feed.scalars().filter(|field| field.column == feed.key);
    fields(key.chain(entry))
}

/// The columns of fields, then the instant of the load.
pub(super) fn fields<'f>(fields: impl Iterator<Item = &'f Field>) -> Vec<Wanted> {
    fields.map(Wanted::of).chain([Wanted::always(INGESTED_AT, Values::Timestamp)]).collect()
}
