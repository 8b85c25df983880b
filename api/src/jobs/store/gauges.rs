//! What is watched: numbers of now, by name.

use serde::Deserialize;
use tokio_postgres::types::Json;

use super::{Store, StoreError, database_failed};
use crate::rejects::RejectTables;

/// A number of now.
#[derive(Debug)]
pub(crate) struct Gauge {
    pub(crate) name: String,
    pub(crate) label: Option<String>,
    pub(crate) value: f64,
}

/// Open rejects of a feed with one reason.
#[derive(Debug)]
pub(crate) struct OpenRejects {
    pub(crate) feed: String,
    pub(crate) reason: String,
    pub(crate) rejects: u64,
    /// Where the newest of them are, most first; empty where nobody looked.
    pub(crate) places: Vec<RejectsAtPlace>,
}

/// Rejects that have one place in their records, such as `/items/*/sku`.
#[derive(Debug, Deserialize)]
pub(crate) struct RejectsAtPlace {
    pub(crate) place: String,
    pub(crate) rejects: u64,
}

impl Store {
    /// The numbers of now.
    pub(crate) async fn gauges(&self) -> Result<Vec<Gauge>, StoreError> {
        let sql = include_str!("../../../../sql/queries/gauges.sql");
        let rows = self.client().await?.query(sql, &[]).await;
        let gauge = |row: &tokio_postgres::Row| Gauge {
            name: row.get("name"),
            label: row.get("label"),
            value: row.get("value"),
        };
        Ok(rows.map_err(database_failed("read what is watched"))?.iter().map(gauge).collect())
    }

    /// Open rejects by feed and reason, most first.
    pub(crate) async fn open_rejects(&self) -> Result<Vec<OpenRejects>, StoreError> {
        let sql = "select feed, reason, sum(rejects)::bigint as rejects from stevedore.open_rejects \
            group by feed, reason having sum(rejects) > 0 order by rejects desc, feed, reason limit 200";
        let rows = self.client().await?.query(sql, &[]).await;
        let open = |row: &tokio_postgres::Row| OpenRejects {
            feed: row.get("feed"),
            reason: row.get("reason"),
            rejects: row.get::<_, i64>("rejects").unsigned_abs(),
            places: Vec::new(),
        };
        Ok(rows.map_err(database_failed("count open rejects"))?.iter().map(open).collect())
    }

    /// Open rejects by feed and reason, most first, with their places in the records.
    pub(crate) async fn open_places(
        &self,
        tables: &RejectTables,
    ) -> Result<Vec<OpenRejects>, StoreError> {
        let Some(sql) = tables.places_sql() else { return Ok(Vec::new()) };
        let rows = self.client().await?.query(&sql, &[]).await;
        let open = |row: &tokio_postgres::Row| OpenRejects {
            feed: row.get("feed"),
            reason: row.get("reason"),
            rejects: row.get::<_, i64>("rejects").unsigned_abs(),
            places: row.get::<_, Json<_>>("places").0,
        };
        Ok(rows.map_err(database_failed("group open rejects"))?.iter().map(open).collect())
    }
}
