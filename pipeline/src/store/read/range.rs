//! Asks the store for a range of an object, under the version that the object is pinned to.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResultPayload, ObjectMeta};

use crate::error::Error;
use crate::store::bucket::Bucket;
use crate::store::object::Object;

/// Longest time to ask, after a failure, whether the object has changed: the load has failed anyway.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes sure that the version of an object that was read is still there.
pub(crate) async fn verify_version(object: &Object) -> Result<(), Error> {
    read_range(object, None).await.map(drop)
}

/// Why a range could not be read. Of an object that changed, a store may say merely that the range
/// is not there, and the client that a body it went on with is another.
pub(super) async fn reason(object: &Object, error: Error) -> Error {
    if !matches!(error, Error::Read { .. }) {
        return error;
    }
    match tokio::time::timeout(ASK_TIMEOUT, read_range(object, None)).await {
        Ok(Err(changed @ Error::Changed { .. })) => changed,
        _ => error,
    }
}

/// Reads a range, or nothing but the version.
///
/// The store may not know `if-match`, so what it answers is compared too. A body that breaks off is
/// continued by the client where it broke, if the e-tag is still the same.
pub(super) async fn read_range(object: &Object, range: Option<Range<u64>>) -> Result<Bytes, Error> {
    let options = GetOptions {
        if_match: object.e_tag.clone(),
        version: object.version_id.clone(),
        head: range.is_none(),
        range: range.clone().map(GetRange::Bounded),
        ..GetOptions::default()
    };
    let failed = |source| match source {
        object_store::Error::Precondition { .. } | object_store::Error::NotFound { .. } => {
            Error::Changed { object: object.url() }
        }
        source => Error::Read { object: object.url(), source },
    };
    let answer = ask(&object.bucket, &object.path, options).await.map_err(failed)?;
    object.check(&answer.meta)?;
    let Some(range) = range else {
        return Ok(Bytes::new());
    };
    let wanted = range.end - range.start;
    let bytes = answer.bytes().await.map_err(failed)?;
    if bytes.len() as u64 == wanted {
        Ok(bytes)
    } else {
        Err(Error::Changed { object: object.url() })
    }
}

/// What a store answers: of which version, and what is to come of it.
pub(super) struct Answer<'a> {
    bucket: &'a Bucket,
    pub(super) meta: ObjectMeta,
    range: Range<u64>,
    payload: GetResultPayload,
    latency: Duration,
}

/// Asks a store, and notes how long it takes to answer.
pub(super) async fn ask<'a>(
    bucket: &'a Bucket,
    path: &Path,
    options: GetOptions,
) -> object_store::Result<Answer<'a>> {
    let asked = Instant::now();
    let result = bucket.store().get_opts(path, options).await?;
    let latency = asked.elapsed();
    let object_store::GetResult { payload, meta, range, .. } = result;
    Ok(Answer { bucket, meta, range, payload, latency })
}

impl Answer<'_> {
    /// The bytes of the answer.
    pub(super) async fn bytes(self) -> object_store::Result<Bytes> {
        let Self { bucket, range, payload, latency, .. } = self;
        let stream = match payload {
            GetResultPayload::File(file, _) => return read_file(file, range).await,
            GetResultPayload::Stream(stream) => stream,
        };
        let began = Instant::now();
        let bytes = collect(stream, range.end - range.start).await?;
        bucket.distance().note(latency, bytes.len() as u64, began.elapsed());
        Ok(bytes)
    }
}

/// All of a body, in memory of its own: a piece of a small one would keep the whole buffer of its
/// connection.
async fn collect(
    mut body: BoxStream<'static, object_store::Result<Bytes>>,
    length: u64,
) -> object_store::Result<Bytes> {
    let mut bytes = Vec::with_capacity(length as usize);
    while let Some(piece) = body.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok(Bytes::from(bytes))
}

/// Reads a range of a file as the client would, without clearing the memory first.
async fn read_file(mut file: File, range: Range<u64>) -> object_store::Result<Bytes> {
    let length = range.end - range.start;
    let read = move || {
        let mut bytes = Vec::with_capacity(length as usize);
        file.seek(SeekFrom::Start(range.start))?;
        file.take(length).read_to_end(&mut bytes)?;
        Ok(Bytes::from(bytes))
    };
    let read = tokio::task::spawn_blocking(read).await.map_err(io::Error::other);
    read.flatten().map_err(|error| object_store::Error::Generic {
        store: "LocalFileSystem",
        source: error.into(),
    })
}
