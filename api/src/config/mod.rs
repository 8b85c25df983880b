//! Every setting: flags, the environment variables behind them, the file behind those, and defaults.

mod catalog;
mod file;
mod secret;
mod show;

pub(crate) use catalog::{
    CatalogArgs, CatalogVerb, CrawlArgs, CrawlObjectsArgs, CrawlPostgresArgs, CrawlVerb, Export,
    ExportArgs, FileFormat, ShowArgs, VerifyArgs,
};
pub(crate) use file::parse;
pub(crate) use show::in_force;

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use axum::http::HeaderValue;
use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use pipeline::database::DEFAULT_DOWNLOAD_URL;
use pipeline::sink::Mode;
use pipeline::source::Format;
use url::Url;
use uuid::Uuid;

use secret::Secret;

use crate::buckets::BucketSetting;
use crate::http::{KeySetting, Scope};

/// JSON records in object storage, validated and unnested, loaded into Postgres.
#[derive(Debug, Parser)]
#[command(name = "stevedore", version, about, max_term_width = 100)]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) verb: Verb,
    #[command(flatten)]
    pub(crate) log: LogArgs,
    /// File of settings: each that has an environment variable, without the prefix, in lower case
    /// [default: stevedore.toml, if it is there]
    #[arg(
        long,
        global = true,
        env = "STEVEDORE_CONFIG",
        value_name = "FILE",
        help_heading = "Global"
    )]
    pub(crate) config: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Load objects into their tables, each exactly once
    #[command(after_help = LOAD_EXAMPLES)]
    Load(LoadArgs),
    /// Serve the REST API, with a worker inside
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(ServeArgs),
    /// Work on jobs, beside others on as many machines as you like
    #[command(after_help = WORKER_EXAMPLES)]
    Worker(WorkArgs),
    /// Follow and steer the jobs of a server
    #[command(after_help = JOBS_EXAMPLES)]
    Jobs(JobsArgs),
    /// Ask a server whether it is ready; the exit code tells
    #[command(after_help = HEALTH_EXAMPLES)]
    Health(HealthArgs),
    /// Create or update the ledger, the jobs, the queue and the tables
    #[command(after_help = MIGRATE_EXAMPLES)]
    Migrate(DatabaseArgs),
    /// Find out what is in buckets or in Postgres, and catalog it
    #[command(after_help = catalog::CRAWL_EXAMPLES)]
    Crawl(CrawlArgs),
    /// See the tables that were found
    #[command(after_help = catalog::CATALOG_EXAMPLES)]
    Catalog(CatalogArgs),
    /// Show rows of a table
    #[command(after_help = catalog::SHOW_EXAMPLES)]
    Show(ShowArgs),
    /// Write a table into a file
    #[command(after_help = catalog::EXPORT_EXAMPLES)]
    Export(ExportArgs),
    /// Hold the tables against the ledger, and the ledger against the objects read anew; the exit code
    /// tells
    #[command(after_help = catalog::VERIFY_EXAMPLES)]
    Verify(VerifyArgs),
    /// Make a key for the API
    #[command(after_help = KEY_EXAMPLES)]
    Key(KeyArgs),
    /// Print the settings that are in force for `serve`, secrets hidden
    #[command(after_help = CONFIG_EXAMPLES)]
    Config(ServeArgs),
    /// Print the completions of a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        shell: Shell,
    },
}

const LOAD_EXAMPLES: &str = "\
Examples:
  stevedore load data/user_status_sample.json
  stevedore load 'exports/**/*.ndjson.gz' --json
  stevedore load s3://exports/2026/
  stevedore load broken.json --dry-run
  DATABASE_URL=postgresql://etl@db/warehouse stevedore load exports/ --mode append";

const SERVE_EXAMPLES: &str = "\
Examples:
  stevedore serve
  stevedore serve --bucket exports=s3://company-exports --database-url postgresql://etl@db/warehouse
  stevedore serve --listen 0.0.0.0:8443 --tls-cert chain.pem --tls-key key.pem --key ci:trigger:SHA256";

const WORKER_EXAMPLES: &str = "\
Example:
  stevedore worker --bucket exports=s3://company-exports --database-url postgresql://etl@db/warehouse";

const JOBS_EXAMPLES: &str = "\
Examples:
  stevedore jobs list --state failed
  stevedore jobs watch 01990a7e-6c1f-7c3e-9d2b-0c8f6f6f6f6f
  STEVEDORE_API_KEY=… stevedore jobs retry 01990a7e-6c1f-7c3e-9d2b-0c8f6f6f6f6f --server https://loads.example.com";

const HEALTH_EXAMPLES: &str = "\
Example:
  stevedore health --server https://loads.example.com";

const MIGRATE_EXAMPLES: &str = "\
Example:
  stevedore migrate --database-url postgresql://owner@db/warehouse";

const KEY_EXAMPLES: &str = "\
Example:
  stevedore key ci --scope trigger --scope read";

const CONFIG_EXAMPLES: &str = "\
Example:
  stevedore config --config /etc/stevedore.toml";

const COMPLETIONS_EXAMPLES: &str = "\
Example:
  stevedore completions bash > /etc/bash_completion.d/stevedore";

/// What is logged, and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global")]
pub(crate) struct LogArgs {
    /// What to log on standard error: a level, or levels by module as RUST_LOG has them
    /// [default: warn; of serve and worker: info]
    #[arg(long = "log", global = true, env = "STEVEDORE_LOG", value_name = "FILTER")]
    pub(crate) filter: Option<String>,
    /// How to write it
    #[arg(
        long,
        global = true,
        env = "STEVEDORE_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    pub(crate) log_format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// For machines: one JSON object a line
    Json,
}

/// Which objects to load, and how.
#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    /// Files, folders, globs, or URLs: file://, s3://, gs://, az://
    #[arg(required_unless_present = "explain", value_name = "PATH|URL")]
    pub(crate) locations: Vec<String>,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    #[command(flatten)]
    pub(crate) records: RecordArgs,
    /// What becomes of status rows: merge keeps the latest of each user, append keeps all
    #[arg(long, default_value_t)]
    pub(crate) mode: Mode,
    /// How records follow each other: ndjson, array or concatenated [default: told by looking]
    #[arg(long)]
    pub(crate) format: Option<Format>,
    /// Read, check and report everything, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Load a version again that is loaded already
    #[arg(long)]
    pub(crate) reload: bool,
    /// Print one JSON object a load
    #[arg(long)]
    pub(crate) json: bool,
    /// Print the optimised plans of the four frames, and load nothing
    #[arg(long)]
    pub(crate) explain: bool,
    /// Rows of each table to show when one object is loaded
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) preview: usize,
}

/// What records may cost.
#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
    /// Length over which a record is rejected as too_large
    #[arg(
        long,
        env = "STEVEDORE_MAX_RECORD_BYTES",
        value_name = "BYTES",
        default_value_t = 16 << 20,
        value_parser = clap::value_parser!(u64).range(1..=64 << 20),
    )]
    pub(crate) max_record_bytes: u64,
    /// Folder for rows that wait for their table and do not fit into memory [default: the system's]
    #[arg(long, env = "STEVEDORE_SPOOL_FOLDER", value_name = "FOLDER")]
    pub(crate) spool_folder: Option<PathBuf>,
}

impl RecordArgs {
    /// The folder for rows that wait.
    pub(crate) fn spool_folder(&self) -> PathBuf {
        self.spool_folder.clone().unwrap_or_else(std::env::temp_dir)
    }
}

/// Which database to use.
#[derive(Debug, Args)]
#[command(next_help_heading = "Database")]
pub(crate) struct DatabaseArgs {
    /// The database [default: an embedded PostgreSQL]
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub(crate) database_url: Option<String>,
    /// Folder of the embedded PostgreSQL
    #[arg(long, env = "STEVEDORE_FOLDER", value_name = "FOLDER", default_value = ".stevedore")]
    pub(crate) folder: PathBuf,
    /// Where to download PostgreSQL from when none is installed
    #[arg(long, env = "STEVEDORE_POSTGRES_URL", value_name = "URL", default_value = DEFAULT_DOWNLOAD_URL)]
    pub(crate) postgres_url: String,
    /// SHA-256 of the archive to download, where it is not the pinned build
    #[arg(long, env = "STEVEDORE_POSTGRES_SHA256", value_name = "HEX")]
    pub(crate) postgres_sha256: Option<String>,
}

impl DatabaseArgs {
    /// The URL of the database, if one is named; an empty one names none.
    pub(crate) fn url(&self) -> Option<&str> {
        self.database_url.as_deref().filter(|url| !url.is_empty())
    }
}

/// How to work on jobs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Worker")]
pub(crate) struct WorkArgs {
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    #[command(flatten)]
    pub(crate) records: RecordArgs,
    /// A bucket that can be loaded from: a folder, s3://, gs:// or az:// under a name
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
    /// Loads at the same time [default: as many as there are processors]
    #[arg(long, env = "STEVEDORE_CONCURRENCY", value_name = "N")]
    pub(crate) concurrency: Option<NonZeroUsize>,
    /// How long loads may go on after SIGTERM or SIGINT, before they are handed back
    #[arg(long, env = "STEVEDORE_GRACE_SECS", value_name = "SECONDS", default_value_t = 30)]
    pub(crate) grace_secs: u64,
    /// How long a load waits for a lock on a table
    #[arg(long, env = "STEVEDORE_LOCK_TIMEOUT_SECS", value_name = "SECONDS", default_value_t = 60)]
    pub(crate) lock_timeout_secs: u64,
    /// How long a query of the API or the queue may take
    #[arg(
        long,
        env = "STEVEDORE_STATEMENT_TIMEOUT_SECS",
        value_name = "SECONDS",
        default_value_t = 30
    )]
    pub(crate) statement_timeout_secs: u64,
    /// Connections of the API and the queue; each load has one of its own
    #[arg(long, env = "STEVEDORE_POOL_SIZE", value_name = "N", default_value = "10")]
    pub(crate) pool_size: NonZeroUsize,
}

impl WorkArgs {
    /// Loads at the same time.
    pub(crate) fn concurrency(&self) -> usize {
        let processors = || std::thread::available_parallelism().ok();
        self.concurrency.or_else(processors).map_or(2, NonZeroUsize::get)
    }
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
    /// Where to listen
    #[arg(
        long,
        env = "STEVEDORE_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8080"
    )]
    pub(crate) listen: SocketAddr,
    /// Certificate chain, as PEM
    #[arg(long, env = "STEVEDORE_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Key of the certificate, as PEM
    #[arg(long, env = "STEVEDORE_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// A key that clients may use, as `stevedore key` prints it
    #[arg(
        long = "key",
        env = "STEVEDORE_KEY",
        hide_env_values = true,
        value_name = "NAME:SCOPES:SHA256",
        value_delimiter = ',',
        value_parser = Secret::<KeySetting>::new()
    )]
    pub(crate) keys: Vec<KeySetting>,
    /// Serve without keys on an address that others can reach
    #[arg(long, env = "STEVEDORE_INSECURE", value_parser = BoolishValueParser::new())]
    pub(crate) insecure: bool,
    /// Requests a second that a key may make
    #[arg(long, env = "STEVEDORE_RATE_LIMIT", value_name = "N", default_value = "1000")]
    pub(crate) rate_limit: NonZeroU32,
    /// Longest body of a request
    #[arg(long, env = "STEVEDORE_MAX_BODY_BYTES", value_name = "BYTES", default_value_t = 64 << 10)]
    pub(crate) max_body_bytes: usize,
    /// Longest time that a request may take
    #[arg(
        long,
        env = "STEVEDORE_REQUEST_TIMEOUT_SECS",
        value_name = "SECONDS",
        default_value_t = 30
    )]
    pub(crate) request_timeout_secs: u64,
    /// Origin of pages that may call the API from a browser
    #[arg(
        long = "cors-origin",
        env = "STEVEDORE_CORS_ORIGIN",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    pub(crate) cors_origins: Vec<HeaderValue>,
    /// Only accept jobs, and leave them to others
    #[arg(long, env = "STEVEDORE_NO_WORKER", value_parser = BoolishValueParser::new())]
    pub(crate) no_worker: bool,
}

/// Which server's jobs, and what to do with them.
#[derive(Debug, Args)]
pub(crate) struct JobsArgs {
    #[command(subcommand)]
    pub(crate) verb: JobsVerb,
    /// The server
    #[arg(
        long,
        global = true,
        env = "STEVEDORE_SERVER",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080"
    )]
    pub(crate) server: Url,
    /// The key, where the server wants one
    #[arg(
        long,
        global = true,
        env = "STEVEDORE_API_KEY",
        hide_env_values = true,
        value_name = "KEY"
    )]
    pub(crate) api_key: Option<String>,
    /// Print JSON as the server sends it
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What to do with jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum JobsVerb {
    /// List jobs, newest first
    List {
        /// Only jobs in this state: queued, running, succeeded, failed, cancelled
        #[arg(long)]
        state: Option<String>,
        /// Only jobs of this bucket
        #[arg(long)]
        bucket: Option<String>,
        /// Only jobs over the object with this key
        #[arg(long)]
        key: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: u16,
    },
    /// Show a job
    Show {
        /// The job
        job_id: Uuid,
    },
    /// Call a job off
    Cancel {
        /// The job
        job_id: Uuid,
    },
    /// Repeat a job that failed or was cancelled
    Retry {
        /// The job
        job_id: Uuid,
    },
    /// Follow a job to its end
    Watch {
        /// The job
        job_id: Uuid,
    },
}

/// Which server to ask whether it is ready.
#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    /// The server
    #[arg(
        long,
        env = "STEVEDORE_SERVER",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080"
    )]
    pub(crate) server: Url,
}

/// The key to make.
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    /// Who it is for
    pub(crate) name: String,
    /// What it is for: trigger, read or admin
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    pub(crate) scopes: Vec<Scope>,
}

/// The variables of the environment, for the clients of stores: credentials, regions, endpoints.
/// None of those is anything but UTF-8.
pub(crate) fn environment() -> Vec<(String, String)> {
    let text = |text: std::ffi::OsString| text.into_string().ok();
    std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect()
}
