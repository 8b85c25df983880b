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
    /// The column with the number of the entry in its list, of a child table that has one.
    pub position: Option<Ident>,
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
        /// The index of the list among the fields of what the parent's rows are of: the record, or the
        /// entries of a list.
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
    /// The number of an entry in its list, from 1: of this table's, or of one whose entries they are in.
    Position,
    /// An expression of other columns, by its index among those of the feed.
    Computed(usize),
    /// What we know of the load.
    Stamp(Stamped),
    /// What decode says of the record.
    Decoded(Decoded),
    /// The fields of the record in one text.
    Concat,
}

impl Source {
    /// The field that a column of the table of this index has its values from: the table whose rows have it,
    /// and its index; none for a column with other values.
    pub(crate) const fn field(self, table: usize) -> Option<(usize, usize)> {
        match self {
            Self::Record(field) => Some((0, field)),
            Self::Entry(field) => Some((table, field)),
            _ => None,
        }
    }
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
    /// The UUID that is made of its place.
    RecordId,
    /// A hash of all that the feed declares of it.
    ContentHash,
    /// The keys that the feed does not have, with their values.
    Rest,
}

impl Decoded {
    /// Those that every frame has, in their order.
    pub const ALWAYS: [Self; 6] =
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
            Self::RecordId => "$record_id",
            Self::ContentHash => "$content_hash",
            Self::Rest => "$rest",
        }
    }

    /// The type of its column.
    #[must_use]
    pub const fn data_type(self) -> Type {
        match self {
            Self::Reason | Self::Detail | Self::Raw => Type::Text,
            Self::RecordNo | Self::ByteOffset | Self::ByteLength => Type::BigInt,
            Self::RecordId => Type::Uuid,
            Self::ContentHash => Type::Bytea,
            Self::Rest => Type::Jsonb,
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

    /// The child tables whose entries those of this one are in, and this one itself: from the outermost
    /// list, with the index of each list among the fields of what it is in. None for other tables.
    #[must_use]
    pub fn lists_to(&self, table: usize) -> Vec<(usize, usize)> {
        let mut lists = Vec::new();
        let mut at = table;
        while let RowsOf::Entries { list, parent } = self.tables[at].rows {
            lists.push((at, list));
            at = parent;
        }
        lists.reverse();
        lists
    }
}

impl TablePlan {
    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &Ident) -> Option<&ColumnPlan> {
        self.columns.iter().find(|column| column.name == *name)
    }

    /// Whether a column of this name is written.
    pub(crate) fn writes(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.name.as_str() == name)
    }

    /// The column that is filled with this.
    #[must_use]
    pub fn filled_with(&self, source: Source) -> Option<&ColumnPlan> {
        self.columns.iter().find(|column| column.source == source)
    }

    /// The column with the number of the entry in its list: the last of those that it and its parents
    /// declare.
    #[must_use]
    pub fn position(&self) -> Option<&ColumnPlan> {
        self.position.as_ref().and_then(|name| self.column(name))
    }
}

impl ColumnPlan {
    /// A column of ours, which every row has a value for.
    pub(super) const fn ours(name: Ident, data_type: Type, source: Source) -> Self {
        Self { name, data_type, nullable: false, source }
    }

    /// A column that decode fills.
    pub(super) const fn decoded(name: Ident, what: Decoded) -> Self {
        Self::ours(name, what.data_type(), Source::Decoded(what))
    }

    /// A column that is stamped.
    pub(super) const fn stamped(name: Ident, what: Stamped) -> Self {
        Self::ours(name, what.data_type(), Source::Stamp(what))
    }
}
