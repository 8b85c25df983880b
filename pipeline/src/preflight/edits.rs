//! What the catalog has seen of a feed's records, beside what the feed declares, and the edits of the feed file
//! that would load all of it.

use std::sync::Arc;

use tokio_postgres::GenericClient;

use crate::catalog::draft::draft;
use crate::catalog::draft::source::read_catalog;
use crate::catalog::store::{TableKind, TableVersion, Tables};
use crate::error::{Error, Result};
use crate::feed::{Feed, Field, Ident, Kind, Reading, RowsOf, Storage, TableName, Type};
use crate::json::path::{JsonPath, Step};
use crate::sink::{ColumnDifference, Edit, TableDifference};

/// Keys of a table's objects that are held against the patterns of a feed.
const KEYS: i64 = 1000;

/// Adds to a comparison of a feed with the database what the catalog has seen, and the edits. `named` is the
/// catalog's table; by default it is the one with most of the feed's fields that has objects of the feed, if
/// there is one that can be read. What that table is called.
///
/// # Errors
/// [`Error::Database`] when the table that is named cannot be read, [`Error::Location`] when there is none.
pub async fn add_catalog(
    client: &impl GenericClient,
    feed: &Feed,
    named: Option<&str>,
    tables: &mut [TableDifference],
) -> Result<Option<String>> {
    let Some(name) = named else {
        let seen = seen(client, feed).await.unwrap_or_else(|error| {
            tracing::debug!(error = error.with_causes(), "compared without the catalog");
            None
        });
        return Ok(seen.map(|(found, drafted)| compare(feed, &found, &drafted, tables)));
    };
    let found = Tables::find(client, name).await?.ok_or_else(|| Error::Location {
        location: name.to_owned(),
        reason: "the catalog has no table of this name".to_owned(),
    })?;
    let drafted = drafted(client, &found).await?;
    Ok(Some(compare(feed, &found, &drafted, tables)))
}

/// The feed that would be drafted from a table of the catalog.
async fn drafted(client: &impl GenericClient, found: &TableVersion) -> Result<Arc<Feed>> {
    Feed::read("draft", &draft(&read_catalog(client, found, None).await?))
}

async fn seen(
    client: &impl GenericClient,
    feed: &Feed,
) -> Result<Option<(TableVersion, Arc<Feed>)>> {
    match find(client, feed).await? {
        Some(found) => {
            let drafted = drafted(client, &found).await?;
            Ok(Some((found, drafted)))
        }
        None => Ok(None),
    }
}

/// The table of the catalog that the objects of a feed are in.
async fn find(client: &impl GenericClient, feed: &Feed) -> Result<Option<TableVersion>> {
    let asked = "select to_regclass('stevedore.catalog_tables') is not null";
    if !client.query_one(asked, &[]).await.map_err(failed)?.get::<_, bool>(0) {
        return Ok(None);
    }
    let mut best = (0, None);
    for found in Tables::list(client, None, None).await? {
        let fields = fields_of(feed, &found);
        if fields > best.0 && has_objects_of(client, feed, &found).await? {
            best = (fields, Some(found));
        }
    }
    Ok(best.1)
}

/// How many fields of a feed a table of objects has.
fn fields_of(feed: &Feed, found: &TableVersion) -> usize {
    if found.table.kind != TableKind::Objects || found.table.path != feed.records.to_string() {
        return 0;
    }
    let has = |field: &&Field| {
        let key = field.path.first();
        key.is_some_and(|key| found.table.columns.iter().any(|column| column.name == *key))
    };
    feed.fields.iter().filter(has).count()
}

async fn has_objects_of(
    client: &impl GenericClient,
    feed: &Feed,
    found: &TableVersion,
) -> Result<bool> {
    if feed.objects.patterns().is_empty() {
        return Ok(true);
    }
    let sql = "select key from stevedore.catalog_objects where table_id = $1 order by key limit $2";
    let rows = client.query(sql, &[&found.table_id, &KEYS]).await.map_err(failed)?;
    let is_of_feed = |key: &str| feed.objects.contain_key(key) || feed.objects.contain_file(key);
    Ok(rows.iter().any(|row| is_of_feed(row.get(0))))
}

fn failed(source: tokio_postgres::Error) -> Error {
    Error::Database { doing: "look for the objects of the feed in the catalog".to_owned(), source }
}

/// Holds a feed against one that was drafted from a table of the catalog, by the paths of their lists and
/// fields. What that table is called.
fn compare(
    feed: &Feed,
    found: &TableVersion,
    drafted: &Feed,
    tables: &mut [TableDifference],
) -> String {
    for (at, plan) in drafted.plan.tables.iter().enumerate() {
        if plan.rows == RowsOf::Rejects {
            continue;
        }
        let lists = lists(drafted, at);
        let declared = (0..tables.len()).find(|table| {
            feed.plan.tables[*table].rows != RowsOf::Rejects && self::lists(feed, *table) == lists
        });
        match declared {
            Some(table) => {
                for field in drafted.fields_of(at) {
                    add_field(feed, table, field, &mut tables[table]);
                }
            }
            None if !is_touched(feed, &lists) => add_table(drafted, at, &mut tables[0]),
            None => {}
        }
    }
    format!("{}, version {}", found.table.name, found.version)
}

/// The paths of the lists that lead to the rows of a table, each from the entries of the one before.
fn lists(feed: &Feed, table: usize) -> Vec<Vec<String>> {
    let (mut lists, mut parent) = (Vec::new(), 0);
    for (at, list) in feed.plan.lists_to(table) {
        lists.push(feed.fields_of(parent)[list].path.clone());
        parent = at;
    }
    lists
}

/// Whether a column of the feed has the value in which the last of these lists is.
fn is_touched(feed: &Feed, lists: &[Vec<String>]) -> bool {
    (0..lists.len()).any(|depth| {
        let mut tables = 0..feed.plan.tables.len();
        let table = tables.find(|table| self::lists(feed, *table) == lists[..depth]);
        let is_above = |field: &Field| lists[depth].starts_with(&field.path);
        let fields = table.map(|table| feed.fields_of(table)).unwrap_or_default();
        fields.iter().any(|field| matches!(field.kind, Kind::Value(..)) && is_above(field))
    })
}

/// Adds a field that the catalog has seen to the row of the column that has it, or as a row of its own.
fn add_field(feed: &Feed, table: usize, seen: &Field, difference: &mut TableDifference) {
    let Kind::Value(data_type, _) = &seen.kind else {
        return;
    };
    let fields = feed.fields_of(table);
    let same = fields.iter().position(|field| field.path == seen.path);
    let has =
        |field: &Field| field.path.starts_with(&seen.path) || seen.path.starts_with(&field.path);
    match same.map(|field| (field, &fields[field].kind)) {
        Some((field, Kind::Value(declared, reading))) => {
            let plan = &feed.plan.tables[table];
            let column =
                plan.columns.iter().find(|it| it.source.field(table) == Some((table, field)));
            if let Some(column) = column {
                let column = (&plan.name, &column.name);
                add_seen(column, (declared, *reading), seen, data_type, difference);
            }
        }
        None if !fields.iter().any(has) => add_column(feed, table, seen, data_type, difference),
        _ => {}
    }
}

/// Adds what the catalog has seen to the row of a column of the feed, and the edit if the column does not take
/// all of it.
fn add_seen(
    (table, column): (&TableName, &Ident),
    (declared, reading): (&Type, Reading),
    seen: &Field,
    data_type: &Type,
    difference: &mut TableDifference,
) {
    let rows = &mut difference.columns;
    let Some(row) = rows.iter_mut().find(|row| row.column == column.as_str()) else {
        return;
    };
    row.catalog = Some(data_type.to_string());
    if holds(declared, reading, data_type) {
        return;
    }
    let problem = format!("the catalog has values that are not {}", declared.expected());
    row.problem =
        Some(row.problem.take().map_or(problem.clone(), |first| format!("{first}; {problem}")));
    difference.edits.push(Edit {
        table: difference.table.clone(),
        feed: line(column, seen, data_type),
        sql: Some(format!(
            "alter table {table} alter column {column} type {data_type} using {column}::{data_type}"
        )),
    });
}

/// Adds a field that the feed does not have.
fn add_column(
    feed: &Feed,
    table: usize,
    seen: &Field,
    data_type: &Type,
    difference: &mut TableDifference,
) {
    let (plan, mut name) = (&feed.plan.tables[table], seen.column.clone());
    while plan.writes(&name) {
        name.push_str("_2");
    }
    let Ok(column) = name.parse::<Ident>() else {
        return;
    };
    let sql = format!("alter table {} add column if not exists {column} {data_type}", plan.name);
    match difference.columns.iter_mut().find(|row| row.column == name) {
        Some(row) => row.catalog = Some(data_type.to_string()),
        None => difference.columns.push(ColumnDifference {
            column: name,
            feed: None,
            catalog: Some(data_type.to_string()),
            database: None,
            problem: Some("the feed does not have it".to_owned()),
        }),
    }
    let feed = line(&column, seen, data_type);
    difference.edits.push(Edit { table: difference.table.clone(), feed, sql: Some(sql) });
}

/// Adds the edit for a list that the feed does not have.
fn add_table(drafted: &Feed, at: usize, difference: &mut TableDifference) {
    let plan = &drafted.plan.tables[at];
    let steps = lists(drafted, at)
        .into_iter()
        .flat_map(|list| list.into_iter().map(Step::Field).chain([Step::Each]));
    let each = JsonPath::of(&steps.collect::<Vec<_>>());
    let mut lines = vec!["[[table]]".to_owned()];
    lines.push(format!("name = {}", quoted(&plan.name.plain())));
    lines.push(format!("each = {}", quoted(&each.to_string())));
    lines.extend(plan.position.iter().map(|it| format!("position = {}", quoted(it.as_str()))));
    lines.push("[table.columns]".to_owned());
    for field in drafted.fields_of(at) {
        if let (Kind::Value(data_type, _), Ok(column)) = (&field.kind, field.column.parse()) {
            lines.push(line(&column, field, data_type));
        }
    }
    let feed = lines.join("\n");
    difference.edits.push(Edit { table: plan.name.plain(), feed, sql: None });
}

/// The line of a feed file that declares a column.
fn line(column: &Ident, seen: &Field, data_type: &Type) -> String {
    let (path, name) = (seen.json_path().to_string(), column.as_str());
    let path = match path == format!("$.{name}") {
        true => String::new(),
        false => format!("path = {}, ", quoted(&path)),
    };
    format!("{name} = {{ {path}type = {} }}", quoted(&data_type.to_string()))
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Whether a column of the feed takes what the catalog has seen, as far as types tell.
fn holds(declared: &Type, reading: Reading, seen: &Type) -> bool {
    match (declared, seen) {
        // Any value is text, and nothing is known of what has no type of its own.
        (Type::Text | Type::Varchar(_), other) => other.storage() != Storage::List,
        (Type::Jsonb, _) | (_, Type::Jsonb) => true,
        (Type::Array(declared), Type::Array(seen)) => holds(declared, reading, seen),
        (Type::Array(_), _) | (_, Type::Array(_)) => false,
        (Type::Bytea, Type::Text) => true,
        (Type::Timestamp | Type::Timestamptz, Type::BigInt) => reading.unit.is_some(),
        (Type::Numeric(_), other) if other.takes("integer") => true,
        (other, Type::Text) => reading.from_strings && other.takes("integer"),
        _ if declared.storage() == Storage::Float => seen.takes("integer"),
        _ => declared.storage() == seen.storage(),
    }
}
