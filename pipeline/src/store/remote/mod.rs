//! Remote stores: S3, Google and Azure, by their URLs and the settings beside them.

mod client;
mod messages;
mod settings;
#[cfg(test)]
mod tests;
mod throttle;
mod url;

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::{BackoffConfig, ClientConfigKey, ObjectStore, ObjectStoreScheme, RetryConfig};

use self::client::Connector;
pub use self::messages::{Message, MessageQueue};
use self::settings::Settings;
pub(super) use self::url::RemoteUrl;
pub use self::url::shown;
use super::profile;
use crate::error::{Error, causes};

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
        _ => Ok(s3(url, environment)?),
    }
}

fn s3(url: &RemoteUrl, environment: &[(String, String)]) -> Result<Arc<AmazonS3>, Error> {
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
