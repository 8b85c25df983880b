//! Settings of `crawl`, `catalog`, `show`, `export` and `verify`.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};
use pipeline::catalog::crawler::DEFAULT_DATABASE;
use pipeline::catalog::definition::Policies;
use pipeline::export::FileFormat;
use pipeline::json::path::JsonPath;

use super::{DatabaseArgs, RecordArgs};
use crate::buckets::BucketSetting;
use crate::wire::{ChangePolicy, DeletePolicy};

pub(super) const CRAWL_EXAMPLES: &str = "\
Examples:
  stevedore crawl objects microservice-hw
  stevedore crawl objects s3://company-exports --prefix 2026/ --sample 1000 --exclude '**/_*'
  stevedore crawl objects api --json-path '$.items[*]' --json-path '$' --on-change add-columns
  stevedore crawl postgres --include 'orders*'
  stevedore crawl run microservice-hw";

pub(super) const SHOW_EXAMPLES: &str = "\
Examples:
  stevedore show orders
  stevedore show orders_rejects --where \"reason = 'null_field'\" --limit 3";

pub(super) const EXPORT_EXAMPLES: &str = "\
Examples:
  stevedore export orders orders.parquet
  stevedore export shop.orders orders.ndjson";

pub(super) const VERIFY_EXAMPLES: &str = "\
Examples:
  stevedore verify
  stevedore verify --load 17 --json";

pub(super) const CATALOG_EXAMPLES: &str = "\
Examples:
  stevedore catalog list
  stevedore catalog show table_microservice_hw
  stevedore catalog show default.table_microservice_hw --format ddl
  stevedore catalog diff table_microservice_hw 1 2";

/// What to crawl.
#[derive(Debug, Args)]
pub(crate) struct CrawlArgs {
    #[command(subcommand)]
    pub(crate) verb: CrawlVerb,
}

/// What to crawl.
#[derive(Debug, Subcommand)]
pub(crate) enum CrawlVerb {
    /// Describe the objects of a bucket as tables
    Objects(CrawlObjectsArgs),
    /// Describe the tables of the database
    Postgres(CrawlPostgresArgs),
    /// Run a known crawler again
    Run(CrawlRunArgs),
    /// List the crawlers and their last runs
    List(DatabaseArgs),
}

/// Which crawler to run.
#[derive(Debug, Args)]
pub(crate) struct CrawlRunArgs {
    /// Name of the crawler, as `crawl list` shows it
    pub(crate) name: String,
    /// Print what was done as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) buckets: BucketArgs,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

/// What to do about tables that are in the catalog already.
#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    /// What to do with a table whose columns changed
    #[arg(long, value_name = "POLICY", default_value = "update")]
    pub(crate) on_change: ChangePolicy,
    /// What to do with a table that is no longer found
    #[arg(long, value_name = "POLICY", default_value = "deprecate")]
    pub(crate) on_delete: DeletePolicy,
}

impl From<&PolicyArgs> for Policies {
    fn from(args: &PolicyArgs) -> Self {
        Self { on_change: args.on_change.into(), on_delete: args.on_delete.into() }
    }
}

/// Which tables to crawl.
#[derive(Debug, Args)]
pub(crate) struct CrawlPostgresArgs {
    /// Schema whose tables to describe. Repeat for several
    #[arg(long = "schema", value_name = "NAME", default_value = "public")]
    pub(crate) schemas: Vec<String>,
    /// Only tables whose name matches, alone or as schema.table. Repeat for several
    #[arg(long, value_name = "PATTERN")]
    pub(crate) include: Vec<String>,
    /// No tables whose name matches, alone or as schema.table. Repeat for several
    #[arg(long, value_name = "PATTERN")]
    pub(crate) exclude: Vec<String>,
    /// Name of the crawler. [default: postgres/ and the name of the database]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The catalog's database for the tables
    #[arg(long, value_name = "NAME", default_value = DEFAULT_DATABASE)]
    pub(crate) catalog_database: String,
    #[command(flatten)]
    pub(crate) policies: PolicyArgs,
    /// Print what was done as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

/// Which table goes into which file.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Table, by its name, as schema.table, or by its name in the catalog
    pub(crate) table: String,
    /// File to write. Its ending chooses the format: .parquet, .csv, .ndjson or .jsonl. An existing file
    /// is replaced
    pub(crate) file: OutputFile,
    /// Parts of a large table to read at the same time, each over its own connection. Their rows are
    /// mixed; pass 1 to keep the order of the table. [default: one for each processor]
    #[arg(long, value_name = "N")]
    pub(crate) parallel: Option<NonZeroUsize>,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

/// A file that is written.
#[derive(Debug, Clone)]
pub(crate) struct OutputFile {
    pub(crate) path: PathBuf,
    pub(crate) format: FileFormat,
}

impl FromStr for OutputFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = PathBuf::from(text);
        let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
        let format = match ending.to_str() {
            Some("csv") => FileFormat::Csv,
            Some("ndjson" | "jsonl") => FileFormat::Ndjson,
            Some("parquet") => FileFormat::Parquet,
            _ => return Err("expected a name that ends in .parquet, .csv or .ndjson".to_owned()),
        };
        Ok(Self { path, format })
    }
}

/// Which loads to verify, and how.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Only this load
    #[arg(long, value_name = "ID")]
    pub(crate) load: Option<i64>,
    /// Compare only the tables with the ledger; do not read the objects again
    #[arg(long)]
    pub(crate) tables_only: bool,
    /// Print one JSON object for each load
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    #[command(flatten)]
    pub(crate) records: RecordArgs,
}

/// Which rows of which table to show.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Table, by its name, as schema.table, or by its name in the catalog
    pub(crate) table: String,
    /// Most rows to show
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) limit: u32,
    /// Only rows for which this SQL condition is true. It runs as your role, in a transaction that cannot
    /// write
    #[arg(long = "where", id = "where", value_name = "SQL")]
    pub(crate) filter: Option<String>,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

/// Which objects to crawl, and how.
#[derive(Debug, Args)]
pub(crate) struct CrawlObjectsArgs {
    /// Configured bucket, folder or URL
    #[arg(value_name = "BUCKET")]
    pub(crate) bucket: String,
    /// Only objects whose key begins with this text
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) prefix: String,
    /// Only objects whose whole key matches; `*` stays within a name, `**` does not. Repeat for several
    #[arg(long, value_name = "PATTERN")]
    pub(crate) include: Vec<String>,
    /// No objects whose whole key matches. Repeat for several
    #[arg(long, value_name = "PATTERN")]
    pub(crate) exclude: Vec<String>,
    /// Records to read of each object, or all
    #[arg(long, value_name = "N|all", default_value = "all")]
    pub(crate) sample: SampleSetting,
    /// Where the records are in a document, as a JsonPath: `$`, `$[*]`, `$.a.b[*]`. Repeat for several:
    /// the first that leads to records is used. [default: $]
    #[arg(long = "json-path", value_name = "JSONPATH")]
    pub(crate) paths: Vec<JsonPath>,
    /// Name of the crawler. [default: the bucket, the prefix and the paths]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The catalog's database for the tables
    #[arg(long, value_name = "NAME", default_value = DEFAULT_DATABASE)]
    pub(crate) catalog_database: String,
    /// Objects to read at the same time. [default: one for each processor]
    #[arg(long, value_name = "N")]
    pub(crate) parallel: Option<NonZeroUsize>,
    #[command(flatten)]
    pub(crate) policies: PolicyArgs,
    /// Print what was done as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) buckets: BucketArgs,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

/// The configured buckets.
#[derive(Debug, Args)]
pub(crate) struct BucketArgs {
    /// Configured bucket, as for `serve`. Repeat for several
    #[arg(
        long = "bucket",
        id = "buckets",
        env = "STEVEDORE_BUCKET",
        hide_env_values = true,
        value_name = "NAME=URL",
        value_delimiter = ',',
        value_parser = super::Secret::<BucketSetting>::new(),
        default_value = "microservice-hw=data"
    )]
    pub(crate) settings: Vec<BucketSetting>,
}

/// How much of each object is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SampleSetting(pub(crate) Option<NonZeroU64>);

impl FromStr for SampleSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            _ if text == "all" => Ok(Self(None)),
            Ok(records) => Ok(Self(Some(records))),
            _ => Err("expected a number of records, or all".to_owned()),
        }
    }
}

/// What of the catalog to see.
#[derive(Debug, Args)]
pub(crate) struct CatalogArgs {
    #[command(subcommand)]
    pub(crate) verb: CatalogVerb,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

/// What of the catalog to see.
#[derive(Debug, Subcommand)]
pub(crate) enum CatalogVerb {
    /// List the tables of the catalog
    List,
    /// Show where the objects of a table are, and its columns
    Show {
        /// The table, by its name or as database.table
        table: String,
        /// Version to show. [default: the newest]
        #[arg(long, value_name = "N")]
        version: Option<i32>,
        /// Format of the columns
        #[arg(long, value_name = "FORMAT", default_value = "tree")]
        format: Export,
        /// Print all that is known of the table as JSON
        #[arg(long, conflicts_with = "format")]
        json: bool,
    },
    /// Show what changed between two versions of a table
    Diff {
        /// The table
        table: String,
        /// Older version
        from: i32,
        /// Newer version
        to: i32,
    },
}

/// How columns are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Export {
    /// Tree, as Spark prints schemas
    Tree,
    /// JSON Schema
    JsonSchema,
    /// `create table` for Postgres
    Ddl,
}
