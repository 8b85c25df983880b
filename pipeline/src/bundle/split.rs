//! Takes the records of a bundle through the frames, and counts them by their objects.

use polars::prelude::{DataFrame, PolarsResult};
use polars_async::executor::ALLOW_RAYON_THREADS;
use tokio::sync::mpsc;

use crate::decode::{OBJECT_NO, REASON};
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::frame::Stamp;
use crate::sink::{Encoder, Rows};
use crate::transform::{Frames, Tally, list_lengths};

/// The records of a bundle, and what is needed to make rows of them.
#[derive(Debug)]
pub(super) struct Split {
    pub(super) feed: &'static Feed,
    pub(super) records: DataFrame,
    /// One for each object.
    pub(super) stamps: Vec<Stamp>,
    pub(super) encoder: Encoder,
}

impl Split {
    /// Sends the rows, and adds to each object's tally what became of its records. Must not run on a
    /// thread of the async runtime.
    pub(super) fn run(
        self,
        mut tallies: Vec<Tally>,
        rows: &mpsc::Sender<Rows>,
    ) -> Result<Vec<Tally>> {
        ALLOW_RAYON_THREADS.set(false);
        let Self { feed, records, stamps, encoder } = self;
        let frames = Frames::split(&records, feed, &stamps[..])?;
        count(feed, &records, &frames, &mut tallies)
            .map_err(|source| Error::Frame { doing: "count the rows of a bundle", source })?;
        drop(records);
        frames.encode(&encoder, |sent| rows.blocking_send(sent).is_ok())?;
        Ok(tallies)
    }
}

fn count(
    feed: &Feed,
    records: &DataFrame,
    frames: &Frames,
    tallies: &mut [Tally],
) -> PolarsResult<()> {
    let Frames { status, log, rejected } = frames;
    for (object_no, length) in object_nos(records)?.into_iter().zip(list_lengths(records, feed)?) {
        tallies[object_no].list_entries += length;
    }
    for object_no in object_nos(status)? {
        tallies[object_no].loaded += 1;
    }
    for (object_no, reason) in
        object_nos(rejected)?.into_iter().zip(rejected.column(REASON)?.str()?.iter())
    {
        tallies[object_no].rejected += 1;
        reason.into_iter().for_each(|reason| tallies[object_no].add_reason(reason));
    }
    for object_no in object_nos(log)? {
        tallies[object_no].log_rows += 1;
    }
    Ok(())
}

/// Of each row, which object it is of.
fn object_nos(frame: &DataFrame) -> PolarsResult<Vec<usize>> {
    let numbers = frame.column(OBJECT_NO)?.u32()?;
    Ok(numbers.iter().flatten().map(|number| number as usize).collect())
}
