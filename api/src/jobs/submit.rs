//! Accepting a request: the job, its entry in the queue and the answer are one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use deadpool_postgres::{GenericClient, Transaction};
use pipeline::feed::Feed;
use pipeline::load::MaxRejected;
use pipeline::sink::RequestedMode;
use pipeline::store::Object;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use super::idempotency::{first_answer, note_answer};
use super::rejects::RejectsTask;
use super::store::{Asked, Store, StoreError, begin, commit, database_failed, find};
use crate::traces;
use crate::wire::Job;

/// Which objects a job is over.
#[derive(Debug)]
pub(crate) enum Target {
    /// One, looked up and pinned.
    Object(Box<Object>),
    /// Those whose keys begin with a text and look like JSON.
    Prefix(String),
    /// Those whose keys match a pattern.
    Glob(String),
    /// Those with these keys.
    Keys(Vec<String>),
    /// None: it is over rejects.
    Rejects(Box<RejectsTask>),
}

impl Target {
    fn prefix(&self) -> Option<&str> {
        if let Self::Prefix(prefix) = self { Some(prefix) } else { None }
    }

    fn glob(&self) -> Option<&str> {
        if let Self::Glob(glob) = self { Some(glob) } else { None }
    }

    fn rejects(&self) -> Option<Json<&RejectsTask>> {
        if let Self::Rejects(task) = self { Some(Json(task)) } else { None }
    }

    fn keys(&self) -> Option<&[String]> {
        if let Self::Keys(keys) = self { Some(keys) } else { None }
    }
}

/// An object that a job is written for.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) key: String,
    /// None if it is not known to be there.
    pub(super) version: Option<String>,
    pub(super) bytes: Option<i64>,
}

impl From<Object> for Wanted {
    fn from(object: Object) -> Self {
        let (version, bytes) = (Some(object.version()), Some(object.size as i64));
        Self { key: object.key, version, bytes }
    }
}

/// A request for loads.
#[derive(Debug)]
pub(crate) struct Request {
    /// None if the keys of the objects say which.
    pub(crate) feed: Option<Arc<Feed>>,
    /// None of a job over rejects.
    pub(crate) bucket: Option<String>,
    pub(crate) target: Target,
    /// None if it is that of each object's feed.
    pub(crate) mode: Option<RequestedMode>,
    pub(crate) dry_run: bool,
    pub(crate) reload: bool,
    pub(crate) catalog: bool,
    pub(crate) max_rejected: Option<MaxRejected>,
    /// Whether exactly the version of the object is to be loaded.
    pub(crate) is_pinned: bool,
    pub(crate) labels: BTreeMap<String, String>,
    /// URL that gets a message when the job has ended.
    pub(crate) webhook: Option<String>,
    pub(crate) asked: Asked,
    /// What tells a repeated request from another one, and the request as a text.
    pub(crate) idempotency: Option<(String, String)>,
}

/// Why a request was not accepted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SubmitError {
    /// Another job is under way for the same version, with other options.
    #[error(
        "the job {0} is queued or running for the same version of the object, with other options"
    )]
    Busy(Uuid),
    /// The idempotency key was used for another request.
    #[error("the Idempotency-Key was used for another request")]
    KeyReused,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SubmitError {
    /// The job that is under way instead, if that is why.
    pub(crate) const fn under_way(&self) -> Option<Uuid> {
        match self {
            Self::Busy(job_id) => Some(*job_id),
            _ => None,
        }
    }
}

impl Store {
    /// Accepts a request: a new job, the one that is under way for the same version, or the first
    /// answer to the same request.
    pub(crate) async fn submit(&self, request: &Request) -> Result<Job, SubmitError> {
        let mut client = self.client().await?;
        if let (Target::Object(object), None) = (&request.target, &request.idempotency) {
            // One statement, which is a transaction by itself.
            let job = submit_object(&client, request, object).await?;
            self.queue().wake();
            return Ok(job);
        }
        let transaction = begin(&mut client).await?;
        if let Some(job) = first_answer(&transaction, request).await? {
            return Ok(job);
        }
        let job = match &request.target {
            Target::Object(object) => submit_object(&transaction, request, object).await?,
            _ => self.submit_listing(&transaction, request).await?,
        };
        note_answer(&transaction, request, &job).await?;
        commit(transaction).await?;
        if let Target::Object(_) = request.target {
            self.queue().wake();
        }
        Ok(job)
    }

    /// Writes a job over many objects, or over rejects, and its entry in the queue.
    async fn submit_listing(
        &self,
        transaction: &Transaction<'_>,
        request: &Request,
    ) -> Result<Job, SubmitError> {
        let Request { bucket, dry_run, reload, catalog, asked, .. } = request;
        let feed = JobFeed::of(request);
        let max_rejected = request.max_rejected.map(String::from);
        let job_id = Uuid::now_v7();
        let sql = include_str!("../../../sql/queries/insert_listing.sql");
        let target = &request.target;
        let rejects = target.rejects();
        let traceparent = traces::traceparent();
        let params: [&(dyn ToSql + Sync); 18] = [
            &job_id,
            &feed.name,
            bucket,
            &target.prefix(),
            &target.glob(),
            &feed.mode,
            dry_run,
            reload,
            &asked.by,
            &asked.request_id,
            catalog,
            &max_rejected,
            &feed.hash,
            &target.keys(),
            &Json(&request.labels),
            &request.webhook,
            &rejects,
            &traceparent,
        ];
        let row = transaction.query_one(sql, &params).await;
        let row = row.map_err(database_failed("write the job"))?;
        self.enqueue(transaction, &[(job_id, None)]).await?;
        Ok(Job::from(&row))
    }
}

/// Writes a job over one version of an object and its entry in the queue; or finds the job that is under way for
/// it.
async fn submit_object(
    client: &impl GenericClient,
    request: &Request,
    object: &Object,
) -> Result<Job, SubmitError> {
    let Request { bucket, dry_run, reload, catalog, asked, .. } = request;
    let feed = JobFeed::of(request);
    let max_rejected = request.max_rejected.map(String::from);
    let (job_id, version, bytes) = (Uuid::now_v7(), object.version(), object.size as i64);
    let failed = || database_failed("write the job");
    let sql = include_str!("../../../sql/queries/submit_job.sql");
    let statement = client.prepare_cached(sql).await.map_err(failed())?;
    let (labels, traceparent) = (Json(&request.labels), traces::traceparent());
    let params: [&(dyn ToSql + Sync); 18] = [
        &job_id,
        &feed.name,
        &feed.hash,
        bucket,
        &object.key,
        &version,
        &bytes,
        &feed.mode,
        dry_run,
        reload,
        catalog,
        &max_rejected,
        &asked.by,
        &asked.request_id,
        &request.is_pinned,
        &labels,
        &request.webhook,
        &traceparent,
    ];
    loop {
        if let Some(row) = client.query_opt(&statement, &params).await.map_err(failed())? {
            return Ok(Job::from(&row));
        }
        // One that has come to its end in between is not found.
        if let Some(job_id) = live_job(client, request, object).await?
            && let Some(job) = find(client, job_id).await?
        {
            return Ok(job);
        }
    }
}

/// The feed of a job, and the mode in which it is loaded: none of what is left to the keys of its objects.
#[derive(Debug, Clone, Copy)]
pub(super) struct JobFeed<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) hash: Option<&'a str>,
    pub(super) mode: Option<&'a str>,
}

impl<'a> JobFeed<'a> {
    fn of(request: &'a Request) -> Self {
        let feed = request.feed.as_deref();
        // Each reject has the mode of its load.
        let of_feed = feed.map(|feed| feed.mode).filter(|_| request.target.rejects().is_none());
        let mode = request.mode.or(of_feed);
        Self { mode: mode.map(RequestedMode::as_str), ..Self::new(feed, None) }
    }

    /// A feed with its mode, unless another mode was asked for.
    pub(super) fn new(feed: Option<&'a Feed>, mode: Option<&'a str>) -> Self {
        Self {
            name: feed.map(|feed| feed.name.as_str()),
            hash: feed.map(|feed| feed.hash.as_str()),
            mode: mode.or(feed.map(|feed| feed.mode.as_str())),
        }
    }
}

/// How objects are loaded by the jobs that are written for them.
pub(super) struct How<'a> {
    pub(super) dry_run: bool,
    pub(super) reload: bool,
    pub(super) catalog: bool,
    pub(super) max_rejected: Option<&'a str>,
    pub(super) labels: &'a BTreeMap<String, String>,
    pub(super) asked: &'a Asked,
}

/// Writes jobs over one object each, but for versions that another job is under way for. `of` gives each its
/// id and feed.
pub(super) async fn insert_objects<'a>(
    transaction: &Transaction<'_>,
    bucket: &str,
    objects: &[Wanted],
    parent: Option<Uuid>,
    how: &How<'_>,
    of: impl Fn(&Wanted) -> (Uuid, JobFeed<'a>),
) -> Result<Vec<Uuid>, StoreError> {
    let sql = include_str!("../../../sql/queries/insert_jobs.sql");
    let (ids, feeds): (Vec<Uuid>, Vec<JobFeed<'_>>) = objects.iter().map(of).unzip();
    let names: Vec<_> = feeds.iter().map(|feed| feed.name).collect();
    let hashes: Vec<_> = feeds.iter().map(|feed| feed.hash).collect();
    let modes: Vec<_> = feeds.iter().map(|feed| feed.mode).collect();
    let keys: Vec<&str> = objects.iter().map(|object| object.key.as_str()).collect();
    let versions: Vec<_> = objects.iter().map(|object| object.version.as_deref()).collect();
    let bytes: Vec<_> = objects.iter().map(|object| object.bytes).collect();
    let failed = || database_failed("write the jobs");
    let statement = transaction.prepare_cached(sql).await.map_err(failed())?;
    let rows = transaction
        .query(
            &statement,
            &[
                &ids,
                &keys,
                &versions,
                &bytes,
                &parent,
                &bucket,
                &how.dry_run,
                &how.reload,
                &how.asked.by,
                &how.asked.request_id,
                &how.catalog,
                &how.max_rejected,
                &names,
                &hashes,
                &modes,
                &Json(how.labels),
            ],
        )
        .await;
    let rows = rows.map_err(failed())?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The job under way for the request's version, if it was asked for in the same way. Modes are compared as
/// they were asked for: what `auto` will choose is not known before the load.
async fn live_job(
    client: &impl GenericClient,
    request: &Request,
    object: &Object,
) -> Result<Option<Uuid>, SubmitError> {
    let sql = include_str!("../../../sql/queries/live_job.sql");
    let (version, feed) = (object.version(), JobFeed::of(request));
    let params: [&(dyn ToSql + Sync); 5] =
        [&feed.name, &request.bucket, &object.key, &version, &request.dry_run];
    let row = client.query_opt(sql, &params).await;
    let Some(row) = row.map_err(database_failed("look for a job under way"))? else {
        return Ok(None);
    };
    let job_id = row.get("job_id");
    let is_same = row.get::<_, Option<&str>>("mode") == feed.mode
        && row.get::<_, bool>("reload") == request.reload
        && row.get::<_, bool>("catalog") == request.catalog
        && row.get::<_, bool>("is_pinned") == request.is_pinned
        && row.get::<_, Option<&str>>("webhook") == request.webhook.as_deref()
        && row.get::<_, Option<String>>("max_rejected") == request.max_rejected.map(String::from);
    if is_same { Ok(Some(job_id)) } else { Err(SubmitError::Busy(job_id)) }
}
