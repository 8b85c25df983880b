//! A store that is as far away as S3 is, on this machine: the objects of a folder behind S3's protocol, each
//! answer after a delay, each answer's body no faster than one stream from S3.
//!
//! `cargo run --release --example far -- <folder> [delay in ms …]` prints an endpoint for each delay and
//! serves until it is ended. `--help` has the rest.
//!
//! The protocol and the signatures are those of `s3s`. The objects are in memory: `s3s-fs`, the store that
//! the tests use, hashes a whole file whenever any range of it is read.

#![expect(clippy::print_stdout, reason = "the endpoints are what it is started for")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::Write;
use std::ops::{Bound, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use clap::Parser;
use futures::{Stream, stream};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::crypto::{Checksum, Md5};
use s3s::dto::{
    CommonPrefix, ETag, ETagCondition, GetObjectInput, GetObjectOutput, HeadObjectInput,
    HeadObjectOutput, ListObjectsV2Input, ListObjectsV2Output, Object, StreamingBlob, Timestamp,
};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep, sleep_until};

const BUCKET: &str = "far";
const ACCESS_KEY: &str = "far";
const SECRET_KEY: &str = "far-away";
/// How much of a body is sent at once: a few milliseconds of a stream, as timers know no less than one.
const PIECE: usize = 256 << 10;
/// How far behind its rate a stream may be and still catch up: what timers are late by, and no more.
const SLACK: Duration = Duration::from_millis(4);

type Anything<T> = Result<T, Box<dyn Error>>;

/// Serves a folder as the bucket `far`, from far away.
#[derive(Debug, Parser)]
struct Args {
    /// The folder whose files are the objects, named by their paths within it.
    folder: PathBuf,
    /// Milliseconds that each answer takes; each delay has an endpoint of its own.
    #[arg(default_values_t = [0, 20, 50, 100])]
    delays: Vec<u64>,
    /// Megabytes a second that the body of one answer may have; 0 for as many as there can be.
    #[arg(long, default_value_t = 90)]
    stream_mb: u64,
    /// Port of the first endpoint; the next ones follow it. 0 takes any that is free.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Print each request to standard error.
    #[arg(long)]
    log: bool,
}

struct Stored {
    bytes: Bytes,
    e_tag: ETag,
    modified: Timestamp,
}

type Objects = BTreeMap<String, Stored>;

/// The objects as seen from one distance.
#[derive(Clone)]
struct Far {
    objects: Arc<Objects>,
    delay: Duration,
    stream_mb: u64,
    log_since: Option<Instant>,
}

#[tokio::main]
async fn main() -> Anything<()> {
    let args = Args::parse();
    let mut objects = Objects::new();
    read(&args.folder, "", &mut objects)?;
    let objects = Arc::new(objects);
    let mut serving = Vec::new();
    for (at, &delay) in (0..).zip(&args.delays) {
        let port = if args.port == 0 { 0 } else { args.port + at };
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        println!("{delay} http://{}", listener.local_addr()?);
        let far = Far {
            objects: Arc::clone(&objects),
            delay: Duration::from_millis(delay),
            stream_mb: args.stream_mb,
            log_since: args.log.then(Instant::now),
        };
        let mut service = S3ServiceBuilder::new(far);
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        serving.push(tokio::spawn(serve(listener, service.build())));
    }
    std::io::stdout().flush()?;
    for endpoint in serving {
        endpoint.await??;
    }
    Ok(())
}

/// Adds the files of a folder, and of those in it.
fn read(folder: &Path, prefix: &str, objects: &mut Objects) -> Anything<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let key = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            read(&entry.path(), &format!("{key}/"), objects)?;
        } else {
            let bytes = Bytes::from(fs::read(entry.path())?);
            let digest = Md5::checksum(&bytes);
            let e_tag = ETag::Strong(digest.iter().map(|byte| format!("{byte:02x}")).collect());
            let modified = entry.metadata()?.modified().unwrap_or(SystemTime::UNIX_EPOCH).into();
            objects.insert(key, Stored { bytes, e_tag, modified });
        }
    }
    Ok(())
}

async fn serve(listener: TcpListener, service: S3Service) -> std::io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = service.clone();
        tokio::spawn(async move {
            let server = Builder::new(TokioExecutor::new());
            // A client that goes away is no failure of the store.
            server.serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

impl Far {
    /// Waits for the delay, and finds the object.
    async fn find(&self, what: &str, bucket: &str, key: &str) -> S3Result<&Stored> {
        self.travel(&format!("{what} {key}")).await;
        if bucket != BUCKET {
            return Err(s3_error!(NoSuchBucket));
        }
        self.objects.get(key).ok_or_else(|| s3_error!(NoSuchKey))
    }

    async fn travel(&self, request: &str) {
        if let Some(since) = self.log_since {
            let at = since.elapsed().as_secs_f64();
            writeln!(std::io::stderr(), "{at:8.3} {:?} {request}", self.delay).ok();
        }
        if !self.delay.is_zero() {
            sleep(self.delay).await;
        }
    }

    /// A body no faster than one stream may be; time that nobody reads is not made up for.
    fn body(&self, bytes: Bytes) -> impl Stream<Item = Result<Bytes, std::io::Error>> + use<> {
        let seconds_a_byte = match self.stream_mb {
            0 => 0.0,
            megabytes => 1e-6 / megabytes as f64,
        };
        stream::unfold((bytes, Instant::now()), move |(mut rest, due)| async move {
            if rest.is_empty() {
                return None;
            }
            sleep_until(due).await;
            let piece = rest.split_to(rest.len().min(PIECE));
            let took = Duration::from_secs_f64(seconds_a_byte * piece.len() as f64);
            let due = due.max(Instant::now() - SLACK) + took;
            Some((Ok(piece), (rest, due)))
        })
    }
}

#[async_trait]
impl S3 for Far {
    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let GetObjectInput { bucket, key, range, if_match, .. } = request.input;
        let what = range.as_ref().map(|range| range.to_header_string()).unwrap_or_default();
        let stored = self.find(&format!("GET {what}"), &bucket, &key).await?;
        if let Some(ETagCondition::ETag(wanted)) = &if_match
            && !wanted.strong_cmp(&stored.e_tag)
        {
            return Err(s3_error!(PreconditionFailed));
        }
        let size = stored.bytes.len() as u64;
        let within = match range {
            Some(range) => Some(range.check(size)?),
            None => None,
        };
        let Range { start, end } = within.clone().unwrap_or(0..size);
        let bytes = stored.bytes.slice(start as usize..end as usize);
        Ok(S3Response::new(GetObjectOutput {
            body: Some(StreamingBlob::wrap(self.body(bytes))),
            content_length: Some((end - start) as i64),
            content_range: within.map(|_| format!("bytes {start}-{}/{size}", end - 1)),
            accept_ranges: Some("bytes".to_owned()),
            e_tag: Some(stored.e_tag.clone()),
            last_modified: Some(stored.modified.clone()),
            ..GetObjectOutput::default()
        }))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let HeadObjectInput { bucket, key, .. } = request.input;
        let stored = self.find("HEAD", &bucket, &key).await?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: Some(stored.bytes.len() as i64),
            accept_ranges: Some("bytes".to_owned()),
            e_tag: Some(stored.e_tag.clone()),
            last_modified: Some(stored.modified.clone()),
            ..HeadObjectOutput::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        self.travel(&format!("LIST {prefix}")).await;
        if input.bucket != BUCKET {
            return Err(s3_error!(NoSuchBucket));
        }
        let after = input.continuation_token.clone().or_else(|| input.start_after.clone());
        let most = input.max_keys.map_or(1000, |most| most.clamp(0, 1000) as usize);
        let delimiter = input.delimiter.as_deref().unwrap_or_default();
        let page = page(&self.objects, &prefix, delimiter, after.as_deref(), most);
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: input.prefix,
            delimiter: input.delimiter,
            max_keys: Some(most as i32),
            key_count: Some((page.objects.len() + page.prefixes.len()) as i32),
            is_truncated: Some(page.next.is_some()),
            continuation_token: input.continuation_token,
            next_continuation_token: page.next,
            contents: Some(page.objects),
            common_prefixes: Some(page.prefixes),
            ..ListObjectsV2Output::default()
        }))
    }
}

#[derive(Default)]
struct Page {
    objects: Vec<Object>,
    prefixes: Vec<CommonPrefix>,
    /// What the next page begins after, if there is one: a key or a common prefix.
    next: Option<String>,
}

/// At most so many of the keys and common prefixes below a prefix that come after one of them.
fn page(
    objects: &Objects,
    prefix: &str,
    delimiter: &str,
    after: Option<&str>,
    most: usize,
) -> Page {
    let mut page = Page::default();
    let mut last = after.unwrap_or_default().to_owned();
    let begin = match after {
        Some(after) if after > prefix => Bound::Excluded(after),
        _ => Bound::Included(prefix),
    };
    let keys = objects.range::<str, _>((begin, Bound::Unbounded));
    for (key, stored) in keys.take_while(|(key, _)| key.starts_with(prefix)) {
        let is_prefix_again =
            !delimiter.is_empty() && last.ends_with(delimiter) && key.starts_with(&last);
        if is_prefix_again {
            continue;
        }
        if page.objects.len() + page.prefixes.len() == most {
            page.next = Some(last);
            break;
        }
        match key[prefix.len()..].find(delimiter).filter(|_| !delimiter.is_empty()) {
            Some(at) => {
                last = key[..prefix.len() + at + delimiter.len()].to_owned();
                page.prefixes.push(CommonPrefix { prefix: Some(last.clone()) });
            }
            None => {
                last = key.clone();
                page.objects.push(Object {
                    key: Some(key.clone()),
                    size: Some(stored.bytes.len() as i64),
                    e_tag: Some(stored.e_tag.clone()),
                    last_modified: Some(stored.modified.clone()),
                    ..Object::default()
                });
            }
        }
    }
    page
}
