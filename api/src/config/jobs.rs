//! The settings of the verbs that ask a server: `jobs` and `health`.

use clap::builder::PossibleValue;
use clap::{Args, Subcommand, ValueEnum};
use url::Url;
use uuid::Uuid;

use super::secret::Secret;
use crate::jobs::JobState;

/// Which server's jobs, and what to do with them.
#[derive(Debug, Args)]
pub(crate) struct JobsArgs {
    #[command(subcommand)]
    pub(crate) verb: JobsVerb,
    /// The server
    #[arg(
        long,
        global = true,
        env = "STEVEDORE_SERVER",
        hide_env_values = true,
        value_name = "URL",
        value_parser = Secret::<Url>::new(),
        default_value = "http://127.0.0.1:8080"
    )]
    pub(crate) server: Url,
    /// The key, where the server wants one
    #[arg(
        long,
        global = true,
        env = "STEVEDORE_API_KEY",
        hide_env_values = true,
        value_name = "KEY"
    )]
    pub(crate) api_key: Option<String>,
    /// Print JSON as the server sends it
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What to do with jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum JobsVerb {
    /// List jobs, newest first
    List {
        /// Only jobs in this state
        #[arg(long)]
        state: Option<JobState>,
        /// Only jobs of this bucket
        #[arg(long)]
        bucket: Option<String>,
        /// Only jobs over the object with this key
        #[arg(long)]
        key: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: u16,
    },
    /// Show a job
    Show {
        /// The job
        job_id: Uuid,
    },
    /// Call a job off
    Cancel {
        /// The job
        job_id: Uuid,
    },
    /// Repeat a job that failed or was cancelled
    Retry {
        /// The job
        job_id: Uuid,
    },
    /// Follow a job to its end
    Watch {
        /// The job
        job_id: Uuid,
    },
}

impl ValueEnum for JobState {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}

/// Which server to ask whether it is ready.
#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    /// The server
    #[arg(
        long,
        env = "STEVEDORE_SERVER",
        hide_env_values = true,
        value_name = "URL",
        value_parser = Secret::<Url>::new(),
        default_value = "http://127.0.0.1:8080"
    )]
    pub(crate) server: Url,
}
