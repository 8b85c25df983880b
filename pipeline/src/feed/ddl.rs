//! The tables of a feed as SQL: what creates them, and what a role needs to load into them.

use std::collections::BTreeSet;

use super::{ColumnPlan, Feed, Ident, RowsOf, TablePlan, listed};

/// SQL that creates the tables of a feed where they are missing, and adds the columns that an older
/// rejects table lacks. Running it again changes nothing. With `with_key` a root table that is created
/// gets the feed's key as its primary key.
#[must_use]
pub fn create_tables(feed: &Feed, with_key: bool) -> String {
    // `if not exists` alone does not keep two sessions from creating the same table.
    let mut statements =
        vec!["select pg_advisory_xact_lock(hashtextextended('stevedore.feeds', 0))".to_owned()];
    for table in &feed.plan.tables {
        let key = match table.rows {
            RowsOf::Records if with_key => feed.key.as_slice(),
            _ => &[],
        };
        statements.push(create_table(table, key));
        if table.rows == RowsOf::Rejects {
            statements.push(add_columns(table));
        }
    }
    statements.join(";\n")
}

/// SQL that grants a role what it needs to load into the tables of a feed, and for nothing else.
#[must_use]
pub fn grant_load(feed: &Feed, role: &Ident) -> String {
    let schemas: BTreeSet<_> =
        feed.plan.tables.iter().filter_map(|it| it.name.schema.as_ref()).collect();
    let schemas = schemas.into_iter().map(|it| format!("grant usage on schema {it} to {role}"));
    let statements = feed.plan.tables.iter().map(|TablePlan { name, rows, .. }| match rows {
        RowsOf::Records => format!("grant select, insert, update on {name} to {role}"),
        RowsOf::Entries { .. } => format!("grant insert on {name} to {role}"),
        // A load in parts learns at its end which numbers its rejected records have.
        RowsOf::Rejects => format!(
            "grant insert, select (load_id, byte_offset, record_no), update (record_no) on {name} to {role}"
        ),
    });
    schemas.chain(statements).collect::<Vec<_>>().join(";\n")
}

/// SQL that grants a role what it needs besides to serve and to work on jobs.
#[must_use]
pub fn grant_serve(feed: &Feed, role: &Ident) -> String {
    format!("grant select on {} to {role}", feed.plan.rejects().name)
}

fn create_table(table: &TablePlan, key: &[Ident]) -> String {
    let columns = table.columns.iter().map(column);
    let key = (!key.is_empty()).then(|| format!("primary key ({})", listed(key)));
    let lines = columns.chain(key).collect::<Vec<_>>().join(",\n    ");
    format!("create table if not exists {} (\n    {lines}\n)", table.name)
}

fn add_columns(table: &TablePlan) -> String {
    let added = table.columns.iter().map(|it| format!("add column if not exists {}", column(it)));
    format!("alter table {}\n    {}", table.name, added.collect::<Vec<_>>().join(",\n    "))
}

fn column(column: &ColumnPlan) -> String {
    format!("{} {}", column.name, column.data_type)
}
