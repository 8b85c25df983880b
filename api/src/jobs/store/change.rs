//! Jobs that are cancelled, or made to wait again.

use deadpool_postgres::{GenericClient, Object};
use pipeline::feed::Feeds;
use tokio_postgres::types::Json;
use uuid::Uuid;

use super::{Store, StoreError, begin, commit, database_failed};

/// Whether a job was cancelled, or made to wait again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changed {
    Yes,
    /// The job is in a state in which that cannot be done.
    No,
}

/// What a job is retried with, where it is not as before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes {
    pub(crate) feed: Option<String>,
    pub(crate) mode: Option<String>,
    pub(crate) reload: Option<bool>,
}

impl Store {
    /// Cancels a job, and those that belong to it.
    pub(crate) async fn cancel(&self, job_id: Uuid) -> Result<Changed, StoreError> {
        let cancel = include_str!("../../../../sql/queries/cancel.sql");
        let rows = self.client().await?.query(cancel, &[&[job_id].as_slice()]).await;
        let rows = rows.map_err(database_failed("cancel the job"))?;
        Ok(if rows.is_empty() { Changed::No } else { Changed::Yes })
    }

    /// Makes a job that ended badly wait again, and those of its jobs, piece by piece. They get these feeds
    /// as they are.
    pub(crate) async fn retry(
        &self,
        job_id: Uuid,
        feeds: &Feeds,
        changes: &Changes,
    ) -> Result<Changed, StoreError> {
        let Changes { feed, mode, reload } = changes;
        let hashes = Json(feeds.hashes());
        let mut client = self.client().await?;
        let transaction = begin(&mut client).await?;
        // In the order in which a job that ends takes these locks.
        let parent = "select from stevedore.jobs p where p.job_id = \
            (select j.parent_id from stevedore.jobs j where j.job_id = $1) for update";
        let failed = || database_failed("make the job wait again");
        transaction.execute(parent, &[&job_id]).await.map_err(failed())?;
        let retry = include_str!("../../../../sql/queries/retry_job.sql");
        let row = transaction.query_opt(retry, &[&job_id, &hashes, feed, mode, reload]).await;
        let Some(row) = row.map_err(failed())? else {
            return Ok(Changed::No);
        };
        if !row.get::<_, bool>("children_created") {
            self.enqueue(&transaction, &[(job_id, None)]).await?;
        }
        commit(transaction).await?;
        let mut after = Uuid::nil();
        while self.retry_some_children(&mut client, job_id, &mut after, feeds, changes).await? {}
        finish_parent(&client, job_id).await?;
        Ok(Changed::Yes)
    }

    /// Makes some of the jobs wait again, those after one; whether there were any.
    async fn retry_some_children(
        &self,
        client: &mut Object,
        job_id: Uuid,
        after: &mut Uuid,
        feeds: &Feeds,
        changes: &Changes,
    ) -> Result<bool, StoreError> {
        let failed = || database_failed("make the jobs of the job wait again");
        let transaction = begin(client).await?;
        // The last of those before may have ended it again.
        let running = "update stevedore.jobs set state = 'running', finished_at = null \
            where job_id = $1 and children_created and state <> 'running'";
        transaction.execute(running, &[&job_id]).await.map_err(failed())?;
        let sql = "select job_id from stevedore.jobs \
            where parent_id = $1 and state in ('failed', 'cancelled') and job_id > $2 \
            order by job_id limit 500";
        let rows = transaction.query(sql, &[&job_id, after]).await.map_err(failed())?;
        let jobs: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
        self.retry_jobs(&transaction, &jobs, feeds, changes).await?;
        commit(transaction).await?;
        *after = jobs.last().copied().unwrap_or_default();
        Ok(!jobs.is_empty())
    }
}

/// Ends a job over many objects whose jobs have all come to their end.
pub(crate) async fn finish_parent(
    client: &impl GenericClient,
    job_id: Uuid,
) -> Result<(), StoreError> {
    let finished = client.execute("select stevedore.finish_parent($1)", &[&job_id]).await;
    finished.map(drop).map_err(database_failed("end the job over many objects"))
}
