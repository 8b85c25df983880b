//! Source, decode, frames and encode of one object, on a thread that may block.

use std::collections::BTreeMap;
use std::fmt;
use std::io::BufRead;
use std::ops::Range;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Once};
use std::task::{Context, Poll};

use polars::prelude::{DataFrame, IntoLazy, ListNameSpaceImpl, PolarsResult};
use polars_async::executor::ALLOW_RAYON_THREADS;
use tokio::sync::{mpsc, oneshot};

use crate::decode::{Decoder, Limits};
use crate::error::{Error, Result};
use crate::feed::{Decoded, Feed, Field, Kind, Plan, RowsOf, Source};
use crate::frame::{self, Stamp, Stamps};
use crate::progress::Progress;
use crate::records::{
    Batch, Batches, Compression, CutOptions, Decompressed, Format, PartReader, read_error,
};
use crate::reject_run::RejectRun;
use crate::sink::{Encoder, Rows};
use crate::store::{Object, ObjectReader, Reading};

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
    /// One for each table of the feed.
    pub(crate) tables: Vec<TableTally>,
    pub(crate) rejected_by_reason: BTreeMap<String, u64>,
    /// The first rejected record of each reason.
    pub(crate) examples: BTreeMap<String, Example>,
    pub(crate) unknown_fields: BTreeMap<String, u64>,
    pub(crate) format: Option<Format>,
    pub(crate) compression: Compression,
    /// The text that was cut: all of it, or the lines of a part.
    pub(crate) text: Range<u64>,
}

/// What the records of an object became in one table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TableTally {
    /// Rows of its frame.
    pub(crate) rows: u64,
    /// Of a child table: the entries of the valid records' lists, before they are exploded.
    pub(crate) entries: u64,
}

/// A record that was rejected.
#[derive(Debug, Clone)]
pub(crate) struct Example {
    /// Its number in the object.
    pub(crate) record_no: u64,
    /// What was found wrong.
    pub(crate) detail: String,
}

impl Example {
    /// That of a row of rejected records.
    fn of(feed: &Feed, rejects: &DataFrame, row: usize) -> PolarsResult<Self> {
        let column = |decoded| {
            let filled = feed.plan.rejects().filled_with(Source::Decoded(decoded));
            filled.map(|column| rejects.column(column.name.as_str())).transpose()
        };
        let record_no = match column(Decoded::RecordNo)? {
            Some(numbers) => numbers.get(row)?.extract().unwrap_or_default(),
            None => 0,
        };
        let detail = match column(Decoded::Detail)? {
            Some(details) => details.str()?.get(row).unwrap_or_default().to_owned(),
            None => String::new(),
        };
        Ok(Self { record_no, detail })
    }
}

impl fmt::Display for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {}: {}", self.record_no, self.detail)
    }
}

/// Takes an object from its bytes to encoded rows.
#[derive(Debug)]
pub(crate) struct Transform {
    pub(crate) object: Object,
    pub(crate) feed: Arc<Feed>,
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
        let (mut tally, start) = (Tally::of(&self.feed.plan), batches.offset());
        let mut reject_run = self.reject_run;
        let mut decoder = Decoder::new(&self.feed, &self.limits);
        for batch in batches.by_ref() {
            if self.progress.is_stopped() {
                return Err(Error::Cancelled { object: self.object.url() });
            }
            let batch = batch.map_err(|error| read_error(&self.object, error))?;
            let records = decoder.decode(&batch)?;
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
fn spawn_worker<T: Send + 'static>(
    feed: Arc<Feed>,
    work: impl FnOnce() -> T + Send + 'static,
) -> oneshot::Receiver<T> {
    let (sender, receiver) = oneshot::channel();
    let work = move || {
        // The threads that Polars starts when it is first used are everybody's, and would inherit it.
        warm_up(&feed);
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
pub fn warm_up(feed: &Arc<Feed>) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        ALLOW_RAYON_THREADS.set(false);
        let text = format!("{}\n{}\n", example(&feed.fields, "a"), example(&feed.fields, ""));
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
        let value = match &field.kind {
            Kind::Value(data_type) => data_type.example(text),
            Kind::List(fields) => format!("[{}]", example(fields, text)),
        };
        format!("\"{}\":{value}", field.key)
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// The frames of some records: one for each table of the feed.
pub(crate) struct Frames {
    /// Where no record is rejected, the last has only the columns of decode.
    pub(crate) tables: Vec<DataFrame>,
}

impl Frames {
    pub(crate) fn split(
        records: &DataFrame,
        feed: &Feed,
        stamps: &(impl Stamps + ?Sized),
    ) -> Result<Self> {
        let mut tables: Vec<DataFrame> = Vec::with_capacity(feed.plan.tables.len());
        for table in &feed.plan.tables {
            let loaded = tables.first().map(DataFrame::height);
            // Of most batches nothing is rejected.
            let is_empty = table.rows == RowsOf::Rejects && loaded == Some(records.height());
            tables.push(if is_empty {
                records.head(Some(0))
            } else {
                let rows = frame::rows(records.clone().lazy(), feed, table, stamps).collect();
                rows.map_err(|source| Error::Frame { doing: doing(table.rows), source })?
            });
        }
        Ok(Self { tables })
    }

    /// Encodes the rows; those of child tables go first, since they wait least.
    pub(crate) fn encode(
        mut self,
        encoder: &Encoder,
        mut send: impl FnMut(Rows) -> bool,
    ) -> Result<()> {
        let children = 1..self.tables.len();
        for table in children.chain([0]) {
            let frame = std::mem::take(&mut self.tables[table]);
            encoder.encode(table, &frame, &mut send)?;
        }
        Ok(())
    }
}

const fn doing(rows: RowsOf) -> &'static str {
    match rows {
        RowsOf::Records => "select the valid records",
        RowsOf::Entries { .. } => "explode a list",
        RowsOf::Rejects => "select the rejected records",
    }
}

impl Tally {
    /// No records of a feed with these tables.
    pub(crate) fn of(plan: &Plan) -> Self {
        Self { tables: vec![TableTally::default(); plan.tables.len()], ..Self::default() }
    }

    /// Records that are valid.
    pub(crate) fn loaded(&self) -> u64 {
        self.tables.first().map_or(0, |table| table.rows)
    }

    /// Records that are rejected.
    pub(crate) fn rejected(&self) -> u64 {
        self.tables.last().map_or(0, |table| table.rows)
    }

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
        self.records += batch.records.len() as u64;
        for (tally, frame) in self.tables.iter_mut().zip(&frames.tables) {
            tally.rows += frame.height() as u64;
        }
        for (table, list, _) in feed.plan.children() {
            let lengths = list_lengths(records, &feed.fields[list]).map_err(failed)?;
            self.tables[table].entries += lengths.sum::<u64>();
        }
        let rejects = &frames.tables[feed.plan.rejects_index()];
        for (row, reason) in reasons(feed, rejects).map_err(failed)?.iter().enumerate() {
            self.add_reason(feed, reason, rejects, row).map_err(failed)?;
        }
        Ok(())
    }

    /// The error of an object of which so many records in a row were rejected.
    pub(crate) fn reject_limit(&self, object: &str, rejects: u64) -> Error {
        let most = self.rejected_by_reason.iter().max_by_key(|(_, count)| **count);
        let reason = most.map_or_else(String::new, |(reason, _)| reason.clone());
        Error::RejectLimit { object: object.to_owned(), rejects, reason }
    }

    /// Counts the reason of a row of rejected records; the first of each reason is an example.
    pub(crate) fn add_reason(
        &mut self,
        feed: &Feed,
        reason: &str,
        rejects: &DataFrame,
        row: usize,
    ) -> PolarsResult<()> {
        match self.rejected_by_reason.get_mut(reason) {
            Some(count) => *count += 1,
            None => {
                self.rejected_by_reason.insert(reason.to_owned(), 1);
                self.examples.insert(reason.to_owned(), Example::of(feed, rejects, row)?);
            }
        }
        Ok(())
    }
}

/// The length of a list of each record as decode tells it: 0 for a record that it rejects.
pub(crate) fn list_lengths(
    records: &DataFrame,
    list: &Field,
) -> PolarsResult<impl Iterator<Item = u64> + use<>> {
    let lengths = records.column(&list.column)?.list()?.lst_lengths();
    let is_rejected = records.column(Decoded::Reason.column())?.is_not_null();
    let of_valid = (0..records.height()).map(move |row| match is_rejected.get(row) {
        Some(false) => u64::from(lengths.get(row).unwrap_or_default()),
        _ => 0,
    });
    Ok(of_valid)
}

/// The reason of each row of a frame of rejected records.
pub(crate) fn reasons(feed: &Feed, rejects: &DataFrame) -> PolarsResult<Vec<String>> {
    let column = feed.plan.rejects().filled_with(Source::Decoded(Decoded::Reason));
    let (Some(column), true) = (column, rejects.height() > 0) else {
        return Ok(Vec::new());
    };
    let reasons = rejects.column(column.name.as_str())?.str()?;
    Ok(reasons.iter().map(|reason| reason.unwrap_or_default().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::tests::visits;
    use crate::records::Batches;

    fn heights(frames: &Frames) -> Vec<usize> {
        frames.tables.iter().map(DataFrame::height).collect()
    }

    #[test]
    fn the_examples_have_no_nulls_and_one_is_valid() {
        let feed = visits();
        let text = ["a", ""].map(|text| example(&feed.fields, text)).join("\n");
        let batch = Batches::new(text.as_bytes(), CutOptions::default()).next().unwrap().unwrap();
        let mut decoder = Decoder::new(&feed, &Limits::of_fresh_tables(&feed));
        let records = decoder.decode(&batch).unwrap();
        for field in &feed.fields {
            assert_eq!(records.column(&field.column).unwrap().null_count(), 0, "{}", field.key);
        }
        let frames = Frames::split(&records, &feed, &Stamp::default()).unwrap();
        assert_eq!(heights(&frames), [1, 1, 1, 1]);
    }

    #[tokio::test]
    async fn work_that_panics_is_received_as_nothing() {
        let panics = spawn_worker(visits(), || panic!("as this test wants"));
        assert!(panics.await.map(|(): ()| ()).is_err());
    }

    #[test]
    fn a_record_that_decode_would_lose_is_still_counted_as_read() {
        let feed = visits();
        let text = b"{}\n{\n[1]\n".as_slice();
        let batch = Batches::new(text, CutOptions::default()).next().unwrap().unwrap();
        let mut decoder = Decoder::new(&feed, &Limits::of_fresh_tables(&feed));
        let fewer = decoder.decode(&batch).unwrap().head(Some(2));
        let frames = Frames::split(&fewer, &feed, &Stamp::default()).unwrap();
        let mut tally = Tally::of(&feed.plan);
        tally.add(&feed, &batch, &fewer, &frames).unwrap();
        assert_eq!((tally.records, tally.loaded() + tally.rejected()), (3, 2));
    }
}
