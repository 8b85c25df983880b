//! Tells a catalog of lineage, by [OpenLineage](https://openlineage.io), which jobs started and ended, and what they read
//! and wrote.
//!
//! The start and the end of a job write a row in their transaction (`stevedore.add_lineage_event`). Some worker sends it as
//! an event, on a task of its own, so no load waits for a receiver. An event says what is known of the job when it is sent.
//! It is sent until it is answered with success, as webhooks are.

mod columns;
mod datasets;
mod event;
mod facet;
mod outbox;

use std::str::FromStr;

use axum::http::{HeaderValue, header};
use pipeline::feed::{Feed, Feeds};
use reqwest::Client;

use super::webhooks::{Answer, WebhookUrl, client, post};
use crate::buckets::Buckets;
use crate::wire::Job;
use datasets::Tables;
use event::Told;
use outbox::Due;

/// A key as a bearer token, which nobody reads in a log.
#[derive(Debug, Clone)]
pub(crate) struct LineageKey(HeaderValue);

impl FromStr for LineageKey {
    type Err = &'static str;

    fn from_str(key: &str) -> Result<Self, Self::Err> {
        let value = format!("Bearer {key}").parse::<HeaderValue>();
        let mut value = value.map_err(|_| "expected a key of printable characters")?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

/// Sends events.
#[derive(Debug, Clone)]
pub(crate) struct Lineage {
    client: Client,
    url: WebhookUrl,
    key: Option<LineageKey>,
    /// The namespace of jobs.
    namespace: String,
    tables: Tables,
}

impl Lineage {
    /// Sends events to a URL, about tables of the database at an address.
    ///
    /// # Errors
    /// When there are no certificates to trust.
    pub(crate) fn new(
        url: WebhookUrl,
        key: Option<LineageKey>,
        namespace: String,
        address: &str,
    ) -> reqwest::Result<Self> {
        let tables = Tables::at(address);
        Ok(Self { client: client()?, url, key, namespace, tables })
    }

    /// Sends the event that a row of the outbox stands for.
    async fn send(&self, due: &Due, job: &Job, buckets: &Buckets, feeds: &Feeds) -> Answer {
        let told = Told {
            job,
            state: due.state,
            at: due.at,
            feed: feed(job, feeds),
            origin: job.bucket.as_deref().and_then(|bucket| buckets.get(bucket)?.origin()),
            parent_feed: due.parent_feed.as_deref(),
        };
        let request = self.client.post(self.url.as_str()).json(&self.event(&told));
        let request = match &self.key {
            Some(LineageKey(key)) => request.header(header::AUTHORIZATION, key),
            None => request,
        };
        post(request).await
    }
}

/// The feed of a job, if this process has it as the job has.
fn feed<'a>(job: &Job, feeds: &'a Feeds) -> Option<&'a Feed> {
    let feed = feeds.iter().find(|feed| Some(&feed.name) == job.feed.as_ref())?;
    let is_same = job.feed_hash.as_ref().is_none_or(|hash| *hash == feed.hash);
    is_same.then_some(&**feed)
}
