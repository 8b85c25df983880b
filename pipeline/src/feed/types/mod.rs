//! The types of columns.
//!
//! [`facts`] is the only place that knows each type: its name in feed files and in SQL, the JSON it takes, its
//! column in a frame, its binary form and its words. `decode/value.rs` reads its values from records, with the
//! functions of `feed/value/`. A new type touches these two files.

mod constant;
mod facts;
mod name;
#[cfg(test)]
mod tests;
mod wire;

use polars::prelude::{DataType, TimeUnit};

use super::Limit;
pub(crate) use constant::Constant;
pub use facts::{Precision, Type};
pub use wire::Wire;

/// Bytes that an entry of a B-tree index holds for sure: a third of a page, less what comes with it.
const INDEX_BYTES: usize = 2600;

/// How the values of a type are kept in a frame. Few types need one of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// Text: also numbers with all their digits, UUIDs, JSON, and bytes as hexadecimal digits.
    Text,
    /// Integers of 8 bytes.
    Integer,
    /// Floating-point numbers of 8 bytes.
    Float,
    /// Booleans.
    Boolean,
    /// Days since 1970.
    Days,
    /// Microseconds since 1970.
    Micros,
    /// Lists.
    List,
}

impl Type {
    /// What a value of it can be in a B-tree index of so many columns, if not all fit.
    #[must_use]
    pub fn limit_in_index(&self, columns: usize) -> Option<Limit> {
        match self {
            Self::Text | Self::Varchar(_) => {
                let bytes = INDEX_BYTES / columns.max(1);
                Some(Limit::Text { characters: usize::MAX, bytes })
            }
            _ => None,
        }
    }

    /// The type of a frame's column.
    #[must_use]
    pub fn in_frame(&self) -> DataType {
        match self.storage() {
            Storage::Text => DataType::String,
            Storage::Integer => DataType::Int64,
            Storage::Float => DataType::Float64,
            Storage::Boolean => DataType::Boolean,
            Storage::Days => DataType::Date,
            Storage::Micros => DataType::Datetime(TimeUnit::Microseconds, None),
            Storage::List => DataType::List(Box::new(self.element().in_frame())),
        }
    }

    /// The type of a column of a table, by the name of its type in `pg_type` and its `atttypmod`, if
    /// that column can hold values of this type, or some of them: those within its limit.
    #[must_use]
    pub fn in_column(&self, catalog_name: &str, modifier: i32) -> Option<Self> {
        if let Self::Array(element) = self {
            let found = element.in_column(catalog_name.strip_prefix('_')?, modifier)?;
            return (catalog_name != "_citext").then(|| Self::Array(Box::new(found)));
        }
        let mut all = Self::ALL.into_iter();
        let found = all.find(|it| it.facts().catalog.contains(&catalog_name))?;
        if !self.is_alike(&found) {
            return None;
        }
        // A modifier counts the four bytes of a length too.
        let modifier = u32::try_from(modifier - 4).ok();
        Some(match found {
            Self::Varchar(_) => Self::Varchar(modifier),
            Self::Numeric(_) => Self::Numeric(modifier.map(|modifier| Precision {
                digits: (modifier >> 16) as u16,
                scale: (modifier & 0x7FF) as u16,
            })),
            // The binary form of json is its text.
            Self::Jsonb if catalog_name == "json" => Self::Text,
            found => found,
        })
    }

    /// Whether a column of the other type can hold values of this one, or some of them, as they are.
    fn is_alike(&self, other: &Self) -> bool {
        let is_text = |it: &Self| matches!(it, Self::Text | Self::Varchar(_));
        let is_integer = |it: &Self| it.storage() == Storage::Integer;
        is_text(self) && is_text(other)
            || is_integer(self) && is_integer(other)
            || matches!((self, other), (Self::Numeric(_), Self::Numeric(_)))
            || matches!((self, other), (Self::Real, Self::Double))
            || self == other
    }

    /// How a frame keeps its values.
    #[must_use]
    pub fn storage(&self) -> Storage {
        self.facts().storage
    }

    /// The type of the elements of an array; a type that is none is its own.
    #[must_use]
    pub const fn element(&self) -> &Self {
        match self {
            Self::Array(element) => element,
            other => other,
        }
    }

    /// Whether a JSON value of this kind may be one of it: `string`, `integer`, `float`, `boolean`,
    /// `array` or `object`.
    #[must_use]
    pub fn takes(&self, json_kind: &str) -> bool {
        self.facts().json.contains(&json_kind)
    }

    /// What it takes, in words with an article.
    #[must_use]
    pub fn expected(&self) -> &'static str {
        self.facts().expected
    }

    /// A JSON value that it takes.
    pub(crate) fn example(&self) -> &'static str {
        self.facts().example
    }
}
