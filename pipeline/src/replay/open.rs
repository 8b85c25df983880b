//! The open rejects that are selected, a page after the other: those of the newest loads first, so that of equally
//! new records of one key the later one is merged before the other.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::selection::{RejectFilter, RejectId, Selection};
use super::{ReplayOptions, Source};
use crate::database::Connection;
use crate::error::{Error, Result};
use crate::feed::Feed;

/// Rejects of a page at most.
const REJECTS: i64 = 1000;
/// Loads of a page at most: each takes a lock of the server's table of locks.
const LOADS: usize = 250;
/// Bytes of text that a page aims at.
const TEXT_BYTES: u64 = 4 << 20;
/// Rows that are fetched at once: each may have 64 KiB of text.
const FETCHED_ROWS: i32 = 16;

/// A reject about which nothing was done yet.
#[derive(Debug, Clone)]
pub(super) struct OpenReject {
    pub(super) id: RejectId,
    pub(super) source: Arc<Source>,
    pub(super) object: String,
    pub(super) byte_offset: u64,
    pub(super) byte_length: u64,
    /// What the rejects table shows of its text.
    pub(super) raw: Option<String>,
}

/// What picks the rejects, as parameters of `open_rejects.sql`.
pub(super) struct Picked<'a> {
    pub(super) feed: &'a str,
    /// Only those behind this one.
    pub(super) after: RejectId,
    filter: RejectFilter,
    load_ids: Option<Vec<i64>>,
    record_nos: Option<Vec<i64>>,
}

impl<'a> Picked<'a> {
    pub(super) fn new(feed: &'a str, selection: &Selection, newest: i64) -> Self {
        let named = selection.named();
        let numbers = |number: fn(&RejectId) -> i64| {
            selection.filter().is_none().then(|| named.iter().map(number).collect::<Vec<_>>())
        };
        Self {
            feed,
            after: RejectId { load_id: newest.saturating_add(1), record_no: i64::MAX },
            filter: selection.filter().cloned().unwrap_or_default(),
            load_ids: numbers(|id| id.load_id),
            record_nos: numbers(|id| id.record_no),
        }
    }

    pub(super) fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        let RejectFilter { load_id, object, reason, rule } = &self.filter;
        vec![
            &self.feed,
            &self.after.load_id,
            &self.after.record_no,
            load_id,
            object,
            reason,
            rule,
            &self.load_ids,
            &self.record_nos,
            &REJECTS,
        ]
    }
}

/// Which rejects are behind a place: the rest of its load, then those of the loads before.
const BEHIND: [&str; 2] = [
    "r.load_id = $2::bigint and r.record_no > $3::bigint",
    "r.load_id < $2::bigint and $3::bigint is not null",
];

/// The statements that select the open rejects of a feed behind a place, one after the other.
pub(super) fn open_sql(feed: &Feed) -> [String; 2] {
    let sql = include_str!("../../../sql/queries/open_rejects.sql");
    let sql = sql.replace("{rejects}", &feed.plan.rejects().name.to_string());
    BEHIND.map(|behind| sql.replace("{behind}", behind))
}

/// Whether the feed has a rejects table with the columns that replays need: its first load creates it.
pub(super) async fn has_rejects(connection: &Connection, feed: &Feed) -> Result<bool> {
    let sql = "select count(*) = 2 from pg_attribute where attrelid = to_regclass($1) \
        and attname in ('load_id', 'record_no') and to_regclass('stevedore.loads') is not null";
    let table = feed.plan.rejects().name.to_string();
    let row = connection.query_one(sql, &[&table]).await;
    Ok(row.map_err(failed(&table))?.get(0))
}

pub(super) fn failed(table: &str) -> impl FnOnce(tokio_postgres::Error) -> Error {
    let doing = format!("read the open rejects of {table}");
    move |source| Error::Database { doing, source }
}

/// The pages of a replay. Those of one page have the same mode.
pub(super) struct Pages<'a> {
    feed: &'a Feed,
    picked: Picked<'a>,
    /// Whether pages may have rejects of loads in different modes.
    mixes_modes: bool,
}

impl<'a> Pages<'a> {
    pub(super) fn new(feed: &'a Feed, selection: &Selection, options: &ReplayOptions) -> Self {
        let picked = Picked::new(&feed.name, selection, options.newest);
        Self { feed, picked, mixes_modes: options.mode.is_some() }
    }

    /// The next page; empty if there are no more.
    pub(super) async fn next(&mut self, connection: &mut Connection) -> Result<Vec<OpenReject>> {
        let page = self.read(connection).await?;
        if let Some(last) = page.last() {
            self.picked.after = last.id;
        }
        Ok(page)
    }

    fn read<'b>(
        &'b self,
        connection: &'b mut Connection,
    ) -> BoxFuture<'b, Result<Vec<OpenReject>>> {
        async move {
            let mut page = Page::default();
            if !has_rejects(connection, self.feed).await? {
                return Ok(page.rejects);
            }
            let table = self.feed.plan.rejects().name.to_string();
            let transaction = connection.begin(true).await?;
            for sql in open_sql(self.feed) {
                let portal = transaction.bind(&sql, &self.picked.params()).await;
                let portal = portal.map_err(failed(&table))?;
                loop {
                    let rows = transaction.query_portal(&portal, FETCHED_ROWS).await;
                    let rows = rows.map_err(failed(&table))?;
                    if !rows.iter().all(|row| page.take(row, self.mixes_modes)) {
                        return Ok(page.rejects);
                    }
                    if rows.len() < FETCHED_ROWS as usize {
                        break;
                    }
                }
            }
            Ok(page.rejects)
        }
        .boxed()
    }
}

/// A page that is being filled.
#[derive(Default)]
struct Page {
    rejects: Vec<OpenReject>,
    loads: usize,
    text_bytes: u64,
}

impl Page {
    /// Adds the reject of a row, unless it belongs to the next page.
    fn take(&mut self, row: &Row, mixes_modes: bool) -> bool {
        let load_id: i64 = row.get("load_id");
        let last = self.rejects.last().map(|last| &last.source);
        let source = match last {
            Some(source) if source.load_id == load_id => Arc::clone(source),
            _ => Arc::new(Source::from(row)),
        };
        let is_new = last.is_none_or(|last| last.load_id != load_id);
        let is_of_mode = mixes_modes || last.is_none_or(|last| last.mode == source.mode);
        let reject = OpenReject::new(row, source);
        let text_bytes = reject.byte_length.max(reject.raw.as_ref().map_or(0, String::len) as u64);
        let is_full = self.rejects.len() >= REJECTS as usize
            || self.loads + usize::from(is_new) > LOADS
            || self.text_bytes + text_bytes > TEXT_BYTES;
        if !self.rejects.is_empty() && (is_full || !is_of_mode) {
            return false;
        }
        self.loads += usize::from(is_new);
        self.text_bytes += text_bytes;
        self.rejects.push(reject);
        true
    }
}

impl OpenReject {
    fn new(row: &Row, source: Arc<Source>) -> Self {
        let count = |name| row.get::<_, Option<i64>>(name).unwrap_or_default().unsigned_abs();
        Self {
            id: RejectId { load_id: source.load_id, record_no: row.get("record_no") },
            source,
            object: row.get::<_, Option<String>>("object").unwrap_or_default(),
            byte_offset: count("byte_offset"),
            byte_length: count("byte_length"),
            raw: row.get("raw"),
        }
    }
}
