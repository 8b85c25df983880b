//! `StartCrawler`, `StopCrawler`, `GetCrawler`, `GetCrawlers`, `GetCrawlerMetrics`, `ListCrawlers`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::page::Page;
use super::seconds;
use crate::http::App;
use crate::http::crawler_runs::{cancel, request};
use crate::http::crawlers::crawler;
use crate::http::problem::Problem;
use crate::jobs::Asked;
use crate::jobs::crawlers::{Crawler, CrawlerRun, CrawlerState};
use crate::wire::{ChangePolicy, DeletePolicy};

/// Crawlers of a page at most.
const MOST: u16 = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Measured {
    #[serde(default)]
    crawler_name_list: Vec<String>,
    #[serde(flatten)]
    page: Page,
}

pub(super) async fn start(app: &App, asked: Asked, wanted: Named) -> Result<Value, Problem> {
    request(app, &wanted.name, &asked).await?;
    Ok(json!({}))
}

/// Cancels the run that waits or is under way.
pub(super) async fn stop(app: &App, Named { name }: Named) -> Result<Value, Problem> {
    let crawler = crawler(app, &name).await?;
    let run_id = crawler.last_run.and_then(|run| run.run_id);
    match run_id.filter(|_| crawler.state != CrawlerState::Ready) {
        Some(run_id) => cancel(app, &name, run_id).await?,
        None => {
            let detail = format!("the crawler {name} does not run");
            return Err(Problem::bad_request("CrawlerNotRunningException", detail));
        }
    }
    Ok(json!({}))
}

pub(super) async fn show(app: &App, Named { name }: Named) -> Result<Value, Problem> {
    Ok(json!({ "Crawler": described(&crawler(app, &name).await?) }))
}

pub(super) async fn list(app: &App, page: Page) -> Result<Value, Problem> {
    let (crawlers, next) = page.cut(app.store.crawlers().await?, MOST, |crawler| &crawler.name)?;
    let crawlers: Vec<_> = crawlers.iter().map(described).collect();
    Ok(json!({ "Crawlers": crawlers, "NextToken": next }))
}

pub(super) async fn names(app: &App, page: Page) -> Result<Value, Problem> {
    let (crawlers, next) = page.cut(app.store.crawlers().await?, MOST, |crawler| &crawler.name)?;
    let names: Vec<_> = crawlers.into_iter().map(|crawler| crawler.name).collect();
    Ok(json!({ "CrawlerNames": names, "NextToken": next }))
}

/// What the last runs of crawlers did: of those that are named, or of all.
pub(super) async fn metrics(app: &App, wanted: Measured) -> Result<Value, Problem> {
    let Measured { crawler_name_list: names, page } = wanted;
    let mut crawlers = app.store.crawlers().await?;
    crawlers.retain(|crawler| names.is_empty() || names.contains(&crawler.name));
    let (crawlers, next) = page.cut(crawlers, MOST, |crawler| &crawler.name)?;
    let metrics: Vec<_> = crawlers.iter().map(measured).collect();
    Ok(json!({ "CrawlerMetricsList": metrics, "NextToken": next }))
}

/// Only the last run is looked at, so it is also the median.
fn measured(crawler: &Crawler) -> Value {
    let report = crawler.last_run.as_ref().and_then(|run| run.report.as_ref());
    let empty = json!({});
    let report = report.unwrap_or(&empty);
    let seconds = report["seconds"].as_f64().unwrap_or_default();
    let tables = || report["tables"].as_array().into_iter().flatten();
    let is_changed = |table: &Value| table["changes"].as_array().is_some_and(|it| !it.is_empty());
    let created = tables().filter(|table| table["version"] == 1 && table["is_new"] == true).count();
    let updated = tables().filter(|table| is_changed(table)).count();
    json!({
        "CrawlerName": crawler.name,
        "TimeLeftSeconds": 0.0,
        "StillEstimating": crawler.state != CrawlerState::Ready,
        "LastRuntimeSeconds": seconds,
        "MedianRuntimeSeconds": seconds,
        "TablesCreated": created,
        "TablesUpdated": updated,
        "TablesDeleted": report["deleted"].as_array().map_or(0, Vec::len),
    })
}

fn described(crawler: &Crawler) -> Value {
    let schedule = crawler.schedule.as_ref().map(
        |schedule| json!({ "ScheduleExpression": format!("cron({schedule})"), "State": "SCHEDULED" }),
    );
    json!({
        "Name": crawler.name,
        "State": if crawler.state == CrawlerState::Ready { "READY" } else { "RUNNING" },
        "DatabaseName": crawler.database,
        "Targets": targets(&crawler.target),
        "Schedule": schedule,
        "SchemaChangePolicy": {
            "UpdateBehavior": match crawler.on_change {
                ChangePolicy::Log => "LOG",
                _ => "UPDATE_IN_DATABASE",
            },
            "DeleteBehavior": match crawler.on_delete {
                DeletePolicy::Log => "LOG",
                DeletePolicy::Delete => "DELETE_FROM_DATABASE",
                DeletePolicy::Deprecate => "DEPRECATE_IN_DATABASE",
            },
        },
        "LastCrawl": crawler.last_run.as_ref().and_then(last_crawl),
    })
}

/// What it crawls: a bucket by its configured name, or schemas of the database.
fn targets(target: &Value) -> Value {
    let text = |name: &str| target[name].as_str().unwrap_or_default();
    if target["kind"] == "postgres" {
        let schemas = target["schemas"].as_array().into_iter().flatten();
        let paths = schemas.filter_map(Value::as_str).map(|schema| format!("{schema}/%"));
        let of = |path| json!({ "Path": path, "Exclusions": target["exclude"] });
        return json!({ "JdbcTargets": paths.map(of).collect::<Vec<_>>() });
    }
    let path = format!("{}/{}", text("bucket"), text("prefix"));
    json!({ "S3Targets": [{ "Path": path, "Exclusions": target["exclude"] }] })
}

/// The last run that has ended.
fn last_crawl(run: &CrawlerRun) -> Option<Value> {
    run.finished_at.or(run.started_at.filter(|_| run.error.is_some()))?;
    let status = match &run.error {
        None => "SUCCEEDED",
        Some(error) if error.code == "cancelled" => "CANCELLED",
        Some(_) => "FAILED",
    };
    let error = run.error.as_ref().map(|error| format!("{}: {}", error.code, error.detail));
    let started = run.started_at.or(run.queued_at).map(seconds);
    Some(json!({ "Status": status, "ErrorMessage": error, "StartTime": started }))
}
