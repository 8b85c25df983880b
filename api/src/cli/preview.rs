//! Some rows of a table, as text.

use pipeline::error::Result;
use pipeline::feed::{Decoded, Feed, Ident, RowsOf, Source, TablePlan};
use pipeline::query::{Batches, Keep, QueryColumn, texts};
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

/// The first `limit` rows of each table of a feed. Of a rejected record its number, why it is one and
/// its fields are shown.
pub(super) async fn preview(client: &Client, feed: &Feed, limit: usize) -> Result<Vec<Preview>> {
    let mut previews = Vec::new();
    for table in &feed.plan.tables {
        let names = shown(table).iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let sql = format!("select {names} from {}", table.name);
        previews.push(Preview::read(client, &table.name.plain(), &sql, limit).await?);
    }
    Ok(previews)
}

fn shown(table: &TablePlan) -> Vec<&Ident> {
    if table.rows != RowsOf::Rejects {
        return table.columns.iter().map(|column| &column.name).collect();
    }
    let sources = [Decoded::RecordNo, Decoded::Reason, Decoded::Detail].map(Source::Decoded);
    let columns = sources.into_iter().chain([Source::Concat]);
    let columns = columns.filter_map(|source| table.filled_with(source));
    columns.map(|column| &column.name).collect()
}
