//! The rejected records, as they are listed: over REST and by `stevedore rejects`.

use std::collections::BTreeSet;
use std::sync::Arc;

use pipeline::feed::{Feed, Source, TablePlan};
use tokio_postgres::types::ToSql;
use tokio_postgres::{GenericClient, Row};

use crate::wire::{Reject, RejectState};

/// Load and number of a record: its place in the list.
pub(crate) type Place = (i64, i64);

/// Which rejected records to list; all of them by default.
#[derive(Debug, Clone, Default)]
pub(crate) struct RejectFilter {
    pub(crate) load_id: Option<i64>,
    pub(crate) record_no: Option<i64>,
    pub(crate) object: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) rule: Option<String>,
    pub(crate) state: Option<RejectState>,
}

/// A page of the list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RejectPlaces {
    load_id: Option<i64>,
    record_no: Option<i64>,
    limit: i64,
    state: Option<&'static str>,
}

impl RejectPlaces {
    /// So many records behind a place.
    pub(crate) fn new(filter: &RejectFilter, after: Option<Place>, limit: i64) -> Self {
        let (load_id, record_no) = after.unzip();
        Self { load_id, record_no, limit, state: filter.state.map(RejectState::as_str) }
    }

    /// The parameters of `rejects.sql`.
    pub(crate) fn params<'a>(&'a self, filter: &'a RejectFilter) -> [&'a (dyn ToSql + Sync); 9] {
        let RejectFilter { load_id, record_no, object, reason, rule, state: _ } = filter;
        [
            load_id,
            object,
            reason,
            &self.load_id,
            &self.record_no,
            &self.limit,
            &self.state,
            rule,
            record_no,
        ]
    }
}

/// The statement that lists the rejected records of feeds; none if there is no rejects table. The first load of a
/// feed creates its table.
///
/// # Errors
/// When the database cannot be asked.
pub(crate) async fn rejects_sql<'a>(
    client: &impl GenericClient,
    feeds: impl Iterator<Item = &'a Arc<Feed>>,
) -> Result<Option<String>, tokio_postgres::Error> {
    let sql = "select to_regclass($1::text) is not null and to_regclass('stevedore.handled_rejects') is not null";
    let mut selects = Vec::new();
    let mut names = BTreeSet::new();
    let tables = feeds.map(|feed| feed.plan.rejects());
    for table in tables.filter(|table| names.insert(table.name.plain())) {
        if client.query_one(sql, &[&table.name.to_string()]).await?.get(0) {
            selects.push(select(table));
        }
    }
    let sql = include_str!("../../sql/queries/rejects.sql");
    Ok((!selects.is_empty()).then(|| sql.replace("{rejects}", &selects.join(" union all "))))
}

/// The columns that every rejects table has, and `concat`.
fn select(table: &TablePlan) -> String {
    let concat = table.filled_with(Source::Concat);
    let concat = concat.map_or("null::text".to_owned(), |column| column.name.to_string());
    let others = table.columns.iter().filter(|column| column.source != Source::Concat);
    let others: String = others.map(|column| format!(", {}", column.name)).collect();
    format!("select {concat} as concat{others} from {}", table.name)
}

impl From<&Row> for Reject {
    fn from(row: &Row) -> Self {
        let word: &str = row.get("state");
        let state = RejectState::ALL.into_iter().find(|state| state.as_str() == word);
        Self {
            load_id: row.get("load_id"),
            feed: row.get("feed"),
            object: row.get("object"),
            object_version: row.get("object_version"),
            record_no: row.get("record_no"),
            byte_offset: row.get("byte_offset"),
            byte_length: row.get("byte_length"),
            reason: row.get("reason"),
            detail: row.get("detail"),
            raw: row.get("raw"),
            concat: row.get("concat"),
            ingested_at: row.get("ingested_at"),
            state: state.unwrap_or(RejectState::Open),
            handled_by: row.get("handled_by"),
            handled_at: row.get("handled_at"),
            note: row.get("note"),
            replay_load_id: row.get("replay_load_id"),
            edited_text: row.get("edited_text"),
            replay_of: row.get("replay_of"),
        }
    }
}
