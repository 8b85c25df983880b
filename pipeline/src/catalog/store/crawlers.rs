//! The rows of crawlers, as far as crawls need them.

use serde::Serialize;
use tokio_postgres::GenericClient;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use super::failed;
use crate::catalog::definition::Definition;
use crate::error::{Error, Result};

/// The crawlers.
#[derive(Debug)]
pub struct Crawlers;

impl Crawlers {
    /// Writes what a crawler is to do, in place of what it was to do.
    ///
    /// # Errors
    /// Those of [`Target::check`](crate::catalog::definition::Target::check), and [`Error::Database`].
    pub async fn define(client: &impl GenericClient, definition: &Definition) -> Result<()> {
        definition.target.check()?;
        let sql = include_str!("../../../../sql/queries/define_crawler.sql");
        let Definition { name, database, target, policies } = definition;
        let (on_change, on_delete) = (policies.on_change.as_str(), policies.on_delete.as_str());
        let params: [&(dyn ToSql + Sync); 5] =
            [name, database, &Json(target), &on_change, &on_delete];
        let written = client.execute(sql, &params).await;
        written.map(drop).map_err(failed("define the crawler"))
    }

    /// What a crawler is to do.
    ///
    /// # Errors
    /// [`Error::NoCrawler`] and [`Error::Database`].
    pub async fn get(client: &impl GenericClient, name: &str) -> Result<Definition> {
        let sql = "select jsonb_build_object('name', name, 'database', database, 'target', target, \
            'on_change', on_change, 'on_delete', on_delete) \
            from stevedore.crawlers where name = $1::text";
        let row = client.query_opt(sql, &[&name]).await;
        let row = row.map_err(failed("read what the crawler is to do"))?;
        let missing = || Error::NoCrawler { crawler: name.to_owned() };
        Ok(row.ok_or_else(missing)?.get::<_, Json<Definition>>(0).0)
    }

    /// Takes a crawler's lock, which goes with the connection if nobody gives it back, and notes where
    /// its bucket really is.
    pub(in crate::catalog) async fn begin(
        client: &impl GenericClient,
        name: &str,
        run_id: Uuid,
        origin: Option<&str>,
    ) -> Result<()> {
        let failed = || failed("begin the crawl");
        let sql =
            "select pg_try_advisory_lock(hashtextextended('stevedore.crawler.' || $1::text, 0))";
        let row = client.query_one(sql, &[&name]).await.map_err(failed())?;
        if !row.get::<_, bool>(0) {
            return Err(Error::Busy { crawler: name.to_owned() });
        }
        // A run that nobody asked a worker for takes the place of one that still waits for a worker.
        let sql = "update stevedore.crawlers set state = 'running', run_id = $2, progress = null, origin = $3::text, \
            requested_by = case when run_id = $2 then requested_by end, \
            queued_at = case when run_id = $2 then queued_at end, \
            started_at = clock_timestamp(), finished_at = null where name = $1::text";
        match client.execute(sql, &[&name, &run_id, &origin]).await.map_err(failed())? {
            0 => Err(Error::NoCrawler { crawler: name.to_owned() }),
            _ => Ok(()),
        }
    }

    /// Notes how a crawl went, and gives the lock back.
    pub(in crate::catalog) async fn end<R: Serialize>(
        client: &impl GenericClient,
        name: &str,
        crawled: Result<&R, &Error>,
    ) -> Result<()> {
        let last = match crawled {
            Ok(report) => serde_json::to_value(report).unwrap_or_default(),
            Err(error) => serde_json::json!({ "error": {
                "code": error.code(),
                "detail": error.to_string(),
                "retryable": error.is_transient(),
            } }),
        };
        let sql = "with done as (update stevedore.crawlers \
            set state = 'ready', last_run = $2, finished_at = clock_timestamp() \
            where name = $1::text returning name) \
            select pg_advisory_unlock(hashtextextended('stevedore.crawler.' || name, 0)) from done";
        let ended = client.query(sql, &[&name, &Json(last)]).await;
        ended.map(drop).map_err(failed("note how the crawl went"))
    }
}
