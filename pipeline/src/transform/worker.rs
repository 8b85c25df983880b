//! A thread that works on one object, and lets others go first.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::mpsc::{self, SendError};
use std::sync::{Arc, Mutex, PoisonError};
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

/// What a thread does.
type Task = Box<dyn FnOnce() + Send>;

/// Threads that wait for something to do. They never end: Polars keeps eight kilobytes for each thread that has used it,
/// also when the thread has ended. So there are as many as there were transforms at the same time.
static IDLE: Mutex<Vec<mpsc::Sender<Task>>> = Mutex::new(Vec::new());

/// Works on a thread of its own, which lets others go first: the database may be on this machine, and
/// whoever sends to it must not wait for a processor. Nothing is received if the work panics.
pub(super) fn spawn_worker<T: Send + 'static>(
    feed: Arc<Feed>,
    work: impl FnOnce() -> T + Send + 'static,
) -> oneshot::Receiver<T> {
    let (sender, receiver) = oneshot::channel();
    let task: Task = Box::new(move || {
        sender.send(work()).ok();
    });
    let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let refused = match idle {
        Some(thread) => thread.send(task).err().map(|SendError(task)| task),
        None => Some(task),
    };
    if let Some(task) = refused {
        start_thread(feed, task);
    }
    receiver
}

fn start_thread(feed: Arc<Feed>, first: Task) {
    let (thread, tasks) = mpsc::channel();
    let work = move || {
        // The threads that Polars starts when it is first used are everybody's, and would inherit it.
        warm_up(&feed);
        drop(feed);
        // Elsewhere than on Linux that would be of the whole process.
        #[cfg(target_os = "linux")]
        rustix::process::nice(NICE).ok();
        let mut next = Ok(first);
        while let Ok(task) = next {
            // The panic is in the log already, and nothing is received.
            catch_unwind(AssertUnwindSafe(task)).ok();
            IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(thread.clone());
            next = tasks.recv();
        }
    };
    // If there can be no thread, the sender is dropped, and so nothing is received.
    std::thread::Builder::new().name("transform".to_owned()).spawn(work).ok();
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::feed::tests::visits;

    #[tokio::test]
    async fn work_that_panics_is_received_as_nothing() {
        let panics = spawn_worker(visits(), || panic!("as this test wants"));
        assert!(panics.await.map(|(): ()| ()).is_err());
    }

    #[tokio::test]
    async fn threads_are_used_again() {
        let mut threads = HashSet::new();
        for at in 0..100 {
            let work = move || {
                assert_ne!(at % 10, 9, "as this test wants");
                std::thread::current().id()
            };
            threads.extend(spawn_worker(visits(), work).await);
        }
        // A thread that has just sent its result may not be idle yet, and other tests use threads too.
        assert!(threads.len() < 30, "{}", threads.len());
    }
}
