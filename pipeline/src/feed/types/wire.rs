//! The binary form of values, as COPY takes it.

use super::Type;

/// Microseconds from 1970, where ours are counted from, to 2000, where PostgreSQL's are.
pub(super) const MICROS_TO_2000: i64 = 946_684_800_000_000;
/// The same in days.
pub(super) const DAYS_TO_2000: i64 = 10_957;

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
            Self::Array(element) => {
                Wire::Array { oid: element.facts().known.oid(), element: Box::new(element.wire()) }
            }
            other => other.facts().wire,
        }
    }
}
