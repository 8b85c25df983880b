//! `GetDatabase`, `GetDatabases`, `GetTable`, `GetTables`, `GetTableVersions`, `GetPartitions`: the Data Catalog.

mod table;

use pipeline::catalog::store::{TableVersion, Tables};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::page::{Page, token};
use super::{invalid, missing};
use crate::http::App;
use crate::http::answers::Entries;
use crate::http::problem::Problem;
use table::described;

/// Entries of a page at most.
const MOST: u16 = 100;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Database {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TablesOf {
    database_name: String,
    expression: Option<String>,
    #[serde(flatten)]
    page: Page,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TableName {
    database_name: String,
    #[serde(alias = "TableName")]
    name: String,
}

#[derive(Deserialize)]
pub(super) struct VersionsOf {
    #[serde(flatten)]
    table: TableName,
    #[serde(flatten)]
    page: Page,
}

pub(super) async fn database(app: &App, Database { name }: Database) -> Result<Value, Problem> {
    let known = known_databases(app).await?.into_iter().find(|known| known["Name"] == name);
    let known = known.ok_or_else(|| missing(format!("the catalog has no database {name}")))?;
    Ok(json!({ "Database": known }))
}

pub(super) async fn databases(app: &App, page: Page) -> Result<Value, Problem> {
    let known = known_databases(app).await?;
    let (known, next) =
        page.cut(known, MOST, |known| known["Name"].as_str().unwrap_or_default())?;
    Ok(json!({ "DatabaseList": known, "NextToken": next }))
}

async fn known_databases(app: &App) -> Result<Vec<Value>, Problem> {
    let client = app.store.client().await?;
    let found = Tables::databases(&**client).await?.into_iter();
    Ok(found.map(|(name, _)| json!({ "Name": name })).collect())
}

/// The tables of a database, each in its newest version.
pub(super) async fn tables(app: &App, wanted: TablesOf) -> Result<Value, Problem> {
    let TablesOf { database_name, expression, page } = wanted;
    if expression.is_some_and(|expression| !expression.is_empty() && expression != "*") {
        return invalid("Expression is not supported: leave it out, and choose among the names");
    }
    database(app, Database { name: database_name.clone() }).await?;
    let limit = page.limit(MOST)?;
    let (after, found) = (page.after::<String>()?, limit + 1);
    let behind = after.as_ref().map(|_| &database_name);
    let params: [&(dyn ToSql + Sync); 4] = [&database_name, &behind, &after, &found];
    let sql = include_str!("../../../../../sql/queries/catalog_page.sql");
    let mut tables = Entries::new(limit as usize);
    let add = |row: &Row| tables.add(described(&TableVersion::from(row)));
    app.store.each("read the catalog", sql, &params, add).await?;
    let (tables, is_more) = tables.finish();
    let next = tables.last().filter(|_| is_more).and_then(|last| token(&last["Name"]));
    Ok(json!({ "TableList": tables, "NextToken": next }))
}

pub(super) async fn table(app: &App, wanted: TableName) -> Result<Value, Problem> {
    Ok(json!({ "Table": described(&find(app, &wanted).await?) }))
}

/// The versions of a table, newest first.
pub(super) async fn versions(app: &App, wanted: VersionsOf) -> Result<Value, Problem> {
    let VersionsOf { table, page } = wanted;
    let newest = find(app, &table).await?;
    let (limit, after) = (page.limit(MOST)?, page.after::<i32>()?);
    let client = app.store.client().await?;
    let (database, name) = (&newest.table.database, &newest.table.name);
    let mut entries = Entries::new(limit as usize);
    let mut last = None;
    for version in Tables::versions(&**client, database, name).await? {
        if after.is_some_and(|after| version.version >= after) {
            continue;
        }
        let columns = Tables::columns(&**client, database, name, version.version).await?;
        let mut of_version = newest.clone();
        of_version.table.columns = columns.unwrap_or_default();
        (of_version.version, of_version.updated_at) = (version.version, version.created_at);
        let table = described(&of_version);
        let entry = json!({ "VersionId": table["VersionId"], "Table": table });
        if entries.add(entry).is_break() {
            break;
        }
        last = Some(version.version);
    }
    let (versions, is_more) = entries.finish();
    let next = last.filter(|_| is_more).and_then(|last| token(&last));
    Ok(json!({ "TableVersions": versions, "NextToken": next }))
}

/// Our tables have none.
pub(super) async fn partitions(app: &App, wanted: TableName) -> Result<Value, Problem> {
    find(app, &wanted).await?;
    Ok(json!({ "Partitions": [] }))
}

async fn find(app: &App, wanted: &TableName) -> Result<TableVersion, Problem> {
    let TableName { database_name, name } = wanted;
    let client = app.store.client().await?;
    let mut found = Tables::list(&**client, Some(database_name), Some(name)).await?;
    let gone =
        || missing(format!("the database {database_name} of the catalog has no table {name}"));
    found.pop().ok_or_else(gone)
}
