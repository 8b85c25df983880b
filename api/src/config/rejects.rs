//! The settings of `rejects`: rejected records, and what is done about them.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, Subcommand, ValueEnum};
use pipeline::feed::Reason;
use pipeline::replay::RejectId;
use pipeline::sink::RequestedMode;

use super::{DatabaseArgs, RecordArgs};
use crate::wire::RejectState;

pub(super) const REJECTS_EXAMPLES: &str = "\
Examples:
  stevedore rejects list --feed orders --state open
  stevedore rejects show 7:12
  stevedore rejects replay --feed orders --reason wrong_type --dry-run
  stevedore rejects replay 7:12 --text repaired.json
  stevedore rejects ignore --load 7 --note 'test data of the producer'";

/// What to do with rejects.
#[derive(Debug, Args)]
pub(crate) struct RejectsArgs {
    #[command(subcommand)]
    pub(crate) verb: RejectsVerb,
}

/// What to do with rejects.
#[derive(Debug, Subcommand)]
pub(crate) enum RejectsVerb {
    /// List rejected records and what was done about them, those of the newest load first
    List(RejectsListArgs),
    /// Show a rejected record with its text
    Show(RejectsShowArgs),
    /// Load open rejects again, each once: as they stand, after their feed was changed, or one with an edited
    /// text
    Replay(RejectsReplayArgs),
    /// Mark open rejects as not to be loaded. This cannot be undone
    Ignore(RejectsIgnoreArgs),
}

/// Which rejects: those that match all that is given.
#[derive(Debug, Clone, Args)]
pub(crate) struct RejectFilterArgs {
    /// Only rejects of this feed
    #[arg(long, value_name = "FEED")]
    pub(crate) feed: Option<String>,
    /// Only rejects that this load has written
    #[arg(long, value_name = "LOAD_ID")]
    pub(crate) load: Option<i64>,
    /// Only rejects of this object: bucket, `/` and key, as the list shows it
    #[arg(long, value_name = "OBJECT")]
    pub(crate) object: Option<String>,
    /// Only rejects with this reason
    #[arg(long, value_parser = PossibleValuesParser::new(Reason::ALL.map(Reason::as_str)))]
    pub(crate) reason: Option<String>,
    /// Only rejects of this rule of the feed
    #[arg(long, value_name = "NAME")]
    pub(crate) rule: Option<String>,
}

/// Which rejects to list.
#[derive(Debug, Args)]
pub(crate) struct RejectsListArgs {
    #[command(flatten)]
    pub(crate) filter: RejectFilterArgs,
    /// Only rejects in this state
    #[arg(long)]
    pub(crate) state: Option<RejectState>,
    /// Rejects to list at most
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub(crate) limit: u16,
    /// Print one JSON object for each reject
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

/// Which reject to show.
#[derive(Debug, Args)]
pub(crate) struct RejectsShowArgs {
    /// The reject: the number of its load and the number of its record
    #[arg(value_name = "LOAD:RECORD")]
    pub(crate) reject: RejectId,
    /// Print the reject as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

/// Which rejects to handle: by number, or all open ones that match.
#[derive(Debug, Args)]
pub(crate) struct ChosenArgs {
    /// The rejects: the number of the load and the number of the record of each
    #[arg(
        value_name = "LOAD:RECORD",
        required_unless_present_any = ["feed", "load", "object", "reason", "rule"],
        conflicts_with_all = ["load", "object", "reason", "rule"]
    )]
    pub(crate) rejects: Vec<RejectId>,
    #[command(flatten)]
    pub(crate) filter: RejectFilterArgs,
    /// What to note beside each reject, such as why
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
    /// Print one JSON object for each feed
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
}

/// Which rejects to load again, and how.
#[derive(Debug, Args)]
pub(crate) struct RejectsReplayArgs {
    /// File with the edited text of the one reject that is named; `-` reads standard input
    #[arg(long, value_name = "FILE", requires = "rejects")]
    pub(crate) text: Option<PathBuf>,
    /// Load in this mode instead of that of each reject's load
    #[arg(long)]
    pub(crate) mode: Option<RequestedMode>,
    /// Report what would be loaded and rejected, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    // After the options: the headings of its own options apply to what follows.
    #[command(flatten)]
    pub(crate) chosen: ChosenArgs,
    #[command(flatten)]
    pub(crate) records: RecordArgs,
}

/// Which rejects to ignore.
#[derive(Debug, Args)]
pub(crate) struct RejectsIgnoreArgs {
    #[command(flatten)]
    pub(crate) chosen: ChosenArgs,
}

impl ValueEnum for RejectState {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}
