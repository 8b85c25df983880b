//! The binary form of values, as COPY takes it.

use super::Type;

/// Microseconds from 1970, where ours are counted from, to 2000, where PostgreSQL's are.
const MICROS_TO_2000: i64 = 946_684_800_000_000;
/// The same in days.
const DAYS_TO_2000: i64 = 10_957;

/// The binary form of a value, as COPY takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// A floating-point number of 4 bytes.
    Real,
    /// A floating-point number of 8 bytes.
    Double,
    /// The digits of a number, four of them in two bytes.
    Numeric,
    /// The 16 bytes that 32 hexadecimal digits between hyphens stand for.
    Uuid,
    /// The bytes that hexadecimal digits stand for.
    Hex,
    /// A version and a text.
    Jsonb,
    /// A number of elements.
    Array {
        /// What PostgreSQL's catalog numbers the type of the elements.
        oid: u32,
        /// The form of the elements.
        element: Box<Self>,
    },
}

impl Type {
    /// Its binary form.
    #[must_use]
    pub fn wire(&self) -> Wire {
        match self {
            Self::Text | Self::Varchar(_) => Wire::Text,
            Self::SmallInt => Wire::Integer { bytes: 2, zero: 0 },
            Self::Integer => Wire::Integer { bytes: 4, zero: 0 },
            Self::BigInt => Wire::Integer { bytes: 8, zero: 0 },
            Self::Date => Wire::Integer { bytes: 4, zero: DAYS_TO_2000 },
            Self::Timestamp | Self::Timestamptz => Wire::Integer { bytes: 8, zero: MICROS_TO_2000 },
            Self::Numeric(_) => Wire::Numeric,
            Self::Real => Wire::Real,
            Self::Double => Wire::Double,
            Self::Boolean => Wire::Boolean,
            Self::Uuid => Wire::Uuid,
            Self::Bytea => Wire::Hex,
            Self::Jsonb => Wire::Jsonb,
            Self::Array(element) => {
                Wire::Array { oid: element.oid(), element: Box::new(element.wire()) }
            }
        }
    }

    /// What PostgreSQL's catalog numbers it, the same in every database.
    fn oid(&self) -> u32 {
        use tokio_postgres::types::Type as Known;
        let known = match self {
            Self::Text => Known::TEXT,
            Self::Varchar(_) => Known::VARCHAR,
            Self::SmallInt => Known::INT2,
            Self::Integer => Known::INT4,
            Self::BigInt => Known::INT8,
            Self::Numeric(_) => Known::NUMERIC,
            Self::Real => Known::FLOAT4,
            Self::Double => Known::FLOAT8,
            Self::Boolean => Known::BOOL,
            Self::Date => Known::DATE,
            Self::Timestamp => Known::TIMESTAMP,
            Self::Timestamptz => Known::TIMESTAMPTZ,
            Self::Uuid => Known::UUID,
            Self::Bytea => Known::BYTEA,
            Self::Jsonb => Known::JSONB,
            Self::Array(element) => return element.oid(),
        };
        known.oid()
    }
}
