//! The columns that identify rows, and the one that orders them.

use toml::Spanned;

use super::column::named;
use super::{Check, Scope};
use crate::feed::file::{FeedFile, ModeWord};
use crate::feed::plan::ColumnPlan;
use crate::feed::{Ident, Type};

/// Columns of a key at most.
const MAX_KEY: usize = 8;

impl Check {
    pub(super) fn key(&mut self, file: &FeedFile, root: &Scope) -> Vec<Ident> {
        if file.key.is_empty() && matches!(file.mode, Some(ModeWord::Merge)) {
            self.wrong(&file.name, "mode `merge` needs a `key`");
        }
        if file.key.is_empty() && file.record_id.is_none() && file.table.len() > 1 {
            let message = "a feed with child tables needs a `key` or a `record_id`, which their rows \
                carry";
            self.wrong(&file.name, message);
        }
        if let Some(ninth) = file.key.get(MAX_KEY) {
            self.wrong(ninth, format!("a key has at most {MAX_KEY} columns"));
        }
        let mut key = Vec::with_capacity(file.key.len());
        for name in &file.key {
            let Some(ColumnPlan { name: ident, data_type, .. }) = self.required(name, root) else {
                continue;
            };
            if matches!(data_type, Type::Jsonb | Type::Array(_)) {
                self.wrong(name, format!("a column of type {data_type} cannot be in a key"));
            } else if key.contains(ident) {
                self.wrong(name, format!("`{}` is in the key already", ident.as_str()));
            } else {
                key.push(ident.clone());
            }
        }
        key
    }

    pub(super) fn latest_by(&mut self, name: &Spanned<String>, root: &Scope) -> Option<Ident> {
        let ColumnPlan { name: ident, data_type, .. } = self.required(name, root)?;
        if matches!(data_type, Type::Jsonb | Type::Array(_) | Type::Boolean | Type::Bytea) {
            self.wrong(name, format!("a column of type {data_type} does not tell what is later"));
            return None;
        }
        Some(ident.clone())
    }

    /// A column of the root table that every record has a value for.
    fn required<'a>(&mut self, name: &Spanned<String>, root: &'a Scope) -> Option<&'a ColumnPlan> {
        let column = name.get_ref();
        match named(&root.columns, column) {
            Some(found) if !found.nullable => Some(found),
            Some(_) => {
                self.wrong(name, format!("the column `{column}` must be `required = true`"));
                None
            }
            None => {
                self.wrong(name, format!("the first table has no column `{column}`"));
                None
            }
        }
    }
}
