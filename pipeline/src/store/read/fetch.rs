//! Fetches many small objects of remote stores ahead of who uses them, each with one request, and hands
//! them on in their order.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use object_store::GetOptions;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::begin::{body, not_there};
use super::range::{ask, read_range, reason};
use crate::error::Error;
use crate::store::budget::{Account, BUDGET, Hold};
use crate::store::listed::Listed;
use crate::store::object::Object;

/// Objects that are fetched at the same time. A store that is 50 ms away then gives some two thousand a
/// second.
const AT_ONCE: usize = 96;
/// Objects that wait for their user at most, whatever their sizes.
const WAITING: usize = 1024;
/// What a fetched object takes beside its bytes, as the budget counts it.
const OBJECT_BYTES: u64 = 2 << 10;

/// What became of an object that was to be fetched.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// All of it is here.
    Whole(Whole),
    /// It is larger than it was listed, and than it may be.
    TooLarge,
    /// It cannot be read; pinned, if the store has said what there is.
    Failed(Option<Object>, Error),
}

/// All of an object. Its bytes count as read ahead until this is dropped.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) object: Object,
    pub(crate) bytes: Bytes,
    _hold: Hold,
}

/// Objects as they are fetched; dropping it ends the fetching.
#[derive(Debug)]
pub(crate) struct Fetches {
    receiver: mpsc::Receiver<Fetched>,
    task: AbortHandle,
}

impl Fetches {
    /// Begins to fetch objects, none of more than `most` bytes. It always goes on until `floor` bytes of
    /// them wait, however much others read ahead: whoever needs as many before it drops any gets them.
    ///
    /// Must be called within a tokio runtime.
    pub(crate) fn begin(objects: VecDeque<Listed>, most: u64, floor: u64) -> Self {
        let account = BUDGET.account(floor);
        let (sender, receiver) = mpsc::channel(WAITING);
        let task = tokio::spawn(fetch_all(objects, most, account, sender)).abort_handle();
        Self { receiver, task }
    }

    /// The next object, in their order; none behind the last.
    pub(crate) async fn next(&mut self) -> Option<Fetched> {
        self.receiver.recv().await
    }
}

impl Drop for Fetches {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn fetch_all(
    mut objects: VecDeque<Listed>,
    most: u64,
    account: Account,
    sender: mpsc::Sender<Fetched>,
) {
    let mut fetching = FuturesUnordered::<BoxFuture<'_, (usize, Fetched)>>::new();
    // What came before its turn, by its number.
    let mut early = BTreeMap::new();
    let (mut begun, mut sent) = (0, 0);
    loop {
        while fetching.len() < AT_ONCE
            && early.len() < WAITING
            && let Some(next) = objects.front()
            && let Some(hold) = account.try_hold(next.size().min(most) + OBJECT_BYTES)
            && let Some(object) = objects.pop_front()
        {
            let number = begun;
            fetching.push(Box::pin(async move { (number, fetch(object, most, hold).await) }));
            begun += 1;
        }
        let (number, fetched) = tokio::select! {
            Some(fetched) = fetching.next(), if !fetching.is_empty() => fetched,
            // All that is held waits for its user.
            hold = wait_for_room(&account, &objects, most), if fetching.is_empty() && !objects.is_empty() => {
                drop(hold);
                continue;
            }
            else => return,
        };
        early.insert(number, fetched);
        while let Some(fetched) = early.remove(&sent) {
            sent += 1;
            if sender.send(fetched).await.is_err() {
                return;
            }
        }
    }
}

async fn wait_for_room(account: &Account, objects: &VecDeque<Listed>, most: u64) -> Option<Hold> {
    let next = objects.front()?;
    Some(account.wait_for_room(next.size().min(most) + OBJECT_BYTES).await)
}

async fn fetch(listed: Listed, most: u64, hold: Hold) -> Fetched {
    let whole = |object, bytes| Fetched::Whole(Whole { object, bytes, _hold: hold });
    let Some(object) = listed.object() else {
        return match fetch_unpinned(&listed, most).await {
            Ok(Some((object, Ok(bytes)))) => whole(object, bytes),
            Ok(Some((object, Err(error)))) => Fetched::Failed(Some(object), error),
            Ok(None) => Fetched::TooLarge,
            Err(error) => Fetched::Failed(None, error),
        };
    };
    if object.size == 0 {
        return whole(object.clone(), Bytes::new());
    }
    if let Some(bytes) = object.beginning().filter(|bytes| bytes.len() as u64 == object.size) {
        return whole(object.clone(), bytes);
    }
    match read_range(object, Some(0..object.size)).await {
        Ok(bytes) => whole(object.clone(), bytes),
        Err(error) => Fetched::Failed(Some(object.clone()), reason(object, error).await),
    }
}

/// Pins an object by reading all of it; nothing if that is too much.
async fn fetch_unpinned(
    listed: &Listed,
    most: u64,
) -> Result<Option<(Object, Result<Bytes, Error>)>, Error> {
    let (bucket, key) = (listed.bucket(), listed.key());
    let answer = ask(bucket, listed.path(), GetOptions::default()).await;
    let answer = answer.map_err(|source| not_there(bucket, key, source))?;
    if answer.meta.size > most {
        return Ok(None);
    }
    let object = Object::pinned(bucket, key.to_owned(), answer.meta.clone());
    let bytes = body(&object, object.size, answer).await;
    Ok(Some((object, bytes)))
}
