//! How the queue uses our connections.

use std::any::Any;

use futures::StreamExt;
use graphile_worker::tokio_postgres::TokioPostgresDatabase;
use graphile_worker::{
    DatabaseDriver, DbError, DbExecutor, DbParams, DbRow, DbTransaction, Notification,
    NotificationStream,
};
use tokio::sync::broadcast::error::RecvError;

use crate::jobs::listener::{Listener, Notice};

/// Queries on the pool; notifications from the process's one listener, which also tells when a slot
/// has become free, since the queue looks for one entry a slot only when it is told to.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) inner: TokioPostgresDatabase,
    pub(super) listener: Listener,
}

type Answer<'a, T> = futures::future::BoxFuture<'a, Result<T, DbError>>;

impl DbExecutor for Driver {
    fn execute<'a>(&'a self, sql: &'a str, params: DbParams) -> Answer<'a, u64> {
        DbExecutor::execute(&self.inner, sql, params)
    }

    fn fetch_all<'a>(&'a self, sql: &'a str, params: DbParams) -> Answer<'a, Vec<DbRow>> {
        DbExecutor::fetch_all(&self.inner, sql, params)
    }
}

impl DatabaseDriver for Driver {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn begin<'a>(&'a self) -> Answer<'a, DbTransaction> {
        self.inner.begin()
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
