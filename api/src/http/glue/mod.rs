//! The API of AWS Glue, as far as it fits: `serve --glue` answers `aws glue …` and the SDKs at `POST /`.
//!
//! A Glue job is a feed, a job run is a job, and the Data Catalog is our catalog. Every action calls what the REST API
//! calls ([`super`]). A request is JSON 1.1: its `X-Amz-Target` names the action, and a [`signature`] says who sends it.

mod arguments;
mod catalog;
mod crawlers;
mod failure;
mod jobs;
mod page;
mod runs;
mod signature;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower_http::limit::RequestBodyLimitLayer;

use super::access::check_scope;
use super::problem::Problem;
use super::trace::{By, RequestId};
use super::{App, answers, health};
use crate::jobs::Asked;
use crate::jobs::crawlers::holds_nul;
use crate::keys::{KeyPair, Scope};
use signature::Signature;

pub(super) use failure::answer as failure;

const ROUTE: &str = "/";
const SERVICE: &str = "glue";
const TARGET: &str = "AWSGlue.";
/// Bytes that are read of the body of a request that is refused by its headers.
const REFUSED_BYTES: usize = 64 << 10;
const JSON: [(header::HeaderName, &str); 1] =
    [(header::CONTENT_TYPE, "application/x-amz-json-1.1")];

/// The actions: each with the scope that it needs, and whether its answer is a page of a list.
const ACTIONS: [(&str, Scope, bool); 19] = [
    ("AWSGlue.BatchStopJobRun", Scope::Admin, false),
    ("AWSGlue.GetCrawler", Scope::Read, false),
    ("AWSGlue.GetCrawlerMetrics", Scope::Read, true),
    ("AWSGlue.GetCrawlers", Scope::Read, true),
    ("AWSGlue.GetDatabase", Scope::Read, false),
    ("AWSGlue.GetDatabases", Scope::Read, false),
    ("AWSGlue.GetJob", Scope::Read, false),
    ("AWSGlue.GetJobRun", Scope::Read, false),
    ("AWSGlue.GetJobRuns", Scope::Read, true),
    ("AWSGlue.GetJobs", Scope::Read, false),
    ("AWSGlue.GetPartitions", Scope::Read, false),
    ("AWSGlue.GetTable", Scope::Read, false),
    ("AWSGlue.GetTableVersions", Scope::Read, true),
    ("AWSGlue.GetTables", Scope::Read, true),
    ("AWSGlue.ListCrawlers", Scope::Read, true),
    ("AWSGlue.ListJobs", Scope::Read, false),
    ("AWSGlue.StartCrawler", Scope::Trigger, false),
    ("AWSGlue.StartJobRun", Scope::Trigger, false),
    ("AWSGlue.StopCrawler", Scope::Admin, false),
];

/// An action of [`ACTIONS`], as the log and the metrics have it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Action(pub(super) &'static str);

/// The route over an application; none without `--glue`.
pub(super) fn routes(app: &Arc<App>, body_bytes: usize) -> Router<Arc<App>> {
    if app.glue.is_none() {
        return Router::new();
    }
    Router::new()
        .route(ROUTE, post(call))
        .route_layer(RequestBodyLimitLayer::new(body_bytes))
        .route_layer(from_fn_with_state(Arc::clone(&app.answers), answers::bounded))
        .route_layer(from_fn_with_state(app.pulse.clone(), health::if_ready))
}

/// Whether a request is for this API, so that its errors are those of AWS.
pub(super) fn is_call(app: &App, method: &Method, route: &str) -> bool {
    app.glue.is_some() && method == Method::POST && route == ROUTE
}

/// Runs an action for somebody whose signature is right.
async fn call(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let (pair, body) = match verified(&app, &parts, body).await {
        Ok(verified) => verified,
        Err(problem) => return problem.into_response(),
    };
    let by = By(pair.access_key_id.clone());
    let (action, answer) = match action(&parts) {
        Ok(action) => (Some(Action(action.0)), admitted(&app, pair, action, &parts, body).await),
        Err(problem) => (None, Err(problem)),
    };
    let mut response = match answer {
        Ok(answer) => (JSON, without_nulls(answer).to_string()).into_response(),
        Err(problem) => problem.into_response(),
    };
    response.extensions_mut().insert(by);
    action.map(|action| response.extensions_mut().insert(action));
    response
}

/// The key pair that a request is signed with, and the body.
async fn verified<'a>(
    app: &'a App,
    parts: &Parts,
    body: Body,
) -> Result<(&'a KeyPair, Bytes), Problem> {
    match signer(app, parts) {
        Ok((signature, pair)) => {
            let body = Bytes::from_request(Request::new(body), &()).await;
            let body = body.map_err(|rejection| Problem::of_status(rejection.status()))?;
            signature.verify(&pair.secret, parts, &body)?;
            Ok((pair, body))
        }
        Err(problem) => {
            // Clients keep their connection, unless their body is left unread.
            to_bytes(body, REFUSED_BYTES).await.ok();
            Err(problem)
        }
    }
}

/// The signature of a request, and the key pair that it names.
fn signer<'a, 'b>(app: &'a App, parts: &'b Parts) -> Result<(Signature<'b>, &'a KeyPair), Problem> {
    let signature = Signature::of(&parts.headers)?;
    let mut pairs = app.glue.iter().flatten();
    let pair = pairs.find(|pair| pair.access_key_id == signature.access_key_id);
    let unknown = || {
        let detail = "the access key id is not one of those that the server has (--glue-key)";
        Problem::bad_request("UnrecognizedClientException", detail)
    };
    let pair = pair.ok_or_else(unknown)?;
    signature.check_scope(SERVICE, Utc::now())?;
    Ok((signature, pair))
}

/// The action that a request names.
fn action(parts: &Parts) -> Result<(&'static str, Scope, bool), Problem> {
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let known = ACTIONS.iter().find(|(name, ..)| target == Some(*name));
    known.copied().ok_or_else(unknown_action)
}

fn unknown_action() -> Problem {
    let detail = "the server does not have this action of Glue, or X-Amz-Target names none";
    Problem::bad_request("UnknownOperationException", detail)
}

/// Runs an action if the pair may, and has not asked too often.
async fn admitted(
    app: &Arc<App>,
    pair: &KeyPair,
    (name, scope, is_page): (&'static str, Scope, bool),
    parts: &Parts,
    body: Bytes,
) -> Result<Value, Problem> {
    check_scope(scope, &pair.access_key_id, &pair.scopes)?;
    app.access.limit(&pair.access_key_id)?;
    let RequestId(request_id) = parts.extensions.get().cloned().unwrap_or_default();
    let asked = Asked { by: pair.access_key_id.clone(), request_id };
    let input = read(&body)?;
    if !is_page {
        return perform(app, asked, name, input).await;
    }
    let app = Arc::clone(app);
    let answers = Arc::clone(&app.answers);
    answers.read(async move { perform(&app, asked, name, input).await }).await?
}

/// Runs an action of [`ACTIONS`].
async fn perform(app: &App, asked: Asked, name: &str, input: Value) -> Result<Value, Problem> {
    match name.trim_start_matches(TARGET) {
        "BatchStopJobRun" => runs::stop(app, parse(input)?).await,
        "GetCrawler" => crawlers::show(app, parse(input)?).await,
        "GetCrawlerMetrics" => crawlers::metrics(app, parse(input)?).await,
        "GetCrawlers" => crawlers::list(app, parse(input)?).await,
        "GetDatabase" => catalog::database(app, parse(input)?).await,
        "GetDatabases" => catalog::databases(app, parse(input)?).await,
        "GetJob" => jobs::show(app, parse(input)?),
        "GetJobRun" => runs::show(app, parse(input)?).await,
        "GetJobRuns" => runs::list(app, parse(input)?).await,
        "GetJobs" => jobs::list(app, parse(input)?),
        "GetPartitions" => catalog::partitions(app, parse(input)?).await,
        "GetTable" => catalog::table(app, parse(input)?).await,
        "GetTableVersions" => catalog::versions(app, parse(input)?).await,
        "GetTables" => catalog::tables(app, parse(input)?).await,
        "ListCrawlers" => crawlers::names(app, parse(input)?).await,
        "ListJobs" => jobs::names(app, parse(input)?),
        "StartCrawler" => crawlers::start(app, asked, parse(input)?).await,
        "StartJobRun" => runs::start(app, asked, parse(input)?).await,
        "StopCrawler" => crawlers::stop(app, parse(input)?).await,
        _ => Err(unknown_action()),
    }
}

/// The body of a request, which may be empty.
fn read(body: &[u8]) -> Result<Value, Problem> {
    let wrong = |detail: String| Err(Problem::bad_request("SerializationException", detail));
    let input = if body.is_empty() { b"{}" } else { body };
    match serde_json::from_slice::<Value>(input) {
        Ok(input) if !input.is_object() => invalid("the body is no JSON object"),
        Ok(input) if holds_nul(&input) => invalid("a text holds U+0000"),
        Ok(input) => Ok(input),
        Err(error) => wrong(format!("the body is not JSON: {error}")),
    }
}

/// The members of an input that an action knows. It ignores others, as Glue does.
fn parse<T: DeserializeOwned>(input: Value) -> Result<T, Problem> {
    serde_json::from_value(input).or_else(|error| invalid(error.to_string()))
}

fn invalid<T>(detail: impl Into<String>) -> Result<T, Problem> {
    Err(Problem::bad_request("InvalidInputException", detail))
}

fn missing(detail: impl Into<String>) -> Problem {
    Problem::bad_request("EntityNotFoundException", detail)
}

/// An instant as JSON 1.1 has it: seconds since 1970.
fn seconds(at: DateTime<Utc>) -> f64 {
    at.timestamp_millis() as f64 / 1000.0
}

/// An answer without members that have no value.
fn without_nulls(answer: Value) -> Value {
    match answer {
        Value::Object(members) => {
            let members = members.into_iter().filter(|(_, value)| !value.is_null());
            members.map(|(name, value)| (name, without_nulls(value))).collect()
        }
        Value::Array(values) => values.into_iter().map(without_nulls).collect(),
        value => value,
    }
}
