//! Jobs and their events, as they are in the database.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use chrono::{DateTime, Utc};
use deadpool_postgres::GenericClient;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{Store, StoreError, database_failed};
use crate::wire::{Job, JobEvent, JobState};

/// Events of a job that are read at once.
pub(crate) const EVENTS: i64 = 100;

/// Jobs, and which of them.
const JOBS: &str = include_str!("../../../../sql/queries/jobs.sql");

const LISTED: &str = include_str!("../../../../sql/queries/jobs_filter.sql");

/// Which jobs to list.
#[derive(Debug, Clone, Default)]
pub(crate) struct JobFilter {
    pub(crate) state: Option<JobState>,
    pub(crate) bucket: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) parent_id: Option<Uuid>,
    pub(crate) feed: Option<String>,
    pub(crate) since: Option<DateTime<Utc>>,
    pub(crate) until: Option<DateTime<Utc>>,
    /// Only jobs older than this one.
    pub(crate) before: Option<Uuid>,
    pub(crate) limit: i64,
}

impl Store {
    /// Hands jobs over, newest first, until `take` has enough.
    pub(crate) async fn list(
        &self,
        filter: &JobFilter,
        mut take: impl FnMut(Job) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let params: [&(dyn ToSql + Sync); 9] = [
            &filter.state.map(JobState::as_str),
            &filter.bucket,
            &filter.key,
            &filter.parent_id,
            &filter.since,
            &filter.until,
            &filter.before,
            &filter.limit,
            &filter.feed,
        ];
        self.each("list jobs", &format!("{JOBS} {LISTED}"), &params, |row| take(row.into())).await
    }

    /// A job, if there is one.
    pub(crate) async fn get(&self, job_id: Uuid) -> Result<Option<Job>, StoreError> {
        find(&self.client().await?, job_id).await
    }

    /// What happened to a job after an event: the next things, [`EVENTS`] at most.
    pub(crate) async fn events(
        &self,
        job_id: Uuid,
        after: i64,
    ) -> Result<Vec<JobEvent>, StoreError> {
        let sql = "select event_id, at, state, attempt, error from stevedore.job_events \
            where job_id = $1 and event_id > $2 order by event_id limit $3";
        let rows = self.client().await?.query(sql, &[&job_id, &after, &EVENTS]).await;
        Ok(rows
            .map_err(database_failed("read what happened to a job"))?
            .iter()
            .map(JobEvent::from)
            .collect())
    }

    /// How many jobs over one object wait or run.
    pub(crate) async fn live(&self) -> Result<BTreeMap<String, i64>, StoreError> {
        let sql = "select state, count(*) from stevedore.jobs \
            where state in ('queued', 'running') and not children_created group by state";
        let rows = self.client().await?.query(sql, &[]).await;
        let rows = rows.map_err(database_failed("count the jobs that wait"))?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }
}

/// A job, if there is one, as a connection or transaction sees it.
pub(crate) async fn find(
    client: &impl GenericClient,
    job_id: Uuid,
) -> Result<Option<Job>, StoreError> {
    let failed = || database_failed("read the job");
    let sql = format!("{JOBS} where j.job_id = $1");
    let statement = client.prepare_cached(&sql).await.map_err(failed())?;
    let row = client.query_opt(&statement, &[&job_id]).await;
    Ok(row.map_err(failed())?.map(|row| Job::from(&row)))
}
