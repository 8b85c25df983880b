//! What was asked of all jobs that match: how far is it?

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use maud::html;
use uuid::Uuid;

use super::Shown;
use super::layout::page;
use super::session::Viewer;
use super::text::{ago, count};
use crate::http::App;
use crate::http::extract::Path;
use crate::http::job_actions;

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Extension(viewer): Extension<Viewer>,
    Path(action_id): Path<Uuid>,
) -> Shown {
    let action = job_actions::show(State(app), Path(action_id)).await?.0;
    let body = html! {
        h1 { "Action: " (action.action.as_str()) " all that match" }
        div data-live="action" {
            p.figure { (count(action.changed)) " jobs were changed" }
            p { @match action.finished_at { Some(at) => { "It was done " (ago(at)) "." } None => "A worker is at it." } }
        }
        p { a href="/jobs" { "Jobs" } }
    };
    Ok(page(&viewer, "/jobs", "Action on jobs", body))
}
