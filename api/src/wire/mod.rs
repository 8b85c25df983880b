//! What goes over the API, for those who serve it, ask it, and store it.

mod action;
mod job;
mod job_error;
mod labels;
mod load;
mod mode;
mod policy;
mod reject;
mod webhook;

pub(crate) use action::{Action, JobAction, JobCount, JobCountList};
pub(crate) use job::{
    Job, JobAttempt, JobAttempts, JobCounts, JobEvent, JobKind, JobState, JobWorker,
};
pub(crate) use job_error::JobError;
pub(crate) use labels::{MOST_LABELS, check_labels};
pub(crate) use load::{Load, LoadState, LoadTable};
pub(crate) use mode::JobMode;
pub(crate) use policy::{ChangePolicy, DeletePolicy};
pub(crate) use reject::{Reject, RejectState};
pub(crate) use webhook::{WebhookAttempt, WebhookMessage, Webhooks};
