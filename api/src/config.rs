//! Every setting: flags, the environment variables behind them, and their defaults.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use pipeline::database::DEFAULT_DOWNLOAD_URL;
use pipeline::sink::Mode;
use pipeline::source::Format;

/// JSON records in object storage, validated and unnested, loaded into Postgres.
#[derive(Debug, Parser)]
#[command(name = "stevedore", version, about, max_term_width = 100)]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Load objects into their tables, each exactly once
    #[command(after_help = LOAD_EXAMPLES)]
    Load(LoadArgs),
    /// Create or update the ledger and the tables
    #[command(after_help = MIGRATE_EXAMPLES)]
    Migrate(DatabaseArgs),
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
  stevedore load 's3://bucket/exports/2026-*/*.json?region=eu-west-1'
  stevedore load broken.json --dry-run
  DATABASE_URL=postgresql://etl@db/warehouse stevedore load exports/ --mode append";

const MIGRATE_EXAMPLES: &str = "\
Example:
  stevedore migrate --database-url postgresql://owner@db/warehouse";

const COMPLETIONS_EXAMPLES: &str = "\
Example:
  stevedore completions bash > /etc/bash_completion.d/stevedore";

/// Which objects to load, and how.
#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    /// Files, folders or globs, local or s3://bucket/…, gs://…, az://… (set up as for their own tools)
    #[arg(required_unless_present = "explain", value_name = "PATH|URL")]
    pub(crate) locations: Vec<String>,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
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

/// Which database to use.
#[derive(Debug, Args)]
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

/// The process's variables, for the stores; those that are not text configure none.
pub(crate) fn environment() -> Vec<(String, String)> {
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}
