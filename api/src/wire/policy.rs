//! What crawlers do with tables that are in the catalog already.

use clap::ValueEnum;
use pipeline::catalog::definition::{OnChange, OnDelete};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What to do with a table whose columns changed.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChangePolicy {
    /// Make a new version with the columns that were found
    #[default]
    Update,
    /// Make a new version that keeps the known columns and adds new ones
    AddColumns,
    /// Change nothing; report the changes
    Log,
}

/// What to do with a table that is no longer found.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeletePolicy {
    /// Mark the table until it is found again
    #[default]
    Deprecate,
    /// Remove the table with its versions
    Delete,
    /// Change nothing; report the table
    Log,
}

impl From<ChangePolicy> for OnChange {
    fn from(policy: ChangePolicy) -> Self {
        match policy {
            ChangePolicy::Update => Self::Update,
            ChangePolicy::AddColumns => Self::AddColumns,
            ChangePolicy::Log => Self::Log,
        }
    }
}

impl From<DeletePolicy> for OnDelete {
    fn from(policy: DeletePolicy) -> Self {
        match policy {
            DeletePolicy::Deprecate => Self::Deprecate,
            DeletePolicy::Delete => Self::Delete,
            DeletePolicy::Log => Self::Log,
        }
    }
}
