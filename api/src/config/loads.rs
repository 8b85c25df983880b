//! The settings of `loads`: the loads of the ledger, and what is done with them.

use clap::builder::PossibleValue;
use clap::{Args, Subcommand, ValueEnum};

use super::DatabaseArgs;
use crate::wire::LoadState;

pub(super) const LOADS_EXAMPLES: &str = "\
Examples:
  stevedore loads list --state failed
  stevedore loads list --object exports/2026-01-01 --json
  stevedore loads show 7
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
    /// List the loads of the ledger, newest first
    List(LoadsListArgs),
    /// Show a load: its tables with their counts, the reasons of its rejects, its unknown fields, and why it
    /// failed
    Show(LoadsShowArgs),
    /// Remove what an unfinished load in parts has written: its rows, its rejects, and its entry in the
    /// ledger. Run it as the owner of the tables
    Discard(DiscardArgs),
}

/// Which loads to list.
#[derive(Debug, Args)]
pub(crate) struct LoadsListArgs {
    /// Only loads of this feed
    #[arg(long, value_name = "FEED")]
    pub(crate) feed: Option<String>,
    /// Only loads in this state
    #[arg(long)]
    pub(crate) state: Option<LoadState>,
    /// Only loads of objects whose place has this text: a folder, a bucket, or a part of a key
    #[arg(long, value_name = "TEXT")]
    pub(crate) object: Option<String>,
    /// Loads to list at most
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub(crate) limit: u16,
    /// Print one JSON object for each load
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

/// Which load to show.
#[derive(Debug, Args)]
pub(crate) struct LoadsShowArgs {
    /// The load's number, as `stevedore load` and `stevedore loads list` print it
    pub(crate) load_id: i64,
    /// Print the load as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

/// Which load to discard.
#[derive(Debug, Args)]
pub(crate) struct DiscardArgs {
    /// The load's number, as `stevedore loads list` and the error of the load show it
    pub(crate) load_id: i64,
    /// Print what was removed as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

impl ValueEnum for LoadState {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}
