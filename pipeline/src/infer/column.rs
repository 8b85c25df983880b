//! Columns of a table: their names, types and what is in them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::types::DataType;

/// A column, and what was seen in it. Texts hold no U+0000, in whose place stands `\u0000`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The most frequent spelling of its name, at most 1,000 bytes of it.
    pub name: String,
    /// The type that holds all values but null.
    pub data_type: DataType,
    /// Whether some record has null there or nothing at all.
    pub nullable: bool,
    /// Records that have the key, with any value.
    pub present: u64,
    /// Records that have null there.
    pub nulls: u64,
    /// Distinct values but null: exact up to 128, then estimated within about 3 %. Not known where
    /// all values are arrays or objects; of a choice only the others are counted.
    pub distinct: Option<u64>,
    /// The least number, or at most 64 characters of the least string by code points.
    pub min: Option<String>,
    /// The greatest of the same.
    pub max: Option<String>,
    /// The least length: of strings in characters, of arrays in elements.
    pub min_length: Option<u64>,
    /// The greatest length.
    pub max_length: Option<u64>,
    /// Up to three values, at most 64 characters of each; the same ones whatever came first.
    pub examples: Vec<String>,
    /// The spellings of its name, if there are several, and how many records have each.
    pub variants: BTreeMap<String, u64>,
    /// Of a choice: how many values were `boolean`, `integer`, `float`, `string`, `array`, `object`
    /// or, nested too deep, `json`.
    pub kinds: BTreeMap<String, u64>,
    /// Of Postgres: the type as it was declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<String>,
    /// Of Postgres: `primary`, `unique` or `foreign`, if the column belongs to such a key; the first of
    /// these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Column {
    /// Says in a line what the column comes from: how many records have it, which kinds of values and
    /// which spellings of its name were seen, how it was declared.
    #[must_use]
    pub fn provenance(&self) -> String {
        let counted = |counts: &BTreeMap<String, u64>| {
            let counts = counts.iter().map(|(what, count)| format!("{what} {count}"));
            counts.collect::<Vec<_>>().join(", ")
        };
        let mut parts = vec![format!("in {} records, null in {}", self.present, self.nulls)];
        if !self.kinds.is_empty() {
            parts.push(format!("values: {}", counted(&self.kinds)));
        }
        if !self.variants.is_empty() {
            parts.push(format!("names: {}", counted(&self.variants)));
        }
        parts.extend(self.declared.as_ref().map(|declared| format!("declared {declared}")));
        parts.extend(self.key.as_ref().map(|key| format!("{key} key")));
        parts.join("; ")
    }
}
