//! What a worker does with each kind of entry of the queue.

use std::sync::Arc;

use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext};

use super::queue::{
    ACTION_TASK, ActionEntry, CHILDREN_TASK, CRAWL_TASK, ChildrenEntry, CrawlEntry, QueueEntry,
    TASK, WATCH_TASK, WatchEntry,
};
use super::worker::Worker;

/// The worker that took the entry.
fn worker(context: &WorkerContext) -> Result<&Arc<Worker>, String> {
    context.get_ext::<Arc<Worker>>().ok_or_else(|| "the queue runs without its worker".to_owned())
}

impl TaskHandler for QueueEntry {
    const IDENTIFIER: &'static str = TASK;

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let worker = worker(&context)?;
        let attempted = if self.helps {
            worker.help(self.job_id).await
        } else {
            worker.attempt(self.job_id, context.worker_id()).await
        };
        worker.leave(attempted)
    }
}

impl TaskHandler for ChildrenEntry {
    const IDENTIFIER: &'static str = CHILDREN_TASK;

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let worker = worker(&context)?;
        worker.leave(worker.attempt_children(&self, context.worker_id()).await)
    }
}

impl TaskHandler for ActionEntry {
    const IDENTIFIER: &'static str = ACTION_TASK;

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let worker = worker(&context)?;
        worker.leave(worker.act(self.action_id).await)
    }
}

impl TaskHandler for CrawlEntry {
    const IDENTIFIER: &'static str = CRAWL_TASK;

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let worker = worker(&context)?;
        worker.leave(worker.crawl(&self).await)
    }
}

impl TaskHandler for WatchEntry {
    const IDENTIFIER: &'static str = WATCH_TASK;

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        let worker = worker(&context)?;
        worker.leave(worker.list_watch(&self).await)
    }
}
