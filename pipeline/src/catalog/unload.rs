//! Rows of Postgres as the text of a file, of which no more is in memory than a few rows.

use bytes::{BufMut, Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use memchr::memchr2_iter;
use tokio_postgres::{Client, Row};

use crate::error::{Error, Result};

/// The rows of a query as CSV (RFC 4180): a line with the names first, then one piece a row. Null is
/// nothing, and the empty text `""`. The server writes it, which nothing of ours could do faster.
///
/// # Errors
/// [`Error::Database`], as do the pieces.
pub async fn csv(client: &Client, query: &str) -> Result<BoxStream<'static, Result<Bytes>>> {
    let sql = format!("copy ({query}\n) to stdout (format csv, header)");
    let pieces = client.copy_out(&sql).await.map_err(failed)?;
    Ok(pieces.map_err(failed).boxed())
}

/// The rows of a query as NDJSON, one piece a row, as `row_to_json` writes them: numbers keep all their
/// digits, and what JSON has no number for, like `NaN`, is a string.
///
/// # Errors
/// As [`csv`].
pub async fn ndjson(client: &Client, query: &str) -> Result<BoxStream<'static, Result<Bytes>>> {
    let sql = format!("select row_to_json(rows)::text from ({query}\n) as rows");
    let none: [&str; 0] = [];
    let rows = client.query_raw(&sql, none).await.map_err(failed)?;
    Ok(rows.and_then(|row| async move { line(&row) }).map_err(failed).boxed())
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
