//! `/v1/catalog/tables/{name}/versions` and `/diff`: how a table has changed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use pipeline::catalog::diff::diff;
use pipeline::catalog::schema::{ddl, json_schema, tree};
use pipeline::catalog::store::{TableVersion, Tables};
use pipeline::infer::column::Column;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::catalog::find;
use super::extract::{Path, Query};
use super::problem::{Guarded, Missing, Problem, Unavailable, WrongParameter};

/// Which versions to compare.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct DiffParams {
    /// Older version
    pub(super) from: i32,
    /// Newer version
    pub(super) to: i32,
}

/// A version of a table.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TableVersionInfo {
    /// Its number, from 1
    pub(super) version: i32,
    /// How many columns it has
    pub(super) columns: i32,
    /// The crawler that found it
    pub(super) crawler: String,
    /// When it was made
    pub(super) created_at: DateTime<Utc>,
}

/// The versions of a table.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TableVersions {
    /// Newest first
    pub(super) versions: Vec<TableVersionInfo>,
}

/// The columns of a version of a table.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VersionColumns {
    /// The table's name
    name: String,
    /// The version's number
    version: i32,
    /// Its columns in order: name, `data_type`, nullable, and what was seen in them
    #[schema(value_type = Vec<Object>)]
    columns: Vec<Column>,
}

/// Format of a version.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportParams {
    /// `columns` as they are in the catalog, `json_schema`, `ddl` for Postgres, or a `tree`
    #[param(inline)]
    #[serde(default)]
    format: ExportFormat,
}

/// As what a version is exported.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ExportFormat {
    #[default]
    Columns,
    JsonSchema,
    Ddl,
    Tree,
}

/// What changed from one version of a table to another.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TableDiff {
    /// Columns that are `added`, `removed`, `type_changed` or `nullability_changed`
    #[schema(value_type = Vec<Object>)]
    pub(super) changes: Vec<Value>,
}

/// List the versions of a table
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/v1/catalog/tables/{name}/versions",
    operation_id = "list_catalog_versions",
    tag = "catalog",
    params(("name" = String, Path, description = "The table's name")),
    responses(
        (status = 200, description = "The versions", body = TableVersions),
        Guarded,
        Missing,
        Unavailable
    ),
)]
pub(super) async fn versions(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<TableVersions>, Problem> {
    let found = find(&app, &name).await?;
    Ok(Json(TableVersions { versions: versions_of(&app, &found).await? }))
}

/// All versions of a table, newest first.
pub(super) async fn versions_of(
    app: &App,
    TableVersion { table, .. }: &TableVersion,
) -> Result<Vec<TableVersionInfo>, Problem> {
    let client = app.store.client().await?;
    let versions = Tables::versions(&**client, &table.database, &table.name).await?;
    let versions = versions.into_iter().map(|version| TableVersionInfo {
        version: version.version,
        columns: version.columns,
        crawler: version.crawler,
        created_at: version.created_at,
    });
    Ok(versions.collect())
}

/// Show a version of a table
///
/// Its columns as JSON, or an export: JSON Schema as `application/schema+json`, DDL or a tree as text.
#[utoipa::path(
    get,
    path = "/v1/catalog/tables/{name}/versions/{version}",
    operation_id = "show_catalog_version",
    tag = "catalog",
    params(
        ("name" = String, Path, description = "The table's name"),
        ("version" = i32, Path, description = "The version's number"),
        ExportParams
    ),
    responses(
        (
            status = 200,
            description = "The version",
            content(
                (VersionColumns = "application/json"),
                (Value = "application/schema+json"),
                (String = "text/plain")
            )
        ),
        Guarded,
        WrongParameter,
        Missing,
        Unavailable
    ),
)]
pub(super) async fn version(
    State(app): State<Arc<App>>,
    Path((name, version)): Path<(String, i32)>,
    Query(ExportParams { format }): Query<ExportParams>,
) -> Result<Response, Problem> {
    let found = find(&app, &name).await?;
    let columns = columns(&app, &found, version).await?;
    Ok(match format {
        ExportFormat::Columns => Json(VersionColumns { name, version, columns }).into_response(),
        ExportFormat::Ddl => ddl(&name, &columns).into_response(),
        ExportFormat::Tree => tree(&columns).into_response(),
        ExportFormat::JsonSchema => {
            let kind = [(header::CONTENT_TYPE, "application/schema+json")];
            (kind, json_schema(&columns).to_string()).into_response()
        }
    })
}

/// Compare two versions of a table of the catalog
///
/// Names of columns are compared without regard to ASCII case.
#[utoipa::path(
    get,
    path = "/v1/catalog/tables/{name}/diff",
    operation_id = "compare_catalog_table",
    tag = "catalog",
    params(("name" = String, Path, description = "The table's name"), DiffParams),
    responses(
        (status = 200, description = "What changed", body = TableDiff),
        Guarded,
        WrongParameter,
        Missing,
        Unavailable
    ),
)]
pub(super) async fn compare(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(DiffParams { from, to }): Query<DiffParams>,
) -> Result<Json<TableDiff>, Problem> {
    let found = find(&app, &name).await?;
    let before = columns(&app, &found, from).await?;
    let after = columns(&app, &found, to).await?;
    Ok(Json(TableDiff { changes: changes(&before, &after) }))
}

fn changes(before: &[Column], after: &[Column]) -> Vec<Value> {
    diff(before, after).into_iter().filter_map(|change| serde_json::to_value(change).ok()).collect()
}

/// What the newest version of a table changed.
pub(super) async fn newest_changes(
    app: &App,
    newest: &TableVersion,
) -> Result<Vec<Value>, Problem> {
    if newest.version < 2 {
        return Ok(Vec::new());
    }
    let before = columns(app, newest, newest.version - 1).await?;
    Ok(changes(&before, &newest.table.columns))
}

async fn columns(app: &App, found: &TableVersion, version: i32) -> Result<Vec<Column>, Problem> {
    let (database, name) = (&found.table.database, &found.table.name);
    let client = app.store.client().await?;
    let columns = Tables::columns(&**client, database, name, version).await?;
    let missing = || {
        Problem::not_found(
            "version_not_found",
            format!("the table {name} has no version {version}"),
        )
    };
    columns.ok_or_else(missing)
}
