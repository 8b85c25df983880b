//! The tables of a feed with all their columns, ours included.

use std::collections::HashSet;

use super::{Check, Scope};
use crate::feed::file::{FeedFile, UnknownWord};
use crate::feed::plan::{ColumnPlan, Decoded, RowsOf, Source, Stamped, TablePlan};
use crate::feed::{Ident, TableName, Type};

/// Tables of a feed at most.
const MAX_TABLES: usize = 32;

impl Check {
    /// The root table and its children.
    pub(super) fn tables(
        &mut self,
        file: &FeedFile,
        scopes: &[Scope],
        key: &[Ident],
        record_id: Option<&Ident>,
        metadata: &[ColumnPlan],
    ) -> Vec<TablePlan> {
        let record_id = record_id.map(|name| ColumnPlan::decoded(name.clone(), Decoded::RecordId));
        let rest = self.rest(file);
        let of_key = scopes[0].columns.iter().filter(|column| key.contains(&column.name));
        let mut of_row: Vec<_> = of_key.cloned().collect();
        if of_row.is_empty() {
            of_row.extend(record_id.clone());
        }
        let mut tables = Vec::with_capacity(scopes.len());
        for (table, scope) in file.table.iter().zip(scopes) {
            let mut columns = match scope.rows {
                RowsOf::Records => record_id.iter().cloned().collect(),
                _ => of_row.clone(),
            };
            columns.extend(positions(scopes, scope));
            columns.extend(scope.columns.iter().cloned());
            if scope.rows == RowsOf::Records {
                columns.extend(rest.clone());
            }
            columns.extend_from_slice(metadata);
            let position = scope.position.clone();
            let name = self.parse(&table.name);
            tables.extend(name.map(|name| TablePlan { name, rows: scope.rows, position, columns }));
        }
        tables
    }

    /// The column of the keys that no path touches.
    fn rest(&mut self, file: &FeedFile) -> Option<ColumnPlan> {
        let root = &file.table[0];
        match (&root.rest, file.unknown) {
            (Some(name), UnknownWord::Rest) => {
                let name = self.column_name(name)?;
                let column = ColumnPlan::decoded(name, Decoded::Rest);
                Some(ColumnPlan { nullable: true, ..column })
            }
            (None, UnknownWord::Rest) => {
                let message = "`unknown = \"rest\"` needs a column: expected `rest = \"…\"` in the \
                    first table";
                self.wrong(&root.name, message);
                None
            }
            (Some(name), _) => {
                self.wrong(name, "`rest` keeps nothing without `unknown = \"rest\"`");
                None
            }
            (None, _) => None,
        }
    }

    /// The table of rejected records.
    pub(super) fn rejects(
        &mut self,
        file: &FeedFile,
        concat: Option<ColumnPlan>,
    ) -> Option<TablePlan> {
        let root = &file.table[0].name;
        let name = match &file.rejects.table {
            Some(name) => self.parse(name)?,
            // What is wrong with the name of the first table is said already.
            None => root
                .get_ref()
                .parse::<TableName>()
                .ok()?
                .with_suffix("_rejects")
                .map_err(|error| self.wrong(root, error.to_string()))
                .ok()?,
        };
        Some(rejects(name, concat))
    }

    /// No table twice, and in no table a column.
    pub(super) fn check_tables(&mut self, file: &FeedFile, tables: &[TablePlan]) {
        if let Some(table) = file.table.get(MAX_TABLES) {
            self.wrong(&table.name, format!("a feed has at most {MAX_TABLES} tables"));
        }
        let mut names = HashSet::new();
        for (at, table) in tables.iter().enumerate() {
            let place = file.table.get(at).map(|table| &table.name);
            let place = place.or(file.rejects.table.as_ref()).unwrap_or(&file.name);
            if !names.insert(&table.name) {
                self.wrong(place, format!("the table `{}` is declared twice", table.name.plain()));
            }
            let mut columns = HashSet::new();
            for column in table.columns.iter().filter(|column| !columns.insert(&column.name)) {
                let (table, column) = (table.name.plain(), column.name.as_str());
                self.wrong(place, format!("the table `{table}` has two columns `{column}`"));
            }
        }
    }
}

/// The columns with the numbers of the entries that a row is in, the outermost first, and its own.
fn positions(scopes: &[Scope], scope: &Scope) -> Vec<ColumnPlan> {
    let RowsOf::Entries { parent, .. } = scope.rows else {
        return Vec::new();
    };
    let mut columns = positions(scopes, &scopes[parent]);
    columns.extend(scope.position.clone().map(ColumnPlan::position));
    columns
}

/// The table of rejected records.
fn rejects(name: TableName, concat: Option<ColumnPlan>) -> TablePlan {
    let stamped = |name, what| ours(name, what, Stamped::data_type, Source::Stamp);
    let decoded = |name, what| ours(name, what, Decoded::data_type, Source::Decoded);
    let columns = [
        decoded("reason", Decoded::Reason),
        decoded("detail", Decoded::Detail),
        decoded("raw", Decoded::Raw),
        stamped("object", Stamped::Object),
        stamped("object_version", Stamped::ObjectVersion),
        decoded("record_no", Decoded::RecordNo),
        decoded("byte_offset", Decoded::ByteOffset),
        decoded("byte_length", Decoded::ByteLength),
        stamped("load_id", Stamped::LoadId),
        stamped("ingested_at", Stamped::IngestedAt),
    ];
    let columns = concat.into_iter().chain(columns).collect();
    TablePlan { name, rows: RowsOf::Rejects, position: None, columns }
}

fn ours<T: Copy>(
    name: &'static str,
    what: T,
    data_type: fn(T) -> Type,
    source: fn(T) -> Source,
) -> ColumnPlan {
    ColumnPlan::ours(Ident::ours(name), data_type(what), source(what))
}
