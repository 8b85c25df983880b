//! The first rows of the tables, as text.

use pipeline::feed::{Feed, Field};
use tokio_postgres::{Client, Error, SimpleQueryMessage};

/// The first rows of a table.
#[derive(Debug)]
pub(crate) struct Preview {
    pub(crate) table: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Option<String>>>,
}

/// The first `limit` rows of each table of a feed.
pub(super) async fn preview(
    client: &Client,
    feed: &Feed,
    limit: usize,
) -> Result<Vec<Preview>, Error> {
    let (_, entry) = feed.list();
    let names = |fields: &mut dyn Iterator<Item = &'static Field>| {
        fields.map(|field| field.column).chain(["ingested_at"]).collect::<Vec<_>>()
    };
    let key = feed.scalars().filter(|field| field.column == feed.key);
    let tables = [
        (feed.status_table, names(&mut feed.scalars())),
        (feed.log_table, names(&mut key.chain(entry))),
        (feed.rejected_table, vec!["record_no", "reason", "detail", "error_rec"]),
    ];
    let mut previews = Vec::new();
    for (table, columns) in tables {
        let rows = rows(client, table, &columns, limit).await?;
        let columns = columns.into_iter().map(str::to_owned).collect();
        previews.push(Preview { table: table.to_owned(), columns, rows });
    }
    Ok(previews)
}

async fn rows(
    client: &Client,
    table: &str,
    columns: &[&str],
    limit: usize,
) -> Result<Vec<Vec<Option<String>>>, Error> {
    let sql = format!("select {} from {table} limit {limit}", columns.join(", "));
    let answer = client.simple_query(&sql).await?;
    let rows = answer.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
        }
        _ => None,
    });
    Ok(rows.collect())
}
