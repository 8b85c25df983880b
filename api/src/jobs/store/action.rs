//! What is asked of all jobs that a filter matches: a worker does it, some hundred jobs at a time.

use deadpool_postgres::Transaction;
use pipeline::feed::Feeds;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use super::change::Changes;
use super::read::{JobFilter, WHERE};
use super::{Asked, Store, StoreError, begin, commit, database_failed};
use crate::wire::{Action, JobAction};

/// Jobs that are changed in one transaction.
const AT_ONCE: i64 = 500;

impl Store {
    /// Accepts something that is to be done to all jobs of now that a filter matches.
    pub(crate) async fn submit_action(
        &self,
        action: Action,
        filter: &JobFilter,
        asked: &Asked,
    ) -> Result<JobAction, StoreError> {
        let mut client = self.client().await?;
        let transaction = begin(&mut client).await?;
        // Later jobs have greater ids.
        let action_id = Uuid::now_v7();
        let sql = "insert into stevedore.job_actions \
            (action_id, action, filter, next_before, requested_by, request_id) \
            values ($1, $2, $3, $1, $4, $5) returning *";
        let params: [&(dyn ToSql + Sync); 5] =
            [&action_id, &action.as_str(), &Json(filter), &asked.by, &asked.request_id];
        let row = transaction.query_one(sql, &params).await;
        let action = JobAction::from(&row.map_err(database_failed("write the action"))?);
        self.enqueue_action(&transaction, action_id).await?;
        commit(transaction).await?;
        Ok(action)
    }

    /// An action, if there is one.
    pub(crate) async fn action(&self, action_id: Uuid) -> Result<Option<JobAction>, StoreError> {
        let sql = "select * from stevedore.job_actions where action_id = $1";
        let row = self.client().await?.query_opt(sql, &[&action_id]).await;
        Ok(row.map_err(database_failed("read the action"))?.map(|row| JobAction::from(&row)))
    }

    /// Does some of an action; false when nothing is left.
    pub(in crate::jobs) async fn act(
        &self,
        action_id: Uuid,
        feeds: &Feeds,
    ) -> Result<bool, StoreError> {
        let failed = || database_failed("go on with an action");
        let mut client = self.client().await?;
        let transaction = begin(&mut client).await?;
        let sql = "select action, filter, next_before from stevedore.job_actions \
            where action_id = $1 and finished_at is null for update";
        let Some(row) = transaction.query_opt(sql, &[&action_id]).await.map_err(failed())? else {
            return Ok(false);
        };
        let (action, Json(filter)) = (Action::parse(row.get("action")), row.get("filter"));
        let jobs = matched(&transaction, action, &filter, row.get("next_before")).await?;
        let changed = match action {
            Action::Retry => {
                self.retry_jobs(&transaction, &jobs, feeds, &Changes::default()).await?
            }
            Action::Cancel => cancel_jobs(&transaction, &jobs).await?,
        };
        let sql = "update stevedore.job_actions \
            set changed = changed + $2, next_before = coalesce($3, next_before), \
                finished_at = case when $4 then clock_timestamp() end \
            where action_id = $1";
        let (changed, is_last) = (changed as i64, (jobs.len() as i64) < AT_ONCE);
        let params: [&(dyn ToSql + Sync); 4] = [&action_id, &changed, &jobs.last(), &is_last];
        transaction.execute(sql, &params).await.map_err(failed())?;
        commit(transaction).await?;
        Ok(!is_last)
    }

    /// Leaves an action to another worker.
    pub(in crate::jobs) async fn hand_action_on(&self, action_id: Uuid) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let transaction = begin(&mut client).await?;
        self.enqueue_action(&transaction, action_id).await?;
        commit(transaction).await
    }

    /// Makes jobs wait again; how many did.
    pub(super) async fn retry_jobs(
        &self,
        transaction: &Transaction<'_>,
        jobs: &[Uuid],
        feeds: &Feeds,
        Changes { feed, mode, reload }: &Changes,
    ) -> Result<usize, StoreError> {
        let failed = || database_failed("make jobs wait again");
        // In the order in which a job that ends takes these locks.
        let parents = "select from stevedore.jobs p where p.job_id in \
            (select j.parent_id from stevedore.jobs j where j.job_id = any($1)) \
            order by p.job_id for update";
        transaction.execute(parents, &[&jobs]).await.map_err(failed())?;
        let sql = include_str!("../../../../sql/queries/retry_jobs.sql");
        let hashes = Json(feeds.hashes());
        let params: [&(dyn ToSql + Sync); 5] = [&jobs, &hashes, feed, mode, reload];
        let rows = transaction.query(sql, &params).await;
        let rows = rows.map_err(failed())?;
        let mut alone = Vec::new();
        let mut parents = std::collections::BTreeMap::<Uuid, usize>::new();
        for row in &rows {
            match row.get("parent_id") {
                Some(parent_id) => *parents.entry(parent_id).or_default() += 1,
                None => alone.push((row.get("job_id"), None)),
            }
        }
        self.enqueue(transaction, &alone).await?;
        for (parent_id, children) in parents {
            self.enqueue_all_children(transaction, parent_id, children).await?;
        }
        Ok(rows.len())
    }
}

/// Some of the jobs that a filter matches and that an action may change, newest first.
async fn matched(
    transaction: &Transaction<'_>,
    action: Action,
    filter: &JobFilter,
    before: Uuid,
) -> Result<Vec<Uuid>, StoreError> {
    let can_change = match action {
        Action::Retry => "j.state in ('failed', 'cancelled') and not j.children_created",
        Action::Cancel => "j.state in ('queued', 'running')",
    };
    let sql = format!(
        "select j.job_id from stevedore.jobs j {WHERE} and {can_change} order by j.job_id desc limit $11"
    );
    let labels = filter.labels_json();
    let params =
        filter.params(&labels).into_iter().chain([&before as &(dyn ToSql + Sync), &AT_ONCE]);
    let rows = transaction.query(&sql, &params.collect::<Vec<_>>()).await;
    let rows = rows.map_err(database_failed("look for the jobs of an action"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Cancels jobs and those that belong to them; how many there were.
async fn cancel_jobs(transaction: &Transaction<'_>, jobs: &[Uuid]) -> Result<usize, StoreError> {
    let cancel = include_str!("../../../../sql/queries/cancel.sql");
    let rows = transaction.query(cancel, &[&jobs]).await;
    Ok(rows.map_err(database_failed("cancel jobs"))?.len())
}
