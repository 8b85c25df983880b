//! Queues of notices: workers take messages, and delete one when what it names is committed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pipeline::error::causes;
use pipeline::load::Failpoint;
use pipeline::store::{Message, MessageQueue};
use tokio::task::AbortHandle;
use uuid::Uuid;

use super::arrive::ArriveError;
use super::notices::{Kind, Named, Said, read};
use crate::buckets::environment;
use crate::jobs::schedule::told;
use crate::jobs::store::{StoreError, database_failed};
use crate::jobs::worker::Worker;
use crate::{failpoint, metrics};

/// How often it is looked which watches have a queue, if nobody tells.
const LOOK: Duration = Duration::from_secs(30);
/// How long a queue is left alone that cannot be read, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// The tasks that read queues, by watch and URL. They end with it.
#[derive(Default)]
struct Readers(BTreeMap<(String, String), AbortHandle>);

impl Drop for Readers {
    fn drop(&mut self) {
        self.0.values().for_each(AbortHandle::abort);
    }
}

impl Worker {
    /// Reads the queues of all watches, for ever.
    pub(in crate::jobs) async fn read_queues(self: Arc<Self>) {
        let mut readers = Readers::default();
        let mut notices = self.listener.subscribe();
        loop {
            match self.queues().await {
                Ok(queues) => self.read_these(&mut readers, queues),
                Err(error) => tracing::debug!(%error, "the queues of watches cannot be looked up"),
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = told(&mut notices) => {}
            }
        }
    }

    /// The watches that have a queue, each with its URL.
    async fn queues(&self) -> Result<Vec<(String, String)>, StoreError> {
        let sql =
            "select name, queue from stevedore.watches where queue is not null and not is_paused";
        let rows = self.store.client().await?.query(sql, &[]).await;
        let rows = rows.map_err(database_failed("look for the queues of watches"))?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    fn read_these(self: &Arc<Self>, readers: &mut Readers, queues: Vec<(String, String)>) {
        readers.0.retain(|queue, reader| {
            let is_wanted = queues.contains(queue) && !reader.is_finished();
            if !is_wanted {
                reader.abort();
            }
            is_wanted
        });
        for queue in queues {
            let (worker, (watch, url)) = (Arc::clone(self), queue.clone());
            readers.0.entry(queue).or_insert_with(|| {
                tokio::spawn(async move { worker.read_queue(&watch, &url).await }).abort_handle()
            });
        }
    }

    /// Takes messages of a queue, for ever.
    async fn read_queue(&self, watch: &str, url: &str) {
        let queue = match MessageQueue::open(url, &environment()) {
            Ok(queue) => queue,
            Err(error) => {
                return tracing::warn!(watch, %error, "the queue of a watch cannot be used here");
            }
        };
        let mut pause = PAUSE.0;
        loop {
            match self.take_messages(watch, &queue).await {
                Ok(()) => pause = PAUSE.0,
                Err(error) => {
                    let error = causes(&error).join(": ");
                    tracing::warn!(watch, error, "messages of a queue are left for later");
                    tokio::time::sleep(pause).await;
                    pause = PAUSE.1.min(pause * 2);
                }
            }
        }
    }

    /// Takes some messages, and deletes those that were dealt with. One that nobody understands stays, for the
    /// queue's own dead letters.
    async fn take_messages(&self, name: &str, queue: &MessageQueue) -> Result<(), ArriveError> {
        let messages = queue.receive().await?;
        let Some(watch) = self.store.watch(name).await?.filter(|_| !messages.is_empty()) else {
            return Ok(());
        };
        let Some(bucket) = self.buckets.get(&watch.bucket) else {
            tracing::warn!(watch = name, bucket = watch.bucket, "this worker has no such bucket");
            tokio::time::sleep(PAUSE.1).await;
            return Ok(());
        };
        let mut understood: Vec<Message> = Vec::with_capacity(messages.len());
        let mut named: BTreeMap<&str, (Kind, Vec<Named>)> = BTreeMap::new();
        for message in messages {
            match read(message.body.as_bytes()) {
                Ok((kind, Said::Arrived(objects))) => {
                    let of_kind = named.entry(kind.as_str()).or_insert((kind, Vec::new()));
                    of_kind.1.extend(objects);
                    understood.push(message);
                }
                _ => {
                    metrics::noticed(Kind::Unknown.as_str(), "unknown", 1);
                    tracing::warn!(
                        watch = name,
                        "a message of a queue is no notice: it is left there"
                    );
                }
            }
        }
        failpoint::hit(Failpoint::MessagesTaken);
        let request_id = Uuid::now_v7().to_string();
        for (kind, objects) in named.into_values() {
            let of_kind = (kind, &objects[..]);
            self.store.arrive(&watch, bucket, &self.feeds, of_kind, &request_id).await?;
        }
        failpoint::hit(Failpoint::ArrivalsNoted);
        Ok(queue.delete(&understood).await?)
    }
}
