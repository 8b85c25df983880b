//! Source, decode, frames and encode of one object, on a thread that may block.

mod domains;
mod entries;
mod example;
mod frames;
mod tally;
mod warm_up;
mod worker;

use std::io::BufRead;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use polars::prelude::DataFrame;
use polars_async::executor::ALLOW_RAYON_THREADS;
use tokio::sync::mpsc;

pub(crate) use self::domains::{DomainChecks, Domains};
pub(crate) use self::entries::entry_counts;
pub use self::example::Example;
pub(crate) use self::frames::Frames;
pub(crate) use self::tally::{TableTally, Tally, reasons};
pub use self::warm_up::warm_up;
pub(crate) use self::worker::Work;
use self::worker::spawn_worker;
use crate::decode::{Decoder, Limits};
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::frame::{self, Stamp};
use crate::progress::Progress;
use crate::records::{Batches, CutOptions, Decompressed, PartReader, read_error};
use crate::reject_run::RejectRun;
use crate::sink::{Encoder, Rows};
use crate::store::{Object, ObjectReader, Reading};

/// Pieces of encoded rows that wait for the database at most.
pub(crate) const WAITING_PIECES: usize = 6;

/// Takes an object from its bytes to encoded rows.
#[derive(Debug)]
pub(crate) struct Transform {
    pub(crate) object: Object,
    pub(crate) feed: Arc<Feed>,
    pub(crate) limits: Limits,
    pub(crate) domains: Option<Domains>,
    pub(crate) stamp: Stamp,
    /// None when nothing is to be written.
    pub(crate) encoder: Option<Encoder>,
    pub(crate) cut: CutOptions,
    pub(crate) reject_run: RejectRun,
    pub(crate) progress: Arc<Progress>,
}

impl Transform {
    /// Works until the object ends or nobody takes the rows any more, which come meanwhile.
    pub(crate) fn start(self, reader: ObjectReader) -> (mpsc::Receiver<Rows>, Work) {
        self.start_with(reader.reading(), |transform, rows| transform.run(reader, rows))
    }

    /// The same for the lines of a part.
    pub(crate) fn start_part(self, reader: PartReader) -> (mpsc::Receiver<Rows>, Work) {
        self.start_with(reader.reading(), |transform, rows| transform.run_part(reader, rows))
    }

    fn start_with(
        self,
        reading: Reading,
        run: impl FnOnce(Self, &mpsc::Sender<Rows>) -> Result<Tally> + Send + 'static,
    ) -> (mpsc::Receiver<Rows>, Work) {
        let (sender, receiver) = mpsc::channel(WAITING_PIECES);
        let tally = spawn_worker(Arc::clone(&self.feed), move || run(self, &sender));
        (receiver, Work::new(tally, reading))
    }

    fn run(self, reader: ObjectReader, rows: &mpsc::Sender<Rows>) -> Result<Tally> {
        let input = Decompressed::new(reader, self.cut.text_limits);
        let input = input.map_err(|error| read_error(&self.object, error))?;
        let compression = input.compression();
        let tally = self.run_batches(Batches::new(input, self.cut.clone()), rows)?;
        Ok(Tally { compression, ..tally })
    }

    fn run_part(self, reader: PartReader, rows: &mpsc::Sender<Rows>) -> Result<Tally> {
        let batches = reader.batches(self.cut.clone());
        self.run_batches(batches.map_err(|error| read_error(&self.object, error))?, rows)
    }

    fn run_batches(
        &self,
        mut batches: Batches<impl BufRead>,
        rows: &mpsc::Sender<Rows>,
    ) -> Result<Tally> {
        // Frames of some megabytes are computed sooner than they are shared between threads: without
        // this a load takes a quarter more processor time. Loads are what runs in parallel.
        ALLOW_RAYON_THREADS.set(false);
        let (mut tally, start) = (Tally::of(&self.feed.plan), batches.offset());
        let mut reject_run = self.reject_run;
        let mut domains = DomainChecks::new(self.domains.clone());
        let (origin, version) = (self.object.origin(), self.object.version());
        let mut decoder = Decoder::new(&self.feed, &self.limits).with_object(&origin, &version);
        for batch in batches.by_ref() {
            if self.progress.is_stopped() {
                return Err(Error::Cancelled { object: self.object.url() });
            }
            let batch = batch.map_err(|error| read_error(&self.object, error))?;
            let records = check(decoder.decode(&batch)?, &self.feed, &mut domains)?;
            let frames = Frames::split(&records, &self.feed, &self.stamp)?;
            tally.add(&self.feed, &batch, &records, &frames)?;
            check_rejects(&mut reject_run, &records, &tally, &self.object.url())?;
            drop(records);
            self.send(frames, batch.records.len(), |sent| rows.blocking_send(sent).is_ok())?;
            if self.encoder.is_some() && rows.is_closed() {
                break;
            }
        }
        tally.format = batches.format();
        tally.text = start..batches.offset();
        tally.unknown_fields = decoder.into_unknown_fields();
        Ok(tally)
    }

    /// Sends the rows of a batch of so many records.
    fn send(
        &self,
        frames: Frames,
        records: usize,
        mut send: impl FnMut(Rows) -> bool,
    ) -> Result<()> {
        let (progress, plan) = (&self.progress, &self.feed.plan);
        for (so_far, of_batch) in [
            (&progress.records, records),
            (&progress.loaded, frames.tables[0].height()),
            (&progress.rejected, frames.tables[plan.rejects_index()].height()),
        ] {
            so_far.fetch_add(of_batch as u64, Ordering::Relaxed);
        }
        match &self.encoder {
            Some(encoder) => frames.encode(encoder, &mut send),
            None => Ok(()),
        }
    }
}

/// The records of a batch with their computed columns, of which some may be rejected by domains and rules.
pub(crate) fn check(
    records: DataFrame,
    feed: &Feed,
    domains: &mut DomainChecks,
) -> Result<DataFrame> {
    frame::checked(domains.check(records, feed)?, feed)
        .map_err(|source| Error::Frame { doing: "evaluate the expressions of a feed", source })
}

/// Fails when too many records of an object were rejected in a row.
pub(crate) fn check_rejects(
    reject_run: &mut RejectRun,
    records: &DataFrame,
    tally: &Tally,
    object: &str,
) -> Result<()> {
    let failed = |source| Error::Frame { doing: "count the rejects in a row", source };
    match reject_run.add(records).map_err(failed)? {
        Some(rejects) => Err(tally.reject_limit(object, rejects)),
        None => Ok(()),
    }
}
