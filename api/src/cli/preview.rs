//! Some rows of a table, as text.

use pipeline::catalog::readback::{Batches, Keep, QueryColumn, texts};
use pipeline::error::Result;
use pipeline::feed::{Feed, Field};
use tokio_postgres::{Client, GenericClient};

/// Some rows of a table, with each cell as Postgres writes it, and none where it is null.
#[derive(Debug)]
pub(crate) struct Preview {
    pub(crate) table: String,
    pub(crate) columns: Vec<QueryColumn>,
    pub(crate) rows: Vec<Vec<Option<String>>>,
    /// Whether the query has more rows than these.
    pub(crate) has_more: bool,
}

impl Preview {
    /// Reads the first `limit` rows of a query.
    pub(super) async fn read(
        client: &impl GenericClient,
        table: &str,
        query: &str,
        limit: usize,
    ) -> Result<Self> {
        // One more tells whether there are more, without counting them.
        let query = format!("{query} limit {}", limit.saturating_add(1));
        let batches = Batches::open(client, &query, &[], Keep::Texts).await?;
        let columns = batches.columns().to_vec();
        let mut rows = texts(&batches.frame().await?);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        Ok(Self { table: table.to_owned(), columns, rows, has_more })
    }
}

/// The first `limit` rows of each table of a feed.
pub(super) async fn preview(client: &Client, feed: &Feed, limit: usize) -> Result<Vec<Preview>> {
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
        let sql = format!("select {} from {table}", columns.join(", "));
        previews.push(Preview::read(client, table, &sql, limit).await?);
    }
    Ok(previews)
}
