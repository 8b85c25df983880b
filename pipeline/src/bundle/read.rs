//! Reads the objects of a bundle into one frame.

use std::sync::Arc;

use bytes::{Buf, Bytes};
use futures::{StreamExt, stream};
use polars::prelude::DataFrame;
use polars_async::executor::ALLOW_RAYON_THREADS;

use super::work::Undone;
use crate::decode::{BundleDecoder, Limits};
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::records::{Batch, Batches, CutOptions, Decompressed, read_error};
use crate::store::{Object, Whole, read_whole};
use crate::transform::{DomainChecks, Domains, Tally, check};

/// Files that are read at the same time: each read has a thread, and each thread keeps memory that others
/// freed.
const FILE_READS: usize = 2;
/// Bytes of text of a bundle at most, once it is decompressed.
const TEXT_BYTES: usize = 8 << 20;
/// Records of a bundle at most: what a record costs in columns does not shrink with its text.
const RECORDS: u64 = 1 << 17;

/// The text of an object of a bundle, as it is stored.
#[derive(Debug)]
pub(super) enum Text {
    Unread,
    Whole(Whole),
    Failed(Error),
}

/// The objects of a bundle as they were read.
#[derive(Debug)]
pub(super) struct Read {
    /// The records of all that could be read.
    pub(super) records: DataFrame,
    /// Those objects, in the order of their numbers in `records`.
    pub(super) members: Vec<Member>,
    /// The others, by their numbers.
    pub(super) unreadable: Vec<(usize, Error)>,
}

/// An object that could be read.
#[derive(Debug)]
pub(super) struct Member {
    /// Its number, as it was given.
    pub(super) at: usize,
    /// What was found when it was cut and decoded.
    pub(super) tally: Tally,
}

/// Reads objects, each with its number.
pub(super) async fn read(
    objects: Vec<(usize, Object, Text)>,
    feed: &Arc<Feed>,
    (limits, domains): (Limits, Option<Domains>),
    cut: CutOptions,
) -> Result<Read, Undone> {
    let reads = objects.into_iter().map(|(at, object, text)| async move {
        let text = match text {
            Text::Unread => read_whole(&object).await.map(Stored::Read),
            Text::Whole(whole) => Ok(Stored::Fetched(Box::new(whole))),
            Text::Failed(error) => Err(error),
        };
        (at, object, text)
    });
    let texts = stream::iter(reads).buffered(FILE_READS).collect::<Vec<_>>().await;
    let feed = Arc::clone(feed);
    let decoding =
        tokio::task::spawn_blocking(move || decode(texts, &feed, &limits, domains, &cut));
    decoding.await.map_err(|_| Error::Stopped { object: "a bundle".to_owned() })?
}

/// All of an object; what was fetched ahead counts so until it is dropped.
enum Stored {
    Read(Bytes),
    Fetched(Box<Whole>),
}

impl Stored {
    fn bytes(&self) -> Bytes {
        match self {
            Self::Read(bytes) => bytes.clone(),
            Self::Fetched(whole) => whole.bytes.clone(),
        }
    }
}

fn decode(
    texts: Vec<(usize, Object, Result<Stored>)>,
    feed: &Arc<Feed>,
    limits: &Limits,
    domains: Option<Domains>,
    options: &CutOptions,
) -> Result<Read, Undone> {
    ALLOW_RAYON_THREADS.set(false);
    let mut decoder = BundleDecoder::new(feed, limits);
    let (mut members, mut unreadable) = (Vec::<Member>::new(), Vec::new());
    let mut room = Room { bytes: TEXT_BYTES, records: RECORDS };
    for (at, object, text) in texts {
        let tally = Tally::of(&feed.plan);
        let cut = text.and_then(|text| cut_whole(&object, text.bytes(), tally, options, &mut room));
        match cut {
            Ok((batches, mut tally)) => {
                let version = (&*object.origin(), &*object.version());
                tally.unknown_fields = decoder.add(members.len() as u32, version, &batches);
                members.push(Member { at, tally });
            }
            Err(error) => unreadable.push((at, error)),
        }
        if room.is_used_up() {
            return Err(Undone::TooLarge);
        }
    }
    let records = check(decoder.finish()?, feed, &mut DomainChecks::new(domains))?;
    Ok(Read { records, members, unreadable })
}

/// What a bundle may still hold.
struct Room {
    bytes: usize,
    records: u64,
}

impl Room {
    fn take(&mut self, batch: &Batch) {
        self.bytes = self.bytes.saturating_sub(batch.text.len());
        self.records = self.records.saturating_sub(batch.records.len() as u64);
    }

    const fn is_used_up(&self) -> bool {
        self.bytes == 0 || self.records == 0
    }
}

/// Cuts the whole of an object, before anything of it is used; there is no `room` left when that would
/// be too much.
fn cut_whole(
    object: &Object,
    bytes: Bytes,
    mut tally: Tally,
    options: &CutOptions,
    room: &mut Room,
) -> Result<(Vec<Batch>, Tally)> {
    let failed = |error| read_error(object, error);
    let input = Decompressed::new(bytes.reader(), options.text_limits).map_err(failed)?;
    tally.compression = input.compression();
    let mut batches = Batches::new(input, options.clone());
    let mut cut = Vec::new();
    for batch in batches.by_ref() {
        let batch = batch.map_err(failed)?;
        room.take(&batch);
        if room.is_used_up() {
            break;
        }
        tally.records += batch.records.len() as u64;
        cut.push(batch);
    }
    tally.format = batches.format();
    Ok((cut, tally))
}
