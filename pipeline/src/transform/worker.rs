//! A thread that works on one object, and lets others go first.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use super::{Tally, warm_up};
use crate::error::Result;
use crate::feed::Feed;
use crate::store::Reading;

/// What a transform will have counted. Nothing more is read when it is dropped: the store may not answer
/// for long.
#[derive(Debug)]
pub(crate) struct Work {
    tally: oneshot::Receiver<Result<Tally>>,
    _reading: Reading,
}

impl Work {
    /// Keeps reading until it is dropped.
    pub(super) const fn new(tally: oneshot::Receiver<Result<Tally>>, reading: Reading) -> Self {
        Self { tally, _reading: reading }
    }
}

impl Future for Work {
    type Output = <oneshot::Receiver<Result<Tally>> as Future>::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.tally).poll(context)
    }
}

/// How much a transform lets others go first.
#[cfg(target_os = "linux")]
const NICE: i32 = 5;

/// Works on a thread of its own, which lets others go first: the database may be on this machine, and
/// whoever sends to it must not wait for a processor. Nothing is received if the work panics.
pub(super) fn spawn_worker<T: Send + 'static>(
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::tests::visits;

    #[tokio::test]
    async fn work_that_panics_is_received_as_nothing() {
        let panics = spawn_worker(visits(), || panic!("as this test wants"));
        assert!(panics.await.map(|(): ()| ()).is_err());
    }
}
