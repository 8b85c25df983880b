//! One attempt to send a message.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, StatusCode};
use uuid::Uuid;

use super::WebhookSecret;
use crate::wire::{Job, JobState, WebhookMessage};

/// Longest time that a receiver may take, to be connected to and altogether.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(10));

/// Sends signed messages.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    client: Client,
    /// Each signs: so a receiver that knows the old one or the new one takes the message.
    secrets: Vec<WebhookSecret>,
}

/// What a receiver answered.
#[derive(Debug)]
pub(in crate::jobs) struct Answer {
    pub(in crate::jobs) status: Option<u16>,
    /// Why the message was not delivered. None if it was.
    pub(in crate::jobs) error: Option<String>,
    /// Whether no further attempt is made.
    pub(in crate::jobs) is_final: bool,
}

/// A client for messages.
///
/// # Errors
/// When there are no certificates to trust.
pub(in crate::jobs) fn client() -> reqwest::Result<Client> {
    // A redirect could lead where the operator allowed nothing.
    let client = Client::builder().redirect(Policy::none());
    client.connect_timeout(PATIENCE.0).timeout(PATIENCE.1).build()
}

/// Makes one attempt.
pub(in crate::jobs) async fn post(request: RequestBuilder) -> Answer {
    match request.send().await {
        Ok(answer) => Answer::with(answer.status()),
        // The URL may hold a token.
        Err(error) => Answer::failed(pipeline::error::causes(&error.without_url()).join(": ")),
    }
}

impl Answer {
    pub(super) const fn failed(error: String) -> Self {
        Self { status: None, error: Some(error), is_final: false }
    }

    fn with(status: StatusCode) -> Self {
        let error = (!status.is_success()).then(|| format!("the receiver answered {status}"));
        Self { status: Some(status.as_u16()), error, is_final: status == StatusCode::GONE }
    }
}

impl Sender {
    /// Sends what is signed with these secrets.
    ///
    /// # Errors
    /// When there are no certificates to trust.
    pub(crate) fn new(secrets: Vec<WebhookSecret>) -> reqwest::Result<Self> {
        Ok(Self { client: client()?, secrets })
    }

    /// Tells that a job ended in a state at a time.
    pub(super) async fn send(
        &self,
        url: &str,
        webhook_id: Uuid,
        (state, at): (JobState, DateTime<Utc>),
        job: &Job,
    ) -> Answer {
        let kind = format!("job.{}", state.as_str());
        let message = WebhookMessage { kind, timestamp: at, data: job };
        let body = match serde_json::to_vec(&message) {
            Ok(body) => body,
            Err(error) => return Answer::failed(error.to_string()),
        };
        let (id, seconds) = (webhook_id.to_string(), Utc::now().timestamp());
        let signed = self.secrets.iter().map(|secret| secret.sign(&id, seconds, &body));
        let request = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-signature", signed.collect::<Vec<_>>().join(" "))
            .header("webhook-timestamp", seconds)
            .header("webhook-id", id)
            .body(body);
        post(request).await
    }
}
