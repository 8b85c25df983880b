//! `/v1/catalog/tables/{name}/records`: some records, as they stand in an object.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use pipeline::catalog::first_records::first_records;
use pipeline::catalog::store::{TableVersion, Tables};
use pipeline::json::records_path::RecordsPath;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::catalog::find;
use super::extract::Path;
use super::problem::{Guarded, Missing, Problem, Unavailable};

/// Records that are shown at most.
const MOST_RECORDS: usize = 10;
/// Characters of a record that are shown at most.
const MOST_CHARACTERS: usize = 4096;

/// Some records of a table of the catalog.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CatalogRecords {
    /// Bucket of the object that they stand in
    bucket: String,
    /// Key of this object
    pub(super) key: String,
    /// The first ten records of the object, each as it stands there, cut behind 4,096 characters
    pub(super) records: Vec<String>,
}

/// Read some records of a table of the catalog
///
/// The first records of one of its objects. Only the beginning of the object is read. Tables of Postgres
/// have none: see `/v1/tables/{table}/rows`.
#[utoipa::path(
    get,
    path = "/v1/catalog/tables/{name}/records",
    operation_id = "list_catalog_records",
    tag = "catalog",
    params(("name" = String, Path, description = "The table's name")),
    responses(
        (status = 200, description = "The records", body = CatalogRecords),
        Guarded,
        Missing,
        Unavailable
    ),
)]
pub(super) async fn records(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<CatalogRecords>, Problem> {
    Ok(Json(first(&app, &find(&app, &name).await?).await?))
}

/// The first records of one of the objects of a table.
pub(super) async fn first(app: &App, found: &TableVersion) -> Result<CatalogRecords, Problem> {
    let client = app.store.client().await?;
    let key = Tables::first_key(&**client, found.table_id).await?;
    drop(client);
    let key = key.ok_or_else(|| {
        let detail = format!("the table {} is not made of objects", found.table.name);
        Problem::not_found("object_not_found", detail)
    })?;
    let bucket = found.table.location.split('/').next().unwrap_or_default().to_owned();
    let object = app.locate(&bucket, &key, None).await?;
    // Paths of the catalog are those of crawlers, which read one array each.
    let path: RecordsPath = found.table.path.parse().unwrap_or_default();
    let texts = first_records(&object, path, MOST_RECORDS).await?;
    let cut = |text: String| text.chars().take(MOST_CHARACTERS).collect();
    Ok(CatalogRecords { bucket, key, records: texts.into_iter().map(cut).collect() })
}
