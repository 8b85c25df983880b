//! Errors of jobs.

use pipeline::error::Error;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Error of a job, in our own words, never those of the database or the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct JobError {
    /// A code that never changes, for programs.
    pub(crate) code: String,
    /// A sentence, for people.
    pub(crate) detail: String,
    /// Whether a later attempt can succeed.
    pub(crate) retryable: bool,
}

impl JobError {
    pub(crate) const FEED_UNAVAILABLE: &str = "feed_unavailable";

    pub(crate) fn new(code: &str, detail: impl Into<String>, retryable: bool) -> Self {
        Self { code: code.to_owned(), detail: detail.into(), retryable }
    }

    /// An attempt has begun while the one before had not ended.
    pub(crate) fn worker_died() -> Self {
        Self::new("worker_died", "the worker died", true)
    }

    /// The attempt panicked: a defect, which another attempt would meet again.
    pub(crate) fn panicked() -> Self {
        let detail = "a defect of the worker ended the attempt; its log has the panic";
        Self::new("internal", detail, false)
    }

    /// The job has a mode that this version does not know.
    pub(crate) fn unknown_mode(detail: String) -> Self {
        let detail = format!(
            "this worker does not know the job's mode ({detail}): upgrade the workers to the version \
             that accepted the job, and retry it"
        );
        Self::new("unknown_mode", detail, false)
    }

    /// The job has a limit of rejects that this version does not know.
    pub(crate) fn unknown_max_rejected(detail: &str) -> Self {
        let detail = format!(
            "this worker does not know the job's max_rejected ({detail}): upgrade the workers to the version \
             that accepted the job, and retry it"
        );
        Self::new("unknown_max_rejected", detail, false)
    }

    /// No worker that has seen the job has its feed as it was when the job was requested.
    pub(crate) fn feed_unavailable(feed: &str, hash: Option<&str>) -> Self {
        let hash = hash.map(|hash| format!(" with the hash {hash}")).unwrap_or_default();
        let detail = format!(
            "the job waits for a worker that has the feed {feed}{hash}: start one, or cancel and retry the \
             job, which then uses the feed as the server has it"
        );
        Self::new(Self::FEED_UNAVAILABLE, detail, true)
    }

    /// Somebody cancelled the run of a crawler.
    pub(crate) fn crawl_cancelled() -> Self {
        Self::new("cancelled", "the run was cancelled", false)
    }

    /// The bucket is not configured where the job was taken.
    pub(crate) fn no_bucket(bucket: &str) -> Self {
        Self::new("bucket_not_found", format!("there is no bucket {bucket}"), false)
    }
}

impl From<&Error> for JobError {
    /// The sentence of the error itself; its causes are in the log and in the ledger.
    fn from(error: &Error) -> Self {
        Self::new(error.code(), error.for_clients(), error.is_transient())
    }
}
