//! The names of types, as feed files and SQL write them.

use std::fmt;
use std::str::FromStr;

use super::{Precision, Type};

/// Characters that `varchar(n)` can be declared for.
const MAX_LENGTH: u32 = 10_485_760;
/// Digits that `numeric(p,s)` can be declared for.
const MAX_DIGITS: u16 = 1000;

impl Type {
    /// The types, as an error lists them.
    pub const NAMES: &str = "text, varchar, varchar(n), smallint, integer, bigint, numeric, \
        numeric(p,s), real, double precision, boolean, date, timestamp, timestamptz, uuid, bytea, jsonb, \
        or one of these with [] behind it";
}

impl FromStr for Type {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if let Some(element) = name.strip_suffix("[]") {
            return match element.parse()? {
                Self::Array(_) => Err(format!("`{name}`: an array of arrays is read as jsonb")),
                element => Ok(Self::Array(Box::new(element))),
            };
        }
        let (base, parameters) = match name.split_once('(') {
            Some((base, rest)) => (base, rest.strip_suffix(')')),
            None => (name, None),
        };
        let found = Self::ALL.into_iter().find(|it| it.facts().name == base);
        let found = match (found, parameters) {
            (Some(found), None) if base == name => Some(found),
            (Some(Self::Varchar(_)), Some(length)) => varchar(length),
            (Some(Self::Numeric(_)), Some(digits)) => numeric(digits),
            _ => None,
        };
        found.ok_or_else(|| format!("`{name}` is no type: expected {}", Self::NAMES))
    }
}

fn varchar(length: &str) -> Option<Type> {
    let length = length.trim().parse().ok()?;
    (1..=MAX_LENGTH).contains(&length).then_some(Type::Varchar(Some(length)))
}

fn numeric(digits: &str) -> Option<Type> {
    let (digits, scale) = digits.split_once(',').unwrap_or((digits, "0"));
    let (digits, scale) = (digits.trim().parse().ok()?, scale.trim().parse().ok()?);
    let is_precision = (1..=MAX_DIGITS).contains(&digits) && scale <= digits;
    is_precision.then_some(Type::Numeric(Some(Precision { digits, scale })))
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.facts().name)?;
        match self {
            Self::Varchar(Some(length)) => write!(f, "({length})"),
            Self::Numeric(Some(Precision { digits, scale })) => write!(f, "({digits},{scale})"),
            Self::Array(element) => write!(f, "{element}[]"),
            _ => Ok(()),
        }
    }
}
