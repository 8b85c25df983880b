//! Jobs: requests for loads that outlive whoever asked and whoever works on them.
//!
//! A job is a row of `stevedore.jobs`, which keeps its state for ever, and while it waits or runs an
//! entry of the queue ([`queue`]), written in the same transaction. A [`worker`] takes entries and
//! makes [`attempt`]s. The row is the truth: an entry whose row has ended is dropped. Runs of
//! [`crawlers`] and [`watches`] go the same way, by their own kinds of entries and rows.

mod attempt;
mod bundle;
mod crawl;
pub(crate) mod crawlers;
mod elsewhere;
mod entries;
mod help;
mod idempotency;
mod lineage;
mod listener;
mod listing;
mod outcome;
mod pool;
mod queue;
mod record;
mod rejects;
mod retention;
mod schedule;
mod spans;
mod store;
mod submit;
pub(crate) mod watches;
mod webhooks;
mod worker;

pub(crate) use lineage::{Lineage, LineageKey};
pub(crate) use listener::{Listener, Notice};
pub(crate) use pool::pool;
pub(crate) use queue::{Queue, migrate};
pub(crate) use rejects::{RejectsAction, RejectsTask};
pub(crate) use retention::Retention;
pub(crate) use schedule::Schedule;
pub(crate) use store::{
    Asked, Changed, Changes, EVENTS, Gauge, JobFilter, OpenRejects, RejectsAtPlace, Store,
    StoreError, database_failed,
};
pub(crate) use submit::{Request, SubmitError, Target};
pub(crate) use webhooks::{Origin, Sender, WebhookError, WebhookSecret, WebhookUrl, Webhooks};
pub(crate) use worker::{SILENCE, Worker, WorkerSettings};
