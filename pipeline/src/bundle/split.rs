//! Takes the records of a bundle through the frames, and counts them by their objects.

use std::sync::Arc;

use polars::prelude::{DataFrame, PolarsResult};
use polars_async::executor::ALLOW_RAYON_THREADS;
use tokio::sync::mpsc;

use crate::decode::OBJECT_NO;
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::frame::Stamp;
use crate::reject_run::RejectRun;
use crate::sink::{Encoder, Rows};
use crate::transform::{Frames, Tally, check_rejects, entry_counts, reasons};

/// The records of a bundle, and what is needed to make rows of them.
#[derive(Debug)]
pub(crate) struct Split {
    pub(crate) feed: Arc<Feed>,
    pub(crate) records: DataFrame,
    /// One for each object.
    pub(crate) stamps: Vec<Stamp>,
    /// None when nothing is to be written.
    pub(crate) encoder: Option<Encoder>,
    /// Of an object of which nothing was seen so far.
    pub(crate) reject_run: RejectRun,
}

impl Split {
    /// Sends the rows, and adds to each object's tally what became of its records. Must not run on a
    /// thread of the async runtime.
    pub(crate) fn run(
        self,
        mut tallies: Vec<Tally>,
        rows: &mpsc::Sender<Rows>,
    ) -> Result<Vec<Tally>> {
        ALLOW_RAYON_THREADS.set(false);
        let Self { feed, records, stamps, encoder, reject_run } = self;
        let frames = Frames::split(&records, &feed, &stamps[..])?;
        count(&feed, &records, &frames, &mut tallies)
            .map_err(|source| Error::Frame { doing: "count the rows of a bundle", source })?;
        if reject_run.could_exceed(records.height()) {
            check_each(reject_run, &records, &stamps, &tallies)?;
        }
        drop(records);
        if let Some(encoder) = &encoder {
            frames.encode(encoder, |sent| rows.blocking_send(sent).is_ok())?;
        }
        Ok(tallies)
    }
}

fn count(
    feed: &Feed,
    records: &DataFrame,
    frames: &Frames,
    tallies: &mut [Tally],
) -> PolarsResult<()> {
    for (at, _, _) in feed.plan.children() {
        let counts = entry_counts(records, feed, at)?;
        for (object_no, count) in object_nos(records)?.into_iter().zip(counts) {
            tallies[object_no].tables[at].entries += count;
        }
    }
    for (at, table) in frames.tables.iter().enumerate() {
        for object_no in object_nos(table)? {
            tallies[object_no].tables[at].rows += 1;
        }
    }
    let rejects = &frames.tables[feed.plan.rejects_index()];
    let rows = object_nos(rejects)?.into_iter().zip(reasons(feed, rejects)?).enumerate();
    for (row, (object_no, reason)) in rows {
        tallies[object_no].add_reason(feed, &reason, rejects, row)?;
    }
    Ok(())
}

/// Fails when too many records of an object were rejected in a row; the object is named.
fn check_each(
    reject_run: RejectRun,
    records: &DataFrame,
    stamps: &[Stamp],
    tallies: &[Tally],
) -> Result<()> {
    let failed = |source| Error::Frame { doing: "count the rejects in a row", source };
    let object_nos = object_nos(records).map_err(failed)?;
    let mut begin = 0;
    for of_object in object_nos.chunk_by(|one, next| one == next) {
        let (object_no, length) = (of_object[0], of_object.len());
        let of_object = records.slice(begin as i64, length);
        begin += length;
        let (tally, object) = (&tallies[object_no], &stamps[object_no].object);
        let mut reject_run = reject_run;
        check_rejects(&mut reject_run, &of_object, tally, object)?;
    }
    Ok(())
}

/// Of each row, which object it is of.
fn object_nos(frame: &DataFrame) -> PolarsResult<Vec<usize>> {
    let numbers = frame.column(OBJECT_NO)?.u32()?;
    Ok(numbers.iter().flatten().map(|number| number as usize).collect())
}
