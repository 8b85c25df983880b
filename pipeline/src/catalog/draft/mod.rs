//! Drafts of feeds: from what records look like to a feed file that loads them without an edit.
//!
//! | module | what it does |
//! |---|---|
//! | [`source`] | reads objects, or what the catalog knows of them, into one shape for each kind of record |
//! | `records` | where the records of documents are |
//! | `kind` | what a place of a shape becomes: a column of a type, columns, or a child table |
//! | `fields` | nested objects as columns, as far as a row can hold them |
//! | `tables` | the root table and the child tables |
//! | `key` | which field identifies a record, and which says how new it is |
//! | `names`, `globs` | safe names, and patterns of the objects' keys |
//! | `text` | the draft as TOML |

mod fields;
mod globs;
mod key;
mod kind;
mod names;
mod records;
pub mod source;
mod tables;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeSet;

use crate::feed::TableName;
use crate::infer::shape::Shape;
use crate::json::records_path::RecordsPath;
use key::Key;
use names::Names;
use tables::{Table, Taken};
use text::{Settings, array, quoted};

/// The column that we fill to tell records without a key apart.
const RECORD_ID: &str = "record_id";
const INGESTED_AT: &str = "ingested_at";
const LOAD_ID: &str = "load_id";
/// What a draft is made from.
#[derive(Debug, Clone)]
pub struct DraftInput {
    /// What the records look like.
    pub shape: Shape,
    /// The root table.
    pub table: TableName,
    /// Patterns of the keys of the objects.
    pub objects: Vec<String>,
    /// Where the records are in their documents.
    pub records_path: RecordsPath,
    /// Fields of records of which no value is there twice.
    pub unique: BTreeSet<String>,
    /// What the draft was made from, and what of it cannot be loaded, a sentence each.
    pub remarks: Vec<String>,
}

/// Writes a feed file that takes every record that was seen.
///
/// It keeps all that the records hold: what has no other type is `jsonb`. Records are appended unless a
/// field identifies them for sure. What is doubtful stands in comments.
#[must_use]
pub fn draft(input: &DraftInput) -> String {
    draft_beside(input, &mut Names::of_tables([input]))
}

/// The same for feeds that are to be used together: no two of them have a table of the same name.
#[must_use]
pub fn drafts(inputs: &[DraftInput]) -> Vec<String> {
    let mut names = Names::of_tables(inputs);
    inputs.iter().map(|input| draft_beside(input, &mut names)).collect()
}

/// A draft of which the child tables get names that are not taken.
fn draft_beside(input: &DraftInput, names: &mut Names) -> String {
    let name = input.table.table.as_str();
    let key = key::certain(&input.shape, name, &input.unique);
    let mut ours = vec![INGESTED_AT, LOAD_ID];
    ours.extend(key.is_none().then_some(RECORD_ID));
    let taken = Taken { ours: &ours, root: &input.table };
    let mut tables = tables::tables(&input.shape, &taken, key.as_ref(), names);
    let keeps_rest = !tables.iter().flat_map(|table| &table.lines).any(|line| line.is_lost);
    if let Some(root) = tables.first_mut().filter(|_| !keeps_rest) {
        root.rest = None;
    }
    settings(input, key.as_ref(), &tables).text(&tables)
}

fn settings(input: &DraftInput, key: Option<&Key>, tables: &[Table]) -> Settings {
    let mut settings = Settings::default();
    input.remarks.iter().for_each(|remark| settings.remark(remark));
    settings.set("name", &quoted(&names::safe(input.table.table.as_str())), None);
    if !input.objects.is_empty() {
        settings.set("objects", &array(&input.objects), None);
    }
    if !input.records_path.is_document() {
        settings.set("records", &quoted(&input.records_path.to_string()), None);
    }
    identity(input, key, tables, &mut settings);
    let keeps_rest = tables.first().is_some_and(|root| root.rest.is_some());
    settings.set("unknown", if keeps_rest { "\"rest\"" } else { "\"ignore\"" }, None);
    settings.table("metadata");
    settings.set(INGESTED_AT, &quoted(INGESTED_AT), None);
    settings.set(LOAD_ID, &quoted(LOAD_ID), None);
    settings
}

/// How records are told apart, and what becomes of those that are there already.
fn identity(input: &DraftInput, key: Option<&Key>, tables: &[Table], settings: &mut Settings) {
    let Some(key) = key else {
        settings.set("mode", "\"append\"", None);
        settings.set("record_id", &quoted(RECORD_ID), None);
        if let Some(possible) =
            key::possible(&input.shape, input.table.table.as_str(), &input.unique)
        {
            let Key { field, evidence } = possible;
            settings.remark(&format!("{} may be a key: {evidence}", quoted(&field)));
        }
        return;
    };
    settings.set("mode", "\"merge\"", None);
    let columns = tables.first().into_iter().flat_map(Table::required_columns);
    let columns: Vec<_> = columns.map(str::to_owned).collect();
    settings.set("key", &array(&columns), Some(&key.evidence));
    if let Some(field) = key::latest_by(&input.shape) {
        let column = tables.first().and_then(|root| root.column_of(field)).unwrap_or(field);
        settings.propose(
            "latest_by",
            &quoted(column),
            "every record has it; without it the later record wins",
        );
    }
    if tables.len() > 1 {
        settings.set("children", "\"replace\"", None);
    }
}
