//! The tables of a feed, and what each of their columns is filled with.

use super::{Ident, TableName, Type};

/// The tables of a feed: first the root table, then its children, last the rejects table.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// In this order rows are counted and checked; a table is known by its index.
    pub tables: Vec<TablePlan>,
}

/// One table: which rows it gets, and what its columns are.
#[derive(Debug, Clone, PartialEq)]
pub struct TablePlan {
    /// Its name.
    pub name: TableName,
    /// What its rows are.
    pub rows: RowsOf,
    /// The columns that are written, in the order of a fresh table.
    pub columns: Vec<ColumnPlan>,
}

/// What the rows of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowsOf {
    /// A row for each valid record: the root table.
    Records,
    /// A row for each entry of a list of the valid records: a child table.
    Entries {
        /// The index of the list among the fields of what the parent's rows are of.
        list: usize,
        /// The index of the parent table.
        parent: usize,
    },
    /// A row for each rejected record.
    Rejects,
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnPlan {
    /// Its name.
    pub name: Ident,
    /// The type of its values, and of the column in a fresh table.
    pub data_type: Type,
    /// Whether a row may have no value for it.
    pub nullable: bool,
    /// What it is filled with.
    pub source: Source,
}

/// What a column is filled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A field of the record, by its index.
    Record(usize),
    /// A field of the entry, by its index.
    Entry(usize),
    /// What we know of the load.
    Stamp(Stamped),
    /// What decode says of the record.
    Decoded(Decoded),
    /// The fields of the record in one text.
    Concat,
}

/// What decode says of a record besides its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoded {
    /// The word for why it is rejected.
    Reason,
    /// What was found wrong.
    Detail,
    /// Its text, if it is rejected.
    Raw,
    /// Its number in the object, from 1.
    RecordNo,
    /// Where it begins in the object's text.
    ByteOffset,
    /// How long its text is.
    ByteLength,
}

impl Decoded {
    /// All of them, in the order of a frame.
    pub const ALL: [Self; 6] =
        [Self::RecordNo, Self::ByteOffset, Self::ByteLength, Self::Reason, Self::Detail, Self::Raw];

    /// The column of a frame. No feed has a column of such a name.
    #[must_use]
    pub const fn column(self) -> &'static str {
        match self {
            Self::Reason => "$reason",
            Self::Detail => "$detail",
            Self::Raw => "$raw",
            Self::RecordNo => "$record_no",
            Self::ByteOffset => "$byte_offset",
            Self::ByteLength => "$byte_length",
        }
    }

    /// The type of its column.
    #[must_use]
    pub const fn data_type(self) -> Type {
        match self {
            Self::Reason | Self::Detail | Self::Raw => Type::Text,
            Self::RecordNo | Self::ByteOffset | Self::ByteLength => Type::BigInt,
        }
    }
}

/// What a row needs beyond its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamped {
    /// The one instant of the load.
    IngestedAt,
    /// The load's number in the ledger.
    LoadId,
    /// The object, as people call it.
    Object,
    /// The object's version.
    ObjectVersion,
}

impl Stamped {
    /// The type of its column.
    #[must_use]
    pub const fn data_type(self) -> Type {
        match self {
            Self::IngestedAt => Type::Timestamp,
            Self::LoadId => Type::BigInt,
            Self::Object | Self::ObjectVersion => Type::Text,
        }
    }
}

impl Plan {
    /// The table with a row for each valid record.
    #[must_use]
    pub fn root(&self) -> &TablePlan {
        &self.tables[0]
    }

    /// The table of rejected records.
    #[must_use]
    pub fn rejects(&self) -> &TablePlan {
        &self.tables[self.rejects_index()]
    }

    /// The index of the table of rejected records.
    #[must_use]
    pub fn rejects_index(&self) -> usize {
        self.tables.len() - 1
    }

    /// The child tables, each with its index and that of its list.
    pub fn children(&self) -> impl Iterator<Item = (usize, usize, &TablePlan)> {
        self.tables.iter().enumerate().filter_map(|(at, table)| match table.rows {
            RowsOf::Entries { list, .. } => Some((at, list, table)),
            RowsOf::Records | RowsOf::Rejects => None,
        })
    }
}

impl TablePlan {
    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &Ident) -> Option<&ColumnPlan> {
        self.columns.iter().find(|column| column.name == *name)
    }

    /// The column that is filled with this.
    #[must_use]
    pub fn filled_with(&self, source: Source) -> Option<&ColumnPlan> {
        self.columns.iter().find(|column| column.source == source)
    }
}

impl ColumnPlan {
    /// A column of ours, which every row has a value for.
    pub(super) const fn ours(name: Ident, data_type: Type, source: Source) -> Self {
        Self { name, data_type, nullable: false, source }
    }

    /// A column that is stamped.
    pub(super) const fn stamped(name: Ident, what: Stamped) -> Self {
        Self::ours(name, what.data_type(), Source::Stamp(what))
    }
}
