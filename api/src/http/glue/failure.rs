//! Problems as errors of Glue.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::JSON;
use crate::http::problem::Problem;

/// Status and body of a problem, as AWS has them: the fault of a client is always 400.
pub(in crate::http) fn answer(problem: &Problem) -> Response {
    let kind = kind(problem);
    let status = match problem.status() {
        status if status.is_client_error() => StatusCode::BAD_REQUEST,
        status => status,
    };
    let body = json!({ "__type": kind, "Message": problem.detail() });
    (status, JSON, body.to_string()).into_response()
}

/// The name that Glue has for a problem.
fn kind(problem: &Problem) -> &'static str {
    match problem.code() {
        of_aws if of_aws.ends_with("Exception") => of_aws,
        "crawler_not_found" | "job_not_found" => "EntityNotFoundException",
        "object_busy" => "ConcurrentRunsExceededException",
        "crawler_busy" => "CrawlerRunningException",
        "run_not_cancellable" => "CrawlerNotRunningException",
        "rate_limited" => "ThrottlingException",
        "request_timeout" => "OperationTimeoutException",
        _ => match problem.status() {
            StatusCode::FORBIDDEN => "AccessDeniedException",
            StatusCode::SERVICE_UNAVAILABLE => "ServiceUnavailableException",
            status if status.is_server_error() => "InternalServiceException",
            _ => "InvalidInputException",
        },
    }
}
