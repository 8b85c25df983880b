//! One step of a replay: the rejects of a page, in one transaction.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::ReplayOptions;
use super::frame::{Rebuild, Text, Texts};
use super::open::OpenReject;
use super::read_again::read_again;
use super::replayed::{Refusal, Refused, Replayed};
use super::text::restored;
use super::unit::{Loaded, Replays};
use crate::database::Connection;
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::frame::Stamp;
use crate::load::{LoadOptions, Outcome, Turn, counts_of, load_unit};
use crate::sink::Targets;
use crate::transform::{Domains, Tally};

/// What the steps of a replay have in common.
pub(super) struct Step<'a> {
    pub(super) feed: &'a Arc<Feed>,
    pub(super) options: &'a LoadOptions,
    pub(super) replay: &'a ReplayOptions,
}

/// The rejects of one load of which the texts are known, and their object as people call it.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    pub(super) object: String,
    pub(super) texts: Texts,
}

impl Step<'_> {
    pub(super) async fn run(
        &self,
        connection: &mut Connection,
        page: Vec<OpenReject>,
        edited: Option<&str>,
        replayed: &mut Replayed,
    ) -> Result<()> {
        let ready = self.texts(page, edited, replayed).await?;
        if ready.is_empty() {
            return Ok(());
        }
        if self.replay.dry_run {
            return self.dry_run(connection, ready, replayed).await;
        }
        let targets = Targets::find_or_create(&*connection, self.feed, self.options.mode).await?;
        let targets = targets.bundled().replaying();
        let held = (targets.limits(), Domains::of(&targets, connection.database()));
        let mut unit = Replays::new(self, ready, edited, targets.mode(), held);
        match load_unit(&mut unit, connection, &targets, self.options, Turn::alone()).await? {
            Outcome::Loaded(loads) => self.add(loads, replayed),
            // None of them is open any more.
            Outcome::Found(()) => {}
            // There is none before it, and no children are left out of what is sent.
            Outcome::PredecessorFailed | Outcome::Overtaken => return Err(self.stopped()),
        }
        unit.into_refused().into_iter().for_each(|refused| replayed.refuse(refused));
        Ok(())
    }

    fn add(&self, loads: Vec<Loaded>, replayed: &mut Replayed) {
        for Loaded { load_id, counts, examples } in loads {
            self.options.progress.add([0, counts.records, counts.loaded, counts.rejected]);
            replayed.add(Some(load_id), &counts);
            replayed.add_examples(&Tally { examples, ..Tally::default() });
        }
    }

    async fn dry_run(
        &self,
        connection: &mut Connection,
        ready: Vec<Ready>,
        replayed: &mut Replayed,
    ) -> Result<()> {
        let transaction = connection.begin(true).await?;
        let targets = Targets::find(&transaction, self.feed, self.options.mode).await?;
        drop(transaction);
        let rebuild = Rebuild {
            feed: Arc::clone(self.feed),
            limits: targets.limits(),
            domains: Domains::of(&targets, connection.database()),
            encoder: None,
        };
        let names: Vec<_> = ready.iter().map(|load| load.object.clone()).collect();
        let stamps = vec![Stamp::default(); ready.len()];
        let texts: Vec<_> = ready.into_iter().map(|load| load.texts).collect();
        let (sender, _rows) = mpsc::channel(1);
        let tallies = tokio::task::spawn_blocking(move || rebuild.run(&texts, stamps, &sender));
        let tallies = tallies.await.map_err(|_| self.stopped())??;
        for (name, tally) in names.iter().zip(&tallies) {
            let counts = counts_of(name, &self.feed.plan, tally)?;
            self.options.progress.add([0, counts.records, counts.loaded, counts.rejected]);
            replayed.add(None, &counts);
            replayed.add_examples(tally);
        }
        Ok(())
    }

    fn stopped(&self) -> Error {
        Error::Stopped { object: format!("rejects of the feed {}", self.feed.name) }
    }

    /// The texts of the rejects of a page, by their loads. Some are refused.
    async fn texts(
        &self,
        page: Vec<OpenReject>,
        edited: Option<&str>,
        replayed: &mut Replayed,
    ) -> Result<Vec<Ready>> {
        let mut ready = Vec::new();
        // The oldest first: of equally new records of one key the later load wins.
        for of_load in page.chunk_by(|one, next| one.id.load_id == next.id.load_id).rev() {
            let texts = match edited {
                Some(text) => of_load.iter().map(|_| Some(trimmed(text))).collect(),
                None => self.own_texts(of_load, replayed).await?,
            };
            let known = of_load.iter().zip(texts).filter_map(|(reject, bytes)| {
                let record_no = reject.id.record_no.unsigned_abs();
                Some(Text { record_no, byte_offset: reject.byte_offset, bytes: bytes? })
            });
            let texts: Vec<_> = known.collect();
            if let (Some(first), false) = (of_load.first(), texts.is_empty()) {
                let (object, source) = (first.object.clone(), Arc::clone(&first.source));
                ready.push(Ready { object, texts: Texts { source, texts } });
            }
        }
        Ok(ready)
    }

    /// The texts of rejects of one load as they stood; none of those that are refused.
    async fn own_texts(
        &self,
        rejects: &[OpenReject],
        replayed: &mut Replayed,
    ) -> Result<Vec<Option<Bytes>>> {
        let mut texts = vec![None; rejects.len()];
        let longest = self.options.cut.max_record_bytes as u64;
        let mut missing = Vec::new();
        for (at, reject) in rejects.iter().enumerate() {
            if reject.byte_length > longest {
                let detail = format!(
                    "its text has {} bytes, and a record may have {longest}",
                    reject.byte_length
                );
                replayed.refuse(Refused { id: reject.id, reason: Refusal::TooLarge, detail });
                continue;
            }
            texts[at] = shown(reject);
            if texts[at].is_none() {
                missing.push((at, reject.clone()));
            }
        }
        missing.sort_by_key(|(_, reject)| reject.byte_offset);
        let wanted: Vec<_> = missing.iter().map(|(_, reject)| reject.clone()).collect();
        match self.object_texts(&wanted).await {
            Ok(read) => {
                for ((at, _), text) in missing.into_iter().zip(read) {
                    texts[at] = Some(text);
                }
            }
            Err(error) if is_gone(&error) => {
                for reject in wanted {
                    let detail = format!("its text has to be read again, but {error}");
                    replayed.refuse(Refused {
                        id: reject.id,
                        reason: Refusal::VersionGone,
                        detail,
                    });
                }
            }
            Err(error) => return Err(error),
        }
        Ok(texts)
    }

    /// The texts of rejects of one load, read from its version of the object.
    async fn object_texts(&self, rejects: &[OpenReject]) -> Result<Vec<Bytes>> {
        let Some(first) = rejects.first() else {
            return Ok(Vec::new());
        };
        let object = (self.replay.locate)(&first.source).await?;
        read_again(&object, rejects, self.options.cut.text_limits).await
    }
}

/// The text of a reject, if its table leaves no doubt about it.
fn shown(reject: &OpenReject) -> Option<Bytes> {
    restored(reject.raw.as_deref()?, reject.byte_length)
}

/// A text as a record has it, without white space around it.
fn trimmed(text: &str) -> Bytes {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    Bytes::copy_from_slice(text.trim_matches([' ', '\t', '\r', '\n']).as_bytes())
}

/// Whether a version of an object cannot be read any more, also not later.
const fn is_gone(error: &Error) -> bool {
    matches!(
        error,
        Error::NotFound { .. }
            | Error::NoObjects { .. }
            | Error::VersionNotFound { .. }
            | Error::Changed { .. }
            | Error::Location { .. }
    )
}
