//! One state of a table, read by several connections, each of which has a part of it.

use std::num::NonZeroUsize;

use tokio_postgres::Client;

use crate::database::{Connection, Database};
use crate::error::{Error, Result};

/// A part is not made smaller than so many blocks, 1 MB: connecting takes longer than reading it.
const LEAST_BLOCKS: i64 = 128;

/// Part of a table, and a connection that sees the same state of it as those of the other parts.
pub(super) struct Part {
    pub(super) connection: Connection,
    condition: String,
}

impl Part {
    /// What reads the part.
    pub(super) fn query(&self, table: &str) -> String {
        format!("select * from {table}{}", self.condition)
    }
}

/// Splits a table by the numbers of its blocks, into as many parts as it is worth, there are
/// connections for, and are wanted. Views and whatever else has no blocks of its own are one part.
pub(super) async fn parts(
    database: &Database,
    table: &str,
    wanted: NonZeroUsize,
) -> Result<Vec<Part>> {
    let first = database.connect().await?;
    let is_split = wanted.get() > 1 && has_blocks(&first, table).await?;
    begin(&first).await?;
    if !is_split {
        return Ok(vec![Part { connection: first, condition: String::new() }]);
    }
    // Before the snapshot is taken, so that the table stays as the snapshot has it: one that is
    // truncated or written anew would look empty. Nor can others then come to wait for a lock between
    // this connection and the next one.
    lock(&first, table, "").await?;
    let (snapshot, blocks) = snapshot(&first, table).await?;
    let most = (blocks / LEAST_BLOCKS).clamp(1, i64::try_from(wanted.get()).unwrap_or(i64::MAX));
    let mut connections = vec![first];
    while (connections.len() as i64) < most {
        match database.connect().await {
            Ok(connection) => connections.push(connection),
            Err(error) => {
                let connections = connections.len();
                tracing::info!(error = error.with_causes(), connections, "no further connection");
                break;
            }
        }
    }
    for connection in &connections[1..] {
        join(connection, table, &snapshot).await?;
    }
    let conditions = split(blocks, connections.len() as i64);
    let parts = connections.into_iter().zip(conditions);
    Ok(parts.map(|(connection, condition)| Part { connection, condition }).collect())
}

/// Whether it is a table whose rows are found by the numbers of their blocks.
async fn has_blocks(client: &Client, table: &str) -> Result<bool> {
    let sql = "select c.relkind = 'r' and a.amname = 'heap' from pg_class c \
        left join pg_am a on a.oid = c.relam where c.oid = $1::text::regclass";
    let row = client.query_one(sql, &[&table]).await.map_err(failed(table))?;
    Ok(row.get::<_, Option<bool>>(0).unwrap_or_default())
}

async fn begin(client: &Client) -> Result<()> {
    let sql = "begin isolation level repeatable read, read only";
    client
        .batch_execute(sql)
        .await
        .map_err(|source| Error::Database { doing: "begin to read".to_owned(), source })
}

async fn lock(client: &Client, table: &str, nowait: &str) -> Result<()> {
    let sql = format!("lock table {table} in access share mode {nowait}");
    client.batch_execute(&sql).await.map_err(failed(table))
}

/// What others see the same state by, and how many blocks the table has.
async fn snapshot(client: &Client, table: &str) -> Result<(String, i64)> {
    let sql = "select pg_export_snapshot(), \
        pg_relation_size($1::text::regclass) / current_setting('block_size')::bigint";
    let row = client.query_one(sql, &[&table]).await.map_err(failed(table))?;
    Ok((row.get(0), row.get(1)))
}

/// Begins a transaction that sees the same state as another one.
async fn join(client: &Client, table: &str, snapshot: &str) -> Result<()> {
    begin(client).await?;
    let sql = format!("set transaction snapshot '{snapshot}'");
    client.batch_execute(&sql).await.map_err(failed(table))?;
    // Who waits to change the table waits for the first connection; this one would wait behind.
    lock(client, table, "nowait").await
}

/// Conditions that together hold for each row once. Neither end is bounded: children of the table have
/// blocks of their own, maybe more of them.
fn split(blocks: i64, parts: i64) -> Vec<String> {
    let edge = |part: i64| format!("'({},0)'::tid", blocks * part / parts);
    (0..parts)
        .map(|part| {
            let from = (part > 0).then(|| format!("ctid >= {}", edge(part)));
            let to = (part + 1 < parts).then(|| format!("ctid < {}", edge(part + 1)));
            let both: Vec<_> = from.into_iter().chain(to).collect();
            if both.is_empty() { String::new() } else { format!(" where {}", both.join(" and ")) }
        })
        .collect()
}

fn failed(table: &str) -> impl FnOnce(tokio_postgres::Error) -> Error {
    let doing = format!("read {table}");
    move |source| Error::Database { doing, source }
}

#[cfg(test)]
mod tests;
