//! The settings of `loads`: what is done with loads of the ledger.

use clap::{Args, Subcommand};

use super::DatabaseArgs;

pub(super) const LOADS_EXAMPLES: &str = "\
Example:
  stevedore loads discard 7";

/// What to do with loads.
#[derive(Debug, Args)]
pub(crate) struct LoadsArgs {
    #[command(subcommand)]
    pub(crate) verb: LoadsVerb,
}

/// What to do with loads.
#[derive(Debug, Subcommand)]
pub(crate) enum LoadsVerb {
    /// Remove what an unfinished load in parts has written: its rows, its rejects, and its entry in the
    /// ledger. Run it as the owner of the tables
    Discard(DiscardArgs),
}

/// Which load to discard.
#[derive(Debug, Args)]
pub(crate) struct DiscardArgs {
    /// The load's number, as `stevedore verify` and the error of the load show it
    pub(crate) load_id: i64,
    /// Print what was removed as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}
