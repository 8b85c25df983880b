//! Rejects as a unit of work: those of some loads, each of which becomes a load of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::sync::Arc;
use std::time::SystemTime;

use futures::FutureExt;
use tokio::sync::mpsc;

use super::frame::{Rebuild, Text, Texts};
use super::handled::{Claims, claim, replaced};
use super::replayed::{Refusal, Refused};
use super::selection::RejectId;
use super::step::{Ready, Step};
use crate::database::LoadTransaction;
use crate::decode::Limits;
use crate::error::{Error, Result};
use crate::failpoint::Failpoint;
use crate::feed::Feed;
use crate::frame::Stamp;
use crate::ledger::{self, Counts, Entry, Identity};
use crate::load::{Recorded, Transforming, Unit, instant, seconds_since, title};
use crate::sink::{Encoder, Mode, Targets};
use crate::transform::{Domains, Example, Tally, WAITING_PIECES};

/// Rejects that are loaded again in one transaction.
pub(super) struct Replays<'a> {
    step: &'a Step<'a>,
    edited: Option<&'a str>,
    mode: Mode,
    held: (Limits, Option<Domains>),
    loads: Vec<Replay>,
    refused: Vec<Refused>,
}

/// The rejects of one load, and the load that they become.
struct Replay {
    ready: Ready,
    identity: Identity,
    load_id: i64,
    started_at: SystemTime,
}

/// A load that a replay made.
pub(super) struct Loaded {
    pub(super) load_id: i64,
    pub(super) counts: Counts,
    pub(super) examples: BTreeMap<String, Example>,
}

impl<'a> Replays<'a> {
    pub(super) fn new(
        step: &'a Step<'a>,
        ready: Vec<Ready>,
        edited: Option<&'a str>,
        mode: Mode,
        held: (Limits, Option<Domains>),
    ) -> Self {
        let replay = |ready: Ready| Replay {
            identity: identity(step.feed, &ready.texts),
            ready,
            load_id: 0,
            started_at: SystemTime::now(),
        };
        let loads = ready.into_iter().map(replay).collect();
        Self { step, edited, mode, held, loads, refused: Vec::new() }
    }

    /// The rejects that were not loaded again.
    pub(super) fn into_refused(self) -> Vec<Refused> {
        self.refused
    }

    fn identities(&self) -> Vec<&Identity> {
        self.loads.iter().map(|load| &load.identity).collect()
    }

    /// Leaves loads out whose rows were replaced since: theirs would be there beside those of a newer version.
    async fn refuse_replaced(&mut self, transaction: &LoadTransaction<'_>) -> Result<()> {
        let loads: Vec<_> = self.loads.iter().map(|load| load.ready.texts.source.load_id).collect();
        let replaced = replaced(transaction, &loads).await?;
        let (gone, there) = std::mem::take(&mut self.loads)
            .into_iter()
            .partition(|load| replaced.contains_key(&load.ready.texts.source.load_id));
        self.loads = there;
        let gone: Vec<Replay> = gone;
        for texts in gone.iter().map(|load| &load.ready.texts) {
            let load_id = texts.source.load_id;
            let by = replaced.get(&load_id).copied().unwrap_or_default();
            let refused = texts.texts.iter().map(|text| Refused {
                id: RejectId { load_id, record_no: text.record_no as i64 },
                reason: Refusal::Replaced,
                detail: format!("the load {by} has replaced the rows of its version of the object"),
            });
            self.refused.extend(refused);
        }
        Ok(())
    }

    /// Claims the rejects, and leaves out what others have claimed.
    async fn claim_rejects(&mut self, transaction: &LoadTransaction<'_>) -> Result<()> {
        let mut claims = Claims::default();
        for load in &self.loads {
            for text in &load.ready.texts.texts {
                claims.load_ids.push(load.ready.texts.source.load_id);
                claims.record_nos.push(text.record_no as i64);
                claims.replay_load_ids.push(load.load_id);
                claims.edited.push(self.edited);
            }
        }
        let replay = self.step.replay;
        let who = (replay.by.as_deref(), replay.note.as_deref());
        let claimed = claim(transaction, self.step.feed, &claims, who).await?;
        let claimed: BTreeSet<_> = claimed.into_iter().collect();
        for Replay { ready: Ready { texts, .. }, .. } in &mut self.loads {
            let load_id = texts.source.load_id;
            let id = |text: &Text| RejectId { load_id, record_no: text.record_no as i64 };
            let lost = texts.texts.iter().map(id).filter(|id| !claimed.contains(id));
            self.refused.extend(lost.map(|id| Refused {
                id,
                reason: Refusal::Handled,
                detail: "it was replayed, ignored or removed meanwhile".to_owned(),
            }));
            texts.texts.retain(|text| claimed.contains(&id(text)));
        }
        self.loads.retain(|load| !load.ready.texts.texts.is_empty());
        Ok(())
    }
}

impl Unit for Replays<'_> {
    const HAS_WHOLE_OBJECTS: bool = false;
    type Found = ();
    type Loaded = Vec<Loaded>;

    async fn claim(&mut self, transaction: &LoadTransaction<'_>) -> Result<Option<()>> {
        // From now on no newer version replaces the rows.
        ledger::claim_origins(&**transaction, &self.identities()).await?;
        self.refuse_replaced(transaction).await?;
        let numbers = ledger::next_loads(transaction, self.loads.len()).await?;
        for (load, load_id) in self.loads.iter_mut().zip(numbers) {
            (load.load_id, load.started_at) = (load_id, instant(load.started_at, load_id));
        }
        self.claim_rejects(transaction).await?;
        (self.step.options.hit)(Failpoint::RejectsClaimed);
        Ok(self.loads.is_empty().then_some(()))
    }

    fn start(&mut self, encoder: Encoder) -> Result<Transforming> {
        let stamps = self.loads.iter().map(stamp).collect();
        let texts: Vec<Texts> = self.loads.iter().map(|load| load.ready.texts.clone()).collect();
        let (limits, domains) = self.held.clone();
        let feed = self.step.feed.clone();
        let rebuild = Rebuild { feed, limits, domains, encoder: Some(encoder) };
        let stopped = Error::Stopped { object: title(&self.names()) };
        let (sender, rows) = mpsc::channel(WAITING_PIECES);
        let work = tokio::task::spawn_blocking(move || rebuild.run(&texts, stamps, &sender));
        let tallies = async move { work.await.map_err(|_| stopped)? }.boxed();
        // What is read again is read before.
        Ok(Transforming { rows, tallies, version_check: ready(Ok(())).boxed() })
    }

    async fn remove_replaced(&self, _: &LoadTransaction<'_>, _: &Targets) -> Result<Vec<Vec<u64>>> {
        // The rows of the same version stay.
        Ok(Vec::new())
    }

    async fn record(
        &self,
        transaction: &LoadTransaction<'_>,
        _: &Feed,
        tallies: &[Tally],
        counts: Vec<Counts>,
    ) -> Result<Vec<Loaded>> {
        let entry = |(load, counts): (&Replay, _)| Entry {
            load_id: load.load_id,
            mode: self.mode,
            reload: true,
            job_id: self.step.replay.job_id,
            format: load.ready.texts.source.format,
            compression: load.ready.texts.source.compression,
            started_at: load.started_at,
            seconds: seconds_since(load.started_at),
            counts,
            replay_of: Some(load.ready.texts.source.load_id),
        };
        let entries: Vec<_> = self.loads.iter().zip(counts).map(entry).collect();
        let of_loads = self.loads.iter().map(|load| &load.identity).zip(&entries);
        ledger::record(transaction, &of_loads.collect::<Vec<_>>()).await?;
        let loaded = |(entry, tally): (Entry, &Tally)| Loaded {
            load_id: entry.load_id,
            counts: entry.counts,
            examples: tally.examples.clone(),
        };
        Ok(entries.into_iter().zip(tallies).map(loaded).collect())
    }
}

impl Recorded for Replays<'_> {
    const POINTS: [Failpoint; 2] = [Failpoint::Recorded, Failpoint::Committed];

    fn is_last(&self) -> bool {
        false
    }

    fn names(&self) -> Vec<String> {
        self.loads.iter().map(|load| load.ready.object.clone()).collect()
    }

    async fn is_recorded(&self, transaction: &LoadTransaction<'_>) -> Result<bool> {
        // All of them are there, or none.
        let Some(Replay { identity, load_id, .. }) = self.loads.first() else {
            return Ok(true);
        };
        ledger::claim_origins(&**transaction, &[identity]).await?;
        ledger::is_recorded(&**transaction, *load_id).await
    }
}

/// The version of the object whose rejects are replayed, with the bytes of their texts.
fn identity(feed: &Arc<Feed>, Texts { source, texts }: &Texts) -> Identity {
    let bytes: usize = texts.iter().map(|text| text.bytes.len()).sum();
    Identity::of_version(feed, source, bytes as i64)
}

/// The stamp of a load's rows: they are those of the object and version of its rejects.
fn stamp(load: &Replay) -> Stamp {
    let since_1970 = load.started_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Stamp {
        ingested_at_micros: since_1970.as_micros() as i64,
        load_id: load.load_id,
        object: load.ready.object.clone(),
        object_version: load.ready.texts.source.version.clone(),
    }
}
