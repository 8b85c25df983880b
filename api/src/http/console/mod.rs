//! The console: pages for operators, at `/`.
//!
//! Every page is made on the server, by the handlers of the API ([`super`]): so it shows what the API answers. Every
//! action is a form that is sent to the server, which answers with the page to look at next. `console.js` only reloads
//! what has changed; without it, everything works.

mod actions;
mod catalog;
mod chart;
mod feeds;
mod filters;
mod flow;
mod job;
mod jobs;
mod layout;
mod loads;
mod new_load;
mod now;
mod rejects;
mod session;
mod text;
mod watches;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use maud::Markup;

use super::problem::Problem;
use super::{App, answers, health};

pub(super) use session::Secret;

/// Pages load what we serve, and nothing that is written in them. No page shows them within itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const STYLE: &str = include_str!("../../../assets/console.css");
const SCRIPT: &str = include_str!("../../../assets/console.js");

/// A page that could not be made.
struct Failure(Problem);

type Shown = Result<Markup, Failure>;

impl<P: Into<Problem>> From<P> for Failure {
    fn from(problem: P) -> Self {
        Self(problem.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.0.status(), layout::failure(&self.0)).into_response()
    }
}

/// The pages over an application.
pub(super) fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    let pages = Router::new()
        .route("/", get(now::show))
        .route("/loads", get(loads::list))
        .route("/loads/{load_id}", get(loads::show))
        .route("/job-actions/{action_id}", get(actions::show))
        .route("/catalog", get(catalog::list))
        .route("/catalog/{name}", get(catalog::show))
        .route("/crawlers/{crawler}", get(watches::crawler))
        .route("/crawlers/{crawler}/runs", post(catalog::run))
        .route("/watches/{watch}", get(watches::show))
        .route("/watches/{watch}/runs", post(watches::run))
        .route("/watches/{watch}/pause", post(watches::pause))
        .route("/watches/{watch}/resume", post(watches::resume))
        .route("/new", get(new_load::show).post(new_load::create))
        .route("/rejects", get(rejects::list))
        .route("/rejects/actions", post(rejects::act))
        .route("/rejects/{load_id}/{record_no}", get(rejects::show))
        .route("/feeds", get(feeds::list))
        .route("/feeds/{name}", get(feeds::show))
        .route("/feeds/{name}/differences", get(feeds::differences))
        .route("/jobs", get(jobs::list))
        .route("/jobs/actions", post(jobs::act))
        .route("/jobs/{job_id}", get(job::show))
        .route("/jobs/{job_id}/cancel", post(job::cancel))
        .route("/jobs/{job_id}/retry", post(job::retry))
        .route_layer(from_fn_with_state(Arc::clone(&app.answers), answers::bounded))
        .route_layer(from_fn(session::check_form))
        .route_layer(from_fn_with_state(Arc::clone(app), session::check));
    let open = Router::new()
        .route("/sign-in", get(session::ask).post(session::sign_in))
        .route("/sign-out", post(session::sign_out));
    let assets = Router::new()
        .route("/assets/console.css", get(|| asset("text/css", STYLE)))
        .route("/assets/console.js", get(|| asset("text/javascript", SCRIPT)));
    pages
        .merge(open)
        .route_layer(from_fn_with_state(app.pulse.clone(), health::if_ready))
        .merge(assets)
        .route_layer(map_response(keep_in))
}

async fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    let cached = HeaderValue::from_static("public, max-age=31536000, immutable");
    let kind = HeaderValue::from_static(kind);
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cached)], text)
}

async fn keep_in(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
