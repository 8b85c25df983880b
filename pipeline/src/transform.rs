//! Source, decode, frames and encode of one object, on a thread that may block.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::ops::Range;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Once};
use std::task::{Context, Poll};

use polars::prelude::{DataFrame, IntoLazy, LazyFrame, ListNameSpaceImpl, PolarsResult};
use polars_async::executor::ALLOW_RAYON_THREADS;
use tokio::sync::{mpsc, oneshot};

use crate::decode::{Decoder, Limits, REASON};
use crate::error::{Error, Result};
use crate::feed::{Feed, Field, Kind};
use crate::frame::{self, Stamp, Stamps};
use crate::progress::Progress;
use crate::reject_run::RejectRun;
use crate::sink::{Encoder, Rows};
use crate::source::{
    Batch, Batches, Compression, CutOptions, Decompressed, Format, Object, ObjectReader,
    PartReader, Reading, read_error,
};

/// Pieces of encoded rows that wait for the database at most.
pub(crate) const WAITING_PIECES: usize = 4;

/// What a transform will have counted. Nothing more is read when it is dropped: the store may not answer
/// for long.
#[derive(Debug)]
pub(crate) struct Work {
    tally: oneshot::Receiver<Result<Tally>>,
    _reading: Reading,
}

impl Future for Work {
    type Output = <oneshot::Receiver<Result<Tally>> as Future>::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.tally).poll(context)
    }
}

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
    pub(crate) reject_run: RejectRun,
    pub(crate) progress: Arc<Progress>,
}

impl Transform {
    /// Works until the object ends or nobody takes the rows any more, which come meanwhile.
    pub(crate) fn start(self, reader: ObjectReader) -> (mpsc::Receiver<Rows>, Work) {
        self.beside(reader.reading(), |transform, rows| transform.run(reader, rows))
    }

    /// The same for the lines of a part.
    pub(crate) fn start_part(self, reader: PartReader) -> (mpsc::Receiver<Rows>, Work) {
        self.beside(reader.reading(), |transform, rows| transform.run_part(reader, rows))
    }

    fn beside(
        self,
        reading: Reading,
        run: impl FnOnce(Self, &mpsc::Sender<Rows>) -> Result<Tally> + Send + 'static,
    ) -> (mpsc::Receiver<Rows>, Work) {
        let (sender, receiver) = mpsc::channel(WAITING_PIECES);
        let tally = beside(self.feed, move || run(self, &sender));
        (receiver, Work { tally, _reading: reading })
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
        let (mut tally, start) = (Tally::default(), batches.offset());
        let mut reject_run = self.reject_run;
        let mut decoder = Decoder::new(self.feed, &self.limits);
        for batch in batches.by_ref() {
            if self.progress.is_stopped() {
                return Err(Error::Cancelled { object: self.object.url() });
            }
            let batch = batch.map_err(|error| read_error(&self.object, error))?;
            let records = decoder.decode(&batch)?;
            let frames = Frames::split(&records, self.feed, &self.stamp)?;
            tally.add(self.feed, &batch, &records, &frames)?;
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
        let progress = &self.progress;
        for (so_far, of_batch) in [
            (&progress.records, records),
            (&progress.loaded, frames.status.height()),
            (&progress.rejected, frames.rejected.height()),
            (&progress.log_rows, frames.log.height()),
        ] {
            so_far.fetch_add(of_batch as u64, Ordering::Relaxed);
        }
        match &self.encoder {
            Some(encoder) => frames.encode(encoder, &mut send),
            None => Ok(()),
        }
    }
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

/// How much a transform lets others go first.
#[cfg(target_os = "linux")]
const NICE: i32 = 5;

/// Works on a thread of its own, which lets others go first: the database may be on this machine, and
/// whoever sends to it must not wait for a processor. Nothing is received if the work panics.
fn beside<T: Send + 'static>(
    feed: &'static Feed,
    work: impl FnOnce() -> T + Send + 'static,
) -> oneshot::Receiver<T> {
    let (sender, receiver) = oneshot::channel();
    let work = move || {
        // The threads that Polars starts when it is first used are everybody's, and would inherit it.
        warm_up(feed);
        // Elsewhere than on Linux that would be of the whole process.
        #[cfg(target_os = "linux")]
        rustix::process::nice(NICE).ok();
        sender.send(work()).ok();
    };
    // If there can be no thread, the sender is dropped, and so nothing is received.
    std::thread::Builder::new().name("transform".to_owned()).spawn(work).ok();
    receiver
}

/// Takes two records through the frames, once: what Polars sets up the first time it is used takes some
/// milliseconds, which a process can spend while it connects.
pub fn warm_up(feed: &'static Feed) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        ALLOW_RAYON_THREADS.set(false);
        let text = format!("{}\n{}\n", example(feed.fields, "a"), example(feed.fields, ""));
        for batch in Batches::new(text.as_bytes(), CutOptions::default()).flatten() {
            let records = Decoder::new(feed, &Limits::of_fresh_tables(feed)).decode(&batch);
            let split = |records| Frames::split(&records, feed, &Stamp::default());
            if let Err(error) = records.and_then(split) {
                tracing::debug!(%error, "the frames could not be warmed up");
            }
        }
    });
}

/// A record without nulls: where a column holds nothing else, Polars makes 8 MiB of zeros that it keeps.
fn example(fields: &[Field], text: &str) -> String {
    let members = fields.iter().map(|field| {
        let value = match field.kind {
            Kind::Text => format!("\"{text}\""),
            Kind::Integer => "1".to_owned(),
            Kind::Boolean => "true".to_owned(),
            Kind::List(fields) => format!("[{}]", example(fields, text)),
        };
        format!("\"{}\":{value}", field.name)
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// The frames of some records.
pub(crate) struct Frames {
    pub(crate) status: DataFrame,
    pub(crate) log: DataFrame,
    /// Where there is none, only the columns of decode.
    pub(crate) rejected: DataFrame,
}

impl Frames {
    pub(crate) fn split(
        records: &DataFrame,
        feed: &Feed,
        stamps: &(impl Stamps + ?Sized),
    ) -> Result<Self> {
        let lazy = || records.clone().lazy();
        let status = collect(frame::status(lazy(), feed, stamps), "select the valid records")?;
        let log = collect(frame::status_log(lazy(), feed, stamps), "explode the list")?;
        // Of most batches nothing is left.
        let rejected = if status.height() == records.height() {
            records.head(Some(0))
        } else {
            collect(frame::rejected(lazy(), feed, stamps), "select the rejected records")?
        };
        Ok(Self { status, log, rejected })
    }

    /// Encodes the rows; the log's go first, since they do not wait.
    pub(crate) fn encode(
        self,
        encoder: &Encoder,
        mut send: impl FnMut(Rows) -> bool,
    ) -> Result<()> {
        encoder.log(&self.log, &mut send)?;
        drop(self.log);
        encoder.rejected(&self.rejected, &mut send)?;
        encoder.status(&self.status, &mut send)
    }
}

impl Tally {
    /// Adds the records of a batch as they were cut, not as they were decoded: that none is lost between
    /// is part of what is proven.
    fn add(
        &mut self,
        feed: &Feed,
        batch: &Batch,
        records: &DataFrame,
        frames: &Frames,
    ) -> Result<()> {
        let failed = |source| Error::Frame { doing: "count the rows of a batch", source };
        let Frames { status, log, rejected } = frames;
        self.records += batch.records.len() as u64;
        self.loaded += status.height() as u64;
        self.rejected += rejected.height() as u64;
        self.list_entries += list_lengths(records, feed).map_err(failed)?.iter().sum::<u64>();
        self.log_rows += log.height() as u64;
        let reasons = rejected.column(REASON).and_then(|reasons| reasons.str()).map_err(failed)?;
        reasons.iter().flatten().for_each(|reason| self.add_reason(reason));
        Ok(())
    }

    /// The error of an object of which so many records in a row were rejected.
    pub(crate) fn reject_limit(&self, object: &str, rejects: u64) -> Error {
        let most = self.rejected_by_reason.iter().max_by_key(|(_, count)| **count);
        let reason = most.map_or_else(String::new, |(reason, _)| reason.clone());
        Error::RejectLimit { object: object.to_owned(), rejects, reason }
    }

    pub(crate) fn add_reason(&mut self, reason: &str) {
        match self.rejected_by_reason.get_mut(reason) {
            Some(count) => *count += 1,
            None => drop(self.rejected_by_reason.insert(reason.to_owned(), 1)),
        }
    }
}

/// The length of each record's list as decode tells it: 0 for a record that it rejects.
pub(crate) fn list_lengths(records: &DataFrame, feed: &Feed) -> PolarsResult<Vec<u64>> {
    let (list, _) = feed.list();
    let lengths = records.column(list.column)?.list()?.lst_lengths();
    let rejected = records.column(REASON)?.is_not_null();
    let of_record = lengths.iter().zip(rejected.iter());
    let of_valid = of_record.map(|(length, is_rejected)| match is_rejected {
        Some(false) => u64::from(length.unwrap_or_default()),
        _ => 0,
    });
    Ok(of_valid.collect())
}

fn collect(frame: LazyFrame, doing: &'static str) -> Result<DataFrame> {
    frame.collect().map_err(|source| Error::Frame { doing, source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::USER_STATUS;
    use crate::source::Batches;

    #[test]
    fn the_examples_have_no_nulls_and_one_is_valid() {
        let text = ["a", ""].map(|text| example(USER_STATUS.fields, text)).join("\n");
        let batch = Batches::new(text.as_bytes(), CutOptions::default()).next().unwrap().unwrap();
        let mut decoder = Decoder::new(&USER_STATUS, &Limits::of_fresh_tables(&USER_STATUS));
        let records = decoder.decode(&batch).unwrap();
        for field in USER_STATUS.fields {
            assert_eq!(records.column(field.column).unwrap().null_count(), 0, "{}", field.name);
        }
        let frames = Frames::split(&records, &USER_STATUS, &Stamp::default()).unwrap();
        let Frames { status, log, rejected } = frames;
        assert_eq!((status.height(), log.height(), rejected.height()), (1, 1, 1));
    }

    #[tokio::test]
    async fn work_that_panics_is_received_as_nothing() {
        let panics = beside(&USER_STATUS, || panic!("as this test wants"));
        assert!(panics.await.map(|(): ()| ()).is_err());
    }

    #[test]
    fn a_record_that_decode_would_lose_is_still_counted_as_read() {
        let text = b"{}\n{\n[1]\n".as_slice();
        let batch = Batches::new(text, CutOptions::default()).next().unwrap().unwrap();
        let mut decoder = Decoder::new(&USER_STATUS, &Limits::of_fresh_tables(&USER_STATUS));
        let fewer = decoder.decode(&batch).unwrap().head(Some(2));
        let frames = Frames::split(&fewer, &USER_STATUS, &Stamp::default()).unwrap();
        let mut tally = Tally::default();
        tally.add(&USER_STATUS, &batch, &fewer, &frames).unwrap();
        assert_eq!((tally.records, tally.loaded + tally.rejected), (3, 2));
    }
}
