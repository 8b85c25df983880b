//! Names of tables and columns: the only way by which a name gets into SQL.

use std::fmt;
use std::str::FromStr;

/// Bytes of a name at most: PostgreSQL cuts longer ones without a word.
const MAX_BYTES: usize = 63;

/// The words that PostgreSQL does not take as a name unless they are quoted, in order: those that
/// `quote_ident` quotes.
const KEYWORDS: &str = "all analyse analyze and any array as asc asymmetric authorization between \
    bigint binary bit boolean both case cast char character check coalesce collate collation column \
    concurrently constraint create cross current_catalog current_date current_role current_schema \
    current_time current_timestamp current_user dec decimal default deferrable desc distinct do else \
    end except exists extract false fetch float for foreign freeze from full grant greatest group \
    grouping having ilike in initially inner inout int integer intersect interval into is isnull join \
    json json_array json_arrayagg json_exists json_object json_objectagg json_query json_scalar \
    json_serialize json_table json_value lateral leading least left like limit localtime \
    localtimestamp merge_action national natural nchar none normalize not notnull null nullif numeric \
    offset on only or order out outer overlaps overlay placing position precision primary real \
    references returning right row select session_user setof similar smallint some substring \
    symmetric system_user table tablesample then time timestamp to trailing treat trim true union \
    unique user using values varchar variadic verbose when where window with xmlattributes xmlconcat \
    xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable";

/// A text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NameError(pub(super) String);

/// The name of a column, a table or a schema, as it is written.
///
/// It is displayed as SQL takes it: in quotes where it needs them.
///
/// ```
/// use pipeline::feed::Ident;
///
/// let [plain, odd] = ["city", "Order"].map(|name| name.parse::<Ident>().unwrap());
/// assert_eq!(format!("select {plain}, {odd}"), r#"select city, "Order""#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ident(String);

impl Ident {
    /// The name itself, without quotes: for people, and to compare it with names of the catalog.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name of ours.
    pub(crate) fn ours(name: &'static str) -> Self {
        Self(name.to_owned())
    }

    /// A name that PostgreSQL's catalog has.
    #[must_use]
    pub const fn of_catalog(name: String) -> Self {
        Self(name)
    }

    fn is_plain(&self) -> bool {
        let mut bytes = self.0.bytes();
        bytes.next().is_some_and(|first| matches!(first, b'a'..=b'z' | b'_'))
            && bytes.all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
            && !KEYWORDS.split_ascii_whitespace().any(|word| word == self.0)
    }
}

impl FromStr for Ident {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        let problem = match name.len() {
            0 => "a name is empty".to_owned(),
            _ if name.contains('\0') => "a name holds U+0000".to_owned(),
            bytes if bytes > MAX_BYTES => {
                format!("`{name}` has {bytes} bytes: a name has at most {MAX_BYTES}")
            }
            _ => return Ok(Self(name.to_owned())),
        };
        Err(NameError(problem))
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_plain() {
            f.write_str(&self.0)
        } else {
            write!(f, "\"{}\"", self.0.replace('"', "\"\""))
        }
    }
}

/// Names as SQL lists them.
pub(crate) fn listed<T: fmt::Display>(names: impl IntoIterator<Item = T>) -> String {
    let mut list = String::new();
    for name in names {
        let comma = if list.is_empty() { "" } else { ", " };
        list.push_str(&format!("{comma}{name}"));
    }
    list
}

#[cfg(test)]
mod tests;
