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
  stevedore feed ddl orders | psql postgresql://owner@db/warehouse";

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
    /// Print the SQL that creates the tables of a feed where they are missing
    Ddl(DdlArgs),
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
