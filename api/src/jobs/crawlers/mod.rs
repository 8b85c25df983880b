//! Crawlers: what they are to do, and how their runs go. Their rows are read and written here, and by
//! the crawls themselves.

mod crawler;
pub(super) mod plan;

use std::ops::ControlFlow;

use chrono::Utc;
use pipeline::catalog::definition::{Definition, Policies};
use serde::{Deserialize, Serialize};
use tokio_postgres::GenericClient;
use tokio_postgres::types::{Json, ToSql};
use utoipa::ToSchema;
use uuid::Uuid;

pub(crate) use self::crawler::{Crawler, CrawlerRun, CrawlerState, PastRun};
pub(crate) use self::plan::{CrawlTarget, CrawlerPlan, holds_nul};
use super::schedule::Schedule;
use super::store::{Store, StoreError, begin, commit, database_failed};
use crate::wire::JobError;

/// The tables of a removed crawler.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct RemovedCrawler {
    /// Tables that were kept in the catalog
    pub(crate) kept: Vec<String>,
    /// Tables that were removed with it
    pub(crate) deleted: Vec<String>,
}

/// Crawlers in order of their names, or the one of a name.
pub(crate) async fn list(
    client: &impl GenericClient,
    name: Option<&str>,
) -> Result<Vec<Crawler>, tokio_postgres::Error> {
    let sql = include_str!("../../../../sql/queries/crawlers.sql");
    Ok(client.query(sql, &[&name]).await?.iter().map(Crawler::from).collect())
}

impl Store {
    /// Writes a crawler that is new, or one that is there; false when it is there, or not.
    pub(crate) async fn define(
        &self,
        definition: &Definition,
        schedule: Option<&Schedule>,
        is_new: bool,
    ) -> Result<bool, StoreError> {
        let sql = if is_new {
            "insert into stevedore.crawlers \
                (name, database, target, on_change, on_delete, schedule, next_run_at) \
                values ($1, $2, $3, $4, $5, $6, $7) on conflict (name) do nothing"
        } else {
            "update stevedore.crawlers set database = $2, target = $3, on_change = $4, \
                on_delete = $5, schedule = $6, next_run_at = $7 where name = $1"
        };
        let Definition { name, database, target, policies: Policies { on_change, on_delete } } =
            definition;
        let text = schedule.map(Schedule::as_str);
        let next = schedule.and_then(|schedule| schedule.next_after(Utc::now()));
        let (on_change, on_delete) = (on_change.as_str(), on_delete.as_str());
        let params: [&(dyn ToSql + Sync); 7] =
            [name, database, &Json(target), &on_change, &on_delete, &text, &next];
        let written = self.client().await?.execute(sql, &params).await;
        Ok(written.map_err(database_failed("define the crawler"))? > 0)
    }

    /// A crawler, if there is one.
    pub(crate) async fn crawler(&self, name: &str) -> Result<Option<Crawler>, StoreError> {
        let found = list(&**self.client().await?, Some(name)).await;
        Ok(found.map_err(database_failed("read the crawler"))?.pop())
    }

    /// All crawlers.
    pub(crate) async fn crawlers(&self) -> Result<Vec<Crawler>, StoreError> {
        let found = list(&**self.client().await?, None).await;
        found.map_err(database_failed("list the crawlers"))
    }

    /// Has a worker run a crawler, and returns the run; none if it is under way, or not there.
    pub(crate) async fn request_crawl(
        &self,
        name: &str,
        by: &str,
    ) -> Result<Option<Uuid>, StoreError> {
        let mut client = self.client().await?;
        let transaction = begin(&mut client).await?;
        let run = self.request_crawl_in(&transaction, name, by).await?;
        commit(transaction).await?;
        Ok(run)
    }

    pub(super) async fn request_crawl_in(
        &self,
        transaction: &tokio_postgres::Transaction<'_>,
        name: &str,
        by: &str,
    ) -> Result<Option<Uuid>, StoreError> {
        let sql = include_str!("../../../../sql/queries/request_crawl.sql");
        let run_id = Uuid::now_v7();
        let row = transaction.query_opt(sql, &[&name, &run_id, &by]).await;
        if row.map_err(database_failed("ask for the crawl"))?.is_none() {
            return Ok(None);
        }
        self.queue().add_crawl(transaction, name, run_id, None).await.map_err(StoreError::Queue)?;
        Ok(Some(run_id))
    }

    /// Hands over runs of a crawler that are older than one, newest first, until `take` has enough.
    pub(crate) async fn crawler_runs(
        &self,
        name: &str,
        (before, limit): (Option<Uuid>, i64),
        mut take: impl FnMut(PastRun) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let sql = "select * from stevedore.crawler_runs \
            where crawler = $1 and ($2::uuid is null or run_id < $2) order by run_id desc limit $3";
        let params: [&(dyn ToSql + Sync); 3] = [&name, &before, &limit];
        self.each("list runs of a crawler", sql, &params, |row| take(row.into())).await
    }

    /// Cancels a run: at once if it waits, else its worker ends it. None if it has ended, is another crawler's, or is
    /// no worker's.
    pub(crate) async fn cancel_crawl(&self, name: &str, run_id: Uuid) -> Result<bool, StoreError> {
        let mut client = self.client().await?;
        let transaction = begin(&mut client).await?;
        let sql = include_str!("../../../../sql/queries/cancel_crawl.sql");
        let error = Json(serde_json::json!({ "error": JobError::crawl_cancelled() }));
        let found = transaction.query_opt(sql, &[&name, &run_id, &error]).await;
        let found = found.map_err(database_failed("cancel a run of a crawler"))?.is_some();
        commit(transaction).await?;
        Ok(found)
    }

    /// Removes a crawler and what it knows of objects, and its tables if they are to go; none while it
    /// crawls.
    pub(crate) async fn remove_crawler(
        &self,
        name: &str,
        with_tables: bool,
    ) -> Result<Option<RemovedCrawler>, StoreError> {
        let failed = || database_failed("remove the crawler");
        let mut client = self.client().await?;
        let transaction = begin(&mut client).await?;
        let lock = "select pg_try_advisory_xact_lock(\
            hashtextextended('stevedore.crawler.' || $1::text, 0))";
        let row = transaction.query_one(lock, &[&name]).await.map_err(failed())?;
        if !row.get::<_, bool>(0) {
            return Ok(None);
        }
        let sql = match with_tables {
            true => "delete from stevedore.catalog_tables where crawler = $1::text returning name",
            false => {
                "select name from stevedore.catalog_tables where crawler = $1::text order by name"
            }
        };
        let rows = transaction.query(sql, &[&name]).await.map_err(failed())?;
        let names = rows.iter().map(|row| row.get(0)).collect();
        let sql = "delete from stevedore.crawlers where name = $1::text";
        transaction.execute(sql, &[&name]).await.map_err(failed())?;
        commit(transaction).await?;
        let (kept, deleted) = if with_tables { (Vec::new(), names) } else { (names, Vec::new()) };
        Ok(Some(RemovedCrawler { kept, deleted }))
    }
}
