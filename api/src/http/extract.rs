//! What handlers take out of requests; what cannot be taken is a problem.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, Request};
use axum::http::StatusCode;
use chrono::{DateTime, Datelike, Utc};
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The parameters of the query.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub(super) struct Query<T>(pub(super) T);

/// The parameters of the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub(super) struct Path<T>(pub(super) T);

/// The body.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(Problem))]
pub(super) struct Body<T>(pub(super) T);

/// A request without a content type has no body.
impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        let body = <Json<T> as OptionalFromRequest<S>>::from_request(request, state).await?;
        Ok(body.map(|Json(body)| Self(body)))
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_request("invalid_parameter", rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(_: PathRejection) -> Self {
        Self::not_found("not_found", "the path holds no id of that kind")
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let code = match rejection.status() {
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "content_type_not_json",
            StatusCode::PAYLOAD_TOO_LARGE => "body_too_large",
            StatusCode::UNPROCESSABLE_ENTITY => "invalid_body",
            _ => "invalid_json",
        };
        Self::new(rejection.status(), code, rejection.body_text())
    }
}

/// Refuses an instant beyond the years that RFC 3339 has; the database knows not all of those.
pub(super) fn check_instant(name: &str, at: Option<DateTime<Utc>>) -> Result<(), Problem> {
    match at {
        Some(at) if !(0..=9999).contains(&at.year()) => Err(Problem::bad_request(
            "invalid_parameter",
            format!("{name} is beyond the year 9999"),
        )),
        _ => Ok(()),
    }
}

/// Refuses a text that no name, key or word of ours can be.
pub(super) fn check_text(name: &str, text: Option<&str>) -> Result<(), Problem> {
    match text {
        Some(text) if text.contains('\0') => {
            Err(Problem::bad_request("invalid_parameter", format!("{name} holds U+0000")))
        }
        _ => Ok(()),
    }
}
