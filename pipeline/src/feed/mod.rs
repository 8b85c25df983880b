//! What a feed is: the shape of its records, their rules and the tables they go to.
//!
//! A feed is declared in a TOML file (`feeds/`), read once, and then one value from which decode, frames
//! and sink are built. In the order in which a file becomes tables:
//!
//! | module | what it does |
//! |---|---|
//! | `file` | the TOML as it is written |
//! | `check` | holds it against the rules; all that is wrong is shown where it stands |
//! | [`Expression`] | an SQL expression of columns, for rules and computed columns |
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
mod expression;
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
mod value;

use std::sync::Arc;

pub use expression::Expression;
pub use feeds::Feeds;
pub(crate) use ident::listed;
pub use ident::{Ident, NameError};
pub use limit::Limit;
pub use mode::{Mode, RequestedMode};
pub use objects::Objects;
pub use plan::{ColumnPlan, Decoded, Plan, RowsOf, Source, Stamped, TablePlan};
pub use problem::FeedProblem;
pub use reason::Reason;
pub use table_name::TableName;
pub(crate) use types::Constant;
pub use types::{Precision, Storage, Type, Wire};
pub(crate) use value::{
    Digits, JsonProblem, check_json, days, is_number, micros, micros_of_unit, push_hex,
};
pub use value::{Encoding, Unit, Zone, is_uuid};

use crate::error::{Error, Result};
use crate::json::path::{JsonPath, Step};
use crate::json::records_path::RecordsPath;
use crate::max_rejected::MaxRejected;

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
    /// Where the records are in a document.
    pub records: RecordsPath,
    /// What becomes of valid records, unless a load asks for another mode.
    pub mode: RequestedMode,
    /// How many records of an object may be rejected, unless a load asks for another number.
    pub max_rejected: Option<MaxRejected>,
    /// The columns of the root table whose values identify a row of it in merge mode.
    pub key: Vec<Ident>,
    /// The column that has the UUID of a record.
    pub record_id: Option<Ident>,
    /// The column of the root table whose greatest value wins in merge mode. Without one the later
    /// record wins.
    pub latest_by: Option<Ident>,
    /// What becomes of the child rows of a key that is merged again.
    pub children: Children,
    /// What becomes of keys that no path touches.
    pub unknown: Unknown,
    /// Whether JSON keys match without regard to ASCII case.
    pub ignore_case: bool,
    /// The fields of a record, in the order in which problems are looked for.
    pub fields: Vec<Field>,
    /// The expressions of the computed columns.
    pub computed: Vec<Expression>,
    /// What must be true of every record.
    pub rules: Vec<Rule>,
    /// The fields that the rejects table has in one text, in their order.
    pub concat: Vec<Concat>,
    /// The tables.
    pub plan: Plan,
}

/// What becomes of the child rows of a key that is merged again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Children {
    /// The entries of every loaded record are added.
    Append,
    /// The entries of a record that is inserted or updated replace those that are there.
    Replace,
}

/// What becomes of keys that no path touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// They are counted by name.
    Ignore,
    /// The record is rejected.
    Reject,
    /// Those at the top of the record are kept.
    Rest,
}

/// What must be true of every row of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// What rejects call it.
    pub name: String,
    /// The index of the table.
    pub table: usize,
    /// False rejects the record.
    pub check: Expression,
}

/// One field of a record, or of an entry of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The JSON keys that lead to it; none where it is the record or entry itself.
    pub path: Vec<String>,
    /// The column of a frame, and that of the table where there is one.
    pub column: String,
    /// Which JSON values the field takes.
    pub kind: Kind,
    /// Whether a record without a value for it is rejected.
    pub required: bool,
    /// Whether a record whose value is `''` is rejected.
    pub non_empty: bool,
    /// The JSON value that it has where its key is missing.
    pub default: Option<String>,
}

/// Which JSON values a field takes, and what they become.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// One value of this type, or an array of values.
    Value(Type, Reading),
    /// An array of entries or nulls; each becomes a row of a child table.
    List(List),
}

/// How a value of a type is read, where there is a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Whether a number may also stand in a string.
    pub from_strings: bool,
    /// What an integer that is a timestamp counts.
    pub unit: Option<Unit>,
    /// Which time zone a timestamp says.
    pub zone: Zone,
    /// How a string stands for bytes.
    pub encoding: Encoding,
}

/// A list whose entries become rows.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    /// The index of the table that they become rows of.
    pub table: usize,
    /// The fields of an entry.
    pub fields: Vec<Field>,
    /// The column of a frame with the number of the entry.
    pub position: Option<String>,
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

    /// All that is wrong with the text of a feed file, in the order of its lines; nothing if it can be read.
    #[must_use]
    pub fn problems(text: &str) -> Vec<FeedProblem> {
        problem::located(text, check::read(text).err().unwrap_or_default())
    }

    /// The fields of the rows of a table: those of the record, or of an entry.
    #[must_use]
    pub fn fields_of(&self, table: usize) -> &[Field] {
        let mut fields = self.fields.as_slice();
        for (_, list) in self.plan.lists_to(table) {
            fields = match fields.get(list).map(|field| &field.kind) {
                Some(Kind::List(list)) => &list.fields,
                _ => &[],
            };
        }
        fields
    }

    /// The columns that tell of which record a child row is: the key, or else the UUID of the record.
    #[must_use]
    pub fn row_key(&self) -> &[Ident] {
        if self.key.is_empty() { self.record_id.as_slice() } else { &self.key }
    }

    /// Whether a row needs more than its record to be found valid: a rule, or a computed column.
    #[must_use]
    pub fn has_expressions(&self) -> bool {
        !self.rules.is_empty() || !self.computed.is_empty()
    }

    /// Whether a frame has this column.
    pub(crate) fn decodes(&self, decoded: Decoded) -> bool {
        match decoded {
            Decoded::RecordId | Decoded::ContentHash | Decoded::Rest => {
                self.plan.root().filled_with(Source::Decoded(decoded)).is_some()
            }
            _ => true,
        }
    }

    /// The list whose entries are the rows of a table, as the feed writes it; none for other tables.
    #[must_use]
    pub fn each(&self, table: usize) -> Option<&str> {
        match self.plan.tables[table].rows {
            RowsOf::Entries { list, parent } => {
                self.fields_of(parent).get(list).map(|field| field.column.as_str())
            }
            RowsOf::Records | RowsOf::Rejects => None,
        }
    }

    /// The JSON Schema of feed files (draft 7), by which editors complete and check them.
    #[must_use]
    pub fn schema() -> schemars::Schema {
        file::schema()
    }
}

impl Field {
    /// Its keys with dots between, for people.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.join(".")
    }

    /// Its JSON pointer (RFC 6901), from the record or entry that it is in.
    pub(crate) fn pointer(&self) -> String {
        self.path.iter().map(|key| pointer_to(key)).collect()
    }

    /// Where it is in the record, or in the entry.
    #[must_use]
    pub fn json_path(&self) -> JsonPath {
        let steps: Vec<_> = self.path.iter().map(|key| Step::Field(key.clone())).collect();
        JsonPath::of(&steps)
    }

    /// Its only key; none if there are several, or none.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self.path.as_slice() {
            [key] => Some(key),
            _ => None,
        }
    }
}

/// The step of a JSON pointer to a key.
pub(crate) fn pointer_to(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

impl Default for Reading {
    fn default() -> Self {
        Self { from_strings: false, unit: None, zone: Zone::Written, encoding: Encoding::Hex }
    }
}
