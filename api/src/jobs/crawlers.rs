//! Crawlers: what they are to do, and how their runs go. Their rows are read and written here, and by
//! the crawls themselves.

use chrono::{DateTime, Utc};
use pipeline::catalog::crawler::DEFAULT_DATABASE;
use pipeline::catalog::definition::{Definition, Policies, Target};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use tokio_postgres::types::{Json, ToSql};
use tokio_postgres::{GenericClient, Row};
use utoipa::ToSchema;
use uuid::Uuid;

use super::schedule::Schedule;
use super::store::{Store, StoreError, begin, commit, database_failed};
use crate::wire::JobError;
use crate::wire::{ChangePolicy, DeletePolicy};

/// Most records of an object in a sample, and most objects that are read at the same time.
const MOST_SAMPLED: u32 = 1_000_000_000;
const MOST_PARALLEL: u8 = 64;

/// What a crawler is to do, and when.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CrawlerPlan {
    /// Database of the catalog for its tables
    #[serde(default = "CrawlerPlan::default_database")]
    #[schema(default = "default", min_length = 1)]
    pub(crate) database: String,
    /// What to crawl
    pub(crate) target: CrawlTarget,
    /// What to do with a table whose columns changed. `update` makes a new version. `add_columns` makes
    /// one that keeps the known columns. `log` only reports the changes
    #[serde(default)]
    pub(crate) on_change: ChangePolicy,
    /// What to do with a table that is no longer found. `deprecate` marks it. `delete` removes it with its
    /// versions. `log` only reports it
    #[serde(default)]
    pub(crate) on_delete: DeletePolicy,
    /// Schedule as five fields of cron, in UTC; null to run only on request
    #[serde(default)]
    #[schema(example = "0 3 * * *")]
    pub(crate) schedule: Option<String>,
}

/// What to crawl.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum CrawlTarget {
    /// The objects of a bucket
    Objects {
        /// The configured bucket
        #[schema(example = "microservice-hw")]
        bucket: String,
        /// Only objects whose key begins with this text
        #[serde(default)]
        prefix: String,
        /// Only objects whose whole key matches one of these patterns; empty for all
        #[serde(default)]
        include: Vec<String>,
        /// No objects whose whole key matches one of these patterns
        #[serde(default)]
        exclude: Vec<String>,
        /// Where the records are in a document, as JsonPaths (`$`, `$[*]`, `$.a.b[*]`). The first that leads
        /// to records is used. Empty for `$`
        #[serde(default)]
        paths: Vec<String>,
        /// Records to read of each object; null for all
        #[serde(default, deserialize_with = "whole")]
        #[schema(minimum = 1, maximum = 1000000000)]
        sample: Option<u32>,
        /// Objects to read at the same time; null for one for each processor of the worker
        #[serde(default, deserialize_with = "whole")]
        #[schema(minimum = 1, maximum = 64)]
        parallel: Option<u8>,
    },
    /// The tables of the database that holds the catalog
    Postgres {
        /// The schemas to crawl
        #[serde(default = "public")]
        schemas: Vec<String>,
        /// Only tables whose name matches one of these patterns, alone or as schema.table; empty for all
        #[serde(default)]
        include: Vec<String>,
        /// No tables whose name matches one of these patterns
        #[serde(default)]
        exclude: Vec<String>,
    },
}

/// A whole number, which JSON may write as `5.0` too.
fn whole<'de, D: Deserializer<'de>, T: TryFrom<u32>>(number: D) -> Result<Option<T>, D::Error> {
    let Some(number) = Option::<f64>::deserialize(number)? else {
        return Ok(None);
    };
    let is_whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
    let whole = is_whole.then(|| T::try_from(number as u32).ok()).flatten();
    whole.map(Some).ok_or_else(|| D::Error::custom("expected a whole number in the range"))
}

fn public() -> Vec<String> {
    vec!["public".to_owned()]
}

/// State of a crawler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CrawlerState {
    /// It does nothing until it is requested or due.
    Ready,
    /// It waits for a worker.
    Queued,
    /// It is crawling.
    Running,
}

impl CrawlerState {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Queued => "queued",
            Self::Running => "running",
        }
    }
}

/// A crawler.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Crawler {
    /// Its name
    pub(crate) name: String,
    /// State of the crawler
    pub(crate) state: CrawlerState,
    /// Database of the catalog for its tables
    pub(crate) database: String,
    /// What it crawls: see `CrawlTarget`
    #[schema(value_type = Object)]
    pub(crate) target: Value,
    /// What happens to a table whose columns changed
    pub(crate) on_change: ChangePolicy,
    /// What happens to a table that is no longer found
    pub(crate) on_delete: DeletePolicy,
    /// Schedule as five fields of cron, in UTC
    pub(crate) schedule: Option<String>,
    /// When it is due next
    pub(crate) next_run_at: Option<DateTime<Utc>>,
    /// The queued, running or last run
    pub(crate) last_run: Option<CrawlerRun>,
}

/// A run of a crawler.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct CrawlerRun {
    /// The run's id
    pub(crate) run_id: Option<Uuid>,
    /// The name of the API key that requested it, or `schedule`; null for `stevedore crawl`
    pub(crate) requested_by: Option<String>,
    /// When it was requested
    pub(crate) queued_at: Option<DateTime<Utc>>,
    /// When it began
    pub(crate) started_at: Option<DateTime<Utc>>,
    /// When it ended
    pub(crate) finished_at: Option<DateTime<Utc>>,
    /// Progress over objects: how many are listed, read and unchanged, with records and bytes
    #[schema(value_type = Option<Object>)]
    pub(crate) progress: Option<Value>,
    /// Report, as `stevedore crawl --json` prints it
    #[schema(value_type = Option<Object>)]
    pub(crate) report: Option<Value>,
    /// Why it failed
    pub(crate) error: Option<JobError>,
}

/// The tables of a removed crawler.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct RemovedCrawler {
    /// Tables that were kept in the catalog
    pub(crate) kept: Vec<String>,
    /// Tables that were removed with it
    pub(crate) deleted: Vec<String>,
}

/// Why a plan cannot be carried out, as a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongPlan(pub(crate) String);

impl CrawlerPlan {
    pub(crate) fn default_database() -> String {
        DEFAULT_DATABASE.to_owned()
    }

    /// The target as the library has it, if that and what is said beside it can be carried out.
    pub(crate) fn checked(&self) -> Result<Target, WrongPlan> {
        let wrong = |text: String| Err(WrongPlan(text));
        let value = serde_json::to_value(&self.target).unwrap_or_default();
        if self.database.contains('\0') || holds_nul(&value) {
            return wrong("a text holds U+0000".to_owned());
        }
        if self.database.is_empty() {
            return wrong("the database has no name".to_owned());
        }
        if let CrawlTarget::Objects { sample, parallel, .. } = &self.target
            && (sample.is_some_and(|records| records > MOST_SAMPLED)
                || parallel.is_some_and(|objects| objects > MOST_PARALLEL))
        {
            return wrong(format!(
                "sample is at most {MOST_SAMPLED} and parallel at most {MOST_PARALLEL}"
            ));
        }
        let target: Target =
            serde_json::from_value(value).or_else(|error| wrong(error.to_string()))?;
        match target.check() {
            Ok(()) => Ok(target),
            Err(error) => wrong(error.to_string()),
        }
    }
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(holds_nul),
        Value::Object(fields) => fields.values().any(holds_nul),
        _ => false,
    }
}

/// Crawlers in order of their names, or the one of a name.
pub(crate) async fn list(
    client: &impl GenericClient,
    name: Option<&str>,
) -> Result<Vec<Crawler>, tokio_postgres::Error> {
    let sql = include_str!("../../../sql/queries/crawlers.sql");
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
        let sql = include_str!("../../../sql/queries/request_crawl.sql");
        let run_id = Uuid::now_v7();
        let row = transaction.query_opt(sql, &[&name, &run_id, &by]).await;
        if row.map_err(database_failed("ask for the crawl"))?.is_none() {
            return Ok(None);
        }
        self.queue().add_crawl(transaction, name, run_id, None).await.map_err(StoreError::Queue)?;
        Ok(Some(run_id))
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

impl From<&Row> for Crawler {
    fn from(row: &Row) -> Self {
        let state = match row.get("state") {
            "queued" => CrawlerState::Queued,
            "running" => CrawlerState::Running,
            _ => CrawlerState::Ready,
        };
        Self {
            name: row.get("name"),
            state,
            database: row.get("database"),
            target: row.get::<_, Json<Value>>("target").0,
            on_change: word(row.get("on_change")),
            on_delete: word(row.get("on_delete")),
            schedule: row.get("schedule"),
            next_run_at: row.get("next_run_at"),
            last_run: CrawlerRun::new(row, state),
        }
    }
}

impl CrawlerRun {
    /// The run that a row knows; none before the first one.
    fn new(row: &Row, state: CrawlerState) -> Option<Self> {
        let finished_at: Option<DateTime<Utc>> = row.get("finished_at");
        let started_at: Option<DateTime<Utc>> = row.get("started_at");
        if started_at.is_none() && state == CrawlerState::Ready {
            return None;
        }
        let json = |column| row.get::<_, Option<Json<Value>>>(column).map(|Json(value)| value);
        // Until a run has ended, what is there is of the one before.
        let last = finished_at.and_then(|_| json("last_run"));
        let error = last.as_ref().and_then(|last| last.get("error")).cloned();
        let is_gone = finished_at.is_none() && state == CrawlerState::Ready;
        let gone = || JobError::new("interrupted", "the process of the crawl is gone", true);
        Some(Self {
            run_id: row.get("run_id"),
            requested_by: row.get("requested_by"),
            queued_at: row.get("queued_at"),
            started_at,
            finished_at,
            progress: json("progress"),
            report: last.filter(|_| error.is_none()),
            error: error
                .and_then(|error| serde_json::from_value(error).ok())
                .or_else(|| is_gone.then(gone)),
        })
    }
}

/// A policy by its word, which the database has checked.
fn word<T: for<'a> Deserialize<'a> + Default>(word: &str) -> T {
    serde_json::from_value(word.into()).unwrap_or_default()
}
