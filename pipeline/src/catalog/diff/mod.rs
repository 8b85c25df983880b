//! What changed from one list of columns to the next.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::infer::column::Column;
use crate::infer::types::DataType;

/// A change of a column. Columns are the same if their names differ by no more than ASCII case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// The column is new.
    Added {
        /// The column's name.
        name: String,
        /// Its type.
        data_type: DataType,
    },
    /// The column is gone.
    Removed {
        /// The column's name.
        name: String,
        /// The type that it had.
        data_type: DataType,
    },
    /// The type is another.
    TypeChanged {
        /// The column's name.
        name: String,
        /// The type that it had.
        from: DataType,
        /// The type that it has.
        to: DataType,
    },
    /// Nulls have come, or are there no more.
    NullabilityChanged {
        /// The column's name.
        name: String,
        /// Whether there are nulls now.
        nullable: bool,
    },
}

/// Lists the changes: of the new columns in their order, then the columns that are gone.
#[must_use]
pub fn diff(before: &[Column], after: &[Column]) -> Vec<Change> {
    let (old, new) = (by_name(before), by_name(after));
    let mut changes = Vec::new();
    for column in after {
        match old.get(&column.name.to_ascii_lowercase()) {
            Some(old) => changes.extend(changes_of(old, column)),
            None => changes.push(Change::Added {
                name: column.name.clone(),
                data_type: column.data_type.clone(),
            }),
        }
    }
    let gone = before.iter().filter(|old| !new.contains_key(&old.name.to_ascii_lowercase()));
    changes.extend(
        gone.map(|old| Change::Removed {
            name: old.name.clone(),
            data_type: old.data_type.clone(),
        }),
    );
    changes
}

fn changes_of(old: &Column, new: &Column) -> impl Iterator<Item = Change> + use<> {
    let name = || new.name.clone();
    let retyped = (old.data_type != new.data_type).then(|| Change::TypeChanged {
        name: name(),
        from: old.data_type.clone(),
        to: new.data_type.clone(),
    });
    let nullability = (old.nullable != new.nullable)
        .then(|| Change::NullabilityChanged { name: name(), nullable: new.nullable });
    retyped.into_iter().chain(nullability)
}

fn by_name(columns: &[Column]) -> BTreeMap<String, &Column> {
    columns.iter().map(|column| (column.name.to_ascii_lowercase(), column)).collect()
}

#[cfg(test)]
mod tests;
