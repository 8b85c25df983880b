//! Errors of the API: RFC 9457 problem details, in words of ours.

use std::collections::BTreeMap;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use pipeline::error::{Error, causes};
use serde::Serialize;
use tokio_postgres::error::SqlState;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use crate::jobs::{StoreError, SubmitError, WebhookError};

/// Why a request was not done.
// Its texts are boxed, so that what handlers return stays small.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The code as a URN.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: Box<str>,
    /// The status in words.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// A code that never changes, for programs.
    code: &'static str,
    /// What was wrong with this request, for people.
    #[schema(value_type = String)]
    detail: Box<str>,
    /// Whether the same request can succeed later.
    retryable: bool,
    /// The id of the request, as in the logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    request_id: Option<Box<str>>,
    /// The text that clients of the old trigger read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    message: Option<Box<str>>,
    /// Seconds after which a refused request may be sent again.
    #[serde(skip)]
    retry_after_secs: Option<u32>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:stevedore:problem:{code}").into(),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code,
            detail: detail.into().into(),
            retryable: false,
            request_id: None,
            message: None,
            retry_after_secs: None,
        }
    }

    pub(super) fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub(super) fn not_found(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    pub(super) fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// The same request may be done later.
    pub(super) fn retryable(mut self, after_secs: Option<u32>) -> Self {
        self.retryable = true;
        self.retry_after_secs = after_secs;
        self
    }

    /// As the old trigger answered: 400 whatever the client did wrong.
    pub(super) fn for_trigger(mut self) -> Self {
        if self.status < 500 {
            let status = StatusCode::BAD_REQUEST;
            (self.status, self.title) = (status.as_u16(), "Bad Request");
        }
        self
    }

    /// With a message for the old trigger's clients.
    pub(super) fn with_message(mut self, message: String) -> Self {
        self.message = Some(message.into());
        self
    }

    /// With a message in any case: what is for people.
    pub(super) fn told(mut self) -> Self {
        self.message.get_or_insert_with(|| self.detail.clone());
        self
    }

    /// The status of its answer.
    pub(super) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The status in words.
    pub(super) const fn title(&self) -> &'static str {
        self.title
    }

    /// What was wrong, for people.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// The word for programs.
    pub(super) const fn code(&self) -> &'static str {
        self.code
    }

    /// The problem of an answer that has none, by its status.
    pub(super) fn of_status(status: StatusCode) -> Self {
        let (code, detail) = match status {
            StatusCode::NOT_FOUND => {
                ("not_found", "nothing is at this path; /docs lists all paths")
            }
            StatusCode::METHOD_NOT_ALLOWED => (
                "method_not_allowed",
                "this path does not take this method; /docs lists the methods",
            ),
            StatusCode::REQUEST_TIMEOUT => ("request_timeout", "the request took too long"),
            StatusCode::PAYLOAD_TOO_LARGE => ("body_too_large", "the request body is too long"),
            StatusCode::INTERNAL_SERVER_ERROR => {
                ("internal", "a defect of the server; search its log for the request_id")
            }
            _ => ("refused", "the request cannot be done"),
        };
        Self::new(status, code, detail)
    }

    /// The whole answer.
    pub(super) fn into_answer(mut self, request_id: &str) -> Response {
        self.request_id = Some(request_id.into());
        let status = self.status();
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut answer = (status, kind, body).into_response();
        if let Some(seconds) = self.retry_after_secs {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"stevedore\"");
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        answer
    }
}

/// The body is written where the request's id is known ([`super::trace`]).
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = causes(&error).join(": "), "the database could not be used");
        if error.sqlstate() == Some(&SqlState::QUERY_CANCELED) {
            let detail = "the database took too long: narrow the request";
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, "query_timeout", detail)
                .retryable(Some(5));
        }
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "database_unavailable",
            "the database could not be used",
        )
        .retryable(Some(5))
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Store(error) => error.into(),
            SubmitError::Busy(_) => {
                Self::conflict("object_busy", error.to_string()).retryable(None)
            }
            SubmitError::KeyReused => Self::conflict("idempotency_key_reused", error.to_string()),
        }
    }
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        let code = match &error {
            WebhookError::NoUrl => "invalid_body",
            WebhookError::NotAllowed(_) => "webhook_not_allowed",
        };
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, error.to_string())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match &error {
            Error::Database { .. } => {
                tracing::error!(error = error.with_causes(), "the database could not be used");
                let detail = "the database could not be used";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "database_unavailable", detail)
                    .retryable(Some(5))
            }
            Error::NotFound { .. } | Error::Location { .. } => {
                Self::not_found("object_not_found", error.to_string())
            }
            Error::VersionNotFound { .. } => Self::not_found(error.code(), error.to_string()),
            Error::Schema { .. } => {
                Self::new(StatusCode::FORBIDDEN, error.code(), error.to_string())
            }
            Error::Pattern { .. } => Self::bad_request(error.code(), error.to_string()),
            _ => {
                tracing::error!(error = error.with_causes(), "an object could not be looked up");
                let problem = Self::new(StatusCode::BAD_GATEWAY, error.code(), error.for_clients());
                if error.is_transient() { problem.retryable(Some(5)) } else { problem }
            }
        }
    }
}

/// What operations may answer instead of what was asked for, each a set of statuses.
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident { $($status:literal: $text:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        pub(super) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
                documented(&[$(($status, $text)),+])
            }
        }
    )+};
}

refusals! {
    /// Of operations that need a key.
    Guarded {
        401: "No key, or an unknown one",
        403: "The key lacks the needed scope, a page of another origin made the request, or the table is in a schema that is not shown",
        408: "The request took too long",
        429: "Too many requests of the key, or of an address without a valid key; `Retry-After` says when to try again",
    }
    /// Of operations with parameters.
    WrongParameter { 400: "A parameter is wrong" }
    /// Of operations with a body.
    WrongBody {
        400: "A header is wrong, or the body is not JSON",
        413: "The body is too long",
        415: "The content type is not JSON",
        422: "The body is JSON, but does not fit the schema",
    }
    /// Of operations that define a crawler.
    WrongCrawler {
        400: "A header is wrong, the body is not JSON, or its name, bucket, schedule, path or pattern is wrong",
        413: "The body is too long",
        415: "The content type is not JSON",
        422: "The body is JSON, but does not fit the schema",
    }
    /// Of operations that define a watch.
    WrongWatch {
        400: "A header is wrong, the body is not JSON, or the watch cannot be carried out; the `detail` says why",
        413: "The body is too long",
        415: "The content type is not JSON",
        422: "The body is JSON, but does not fit the schema",
    }
    /// Of operations that take notices.
    WrongNotice {
        400: "The body is no notice that is known",
        413: "The body is too long",
    }
    /// Of operations on one thing, by its id.
    Missing { 404: "It does not exist" }
    /// Of operations that change jobs.
    Conflict { 409: "It conflicts with something that exists" }
    /// Of operations that look objects up.
    StoreRefused { 502: "The store refused the request" }
    /// Of operations that need the database.
    Unavailable { 503: "The database or the store cannot be used now" }
}

fn documented(answers: &[(u16, &str)]) -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
    let content = || ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let answers = answers.iter().map(|(status, text)| {
        let response = ResponseBuilder::new()
            .description(*text)
            .content("application/problem+json", content());
        (status.to_string(), response.build().into())
    });
    answers.collect()
}
