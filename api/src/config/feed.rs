//! Settings of `stevedore feed`.

use clap::{Args, Subcommand};
use pipeline::sink::RequestedMode;

pub(super) const FEED_EXAMPLES: &str = "\
Examples:
  stevedore feed list
  stevedore feed ddl orders | psql postgresql://owner@db/warehouse";

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
    /// Print the SQL that creates the tables of a feed where they are missing
    Ddl(DdlArgs),
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
