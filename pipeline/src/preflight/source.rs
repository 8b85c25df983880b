//! The table of the catalog that an object belongs to.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio_postgres::types::Json;
use tokio_postgres::{GenericClient, Row};

use crate::catalog::sample::is_sample;
use crate::database::Ask;
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::infer::column::Column;
use crate::store::{Listed, Object};

/// What an object is taken to hold.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// What people call it.
    pub(super) name: String,
    /// Records that were looked at.
    pub(super) records: u64,
    pub(super) columns: Arc<Vec<Column>>,
    /// Whether nobody but us has asked for the table.
    pub(super) is_sample: bool,
}

/// What the catalog knows of an object's bucket.
#[derive(Debug)]
pub(super) enum Known {
    /// Nobody has looked.
    Nothing,
    /// It was looked at, and no table was found.
    NoTable,
    Table(Source),
}

/// An object by its names; which version it is makes no difference to what it is taken to hold.
#[derive(Debug)]
pub(super) struct Named<'a> {
    origin: String,
    bucket: &'a str,
    key: &'a str,
}

impl<'a> From<&'a Object> for Named<'a> {
    fn from(object: &'a Object) -> Self {
        Self { origin: object.origin(), bucket: &object.bucket.name, key: &object.key }
    }
}

impl<'a> From<&'a Listed> for Named<'a> {
    fn from(listed: &'a Listed) -> Self {
        Self { origin: listed.origin(), bucket: &listed.bucket().name, key: listed.key() }
    }
}

/// The columns of tables that were asked for before, by the tables' ids; those of a version change
/// when the table is crawled.
#[derive(Debug, Default)]
pub(super) struct Columns(Mutex<HashMap<i64, Versioned>>);

type Version = (i32, DateTime<Utc>);
type Versioned = (Version, Arc<Vec<Column>>);

/// A table that the object may belong to.
struct Candidate {
    table_id: i64,
    version: Version,
    source: Source,
    /// The length of the table's folder, if the object is in it.
    folder: Option<usize>,
    /// The names of the object's fields, if it was crawled.
    names: Option<Vec<String>>,
}

impl Columns {
    /// Finds the newest version of the table that each object belongs to: the one that has its fields, if
    /// it was crawled; else one that somebody has asked for before one of ours, one whose folder it is
    /// in, one that has most of the feed's fields, and of these the one that was crawled last.
    pub(super) async fn find(
        &self,
        objects: &[Named<'_>],
        feed: &Feed,
        client: &impl Ask,
    ) -> Result<Vec<Known>> {
        let sql = include_str!("../../../sql/queries/source_tables.sql");
        let origins: Vec<_> = objects.iter().map(|object| object.origin.as_str()).collect();
        let buckets: Vec<_> = objects.iter().map(|object| object.bucket).collect();
        let keys: Vec<_> = objects.iter().map(|object| object.key).collect();
        let rows = client.ask(sql, &[&origins, &buckets, &keys]).await.map_err(failed)?;
        let mut candidates: Vec<Vec<_>> = objects.iter().map(|_| Vec::new()).collect();
        for row in &rows {
            let number = row.get::<_, i64>("number").unsigned_abs() as usize;
            candidates[number - 1].push(Candidate::of(row));
        }
        let all = candidates.iter_mut().flatten().flatten();
        self.complete(all.collect(), client).await?;
        Ok(candidates.into_iter().map(|of_object| Known::of(of_object, feed)).collect())
    }

    /// Adds the columns, asking for those that are not known yet.
    async fn complete(&self, candidates: Vec<&mut Candidate>, client: &impl Ask) -> Result<()> {
        let unknown: HashSet<i64> = {
            let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let is_known = |candidate: &&&mut Candidate| {
                known
                    .get(&candidate.table_id)
                    .is_none_or(|(version, _)| *version != candidate.version)
            };
            candidates.iter().filter(is_known).map(|candidate| candidate.table_id).collect()
        };
        let unknown: Vec<i64> = unknown.into_iter().collect();
        let mut read = HashMap::new();
        if !unknown.is_empty() {
            let sql = "select table_id, version, t.crawled_at, v.columns \
                from stevedore.catalog_tables t join stevedore.catalog_versions v \
                using (table_id, version) where table_id = any ($1::bigint[])";
            for row in client.client().query(sql, &[&unknown]).await.map_err(failed)? {
                let Json(columns) = row.get::<_, Json<Vec<Column>>>("columns");
                let version: Version = (row.get("version"), row.get("crawled_at"));
                read.insert(row.get::<_, i64>("table_id"), (version, Arc::new(columns)));
            }
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(read);
        for candidate in candidates {
            if let Some((_, columns)) = known.get(&candidate.table_id) {
                candidate.source.columns = Arc::clone(columns);
            }
        }
        Ok(())
    }
}

impl Known {
    /// The best of the tables that an object may belong to; none for each crawler that has found none.
    fn of(candidates: Vec<Option<Candidate>>, feed: &Feed) -> Self {
        if candidates.is_empty() {
            return Self::Nothing;
        }
        // Rows come with those that were crawled last before the others, and the last maximum wins.
        let best = candidates.into_iter().flatten().rev();
        let best = best.max_by_key(|candidate| candidate.rank(feed));
        best.map_or(Self::NoTable, |candidate| Self::Table(candidate.source))
    }
}

impl Candidate {
    /// A table of a row; none where a crawler has found none.
    fn of(row: &Row) -> Option<Self> {
        let table_id = row.get::<_, Option<i64>>("table_id")?;
        let version: i32 = row.get("version");
        let name: &str = row.get("name");
        let folder: &str = row.get("folder");
        let source = Source {
            name: format!("{name}, version {version}"),
            records: row.get::<_, Option<i64>>("records").unwrap_or_default().unsigned_abs(),
            columns: Arc::default(),
            is_sample: is_sample(row.get("crawler")),
        };
        let is_in = row.get::<_, &str>("key").starts_with(folder);
        Some(Self {
            table_id,
            version: (version, row.get("crawled_at")),
            source,
            folder: is_in.then_some(folder.len()),
            names: row.get("names"),
        })
    }

    /// The greater, the sooner the object belongs to the table.
    fn rank(&self, feed: &Feed) -> (bool, bool, Option<usize>, usize) {
        let columns = &self.source.columns;
        let has = |name: &str| columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
        let names = self.names.as_ref().filter(|names| !names.is_empty());
        let is_its = names.is_some_and(|names| names.iter().all(|name| has(name)));
        let fields = feed
            .fields
            .iter()
            .filter(|field| field.path.first().is_some_and(|key| has(key)))
            .count();
        (is_its, !self.source.is_sample, self.folder, fields)
    }
}

fn failed(source: tokio_postgres::Error) -> Error {
    Error::Database { doing: "look the object up in the catalog".to_owned(), source }
}
