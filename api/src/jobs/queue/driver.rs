//! How the queue uses our connections.
//!
//! Not by its own driver, which keeps "db error" of what the server says.

use std::any::Any;

use deadpool_postgres::{Object, Pool, PoolError};
use futures::StreamExt;
use futures::future::{join, try_join};
use graphile_worker::{
    DatabaseDriver, DbError, DbExecutor, DbExecutorArg, DbParams, DbRow, DbTransaction,
    Notification, NotificationStream, TransactionDriver,
};
use pipeline::error::causes;
use tokio::sync::broadcast::error::RecvError;
use tokio_postgres::{GenericClient, Statement, ToStatement, Transaction};

use super::values::{boxed, row};
use crate::jobs::listener::{Listener, Notice};

/// Queries on the pool; notifications from the process's one listener, which also tells when a slot
/// has become free, since the queue looks for one entry a slot only when it is told to.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) pool: Pool,
    pub(super) listener: Listener,
}

/// Statements within a transaction of ours.
pub(super) struct Within<'a>(pub(super) &'a Transaction<'a>);

/// A transaction of the queue. Its connection is closed if it is dropped midway, so that the server undoes it.
struct Begun(Option<Object>);

type Answer<'a, T> = futures::future::BoxFuture<'a, Result<T, DbError>>;

/// What the server said, with its code.
fn said(error: &tokio_postgres::Error) -> DbError {
    let text = causes(error).join(": ");
    match error.code() {
        Some(code) => DbError::with_code(text, code.code()),
        None => DbError::new(text),
    }
}

fn no_connection(error: &PoolError) -> DbError {
    match error {
        PoolError::Backend(error) => said(error),
        error => DbError::new(causes(error).join(": ")),
    }
}

async fn execute<T: ToStatement + ?Sized + Send + Sync>(
    client: &(impl GenericClient + Sync),
    sql: &T,
    params: &DbParams,
) -> Result<u64, DbError> {
    let params = boxed(params);
    let params: Vec<_> = params.iter().map(|param| &**param as _).collect();
    client.execute(sql, &params).await.map_err(|error| said(&error))
}

async fn fetch_all<T: ToStatement + ?Sized + Send + Sync>(
    client: &(impl GenericClient + Sync),
    sql: &T,
    params: &DbParams,
) -> Result<Vec<DbRow>, DbError> {
    let params = boxed(params);
    let params: Vec<_> = params.iter().map(|param| &**param as _).collect();
    let rows = client.query(sql, &params).await.map_err(|error| said(&error))?;
    rows.iter().map(row).collect()
}

impl Driver {
    async fn client(&self) -> Result<Object, DbError> {
        self.pool.get().await.map_err(|error| no_connection(&error))
    }

    /// Begins a transaction for one statement that does not wait until the disk has it. If the server crashes just
    /// then, an entry that was taken waits again, or one that was done is found once more, and nothing is left to do.
    async fn begin_unsynced(&self, sql: &str) -> Result<(Begun, Statement), DbError> {
        let begun = Begun(Some(self.client().await?));
        let client = begun.client()?;
        let begin = client.batch_execute("begin; set local synchronous_commit = off");
        let prepared = try_join(begin, client.prepare(sql)).await;
        let ((), statement) = prepared.map_err(|error| said(&error))?;
        Ok((begun, statement))
    }
}

impl DbExecutor for Driver {
    fn execute<'a>(&'a self, sql: &'a str, params: DbParams) -> Answer<'a, u64> {
        Box::pin(async move {
            let (begun, statement) = self.begin_unsynced(sql).await?;
            let client = begun.client()?;
            let done = join(execute(client, &statement, &params), client.batch_execute("commit"));
            let done = done.await;
            begun.end(done)
        })
    }

    fn fetch_all<'a>(&'a self, sql: &'a str, params: DbParams) -> Answer<'a, Vec<DbRow>> {
        Box::pin(async move {
            let (begun, statement) = self.begin_unsynced(sql).await?;
            let client = begun.client()?;
            let done = join(fetch_all(client, &statement, &params), client.batch_execute("commit"));
            let done = done.await;
            begun.end(done)
        })
    }
}

impl DbExecutorArg for Within<'_> {
    fn execute<'a>(&'a mut self, sql: &'a str, params: DbParams) -> Answer<'a, u64> {
        Box::pin(async move { execute(self.0, sql, &params).await })
    }

    fn fetch_all<'a>(&'a mut self, sql: &'a str, params: DbParams) -> Answer<'a, Vec<DbRow>> {
        Box::pin(async move { fetch_all(self.0, sql, &params).await })
    }
}

impl Begun {
    fn client(&self) -> Result<&tokio_postgres::Client, DbError> {
        let client = self.0.as_ref().ok_or_else(|| DbError::new("the transaction has ended"))?;
        Ok(client)
    }

    /// What a statement gave, once it is committed, or undone since it failed.
    fn end<T>(
        mut self,
        (done, committed): (Result<T, DbError>, Result<(), tokio_postgres::Error>),
    ) -> Result<T, DbError> {
        committed.map_err(|error| said(&error))?;
        self.0.take();
        done
    }
}

impl DbExecutor for Begun {
    fn execute<'a>(&'a self, sql: &'a str, params: DbParams) -> Answer<'a, u64> {
        Box::pin(async move { execute(self.client()?, sql, &params).await })
    }

    fn fetch_all<'a>(&'a self, sql: &'a str, params: DbParams) -> Answer<'a, Vec<DbRow>> {
        Box::pin(async move { fetch_all(self.client()?, sql, &params).await })
    }
}

impl TransactionDriver for Begun {
    fn commit(mut self: Box<Self>) -> Answer<'static, ()> {
        Box::pin(async move {
            self.client()?.batch_execute("commit").await.map_err(|error| said(&error))?;
            self.0.take();
            Ok(())
        })
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Object::take(client));
        }
    }
}

impl DatabaseDriver for Driver {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn begin<'a>(&'a self) -> Answer<'a, DbTransaction> {
        Box::pin(async move {
            let client = self.client().await?;
            client.batch_execute("begin").await.map_err(|error| said(&error))?;
            Ok(DbTransaction::new(Box::new(Begun(Some(client)))))
        })
    }

    fn listen<'a>(&'a self, channel: &'a str) -> Answer<'a, Option<NotificationStream>> {
        let told = futures::stream::unfold(self.listener.subscribe(), |mut notices| async {
            loop {
                match notices.recv().await {
                    Ok(Notice::Queue | Notice::Missed) | Err(RecvError::Lagged(_)) => {
                        return Some(((), notices));
                    }
                    Ok(_) => {}
                    Err(RecvError::Closed) => return None,
                }
            }
        });
        let channel = channel.to_owned();
        let told = told
            .map(move |()| Ok(Notification { channel: channel.clone(), payload: String::new() }));
        Box::pin(async { Ok(Some(told.boxed() as NotificationStream)) })
    }
}
