//! The settings of `serve` and `worker`.

use std::net::{SocketAddr, ToSocketAddrs};
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use axum::http::HeaderValue;
use clap::Args;
use clap::builder::BoolishValueParser;

use super::secret::Secret;
use super::{ConnectionArgs, DatabaseArgs, RecordArgs, RejectArgs};
use crate::buckets::BucketSetting;
use crate::jobs::{LineageKey, Origin, Retention, WebhookSecret, WebhookUrl, Webhooks};
use crate::keys::{KeyPair, KeySetting};

/// How to work on jobs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Worker")]
pub(crate) struct WorkArgs {
    /// Bucket that can be loaded from, as a name and a folder or URL (s3://, gs://, az://). Repeat for
    /// several
    #[arg(
        long = "bucket",
        env = "STEVEDORE_BUCKET",
        hide_env_values = true,
        value_name = "NAME=URL",
        value_delimiter = ',',
        value_parser = Secret::<BucketSetting>::new(),
        default_value = "microservice-hw=data"
    )]
    pub(crate) buckets: Vec<BucketSetting>,
    /// Loads at the same time. [default: one for each processor]
    #[arg(long, env = "STEVEDORE_CONCURRENCY", value_name = "N")]
    pub(crate) concurrency: Option<NonZeroUsize>,
    #[command(flatten)]
    pub(crate) connections: ConnectionArgs,
    /// How long running loads may continue after SIGTERM or SIGINT; then their jobs return to the queue
    #[arg(long, env = "STEVEDORE_GRACE_SECS", value_name = "SECONDS", default_value_t = 30)]
    pub(crate) grace_secs: u64,
    /// How long a load waits for a lock on a table
    #[arg(long, env = "STEVEDORE_LOCK_TIMEOUT_SECS", value_name = "SECONDS", default_value_t = 60)]
    pub(crate) lock_timeout_secs: u64,
    /// Longest query of the API or the queue
    #[arg(
        long,
        env = "STEVEDORE_STATEMENT_TIMEOUT_SECS",
        value_name = "SECONDS",
        default_value_t = 30
    )]
    pub(crate) statement_timeout_secs: u64,
    /// Skip the preflight: do not compare the feed with the catalog, and crawl no sample of a new
    /// bucket
    #[arg(long, env = "STEVEDORE_NO_PREFLIGHT", value_parser = BoolishValueParser::new())]
    pub(crate) no_preflight: bool,
    /// URL of the database itself, where --database-url is that of a pooler (transaction pooling): for the
    /// queue, its workers and the API. Loads use --database-url. [default: --database-url]
    #[arg(long, env = "STEVEDORE_QUEUE_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub(crate) queue_database_url: Option<String>,
    /// Days for which ended jobs, their events and runs of crawlers are kept; 0 for ever
    #[arg(long, env = "STEVEDORE_KEEP_JOBS", value_name = "DAYS", default_value_t = 90)]
    pub(crate) keep_jobs: u32,
    /// Days for which rejects are kept; 0 for ever. The ledger is always kept
    #[arg(long, env = "STEVEDORE_KEEP_REJECTS", value_name = "DAYS", default_value_t = 0)]
    pub(crate) keep_rejects: u32,
    /// Secret that signs webhooks (Standard Webhooks: whsec_ and base64). Processes without one leave them to others.
    /// Repeat to sign with an old and a new one
    #[arg(
        long = "webhook-secret",
        env = "STEVEDORE_WEBHOOK_SECRET",
        hide_env_values = true,
        value_name = "WHSEC",
        value_delimiter = ',',
        value_parser = Secret::<WebhookSecret>::new()
    )]
    pub(crate) webhook_secrets: Vec<WebhookSecret>,
    /// URL to which OpenLineage events about jobs are sent, such as http://marquez:5000/api/v1/lineage. Processes
    /// without it write no events about what they do
    #[arg(
        long,
        env = "STEVEDORE_OPENLINEAGE_URL",
        hide_env_values = true,
        value_name = "URL",
        value_parser = Secret::<WebhookUrl>::new()
    )]
    pub(crate) openlineage_url: Option<WebhookUrl>,
    /// Key that is sent with OpenLineage events, as a bearer token
    #[arg(
        long,
        env = "STEVEDORE_OPENLINEAGE_KEY",
        hide_env_values = true,
        value_name = "KEY",
        value_parser = Secret::<LineageKey>::new()
    )]
    pub(crate) openlineage_key: Option<LineageKey>,
    /// Namespace of jobs in OpenLineage events
    #[arg(
        long,
        env = "STEVEDORE_OPENLINEAGE_NAMESPACE",
        value_name = "NAME",
        default_value = "stevedore"
    )]
    pub(crate) openlineage_namespace: String,
    /// URL of an OpenTelemetry collector that takes OTLP over HTTP, such as http://collector:4318: requests, attempts and
    /// loads are traced
    #[arg(
        long,
        env = "STEVEDORE_OTLP_ENDPOINT",
        hide_env_values = true,
        value_name = "URL",
        value_parser = Secret::<WebhookUrl>::new()
    )]
    pub(crate) otlp_endpoint: Option<WebhookUrl>,
    // Last: its headings hold for what comes behind it.
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    #[command(flatten)]
    pub(crate) records: RecordArgs,
    #[command(flatten)]
    pub(crate) rejects: RejectArgs,
}

impl WorkArgs {
    /// The URL of the database of the queue, if another is named for it; an empty one names none.
    pub(crate) fn queue_url(&self) -> Option<&str> {
        self.queue_database_url.as_deref().filter(|url| !url.is_empty())
    }

    /// For how long history is kept.
    pub(crate) fn retention(&self) -> Retention {
        let days = |days: u32| (days > 0).then_some(days);
        Retention { job_days: days(self.keep_jobs), reject_days: days(self.keep_rejects) }
    }

    /// Loads at the same time.
    pub(crate) fn concurrency(&self) -> usize {
        let processors = || std::thread::available_parallelism().ok();
        self.concurrency.or_else(processors).map_or(2, NonZeroUsize::get)
    }
}

/// The port of the API when none is named.
const PORT: u16 = 8080;
/// The port of a worker's probes when none is named.
pub(crate) const PROBE_PORT: u16 = 8081;

/// Where the API listens.
fn listen_address(text: &str) -> Result<SocketAddr, String> {
    address(text, PORT)
}

/// Where a worker listens for probes.
fn probe_address(text: &str) -> Result<SocketAddr, String> {
    address(text, PROBE_PORT)
}

/// The address of `HOST:PORT` or `HOST`; of several addresses of a name the first.
fn address(text: &str, port: u16) -> Result<SocketAddr, String> {
    let has_port = text.rsplit_once(':').is_some_and(|(host, port)| {
        port.parse::<u16>().is_ok() && (host.ends_with(']') || !host.contains(':'))
    });
    let host = text.trim_start_matches('[').trim_end_matches(']');
    let found = if has_port { text.to_socket_addrs() } else { (host, port).to_socket_addrs() };
    let wrong = "expected an address or a host name, with a port or without: 0.0.0.0:8080, \
                 localhost, [::1]:8080";
    let address = found.ok().and_then(|mut addresses| addresses.next());
    address.ok_or_else(|| wrong.to_owned())
}

/// How to work only.
#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    #[command(flatten)]
    pub(crate) work: WorkArgs,
    #[command(flatten)]
    pub(crate) probes: ProbeArgs,
}

/// How a worker is looked after.
#[derive(Debug, Args)]
#[command(next_help_heading = "Probes")]
pub(crate) struct ProbeArgs {
    /// Address or host name on which everybody who can connect gets /healthz, /readyz and /metrics. Without a port,
    /// the port is 8081. [default: 127.0.0.1:8081, or a free port if another process listens there]
    #[arg(
        long,
        env = "STEVEDORE_WORKER_LISTEN",
        value_name = "HOST[:PORT]",
        value_parser = probe_address
    )]
    pub(crate) listen: Option<SocketAddr>,
    /// Listen nowhere
    #[arg(long, env = "STEVEDORE_NO_LISTEN", value_parser = BoolishValueParser::new())]
    pub(crate) no_listen: bool,
}

/// How to serve the API.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) work: WorkArgs,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// How to listen, and to whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ServerArgs {
    /// Address or host name to listen on. Without a port, the port is 8080
    #[arg(
        long,
        env = "STEVEDORE_LISTEN",
        value_name = "HOST[:PORT]",
        default_value = "127.0.0.1:8080",
        value_parser = listen_address
    )]
    pub(crate) listen: SocketAddr,
    /// Certificate chain for TLS, as a PEM file
    #[arg(long, env = "STEVEDORE_TLS_CERT", value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Private key of the certificate, as a PEM file
    #[arg(long, env = "STEVEDORE_TLS_KEY", value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Key that clients may use, as `stevedore key` prints it for the server. Repeat for several
    #[arg(
        long = "key",
        env = "STEVEDORE_KEY",
        hide_env_values = true,
        value_name = "NAME:SCOPES:SHA256",
        value_delimiter = ',',
        value_parser = Secret::<KeySetting>::new()
    )]
    pub(crate) keys: Vec<KeySetting>,
    /// Answer clients of AWS Glue too (`aws glue`, SDKs), at `POST /`
    #[arg(long, env = "STEVEDORE_GLUE", value_parser = BoolishValueParser::new())]
    pub(crate) glue: bool,
    /// Key pair with which clients of AWS Glue sign. With SCOPES (such as `trigger+read`), it may do no more than
    /// these say. Repeat for several
    #[arg(
        long = "glue-key",
        env = "STEVEDORE_GLUE_KEY",
        hide_env_values = true,
        value_name = "ACCESS_KEY_ID:SECRET[:SCOPES]",
        value_delimiter = ',',
        value_parser = Secret::<KeyPair>::new()
    )]
    pub(crate) glue_keys: Vec<KeyPair>,
    /// Serve without keys, even on an address that other machines can reach
    #[arg(long, env = "STEVEDORE_INSECURE", value_parser = BoolishValueParser::new())]
    pub(crate) insecure: bool,
    /// Requests that a key may make in a second
    #[arg(long, env = "STEVEDORE_RATE_LIMIT", value_name = "N", default_value = "1000")]
    pub(crate) rate_limit: NonZeroU32,
    /// Database connections of the API; workers and loads use their own
    #[arg(long, env = "STEVEDORE_POOL_SIZE", value_name = "N", default_value = "10")]
    pub(crate) pool_size: NonZeroUsize,
    /// Longest request body
    #[arg(long, env = "STEVEDORE_MAX_BODY_BYTES", value_name = "BYTES", default_value_t = 1 << 20)]
    pub(crate) max_body_bytes: usize,
    /// Longest duration of a request
    #[arg(
        long,
        env = "STEVEDORE_REQUEST_TIMEOUT_SECS",
        value_name = "SECONDS",
        default_value_t = 30
    )]
    pub(crate) request_timeout_secs: u64,
    /// Connections of clients at the same time; further ones are answered 503 too_many_connections and
    /// closed
    #[arg(long, env = "STEVEDORE_MAX_CONNECTIONS", value_name = "N", default_value = "512")]
    pub(crate) max_connections: NonZeroUsize,
    /// Longest time in which a client reads less than 64 KiB of an answer that waits, before its
    /// connection is closed
    #[arg(
        long,
        env = "STEVEDORE_WRITE_TIMEOUT_SECS",
        value_name = "SECONDS",
        default_value = "30"
    )]
    pub(crate) write_timeout_secs: NonZeroU64,
    /// URL to which a signed message is sent when a job has ended, unless the job names another one
    #[arg(
        long,
        env = "STEVEDORE_WEBHOOK_URL",
        hide_env_values = true,
        value_name = "URL",
        value_parser = Secret::<WebhookUrl>::new()
    )]
    pub(crate) webhook_url: Option<WebhookUrl>,
    /// Origin (scheme, host and port) of URLs that jobs may name as their webhook, besides that of --webhook-url.
    /// Repeat for several
    #[arg(
        long = "webhook-origin",
        env = "STEVEDORE_WEBHOOK_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    pub(crate) webhook_origins: Vec<Origin>,
    /// Origin whose pages may call the API from a browser; `*` for all. Repeat for several
    #[arg(
        long = "cors-origin",
        env = "STEVEDORE_CORS_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    pub(crate) cors_origins: Vec<HeaderValue>,
    /// Accept jobs and run none; workers run them
    #[arg(long, env = "STEVEDORE_NO_WORKER", value_parser = BoolishValueParser::new())]
    pub(crate) no_worker: bool,
}

impl ServerArgs {
    /// Where webhooks are sent.
    pub(crate) fn webhooks(&self) -> Webhooks {
        Webhooks { default: self.webhook_url.clone(), origins: self.webhook_origins.clone() }
    }
}

#[cfg(test)]
mod tests;
