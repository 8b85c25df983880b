//! Jobs and their events, as they are in the database.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use chrono::{DateTime, Utc};
use deadpool_postgres::GenericClient;
use serde::{Deserialize, Serialize};
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use super::{Store, StoreError, database_failed};
use crate::wire::{Job, JobAttempt, JobCount, JobEvent, JobState};

/// Events of a job that are read at once.
pub(crate) const EVENTS: i64 = 100;

/// Jobs, and which of them.
const JOBS: &str = include_str!("../../../../sql/queries/jobs.sql");

/// Those that were requested through a feed.
const REQUESTED: &str = include_str!("../../../../sql/queries/jobs_requested.sql");

/// The condition of a filter, with ten parameters: those of [`JobFilter::params`], and which jobs are too new.
pub(super) const WHERE: &str = include_str!("../../../../sql/queries/jobs_where.sql");

/// Which jobs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct JobFilter {
    pub(crate) state: Option<JobState>,
    pub(crate) bucket: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) parent_id: Option<Uuid>,
    pub(crate) feed: Option<String>,
    pub(crate) since: Option<DateTime<Utc>>,
    pub(crate) until: Option<DateTime<Utc>>,
    pub(crate) error_code: Option<String>,
    /// Labels that they must have.
    pub(crate) labels: BTreeMap<String, String>,
}

impl JobFilter {
    /// The labels as the database takes them.
    pub(super) fn labels_json(&self) -> Option<Json<&BTreeMap<String, String>>> {
        (!self.labels.is_empty()).then_some(Json(&self.labels))
    }

    /// The parameters of [`WHERE`], but for the last one.
    pub(super) fn params<'a>(
        &'a self,
        labels: &'a Option<Json<&'a BTreeMap<String, String>>>,
    ) -> Vec<&'a (dyn ToSql + Sync)> {
        vec![
            &self.state,
            &self.bucket,
            &self.key,
            &self.parent_id,
            &self.since,
            &self.until,
            &self.feed,
            &self.error_code,
            labels,
        ]
    }
}

impl Store {
    /// Hands jobs over, newest first, until `take` has enough.
    pub(crate) async fn list(
        &self,
        filter: &JobFilter,
        (before, limit): (Option<Uuid>, i64),
        mut take: impl FnMut(Job) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let labels = filter.labels_json();
        let page: [&(dyn ToSql + Sync); 2] = [&before, &limit];
        let params: Vec<_> = filter.params(&labels).into_iter().chain(page).collect();
        let sql = format!("{JOBS} {WHERE} order by j.job_id desc limit $11");
        self.each("list jobs", &sql, &params, |row| take(row.into())).await
    }

    /// Hands the jobs over that were requested through a feed, newest first, until `take` has enough. Their child jobs are
    /// not among them.
    pub(crate) async fn list_requested(
        &self,
        feed: &str,
        (before, limit): (Option<Uuid>, i64),
        mut take: impl FnMut(Job) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let sql = format!("{JOBS} {REQUESTED}");
        let params: [&(dyn ToSql + Sync); 3] = [&feed, &before, &limit];
        self.each("list the jobs of a feed", &sql, &params, |row| take(row.into())).await
    }

    /// All jobs over one object, counted by state, feed and error code.
    pub(crate) async fn counts(&self) -> Result<Vec<JobCount>, StoreError> {
        let sql = "select state, feed, error_code, count(*) as jobs from stevedore.jobs \
            where key is not null group by state, feed, error_code order by state, feed, error_code";
        let rows = self.client().await?.query(sql, &[]).await;
        let rows = rows.map_err(database_failed("count jobs"))?;
        Ok(rows.iter().map(JobCount::from).collect())
    }

    /// Those of some jobs that are there, in their order.
    pub(crate) async fn some(&self, job_ids: &[Uuid]) -> Result<Vec<Job>, StoreError> {
        let sql = format!("{JOBS} where j.job_id = any ($1) order by j.job_id");
        let rows = self.client().await?.query(&sql, &[&job_ids]).await;
        Ok(rows.map_err(database_failed("read some jobs"))?.iter().map(Job::from).collect())
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
        let failed = || database_failed("read what happened to a job");
        let client = self.client().await?;
        let statement = client.prepare_cached(sql).await.map_err(failed())?;
        let rows = client.query(&statement, &[&job_id, &after, &EVENTS]).await.map_err(failed())?;
        Ok(rows.iter().map(JobEvent::from).collect())
    }

    /// The attempts at a job, in their order.
    pub(crate) async fn attempts(&self, job_id: Uuid) -> Result<Vec<JobAttempt>, StoreError> {
        let sql = include_str!("../../../../sql/queries/attempts.sql");
        let rows = self.client().await?.query(sql, &[&job_id]).await;
        let rows = rows.map_err(database_failed("read the attempts at a job"))?;
        Ok(rows.iter().rev().map(JobAttempt::from).collect())
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
