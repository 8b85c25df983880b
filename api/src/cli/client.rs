//! The API as `stevedore jobs` uses it.

use std::time::Duration;

use eventsource_stream::Eventsource;
use futures::StreamExt;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::config::without_userinfo;

/// Longest time in which a server is reached.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest time that a server says nothing: a stream of events shows every 15 seconds that it lives.
const SILENCE: Duration = Duration::from_secs(60);

/// What went wrong between us and the server.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    #[error("{server} cannot be reached")]
    Unreachable { server: Url, source: reqwest::Error },
    #[error("{detail} ({code}, request {request_id})")]
    Refused { detail: String, code: String, request_id: String },
    #[error("{server} does not answer as stevedore does")]
    Strange { server: Url, source: Box<dyn std::error::Error + Send + Sync> },
}

/// The problem that an answer holds.
#[derive(Debug, Deserialize)]
struct Problem {
    detail: String,
    code: String,
    #[serde(default)]
    request_id: String,
}

/// A server and the key for it.
pub(super) struct Server {
    url: Url,
    key: Option<String>,
    client: Client,
}

impl Server {
    pub(super) fn new(url: Url, key: Option<String>) -> Self {
        let client = Client::builder()
            // Another host must not be sent the key.
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .build()
            .unwrap_or_default();
        Self { url, key, client }
    }

    /// Sends a request without a body, and reads the answer.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, ClientError> {
        let answer = self.send(self.request(method, path).query(query)).await?;
        answer.json().await.map_err(|error| self.strange(error))
    }

    /// Follows a job: each event's name and data, until the server ends the stream.
    pub(super) async fn follow(
        &self,
        path: &str,
        mut told: impl FnMut(&str, &str),
    ) -> Result<(), ClientError> {
        let answer = self.send(self.request(Method::GET, path)).await?;
        let mut events = answer.bytes_stream().eventsource();
        while let Some(event) = events.next().await {
            let event = event.map_err(|error| self.strange(error))?;
            told(&event.event, &event.data);
        }
        Ok(())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let base = self.url.as_str().trim_end_matches('/');
        let request = self.client.request(method, format!("{base}{path}"));
        match &self.key {
            Some(key) => request.header("x-api-key", key),
            None => request,
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let server = without_userinfo(&self.url);
        let answer = request
            .send()
            .await
            .map_err(|source| ClientError::Unreachable { server, source: source.without_url() })?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let Problem { detail, code, request_id } =
            answer.json().await.map_err(|error| self.strange(error))?;
        Err(ClientError::Refused { detail, code, request_id })
    }

    fn strange(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ClientError {
        ClientError::Strange { server: without_userinfo(&self.url), source: source.into() }
    }
}
