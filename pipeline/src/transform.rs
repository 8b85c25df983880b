//! Source, decode, frames and encode of one object, on a thread that may block.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use polars::prelude::{DataFrame, IntoLazy, LazyFrame, ListNameSpaceImpl};
use polars_async::executor::ALLOW_RAYON_THREADS;
use tokio::sync::mpsc;

use crate::decode::{Decoder, Limits, REASON};
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::frame::{self, Stamp, Stamps};
use crate::progress::Progress;
use crate::sink::{Encoder, Rows};
use crate::source::{
    Batch, Batches, Compression, CutOptions, Decompressed, Format, Object, ObjectReader,
    PartReader, read_error,
};

/// What the records of an object became.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) records: u64,
    pub(crate) loaded: u64,
    pub(crate) rejected: u64,
    /// The sum of the lengths of the valid records' lists, before they are exploded.
    pub(crate) list_entries: u64,
    /// Rows of the log frame.
    pub(crate) log_rows: u64,
    pub(crate) rejected_by_reason: BTreeMap<String, u64>,
    pub(crate) unknown_fields: BTreeMap<String, u64>,
    pub(crate) format: Option<Format>,
    pub(crate) compression: Compression,
    /// The text that was cut: all of it, or the lines of a part.
    pub(crate) text: Range<u64>,
}

/// Takes an object from its bytes to encoded rows.
#[derive(Debug)]
pub(crate) struct Transform {
    pub(crate) object: Object,
    pub(crate) feed: &'static Feed,
    pub(crate) limits: Limits,
    pub(crate) stamp: Stamp,
    /// None when nothing is to be written.
    pub(crate) encoder: Option<Encoder>,
    pub(crate) cut: CutOptions,
    pub(crate) progress: Arc<Progress>,
}

impl Transform {
    /// Works until the object ends or nobody takes the rows any more. Must not run on a thread of
    /// the async runtime.
    pub(crate) fn run(self, reader: ObjectReader, rows: &mpsc::Sender<Rows>) -> Result<Tally> {
        let input = Decompressed::new(reader).map_err(|error| read_error(&self.object, error))?;
        let compression = input.compression();
        let tally = self.run_batches(Batches::new(input, self.cut.clone()), rows)?;
        Ok(Tally { compression, ..tally })
    }

    /// The same for the lines of a part.
    pub(crate) fn run_part(self, reader: PartReader, rows: &mpsc::Sender<Rows>) -> Result<Tally> {
        let batches = reader.batches(self.cut.clone());
        self.run_batches(batches.map_err(|error| read_error(&self.object, error))?, rows)
    }

    fn run_batches(
        &self,
        mut batches: Batches<impl BufRead>,
        rows: &mpsc::Sender<Rows>,
    ) -> Result<Tally> {
        // Frames of a megabyte are computed sooner than they are shared between threads: without
        // this a load takes a quarter more processor time. Loads are what runs in parallel.
        ALLOW_RAYON_THREADS.set(false);
        let (mut tally, start) = (Tally::default(), batches.offset());
        let mut decoder = Decoder::new(self.feed, self.limits.clone());
        for batch in batches.by_ref() {
            if self.progress.is_stopped() {
                return Err(Error::Cancelled { object: self.object.url() });
            }
            let batch = batch.map_err(|error| read_error(&self.object, error))?;
            self.batch(&batch, &mut decoder, &mut tally, |sent| rows.blocking_send(sent).is_ok())?;
            if self.encoder.is_some() && rows.is_closed() {
                break;
            }
        }
        tally.format = batches.format();
        tally.text = start..batches.offset();
        tally.unknown_fields = decoder.into_unknown_fields();
        Ok(tally)
    }

    /// Takes a batch through the frames.
    fn batch(
        &self,
        batch: &Batch,
        decoder: &mut Decoder,
        tally: &mut Tally,
        mut send: impl FnMut(Rows) -> bool,
    ) -> Result<()> {
        let frames = Frames::split(decoder.decode(batch)?, self.feed, &self.stamp)?;
        tally.add(self.feed, batch, &frames)?;
        let progress = &self.progress;
        for (so_far, of_batch) in [
            (&progress.records, batch.records.len()),
            (&progress.loaded, frames.valid.height()),
            (&progress.rejected, frames.rejected.height()),
            (&progress.log_rows, frames.log.height()),
        ] {
            so_far.fetch_add(of_batch as u64, Ordering::Relaxed);
        }
        match &self.encoder {
            Some(encoder) => frames.encode(self.feed, &self.stamp, encoder, &mut send),
            None => Ok(()),
        }
    }
}

/// The frames of some records; that of the status rows is made last.
pub(crate) struct Frames {
    pub(crate) valid: DataFrame,
    pub(crate) rejected: DataFrame,
    pub(crate) log: DataFrame,
}

impl Frames {
    pub(crate) fn split(
        records: DataFrame,
        feed: &Feed,
        stamps: &(impl Stamps + ?Sized),
    ) -> Result<Self> {
        let valid =
            collect(frame::valid(records.clone().lazy(), feed), "filter the valid records")?;
        let rejected =
            collect(frame::rejected(records.lazy(), feed, stamps), "select the rejected records")?;
        let log =
            collect(frame::status_log(valid.clone().lazy(), feed, stamps), "explode the list")?;
        Ok(Self { valid, rejected, log })
    }

    /// Encodes the rows; the log's go first, since they do not wait.
    pub(crate) fn encode(
        self,
        feed: &Feed,
        stamps: &(impl Stamps + ?Sized),
        encoder: &Encoder,
        mut send: impl FnMut(Rows) -> bool,
    ) -> Result<()> {
        encoder.log(&self.log, &mut send)?;
        drop(self.log);
        encoder.rejected(&self.rejected, &mut send)?;
        let status = collect(frame::status(self.valid.lazy(), feed, stamps), "drop the list")?;
        encoder.status(&status, &mut send)
    }
}

impl Tally {
    fn add(
        &mut self,
        feed: &Feed,
        batch: &Batch,
        Frames { valid, rejected, log }: &Frames,
    ) -> Result<()> {
        let failed = |source| Error::Frame { doing: "count the rows of a batch", source };
        let (list, _) = feed.list();
        let lists = valid.column(list.column).and_then(|lists| lists.list()).map_err(failed)?;
        let lengths = lists.lst_lengths();
        self.records += batch.records.len() as u64;
        self.loaded += valid.height() as u64;
        self.rejected += rejected.height() as u64;
        self.list_entries += lengths.iter().flatten().map(u64::from).sum::<u64>();
        self.log_rows += log.height() as u64;
        let reasons = rejected.column(REASON).and_then(|reasons| reasons.str()).map_err(failed)?;
        reasons.iter().flatten().for_each(|reason| self.add_reason(reason));
        Ok(())
    }

    pub(crate) fn add_reason(&mut self, reason: &str) {
        match self.rejected_by_reason.get_mut(reason) {
            Some(count) => *count += 1,
            None => drop(self.rejected_by_reason.insert(reason.to_owned(), 1)),
        }
    }
}

fn collect(frame: LazyFrame, doing: &'static str) -> Result<DataFrame> {
    frame.collect().map_err(|source| Error::Frame { doing, source })
}
