//! The HTTP client of remote stores: it follows no redirects.
//!
//! A redirect would lead a signed request to another host. Some headers are left out then, but not all
//! that are secret, such as the session token of S3. The client that `object_store` makes follows
//! redirects and has no setting for that, so ours is made from the same settings.

mod settings;

use std::net::{SocketAddr, ToSocketAddrs};

use async_trait::async_trait;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use object_store::{ClientConfigKey as Key, ClientOptions};
use reqwest::Client;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;

use self::settings::Settings;
use super::throttle::throttled;
use crate::error::Redirected;

/// How requests name us to stores.
const USER_AGENT: &str = concat!("stevedore/", env!("CARGO_PKG_VERSION"));
/// S3 says where a bucket is that was asked for elsewhere.
const BUCKET_REGION: &str = "x-amz-bucket-region";
/// Longest region or host that is repeated.
const WORD_CHARACTERS: usize = 100;

/// The redirect that a response is.
fn redirected(response: &HttpResponse) -> Option<Redirected> {
    // That an object did not change is no redirect.
    if !matches!(response.status().as_u16(), 300..=303 | 305..=308) {
        return None;
    }
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let plain = |text: &str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        (text.len() <= WORD_CHARACTERS && text.chars().all(is_plain)).then(|| text.to_owned())
    };
    let url = header("location").and_then(|location| url::Url::parse(location).ok());
    let host = url.and_then(|url| match url.port() {
        Some(port) => Some(format!("{}:{port}", url.host_str()?)),
        None => url.host_str().map(str::to_owned),
    });
    let host = host.as_deref().and_then(plain);
    Some(Redirected { host, region: header(BUCKET_REGION).and_then(plain) })
}

/// Makes clients for stores.
#[derive(Debug)]
pub(super) struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(throttled(HttpClient::new(Direct(client(options)?))))
    }
}

/// A client to which a redirect is an error.
#[derive(Debug)]
struct Direct(Client);

#[async_trait]
impl HttpService for Direct {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let response = self.0.call(request).await?;
        match redirected(&response) {
            Some(redirected) => Err(HttpError::new(HttpErrorKind::Unknown, redirected)),
            None => Ok(response),
        }
    }
}

/// The client of some settings, as `object_store` makes it, but for the redirects.
fn client(options: &ClientOptions) -> object_store::Result<Client> {
    let settings = Settings(options);
    let mut builder = Client::builder()
        .redirect(Policy::none())
        .user_agent(settings.text(Key::UserAgent).unwrap_or_else(|| USER_AGENT.to_owned()))
        .https_only(!settings.is(Key::AllowHttp))
        // The length of what is sent is that of the object.
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate();
    if let Some(headers) = options.get_default_headers() {
        builder = builder.default_headers(headers.clone());
    }
    builder = settings.proxied(builder)?;
    builder = settings.timed(builder)?;
    builder = settings.spoken(builder)?;
    if settings.is(Key::NoSystemCertificates) {
        builder = builder.tls_certs_only([]);
    }
    if settings.is(Key::AllowInvalidCertificates) {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    if settings.is(Key::RandomizeAddresses) {
        builder = builder.dns_resolver(Shuffled);
    }
    builder.build().map_err(wrong)
}

fn wrong(source: impl std::error::Error + Send + Sync + 'static) -> object_store::Error {
    object_store::Error::Generic { store: "HTTP client", source: Box::new(source) }
}

/// Finds the addresses of a host in any order, so that not all connections are to the first machine.
#[derive(Debug)]
struct Shuffled;

impl Resolve for Shuffled {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::task::spawn_blocking(move || (host, 0).to_socket_addrs()).await??;
            let mut addresses: Vec<SocketAddr> = found.collect();
            fastrand::shuffle(&mut addresses);
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
