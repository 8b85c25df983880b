//! The tables of a feed as SQL: what creates them, and what a role needs to load into them.

use std::collections::BTreeSet;

use super::{Children, ColumnPlan, Feed, Ident, Mode, RowsOf, Source, Stamped, TablePlan, listed};

/// `if not exists` alone does not keep two sessions from creating the same table.
pub(crate) const LOCK: &str =
    "select pg_advisory_xact_lock(hashtextextended('stevedore.feeds', 0))";

/// SQL that creates the tables of a feed for loads in a mode where they are missing, and adds the columns that
/// an older rejects table lacks. Running it again changes nothing.
///
/// In mode merge a root table that is created gets the feed's key as its primary key, and child tables whose
/// rows are replaced the key with the numbers of the entries, or an index on the key where an entry has no
/// number. In mode replace tables get an index on the number of the load.
#[must_use]
pub fn create_tables(feed: &Feed, mode: Mode) -> String {
    let mut statements = vec![LOCK.to_owned()];
    for (at, table) in feed.plan.tables.iter().enumerate() {
        let mut created = create_table(feed, at, mode);
        if table.rows == RowsOf::Rejects {
            // Its indexes need them.
            created.insert(1, add_columns(table, &table.columns));
        }
        statements.extend(created);
    }
    statements.join(";\n")
}

/// The statements that create a table of a feed, with its key or index, for loads in a mode.
pub(crate) fn create_table(feed: &Feed, at: usize, mode: Mode) -> Vec<String> {
    let table = &feed.plan.tables[at];
    let key = primary_key(feed, at, mode);
    let index = if key.is_empty() { indexed(feed, table, mode) } else { Vec::new() };
    let indexes = create_index(table, &index).into_iter().chain(reject_indexes(table));
    [table_with(table, &key)].into_iter().chain(indexes).collect()
}

/// The columns of the primary key of a table that is created.
fn primary_key(feed: &Feed, at: usize, mode: Mode) -> Vec<Ident> {
    let lists = feed.plan.lists_to(at);
    let positions = lists.iter().map(|(table, _)| feed.plan.tables[*table].position.clone());
    let positions: Option<Vec<_>> = positions.collect();
    match (mode, feed.plan.tables[at].rows, positions) {
        (Mode::Merge, RowsOf::Records, _) => feed.key.clone(),
        (Mode::Merge, RowsOf::Entries { .. }, Some(positions))
            if feed.children == Children::Replace =>
        {
            [feed.key.clone(), positions].concat()
        }
        _ => Vec::new(),
    }
}

/// The columns by which rows of a table without a key are found to be replaced.
fn indexed(feed: &Feed, table: &TablePlan, mode: Mode) -> Vec<Ident> {
    let load_id = table.filled_with(Source::Stamp(Stamped::LoadId));
    match (mode, table.rows) {
        (_, RowsOf::Rejects) => Vec::new(),
        (Mode::Replace, _) => load_id.map(|column| column.name.clone()).into_iter().collect(),
        (Mode::Merge, RowsOf::Entries { .. }) if feed.children == Children::Replace => {
            feed.key.clone()
        }
        _ => Vec::new(),
    }
}

fn create_index(table: &TablePlan, columns: &[Ident]) -> Option<String> {
    let index = index_name(table, "replaced").filter(|_| !columns.is_empty())?;
    Some(format!("create index if not exists {index} on {} ({})", table.name, listed(columns)))
}

/// The indexes by which rejects are listed, those of the newest loads first, and by which old ones are found.
fn reject_indexes(table: &TablePlan) -> impl Iterator<Item = String> {
    let filters = [("load", ""), ("reason", "reason, "), ("object", "object, ")];
    let filters = filters.into_iter().filter(|_| table.rows == RowsOf::Rejects);
    filters.filter_map(|(name, filter)| {
        let index = index_name(table, name)?;
        let table = &table.name;
        Some(format!(
            "create index if not exists {index} on {table} ({filter}load_id desc, record_no)"
        ))
    })
}

fn index_name(table: &TablePlan, name: &str) -> Option<Ident> {
    /// Bytes of a table's name that leave room for the rest of the index's.
    const NAME_BYTES: usize = 50;
    let table = table.name.table.as_str();
    let table = &table[..table.floor_char_boundary(NAME_BYTES)];
    format!("{table}_{name}_idx").parse().ok()
}

/// SQL that grants a role what it needs to load into the tables of a feed, and for nothing else.
#[must_use]
pub fn grant_load(feed: &Feed, role: &Ident) -> String {
    let schemas: BTreeSet<_> =
        feed.plan.tables.iter().filter_map(|it| it.name.schema.as_ref()).collect();
    let schemas = schemas.into_iter().map(|it| format!("grant usage on schema {it} to {role}"));
    let replaces = feed.mode == Mode::Replace.into();
    let statements = feed.plan.tables.iter().map(|TablePlan { name, rows, .. }| match rows {
        RowsOf::Records if replaces => format!("grant select, insert, delete on {name} to {role}"),
        RowsOf::Records => format!("grant select, insert, update on {name} to {role}"),
        RowsOf::Entries { .. } if replaces || feed.children == Children::Replace => {
            format!("grant select, insert, delete on {name} to {role}")
        }
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
    // It removes rejects that are older than they are kept, if it is asked to.
    format!("grant select, delete on {} to {role}", feed.plan.rejects().name)
}

fn table_with(table: &TablePlan, key: &[Ident]) -> String {
    let columns = table.columns.iter().map(column);
    let key = (!key.is_empty()).then(|| format!("primary key ({})", listed(key)));
    let lines = columns.chain(key).collect::<Vec<_>>().join(",\n    ");
    format!("create table if not exists {} (\n    {lines}\n)", table.name)
}

/// The statement that adds columns to a table where they are missing.
pub(crate) fn add_columns<'a>(
    table: &TablePlan,
    columns: impl IntoIterator<Item = &'a ColumnPlan>,
) -> String {
    let added = columns.into_iter().map(|it| format!("add column if not exists {}", column(it)));
    format!("alter table {}\n    {}", table.name, added.collect::<Vec<_>>().join(",\n    "))
}

fn column(column: &ColumnPlan) -> String {
    format!("{} {}", column.name, column.data_type)
}
