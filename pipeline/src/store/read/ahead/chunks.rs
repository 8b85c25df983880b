//! The ranges of an object, for its reader.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::demand::Demand;
use crate::error::Error;
use crate::store::budget::Hold;

/// Bytes of an object that wait for its reader.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) bytes: Bytes,
    /// None of what the budget does not count.
    pub(super) _hold: Option<Hold>,
}

/// The ranges of an object as they come, in order; dropping it ends the reading.
#[derive(Debug)]
pub(in crate::store::read) struct Chunks {
    pub(super) receiver: mpsc::UnboundedReceiver<Result<Chunk, Error>>,
    pub(super) demand: Arc<Demand>,
    /// When the chunk in use was handed on, and its length.
    pub(super) in_use: Option<(Instant, usize)>,
    pub(super) task: AbortHandle,
}

/// Ends the reading of an object when it is dropped, also while its reader waits on a thread of its own:
/// the reader fails then.
#[derive(Debug)]
pub(crate) struct Reading(AbortHandle);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Chunks {
    pub(in crate::store::read) fn reading(&self) -> Reading {
        Reading(self.task.clone())
    }

    /// The next range; waits for it on a thread that may block.
    pub(in crate::store::read) fn blocking_next(&mut self) -> Option<Result<Bytes, Error>> {
        let asked = self.ask();
        let chunk = self.receiver.blocking_recv();
        self.take(asked, chunk)
    }

    #[cfg(test)]
    pub(in crate::store::read) async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        let asked = self.ask();
        let chunk = self.receiver.recv().await;
        self.take(asked, chunk)
    }

    fn ask(&mut self) -> Instant {
        let now = Instant::now();
        if let Some((since, bytes)) = self.in_use.take() {
            self.demand.used(now - since, bytes);
        }
        self.demand.asks();
        now
    }

    fn take(
        &mut self,
        asked: Instant,
        chunk: Option<Result<Chunk, Error>>,
    ) -> Option<Result<Bytes, Error>> {
        let now = Instant::now();
        // What the budget counts waits to be used, and this does not any more.
        let bytes = chunk?.map(|chunk| chunk.bytes);
        self.demand.took(now - asked);
        self.in_use = bytes.as_ref().ok().map(|bytes| (now, bytes.len()));
        Some(bytes)
    }
}
