//! The types of columns.
//!
//! [`Type`] is the only place that knows a type's name in feed files and in SQL, the JSON it takes, its
//! column in a frame, its binary form and its words. Its values are read from JSON in
//! `decode/value.rs`. A new type touches these two files.

use std::fmt;
use std::str::FromStr;

use polars::prelude::{DataType, TimeUnit};

use super::Limit;

/// Bytes that an entry of a B-tree index holds for sure: a third of a page, less what comes with it.
const INDEX_BYTES: usize = 2600;
/// Microseconds from 1970, where ours are counted from, to 2000, where PostgreSQL's are.
const MICROS_TO_2000: i64 = 946_684_800_000_000;

/// The type of a column.
///
/// It is displayed as a feed file and SQL write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Any text.
    Text,
    /// Text of at most so many characters, if there is a number.
    Varchar(Option<u32>),
    /// An integer of 2 bytes.
    SmallInt,
    /// An integer of 4 bytes.
    Integer,
    /// An integer of 8 bytes.
    BigInt,
    /// True or false.
    Boolean,
    /// An instant in UTC, to the microsecond.
    Timestamp,
}

/// How the values of a type are kept in a frame. Few types need one of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// Text.
    Text,
    /// Integers of 8 bytes.
    Integer,
    /// Booleans.
    Boolean,
}

/// The binary form of a value, as COPY takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// The bytes of a text.
    Text,
    /// One byte.
    Boolean,
    /// The last so many bytes of an integer, counted from here.
    Integer {
        /// 2, 4 or 8.
        bytes: u8,
        /// What is zero there.
        zero: i64,
    },
}

/// All that is known of a type.
struct Facts {
    /// The name in feed files and in SQL, without a length.
    name: &'static str,
    /// The types of PostgreSQL's catalog that have this binary form.
    catalog: &'static [&'static str],
    /// The kinds of JSON values that it takes.
    json: &'static [&'static str],
    /// What these are called, with an article.
    expected: &'static str,
    storage: Storage,
    wire: Wire,
}

impl Type {
    /// The types, as an error lists them.
    pub const NAMES: &str =
        "text, varchar, varchar(n), smallint, integer, bigint, boolean or timestamp";

    const ALL: [Self; 7] = [
        Self::Text,
        Self::Varchar(None),
        Self::SmallInt,
        Self::Integer,
        Self::BigInt,
        Self::Boolean,
        Self::Timestamp,
    ];

    const fn facts(self) -> Facts {
        const SCALARS: &[&str] = &["string", "integer", "float", "boolean"];
        match self {
            Self::Text => Facts {
                name: "text",
                catalog: &["text"],
                json: SCALARS,
                expected: "a string",
                storage: Storage::Text,
                wire: Wire::Text,
            },
            Self::Varchar(_) => {
                Facts { name: "varchar", catalog: &["varchar"], ..Self::Text.facts() }
            }
            Self::SmallInt => Facts {
                name: "smallint",
                catalog: &["int2"],
                wire: Wire::Integer { bytes: 2, zero: 0 },
                ..Self::BigInt.facts()
            },
            Self::Integer => Facts {
                name: "integer",
                catalog: &["int4"],
                wire: Wire::Integer { bytes: 4, zero: 0 },
                ..Self::BigInt.facts()
            },
            Self::BigInt => Facts {
                name: "bigint",
                catalog: &["int8"],
                json: &["integer"],
                expected: "an integer",
                storage: Storage::Integer,
                wire: Wire::Integer { bytes: 8, zero: 0 },
            },
            Self::Boolean => Facts {
                name: "boolean",
                catalog: &["bool"],
                json: &["boolean"],
                expected: "a boolean",
                storage: Storage::Boolean,
                wire: Wire::Boolean,
            },
            // Only we fill columns of this type.
            Self::Timestamp => Facts {
                name: "timestamp",
                catalog: &["timestamp", "timestamptz"],
                json: &[],
                expected: "a timestamp",
                storage: Storage::Integer,
                wire: Wire::Integer { bytes: 8, zero: MICROS_TO_2000 },
            },
        }
    }

    /// What a value of it can be.
    #[must_use]
    pub const fn limit(self) -> Limit {
        match self {
            Self::Varchar(Some(characters)) => {
                Limit::Text { characters: characters as usize, bytes: usize::MAX }
            }
            Self::SmallInt => Limit::Range(i16::MIN as i64, i16::MAX as i64),
            Self::Integer => Limit::Range(i32::MIN as i64, i32::MAX as i64),
            Self::Text | Self::Varchar(None) | Self::BigInt | Self::Boolean | Self::Timestamp => {
                Limit::None
            }
        }
    }

    /// What a value of it can be in a B-tree index of so many columns, if not all fit.
    #[must_use]
    pub const fn limit_in_index(self, columns: usize) -> Option<Limit> {
        match self.storage() {
            Storage::Text => {
                let bytes = INDEX_BYTES / if columns == 0 { 1 } else { columns };
                Some(Limit::Text { characters: usize::MAX, bytes })
            }
            Storage::Integer | Storage::Boolean => None,
        }
    }

    /// The type of a frame's column.
    #[must_use]
    pub fn in_frame(self) -> DataType {
        match (self, self.storage()) {
            (Self::Timestamp, _) => DataType::Datetime(TimeUnit::Microseconds, None),
            (_, Storage::Text) => DataType::String,
            (_, Storage::Integer) => DataType::Int64,
            (_, Storage::Boolean) => DataType::Boolean,
        }
    }

    /// The type of a column of a table, by the name of its type in `pg_type` and its `atttypmod`, if
    /// that column can hold values of this type, or some of them: those within its limit.
    #[must_use]
    pub fn in_column(self, catalog_name: &str, modifier: i32) -> Option<Self> {
        let found = Self::ALL.into_iter().find(|it| it.facts().catalog.contains(&catalog_name))?;
        let is_alike = found.storage() == self.storage()
            && (found == Self::Timestamp) == (self == Self::Timestamp);
        is_alike.then(|| match found {
            // The modifier of varchar(n) is n and the four bytes of a length.
            Self::Varchar(_) => Self::Varchar(u32::try_from(modifier - 4).ok()),
            found => found,
        })
    }

    /// How a frame keeps its values.
    #[must_use]
    pub const fn storage(self) -> Storage {
        self.facts().storage
    }

    /// Its binary form.
    #[must_use]
    pub const fn wire(self) -> Wire {
        self.facts().wire
    }

    /// Whether its values are read from JSON.
    pub(super) const fn is_read(self) -> bool {
        !self.facts().json.is_empty()
    }

    /// Whether a JSON value of this kind may be one of it: `string`, `integer`, `float`, `boolean`,
    /// `array` or `object`.
    #[must_use]
    pub fn takes(self, json_kind: &str) -> bool {
        self.facts().json.contains(&json_kind)
    }

    /// What it takes, in words with an article.
    #[must_use]
    pub const fn expected(self) -> &'static str {
        self.facts().expected
    }

    /// A JSON value that it takes; `text` is the value of texts.
    pub(crate) fn example(self, text: &str) -> String {
        match self.storage() {
            Storage::Text => format!("\"{text}\""),
            Storage::Integer => "1".to_owned(),
            Storage::Boolean => "true".to_owned(),
        }
    }
}

impl FromStr for Type {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let length = name.strip_prefix("varchar(").and_then(|rest| rest.strip_suffix(')'));
        if let Some(length) = length.and_then(|length| length.trim().parse().ok())
            && (1..=10_485_760).contains(&length)
        {
            return Ok(Self::Varchar(Some(length)));
        }
        let found = Self::ALL.into_iter().find(|it| it.facts().name == name);
        found.ok_or_else(|| format!("`{name}` is no type: expected {}", Self::NAMES))
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.facts().name)?;
        match self {
            Self::Varchar(Some(length)) => write!(f, "({length})"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_they_are_written() {
        for written in ["varchar(3)"].into_iter().chain(Type::ALL.map(|it| it.facts().name)) {
            assert_eq!(written.parse::<Type>().unwrap().to_string(), written);
        }
        for other in ["varchar(0)", "varchar(x)", "varchar()", "int4", "Text", ""] {
            assert!(other.parse::<Type>().is_err(), "{other}");
        }
        for name in Type::ALL.map(|it| it.facts().name) {
            assert!(Type::NAMES.contains(name), "{name}");
        }
    }

    #[test]
    fn a_column_takes_what_has_its_form() {
        for (column_type, modifier, expected) in [
            ("int2", -1, Some(Type::SmallInt)),
            ("int8", -1, Some(Type::BigInt)),
            ("text", -1, None),
            ("timestamp", -1, None),
        ] {
            assert_eq!(Type::BigInt.in_column(column_type, modifier), expected, "{column_type}");
        }
        assert_eq!(Type::Text.in_column("varchar", 7), Some(Type::Varchar(Some(3))));
        assert_eq!(Type::Text.in_column("varchar", -1), Some(Type::Varchar(None)));
        assert_eq!(Type::Timestamp.in_column("timestamptz", -1), Some(Type::Timestamp));
        assert_eq!(Type::Timestamp.in_column("int8", -1), None);
    }
}
