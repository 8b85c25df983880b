//! Reads the ranges of an object ahead of its reader, several at once, and hands them on in order.

mod chunks;
mod demand;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;
use tokio::sync::{mpsc, oneshot};

use self::chunks::Chunk;
pub(super) use self::chunks::Chunks;
pub(crate) use self::chunks::Reading;
use self::demand::Demand;
use super::range::{read_range, reason};
use super::ranges::Ranges;
use crate::error::Error;
use crate::store::Object;
use crate::store::budget::{Account, Hold};
use crate::store::distance::{Epoch, Window};

/// How an object is read ahead.
pub(super) struct Ahead {
    pub(super) object: Object,
    pub(super) ranges: Ranges,
    pub(super) window: Window,
    /// Ranges that are read at the same time at most.
    pub(super) at_once: usize,
    /// None where the budget does not count.
    pub(super) account: Option<Account>,
    /// Told when all that is wanted for sure is there.
    pub(super) arrived: Option<oneshot::Sender<()>>,
    /// Whether to make sure after the last range that the version is still there.
    pub(super) verifies_version: bool,
}

/// A range that is being read: whether it is a whole one, how long it took, and what came.
type RangeRead = BoxFuture<'static, (bool, Duration, Result<Chunk, Error>)>;

impl Ahead {
    /// Begins to read, and hands on first what is there already. Must be called within a tokio runtime.
    pub(super) fn start(self, beginning: Option<Bytes>) -> Chunks {
        let (sender, receiver) = mpsc::unbounded_channel();
        let demand = Arc::new(Demand::default());
        let sent = usize::from(beginning.is_some());
        if let Some(bytes) = beginning {
            // The receiver is here.
            sender.send(Ok(Chunk { bytes, _hold: None })).ok();
        }
        let task = tokio::spawn(self.run(sender, sent, Arc::clone(&demand))).abort_handle();
        Chunks { receiver, demand, in_use: None, task }
    }

    /// Sends the ranges in order; ends when all are sent, when one cannot be read, or when nobody
    /// listens any more.
    async fn run(mut self, sender: Sender, mut sent: usize, demand: Arc<Demand>) {
        let mut reading = FuturesOrdered::<RangeRead>::new();
        let mut epoch = Measured::begin(&demand);
        loop {
            if reading.is_empty() && self.ranges.is_beyond() {
                self.tell_arrival();
            }
            self.begin_reading(&mut reading, sent, &demand);
            if reading.is_empty() && self.ranges.is_done() {
                break;
            }
            tokio::select! {
                biased;
                () = sender.closed() => return,
                Some((is_whole, took, chunk)) = reading.next(), if !reading.is_empty() => {
                    epoch.bytes += chunk.as_ref().map_or(0, |chunk| chunk.bytes.len());
                    if is_whole && self.window.came(took) {
                        epoch = self.turn(&epoch, &demand);
                    }
                    let failed = chunk.is_err();
                    sent += 1;
                    if sender.send(chunk).is_err() || failed {
                        return;
                    }
                }
                () = demand.changed.notified() => {}
            }
        }
        self.verify_version(&sender).await;
    }

    /// Begins to read as many ranges as the window and the budget let it.
    fn begin_reading(
        &mut self,
        reading: &mut FuturesOrdered<RangeRead>,
        sent: usize,
        demand: &Demand,
    ) {
        let (waiting, asks) = {
            let state = demand.state();
            (sent - state.taken, state.asks)
        };
        while let Some(range) = self.ranges.peek() {
            let ahead = waiting + reading.len();
            let may_begin = reading.len() < self.at_once && ahead < self.window.size();
            // What may never be wanted is read when it is asked for.
            let is_wanted = !self.ranges.is_beyond() || ahead == 0 && asks;
            if !may_begin || !is_wanted {
                return;
            }
            let hold = match &self.account {
                None => None,
                Some(account) => match account.try_hold(range.end - range.start) {
                    None => return,
                    hold => hold,
                },
            };
            self.ranges.advance();
            let is_whole = range.end - range.start == self.ranges.read_bytes();
            reading.push_back(Box::pin(read(self.object.clone(), range, is_whole, hold)));
        }
    }

    fn tell_arrival(&mut self) {
        if let Some(arrived) = self.arrived.take() {
            // There may be nobody who wants to know.
            arrived.send(()).ok();
        }
    }

    /// Ends an epoch of the window, and begins the next.
    fn turn(&mut self, epoch: &Measured, demand: &Demand) -> Measured {
        let range_bytes = self.ranges.read_bytes() as f64;
        let next = Measured::begin(demand);
        let (worked, bytes) = {
            let mut state = demand.state();
            (std::mem::take(&mut state.worked), std::mem::take(&mut state.worked_bytes))
        };
        if bytes > 0 {
            self.window.used(worked.mul_f64(range_bytes / bytes as f64));
        }
        self.window.turn(Epoch {
            seconds: (next.began - epoch.began).as_secs_f64(),
            waited: (next.waited - epoch.waited).as_secs_f64(),
            ranges: epoch.bytes as f64 / range_bytes,
        });
        next
    }

    /// The version is to be there still when its last byte was read.
    async fn verify_version(&self, sender: &Sender) {
        if !self.verifies_version {
            return;
        }
        let looked = tokio::select! {
            looked = read_range(&self.object, None) => looked,
            () = sender.closed() => return,
        };
        if let Err(error) = looked {
            // The receiver may be gone: then nobody asks whether the object has changed.
            sender.send(Err(error)).ok();
        }
    }
}

type Sender = mpsc::UnboundedSender<Result<Chunk, Error>>;

async fn read(
    object: Object,
    range: Range<u64>,
    is_whole: bool,
    hold: Option<Hold>,
) -> (bool, Duration, Result<Chunk, Error>) {
    let began = Instant::now();
    let chunk = match read_range(&object, Some(range)).await {
        Ok(bytes) => Ok(Chunk { bytes, _hold: hold }),
        Err(error) => Err(reason(&object, error).await),
    };
    (is_whole, began.elapsed(), chunk)
}

/// What is measured in an epoch.
#[derive(Debug)]
struct Measured {
    began: Instant,
    /// How long the reader had waited before.
    waited: Duration,
    bytes: usize,
}

impl Measured {
    fn begin(demand: &Demand) -> Self {
        Self { began: Instant::now(), waited: demand.state().waited, bytes: 0 }
    }
}
