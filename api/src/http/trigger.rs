//! The old trigger, drop-in: `GET|POST /trigger?bucket=B&key=K`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{self, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use pipeline::sink::RequestedMode;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::App;
use super::extract::{Query, check_text};
use super::problem::{Guarded, Problem, StoreRefused, Unavailable, WrongParameter};
use crate::jobs::{Asked, Request, Target};
use crate::wire::{JobMode, JobState};

/// The parameters of the trigger. Each may be given once, and there are no others.
#[derive(Debug, Default, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TriggerParams {
    /// The configured bucket
    #[param(required = true, example = "microservice-hw")]
    bucket: Option<String>,
    /// The object's key
    #[param(required = true, example = "exports/2024-01-01.ndjson")]
    key: Option<String>,
    /// The name of the feed
    #[param(example = "orders")]
    feed: Option<String>,
    /// What becomes of records, as `mode` of a job
    #[param(inline, value_type = Option<JobMode>)]
    mode: Option<String>,
}

impl TriggerParams {
    const NAMES: &str = "bucket, key, feed and mode";

    fn from_pairs(pairs: Vec<(String, String)>) -> Result<Self, Problem> {
        let mut params = Self::default();
        for (name, value) in pairs {
            let param = match name.as_str() {
                "bucket" => &mut params.bucket,
                "key" => &mut params.key,
                "feed" => &mut params.feed,
                "mode" => &mut params.mode,
                _ => {
                    let names = Self::NAMES;
                    let detail = format!("there is no parameter {name:?}; there are {names}");
                    return Err(Problem::bad_request("parameter_unknown", detail));
                }
            };
            if param.replace(value).is_some() {
                let detail = format!("the parameter {name} is given more than once");
                return Err(Problem::bad_request("parameter_repeated", detail));
            }
        }
        Ok(params)
    }

    /// The mode; none if it is left to us.
    fn mode(&self) -> Result<Option<RequestedMode>, Problem> {
        let mode = self.mode.as_deref().map(str::parse).transpose();
        mode.map_err(|detail: String| {
            Problem::bad_request("invalid_parameter", format!("mode: {detail}"))
        })
    }
}

/// The answer of the trigger.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Triggered {
    /// `File K found in the bucket B. Job status: S`
    message: String,
    /// The job that loads the object
    job_id: Uuid,
    /// State of the job
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
/// If the object exists, it answers 200 and creates a job. Otherwise it answers 400. A version is loaded
/// once, even if it is requested several times. If a job for it is queued or running, that job is the
/// answer, or 400 if `mode` is given and the job has another one.
#[utoipa::path(
    method(get, post),
    path = "/trigger",
    tag = "trigger",
    params(TriggerParams),
    responses(
        (status = 200, description = "The object exists, and a job loads it", body = Triggered),
        Guarded,
        WrongParameter,
        StoreRefused,
        Unavailable
    ),
)]
pub(super) async fn trigger(
    State(app): State<Arc<App>>,
    Extension(asked): Extension<Asked>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Json<Triggered>, Problem> {
    let params = TriggerParams::from_pairs(pairs)?;
    let mode = params.mode()?;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (Some(bucket), Some(key)) = (given(params.bucket), given(params.key)) else {
        let message = "The parameters bucket and key are required.";
        return Err(Problem::bad_request("parameter_missing", message));
    };
    let feed = app.feed(params.feed.as_deref(), Some(&key))?;
    let object = match check_text("key", Some(&key)) {
        Ok(()) => app.locate(&bucket, &key, None).await,
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
        bucket: Some(bucket.clone()),
        target: Target::Object(Box::new(object)),
        feed,
        mode,
        dry_run: false,
        reload: false,
        catalog: true,
        max_rejected: None,
        is_pinned: false,
        labels: BTreeMap::new(),
        webhook: app.webhooks.of_job(None)?,
        asked,
        idempotency: None,
    };
    let job = match app.store.submit(&request).await {
        Ok(job) => job,
        Err(error) => match error.under_way() {
            Some(job_id) => {
                let job = app.job(job_id).await?;
                if mode.is_some_and(|mode| Some(mode.as_str()) != job.mode.as_deref()) {
                    return Err(Problem::from(error).for_trigger());
                }
                job
            }
            None => return Err(error.into()),
        },
    };
    let state = job.state.as_str();
    let message = format!("File {key} found in the bucket {bucket}. Job status: {state}");
    Ok(Json(Triggered { message, job_id: job.job_id, state: job.state }))
}
