//! Texts of rejects as records of one frame, taken through the frames and counted by their loads.

use std::sync::Arc;

use bytes::Bytes;
use polars_async::executor::ALLOW_RAYON_THREADS;
use tokio::sync::mpsc;

use super::Source;
use crate::bundle::Split;
use crate::decode::{BundleDecoder, Limits};
use crate::error::Result;
use crate::feed::Feed;
use crate::frame::Stamp;
use crate::records::{Batch, Record};
use crate::reject_run::RejectRun;
use crate::sink::{Encoder, Rows};
use crate::transform::{DomainChecks, Domains, Tally, check};

/// A text that is to be loaded, and where its record stood.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) record_no: u64,
    pub(super) byte_offset: u64,
    pub(super) bytes: Bytes,
}

/// The texts of one load's rejects.
#[derive(Debug, Clone)]
pub(super) struct Texts {
    pub(super) source: Arc<Source>,
    pub(super) texts: Vec<Text>,
}

impl Texts {
    /// Each text as a batch of its own, since the numbers of the records have gaps.
    fn batches(&self) -> Vec<Batch> {
        let batch = |text: &Text| Batch {
            text: text.bytes.clone(),
            records: vec![Record {
                start: 0,
                end: text.bytes.len(),
                byte_offset: text.byte_offset,
                byte_length: text.bytes.len() as u64,
                fault: None,
            }],
            first_record_no: text.record_no,
        };
        self.texts.iter().map(batch).collect()
    }
}

/// What is needed to make rows of texts.
pub(super) struct Rebuild {
    pub(super) feed: Arc<Feed>,
    pub(super) limits: Limits,
    pub(super) domains: Option<Domains>,
    /// None when nothing is to be written.
    pub(super) encoder: Option<Encoder>,
}

impl Rebuild {
    /// Sends the rows of texts, whose loads have these stamps; what became of the records of each load. Must
    /// not run on a thread of the async runtime.
    pub(super) fn run(
        self,
        loads: &[Texts],
        stamps: Vec<Stamp>,
        rows: &mpsc::Sender<Rows>,
    ) -> Result<Vec<Tally>> {
        ALLOW_RAYON_THREADS.set(false);
        let Self { feed, limits, domains, encoder } = self;
        let mut decoder = BundleDecoder::new(&feed, &limits);
        let mut tallies = Vec::with_capacity(loads.len());
        for (load, object_no) in loads.iter().zip(0..) {
            let version = (&*load.source.origin, &*load.source.version);
            let unknown_fields = decoder.add(object_no, version, &load.batches());
            let records = load.texts.len() as u64;
            tallies.push(Tally { records, unknown_fields, ..Tally::of(&feed.plan) });
        }
        let records = check(decoder.finish()?, &feed, &mut DomainChecks::new(domains))?;
        let split = Split { feed, records, stamps, encoder, reject_run: RejectRun::new(0) };
        split.run(tallies, rows)
    }
}
