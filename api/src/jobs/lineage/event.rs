//! The event of a job's start or end.

use super::Lineage;
use super::datasets::{Source, inputs};
use super::facet::{EVENT, PRODUCER, facet};
use crate::wire::{Job, JobState};
use chrono::{DateTime, SecondsFormat, Utc};
use pipeline::feed::Feed;
use serde_json::{Value, json};

/// The name of a job whose objects choose their feeds.
const ANY_FEED: &str = "load";

/// What there is to say of a job.
pub(super) struct Told<'a> {
    pub(super) job: &'a Job,
    /// The state that it came to.
    pub(super) state: JobState,
    pub(super) at: DateTime<Utc>,
    /// None if this process does not have it as the job has.
    pub(super) feed: Option<&'a Feed>,
    /// What the URLs of the objects of its bucket begin with.
    pub(super) origin: Option<&'a str>,
    /// The feed of the job over many objects that it belongs to.
    pub(super) parent_feed: Option<&'a str>,
}

impl Lineage {
    /// An event by the schema of OpenLineage.
    pub(super) fn event(&self, told: &Told<'_>) -> Value {
        let Told { job, state, at, feed, origin, .. } = told;
        let source = Source::of(job, *origin);
        let outputs = match (&source, feed) {
            // Of many objects, their own jobs tell what they wrote.
            (None, _) if job.jobs.is_some() => Vec::new(),
            (source, Some(feed)) => {
                self.tables.outputs(feed, source.as_ref(), written(job, *state))
            }
            (_, None) => Vec::new(),
        };
        json!({
            "eventType": kind(*state),
            "eventTime": at.to_rfc3339_opts(SecondsFormat::Micros, true),
            "producer": PRODUCER,
            "schemaURL": EVENT,
            "run": { "runId": job.job_id, "facets": self.of_run(told) },
            "job": { "namespace": self.namespace, "name": name(job.feed.as_deref()), "facets": of_job() },
            "inputs": inputs(job, source.as_ref(), *feed, *state),
            "outputs": outputs,
        })
    }

    fn of_run(&self, told: &Told<'_>) -> Value {
        let mut facets = json!({});
        if let Some(run_id) = told.job.parent_id {
            let job = json!({ "namespace": self.namespace, "name": name(told.parent_feed) });
            let members = json!({ "run": { "runId": run_id }, "job": job });
            facets["parent"] = facet("ParentRunFacet", members);
        }
        let error = told.job.first_error.as_ref().or(told.job.error.as_ref());
        if let Some(error) = error.filter(|_| told.state == JobState::Failed) {
            let message = format!("{}: {}", error.code, error.detail);
            let members = json!({ "message": message, "programmingLanguage": "Rust" });
            facets["errorMessage"] = facet("ErrorMessageRunFacet", members);
        }
        facets
    }
}

fn of_job() -> Value {
    let members =
        json!({ "processingType": "BATCH", "integration": "STEVEDORE", "jobType": "JOB" });
    json!({ "jobType": facet("JobTypeJobFacet", members) })
}

fn name(feed: Option<&str>) -> &str {
    feed.unwrap_or(ANY_FEED)
}

const fn kind(state: JobState) -> &'static str {
    match state {
        JobState::Queued | JobState::Running => "START",
        JobState::Succeeded => "COMPLETE",
        JobState::Failed => "FAIL",
        JobState::Cancelled => "ABORT",
    }
}

/// What a job has written: the summary of a load that has just been committed.
fn written(job: &Job, state: JobState) -> Option<&Value> {
    let summary = job.summary.as_ref().filter(|_| state == JobState::Succeeded);
    summary.filter(|_| !job.already_loaded)
}
