//! New load: what would it do? First the bucket's browser, then a dry run, then the load.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Form, Query, State};
use axum::http::HeaderMap;
use axum::response::Redirect;
use maud::{Markup, html};
use pipeline::store::Folder;
use serde::Deserialize;
use serde_json::json;

use super::layout::{form, page};
use super::session::Viewer;
use super::text::{ago, bytes, count};
use super::{Failure, Shown, filters};
use crate::http::App;
use crate::http::extract::Body;
use crate::http::jobs;
use crate::http::problem::Problem;
use crate::jobs::Asked;
use crate::keys::Scope;

/// Longest time for which a folder is listed.
const PATIENCE: Duration = Duration::from_secs(10);
/// Folders and objects that are shown, each.
const MOST: usize = 500;
const MODES: [&str; 4] = ["auto", "merge", "append", "replace"];

/// Where somebody looks, and what was chosen.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Place {
    bucket: String,
    folder: String,
    key: String,
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Extension(viewer): Extension<Viewer>,
    Query(place): Query<Place>,
) -> Shown {
    let listed = match place.bucket.as_str() {
        "" => None,
        bucket => Some(browse(&app, bucket, &place.folder).await?),
    };
    let body = html! {
        h1 { "New load" }
        (buckets(&app, &place))
        div.columns {
            @if let Some(folder) = &listed { (browser(&place, folder)) }
            @if listed.is_some() && viewer.may(Scope::Trigger) { (request(&app, &viewer, &place)) }
        }
        @if !viewer.may(Scope::Trigger) { p.hint { "A key with the scope trigger can request loads; yours cannot." } }
    };
    Ok(page(&viewer, "/new", "New load", body))
}

async fn browse(app: &App, bucket: &str, folder: &str) -> Result<Folder, Problem> {
    let late = |_| {
        let detail = format!(
            "listing {bucket}/{folder} took too long: request the load by its key or prefix"
        );
        Problem::new(axum::http::StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", detail)
    };
    let listed = tokio::time::timeout(PATIENCE, app.bucket(bucket)?.browse(folder)).await;
    Ok(listed.map_err(late)??)
}

fn buckets(app: &App, place: &Place) -> Markup {
    html! {
        nav.tabs aria-label="Buckets" {
            @for name in app.buckets.names() {
                a href={ "/new?" (query(name, "", "")) } aria-current=[(name == place.bucket).then_some("true")] { (name) }
            }
        }
        @if place.bucket.is_empty() { p { "Choose a bucket." } }
    }
}

fn query(bucket: &str, folder: &str, key: &str) -> String {
    let place = [("bucket", bucket), ("folder", folder), ("key", key)];
    let place = place.map(|(name, value)| (name.to_owned(), value.to_owned()));
    filters::query(&place.into())
}

fn browser(place: &Place, folder: &Folder) -> Markup {
    let Place { bucket, folder: here, key } = place;
    let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    html! {
        section {
            h2 { (bucket) "/" (here) }
            @if let Some((above, _)) = here.rsplit_once('/').or((!here.is_empty()).then_some(("", ""))) {
                p { a href={ "/new?" (query(bucket, above, "")) } { "↑ up" } }
            }
            @if folder.folders.is_empty() && folder.objects.is_empty() { p.empty { "Nothing is here." } }
            @else {
                div.scroll tabindex="0" { table {
                    thead { tr { th { "Name" } th.number { "Size" } th { "Written" } } }
                    tbody {
                        @for path in folder.folders.iter().take(MOST) { tr {
                            td.long { a href={ "/new?" (query(bucket, path, "")) } { (name(path)) "/" } } td {} td {}
                        } }
                        @for object in folder.objects.iter().take(MOST) { tr.chosen[object.key == *key] {
                            td.long { a href={ "/new?" (query(bucket, here, &object.key)) } { (name(&object.key)) } }
                            td.number { (bytes(object.size)) }
                            td { (ago(object.written_at)) }
                        } }
                    }
                } }
                @let hidden = folder.folders.len().saturating_sub(MOST) + folder.objects.len().saturating_sub(MOST);
                @if hidden > 0 { p.hint { (count(hidden as u64)) " more are not shown." } }
            }
        }
    }
}

/// What is to be loaded, and how.
fn request(app: &App, viewer: &Viewer, place: &Place) -> Markup {
    let prefix = if place.folder.is_empty() { String::new() } else { format!("{}/", place.folder) };
    let is_key = !place.key.is_empty();
    let fields = html! {
        input type="hidden" name="bucket" value=(place.bucket);
        fieldset.choice {
            legend { "Objects" }
            label { input type="radio" name="kind" value="key" checked[is_key]; " one object, by its key" }
            label { input type="radio" name="kind" value="prefix" checked[!is_key]; " all that begin with" }
            input name="text" aria-label="Key or beginning of keys" value=(if is_key { &place.key } else { &prefix });
        }
        label { "Feed"
            select name="feed" {
                option value="" { "by the key" }
                @for feed in app.feeds.iter() { option value=(feed.name) { (feed.name) } }
            }
        }
        label { "Mode"
            select name="mode" {
                option value="" { "of the feed" }
                @for mode in MODES { option value=(mode) { (mode) } }
            }
        }
        label { input type="checkbox" name="reload" value="true"; " load again, even if this version is loaded" }
        div.actions {
            button name="dry_run" value="true" { "Dry run" }
            button name="dry_run" value="false" { "Load" }
        }
        p.hint { "A dry run reads and checks everything, and writes nothing." }
    };
    html! { section.narrow { h2 { "Load" } (form(viewer, "/new", fields)) } }
}

/// What the form asks for.
#[derive(Debug, Deserialize)]
pub(super) struct Asking {
    bucket: String,
    kind: String,
    text: String,
    #[serde(default)]
    feed: String,
    #[serde(default)]
    mode: String,
    #[serde(default)]
    reload: bool,
    dry_run: bool,
}

pub(super) async fn create(
    State(app): State<Arc<App>>,
    Extension(viewer): Extension<Viewer>,
    Extension(asked): Extension<Asked>,
    Form(asking): Form<Asking>,
) -> Result<Redirect, Failure> {
    viewer.must(Scope::Trigger)?;
    let mut request = json!({
        "bucket": asking.bucket, "dry_run": asking.dry_run, "reload": asking.reload,
        if asking.kind == "key" { "key" } else { "prefix" }: asking.text,
    });
    for (name, value) in [("feed", asking.feed), ("mode", asking.mode)] {
        if !value.is_empty() {
            request[name] = value.into();
        }
    }
    let request = Body(filters::from_json::<Failure, _>("request", request)?);
    let created = jobs::create(State(app), Extension(asked), HeaderMap::new(), request).await?;
    Ok(Redirect::to(&format!("/jobs/{}", created.2.0.job_id)))
}
