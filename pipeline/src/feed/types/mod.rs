//! The types of columns.
//!
//! [`Type`] is the only place that knows a type's name in feed files and in SQL, the JSON it takes, its
//! column in a frame, its binary form and its words. `decode/value.rs` reads its values from JSON with the
//! functions of `feed/value/`.

mod name;
#[cfg(test)]
mod tests;
mod wire;

use polars::prelude::{DataType, TimeUnit};

use super::Limit;
pub use wire::Wire;

/// Bytes that an entry of a B-tree index holds for sure: a third of a page, less what comes with it.
const INDEX_BYTES: usize = 2600;

/// The type of a column.
///
/// It is displayed as a feed file and SQL write it.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// A number of so many digits, if there is a precision. Every digit is kept.
    Numeric(Option<Precision>),
    /// A number of 4 bytes with about 6 digits.
    Real,
    /// A number of 8 bytes with about 15 digits.
    Double,
    /// True or false.
    Boolean,
    /// A day.
    Date,
    /// A date and time without a time zone, to the microsecond. Those that we fill in are UTC.
    Timestamp,
    /// An instant, to the microsecond.
    Timestamptz,
    /// A UUID.
    Uuid,
    /// Bytes.
    Bytea,
    /// Any JSON value.
    Jsonb,
    /// An array of values and nulls.
    Array(Box<Self>),
}

/// The digits of `numeric(p,s)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Precision {
    /// All digits.
    pub digits: u16,
    /// Those behind the decimal point.
    pub scale: u16,
}

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
    /// What a value looks like in JSON.
    example: &'static str,
}

impl Type {
    /// The types but arrays, each without its length.
    const ALL: [Self; 15] = [
        Self::Text,
        Self::Varchar(None),
        Self::SmallInt,
        Self::Integer,
        Self::BigInt,
        Self::Numeric(None),
        Self::Real,
        Self::Double,
        Self::Boolean,
        Self::Date,
        Self::Timestamp,
        Self::Timestamptz,
        Self::Uuid,
        Self::Bytea,
        Self::Jsonb,
    ];

    const fn facts(&self) -> Facts {
        const SCALARS: &[&str] = &["string", "integer", "float", "boolean"];
        const NUMBERS: &[&str] = &["integer", "float"];
        const ALL: &[&str] = &["string", "integer", "float", "boolean", "array", "object"];
        match self {
            Self::Text => Facts {
                name: "text",
                catalog: &["text", "citext"],
                json: SCALARS,
                expected: "a string",
                storage: Storage::Text,
                example: "\"a\"",
            },
            Self::Varchar(_) => {
                Facts { name: "varchar", catalog: &["varchar"], ..Self::Text.facts() }
            }
            Self::SmallInt => {
                Facts { name: "smallint", catalog: &["int2"], ..Self::BigInt.facts() }
            }
            Self::Integer => Facts { name: "integer", catalog: &["int4"], ..Self::BigInt.facts() },
            Self::BigInt => Facts {
                name: "bigint",
                catalog: &["int8"],
                json: &["integer"],
                expected: "an integer",
                storage: Storage::Integer,
                example: "1",
            },
            Self::Numeric(_) => Facts {
                name: "numeric",
                catalog: &["numeric"],
                json: NUMBERS,
                expected: "a number",
                storage: Storage::Text,
                example: "1.5",
            },
            Self::Real => Facts { name: "real", catalog: &["float4"], ..Self::Double.facts() },
            Self::Double => Facts {
                name: "double precision",
                catalog: &["float8"],
                json: NUMBERS,
                expected: "a number",
                storage: Storage::Float,
                example: "1.5",
            },
            Self::Boolean => Facts {
                name: "boolean",
                catalog: &["bool"],
                json: &["boolean"],
                expected: "a boolean",
                storage: Storage::Boolean,
                example: "true",
            },
            Self::Date => Facts {
                name: "date",
                catalog: &["date"],
                json: &["string"],
                expected: "a date, YYYY-MM-DD",
                storage: Storage::Days,
                example: "\"2024-02-29\"",
            },
            Self::Timestamp => Facts {
                name: "timestamp",
                catalog: &["timestamp"],
                json: &["string", "integer"],
                expected: "a date and time without an offset (2024-02-29T12:30:00)",
                storage: Storage::Micros,
                example: "\"2024-02-29T12:30:00\"",
            },
            Self::Timestamptz => Facts {
                name: "timestamptz",
                catalog: &["timestamptz"],
                json: &["string", "integer"],
                expected: "a date and time with an offset (2024-02-29T12:30:00Z)",
                storage: Storage::Micros,
                example: "\"2024-02-29T12:30:00Z\"",
            },
            Self::Uuid => Facts {
                name: "uuid",
                catalog: &["uuid"],
                json: &["string"],
                expected: "a UUID of 36 characters",
                storage: Storage::Text,
                example: "\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\"",
            },
            Self::Bytea => Facts {
                name: "bytea",
                catalog: &["bytea"],
                json: &["string"],
                expected: "encoded bytes",
                storage: Storage::Text,
                example: "\"\"",
            },
            Self::Jsonb => Facts {
                name: "jsonb",
                catalog: &["jsonb", "json"],
                json: ALL,
                expected: "a value that jsonb takes",
                storage: Storage::Text,
                example: "{}",
            },
            Self::Array(_) => Facts {
                name: "",
                catalog: &[],
                json: &["array"],
                expected: "an array",
                storage: Storage::List,
                example: "[]",
            },
        }
    }

    /// What a value of it can be; for an array, what its elements can be.
    #[must_use]
    pub const fn limit(&self) -> Limit {
        match self {
            Self::Varchar(Some(characters)) => {
                Limit::Text { characters: *characters as usize, bytes: usize::MAX }
            }
            Self::SmallInt => Limit::Range(i16::MIN as i64, i16::MAX as i64),
            Self::Integer => Limit::Range(i32::MIN as i64, i32::MAX as i64),
            Self::Numeric(Some(Precision { digits, scale })) => Limit::Digits {
                integer: digits.saturating_sub(*scale) as u32,
                scale: *scale as u32,
            },
            Self::Numeric(None) => Limit::Digits { integer: 131_072, scale: 16_383 },
            Self::Array(element) => element.limit(),
            _ => Limit::None,
        }
    }

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
    pub const fn storage(&self) -> Storage {
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
    pub const fn expected(&self) -> &'static str {
        self.facts().expected
    }

    /// A JSON value that it takes.
    pub(crate) const fn example(&self) -> &'static str {
        self.facts().example
    }
}
