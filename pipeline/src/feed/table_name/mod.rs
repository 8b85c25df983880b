//! Names of tables as people write them.
//!
//! One rule for all places that take a table's name, feed files included:
//!
//! - A name is a table, or a schema, a dot and a table: `orders`, `shop.orders`.
//! - Names are taken as they are written. They are not made lower case.
//! - A name that holds a dot, or begins with a quote, stands in double quotes, in which a quote is
//!   written twice: `"a.b".t` is the table `t` of the schema `a.b`, and `a."b.t"` is the table `b.t` of
//!   the schema `a`.

use std::fmt;
use std::str::FromStr;

use super::Ident;
use super::ident::NameError;

/// The name of a table, with or without its schema.
///
/// Like an [`Ident`], it is displayed as SQL takes it.
///
/// ```
/// use pipeline::feed::TableName;
///
/// let name: TableName = "shop.Orders".parse().unwrap();
/// assert_eq!((name.to_string(), name.plain()), (r#"shop."Orders""#.into(), "shop.Orders".into()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// The schema, if it is named.
    pub schema: Option<Ident>,
    /// The table.
    pub table: Ident,
}

impl TableName {
    /// The same name with a suffix, in the same schema.
    ///
    /// # Errors
    /// When it is too long.
    pub fn with_suffix(&self, suffix: &str) -> Result<Self, NameError> {
        let table = format!("{}{suffix}", self.table.as_str()).parse()?;
        Ok(Self { schema: self.schema.clone(), table })
    }

    /// The name as a feed file has it, for people and for the ledger: it is read as the same one again.
    #[must_use]
    pub fn plain(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", plain(schema), plain(&self.table)),
            None => plain(&self.table),
        }
    }
}

impl FromStr for TableName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let wrong = |what| {
            let expected =
                "expected `table` or `schema.table`, with names that hold dots in double quotes";
            NameError(format!("`{text}` is no table: {expected}: {what}"))
        };
        let (first, rest) = name(text).map_err(wrong)?;
        let Some(rest) = rest else {
            return Ok(Self { schema: None, table: first.parse()? });
        };
        match name(rest).map_err(wrong)? {
            (table, None) => Ok(Self { schema: Some(first.parse()?), table: table.parse()? }),
            _ => Err(wrong("there is more than one dot")),
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.table),
            None => self.table.fmt(f),
        }
    }
}

/// A name as [`TableName`] reads it, in quotes only where it needs them.
fn plain(name: &Ident) -> String {
    let name = name.as_str();
    if name.contains('.') || name.starts_with('"') {
        return format!("\"{}\"", name.replace('"', "\"\""));
    }
    name.to_owned()
}

/// The name that a text begins with, and what follows the dot behind it.
fn name(text: &str) -> Result<(String, Option<&str>), &'static str> {
    let (name, rest) = match text.strip_prefix('"') {
        Some(quoted) => unquoted(quoted)?,
        None => {
            let end = text.find('.').unwrap_or(text.len());
            (text[..end].to_owned(), &text[end..])
        }
    };
    match rest.strip_prefix('.') {
        Some(rest) => Ok((name, Some(rest))),
        None if rest.is_empty() => Ok((name, None)),
        None => Err("something other than a dot follows a quoted name"),
    }
}

/// The name in quotes whose first quote is gone already, and what follows the last one.
fn unquoted(text: &str) -> Result<(String, &str), &'static str> {
    let (mut name, mut rest) = (String::new(), text);
    loop {
        let (part, behind) = rest.split_once('"').ok_or("a quote is not closed")?;
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

#[cfg(test)]
mod tests;
