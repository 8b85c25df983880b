//! The settings of the verbs that ask a server: `jobs` and `health`, and those that `watch` shares with them.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::builder::PossibleValue;
use clap::{Args, Subcommand, ValueEnum};
use pipeline::sink::RequestedMode;
use url::Url;
use uuid::Uuid;

use super::secret::Secret;
use crate::wire::JobState;

/// Which server's jobs, and what to do with them.
#[derive(Debug, Args)]
pub(crate) struct JobsArgs {
    #[command(subcommand)]
    pub(crate) verb: JobsVerb,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Which server to ask, and how.
#[derive(Debug, Args)]
pub(crate) struct ClientArgs {
    /// URL of the server
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
    /// Key of the API, if the server needs one
    #[arg(
        long,
        global = true,
        env = "STEVEDORE_API_KEY",
        hide_env_values = true,
        value_name = "KEY"
    )]
    pub(crate) api_key: Option<String>,
    /// PEM file of the certificates to trust in place of the platform's, for a server with a certificate of your own
    /// authority
    #[arg(long, global = true, env = "STEVEDORE_CA_CERT", value_name = "FILE")]
    pub(crate) ca_cert: Option<PathBuf>,
    /// Print the JSON that the server sends
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What to do with jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum JobsVerb {
    /// List jobs, newest first
    List {
        #[command(flatten)]
        filter: JobFilterArgs,
        /// Jobs to list at most
        #[arg(long, default_value_t = 50)]
        limit: u16,
    },
    /// Show a job
    Show {
        /// The job
        job_id: Uuid,
    },
    /// Cancel a job
    Cancel {
        /// The job
        job_id: Uuid,
    },
    /// Run a failed or cancelled job again, with its feed as the server has it now
    Retry {
        /// The job
        job_id: Uuid,
        /// With another mode
        #[arg(long)]
        mode: Option<RequestedMode>,
        /// With another feed, in its mode unless --mode names one
        #[arg(long, value_name = "NAME")]
        feed: Option<String>,
        /// Load again, even if this version is loaded already
        #[arg(long)]
        reload: bool,
    },
    /// Cancel all jobs that match, and wait until it is done
    CancelAll {
        #[command(flatten)]
        filter: JobFilterArgs,
    },
    /// Run all failed and cancelled jobs that match again, and wait until they are queued
    RetryAll {
        #[command(flatten)]
        filter: JobFilterArgs,
    },
    /// Count jobs by state, feed and error code
    Counts,
    /// Follow a job until it ends: exit code 0 if it succeeded
    Watch {
        /// The job
        job_id: Uuid,
    },
}

/// Which jobs: those that match all that is given.
#[derive(Debug, Clone, Args)]
pub(crate) struct JobFilterArgs {
    /// Only jobs in this state
    #[arg(long)]
    pub(crate) state: Option<JobState>,
    /// Only jobs of this bucket
    #[arg(long)]
    pub(crate) bucket: Option<String>,
    /// Only jobs that load the object with this key
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// Only jobs of this feed
    #[arg(long)]
    pub(crate) feed: Option<String>,
    /// Only child jobs of this job
    #[arg(long, value_name = "JOB_ID")]
    pub(crate) parent: Option<Uuid>,
    /// Only jobs whose last error has this code
    #[arg(long, value_name = "CODE")]
    pub(crate) error_code: Option<String>,
    /// Only jobs with this label. Repeat for several
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    pub(crate) labels: Vec<(String, String)>,
    /// Only jobs that were accepted at this time or later, such as 2026-11-24T08:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<DateTime<Utc>>,
    /// Only jobs that were accepted before this time
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<DateTime<Utc>>,
}

/// The name and the value of a label.
pub(super) fn label(text: &str) -> Result<(String, String), String> {
    let label = text.split_once('=').ok_or("expected NAME=VALUE, such as run=nightly")?;
    Ok((label.0.to_owned(), label.1.to_owned()))
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
    /// PEM file of the certificates to trust in place of the platform's, for a server with a certificate of your own
    /// authority
    #[arg(long, env = "STEVEDORE_CA_CERT", value_name = "FILE")]
    pub(crate) ca_cert: Option<PathBuf>,
}
