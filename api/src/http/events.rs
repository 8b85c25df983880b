//! `/v1/jobs/{id}/events`: what happens to a job, as server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::Stream;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use super::App;
use super::extract::Path;
use super::problem::{Guarded, Missing, Problem, Unavailable};
use crate::jobs::{EVENTS, Notice, StoreError};
use crate::wire::Job;

/// How often a silent stream shows that it is alive.
const ALIVE_EVERY: Duration = Duration::from_secs(15);

/// Follow a job
///
/// A stream of server-sent events. `state`: the job changed its state (data: the event; its id is the
/// event's number). `progress`: the job made progress (data: the job). `done`: the job has ended (data:
/// the job), and the stream ends. With `Last-Event-ID`, the stream has only later events.
#[utoipa::path(
    get,
    path = "/v1/jobs/{job_id}/events",
    operation_id = "follow_job",
    tag = "jobs",
    params(
        ("job_id" = Uuid, Path, description = "The job"),
        ("Last-Event-ID" = Option<String>, Header, description = "The last event that the client has seen"),
    ),
    responses(
        (
            status = 200,
            description = "The events, as text: lines `event`, `id` and `data`, which is JSON",
            content_type = "text/event-stream",
            body = String
        ),
        Guarded,
        Missing,
        Unavailable
    ),
)]
pub(super) async fn events(
    State(app): State<Arc<App>>,
    Path(job_id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let last = last.and_then(|id| id.parse().ok()).unwrap_or(0);
    // Before the job is read, so that nothing is missed in between.
    let notices = app.listener.subscribe();
    let job = app.job(job_id).await?;
    let follower = Follower {
        app,
        notices,
        last,
        job,
        waiting: VecDeque::new(),
        is_behind: true,
        is_done: false,
    };
    let events = futures::stream::unfold(follower, Follower::next);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE_EVERY)))
}

/// Follows a job for one client.
struct Follower {
    app: Arc<App>,
    notices: Receiver<Notice>,
    /// The last event that the client has.
    last: i64,
    /// The job as it was told last.
    job: Job,
    waiting: VecDeque<Event>,
    /// Whether more has happened already than was read.
    is_behind: bool,
    is_done: bool,
}

impl Follower {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some((Ok(event), self));
            }
            if self.is_done {
                return None;
            }
            if !self.is_behind {
                self.wait().await?;
            }
            if let Err(error) = self.look().await {
                // The client comes again with the last event that it has.
                tracing::debug!(error = %error, "a stream of events ends early");
                return None;
            }
        }
    }

    /// Waits until something may have happened to the job; none when nothing ever will.
    async fn wait(&mut self) -> Option<()> {
        loop {
            tokio::select! {
                notice = self.notices.recv() => match notice {
                    Ok(Notice::Changed(ids)) if ids.contains(&self.job.job_id) => return Some(()),
                    Ok(Notice::Missed) | Err(RecvError::Lagged(_)) => return Some(()),
                    Ok(_) => {}
                    Err(RecvError::Closed) => return None,
                },
                () = self.app.stopping.cancelled() => return None,
            }
        }
    }

    /// Reads what has happened since the last time.
    async fn look(&mut self) -> Result<(), StoreError> {
        let Some(job) = self.app.store.get(self.job.job_id).await? else {
            self.is_done = true;
            return Ok(());
        };
        let events = self.app.store.events(job.job_id, self.last).await?;
        self.is_behind = events.len() as i64 == EVENTS;
        for event in events {
            self.last = event.event_id;
            let told = Event::default().event("state").id(event.event_id.to_string());
            self.waiting.extend(told.json_data(&event).ok());
        }
        if self.is_behind {
            return Ok(());
        }
        let name = if job.state.is_final() { "done" } else { "progress" };
        self.is_done = job.state.is_final();
        if self.is_done || progressed(&self.job, &job) {
            self.waiting.extend(Event::default().event(name).json_data(&job).ok());
        }
        self.job = job;
        Ok(())
    }
}

fn progressed(before: &Job, now: &Job) -> bool {
    (before.bytes_read, before.records, &before.jobs) != (now.bytes_read, now.records, &now.jobs)
}
