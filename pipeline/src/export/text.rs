//! Rows of Postgres as text: the server writes it, which nothing of ours could do faster.

use bytes::{BufMut, Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use memchr::memchr2_iter;
use tokio_postgres::{Client, Row};

use crate::error::{Error, Result};

/// Bytes that are handed on at once, at least.
const PIECE_BYTES: usize = 256 << 10;

/// Lines of text, one row each.
pub(super) struct Lines(BoxStream<'static, Result<Bytes, tokio_postgres::Error>>);

impl Lines {
    /// The next lines, and how many they are; None after the last.
    pub(super) async fn next(&mut self) -> Result<Option<(Bytes, u64)>> {
        let (mut piece, mut rows) = (BytesMut::new(), 0);
        while piece.len() < PIECE_BYTES {
            let Some(line) = self.0.try_next().await.map_err(failed)? else { break };
            piece.put(line);
            rows += 1;
        }
        Ok((rows > 0).then(|| (piece.freeze(), rows)))
    }
}

/// The rows of a query as CSV.
pub(super) async fn csv(client: &Client, query: &str) -> Result<Lines> {
    let sql = format!("copy ({query}\n) to stdout (format csv)");
    let pieces = client.copy_out(&sql).await.map_err(failed)?;
    Ok(Lines(pieces.fuse().boxed()))
}

/// The names of a table's columns as CSV.
pub(super) async fn names(client: &Client, table: &str) -> Result<Bytes> {
    let sql = format!("copy (select * from {table} limit 0) to stdout (format csv, header)");
    let pieces = client.copy_out(&sql).await.map_err(failed)?;
    let pieces: Vec<_> = pieces.try_collect().await.map_err(failed)?;
    Ok(pieces.concat().into())
}

/// The rows of a query as NDJSON.
pub(super) async fn ndjson(client: &Client, query: &str) -> Result<Lines> {
    let sql = format!("select row_to_json(rows)::text from ({query}\n) as rows");
    let none: [&str; 0] = [];
    let rows = client.query_raw(&sql, none).await.map_err(failed)?;
    Ok(Lines(rows.and_then(|row| async move { line(&row) }).fuse().boxed()))
}

/// A row on one line: a value of the type `json` stays as it was written, maybe on several. Within its
/// strings there are no line breaks.
fn line(row: &Row) -> Result<Bytes, tokio_postgres::Error> {
    let json: &str = row.try_get(0)?;
    let mut line = BytesMut::with_capacity(json.len() + 1);
    line.put_slice(json.as_bytes());
    for at in memchr2_iter(b'\n', b'\r', json.as_bytes()) {
        line[at] = b' ';
    }
    line.put_u8(b'\n');
    Ok(line.freeze())
}

fn failed(source: tokio_postgres::Error) -> Error {
    Error::Database { doing: "read the rows".to_owned(), source }
}
