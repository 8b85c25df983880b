//! Remote stores: S3, Google and Azure, by their URLs and the settings beside them.

mod client;
#[cfg(test)]
mod tests;
mod throttle;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::{BackoffConfig, ClientConfigKey, ObjectStore, ObjectStoreScheme, RetryConfig};
use url::Url;

use super::profile;
use crate::error::{Error, causes};
use client::Connector;

/// A store in a reachable network answers within milliseconds; a lost packet or two are forgiven.
const CONNECT_TIMEOUT: &str = "5 s";
/// An answer of which nothing comes any more for so long has broken off.
const READ_TIMEOUT: &str = "30 s";
/// Several ranges share a line, and all of them come slowly if it is slow.
const REQUEST_TIMEOUT: &str = "300 s";
/// Enough for a store that restarts one of its machines; what lasts longer is for the next attempt of a
/// job, which need not hold a connection to the database meanwhile. Requests that are refused because
/// there are too many do not count ([`throttle`]).
const MAX_RETRIES: usize = 5;
/// Stores ask to slow down by about this at first, and double it.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
/// Longer pauses gain nothing within [`RETRY_TIMEOUT`].
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);
/// Two requests that time out, and what is between them: nobody waits longer without a word.
const RETRY_TIMEOUT: Duration = Duration::from_secs(60);

/// A location in a remote store, taken apart.
pub(super) struct RemoteUrl {
    /// The bucket's own URL, without a `/` at its end.
    pub(super) root: String,
    /// What comes after it, as it is written.
    pub(super) key: String,
    scheme: ObjectStoreScheme,
    /// The query.
    settings: Vec<(String, String)>,
}

impl RemoteUrl {
    /// Takes the URL of a remote store apart; none if the text is something else.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, Error> {
        let wrong =
            |reason: &str| Error::Location { location: shown(text), reason: reason.to_owned() };
        let Some((scheme, rest)) = text.split_once("://").filter(|(scheme, _)| *scheme != "file")
        else {
            return Ok(None);
        };
        let (rest, query) = split_query(rest);
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if authority.is_empty() || authority.contains(['?', '#', '\\']) {
            return Err(wrong("it names no bucket"));
        }
        let root = format!("{}://{authority}", scheme.to_ascii_lowercase());
        let probe = Url::parse(&format!("{root}/bucket/key"));
        let probe = probe.map_err(|error| wrong(&error.to_string()))?;
        let Some((scheme, is_path_style)) = store_of(&probe) else {
            return Ok(None);
        };
        let names_account = scheme == ObjectStoreScheme::MicrosoftAzure;
        if probe.password().is_some() || !(probe.username().is_empty() || names_account) {
            return Err(wrong("credentials belong into the environment, not into a URL"));
        }
        let settings = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let (root, key) = match path.split_once('/').unwrap_or((path, "")) {
            (bucket, key) if is_path_style => (format!("{root}/{bucket}"), key),
            _ => (root, path),
        };
        Ok(Some(Self { root, key: key.to_owned(), scheme, settings }))
    }

    fn wrong(&self, reason: String) -> Error {
        Error::Location { location: self.root.clone(), reason }
    }
}

/// Which store answers such URLs, and whether the bucket is the first part of their path.
fn store_of(probe: &Url) -> Option<(ObjectStoreScheme, bool)> {
    let (scheme, path) = ObjectStoreScheme::parse(probe).ok()?;
    let is_remote = matches!(
        scheme,
        ObjectStoreScheme::AmazonS3
            | ObjectStoreScheme::GoogleCloudStorage
            | ObjectStoreScheme::MicrosoftAzure
    );
    is_remote.then(|| (scheme, path.as_ref() == "key"))
}

/// Splits off what is like `?name=value`; any other `?` is part of a pattern.
fn split_query(text: &str) -> (&str, &str) {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let mut marks = text.match_indices('?').map(|(at, _)| (&text[..at], &text[at + 1..]));
    let query = marks.find(|(_, rest)| rest.split_once('=').is_some_and(|(name, _)| is_name(name)));
    query.unwrap_or((text, ""))
}

/// A location as it may be shown: without its settings and credentials.
#[must_use]
pub fn shown(location: &str) -> String {
    let Some((scheme, rest)) = location.split_once("://") else {
        return location.to_owned();
    };
    let (rest, _) = split_query(rest);
    let authority = rest.split_once('/').map_or(rest, |(authority, _)| authority);
    let credentials = match authority.rsplit_once('@') {
        Some((user, _)) if user.contains(':') || ["s3", "s3a", "gs"].contains(&scheme) => {
            user.len() + 1
        }
        _ => 0,
    };
    format!("{scheme}://{}", &rest[credentials..])
}

/// The store of a remote URL; it is not asked anything yet.
pub(super) fn open(
    url: &RemoteUrl,
    environment: &[(String, String)],
) -> Result<Arc<dyn ObjectStore>, Error> {
    // The client takes the process's provider of cryptography, and panics without one. If somebody
    // has chosen one already, that stays.
    rustls::crypto::ring::default_provider().install_default().ok();
    match url.scheme {
        ObjectStoreScheme::GoogleCloudStorage => google(url, environment),
        ObjectStoreScheme::MicrosoftAzure => azure(url, environment),
        _ => s3(url, environment),
    }
}

fn s3(url: &RemoteUrl, environment: &[(String, String)]) -> Result<Arc<dyn ObjectStore>, Error> {
    use AmazonS3ConfigKey::{AccessKeyId, Client, Endpoint, S3Endpoint, SecretAccessKey, Token};
    let mut settings = Settings::gather(url, environment, "AWS_")?;
    if settings.queried(&AccessKeyId).is_some() {
        // A session token goes with its own key only.
        settings.given.retain(|(key, _)| ![AccessKeyId, SecretAccessKey, Token].contains(key));
    }
    let builder = AmazonS3Builder::new()
        .with_url(&url.root)
        .with_retry(retry())
        .with_http_connector(Connector);
    let mut builder = settings.apply(builder, AmazonS3Builder::with_config);
    if let Some(endpoint) = settings.queried(&Endpoint) {
        // Else AWS_ENDPOINT_URL_S3 would win over it.
        builder = builder.with_config(S3Endpoint, endpoint);
    }
    builder = profile::complete(builder, &url.root, environment)?;
    let endpoint = builder.get_config_value(&S3Endpoint);
    if is_plain_http(endpoint.or_else(|| builder.get_config_value(&Endpoint))) {
        builder = builder.with_config(Client(ClientConfigKey::AllowHttp), "true");
    }
    let store = builder.build().map_err(|error| settings.refused(url, &error))?;
    Ok(Arc::new(store))
}

fn google(
    url: &RemoteUrl,
    environment: &[(String, String)],
) -> Result<Arc<dyn ObjectStore>, Error> {
    let mut settings = Settings::gather(url, environment, "GOOGLE_")?;
    if let Some(account) = variable(environment, "SERVICE_ACCOUNT") {
        settings.given.insert(0, (GoogleConfigKey::ServiceAccount, account.to_owned()));
    }
    let builder = GoogleCloudStorageBuilder::new()
        .with_url(&url.root)
        .with_retry(retry())
        .with_http_connector(Connector);
    let builder = settings.apply(builder, GoogleCloudStorageBuilder::with_config);
    let store = builder.build().map_err(|error| settings.refused(url, &error))?;
    Ok(Arc::new(store))
}

fn azure(url: &RemoteUrl, environment: &[(String, String)]) -> Result<Arc<dyn ObjectStore>, Error> {
    let mut settings = Settings::gather(url, environment, "AZURE_")?;
    if let Some(endpoint) = variable(environment, "IDENTITY_ENDPOINT") {
        settings.given.push((AzureConfigKey::MsiEndpoint, endpoint.to_owned()));
    }
    let builder = MicrosoftAzureBuilder::new()
        .with_url(&url.root)
        .with_retry(retry())
        .with_http_connector(Connector);
    let mut builder = settings.apply(builder, MicrosoftAzureBuilder::with_config);
    if is_plain_http(builder.get_config_value(&AzureConfigKey::Endpoint)) {
        let key = AzureConfigKey::Client(ClientConfigKey::AllowHttp);
        builder = builder.with_config(key, "true");
    }
    let store = builder.build().map_err(|error| settings.refused(url, &error))?;
    Ok(Arc::new(store))
}

/// The error of a bucket that cannot be listed. Of listings the client does not tell apart what it
/// does of objects, other than in the text of a cause.
pub(super) fn not_listed(bucket: &str, folder: &str, source: object_store::Error) -> Error {
    const MISSING: [&str; 2] = ["NoSuchBucket", "ContainerNotFound"];
    const DENIED: [&str; 2] = ["status code: 401", "status code: 403"];
    let said = causes(&source).join(": ");
    if MISSING.iter().any(|code| said.contains(code)) {
        let reason = "there is no such bucket".to_owned();
        return Error::Location { location: bucket.to_owned(), reason };
    }
    let object = folder.to_owned();
    if DENIED.iter().any(|status| said.contains(status)) {
        let (path, source) = (folder.to_owned(), Box::new(source));
        let source = object_store::Error::PermissionDenied { path, source };
        return Error::Read { object, source };
    }
    Error::Read { object, source }
}

fn retry() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: FIRST_BACKOFF,
            max_backoff: LONGEST_BACKOFF,
            base: 2.0,
        },
        max_retries: MAX_RETRIES,
        retry_timeout: RETRY_TIMEOUT,
    }
}

/// Who names such an endpoint means it.
fn is_plain_http(endpoint: Option<String>) -> bool {
    endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"))
}

/// A variable that is there and not empty.
pub(super) fn variable<'a>(environment: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = environment.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
}

/// What configures a store, in the order in which the later wins.
struct Settings<K> {
    /// Ours, and those of the environment.
    given: Vec<(K, String)>,
    /// Those of the URL.
    queried: Vec<(K, String)>,
}

impl<K: FromStr + AsRef<str> + Copy + PartialEq> Settings<K> {
    /// Of the environment those that begin with `prefix` and are known; of the URL all.
    fn gather(
        url: &RemoteUrl,
        environment: &[(String, String)],
        prefix: &str,
    ) -> Result<Self, Error> {
        let ours = [
            ("timeout", REQUEST_TIMEOUT),
            ("read_timeout", READ_TIMEOUT),
            ("connect_timeout", CONNECT_TIMEOUT),
        ];
        let known = |name: &str| name.to_ascii_lowercase().parse().ok();
        let ours =
            ours.iter().filter_map(|(name, value)| Some((known(name)?, (*value).to_owned())));
        let theirs = environment
            .iter()
            .filter(|(name, value)| name.starts_with(prefix) && !value.is_empty());
        let theirs = theirs.filter_map(|(name, value)| Some((known(name)?, value.clone())));
        let queried = url.settings.iter().map(|(name, value)| match known(name) {
            Some(key) => Ok((key, value.clone())),
            None => Err(url.wrong(format!("its store has no setting `{name}`"))),
        });
        Ok(Self {
            given: ours.chain(theirs).collect(),
            queried: queried.collect::<Result<_, _>>()?,
        })
    }

    fn queried(&self, key: &K) -> Option<String> {
        let found = self.queried.iter().rev().find(|(known, _)| known == key);
        found.map(|(_, value)| value.clone())
    }

    fn apply<B>(&self, builder: B, with_config: impl Fn(B, K, String) -> B) -> B {
        let settings = self.given.iter().chain(&self.queried);
        settings.fold(builder, |builder, (key, value)| with_config(builder, *key, value.clone()))
    }

    /// The error of a store that does not take its settings, with no secret in it.
    fn refused(&self, url: &RemoteUrl, error: &object_store::Error) -> Error {
        const SECRETS: [&str; 5] = ["key", "secret", "token", "sas", "password"];
        let mut reason = error.to_string();
        for (key, value) in self.given.iter().chain(&self.queried) {
            if !value.is_empty() && SECRETS.iter().any(|secret| key.as_ref().contains(secret)) {
                reason = reason.replace(value.as_str(), "***");
            }
        }
        url.wrong(reason)
    }
}
