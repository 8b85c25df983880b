//! What becomes of the valid records, and who chooses it.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::Feed;

/// What becomes of the valid records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// One row for each key: that with the greatest value of the feed's `latest_by`.
    Merge,
    /// One row for each valid record.
    Append,
    /// One row for each valid record, in place of the rows of earlier versions of its object.
    Replace,
}

/// The mode that a load is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RequestedMode {
    /// The root table chooses: merge where it has a unique key on the feed's key or does not exist
    /// yet, append where it exists without such a key.
    #[default]
    Auto,
    /// This one. A table that does not fit it is an error.
    Fixed(Mode),
}

impl Mode {
    /// The name in the ledger.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Append => "append",
            Self::Replace => "replace",
        }
    }
}

impl RequestedMode {
    /// The names, as they are written in errors.
    pub const NAMES: &str = "auto, merge, append or replace";

    /// The name on the command line, in requests and in the rows of jobs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Fixed(mode) => mode.as_str(),
        }
    }

    /// The mode of a load into a root table that does not exist yet.
    #[must_use]
    pub fn on_new_table(self, feed: &Feed) -> Mode {
        match self {
            Self::Auto if feed.key.is_empty() => Mode::Append,
            Self::Auto => Mode::Merge,
            Self::Fixed(mode) => mode,
        }
    }
}

impl From<Mode> for RequestedMode {
    fn from(mode: Mode) -> Self {
        Self::Fixed(mode)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for RequestedMode {
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
            "replace" => Ok(Self::Replace),
            _ => Err(format!("expected merge, append or replace, found {name}")),
        }
    }
}

impl FromStr for RequestedMode {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "auto" => Ok(Self::Auto),
            _ => name
                .parse()
                .map(Self::Fixed)
                .map_err(|_| format!("expected {}, found {name}", Self::NAMES)),
        }
    }
}
