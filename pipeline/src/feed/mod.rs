//! What a feed is: the shape of its records, their rules and the tables they go to.
//!
//! A feed is declared in a TOML file (`feeds/`), read once, and then one value from which decode, frames
//! and sink are built. In the order in which a file becomes tables:
//!
//! | module | what it does |
//! |---|---|
//! | `file` | the TOML as it is written |
//! | `check` | holds it against the rules; all that is wrong is shown where it stands |
//! | [`Plan`] | the tables, and what each column is filled with |
//! | [`Type`] | all that is known of a type |
//! | [`Ident`], [`TableName`] | names, and how they get into SQL |
//! | [`ddl`] | the tables as SQL |
//!
//! ```
//! use pipeline::feed::Feed;
//!
//! let feed = Feed::read("visits.toml", r#"
//!     name = "visits"
//!     key = ["id"]
//!     [[table]]
//!     name = "visits"
//!     columns.id = { type = "bigint", required = true }
//!     columns.city = { path = "$.cityName", type = "text" }
//! "#)?;
//! let tables: Vec<_> = feed.plan.tables.iter().map(|table| table.name.plain()).collect();
//! assert_eq!(tables, ["visits", "visits_rejects"]);
//! # Ok::<(), pipeline::error::Error>(())
//! ```

mod check;
pub mod ddl;
mod feeds;
mod file;
mod ident;
mod limit;
mod mode;
mod objects;
mod plan;
mod problem;
mod reason;
mod table_name;
#[cfg(test)]
pub(crate) mod tests;
mod types;

use std::sync::Arc;

pub use feeds::Feeds;
pub(crate) use ident::listed;
pub use ident::{Ident, NameError};
pub use limit::Limit;
pub use mode::{Mode, RequestedMode};
pub use objects::Objects;
pub use plan::{ColumnPlan, Decoded, Plan, RowsOf, Source, Stamped, TablePlan};
pub use reason::Reason;
pub use table_name::TableName;
pub use types::{Storage, Type, Wire};

use crate::error::{Error, Result};

/// The declared shape of records, their rules and their tables.
#[derive(Debug, Clone, PartialEq)]
pub struct Feed {
    /// The name by which the ledger, the API and the command line know the feed.
    pub name: String,
    /// The text of its file.
    pub text: String,
    /// The hash of the text, in 32 hexadecimal digits: the ledger and jobs know by it which text was used.
    pub hash: String,
    /// The objects that it is for, by their keys.
    pub objects: Objects,
    /// What becomes of valid records, unless a load asks for another mode.
    pub mode: RequestedMode,
    /// The columns of the root table whose values identify a row of it in merge mode. Rows of child
    /// tables carry them.
    pub key: Vec<Ident>,
    /// The column of the root table whose greatest value wins in merge mode. Without one the later
    /// record wins.
    pub latest_by: Option<Ident>,
    /// Whether JSON keys match without regard to ASCII case.
    pub ignore_case: bool,
    /// The fields of a record, in the order in which problems are looked for.
    pub fields: Vec<Field>,
    /// The fields that the rejects table has in one text, in their order.
    pub concat: Vec<Concat>,
    /// The tables.
    pub plan: Plan,
}

/// One field of a record, or of an entry of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The JSON key.
    pub key: String,
    /// The column of a frame, and that of the table where there is one.
    pub column: String,
    /// Which JSON values the field takes.
    pub kind: Kind,
    /// Whether a record without a value for it is rejected.
    pub required: bool,
    /// Whether a record whose value is `''` is rejected.
    pub non_empty: bool,
}

/// Which JSON values a field takes, and what they become.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// One value of this type.
    Value(Type),
    /// An array of objects of these fields, or nulls; each becomes a row of a child table.
    List(Vec<Field>),
}

/// A field in the text of all fields of a rejected record.
#[derive(Debug, Clone, PartialEq)]
pub struct Concat {
    /// What stands before its value.
    pub label: String,
    /// The index of the field.
    pub field: usize,
}

impl Feed {
    /// Reads a feed file; `file` is what errors call it.
    ///
    /// # Errors
    /// [`Error::Feed`] with all that is wrong: line, column and what would be right.
    pub fn read(file: &str, text: &str) -> Result<Arc<Self>> {
        let feed = check::read(text).map_err(|problems| Error::Feed {
            files: file.to_owned(),
            problems: problem::shown(file, text, problems),
        })?;
        Ok(Arc::new(feed))
    }

    /// The lists of a record, in the order of its fields, and the fields of their entries.
    pub fn lists(&self) -> impl Iterator<Item = (&Field, &[Field])> {
        self.fields.iter().filter_map(|field| match &field.kind {
            Kind::List(entry) => Some((field, entry.as_slice())),
            Kind::Value(_) => None,
        })
    }
}
