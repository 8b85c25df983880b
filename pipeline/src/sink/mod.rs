//! Writes the frames of a load into their tables by binary COPY, in the load's transaction.
//!
//! [`Targets`] holds the feed against the tables as they are; an [`Encoder`] turns frames into COPY
//! rows on the thread that computed them; a [`Sink`] sends the rows: the log, mostly the largest,
//! in long COPYs while the load goes on, and between them the other two, whenever 8 MB of them wait.
//! (A COPY per batch and table takes 1.5 times as long, since every start and end of one stalls.)

mod encode;
mod found;
mod merge;
mod table;
mod target;
mod write;

pub use encode::{Encoder, Rows};
pub(crate) use merge::Merged;
pub(crate) use target::check_fresh;
pub use target::{Targets, create_tables};
pub use write::{MergeCounts, Sink, Written};

use std::fmt;
use std::str::FromStr;

/// What becomes of the status rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// One row for each key: that with the greatest value of the feed's `latest_by`.
    #[default]
    Merge,
    /// One row for each valid record.
    Append,
}

impl Mode {
    /// The name on the command line and in the ledger.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Append => "append",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "merge" => Ok(Self::Merge),
            "append" => Ok(Self::Append),
            _ => Err(format!("expected merge or append, found {name}")),
        }
    }
}
