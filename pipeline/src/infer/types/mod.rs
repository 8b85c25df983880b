//! The types of columns, as Hive, Glue and Spark write them.

mod parse;
#[cfg(test)]
mod tests;

use std::fmt::{self, Display, Formatter, Write};

use serde::{Deserialize, Serialize};

pub use parse::TypeError;

/// A type of a column. Whether a value may be missing or null is not part of it.
///
/// It is written and read ([`Display`], [`std::str::FromStr`]) as Hive does, and so in JSON:
///
/// ```
/// use pipeline::infer::types::DataType;
///
/// let logs: DataType = "array<struct<on:string,code:int>>".parse()?;
/// assert_eq!(logs.to_string(), "array<struct<on:string,code:int>>");
/// # Ok::<(), pipeline::infer::types::TypeError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum DataType {
    /// `void`: nothing but nulls was seen.
    #[default]
    Void,
    /// `boolean`.
    Boolean,
    /// `int`: integers of 32 bits.
    Int,
    /// `bigint`: integers of 64 bits.
    Bigint,
    /// `decimal(38,0)`: integers of up to 38 digits.
    Decimal,
    /// `double`: numbers with a fraction or an exponent, or of more digits than that.
    Double,
    /// `string`.
    String,
    /// `date`; in objects dates are strings.
    Date,
    /// `timestamp`; in objects timestamps are strings.
    Timestamp,
    /// `array<T>`.
    Array(Box<Self>),
    /// `struct<name:T,…>`: an object with known fields, in order.
    Struct(Vec<(String, Self)>),
    /// `map<string,T>`: an object with so many fields that they are values of a kind.
    Map(Box<Self>),
    /// `json`: a value that is nested too deep to be told.
    Json,
    /// `choice<T,…>`: values of types that no other type holds.
    Choice(Vec<Self>),
}

impl DataType {
    /// Whether a value is an array or an object, or may be one.
    #[must_use]
    pub const fn is_nested(&self) -> bool {
        matches!(
            self,
            Self::Array(_) | Self::Struct(_) | Self::Map(_) | Self::Json | Self::Choice(_)
        )
    }
}

impl Display for DataType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Void => f.write_str("void"),
            Self::Boolean => f.write_str("boolean"),
            Self::Int => f.write_str("int"),
            Self::Bigint => f.write_str("bigint"),
            Self::Decimal => f.write_str("decimal(38,0)"),
            Self::Double => f.write_str("double"),
            Self::String => f.write_str("string"),
            Self::Date => f.write_str("date"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Json => f.write_str("json"),
            Self::Array(element) => write!(f, "array<{element}>"),
            Self::Map(value) => write!(f, "map<string,{value}>"),
            Self::Struct(fields) => {
                f.write_str("struct<")?;
                write_list(f, fields, |f, (name, data_type)| {
                    write_name(f, name)?;
                    write!(f, ":{data_type}")
                })
            }
            Self::Choice(types) => {
                f.write_str("choice<")?;
                write_list(f, types, |f, data_type| write!(f, "{data_type}"))
            }
        }
    }
}

/// Writes what stands between `<` and `>`, and the latter.
fn write_list<T>(
    f: &mut Formatter<'_>,
    items: &[T],
    write: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            f.write_char(',')?;
        }
        write(f, item)?;
    }
    f.write_char('>')
}

/// Writes a name as it is if it is plain, else within backticks, which are doubled in it.
fn write_name(f: &mut Formatter<'_>, name: &str) -> fmt::Result {
    let is_plain = |name: &str| {
        !name.starts_with(|first: char| first.is_ascii_digit())
            && !name.is_empty()
            && name.bytes().all(is_plain)
    };
    if is_plain(name) { f.write_str(name) } else { write!(f, "`{}`", name.replace('`', "``")) }
}

/// Whether a byte may stand in a name without backticks.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

impl From<DataType> for String {
    fn from(data_type: DataType) -> Self {
        data_type.to_string()
    }
}

impl TryFrom<String> for DataType {
    type Error = TypeError;

    fn try_from(text: String) -> Result<Self, TypeError> {
        text.parse()
    }
}
