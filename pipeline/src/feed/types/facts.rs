//! All that is known of each type.

use serde_json::Value;
use tokio_postgres::types::Type as Known;

use super::constant::{self, Constant};
use super::wire::{DAYS_TO_2000, MICROS_TO_2000};
use super::{Storage, Wire};
use crate::feed::{Limit, Reading};

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

/// All that is known of a type.
pub(super) struct Facts {
    /// The name in feed files and in SQL, without a length.
    pub(super) name: &'static str,
    /// The types of PostgreSQL's catalog that have this binary form.
    pub(super) catalog: &'static [&'static str],
    /// The kinds of JSON values that it takes.
    pub(super) json: &'static [&'static str],
    /// What these are called, with an article.
    pub(super) expected: &'static str,
    pub(super) storage: Storage,
    /// What a value looks like in JSON.
    pub(super) example: &'static str,
    pub(super) wire: Wire,
    /// What PostgreSQL's catalog knows of it.
    pub(super) known: Known,
    /// The value that JSON stands for, if it can.
    pub(super) constant: fn(&Value, Reading) -> Option<Constant>,
}

impl Type {
    /// The types but arrays, each without its length.
    pub(super) const ALL: [Self; 15] = [
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

    /// All that is known of it.
    pub(super) fn facts(&self) -> Facts {
        const SCALARS: &[&str] = &["string", "integer", "float", "boolean"];
        const NUMBERS: &[&str] = &["integer", "float"];
        pub(super) const ALL: &[&str] =
            &["string", "integer", "float", "boolean", "array", "object"];
        match self {
            Self::Text => Facts {
                name: "text",
                catalog: &["text", "citext"],
                json: SCALARS,
                expected: "a string",
                storage: Storage::Text,
                example: "\"a\"",
                wire: Wire::Text,
                known: Known::TEXT,
                constant: constant::text,
            },
            Self::Varchar(_) => Facts {
                name: "varchar",
                catalog: &["varchar"],
                known: Known::VARCHAR,
                ..Self::Text.facts()
            },
            Self::SmallInt => Facts {
                name: "smallint",
                catalog: &["int2"],
                wire: Wire::Integer { bytes: 2, zero: 0 },
                known: Known::INT2,
                ..Self::BigInt.facts()
            },
            Self::Integer => Facts {
                name: "integer",
                catalog: &["int4"],
                wire: Wire::Integer { bytes: 4, zero: 0 },
                known: Known::INT4,
                ..Self::BigInt.facts()
            },
            Self::BigInt => Facts {
                name: "bigint",
                catalog: &["int8"],
                json: &["integer"],
                expected: "an integer",
                storage: Storage::Integer,
                example: "1",
                wire: Wire::Integer { bytes: 8, zero: 0 },
                known: Known::INT8,
                constant: constant::integer,
            },
            Self::Numeric(_) => Facts {
                name: "numeric",
                catalog: &["numeric"],
                json: NUMBERS,
                expected: "a number",
                storage: Storage::Text,
                example: "1.5",
                wire: Wire::Numeric,
                known: Known::NUMERIC,
                constant: constant::numeric,
            },
            Self::Real => Facts {
                name: "real",
                catalog: &["float4"],
                wire: Wire::Real,
                known: Known::FLOAT4,
                ..Self::Double.facts()
            },
            Self::Double => Facts {
                name: "double precision",
                catalog: &["float8"],
                json: NUMBERS,
                expected: "a number",
                storage: Storage::Float,
                example: "1.5",
                wire: Wire::Double,
                known: Known::FLOAT8,
                constant: constant::float,
            },
            Self::Boolean => Facts {
                name: "boolean",
                catalog: &["bool"],
                json: &["boolean"],
                expected: "a boolean",
                storage: Storage::Boolean,
                example: "true",
                wire: Wire::Boolean,
                known: Known::BOOL,
                constant: constant::boolean,
            },
            Self::Date => Facts {
                name: "date",
                catalog: &["date"],
                json: &["string"],
                expected: "a date, YYYY-MM-DD",
                storage: Storage::Days,
                example: "\"2024-02-29\"",
                wire: Wire::Integer { bytes: 4, zero: DAYS_TO_2000 },
                known: Known::DATE,
                constant: constant::date,
            },
            Self::Timestamp => Facts {
                name: "timestamp",
                catalog: &["timestamp"],
                json: &["string", "integer"],
                expected: "a date and time without an offset (2024-02-29T12:30:00)",
                storage: Storage::Micros,
                example: "\"2024-02-29T12:30:00\"",
                wire: Wire::Integer { bytes: 8, zero: MICROS_TO_2000 },
                known: Known::TIMESTAMP,
                constant: constant::timestamp,
            },
            Self::Timestamptz => Facts {
                name: "timestamptz",
                catalog: &["timestamptz"],
                json: &["string", "integer"],
                expected: "a date and time with an offset (2024-02-29T12:30:00Z)",
                storage: Storage::Micros,
                example: "\"2024-02-29T12:30:00Z\"",
                wire: Wire::Integer { bytes: 8, zero: MICROS_TO_2000 },
                known: Known::TIMESTAMPTZ,
                constant: constant::timestamp,
            },
            Self::Uuid => Facts {
                name: "uuid",
                catalog: &["uuid"],
                json: &["string"],
                expected: "a UUID of 36 characters",
                storage: Storage::Text,
                example: "\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\"",
                wire: Wire::Uuid,
                known: Known::UUID,
                constant: constant::uuid,
            },
            Self::Bytea => Facts {
                name: "bytea",
                catalog: &["bytea"],
                json: &["string"],
                expected: "encoded bytes",
                storage: Storage::Text,
                example: "\"\"",
                wire: Wire::Hex,
                known: Known::BYTEA,
                constant: constant::bytes,
            },
            Self::Jsonb => Facts {
                name: "jsonb",
                catalog: &["jsonb", "json"],
                json: ALL,
                expected: "a value that jsonb takes",
                storage: Storage::Text,
                example: "{}",
                wire: Wire::Jsonb,
                known: Known::JSONB,
                constant: constant::json,
            },
            // What it is an array of says the rest.
            Self::Array(element) => Facts {
                name: "",
                catalog: &[],
                json: &["array"],
                expected: "an array",
                storage: Storage::List,
                example: "[]",
                ..element.facts()
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
}
