//! What reading ahead promises, with a store whose answers come when a test lets them.

use std::collections::VecDeque;
use std::fmt;

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetRange, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult,
};
use tokio::sync::mpsc;

use super::*;
use crate::store::{Bucket, Listed};

const KB: u64 = 1 << 10;

/// A request that waits for its answer.
#[derive(Debug)]
struct Asked {
    key: String,
    /// None for a look at nothing but the version.
    range: Option<Range<u64>>,
    answer: oneshot::Sender<()>,
}

impl Asked {
    fn answer(self) {
        self.answer.send(()).unwrap();
    }
}

/// A store in memory that answers when it is let.
#[derive(Debug)]
struct Far {
    inner: InMemory,
    asked: mpsc::UnboundedSender<Asked>,
}

impl fmt::Display for Far {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Far")
    }
}

type Result<T> = object_store::Result<T>;

#[async_trait]
impl ObjectStore for Far {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let range = match &options.range {
            Some(GetRange::Bounded(range)) => Some(range.clone()),
            _ => (!options.head).then_some(0..u64::MAX),
        };
        let (answer, answered) = oneshot::channel();
        self.asked.send(Asked { key: location.to_string(), range, answer }).unwrap();
        answered.await.unwrap();
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// A far bucket, and what it is asked.
struct Store {
    bucket: Bucket,
    far: Arc<Far>,
    asked: mpsc::UnboundedReceiver<Asked>,
}

impl Store {
    fn new() -> Self {
        let (sender, asked) = mpsc::unbounded_channel();
        let far = Arc::new(Far { inner: InMemory::new(), asked: sender });
        let store: Arc<dyn ObjectStore> = Arc::<Far>::clone(&far);
        Self { bucket: Bucket::far("far://bucket", store), far, asked }
    }

    async fn put(&self, key: &str, bytes: &[u8]) {
        self.far.put(&key.into(), PutPayload::from(bytes.to_vec())).await.unwrap();
    }

    async fn next(&mut self) -> Asked {
        self.asked.recv().await.unwrap()
    }

    /// All that it is asked until it has to answer.
    async fn waiting(&mut self) -> Vec<Asked> {
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        std::iter::from_fn(|| self.asked.try_recv().ok()).collect()
    }

    /// Answers what it is asked while something goes on.
    async fn answering<T>(&mut self, doing: impl Future<Output = T>) -> (T, Vec<String>) {
        let mut said = Vec::new();
        let mut doing = std::pin::pin!(doing);
        loop {
            tokio::select! {
                done = &mut doing => return (done, said),
                Some(asked) = self.asked.recv() => {
                    said.push(asked.range.as_ref().map_or("head".to_owned(), |range| match range.end {
                        u64::MAX => "all".to_owned(),
                        _ => format!("{range:?}"),
                    }));
                    asked.answer();
                }
            }
        }
    }

    /// An object that was looked up.
    async fn object(&mut self, bytes: &[u8]) -> Object {
        self.put("o", bytes).await;
        let bucket = self.bucket.clone();
        let (object, said) = self.answering(bucket.locate("o")).await;
        assert_eq!(said, ["head"]);
        object.unwrap()
    }
}

fn budget(bytes: u64) -> &'static Budget {
    Box::leak(Box::new(Budget::new(bytes)))
}

fn text(bytes: u64) -> Vec<u8> {
    (0..bytes).map(|at| (at / 7) as u8).collect()
}

/// Reads an object in ranges of 128 KB.
fn read(object: &Object, most: usize, budget: &'static Budget) -> Chunks {
    let ranges = Ranges::of(0..object.size, object.size, 128 * KB);
    ahead(object, ranges, most, None, budget)
}

async fn all_of(chunks: &mut Chunks) -> std::result::Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(bytes)
}

fn ranges(asked: &[Asked]) -> Vec<Range<u64>> {
    asked.iter().map(|asked| asked.range.clone().unwrap()).collect()
}

#[tokio::test]
async fn ranges_are_asked_for_together_and_come_in_their_order() {
    let mut store = Store::new();
    let bytes = text(1024 * KB);
    let object = store.object(&bytes).await;
    let mut chunks = read(&object, 4, budget(1 << 20));
    let first = store.waiting().await;
    let expected = [0..128, 128..256, 256..384, 384..512];
    assert_eq!(ranges(&first), expected.map(|range| range.start * KB..range.end * KB));
    // The last one comes first, and the first last.
    first.into_iter().rev().for_each(Asked::answer);
    assert!(store.waiting().await.is_empty(), "more was read ahead than the window");
    let (read, rest) = store.answering(all_of(&mut chunks)).await;
    assert_eq!(read.unwrap(), bytes);
    assert_eq!(rest.len(), 5, "{rest:?}");
    assert_eq!(rest[4], "head");
}

#[tokio::test]
async fn readers_together_stay_within_the_budget_and_none_is_kept_waiting() {
    let mut store = Store::new();
    let bytes = text(4096 * KB);
    let object = store.object(&bytes).await;
    let budget = budget(512 * KB);
    let mut greedy = read(&object, 32, budget);
    let first = store.waiting().await;
    assert_eq!(first.len(), 4);
    let mut late = read(&object, 32, budget);
    let floor = store.waiting().await;
    assert_eq!(ranges(&floor), std::slice::from_ref(&(0..128 * KB)));
    floor.into_iter().for_each(Asked::answer);
    let (second, said) = {
        let next = async { late.next().await.unwrap().unwrap() };
        let taken = next.await;
        (taken, store.waiting().await)
    };
    assert_eq!(second.len() as u64, 128 * KB);
    assert_eq!(ranges(&said), std::slice::from_ref(&(128 * KB..256 * KB)));
    // The first reader gives back what is more than its half.
    first.into_iter().for_each(Asked::answer);
    said.into_iter().for_each(Asked::answer);
    for _ in 0..4 {
        greedy.next().await.unwrap().unwrap();
    }
    late.next().await.unwrap().unwrap();
    let (of_greedy, of_late): (Vec<_>, Vec<_>) = store
        .waiting()
        .await
        .into_iter()
        .partition(|asked| asked.range.as_ref().is_some_and(|range| range.start >= 512 * KB));
    assert_eq!((of_greedy.len(), of_late.len()), (2, 2));
}

#[tokio::test]
async fn who_does_not_read_on_ends_the_reading() {
    let mut store = Store::new();
    let object = store.object(&text(1024 * KB)).await;
    let budget = budget(1 << 20);
    let chunks = read(&object, 3, budget);
    let asked = store.waiting().await;
    drop(chunks);
    assert!(store.waiting().await.is_empty());
    assert!(asked.iter().all(|asked| asked.answer.is_closed()));
    assert!(budget.account(1).try_hold(1 << 20).is_some(), "something is held still");
}

#[tokio::test]
async fn a_version_that_changes_between_ranges_fails_after_what_was_read_before() {
    let mut store = Store::new();
    let object = store.object(&text(512 * KB)).await;
    let mut chunks = read(&object, 2, budget(1 << 20));
    let mut asked = store.waiting().await;
    let second = asked.pop().unwrap();
    asked.pop().unwrap().answer();
    assert_eq!(chunks.next().await.unwrap().unwrap().len() as u64, 128 * KB);
    store.put("o", &text(512 * KB)).await;
    second.answer();
    let (failed, _) = store.answering(chunks.next()).await;
    assert!(matches!(failed, Some(Err(Error::Changed { .. }))), "{failed:?}");
    assert!(store.answering(chunks.next()).await.0.is_none());
}

#[tokio::test]
async fn a_version_that_is_gone_when_its_last_byte_was_read_fails() {
    let mut store = Store::new();
    let object = store.object(&text(256 * KB)).await;
    let mut chunks = read(&object, 2, budget(1 << 20));
    store.waiting().await.into_iter().for_each(Asked::answer);
    for _ in 0..2 {
        chunks.next().await.unwrap().unwrap();
    }
    let look = store.next().await;
    assert_eq!(look.range, None);
    store.put("o", b"other").await;
    look.answer();
    assert!(matches!(chunks.next().await, Some(Err(Error::Changed { .. }))));
}

#[tokio::test]
async fn one_answer_is_enough_for_a_small_object() {
    let mut store = Store::new();
    store.put("o", b"{}\n").await;
    let bucket = store.bucket.clone();
    let (object, said) = store.answering(bucket.begin("o")).await;
    assert_eq!(said, ["0..1048576"]);
    let object = object.unwrap();
    let (read, said) = store.answering(all_of(&mut read(&object, 4, &BUDGET))).await;
    assert_eq!((read.unwrap().as_slice(), said), (b"{}\n".as_slice(), vec![]));
    // One that was looked up takes one more.
    let object = store.object(b"{}\n").await;
    let mut chunks = super::ahead(&object, Ranges::of(0..3, 3, 128 * KB), 4, None, &BUDGET);
    let (read, said) = store.answering(all_of(&mut chunks)).await;
    assert_eq!((read.unwrap().as_slice(), said), (b"{}\n".as_slice(), vec!["0..3".to_owned()]));
}

#[tokio::test]
async fn what_came_with_the_first_answer_is_not_read_again() {
    let mut store = Store::new();
    let bytes = text(1400 * KB);
    store.put("o", &bytes).await;
    let bucket = store.bucket.clone();
    let object = store.answering(bucket.begin("o")).await.0.unwrap();
    let (beginning, said) = store.answering(read_beginning(&object, KB)).await;
    assert_eq!((beginning.unwrap(), said), (bytes[..1024].to_vec().into(), vec![]));
    let (read, said) = store.answering(all_of(&mut read(&object, 4, &BUDGET))).await;
    assert_eq!(read.unwrap(), bytes);
    assert_eq!(said, ["1048576..1179648", "1179648..1310720", "1310720..1433600", "head"]);
}

#[tokio::test]
async fn an_object_that_is_empty_or_not_there_is_told_apart() {
    let mut store = Store::new();
    store.put("empty", b"").await;
    let bucket = store.bucket.clone();
    let (object, said) = store.answering(bucket.begin("empty")).await;
    assert_eq!((object.unwrap().size, said.last().unwrap().as_str()), (0, "head"));
    let (missing, said) = store.answering(bucket.begin("missing")).await;
    assert!(matches!(missing, Err(Error::NotFound { .. })), "{missing:?}");
    assert_eq!(said.len(), 1);
}

#[tokio::test]
async fn beyond_a_part_only_what_is_asked_for_is_read() {
    let mut store = Store::new();
    let bytes = text(1024 * KB);
    let object = store.object(&bytes).await;
    let (arrived, mut arrival) = oneshot::channel();
    let wanted = Ranges::of(100 * KB..200 * KB, object.size, 128 * KB);
    let mut chunks = ahead(&object, wanted, 4, Some(arrived), budget(1 << 20));
    let asked = store.waiting().await;
    assert_eq!(ranges(&asked), std::slice::from_ref(&(100 * KB..264 * KB)));
    asked.into_iter().for_each(Asked::answer);
    assert!(store.waiting().await.is_empty());
    assert!(arrival.try_recv().is_ok());
    chunks.next().await.unwrap().unwrap();
    assert!(store.waiting().await.is_empty());
    let (more, said) = store.answering(chunks.next()).await;
    assert_eq!(more.unwrap().unwrap(), bytes[264 << 10..328 << 10]);
    assert_eq!(said, ["270336..335872"]);
}

/// The listed objects of a store.
async fn listed(store: &Store) -> VecDeque<Listed> {
    let metas = store.far.list_with_delimiter(None).await.unwrap().objects;
    let listed =
        |meta: ObjectMeta| Listed::unpinned(&store.bucket, meta.location.to_string(), meta);
    metas.into_iter().map(listed).collect()
}

#[tokio::test]
async fn small_objects_are_fetched_many_at_once_with_one_request_each_and_come_in_their_order() {
    let mut store = Store::new();
    for number in 0..40 {
        store.put(&format!("o-{number:02}"), format!("{number}").as_bytes()).await;
    }
    let mut fetches = Fetches::begin(listed(&store).await, 100, 1 << 20);
    store.put("o-07", &[0; 101]).await;
    store.far.delete(&"o-11".into()).await.unwrap();
    let asked = store.waiting().await;
    assert_eq!(asked.len(), 40);
    assert!(asked.iter().all(|asked| asked.range == Some(0..u64::MAX)));
    asked.into_iter().rev().for_each(Asked::answer);
    let mut number = 0;
    while let Some(fetched) = fetches.next().await {
        match fetched {
            Fetched::Whole(Whole { object, bytes, .. }) => {
                assert_eq!(object.key, format!("o-{number:02}"));
                assert_eq!(bytes, format!("{number}"));
                assert!(!object.version().is_empty());
            }
            Fetched::TooLarge => assert_eq!(number, 7),
            Fetched::Failed(object, error) => {
                assert!(object.is_none() && matches!(error, Error::NotFound { .. }), "{error}");
                assert_eq!(number, 11);
            }
        }
        number += 1;
    }
    assert_eq!(number, 40);
    assert!(store.waiting().await.is_empty());
}

#[tokio::test]
async fn who_does_not_want_more_objects_ends_the_fetching() {
    let mut store = Store::new();
    for number in 0..10 {
        store.put(&format!("o-{number}"), b"{}").await;
    }
    let fetches = Fetches::begin(listed(&store).await, 100, 1 << 20);
    let asked = store.waiting().await;
    assert!(asked.iter().any(|asked| asked.key == "o-9"));
    drop(fetches);
    store.waiting().await;
    assert!(asked.iter().all(|asked| asked.answer.is_closed()));
}
