//! The rejected records, as they are listed: over REST and by `stevedore rejects`.

use std::collections::BTreeMap;
use std::sync::Arc;

use pipeline::feed::{Feed, Source};
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

/// The rejects tables of feeds that are there. The first load of a feed creates its table.
#[derive(Debug)]
pub(crate) struct RejectTables(Vec<RejectTable>);

#[derive(Debug)]
struct RejectTable {
    /// Feeds that write to it.
    feeds: Vec<String>,
    /// What selects from it.
    sql: String,
}

impl RejectTables {
    /// Looks which tables are there.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub(crate) async fn find<'a>(
        client: &impl GenericClient,
        feeds: impl Iterator<Item = &'a Arc<Feed>>,
    ) -> Result<Self, tokio_postgres::Error> {
        let mut writers = BTreeMap::<_, Vec<&Arc<Feed>>>::new();
        for feed in feeds {
            writers.entry(feed.plan.rejects().name.to_string()).or_default().push(feed);
        }
        let names: Vec<_> = writers.keys().collect();
        let sql = "select name from unnest($1::text[]) as name \
            where to_regclass(name) is not null and to_regclass('stevedore.handled_rejects') is not null";
        let there = client.query(sql, &[&names]).await?;
        let there = there.iter().filter_map(|row| writers.get(row.get::<_, &str>("name")));
        Ok(Self(there.map(|feeds| RejectTable::new(feeds)).collect()))
    }

    /// The statement that lists the rejected records of a feed, or of all, in a state, or in any; none if no table is
    /// there.
    pub(crate) fn list_sql(
        &self,
        feed: Option<&str>,
        state: Option<RejectState>,
    ) -> Option<String> {
        let is_wanted = |table: &&RejectTable| {
            feed.is_none_or(|name| table.feeds.iter().any(|feed| feed == name))
        };
        let rejects = self.union(is_wanted)?;
        let page =
            include_str!("../../sql/queries/rejects_page.sql").replace("{rejects}", &rejects);
        let page = match state {
            None => page.replace("{state}", "$7::text is null"),
            Some(state) => in_state(state, &page),
        };
        Some(include_str!("../../sql/queries/rejects.sql").replace("{page}", &page))
    }

    /// The statement that groups open rejects by feed, reason and place; none if no table is there.
    pub(crate) fn places_sql(&self) -> Option<String> {
        let sql = include_str!("../../sql/queries/reject_places.sql");
        Some(sql.replace("{rejects}", &self.union(|_| true)?))
    }

    fn union(&self, is_wanted: impl Fn(&&RejectTable) -> bool) -> Option<String> {
        let selects: Vec<_> = self.0.iter().filter(is_wanted).map(|table| &*table.sql).collect();
        (!selects.is_empty()).then(|| selects.join(" union all "))
    }
}

/// Loads with open rejects.
const OPEN: &str = include_str!("../../sql/queries/loads_open.sql");

/// A page of rejects in a state, from the page of a load.
fn in_state(state: RejectState, page: &str) -> String {
    let handled = "select from stevedore.handled_rejects h \
        where h.load_id = rejects.load_id and h.record_no = rejects.record_no";
    let condition = match state {
        RejectState::Open => format!("$7::text = 'open' and not exists ({handled})"),
        _ => format!("exists ({handled} and h.state = $7::text)"),
    };
    let counted = "select load_id from stevedore.reject_counts where";
    let loads = match state {
        RejectState::Open => OPEN.to_owned(),
        RejectState::Replayed => format!("{counted} replayed > 0"),
        RejectState::Ignored => format!("{counted} ignored > 0"),
    };
    let page = page.replace("{state}", &format!("load_id = in_state.load_id and {condition}"));
    include_str!("../../sql/queries/rejects_in_state.sql")
        .replace("{loads}", &loads)
        .replace("{page}", &page)
}

impl RejectTable {
    /// With the columns that every rejects table has, `concat`, and which feeds write to the table.
    fn new(feeds: &[&Arc<Feed>]) -> Self {
        let table = feeds[0].plan.rejects();
        let concat = table.filled_with(Source::Concat);
        let concat = concat.map_or("null::text".to_owned(), |column| column.name.to_string());
        let others = table.columns.iter().filter(|column| column.source != Source::Concat);
        let others: String = others.map(|column| format!(", {}", column.name)).collect();
        let quoted = feeds.iter().map(|feed| format!("'{}'", feed.name.replace('\'', "''")));
        let quoted = quoted.collect::<Vec<_>>().join(", ");
        let name = &table.name;
        Self {
            feeds: feeds.iter().map(|feed| feed.name.clone()).collect(),
            sql: format!("select array[{quoted}] as feeds, {concat} as concat{others} from {name}"),
        }
    }
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
