//! A feed file as it is written: TOML, read into plain structs that know no rules.
//!
//! Each value that a rule may find wrong knows where it stands.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

/// A feed file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FeedFile {
    pub(super) name: Spanned<String>,
    /// Patterns of the keys of the objects that the feed is for.
    pub(super) objects: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) mode: Option<ModeWord>,
    #[serde(default)]
    pub(super) key: Vec<Spanned<String>>,
    pub(super) latest_by: Option<Spanned<String>>,
    /// There is one way so far.
    #[serde(default, rename = "children")]
    pub(super) _children: ChildrenWord,
    #[serde(default)]
    pub(super) ignore_case: bool,
    #[serde(default)]
    pub(super) metadata: MetadataFile,
    pub(super) table: Vec<TableFile>,
    #[serde(default)]
    pub(super) rejects: RejectsFile,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ModeWord {
    Append,
    Merge,
    Auto,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ChildrenWord {
    #[default]
    Append,
}

/// The columns that we fill in every table.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MetadataFile {
    pub(super) ingested_at: Option<Spanned<String>>,
    pub(super) load_id: Option<Spanned<String>>,
    pub(super) object: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableFile {
    pub(super) name: Spanned<String>,
    pub(super) each: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) required: bool,
    /// In the order of their names: where they stand tells the order in which they are written.
    pub(super) columns: BTreeMap<Spanned<String>, ColumnFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ColumnFile {
    pub(super) path: Option<Spanned<String>>,
    #[serde(rename = "type")]
    pub(super) type_name: Spanned<String>,
    #[serde(default)]
    pub(super) required: bool,
    #[serde(default)]
    pub(super) non_empty: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RejectsFile {
    pub(super) table: Option<Spanned<String>>,
    pub(super) concat: Option<ConcatFile>,
}

/// A column that has the fields of a record in one text, for what reads the old job's tables.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConcatFile {
    pub(super) column: Spanned<String>,
    /// `label:path`, in their order.
    pub(super) fields: Vec<Spanned<String>>,
}

impl TableFile {
    /// The columns in the order in which they are written.
    pub(super) fn columns_in_order(&self) -> Vec<(&Spanned<String>, &ColumnFile)> {
        let mut columns: Vec<_> = self.columns.iter().collect();
        columns.sort_by_key(|(name, _)| name.span().start);
        columns
    }
}
