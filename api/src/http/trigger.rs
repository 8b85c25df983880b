//! The old trigger, drop-in: `GET|POST /trigger?bucket=B&key=K`.

use std::sync::Arc;

use axum::extract::{self, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use pipeline::sink::Mode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::App;
use super::extract::{Query, check_text};
use super::problem::{Guarded, Problem, StoreRefused, Unavailable, WrongParameter};
use crate::jobs::{Asked, JobState, Request, Target};

/// The parameters of the trigger; others are ignored, as they were.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TriggerParams {
    /// The configured bucket
    #[param(required = true, example = "microservice-hw")]
    bucket: Option<String>,
    /// The object's key
    #[param(required = true, example = "user_status_sample.json")]
    key: Option<String>,
}

/// The answer of the trigger.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Triggered {
    /// `File K found in the bucket B. Job status: S`
    message: String,
    /// The job that loads the object
    job_id: Uuid,
    /// What the job is doing
    state: JobState,
}

/// Refuses HEAD, which axum takes for GET: who only looks starts no load.
pub(super) async fn refuse_head(request: extract::Request, next: Next) -> Response {
    if request.method() == Method::HEAD {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET,POST")]).into_response();
    }
    next.run(request).await
}

/// Load an object
///
/// Answers 200 and begins to load if the object is there, else 400. The same version is loaded once,
/// however often it is asked for.
#[utoipa::path(
    method(get, post),
    path = "/trigger",
    tag = "trigger",
    params(TriggerParams),
    responses(
        (status = 200, description = "It is there", body = Triggered),
        Guarded,
        WrongParameter,
        StoreRefused,
        Unavailable
    ),
)]
pub(super) async fn trigger(
    State(app): State<Arc<App>>,
    Extension(asked): Extension<Asked>,
    Query(params): Query<TriggerParams>,
) -> Result<Json<Triggered>, Problem> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (Some(bucket), Some(key)) = (given(params.bucket), given(params.key)) else {
        let message = "The parameters bucket and key are required.";
        return Err(Problem::bad_request("parameter_missing", message));
    };
    let object = match check_text("key", Some(&key)) {
        Ok(()) => app.locate(&bucket, &key).await,
        Err(problem) => Err(problem),
    };
    let object = object.map_err(|problem| match problem.code() {
        "object_not_found" | "bucket_not_found" => {
            let message = format!("File {key} was not found in the bucket {bucket}.");
            problem.for_trigger().with_message(message)
        }
        _ => problem.for_trigger(),
    })?;
    let request = Request {
        bucket: bucket.clone(),
        target: Target::Object(Box::new(object)),
        mode: Mode::default(),
        dry_run: false,
        reload: false,
        catalog: true,
        asked,
        idempotency: None,
    };
    let job = match app.store.submit(&request).await {
        Ok(job) => job,
        Err(error) => match error.under_way() {
            Some(job_id) => app.job(job_id).await?,
            None => return Err(error.into()),
        },
    };
    let state = job.state.as_str();
    let message = format!("File {key} found in the bucket {bucket}. Job status: {state}");
    Ok(Json(Triggered { message, job_id: job.job_id, state: job.state }))
}
