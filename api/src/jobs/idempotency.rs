//! Requests that are sent again: they get the first answer.

use deadpool_postgres::Transaction;
use tokio_postgres::types::{Json, ToSql};

use super::store::{Store, StoreError, database_failed};
use super::submit::{Request, SubmitError};
use crate::wire::Job;

impl Store {
    /// The answer that the same request of a requester was given before, if it was.
    pub(crate) async fn answered(
        &self,
        by: &str,
        key: &str,
        request: &str,
    ) -> Result<Option<Job>, SubmitError> {
        let sql = "select request, answer from stevedore.idempotency_keys \
            where requester = $1 and idempotency_key = $2 and created_at >= now() - interval '1 day'";
        let row = self.client().await?.query_opt(sql, &[&by, &key]).await;
        match row.map_err(database_failed("look the idempotency key up"))? {
            Some(row) if row.get::<_, &str>("request") != request => Err(SubmitError::KeyReused),
            row => Ok(row
                .and_then(|row| row.get::<_, Option<Json<Job>>>("answer"))
                .map(|Json(job)| job)),
        }
    }
}

/// The answer that the same request was given before. Waits while that one is being answered.
pub(super) async fn first_answer(
    transaction: &Transaction<'_>,
    request: &Request,
) -> Result<Option<Job>, SubmitError> {
    let Some((key, text)) = &request.idempotency else {
        return Ok(None);
    };
    let failed = || database_failed("look the idempotency key up");
    let forget =
        "delete from stevedore.idempotency_keys where created_at < now() - interval '1 day'";
    transaction.execute(forget, &[]).await.map_err(failed())?;
    let claim = "insert into stevedore.idempotency_keys (requester, idempotency_key, request) \
        values ($1, $2, $3) on conflict do nothing";
    let params: [&(dyn ToSql + Sync); 3] = [&request.asked.by, key, text];
    if transaction.execute(claim, &params).await.map_err(failed())? > 0 {
        return Ok(None);
    }
    let sql = "select request, answer from stevedore.idempotency_keys \
        where requester = $1 and idempotency_key = $2";
    let row = transaction.query_one(sql, &params[..2]).await.map_err(failed())?;
    if row.get::<_, &str>("request") != text {
        return Err(SubmitError::KeyReused);
    }
    Ok(row.get::<_, Option<Json<Job>>>("answer").map(|Json(job)| job))
}

/// Notes the answer to a request, for the same one.
pub(super) async fn note_answer(
    transaction: &Transaction<'_>,
    request: &Request,
    job: &Job,
) -> Result<(), StoreError> {
    let Some((key, _)) = &request.idempotency else {
        return Ok(());
    };
    let sql = "update stevedore.idempotency_keys set answer = $3 \
        where requester = $1 and idempotency_key = $2";
    let noted = transaction.execute(sql, &[&request.asked.by, key, &Json(job)]).await;
    noted.map(drop).map_err(database_failed("note the answer"))
}
