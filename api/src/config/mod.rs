//! Every setting: flags, the environment variables behind them, the file behind those, and defaults.

mod catalog;
mod feed;
mod file;
mod jobs;
mod loads;
mod rejects;
mod secret;
mod serve;
mod show;
mod watch;

pub(crate) use catalog::{
    CatalogArgs, CatalogVerb, CrawlArgs, CrawlObjectsArgs, CrawlPostgresArgs, CrawlRunArgs,
    CrawlVerb, Export, ExportArgs, ShowArgs, VerifyArgs,
};
pub(crate) use feed::{
    DdlArgs, DraftArgs, FeedArgs, FeedCheckArgs, FeedDiffArgs, FeedShowArgs, FeedVerb,
};
pub(crate) use file::parse;
pub(crate) use jobs::{ClientArgs, HealthArgs, JobFilterArgs, JobsArgs, JobsVerb};
pub(crate) use loads::{DiscardArgs, LoadsArgs, LoadsListArgs, LoadsShowArgs, LoadsVerb};
pub(crate) use rejects::{
    ChosenArgs, RejectFilterArgs, RejectsArgs, RejectsIgnoreArgs, RejectsListArgs,
    RejectsReplayArgs, RejectsShowArgs, RejectsVerb,
};
pub(crate) use serve::{PROBE_PORT, ProbeArgs, ServeArgs, WorkArgs, WorkerArgs};
pub(crate) use show::{in_force, without_userinfo};
pub(crate) use watch::{WatchAddArgs, WatchArgs, WatchVerb};

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use pipeline::database::DEFAULT_DOWNLOAD_URL;
use pipeline::feed::Ident;
use pipeline::load::{Connections, MAX_REJECTS_IN_A_ROW, MaxRejected};
use pipeline::records::{CutOptions, Format, TextLimits};
use pipeline::sink::RequestedMode;

use secret::Secret;

use crate::keys::Scope;

/// JSON records in object storage, validated and unnested, loaded into Postgres.
#[derive(Debug, Parser)]
#[command(name = "stevedore", version, about, max_term_width = 100)]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) verb: Verb,
    #[command(flatten)]
    pub(crate) log: LogArgs,
    /// Settings file (TOML). Keys are the variables' names in lower case without STEVEDORE_. [default:
    /// stevedore.toml, if it exists and nobody else can write to it]
    #[arg(
        long,
        global = true,
        env = "STEVEDORE_CONFIG",
        value_name = "FILE",
        help_heading = "Global"
    )]
    pub(crate) config: Option<PathBuf>,
    /// Folder of feed files (*.toml), in addition to the built-in ones. [default: feeds, if it
    /// exists]
    #[arg(
        long,
        global = true,
        env = "STEVEDORE_FEEDS",
        value_name = "FOLDER",
        help_heading = "Global"
    )]
    pub(crate) feeds: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Load objects into their tables, each exactly once
    #[command(after_help = LOAD_EXAMPLES)]
    Load(LoadArgs),
    /// Serve the REST API, with a worker in the same process
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(ServeArgs),
    /// Run jobs from the queue; start any number of workers, on any machine
    #[command(after_help = WORKER_EXAMPLES)]
    Worker(WorkerArgs),
    /// List, show, watch, cancel and retry the jobs of a server
    #[command(after_help = JOBS_EXAMPLES)]
    Jobs(JobsArgs),
    /// Define, list, run and pause watches of a server, which load what arrives
    #[command(after_help = watch::WATCH_EXAMPLES)]
    Watch(WatchArgs),
    /// List and show the loads of the ledger; discard an unfinished load
    #[command(after_help = loads::LOADS_EXAMPLES)]
    Loads(LoadsArgs),
    /// List and show rejected records; load them again, or ignore them
    #[command(after_help = rejects::REJECTS_EXAMPLES)]
    Rejects(RejectsArgs),
    /// Check whether a server is ready: exit code 0 if it is
    #[command(after_help = HEALTH_EXAMPLES)]
    Health(HealthArgs),
    /// Create or update the ledger, the queue and the tables, and exit
    #[command(after_help = MIGRATE_EXAMPLES)]
    Migrate(MigrateArgs),
    /// List, show and check feeds; print their tables as SQL, and compare them with the database
    #[command(after_help = feed::FEED_EXAMPLES)]
    Feed(FeedArgs),
    /// Describe the objects of a bucket, or tables of Postgres, in the catalog
    #[command(after_help = catalog::CRAWL_EXAMPLES)]
    Crawl(CrawlArgs),
    /// Show the tables of the catalog
    #[command(after_help = catalog::CATALOG_EXAMPLES)]
    Catalog(CatalogArgs),
    /// Show rows of a table
    #[command(after_help = catalog::SHOW_EXAMPLES)]
    Show(ShowArgs),
    /// Open the database in psql, PostgreSQL's own client. The embedded database runs as long as psql does
    #[command(after_help = PSQL_EXAMPLES)]
    Psql(PsqlArgs),
    /// Write a table to a file: Parquet, CSV or NDJSON
    #[command(after_help = catalog::EXPORT_EXAMPLES)]
    Export(ExportArgs),
    /// Compare the tables with the ledger, and the ledger with the objects: exit code 1 if a count
    /// differs
    #[command(after_help = catalog::VERIFY_EXAMPLES)]
    Verify(VerifyArgs),
    /// Make a new key for the API
    #[command(after_help = KEY_EXAMPLES)]
    Key(KeyArgs),
    /// Print the settings of `serve` and where each comes from, without secrets
    #[command(after_help = CONFIG_EXAMPLES)]
    Config(ServeArgs),
    /// Print a completion script for a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages, one for each command; packages are built with it
    #[command(hide = true)]
    Man {
        /// Folder to write them into
        folder: PathBuf,
    },
}

impl Verb {
    /// Whether it reads the folder of feeds.
    pub(crate) const fn needs_feeds(&self) -> bool {
        matches!(
            self,
            Self::Load(_)
                | Self::Serve(_)
                | Self::Worker(_)
                | Self::Loads(LoadsArgs { verb: LoadsVerb::Discard(_) })
                | Self::Rejects(_)
                | Self::Migrate(_)
                | Self::Feed(FeedArgs {
                    verb: FeedVerb::List | FeedVerb::Show(_) | FeedVerb::Ddl(_) | FeedVerb::Diff(_)
                })
                | Self::Verify(_)
        )
    }
}

/// The folder of the embedded database, unless another is named.
pub(crate) const DEFAULT_DATA_DIR: &str = ".stevedore";

/// Connections that are used unless more are asked for.
const MOST_CONNECTIONS: usize = 4;

const LOAD_EXAMPLES: &str = "\
Examples:
  stevedore load exports/2026-01-01.ndjson
  stevedore load 'exports/**/*.ndjson.gz' --json
  stevedore load s3://exports/2026/
  stevedore load broken.json --dry-run
  stevedore load exports/orders.json --feed orders
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
Examples:
  stevedore migrate --database-url postgresql://owner@db/warehouse
  stevedore migrate --grant-load etl --grant-serve service
  stevedore migrate --print-grants service | psql postgresql://owner@db/warehouse";

const PSQL_EXAMPLES: &str = "\
Examples:
  stevedore psql
  stevedore psql -c 'select count(*) from orders_rejects'
  stevedore psql --data-dir /srv/stevedore";

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
    /// What to log to stderr: a level, or levels by module in the syntax of RUST_LOG. [default: warn; for
    /// serve and worker: info]
    #[arg(long = "log", id = "log", global = true, env = "STEVEDORE_LOG", value_name = "FILTER")]
    pub(crate) filter: Option<String>,
    /// Format of log lines
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
    /// Files, folders, quoted patterns, or URLs: file://, s3://, gs://, az://
    #[arg(required_unless_present = "explain", value_name = "PATH|URL")]
    pub(crate) locations: Vec<String>,
    /// What becomes of records. merge keeps the latest row of each key. append adds a row for each record.
    /// replace appends, and removes the rows of earlier versions of the object. auto appends if the root
    /// table exists without a unique key on the feed's key, else it merges.
    /// [default: the feed's]
    #[arg(long)]
    pub(crate) mode: Option<RequestedMode>,
    /// Feed that all objects go through: its name, or a file (ends in .toml, or has a slash). [default: for
    /// each object the feed whose `objects` match it, else the only feed without `objects`]
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) feed: Option<String>,
    /// Format of the objects: ndjson, array or concatenated. [default: detected]
    #[arg(long)]
    pub(crate) format: Option<Format>,
    /// Read, check and report everything, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Load again, even if this version is loaded already
    #[arg(long)]
    pub(crate) reload: bool,
    /// Skip the preflight: do not compare the feed with the catalog, and crawl no sample of a new
    /// bucket
    #[arg(long, env = "STEVEDORE_NO_PREFLIGHT", value_parser = BoolishValueParser::new())]
    pub(crate) no_preflight: bool,
    /// Print one JSON object for each load
    #[arg(long)]
    pub(crate) json: bool,
    /// Print the query plans of the four frames, and load nothing
    #[arg(long)]
    pub(crate) explain: bool,
    /// Rows of each table to show after loading a single object
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) preview: usize,
    #[command(flatten)]
    pub(crate) connections: ConnectionArgs,
    // Last: its headings hold for what comes behind it.
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    #[command(flatten)]
    pub(crate) records: RecordArgs,
    #[command(flatten)]
    pub(crate) rejects: RejectArgs,
}

/// How much is loaded at the same time.
#[derive(Debug, Args)]
pub(crate) struct ConnectionArgs {
    /// Connections that load at the same time. Small objects are loaded in bundles, by default on one
    /// connection for each processor, up to 4. In append mode, uncompressed NDJSON of 128 MiB or more is
    /// loaded in parts, by default on 2. Pass 1 to load each object in a single transaction
    #[arg(long, env = "STEVEDORE_CONNECTIONS", value_name = "N")]
    pub(crate) connections: Option<NonZeroUsize>,
}

impl ConnectionArgs {
    /// How many bundles of small objects are loaded at the same time.
    pub(crate) fn of_bundles(&self) -> usize {
        let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.connections.map_or(processors.min(MOST_CONNECTIONS), NonZeroUsize::get)
    }

    /// On how many connections to load an object.
    pub(crate) fn connections(&self) -> Connections {
        Connections { wanted: self.connections, ..Connections::default() }
    }
}

/// Limits on the size of records and of decompressed objects.
#[derive(Debug, Args)]
#[command(next_help_heading = "Records")]
pub(crate) struct RecordArgs {
    /// Maximum size of a record. A larger record is rejected as too_large
    #[arg(
        long,
        env = "STEVEDORE_MAX_RECORD_BYTES",
        value_name = "BYTES",
        default_value_t = 16 << 20,
        value_parser = clap::value_parser!(u64).range(1..=64 << 20),
    )]
    pub(crate) max_record_bytes: u64,
    /// Maximum bytes of text for each byte of a compressed object. If an object expands more, its load fails
    /// as expansion_limit. The first 64 MiB of text are never checked. 0 disables the limit
    #[arg(
        long,
        env = "STEVEDORE_MAX_EXPANSION",
        value_name = "TIMES",
        default_value_t = TextLimits::default().max_expansion
    )]
    pub(crate) max_expansion: u64,
    /// Maximum size of a compressed object's text, once decompressed. If it is larger, the load fails as
    /// text_limit. 0 disables the limit
    #[arg(
        long,
        env = "STEVEDORE_MAX_TEXT_BYTES",
        value_name = "BYTES",
        default_value_t = TextLimits::default().max_text_bytes
    )]
    pub(crate) max_text_bytes: u64,
}

impl RecordArgs {
    /// How objects are cut into records.
    pub(crate) fn cut(&self, format: Option<Format>) -> CutOptions {
        let Self { max_record_bytes, max_expansion, max_text_bytes } = *self;
        CutOptions {
            format,
            max_record_bytes: max_record_bytes as usize,
            text_limits: TextLimits { max_expansion, max_text_bytes },
            ..CutOptions::default()
        }
    }
}

/// How many rejects make a load fail.
#[derive(Debug, Args)]
#[command(next_help_heading = "Records")]
pub(crate) struct RejectArgs {
    /// Maximum rejects in a row. If an object has as many without one good record between them, its load
    /// fails as reject_limit and writes nothing. 0 disables the limit
    #[arg(
        long,
        env = "STEVEDORE_MAX_REJECTS_IN_A_ROW",
        value_name = "N",
        default_value_t = MAX_REJECTS_IN_A_ROW
    )]
    pub(crate) max_rejects_in_a_row: u64,
    /// Maximum rejected records of an object: a count like 100, or a share like 20%. If more are rejected, its
    /// load fails as too_many_rejects and writes nothing. An object with this limit is not loaded in parts.
    /// [default: no limit]
    #[arg(long, env = "STEVEDORE_MAX_REJECTED", value_name = "N|N%")]
    pub(crate) max_rejected: Option<MaxRejected>,
}

/// Settings of `stevedore migrate`.
#[derive(Debug, Args)]
pub(crate) struct MigrateArgs {
    /// Grant this role what it needs to load. Repeat for several
    #[arg(long, value_name = "ROLE")]
    pub(crate) grant_load: Vec<Ident>,
    /// Grant this role what it needs to load, to serve and to work on jobs. Repeat for several
    #[arg(long, value_name = "ROLE")]
    pub(crate) grant_serve: Vec<Ident>,
    /// Print the SQL that grants a role these rights for all feeds, and do nothing
    #[arg(long, value_name = "ROLE", conflicts_with_all = ["grant_load", "grant_serve"])]
    pub(crate) print_grants: Option<Ident>,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

/// Which database to use.
#[derive(Debug, Args)]
#[command(next_help_heading = "Database")]
pub(crate) struct DatabaseArgs {
    /// URL of the database. [default: an embedded PostgreSQL]
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL", global = true)]
    pub(crate) database_url: Option<String>,
    /// Folder of the embedded PostgreSQL
    #[arg(
        long,
        env = "STEVEDORE_DATA_DIR",
        value_name = "FOLDER",
        default_value = DEFAULT_DATA_DIR,
        global = true
    )]
    pub(crate) data_dir: PathBuf,
    /// Where to download PostgreSQL from when none is installed
    #[arg(
        long,
        env = "STEVEDORE_POSTGRES_URL",
        hide_env_values = true,
        value_name = "URL",
        default_value = DEFAULT_DOWNLOAD_URL,
        global = true
    )]
    pub(crate) postgres_url: String,
    /// SHA-256 of the archive to download. [default: that of the pinned build]
    #[arg(long, env = "STEVEDORE_POSTGRES_SHA256", value_name = "HEX", global = true)]
    pub(crate) postgres_sha256: Option<String>,
}

impl DatabaseArgs {
    /// The URL of the database, if one is named; an empty one names none.
    pub(crate) fn url(&self) -> Option<&str> {
        self.database_url.as_deref().filter(|url| !url.is_empty())
    }
}

/// What to run psql with.
#[derive(Debug, Args)]
pub(crate) struct PsqlArgs {
    /// Arguments for psql, after those that Stevedore passes
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
    pub(crate) args: Vec<String>,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

/// The key to make.
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    /// Name of the key: who uses it
    pub(crate) name: String,
    /// What it allows: trigger, read or admin. Repeat for several
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    pub(crate) scopes: Vec<Scope>,
}

#[cfg(test)]
mod tests;
