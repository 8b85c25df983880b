//! The settings of `watch`.

use clap::{Args, Subcommand};
use pipeline::sink::RequestedMode;

use super::ClientArgs;
use super::jobs::label;

pub(super) const WATCH_EXAMPLES: &str = "\
Examples:
  stevedore watch add orders --bucket exports --prefix orders/ --feed orders --every 30s
  stevedore watch add nightly --bucket exports --glob 'users/*.json' --schedule '0 3 * * *'
  stevedore watch list
  stevedore watch run orders
  stevedore watch runs orders
  stevedore watch pause orders";

/// Which server's watches, and what to do with them.
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    #[command(subcommand)]
    pub(crate) verb: WatchVerb,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// What to do with watches.
#[derive(Debug, Subcommand)]
pub(crate) enum WatchVerb {
    /// Define a watch, and print the token of its notices
    Add(Box<WatchAddArgs>),
    /// List the watches and their last runs
    List,
    /// Show a watch
    Show {
        /// The watch
        name: String,
    },
    /// List the objects of a watch now
    Run {
        /// The watch
        name: String,
    },
    /// Have a watch do nothing until it is resumed
    Pause {
        /// The watch
        name: String,
    },
    /// Have a watch go on, with what arrived meanwhile
    Resume {
        /// The watch
        name: String,
    },
    /// Remove a watch; what is loaded stays
    Remove {
        /// The watch
        name: String,
    },
    /// List the runs of a watch, newest first
    Runs {
        /// The watch
        name: String,
        /// Runs to list at most
        #[arg(long, default_value_t = 50)]
        limit: u16,
    },
    /// Give the notices of a watch a new token, and print it
    Token {
        /// The watch
        name: String,
    },
}

/// What a new watch is to do.
#[derive(Debug, Args)]
pub(crate) struct WatchAddArgs {
    /// Name: letters, digits, `-`, `_` and `.`
    pub(crate) name: String,
    /// Bucket of the server
    #[arg(long)]
    pub(crate) bucket: String,
    /// Only objects whose key begins with this text and ends like JSON
    #[arg(long, value_name = "TEXT", conflicts_with = "glob")]
    pub(crate) prefix: Option<String>,
    /// Only objects whose whole key matches; `*` stays within a name, `**` does not
    #[arg(long, value_name = "PATTERN")]
    pub(crate) glob: Option<String>,
    /// Feed of the objects. [default: for each object the feed whose `objects` match its key]
    #[arg(long, value_name = "NAME")]
    pub(crate) feed: Option<String>,
    /// What becomes of records. [default: the feed's]
    #[arg(long)]
    pub(crate) mode: Option<RequestedMode>,
    /// Label of its jobs. Repeat for several
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    pub(crate) labels: Vec<(String, String)>,
    /// When to list: five fields of cron, in UTC
    #[arg(long, value_name = "CRON", conflicts_with = "every")]
    pub(crate) schedule: Option<String>,
    /// How often to list: a number with s, m, h or d. [default: 5m]
    #[arg(long, value_name = "TIME")]
    pub(crate) every: Option<String>,
    /// Seconds for which an object must not have changed before it is loaded
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub(crate) settle_secs: u32,
    /// Seconds for which a key is not loaded again after it was
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub(crate) min_interval_secs: u32,
    /// Load only what arrives from now on, and not what is there already
    #[arg(long)]
    pub(crate) only_new: bool,
    /// URL of an SQS queue of notices
    #[arg(long, value_name = "URL")]
    pub(crate) queue: Option<String>,
}
