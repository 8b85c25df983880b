//! `/v1/catalog`: the tables that crawlers have found.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use pipeline::catalog::store::{TableVersion, Tables};
use pipeline::infer::column::Column;
use serde::{Deserialize, Serialize};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::answers::Entries;
use super::extract::{Path, check_text};
use super::page::{Filter, Page, finish};
use super::problem::{Guarded, Missing, Problem, Unavailable, WrongParameter};

/// A table of the catalog.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CatalogTable {
    /// Database of the catalog
    pub(super) database: String,
    /// Its name there
    pub(super) name: String,
    /// `active`, or `deprecated` when its objects are gone
    pub(super) state: String,
    /// Its newest version
    pub(super) version: i32,
    /// Where it is: a bucket with the folder of its objects, or with the key of its only one
    pub(super) location: String,
    /// URL of this place; none in Postgres, and where the crawler was removed
    pub(super) url: Option<String>,
    /// Path of its records in their documents
    pub(super) path: String,
    /// Kind of data: `json` or `postgres`
    pub(super) classification: String,
    /// Format of the records, if it is the same in all objects
    pub(super) format: Option<String>,
    /// Compression, if it is the same in all objects
    pub(super) compression: Option<String>,
    /// Its objects
    pub(super) objects: Option<i64>,
    /// Records or rows that were read
    pub(super) records: Option<i64>,
    /// Its size
    pub(super) bytes: Option<i64>,
    /// Whether only a part was read
    pub(super) sampled: bool,
    /// The crawler that found it
    pub(super) crawler: String,
    /// When the version was made
    pub(super) updated_at: DateTime<Utc>,
    /// When the table was last found
    pub(super) crawled_at: DateTime<Utc>,
    /// Its columns in order: name, `data_type`, nullable, and what was seen in them
    #[schema(value_type = Vec<Object>)]
    pub(super) columns: Vec<Column>,
}

/// The tables of the catalog.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CatalogTables {
    /// In order of their databases and names
    pub(super) tables: Vec<CatalogTable>,
    /// Where to go on; none on the last page
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_cursor: Option<String>,
}

/// Which tables to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct TableParams {
    /// Only tables of this database of the catalog
    database: Option<String>,
    /// `next_cursor` of the page before
    cursor: Option<String>,
    /// Tables of a page
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u16>,
}

impl Filter for TableParams {
    type Place = (String, String);

    fn page(&self) -> (Option<&str>, Option<u16>) {
        (self.cursor.as_deref(), self.limit)
    }
}

/// A database of the catalog.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CatalogDatabase {
    /// Its name
    name: String,
    /// How many tables it has
    tables: i64,
}

/// The databases of the catalog.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CatalogDatabases {
    /// In order of their names
    databases: Vec<CatalogDatabase>,
}

/// List the tables of the catalog
///
/// Each table in its newest version. A page ends at 1 MiB, so it may have fewer tables than `limit`.
#[utoipa::path(
    get,
    path = "/v1/catalog/tables",
    operation_id = "list_catalog_tables",
    tag = "catalog",
    params(TableParams),
    responses(
        (status = 200, description = "The tables", body = CatalogTables),
        Guarded,
        WrongParameter,
        Unavailable
    ),
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    page: Page<TableParams>,
) -> Result<Json<CatalogTables>, Problem> {
    let (limit, found) = (page.limit, page.one_more());
    let params = page.filter;
    check_text("database", params.database.as_deref())?;
    let (database, name) = page.after.unzip();
    check_text("cursor", database.as_deref())?;
    check_text("cursor", name.as_deref())?;
    let params: [&(dyn ToSql + Sync); 4] = [&params.database, &database, &name, &found];
    let sql = include_str!("../../../sql/queries/catalog_page.sql");
    let mut tables = Entries::new(limit as usize);
    let add = |row: &Row| tables.add(CatalogTable::from(TableVersion::from(row)));
    app.store.each("read the catalog", sql, &params, add).await?;
    let place = |table: &CatalogTable| (table.database.clone(), table.name.clone());
    let (tables, next_cursor) = finish(tables, place);
    Ok(Json(CatalogTables { tables, next_cursor }))
}

/// Show a table of the catalog
///
/// Its newest version, with the values that were seen in each column.
#[utoipa::path(
    get,
    path = "/v1/catalog/tables/{name}",
    operation_id = "show_catalog_table",
    tag = "catalog",
    params(("name" = String, Path, description = "The table's name")),
    responses(
        (status = 200, description = "The table", body = CatalogTable),
        Guarded,
        Missing,
        Unavailable
    ),
)]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<CatalogTable>, Problem> {
    Ok(Json(find(&app, &name).await?.into()))
}

/// List the databases of the catalog
///
/// Each with its number of tables.
#[utoipa::path(
    get,
    path = "/v1/catalog/databases",
    operation_id = "list_catalog_databases",
    tag = "catalog",
    responses(
        (status = 200, description = "The databases", body = CatalogDatabases),
        Guarded,
        Unavailable
    ),
)]
pub(super) async fn databases(
    State(app): State<Arc<App>>,
) -> Result<Json<CatalogDatabases>, Problem> {
    let client = app.store.client().await?;
    let found = Tables::databases(&**client).await?;
    let databases = found.into_iter().map(|(name, tables)| CatalogDatabase { name, tables });
    Ok(Json(CatalogDatabases { databases: databases.collect() }))
}

/// The newest version of a table.
pub(super) async fn find(app: &App, name: &str) -> Result<TableVersion, Problem> {
    let missing =
        || Problem::not_found("table_not_found", format!("the catalog has no table {name}"));
    if name.contains('\0') {
        return Err(missing());
    }
    let client = app.store.client().await?;
    Tables::list(&**client, None, Some(name)).await?.pop().ok_or_else(missing)
}

impl From<TableVersion> for CatalogTable {
    fn from(found: TableVersion) -> Self {
        let table = found.table;
        Self {
            database: table.database,
            name: table.name,
            state: found.state,
            version: found.version,
            location: table.location,
            url: found.url,
            path: table.path,
            classification: table.classification,
            format: table.format,
            compression: table.compression,
            objects: table.objects,
            records: table.records,
            bytes: table.bytes,
            sampled: table.sampled,
            crawler: table.crawler,
            updated_at: found.updated_at,
            crawled_at: found.crawled_at,
            columns: table.columns,
        }
    }
}
