//! Names of tables as people write them, and the schemas that are not anybody's data.
//!
//! One rule for all places that take a table's name:
//!
//! - A name is a table, or a schema, a dot and a table: `orders`, `shop.orders`.
//! - Names are taken as they are written. They are not made lower case.
//! - A name that holds a dot, or begins with a quote, stands in double quotes, in which a quote is
//!   written twice: `"a.b".t` is the table `t` of the schema `a.b`, and `a."b.t"` is the table `b.t` of
//!   the schema `a`.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use crate::error::{Error, Result};

/// Longest text that is taken for a name: two names of 63 bytes, quoted.
const MAX_BYTES: usize = 512;

/// Our own schemas: the ledger with the catalog, and the queue.
const OWN_SCHEMAS: [&str; 2] = ["stevedore", "stevedore_queue"];

/// A table's name, with its schema or without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    /// The schema, if it is named.
    pub schema: Option<String>,
    /// The table.
    pub table: String,
}

/// A text is no table's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a table or schema.table, with names that hold dots in double quotes: {0}")]
pub struct NameError(&'static str);

impl FromStr for TableName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.len() > MAX_BYTES {
            return Err(NameError("the name is longer than 512 bytes"));
        }
        let (first, rest) = identifier(text)?;
        let Some(rest) = rest else {
            return Ok(Self { schema: None, table: first });
        };
        match identifier(rest)? {
            (table, None) => Ok(Self { schema: Some(first), table }),
            _ => Err(NameError("there is more than one dot")),
        }
    }
}

impl Display for TableName {
    /// Writes the name so that it is read as the same one again.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{}.", written(schema))?;
        }
        f.write_str(&written(&self.table))
    }
}

/// The name that a text begins with, and what follows the dot behind it.
fn identifier(text: &str) -> Result<(String, Option<&str>), NameError> {
    let (name, rest) = match text.strip_prefix('"') {
        Some(quoted) => unquoted(quoted)?,
        None => {
            let end = text.find('.').unwrap_or(text.len());
            let (name, rest) = text.split_at(end);
            (name.to_owned(), rest)
        }
    };
    if name.is_empty() {
        return Err(NameError("a name is empty"));
    }
    if name.contains('\0') {
        return Err(NameError("a name holds U+0000"));
    }
    match rest.strip_prefix('.') {
        Some(rest) => Ok((name, Some(rest))),
        None if rest.is_empty() => Ok((name, None)),
        None => Err(NameError("something other than a dot follows a quoted name")),
    }
}

/// The name in quotes whose first quote is gone already, and what follows the last one.
fn unquoted(text: &str) -> Result<(String, &str), NameError> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let Some((part, behind)) = rest.split_once('"') else {
            return Err(NameError("a quote is not closed"));
        };
        name.push_str(part);
        match behind.strip_prefix('"') {
            Some(more) => {
                name.push('"');
                rest = more;
            }
            None => return Ok((name, behind)),
        }
    }
}

/// A name as [`TableName`] reads it, in quotes only where it needs them.
fn written(name: &str) -> String {
    if name.is_empty() || name.contains('.') || name.starts_with('"') {
        return format!("\"{}\"", name.replace('"', "\"\""));
    }
    name.to_owned()
}

/// Whether a schema belongs to PostgreSQL itself, which keeps all names that begin with `pg_`.
fn is_of_the_system(schema: &str) -> bool {
    schema.starts_with("pg_") || schema == "information_schema"
}

/// Refuses the schemas of PostgreSQL and our own: their tables hold roles, passwords' hashes and
/// statistics of everybody's data, or the state of this system.
///
/// # Errors
/// [`Error::Schema`].
pub fn check_schema(schema: &str) -> Result<()> {
    let whose = match schema {
        _ if is_of_the_system(schema) => "PostgreSQL itself",
        _ if OWN_SCHEMAS.contains(&schema) => "stevedore itself",
        _ => return Ok(()),
    };
    Err(Error::Schema { schema: schema.to_owned(), whose })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(schema: Option<&str>, table: &str) -> TableName {
        TableName { schema: schema.map(str::to_owned), table: table.to_owned() }
    }

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for (text, expected) in [
            ("orders", name(None, "orders")),
            ("shop.orders", name(Some("shop"), "orders")),
            ("Shop.Orders", name(Some("Shop"), "Orders")),
            (r#""a.b".t"#, name(Some("a.b"), "t")),
            (r#"a."b.t""#, name(Some("a"), "b.t")),
            (r#"a"b.c d"#, name(Some("a\"b"), "c d")),
            (r#""""a.b".t"#, name(Some("\"a.b"), "t")),
        ] {
            assert_eq!(text.parse::<TableName>().unwrap(), expected, "{text}");
            assert_eq!(expected.to_string(), text);
        }
        assert_eq!(r#""a"."b""#.parse::<TableName>().unwrap(), name(Some("a"), "b"));
        assert_eq!(r#""a""b""#.parse::<TableName>().unwrap(), name(None, "a\"b"));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "a".repeat(513);
        for text in ["", ".", "a.", ".a", "a.b.c", "\"", "\"a", "\"a\"b", "\"\"", "a\0", &long] {
            assert!(text.parse::<TableName>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn schemas_of_the_system_and_our_own_are_refused() {
        for schema in [
            "pg_catalog",
            "pg_toast",
            "pg_temp_3",
            "pg_toast_temp_1",
            "information_schema",
            "stevedore",
            "stevedore_queue",
        ] {
            assert!(check_schema(schema).is_err(), "{schema}");
        }
        for schema in ["public", "shop", "PG_CATALOG", "stevedore_mine", "pgx", ""] {
            assert!(check_schema(schema).is_ok(), "{schema}");
        }
    }
}
