//! What becomes of records.

use pipeline::sink::{Mode, RequestedMode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What becomes of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JobMode {
    Auto,
    Merge,
    Append,
    Replace,
}

impl From<RequestedMode> for JobMode {
    fn from(mode: RequestedMode) -> Self {
        match mode {
            RequestedMode::Auto => Self::Auto,
            RequestedMode::Fixed(Mode::Merge) => Self::Merge,
            RequestedMode::Fixed(Mode::Append) => Self::Append,
            RequestedMode::Fixed(Mode::Replace) => Self::Replace,
        }
    }
}

impl From<JobMode> for RequestedMode {
    fn from(mode: JobMode) -> Self {
        match mode {
            JobMode::Auto => Self::Auto,
            JobMode::Merge => Self::Fixed(Mode::Merge),
            JobMode::Append => Self::Fixed(Mode::Append),
            JobMode::Replace => Self::Fixed(Mode::Replace),
        }
    }
}
