//! Who works on jobs, as the queue knows them.

use super::{Store, StoreError, database_failed};
use crate::http::WorkerStatus;
use crate::jobs::SILENCE;

impl Store {
    /// The workers, those that are alive first.
    pub(crate) async fn workers(&self) -> Result<Vec<WorkerStatus>, StoreError> {
        let failed = || database_failed("list the workers");
        let sql = include_str!("../../../../sql/queries/workers.sql");
        let rows = self.client().await?.query(sql, &[&SILENCE.as_secs_f64()]).await;
        let status = |row: &tokio_postgres::Row| WorkerStatus {
            worker_id: row.get("worker_id"),
            alive: row.get("alive"),
            started_at: row.get("started_at"),
            last_heartbeat_at: row.get("last_heartbeat_at"),
            process_id: row.get("process_id"),
            running: row.get("running"),
            job_ids: row.get("job_ids"),
            crawlers: row.get("crawlers"),
        };
        Ok(rows.map_err(failed())?.iter().map(status).collect())
    }
}
