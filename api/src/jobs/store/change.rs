//! Jobs that are cancelled, or made to wait again.

use std::collections::BTreeMap;

use deadpool_postgres::{GenericClient, Object};
use pipeline::feed::Feeds;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use super::{Store, StoreError, begin, commit, database_failed};
use crate::jobs::queue::CHILDREN_ENTRIES;

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
    /// Calls a job off, and those that it has brought about.
    pub(crate) async fn cancel(&self, job_id: Uuid) -> Result<Changed, StoreError> {
        if self.cancel_where("job_id", job_id).await? == 0 {
            return Ok(Changed::No);
        }
        self.cancel_children(job_id).await?;
        Ok(Changed::Yes)
    }

    /// Calls off what a job over many objects has brought about.
    pub(crate) async fn cancel_children(&self, job_id: Uuid) -> Result<(), StoreError> {
        self.cancel_where("parent_id", job_id).await.map(drop)
    }

    /// Calls jobs off; how many there were.
    async fn cancel_where(&self, column: &str, job_id: Uuid) -> Result<usize, StoreError> {
        let cancel = include_str!("../../../../sql/queries/cancel.sql").replace("{column}", column);
        let rows = self.client().await?.query(&cancel, &[&job_id]).await;
        Ok(rows.map_err(database_failed("cancel the job"))?.len())
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
        while self.retry_some_children(&mut client, job_id, &hashes, changes).await? {}
        finish_parent(&client, job_id).await?;
        Ok(Changed::Yes)
    }

    /// Makes some of the jobs wait again; whether there were any.
    async fn retry_some_children(
        &self,
        client: &mut Object,
        job_id: Uuid,
        hashes: &Json<BTreeMap<String, String>>,
        Changes { feed, mode, reload }: &Changes,
    ) -> Result<bool, StoreError> {
        let failed = || database_failed("make the jobs of the job wait again");
        let transaction = begin(client).await?;
        // The last of those before may have ended it again.
        let running = "update stevedore.jobs set state = 'running', finished_at = null \
            where job_id = $1 and children_created and state <> 'running'";
        transaction.execute(running, &[&job_id]).await.map_err(failed())?;
        let retry = include_str!("../../../../sql/queries/retry_children.sql");
        let params: [&(dyn ToSql + Sync); 5] = [&job_id, hashes, feed, mode, reload];
        let rows = transaction.query(retry, &params).await.map_err(failed())?;
        for number in 0..CHILDREN_ENTRIES.min(rows.len()) {
            self.enqueue_children(&transaction, job_id, number, None).await?;
        }
        commit(transaction).await?;
        Ok(!rows.is_empty())
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
