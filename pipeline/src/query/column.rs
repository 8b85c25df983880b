//! The columns of a query, and which of them keep their types.

use tokio_postgres::types::Type;

use super::source::Cells;

/// Which columns keep their types; all others are read as the text that Postgres writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Those that Arrow has: booleans, integers (smallint as 32 bits), floats, texts, and timestamps in
    /// microseconds, of which those with a time zone are said to be UTC. Infinite timestamps, and
    /// those beyond what 64 bits hold from 1970 on, are the last or first that they hold.
    Types,
    /// Those that JSON has: booleans, integers, floats and texts.
    JsonTypes,
    /// None but texts.
    Texts,
}

impl Keep {
    pub(super) fn keeps(self, data_type: &Type) -> bool {
        let Some(cells) = Cells::of(data_type) else { return false };
        match self {
            Self::Types => true,
            Self::JsonTypes => !cells.is_time(),
            Self::Texts => matches!(cells, Cells::Text(_)),
        }
    }
}

/// A column of a query, as Postgres has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryColumn {
    /// Its name.
    pub name: String,
    /// The name of its type, as in `pg_type`; of an array that of its elements and `[]`.
    pub data_type: String,
    /// Whether it holds numbers.
    pub is_number: bool,
}

impl QueryColumn {
    pub(super) fn new(name: &str, data_type: &Type) -> Self {
        let is_number = matches!(
            *data_type,
            Type::INT2
                | Type::INT4
                | Type::INT8
                | Type::FLOAT4
                | Type::FLOAT8
                | Type::NUMERIC
                | Type::OID
                | Type::MONEY
        );
        let data_type = match data_type.name().strip_prefix('_') {
            Some(element) => format!("{element}[]"),
            None => data_type.name().to_owned(),
        };
        Self { name: name.to_owned(), data_type, is_number }
    }
}
