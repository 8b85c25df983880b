//! `GetJob`, `GetJobs`, `ListJobs`: a job of Glue is a feed.

use pipeline::feed::Feed;
use serde::Deserialize;
use serde_json::{Value, json};

use super::missing;
use super::page::Page;
use crate::http::App;
use crate::http::problem::Problem;

/// Jobs of a page at most.
const MOST: u16 = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    job_name: String,
}

/// The feed that a job is.
pub(super) fn feed<'a>(app: &'a App, name: &str) -> Result<&'a Feed, Problem> {
    let feed = app.feeds.iter().find(|feed| feed.name == name);
    feed.map(|feed| &**feed).ok_or_else(|| {
        missing(format!("there is no job {name}: a job is a feed of the server, by its name"))
    })
}

pub(super) fn show(app: &App, Named { job_name }: Named) -> Result<Value, Problem> {
    Ok(json!({ "Job": job(feed(app, &job_name)?) }))
}

pub(super) fn list(app: &App, page: Page) -> Result<Value, Problem> {
    let (feeds, next) = page.cut(feeds(app), MOST, |feed| &feed.name)?;
    let jobs: Vec<_> = feeds.into_iter().map(job).collect();
    Ok(json!({ "Jobs": jobs, "NextToken": next }))
}

pub(super) fn names(app: &App, page: Page) -> Result<Value, Problem> {
    let (feeds, next) = page.cut(feeds(app), MOST, |feed| &feed.name)?;
    let names: Vec<_> = feeds.iter().map(|feed| &feed.name).collect();
    Ok(json!({ "JobNames": names, "NextToken": next }))
}

/// The feeds in the order of their names.
fn feeds(app: &App) -> Vec<&Feed> {
    let mut feeds: Vec<&Feed> = app.feeds.iter().map(|feed| &**feed).collect();
    feeds.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    feeds
}

fn job(feed: &Feed) -> Value {
    let tables: Vec<_> = feed.plan.tables.iter().map(|table| table.name.plain()).collect();
    json!({
        "Name": feed.name,
        "Description": format!("Loads JSON records into {}", tables.join(", ")),
        "Command": { "Name": "glueetl" },
        "DefaultArguments": { "--mode": feed.mode.as_str() },
    })
}
