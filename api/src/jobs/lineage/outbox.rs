//! Events that are to be sent, and what comes of it: many at a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::join_all;
use tokio_postgres::Row;
use uuid::Uuid;

use super::Lineage;
use crate::jobs::store::{Store, StoreError, database_failed};
use crate::jobs::webhooks::{Answer, PAUSES};
use crate::jobs::worker::Worker;
use crate::metrics;
use crate::wire::{Job, JobState};

/// Longest time between two looks for events.
const LOOK: Duration = Duration::from_secs(1);
/// How long a receiver is left alone that took none of many events.
const REST: Duration = Duration::from_secs(10);
/// Events that are taken at once.
const AT_ONCE: i64 = 100;

/// An event that is to be sent.
pub(super) struct Due {
    event_id: i64,
    job_id: Uuid,
    pub(super) state: JobState,
    pub(super) at: DateTime<Utc>,
    /// The feed of the job's parent.
    pub(super) parent_feed: Option<String>,
}

/// What came of events.
#[derive(Default)]
struct Sent {
    delivered: Vec<i64>,
    failed: Vec<(i64, Answer)>,
}

impl Worker {
    /// Sends events when their time has come, for ever.
    pub(in crate::jobs) async fn send_lineage(self: Arc<Self>) {
        let Some(lineage) = &self.settings.lineage else {
            return;
        };
        loop {
            let pause = match self.send_events(lineage).await {
                Ok(Sent { delivered, .. }) if !delivered.is_empty() => continue,
                Ok(Sent { failed, .. }) if failed.is_empty() => LOOK,
                Ok(_) => REST,
                Err(error) => {
                    tracing::debug!(%error, "events of lineage cannot be looked at");
                    REST
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Sends some events, those of a job in their order, and notes what came of them.
    async fn send_events(&self, lineage: &Lineage) -> Result<Sent, StoreError> {
        let due = self.store.due_lineage().await?;
        let job_ids: Vec<Uuid> = due.iter().map(|due| due.job_id).collect();
        let mut of_jobs: BTreeMap<Uuid, Vec<Due>> = BTreeMap::new();
        for due in due {
            of_jobs.entry(due.job_id).or_default().push(due);
        }
        let jobs = self.store.some(&job_ids).await?;
        let sent = jobs.iter().filter_map(|job| {
            let events = of_jobs.remove(&job.job_id)?;
            Some(self.send_of_job(lineage, job, events).boxed())
        });
        let mut all = Sent::default();
        for sent in join_all(sent.collect::<Vec<_>>()).await {
            all.delivered.extend(sent.delivered);
            all.failed.extend(sent.failed);
        }
        if let Some((_, answer)) = all.failed.last() {
            let (events, error) = (all.failed.len(), &answer.error);
            tracing::warn!(events, error, "events of lineage were not delivered");
        }
        metrics::lineage_sent(all.delivered.len(), all.failed.len());
        self.store.note_lineage(&all).await?;
        Ok(all)
    }

    async fn send_of_job(&self, lineage: &Lineage, job: &Job, events: Vec<Due>) -> Sent {
        let mut sent = Sent::default();
        for due in events {
            let answer = lineage.send(&due, job, &self.buckets, &self.feeds).await;
            match answer.error {
                None => sent.delivered.push(due.event_id),
                // Its later events wait with it.
                Some(_) => {
                    sent.failed.push((due.event_id, answer));
                    break;
                }
            }
        }
        sent
    }
}

impl Store {
    /// Takes events whose time has come.
    async fn due_lineage(&self) -> Result<Vec<Due>, StoreError> {
        let sql = include_str!("../../../../sql/queries/claim_lineage.sql");
        let rows = self.client().await?.query(sql, &[&PAUSES.as_slice(), &AT_ONCE]).await;
        let due = |row: &Row| Due {
            event_id: row.get("event_id"),
            job_id: row.get("job_id"),
            state: JobState::parse(row.get("state")),
            at: row.get("created_at"),
            parent_feed: row.get("parent_feed"),
        };
        Ok(rows.map_err(database_failed("look for events of lineage"))?.iter().map(due).collect())
    }

    /// Removes the events that were delivered, and notes why the others were not.
    async fn note_lineage(&self, Sent { delivered, failed }: &Sent) -> Result<(), StoreError> {
        let doing = || database_failed("note what came of events of lineage");
        let client = self.client().await?;
        if !delivered.is_empty() {
            let sql = "delete from stevedore.lineage_events where event_id = any ($1)";
            client.execute(sql, &[delivered]).await.map_err(doing())?;
        }
        if !failed.is_empty() {
            let ids: Vec<i64> = failed.iter().map(|(event_id, _)| *event_id).collect();
            let answers = || failed.iter().map(|(_, answer)| answer);
            let statuses: Vec<_> = answers().map(|answer| answer.status.map(i32::from)).collect();
            let errors: Vec<_> = answers().map(|answer| answer.error.as_deref()).collect();
            let are_final: Vec<_> = answers().map(|answer| answer.is_final).collect();
            let sql = include_str!("../../../../sql/queries/note_lineage.sql");
            let noted = client.execute(sql, &[&ids, &statuses, &errors, &are_final]).await;
            noted.map_err(doing())?;
        }
        Ok(())
    }
}
