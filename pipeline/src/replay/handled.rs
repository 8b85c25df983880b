//! What was done about rejects, as the ledger has it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use tokio_postgres::types::ToSql;
use tokio_postgres::{GenericClient, Row, Transaction};
use uuid::Uuid;

use super::open::{Picked, has_rejects, open_sql};
use super::replayed::{Refusal, Refused, Replayed};
use super::selection::{RejectId, Selection};
use crate::database::Connection;
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::progress::Progress;

/// What was ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ignored {
    /// The feed.
    pub feed: String,
    /// Rejects that are ignored from now on.
    pub ignored: u64,
}

/// The number of the newest load: rejects of later ones are not meant by who asks now.
///
/// # Errors
/// [`Error::Database`].
pub async fn newest_load(client: &impl GenericClient) -> Result<i64> {
    let sql = "select coalesce(max(load_id), 0) from stevedore.loads";
    let row = client.query_one(sql, &[]).await;
    Ok(row.map_err(failed("read the number of the newest load"))?.get(0))
}

/// The names of the feeds of loads; nothing of loads that there are not.
///
/// # Errors
/// [`Error::Database`].
pub async fn feeds_by_load(
    client: &impl GenericClient,
    load_ids: &[i64],
) -> Result<BTreeMap<i64, String>> {
    let sql = "select load_id, feed from stevedore.loads where load_id = any($1)";
    let rows = client.query(sql, &[&load_ids]).await;
    let rows = rows.map_err(failed("read the feeds of loads"))?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Ignores the open rejects of a feed that are selected, of loads up to the newest one: nobody replays them any
/// more.
///
/// # Errors
/// [`Error::Database`], [`Error::Cancelled`]. What is ignored by then stays so.
pub async fn ignore(
    connection: &mut Connection,
    feed: &Arc<Feed>,
    selection: &Selection,
    (by, note): (Option<&str>, Option<&str>),
    newest: i64,
    progress: &Progress,
) -> Result<Ignored> {
    let mut done = Ignored { feed: feed.name.clone(), ignored: 0 };
    if !has_rejects(connection, feed).await? {
        return Ok(done);
    }
    let ignore = include_str!("../../../sql/queries/ignore_rejects.sql");
    let statements = open_sql(feed).map(|open| ignore.replace("{open}", &open));
    let mut picked = Picked::new(&feed.name, selection, newest);
    // Each statement until it finds no more: the second one goes to the next load.
    let mut at = 0;
    while let Some(sql) = statements.get(at) {
        if progress.is_stopped() {
            return Err(Error::Cancelled { object: format!("rejects of the feed {}", feed.name) });
        }
        let mut params = picked.params();
        params.extend([&note as &(dyn ToSql + Sync), &by]);
        let row = connection.query_one(sql, &params).await.map_err(failed("ignore rejects"))?;
        done.ignored += row.get::<_, i64>("ignored").unsigned_abs();
        at = match row.get::<_, Option<Vec<i64>>>("last").as_deref() {
            Some([load_id, record_no]) => {
                picked.after = RejectId { load_id: *load_id, record_no: *record_no };
                0
            }
            _ => at + 1,
        };
    }
    Ok(done)
}

/// Rejects that a transaction is to replay: the numbers of the load and the record of each, the load that
/// replays it, and the edited text.
#[derive(Debug, Default)]
pub(super) struct Claims<'a> {
    pub(super) load_ids: Vec<i64>,
    pub(super) record_nos: Vec<i64>,
    pub(super) replay_load_ids: Vec<i64>,
    pub(super) edited: Vec<Option<&'a str>>,
}

/// Claims rejects for replays; those that were open.
pub(super) async fn claim(
    transaction: &Transaction<'_>,
    feed: &Feed,
    claims: &Claims<'_>,
    (by, note): (Option<&str>, Option<&str>),
) -> Result<Vec<RejectId>> {
    let table = feed.plan.rejects().name.to_string();
    let sql = include_str!("../../../sql/queries/claim_rejects.sql").replace("{rejects}", &table);
    let Claims { load_ids, record_nos, replay_load_ids, edited } = claims;
    let rows =
        transaction.query(&sql, &[load_ids, record_nos, replay_load_ids, edited, &by, &note]).await;
    Ok(rows.map_err(failed("claim rejects"))?.iter().map(id).collect())
}

/// Which of these loads had their rows replaced, and by which later load.
pub(super) async fn replaced(
    transaction: &Transaction<'_>,
    load_ids: &[i64],
) -> Result<BTreeMap<i64, i64>> {
    let sql = include_str!("../../../sql/queries/replaced_rejects.sql");
    let rows = transaction.query(sql, &[&load_ids]).await;
    let rows = rows.map_err(failed("look for loads that have replaced others"))?;
    Ok(rows.iter().map(|row| (row.get("load_id"), row.get("replaced_by"))).collect())
}

/// Says of rejects that were named, and are not open, why they are not replayed; nothing of those that the same
/// job has replayed.
pub(super) async fn refuse(
    connection: &Connection,
    ids: &[RejectId],
    job_id: Option<Uuid>,
    replayed: &mut Replayed,
) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let sql = include_str!("../../../sql/queries/handled_rejects.sql");
    let load_ids: Vec<_> = ids.iter().map(|id| id.load_id).collect();
    let record_nos: Vec<_> = ids.iter().map(|id| id.record_no).collect();
    let rows = connection.query(sql, &[&load_ids, &record_nos]).await;
    for row in rows.map_err(failed("look rejects up"))? {
        let by_job: Option<Uuid> = row.get("job_id");
        if job_id.is_some() && by_job == job_id {
            continue;
        }
        let replay: Option<i64> = row.get("replay_load_id");
        let (reason, detail) = match (row.get("state"), replay) {
            (None::<&str>, _) => {
                (Refusal::NotFound, "there is no such reject of the feed".to_owned())
            }
            (_, Some(load_id)) => (Refusal::Handled, format!("the load {load_id} has replayed it")),
            (_, None) => (Refusal::Handled, "it is ignored".to_owned()),
        };
        replayed.refuse(Refused { id: id(&row), reason, detail });
    }
    Ok(())
}

fn id(row: &Row) -> RejectId {
    RejectId { load_id: row.get("load_id"), record_no: row.get("record_no") }
}

fn failed(doing: &'static str) -> impl FnOnce(tokio_postgres::Error) -> Error {
    move |source| Error::Database { doing: doing.to_owned(), source }
}
