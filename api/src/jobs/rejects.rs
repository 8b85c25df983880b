//! Jobs over rejects: they load them again, or ignore them.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use pipeline::database::Connection;
use pipeline::error::Result;
use pipeline::feed::Feed;
use pipeline::load::Progress;
use pipeline::replay::{
    Ignored, ReplayOptions, Replayed, Selection, Source, ignore, locate_source, replay,
};
use pipeline::sink::RequestedMode;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::attempt::failed;
use super::outcome::Outcome;
use super::record::Started;
use super::worker::Worker;
use crate::failpoint;

/// What is to be done about which rejects, as the row of a job has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RejectsTask {
    pub(crate) action: RejectsAction,
    pub(crate) selection: Selection,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
    /// Only rejects of loads up to this one: those that were there when it was asked for.
    pub(crate) newest_load_id: i64,
}

/// What is to be done about rejects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RejectsAction {
    Replay,
    Ignore,
}

/// What was done about rejects.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Handled {
    Replayed(Replayed),
    Ignored(Ignored),
}

impl Handled {
    /// The number of a load that it made, if it made one.
    pub(super) fn load_id(&self) -> Option<i64> {
        match self {
            Self::Replayed(replayed) => replayed.load_ids.last().copied(),
            Self::Ignored(_) => None,
        }
    }

    /// Records, loaded and rejected.
    pub(super) const fn counts(&self) -> [u64; 3] {
        match self {
            Self::Replayed(done) => [done.records, done.loaded, done.rejected],
            Self::Ignored(done) => [done.ignored, 0, 0],
        }
    }
}

impl Worker {
    /// Does what a job asks about rejects, unless it is cancelled or handed back: what is committed by then stays.
    pub(super) async fn handle_rejects(
        &self,
        started: &Started,
        task: &RejectsTask,
        mode: Option<RequestedMode>,
        cancelled: &CancellationToken,
    ) -> Outcome {
        let feed = match self.feeds.get(started.feed.as_deref().unwrap_or_default()) {
            Ok(feed) => feed,
            Err(error) => return failed(&error),
        };
        let connected = tokio::select! {
            connected = self.connection() => connected,
            () = cancelled.cancelled() => return Outcome::Cancelled,
            () = self.hand_back.cancelled() => return Outcome::HandedBack,
        };
        let mut connection = match connected {
            Ok(connection) => connection,
            Err(error) => return failed(&error),
        };
        let progress = Arc::new(Progress::default());
        let mut working =
            self.handle(started, task, (feed, mode), &progress, &mut connection).boxed();
        let stopped = tokio::select! {
            ended = &mut working => Err(ended),
            () = cancelled.cancelled() => Ok(Outcome::Cancelled),
            () = self.watch(started, &progress) => Ok(Outcome::Cancelled),
            () = self.hand_back.cancelled() => Ok(Outcome::HandedBack),
        };
        let ended = match stopped {
            Ok(outcome) if progress.stop() => {
                drop(working);
                connection.abort().await;
                return self.stopped(started, task, (feed, mode), &progress, outcome).await;
            }
            // A step commits already: the next one sees that it is to stop.
            Ok(outcome) => match working.await {
                Err(error) if error.is_cancelled() => return outcome,
                ended => ended,
            },
            Err(ended) => {
                drop(working);
                ended
            }
        };
        match ended {
            Ok(handled) => {
                self.keep(connection);
                Outcome::Handled(Box::new(handled))
            }
            Err(error) => failed(&error),
        }
    }

    /// What came of a job that was stopped between two commits. If it is cancelled behind the last one, it is done.
    async fn stopped(
        &self,
        started: &Started,
        task: &RejectsTask,
        how: (&Arc<Feed>, Option<RequestedMode>),
        progress: &Arc<Progress>,
        outcome: Outcome,
    ) -> Outcome {
        let [_, records, ..] = progress.counts();
        if records == 0 || !matches!(outcome, Outcome::Cancelled) {
            return outcome;
        }
        let Ok(mut connection) = self.connection().await else { return outcome };
        // Nothing more is replayed: it ends as cancelled if any reject is left.
        match self.handle(started, task, how, progress, &mut connection).await {
            Ok(handled) => Outcome::Handled(Box::new(handled)),
            Err(_) => outcome,
        }
    }

    async fn handle(
        &self,
        started: &Started,
        task: &RejectsTask,
        (feed, mode): (&Arc<Feed>, Option<RequestedMode>),
        progress: &Arc<Progress>,
        connection: &mut Connection,
    ) -> Result<Handled> {
        let RejectsTask { action, selection, note, newest_load_id } = task;
        let by = started.asked.by.as_str();
        if *action == RejectsAction::Ignore {
            let who = (Some(by), note.as_deref());
            let ignored =
                ignore(connection, feed, selection, who, *newest_load_id, progress).await?;
            return Ok(Handled::Ignored(ignored));
        }
        let buckets = self.buckets.clone();
        let locate = move |source: &Source| -> BoxFuture<'static, _> {
            let (source, buckets) = (source.clone(), buckets.clone());
            async move { locate_source(&source, buckets.iter()).await }.boxed()
        };
        let options = ReplayOptions {
            mode,
            cut: self.settings.cut.clone(),
            dry_run: started.dry_run,
            by: Some(by.to_owned()),
            note: note.clone(),
            job_id: Some(started.job_id),
            newest: *newest_load_id,
            locate: Box::new(locate),
            progress: Arc::clone(progress),
            hit: failpoint::hit,
        };
        replay(connection, feed, selection, &options).await.map(Handled::Replayed)
    }
}
