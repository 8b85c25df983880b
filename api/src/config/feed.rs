//! Settings of `stevedore feed`.

use std::num::NonZeroU64;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use pipeline::feed::TableName;
use pipeline::json::records_path::RecordsPath;
use pipeline::sink::RequestedMode;

use super::DatabaseArgs;

pub(super) const FEED_EXAMPLES: &str = "\
Examples:
  stevedore feed list
  stevedore feed draft orders/ > feeds/orders.toml
  stevedore feed check feeds/orders.toml --against data/orders.ndjson
  stevedore feed show orders
  stevedore feed diff orders --database-url postgresql://owner@db/warehouse
  stevedore feed ddl orders | psql postgresql://owner@db/warehouse";

const SHOW_EXAMPLES: &str = "\
Example:
  stevedore feed show orders";

const CHECK_EXAMPLES: &str = "\
Examples:
  stevedore feed check feeds/orders.toml
  stevedore feed check feeds/orders.toml --against s3://company-exports/2026/orders.ndjson.gz";

const DIFF_EXAMPLES: &str = "\
Example:
  stevedore feed diff orders --database-url postgresql://owner@db/warehouse";

const SCHEMA_EXAMPLES: &str = "\
Example:
  stevedore feed schema > feeds/feed.schema.json";

const DRAFT_EXAMPLES: &str = "\
Examples:
  stevedore feed draft orders.ndjson --table shop.orders
  stevedore feed draft s3://company-exports/2026/ --out feeds/
  stevedore feed draft response.json --records '$.data.items[*]'
  stevedore feed draft catalog:default.orders";

#[derive(Debug, Args)]
pub(crate) struct FeedArgs {
    #[command(subcommand)]
    pub(crate) verb: FeedVerb,
}

/// What to do with feeds.
#[derive(Debug, Subcommand)]
pub(crate) enum FeedVerb {
    /// List the feeds, and the tables of each
    List,
    /// Write a feed file that loads a file, a folder, a URL or a table of the catalog
    Draft(DraftArgs),
    /// Show a feed: how records flow to its tables, their columns, where each comes from, and the rules
    #[command(after_help = SHOW_EXAMPLES)]
    Show(FeedShowArgs),
    /// Check a feed file, also with the records of an object: exit code 1 if the file is not valid
    #[command(after_help = CHECK_EXAMPLES)]
    Check(FeedCheckArgs),
    /// Print the SQL that creates the tables of a feed where they are missing
    Ddl(DdlArgs),
    /// Compare a feed with the tables of the database and with what the catalog has seen: exit code 1 if the
    /// tables do not fit. Prints the edits and the SQL that bring them together
    #[command(after_help = DIFF_EXAMPLES)]
    Diff(FeedDiffArgs),
    /// Print the JSON Schema of feed files, by which editors complete and check them
    #[command(after_help = SCHEMA_EXAMPLES)]
    Schema,
}

/// Which feed to show.
#[derive(Debug, Args)]
pub(crate) struct FeedShowArgs {
    /// Name of the feed
    pub(crate) feed: String,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which feed file to check.
#[derive(Debug, Args)]
pub(crate) struct FeedCheckArgs {
    /// The feed file
    pub(crate) file: PathBuf,
    /// Read this object too, and show what becomes of its records. Writes nothing and needs no database. A
    /// file, or a URL: file://, s3://, gs://, az://
    #[arg(long, value_name = "OBJECT")]
    pub(crate) against: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which feed to compare with the database.
#[derive(Debug, Args)]
pub(crate) struct FeedDiffArgs {
    /// Name of the feed
    pub(crate) feed: String,
    /// Table of the catalog to compare with. [default: the one that has objects of the feed]
    #[arg(long, value_name = "TABLE")]
    pub(crate) catalog: Option<String>,
    /// Print the tables as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

/// What to draft a feed from.
#[derive(Debug, Args)]
#[command(after_help = DRAFT_EXAMPLES)]
pub(crate) struct DraftArgs {
    /// File, folder, pattern or URL of objects, as for `load`; or a table of the catalog: `catalog:` and its
    /// name, or database.table
    pub(crate) source: String,
    /// Root table, as `table` or `schema.table`. [default: named after the object or its folder]
    #[arg(long, value_name = "NAME")]
    pub(crate) table: Option<TableName>,
    /// Folder for a file for each kind of record. Existing files are not replaced. [default: print the
    /// only one]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Where the records are in a document, as a JsonPath: `$`, `$[*]`, `$.a.b[*]`. [default: found out]
    #[arg(long, value_name = "JSONPATH")]
    pub(crate) records: Option<RecordsPath>,
    /// Records of each object to read. Other records may then be rejected. [default: all]
    #[arg(long, value_name = "N")]
    pub(crate) sample: Option<NonZeroU64>,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DdlArgs {
    /// Name of the feed
    pub(crate) feed: String,
    /// Mode in which the tables will be written: in mode merge, the root table gets a primary key.
    /// [default: the feed's]
    #[arg(long)]
    pub(crate) mode: Option<RequestedMode>,
}
