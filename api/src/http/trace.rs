//! What is done with every request: an id, a line in the log, a count, and the body of problems.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument, Span};
use uuid::Uuid;

use super::problem::Problem;
use super::{App, glue};
use crate::{metrics, traces};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that a client may give its request.
const ID_CHARACTERS: usize = 128;

/// Whose problems have a message too.
const TRIGGER: &str = "/trigger";
/// By which clients of AWS tell requests apart.
const AWS_REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
/// What machines ask all the time.
const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// Whose key an answered request came with.
#[derive(Debug, Clone)]
pub(super) struct By(pub(super) String);

/// The id of a request.
#[derive(Debug, Clone, Default)]
pub(super) struct RequestId(pub(super) String);

/// Runs a request under its id: the client's, or a new one.
pub(super) async fn trace(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let id = given_id(&request).unwrap_or_else(|| Uuid::now_v7().to_string());
    request.extensions_mut().insert(RequestId(id.clone()));
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = route.unwrap_or_else(|| "unknown".to_owned());
    let is_glue = glue::is_call(&app, request.method(), &route);
    let method = request.method().to_string();
    let address = request
        .extensions()
        .get()
        .map(|ConnectInfo(address): &ConnectInfo<SocketAddr>| address.ip());
    let span = tracing::info_span!("request", request_id = id, method, route);
    // Those are asked for every few seconds.
    let is_probe = PROBES.contains(&route.as_str());
    let traced = match is_probe {
        true => Span::none(),
        false => traces::request(&method, &route, &id, request.headers()),
    };
    let mut response = next.run(request).instrument(traced.clone()).instrument(span.clone()).await;
    let by = response.extensions_mut().remove::<By>().map(|By(name)| name);
    let action = response.extensions_mut().remove::<glue::Action>().map(|glue::Action(name)| name);
    let problem = response.extensions_mut().remove::<Problem>();
    let has_body = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| {
        [&b"application/"[..], b"text/html"].iter().any(|it| kind.as_bytes().starts_with(it))
    });
    let is_bare = response.status().as_u16() >= 400 && !has_body;
    let problem = problem.or_else(|| is_bare.then(|| Problem::of_status(response.status())));
    let is_stranger = by.is_none() && !is_probe && is_clients_fault(&response, problem.as_ref());
    let problem = match address.filter(|_| is_stranger) {
        Some(address) if is_glue || !app.access.is_open() => limited(&app, address).or(problem),
        _ => problem,
    };
    let problem = problem.map(|problem| if route == TRIGGER { problem.told() } else { problem });
    let code = problem.as_ref().map(Problem::code);
    let mut response = match problem {
        Some(problem) => {
            let mut answer =
                if is_glue { glue::failure(&problem) } else { problem.into_answer(&id) };
            answer.headers_mut().extend(kept(response.headers()));
            answer
        }
        None => response,
    };
    let status = response.status().as_u16();
    traces::answered(&traced, status);
    let millis = began.elapsed().as_millis() as u64;
    let is_counted = is_stranger && app.access.strangers.count();
    span.in_scope(|| match is_probe || is_counted {
        true => tracing::debug!(status, millis, by, action, code, "answered"),
        false => tracing::info!(status, millis, by, action, code, "answered"),
    });
    metrics::answered(action.unwrap_or(&route), &method, status, began.elapsed());
    if let Ok(id) = HeaderValue::from_str(&id) {
        if is_glue {
            response.headers_mut().insert(AWS_REQUEST_ID, id.clone());
        }
        response.headers_mut().insert(REQUEST_ID, id);
    }
    let nosniff = HeaderValue::from_static("nosniff");
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

/// Whether a client has asked for what it should not. Who is let in is not known where a request took too
/// long.
fn is_clients_fault(response: &Response, problem: Option<&Problem>) -> bool {
    let status = problem.map_or(response.status(), Problem::status);
    status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT
}

/// The problem of an address that has asked too often without a valid key.
fn limited(app: &App, address: IpAddr) -> Option<Problem> {
    let seconds = app.access.strangers.refused_for(address)?;
    let detail = "more requests without a valid key than an address may make";
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail);
    Some(problem.retryable(Some(seconds)))
}

/// What a problem keeps of the headers of an answer: the methods of a path, and what lets a page of
/// another origin read it.
fn kept(headers: &HeaderMap) -> impl Iterator<Item = (HeaderName, HeaderValue)> + '_ {
    let is_kept = |name: &HeaderName| {
        *name == header::ALLOW
            || *name == header::VARY
            || name.as_str().starts_with("access-control-")
    };
    let kept = headers.iter().filter(move |(name, _)| is_kept(name));
    kept.map(|(name, value)| (name.clone(), value.clone()))
}

fn given_id(request: &Request) -> Option<String> {
    let id = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    ((1..=ID_CHARACTERS).contains(&id.len()) && id.chars().all(is_plain)).then(|| id.to_owned())
}
