//! A crawler and its last run.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::wire::{ChangePolicy, DeletePolicy, JobError};

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

/// A run of a crawler, now or once.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct PastRun {
    /// The run's id
    pub(crate) run_id: Uuid,
    /// `queued`, `running` or `ended`
    pub(crate) state: String,
    /// The name of the API key that requested it, or `schedule`; null for `stevedore crawl`
    pub(crate) requested_by: Option<String>,
    /// When it was requested
    pub(crate) queued_at: Option<DateTime<Utc>>,
    /// When it began
    pub(crate) started_at: Option<DateTime<Utc>>,
    /// When it ended
    pub(crate) finished_at: Option<DateTime<Utc>>,
    /// Report, as `stevedore crawl --json` prints it; of a run that failed, its `error`
    #[schema(value_type = Option<Object>)]
    pub(crate) report: Option<Value>,
}

impl From<&Row> for PastRun {
    fn from(row: &Row) -> Self {
        let report = row.get::<_, Option<Json<Value>>>("report");
        Self {
            run_id: row.get("run_id"),
            state: row.get("state"),
            requested_by: row.get("requested_by"),
            queued_at: row.get("queued_at"),
            started_at: row.get("started_at"),
            finished_at: row.get("finished_at"),
            report: report.map(|Json(report)| report),
        }
    }
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
