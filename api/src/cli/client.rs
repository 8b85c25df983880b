//! The API as `stevedore jobs` and `stevedore watch` use it.

use std::path::{Path, PathBuf};
use std::process::{ExitCode, Termination};
use std::time::{Duration, Instant};

use eventsource_stream::Eventsource;
use futures::StreamExt;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;

use super::print::Printer;
use crate::config::{ClientArgs, without_userinfo};

/// Longest time in which a server is reached.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest time that a server says nothing: a stream of events shows every 15 seconds that it lives.
const SILENCE: Duration = Duration::from_secs(60);

/// How long a server that is gone is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// Time between two attempts to reach it again.
const PAUSE: Duration = Duration::from_secs(1);

/// What went wrong between us and the server.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    #[error("{server} cannot be reached")]
    Unreachable { server: Url, source: reqwest::Error },
    #[error("{detail} ({code}, request {request_id})")]
    Refused { detail: String, code: String, request_id: String, retryable: bool },
    #[error("lost the connection to the job: {server} did not answer again within {} s", PATIENCE.as_secs())]
    OutOfSight { server: Url, source: Box<ClientError> },
    #[error("could not use the certificates in {}", file.display())]
    Roots { file: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("could not prepare for requests")]
    Unusable(#[source] reqwest::Error),
    #[error("{server} answers, but not like a stevedore server")]
    Strange { server: Url, source: Box<dyn std::error::Error + Send + Sync> },
}

/// The certificates of a PEM file.
fn certificates(file: &Path) -> Result<Vec<Certificate>, ClientError> {
    let failed = |source| ClientError::Roots { file: file.to_owned(), source };
    let text = std::fs::read(file).map_err(|error| failed(error.into()))?;
    let certificates = Certificate::from_pem_bundle(&text).map_err(|error| failed(error.into()))?;
    if certificates.is_empty() {
        return Err(failed("it holds no certificate in PEM".into()));
    }
    Ok(certificates)
}

/// The problem that an answer holds.
#[derive(Debug, Deserialize)]
struct Problem {
    detail: String,
    code: String,
    #[serde(default)]
    request_id: String,
    #[serde(default)]
    retryable: bool,
}

impl ClientError {
    /// Whether the same request may be answered later. A balancer between us and a server that is
    /// gone answers as it likes.
    const fn may_pass(&self) -> bool {
        match self {
            Self::Refused { retryable, .. } => *retryable,
            Self::Unreachable { .. } | Self::Strange { .. } => true,
            Self::OutOfSight { .. } | Self::Roots { .. } | Self::Unusable(_) => false,
        }
    }
}

/// The exit code of a command that asked a server. It prints the error, if there is one.
pub(super) fn asked(
    done: Result<impl Termination, ClientError>,
    server: &Url,
    printer: &Printer,
) -> ExitCode {
    let error = match done {
        Ok(done) => return done.report(),
        Err(error) => error,
    };
    let exit = printer.failed(&format!("could not ask {}", without_userinfo(server)), &error);
    if let Some(hint) = hint(&error) {
        printer.note(&format!("hint: {hint}"));
    }
    exit
}

/// What to do next about an error.
fn hint(error: &ClientError) -> Option<&'static str> {
    match error {
        ClientError::Unreachable { .. } => Some(
            "start it with `stevedore serve`, or name another server: --server; if its certificate is of an \
             authority of your own, name that: --ca-cert",
        ),
        ClientError::Roots { .. } => Some("set --ca-cert to a readable PEM file of certificates"),
        ClientError::OutOfSight { .. } => Some("the job continues; watch it again later"),
        ClientError::Refused { code, .. } if code == "key_unknown" => {
            Some("set STEVEDORE_API_KEY to a key that the server knows")
        }
        _ => None,
    }
}

/// A server and the key for it.
pub(super) struct Server {
    url: Url,
    key: Option<String>,
    client: Client,
}

impl Server {
    /// With the certificates of a file to be trusted instead of the platform's, if there is one.
    pub(super) fn new(
        url: Url,
        key: Option<String>,
        roots: Option<&Path>,
    ) -> Result<Self, ClientError> {
        let client = Client::builder()
            // Another host must not be sent the key.
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE);
        let client = match roots {
            Some(file) => client.tls_certs_only(certificates(file)?),
            None => client,
        };
        Ok(Self { url, key, client: client.build().map_err(ClientError::Unusable)? })
    }

    /// The server that the command line names.
    pub(super) fn of(args: &ClientArgs) -> Result<Self, ClientError> {
        Self::new(args.server.clone(), args.api_key.clone(), args.ca_cert.as_deref())
    }

    /// Where something is on the server.
    pub(super) fn url_of(&self, path: &str) -> String {
        let base = without_userinfo(&self.url);
        format!("{}{path}", base.as_str().trim_end_matches('/'))
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

    /// Sends something, and reads the answer.
    pub(super) async fn tell<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let answer = self.send(self.request(Method::POST, path).json(body)).await?;
        answer.json().await.map_err(|error| self.strange(error))
    }

    /// Follows a job: each event's name and data, until the job is done. Where the stream breaks
    /// off it goes on, also when the server is gone for a while.
    pub(super) async fn follow(
        &self,
        path: &str,
        mut told: impl FnMut(&str, &str),
    ) -> Result<(), ClientError> {
        let mut last = String::new();
        let mut answer = self.events(path, &last).await?;
        loop {
            let mut events = answer.bytes_stream().eventsource();
            while let Some(Ok(event)) = events.next().await {
                if !event.id.is_empty() {
                    last.clone_from(&event.id);
                }
                told(&event.event, &event.data);
                if event.event == "done" {
                    return Ok(());
                }
            }
            tracing::info!("the stream of events broke off");
            answer = self.events_again(path, &last).await?;
        }
    }

    async fn events(&self, path: &str, last: &str) -> Result<Response, ClientError> {
        let request = self.request(Method::GET, path);
        self.send(match last {
            "" => request,
            last => request.header("last-event-id", last),
        })
        .await
    }

    /// The events after the last one, when the server is there again.
    async fn events_again(&self, path: &str, last: &str) -> Result<Response, ClientError> {
        let lost = Instant::now();
        loop {
            tokio::time::sleep(PAUSE).await;
            match self.events(path, last).await {
                Err(error) if error.may_pass() && lost.elapsed() < PATIENCE => {}
                Err(error) if error.may_pass() => {
                    let server = without_userinfo(&self.url);
                    return Err(ClientError::OutOfSight { server, source: Box::new(error) });
                }
                answer => return answer,
            }
        }
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
        let Problem { detail, code, request_id, retryable } =
            answer.json().await.map_err(|error| self.strange(error))?;
        Err(ClientError::Refused { detail, code, request_id, retryable })
    }

    fn strange(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ClientError {
        ClientError::Strange { server: without_userinfo(&self.url), source: source.into() }
    }
}
