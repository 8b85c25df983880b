//! What is done with every request: an id, a line in the log, a count, and the body of problems.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use uuid::Uuid;

use super::problem::Problem;
use crate::metrics;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that a client may give its request.
const ID_CHARACTERS: usize = 128;

/// Whose problems have a message too.
const TRIGGER: &str = "/trigger";
/// What machines ask all the time.
const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// Whose key an answered request came with.
#[derive(Debug, Clone)]
pub(super) struct By(pub(super) String);

/// The id of a request.
#[derive(Debug, Clone, Default)]
pub(super) struct RequestId(pub(super) String);

/// Runs a request under its id: the client's, or a new one.
pub(super) async fn trace(mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = given_id(&request).unwrap_or_else(|| Uuid::now_v7().to_string());
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().to_string();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = route.unwrap_or_else(|| "unknown".to_owned());
    let span = tracing::info_span!("request", request_id = id, method, route);
    let mut response = next.run(request).instrument(span.clone()).await;
    let by = response.extensions_mut().remove::<By>().map(|By(name)| name);
    let problem = response.extensions_mut().remove::<Problem>();
    let has_body = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/"));
    let is_bare = response.status().as_u16() >= 400 && !has_body;
    let problem = problem.or_else(|| is_bare.then(|| Problem::of_status(response.status())));
    let problem = problem.map(|problem| if route == TRIGGER { problem.told() } else { problem });
    let code = problem.as_ref().map(Problem::code);
    let mut response = match problem {
        Some(problem) => {
            let allow = response.headers_mut().remove(header::ALLOW);
            let mut answer = problem.into_answer(&id);
            answer.headers_mut().extend(allow.map(|allow| (header::ALLOW, allow)));
            answer
        }
        None => response,
    };
    let status = response.status().as_u16();
    let millis = began.elapsed().as_millis() as u64;
    // Those are asked for every few seconds.
    let is_probe = PROBES.contains(&route.as_str());
    span.in_scope(|| match is_probe {
        true => tracing::debug!(status, millis, by, code, "answered"),
        false => tracing::info!(status, millis, by, code, "answered"),
    });
    metrics::answered(&route, &method, status, began.elapsed());
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn given_id(request: &Request) -> Option<String> {
    let id = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    ((1..=ID_CHARACTERS).contains(&id.len()) && id.chars().all(is_plain)).then(|| id.to_owned())
}
