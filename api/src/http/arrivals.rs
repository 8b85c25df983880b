//! `/v1/arrivals/{watch}`: stores tell what arrived.
//!
//! The senders cannot set our headers, so each watch has a token of its own, which may stand in the URL.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use axum::{Extension, Json};
use reqwest::Client;
use reqwest::redirect::Policy;
use serde::Serialize;
use url::Url;
use utoipa::ToSchema;

use super::App;
use super::access::given;
use super::problem::{Guarded, Problem, StoreRefused, Unavailable, WrongNotice};
use super::trace::{By, RequestId};
use crate::jobs::Asked;
use crate::jobs::watches::Watch;
use crate::jobs::watches::arrive::{ArriveError, Arrived};
use crate::jobs::watches::notices::{Kind, Said, read};
use crate::keys::hash;
use crate::metrics;

/// Longest time that the confirmation of a subscription takes.
const CONFIRM: Duration = Duration::from_secs(10);

/// What became of a notice.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ArrivalAnswer {
    /// Who sent it: `s3`, `eventbridge`, `minio`, `google`, `azure` or `sns`
    kind: &'static str,
    /// What became of the objects that it named
    objects: Arrived,
    /// What Azure Event Grid wants to read when a subscription is made
    #[serde(rename = "validationResponse", skip_serializing_if = "Option::is_none")]
    validation_response: Option<String>,
    /// What is left for you to do
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl ArrivalAnswer {
    fn new(kind: Kind) -> Self {
        let objects = Arrived::default();
        Self { kind: kind.as_str(), objects, validation_response: None, note: None }
    }
}

/// Lets a request pass that comes with the token of its watch. That there is no such watch is not told.
pub(super) async fn check(
    State(app): State<Arc<App>>,
    path: RawPathParams,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let name = path.iter().find(|(name, _)| *name == "watch").map(|(_, value)| value.to_owned());
    let name = name.filter(|name| !name.contains('\0')).unwrap_or_default();
    let token = token_of(&request);
    let watch = app.store.watch(&name).await?;
    let hash = hash(&token);
    let watch = watch.filter(|watch| watch.has_token(&hash) && watch.takes_notices());
    let unknown = || {
        let detail = "send the token of the watch: ?token=…, as x-api-key, or as a bearer token";
        Problem::new(StatusCode::UNAUTHORIZED, "token_unknown", detail)
    };
    let watch = watch.ok_or_else(unknown)?;
    let by = format!("watch {}", watch.name);
    app.access.limit(&by)?;
    let RequestId(request_id) = request.extensions().get().cloned().unwrap_or_default();
    request.extensions_mut().insert(Asked { by: by.clone(), request_id });
    request.extensions_mut().insert(Arc::new(watch));
    let mut response = next.run(request).await;
    response.extensions_mut().insert(By(by));
    Ok(response)
}

/// The token of a request. That of the URL goes first: Google sends a token of its own as a bearer token.
fn token_of(request: &Request) -> String {
    let query = request.uri().query().unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let in_url = pairs.find(|(name, _)| name == "token").map(|(_, token)| token.into_owned());
    in_url.or_else(|| given(request.headers()).map(str::to_owned)).unwrap_or_default()
}

/// Tell what arrived
///
/// Notices of S3 (also through SNS or EventBridge), MinIO, Google Pub/Sub and Azure Event Grid, as these send them. Each
/// object that a notice names is looked up. If the watch is over it and its version is new, a job loads it. When the
/// answer is there, the job is committed.
#[utoipa::path(
    post,
    path = "/v1/arrivals/{watch}",
    operation_id = "tell_arrival",
    tag = "watches",
    params(
        ("watch" = String, Path, description = "The watch's name"),
        ("token" = Option<String>, Query, description = "The watch's token, unless a header has it")
    ),
    request_body(content = Object, description = "The notice, of any content type"),
    responses(
        (status = 200, description = "What became of the objects of the notice", body = ArrivalAnswer),
        Guarded,
        WrongNotice,
        StoreRefused,
        Unavailable
    ),
)]
pub(super) async fn tell(
    State(app): State<Arc<App>>,
    Extension(asked): Extension<Asked>,
    Extension(watch): Extension<Arc<Watch>>,
    body: Bytes,
) -> Result<Json<ArrivalAnswer>, Problem> {
    let (kind, said) = read(&body).map_err(|unknown| {
        metrics::noticed(Kind::Unknown.as_str(), "unknown", 1);
        Problem::bad_request("notice_unknown", unknown.to_string())
    })?;
    let mut answer = ArrivalAnswer::new(kind);
    match said {
        Said::Arrived(named) => {
            let bucket = app.bucket(&watch.bucket)?;
            let of_kind = (kind, &named[..]);
            let arrived =
                app.store.arrive(&watch, bucket, &app.feeds, of_kind, &asked.request_id).await;
            answer.objects = arrived.map_err(|error| match error {
                ArriveError::Look(error) => Problem::from(error),
                ArriveError::Store(error) => Problem::from(error),
            })?;
        }
        Said::Validate(code) => answer.validation_response = Some(code),
        Said::Confirm(url) => answer.note = confirm(&watch, &url).await,
    }
    Ok(Json(answer))
}

/// Let Azure Event Grid send notices
///
/// The handshake of CloudEvents: the answer allows the origin of the request.
#[utoipa::path(
    options,
    path = "/v1/arrivals/{watch}",
    operation_id = "allow_arrivals",
    tag = "watches",
    params(
        ("watch" = String, Path, description = "The watch's name"),
        ("token" = Option<String>, Query, description = "The watch's token, unless a header has it")
    ),
    responses(
        (status = 200, description = "Notices may be sent"),
        Guarded,
        Unavailable
    ),
)]
pub(super) async fn allow(headers: HeaderMap) -> (StatusCode, HeaderMap) {
    let mut allowed = HeaderMap::new();
    if let Some(origin) = headers.get("webhook-request-origin") {
        allowed.insert(HeaderName::from_static("webhook-allowed-origin"), origin.clone());
        let any = axum::http::HeaderValue::from_static("*");
        allowed.insert(HeaderName::from_static("webhook-allowed-rate"), any);
    }
    (StatusCode::OK, allowed)
}

/// Confirms a subscription of SNS, at an address of SNS and nowhere else; what is left to do, if that was not done.
async fn confirm(watch: &Watch, url: &str) -> Option<String> {
    let confirmed = match Url::parse(url).ok().filter(is_of_sns) {
        Some(url) => fetch(url).await.map_err(|error| error.to_string()),
        None => Err("its SubscribeURL is not one of https://sns.REGION.amazonaws.com".to_owned()),
    };
    match confirmed {
        Ok(()) => {
            tracing::info!(watch = watch.name, "a subscription of SNS is confirmed");
            None
        }
        Err(reason) => {
            let note = format!(
                "the subscription is not confirmed: {reason}. If it is yours, open its SubscribeURL yourself"
            );
            tracing::warn!(watch = watch.name, url, "{note}");
            Some(note)
        }
    }
}

fn is_of_sns(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let ours = host.strip_suffix(".amazonaws.com").or(host.strip_suffix(".amazonaws.com.cn"));
    let region = ours.and_then(|ours| ours.strip_prefix("sns.")).unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    url.scheme() == "https"
        && url.port().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && !region.is_empty()
        && region.bytes().all(is_plain)
}

async fn fetch(url: Url) -> Result<(), reqwest::Error> {
    let client = Client::builder().redirect(Policy::none()).timeout(CONFIRM).build()?;
    let answer = client.get(url).send().await.map_err(reqwest::Error::without_url)?;
    answer.error_for_status().map(drop).map_err(reqwest::Error::without_url)
}

#[cfg(test)]
mod tests {
    use super::{Url, is_of_sns};

    #[test]
    fn subscriptions_are_confirmed_at_sns_only() {
        for (url, expected) in [
            ("https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=x", true),
            ("https://sns.cn-north-1.amazonaws.com.cn/?x", true),
            ("http://sns.eu-west-1.amazonaws.com/?x", false),
            ("https://sns.eu-west-1.amazonaws.com:8443/?x", false),
            ("https://sns.eu-west-1.amazonaws.com@example.com/", false),
            ("https://user@sns.eu-west-1.amazonaws.com/", false),
            ("https://sns.eu-west-1.amazonaws.com.example.com/", false),
            ("https://sns.a.b.amazonaws.com/", false),
            ("https://bucket.s3.amazonaws.com/", false),
            ("https://169.254.169.254/latest/meta-data/", false),
        ] {
            assert_eq!(is_of_sns(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
