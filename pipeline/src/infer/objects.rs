//! Infers the shapes of objects: reads them, or the beginning of them, on threads that may block.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures::{Stream, StreamExt, TryStreamExt};

use super::inference::{Counts, Inference};
use super::shape::{MAX_FIELDS, Shape};
use crate::error::{Error, Result};
use crate::json::path::JsonPath;
use crate::records::{Batch, Batches, Compression, CutOptions, Decompressed, Format, read_error};
use crate::store::{Object, ObjectReader};

/// Records of a sample for which an object is not read far ahead.
const SMALL_SAMPLE: u64 = 10_000;

/// How much of an object is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sample {
    /// All of it.
    #[default]
    All,
    /// Its first texts: lines, elements of an array or values in a row, whatever they hold.
    Records(u64),
}

/// How shapes are inferred.
#[derive(Debug, Clone)]
pub struct InferOptions {
    /// How much of each object is read.
    pub sample: Sample,
    /// Where the records may be in each text: of an object, the first path that leads to some in its
    /// first texts counts. None for `$`.
    pub paths: Vec<JsonPath>,
    /// How objects are cut into texts.
    pub cut: CutOptions,
    /// Keys over which a column is a map.
    pub max_fields: usize,
    /// Counts the bytes that are read, of all objects.
    pub bytes_read: Arc<AtomicU64>,
}

impl Default for InferOptions {
    fn default() -> Self {
        Self {
            sample: Sample::All,
            paths: Vec::new(),
            cut: CutOptions::default(),
            max_fields: MAX_FIELDS,
            bytes_read: Arc::default(),
        }
    }
}

/// What an object holds.
#[derive(Debug, Clone)]
pub struct ObjectShape {
    /// The shape of its records.
    pub shape: Shape,
    /// Objects that are in the shape.
    pub records: u64,
    /// Texts that are not JSON, or too long.
    pub malformed: u64,
    /// Values that are no objects, and texts in which the path leads nowhere.
    pub other: u64,
    /// Bytes that were read of it, as it is stored.
    pub bytes_read: u64,
    /// How the texts follow each other; `None` if there are none.
    pub format: Option<Format>,
    /// How it is compressed.
    pub compression: Compression,
    /// Whether all of it was read.
    pub sampled_whole: bool,
    /// The path that has led to the records.
    pub path: JsonPath,
}

/// Infers the shape of an object. It stops reading when the sample is full or when nobody waits for
/// it any more.
///
/// Must be called within a tokio runtime.
///
/// # Errors
/// [`Error::Read`] and [`Error::Changed`] when the object cannot be read, [`Error::NotText`] and
/// [`Error::Decompress`] when it is something else or damaged. Malformed records are counted.
pub async fn infer_object(object: &Object, options: &InferOptions) -> Result<ObjectShape> {
    let bytes_read = Arc::new(AtomicU64::new(0));
    let reader = match options.sample {
        Sample::Records(0..=SMALL_SAMPLE) => {
            ObjectReader::open_beginning(object, Arc::clone(&bytes_read))
        }
        _ => ObjectReader::open(object, Arc::clone(&bytes_read)),
    };
    let stop = StopOnDrop::default();
    let (is_stopped, object, options) = (Arc::clone(&stop.0), object.clone(), options.clone());
    let url = object.url();
    let tally =
        Tally { of_object: Arc::clone(&bytes_read), of_all: Arc::clone(&options.bytes_read) };
    let work =
        tokio::task::spawn_blocking(move || read(reader, &object, &options, tally, &is_stopped));
    let shape = work.await.map_err(|_| Error::Stopped { object: url })??;
    Ok(ObjectShape { bytes_read: bytes_read.load(Ordering::Relaxed), ..shape })
}

/// Infers the shapes of many objects, up to `parallel` at the same time, as they are done. What
/// cannot be listed is an error of the stream; what cannot be read, an error of its object.
///
/// Must be polled within a tokio runtime.
pub fn infer_all(
    objects: impl Stream<Item = Result<Object>>,
    options: InferOptions,
    parallel: usize,
) -> impl Stream<Item = Result<(Object, Result<ObjectShape>)>> {
    let options = Arc::new(options);
    let inferred = objects.map_ok(move |object| {
        let options = Arc::clone(&options);
        async move {
            let shape = infer_object(&object, &options).await;
            Ok((object, shape))
        }
    });
    let started = inferred.map(|object| async {
        match object {
            Ok(shape) => shape.await,
            Err(error) => Err(error),
        }
    });
    started.buffer_unordered(parallel.max(1))
}

/// Tells a thread that nobody waits for it.
#[derive(Debug, Default)]
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Hands the bytes that are read of an object on to the count of all.
struct Tally {
    of_object: Arc<AtomicU64>,
    of_all: Arc<AtomicU64>,
}

impl Tally {
    /// Hands on what is new since `before`; how many there are by now.
    fn since(&self, before: u64) -> u64 {
        let now = self.of_object.load(Ordering::Relaxed);
        self.of_all.fetch_add(now - before, Ordering::Relaxed);
        now
    }
}

fn read(
    reader: ObjectReader,
    object: &Object,
    options: &InferOptions,
    tally: Tally,
    is_stopped: &AtomicBool,
) -> Result<ObjectShape> {
    let failed = |error| read_error(object, error);
    let input = Decompressed::new(reader, options.cut.text_limits).map_err(failed)?;
    let compression = input.compression();
    let mut batches = Batches::new(input, options.cut.clone());
    let mut classifiers = Classifiers::default();
    let mut left = match options.sample {
        Sample::All => usize::MAX,
        Sample::Records(records) => usize::try_from(records).unwrap_or(usize::MAX),
    };
    let mut sampled_whole = true;
    let mut counted = 0;
    while let Some(batch) = batches.next().transpose().map_err(failed)? {
        counted = tally.since(counted);
        if is_stopped.load(Ordering::Relaxed) {
            return Err(Error::Cancelled { object: object.url() });
        }
        classifiers.read(&batch, left, options, batches.format());
        let is_full = left < batch.records.len();
        left = left.saturating_sub(batch.records.len());
        if is_full {
            sampled_whole = false;
            break;
        }
    }
    tally.since(counted);
    let (path, shape, counts) = classifiers.finish(options.max_fields);
    Ok(ObjectShape {
        shape,
        records: counts.records,
        malformed: counts.malformed,
        other: counts.other,
        bytes_read: 0,
        format: batches.format(),
        compression,
        sampled_whole,
        path,
    })
}

/// Reads records by each path, until one of them has led to some.
#[derive(Default)]
struct Classifiers(Vec<(JsonPath, Inference, Shape)>);

impl Classifiers {
    fn read(
        &mut self,
        batch: &Batch,
        texts: usize,
        options: &InferOptions,
        format: Option<Format>,
    ) {
        if self.0.is_empty() {
            let whole = [JsonPath::default()];
            let paths = if options.paths.is_empty() { &whole } else { options.paths.as_slice() };
            let classifier = |it: &JsonPath| {
                (it.clone(), Inference::new(&path(it, format)), Shape::new(options.max_fields))
            };
            self.0 = paths.iter().map(classifier).collect();
        }
        for (_, inference, shape) in &mut self.0 {
            inference.read_some(batch, texts, shape);
        }
        let found = self.0.iter().position(|(_, inference, _)| inference.counts().records > 0);
        if let Some(found) = found.filter(|_| self.0.len() > 1) {
            self.0 = vec![self.0.swap_remove(found)];
        }
    }

    /// What the path that has led to records has found; the first one's where none has.
    fn finish(self, max_fields: usize) -> (JsonPath, Shape, Counts) {
        let first = self.0.into_iter().next();
        let found = first.map(|(path, inference, shape)| (path, shape, inference.counts()));
        found.unwrap_or_else(|| (JsonPath::default(), Shape::new(max_fields), Counts::default()))
    }
}

/// The path within the texts that an object of this format is cut into.
fn path(path: &JsonPath, format: Option<Format>) -> JsonPath {
    if format == Some(Format::Array) { path.within_elements() } else { path.clone() }
}

#[cfg(test)]
mod tests;
