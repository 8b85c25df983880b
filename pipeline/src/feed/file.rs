//! A feed file as it is written: TOML, read into plain structs that know no rules.
//!
//! Each value that a rule may find wrong knows where it stands. The comments are the descriptions that
//! `stevedore feed schema` prints for editors.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;
use toml::Spanned;

/// How JSON records become rows of tables.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Feed")]
pub(super) struct FeedFile {
    /// The name by which loads, the ledger and the API know the feed.
    #[schemars(with = "String")]
    pub(super) name: Spanned<String>,
    /// Patterns of the keys of the objects that the feed is for.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) objects: Option<Spanned<Vec<Spanned<String>>>>,
    /// Where the records are in a document: `$`, `$[*]` or `$.a.b[*]`. By default `$`.
    #[schemars(with = "Option<String>")]
    pub(super) records: Option<Spanned<String>>,
    /// What becomes of the valid records. By default `auto`.
    pub(super) mode: Option<ModeWord>,
    /// How many records of an object may be rejected: a count, or a share like "20%". If more are
    /// rejected, the load fails and writes nothing.
    #[schemars(with = "Option<CountOrShare>")]
    pub(super) max_rejected: Option<Spanned<toml::Value>>,
    /// The columns of the root table that identify a row. Child rows carry them.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) key: Vec<Spanned<String>>,
    /// A column of type uuid that we fill in: made of the object, its version and the record's place, and
    /// so the same whenever that is loaded again. Child rows carry it if there is no `key`.
    #[schemars(with = "Option<String>")]
    pub(super) record_id: Option<Spanned<String>>,
    /// The column whose greatest value wins among the records of a key. Without it the later record and
    /// the later load win.
    #[schemars(with = "Option<String>")]
    pub(super) latest_by: Option<Spanned<String>>,
    /// What becomes of the child rows of a key that is merged again. By default `append`.
    #[schemars(with = "Option<ChildrenWord>")]
    pub(super) children: Option<Spanned<ChildrenWord>>,
    /// What becomes of keys that no path touches. By default `ignore`.
    #[serde(default)]
    pub(super) unknown: UnknownWord,
    /// Whether JSON keys match without regard to ASCII case. Of several that match, the last one counts.
    #[serde(default)]
    pub(super) ignore_case: bool,
    /// Columns that we fill in, in every table of the feed.
    #[serde(default)]
    pub(super) metadata: MetadataFile,
    /// The tables. The first has a row for each record; the others have a row for each entry of a list.
    pub(super) table: Vec<TableFile>,
    /// What must be true of every record.
    #[serde(default)]
    pub(super) rule: Vec<RuleFile>,
    /// The table of the records that cannot be loaded.
    #[serde(default)]
    pub(super) rejects: RejectsFile,
}

/// What becomes of the valid records.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Mode")]
pub(super) enum ModeWord {
    /// Each record is a row.
    Append,
    /// One row for each key.
    Merge,
    /// The rows of an object replace those of its earlier versions.
    Replace,
    /// `merge` where the root table has, or will get, a unique key on `key`; else `append`.
    Auto,
}

/// What becomes of the child rows of a key that is merged again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Children")]
pub(super) enum ChildrenWord {
    /// The entries of every record are added.
    Append,
    /// The entries of a record that is inserted or updated replace those that are there.
    Replace,
}

/// What becomes of keys that no path touches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Unknown")]
pub(super) enum UnknownWord {
    /// They are counted by name.
    #[default]
    Ignore,
    /// The record is rejected.
    Reject,
    /// Those at the top of the record are kept in the `rest` column of the first table.
    Rest,
}

/// Columns that we fill in, in every table of the feed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Metadata")]
pub(super) struct MetadataFile {
    /// A timestamp in UTC, the same for all rows of a load.
    #[schemars(with = "Option<String>")]
    pub(super) ingested_at: Option<Spanned<String>>,
    /// A bigint: the number of the load in the ledger.
    #[schemars(with = "Option<String>")]
    pub(super) load_id: Option<Spanned<String>>,
    /// A text: the URL of the object.
    #[schemars(with = "Option<String>")]
    pub(super) object: Option<Spanned<String>>,
    /// A bytea: a hash of all that the feed declares of the record, its children included.
    #[schemars(with = "Option<String>")]
    pub(super) content_hash: Option<Spanned<String>>,
}

/// A table and its columns.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Table")]
pub(super) struct TableFile {
    /// `table` or `schema.table`.
    #[schemars(with = "String")]
    pub(super) name: Spanned<String>,
    /// The list whose entries are the rows: `$.items[*]`, or `$.items[*].discounts[*]` for a list within.
    #[schemars(with = "Option<String>")]
    pub(super) each: Option<Spanned<String>>,
    /// An integer column with the number of the entry in its list, from 1.
    #[schemars(with = "Option<String>")]
    pub(super) position: Option<Spanned<String>>,
    /// Whether a record without the list is rejected.
    #[serde(default)]
    pub(super) required: bool,
    /// A jsonb column of the first table with the keys that `unknown = "rest"` keeps.
    #[schemars(with = "Option<String>")]
    pub(super) rest: Option<Spanned<String>>,
    /// In the order of their names: where they stand tells the order in which they are written.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, ColumnFile>")]
    pub(super) columns: BTreeMap<Spanned<String>, ColumnFile>,
}

/// A column.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Column")]
pub(super) struct ColumnFile {
    /// Where its value is, from the record or the entry. By default `$.` and the name of the column.
    #[schemars(with = "Option<String>")]
    pub(super) path: Option<Spanned<String>>,
    /// The type of the column, as PostgreSQL writes it.
    #[serde(rename = "type")]
    #[schemars(with = "String")]
    pub(super) type_name: Spanned<String>,
    /// Whether a record without a value is rejected.
    #[serde(default)]
    pub(super) required: bool,
    /// Whether a record whose value is `''` is rejected.
    #[serde(default)]
    pub(super) non_empty: bool,
    /// The value where the key is missing.
    #[schemars(with = "Option<DefaultValue>")]
    pub(super) default: Option<Spanned<toml::Value>>,
    /// `["string"]`: a number may also stand in a string.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) accept: Vec<Spanned<String>>,
    /// What an integer that is read as a timestamp counts: `s`, `ms` or `us`.
    #[schemars(with = "Option<String>")]
    pub(super) unit: Option<Spanned<String>>,
    /// `UTC`: a timestamptz without an offset is taken as UTC.
    #[schemars(with = "Option<String>")]
    pub(super) assume: Option<Spanned<String>>,
    /// How a string stands for bytes: `base64` or `hex`.
    #[schemars(with = "Option<String>")]
    pub(super) encoding: Option<Spanned<String>>,
    /// An SQL expression of other columns of the table, instead of a path.
    #[schemars(with = "Option<String>")]
    pub(super) sql: Option<Spanned<String>>,
}

/// What must be true of every record: like a CHECK constraint, false rejects it and null passes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Rule")]
pub(super) struct RuleFile {
    /// What rejects call it.
    #[schemars(with = "String")]
    pub(super) name: Spanned<String>,
    /// An SQL expression of the columns of the table.
    #[schemars(with = "String")]
    pub(super) check: Spanned<String>,
    /// The table, by default the first.
    #[schemars(with = "Option<String>")]
    pub(super) table: Option<Spanned<String>>,
}

/// The table of the records that cannot be loaded.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Rejects")]
pub(super) struct RejectsFile {
    /// Its name, by default that of the first table and `_rejects`.
    #[schemars(with = "Option<String>")]
    pub(super) table: Option<Spanned<String>>,
    /// A column with the fields of the record in one text.
    pub(super) concat: Option<ConcatFile>,
}

/// A column that has the fields of a record in one text.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Concat")]
pub(super) struct ConcatFile {
    /// Its name.
    #[schemars(with = "String")]
    pub(super) column: Spanned<String>,
    /// `label:path`, in their order.
    #[schemars(with = "Vec<String>")]
    pub(super) fields: Vec<Spanned<String>>,
}

/// A count like 100, or a share like "20%".
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it only describes what may be written")]
enum CountOrShare {
    Count(u64),
    Share(String),
}

/// A text, a number or a boolean.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it only describes what may be written")]
enum DefaultValue {
    Text(String),
    Integer(i64),
    Number(f64),
    Boolean(bool),
}

impl TableFile {
    /// The columns in the order in which they are written.
    pub(super) fn columns_in_order(&self) -> Vec<(&Spanned<String>, &ColumnFile)> {
        let mut columns: Vec<_> = self.columns.iter().collect();
        columns.sort_by_key(|(name, _)| name.span().start);
        columns
    }
}

/// The JSON Schema of feed files, in the draft that the editors' extensions for TOML know.
#[must_use]
pub(super) fn schema() -> schemars::Schema {
    SchemaSettings::draft07().into_generator().into_root_schema_for::<FeedFile>()
}
