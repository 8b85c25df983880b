//! What a replay did, for people and programs.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::selection::RejectId;
use crate::database::Connection;
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::ledger::{Counts, TableCounts};
use crate::load::State;
use crate::transform::{Example, Tally};

/// Refused rejects, and loads, that are listed one by one.
const LISTED: usize = 100;

/// What a replay did, as it is printed.
#[derive(Debug, Clone, Serialize)]
pub struct Replayed {
    /// The feed.
    pub feed: String,
    /// Whether its rows are committed, or it was only a dry run.
    pub state: State,
    /// Rejects that were loaded again.
    pub records: u64,
    /// Those that went into the tables.
    pub loaded: u64,
    /// Those that were rejected again: each is a new reject of the replay's load.
    pub rejected: u64,
    /// The new rejects by the word for why.
    pub rejected_by_reason: BTreeMap<String, u64>,
    /// The first new reject of each reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub examples: BTreeMap<String, Example>,
    /// What became of the rows of each table, in the order of the feed's tables.
    pub tables: Vec<TableCounts>,
    /// The loads that it made: one for each load whose rejects it replayed, and each step.
    pub loads: u64,
    /// The numbers of the first of them.
    pub load_ids: Vec<i64>,
    /// Rejects that were not loaded again, and stay as they were.
    pub refused: u64,
    /// The same by the word for why.
    pub refused_by_reason: BTreeMap<Refusal, u64>,
    /// The first of them.
    pub first_refused: Vec<Refused>,
}

/// Why a reject was not loaded again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// There is no such reject of the feed, or its load is not complete.
    NotFound,
    /// It was replayed or ignored before.
    Handled,
    /// Another version of its object was loaded in mode replace, and replaced all rows of its version.
    Replaced,
    /// Its text is not whole in the rejects table, and its version of the object is gone.
    VersionGone,
    /// Its text is longer than a record may be.
    TooLarge,
}

impl Refusal {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Handled => "handled",
            Self::Replaced => "replaced",
            Self::VersionGone => "version_gone",
            Self::TooLarge => "too_large",
        }
    }
}

/// A reject that was not loaded again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The reject.
    #[serde(flatten)]
    pub id: RejectId,
    /// Why.
    pub reason: Refusal,
    /// The same for people.
    pub detail: String,
}

impl Replayed {
    pub(super) fn new(feed: &str, dry_run: bool) -> Self {
        Self {
            feed: feed.to_owned(),
            state: if dry_run { State::DryRun } else { State::Loaded },
            records: 0,
            loaded: 0,
            rejected: 0,
            rejected_by_reason: BTreeMap::new(),
            examples: BTreeMap::new(),
            tables: Vec::new(),
            loads: 0,
            load_ids: Vec::new(),
            refused: 0,
            refused_by_reason: BTreeMap::new(),
            first_refused: Vec::new(),
        }
    }

    /// Adds a load.
    pub(super) fn add(&mut self, load_id: Option<i64>, counts: &Counts) {
        let mut sum = Counts {
            records: self.records,
            loaded: self.loaded,
            rejected: self.rejected,
            tables: std::mem::take(&mut self.tables),
            rejected_by_reason: std::mem::take(&mut self.rejected_by_reason),
            unknown_fields: BTreeMap::new(),
        };
        sum.add(counts);
        (self.records, self.loaded, self.rejected) = (sum.records, sum.loaded, sum.rejected);
        (self.tables, self.rejected_by_reason) = (sum.tables, sum.rejected_by_reason);
        self.loads += u64::from(load_id.is_some());
        self.load_ids.extend(load_id.filter(|_| self.load_ids.len() < LISTED));
    }

    /// Adds the examples of new rejects.
    pub(super) fn add_examples(&mut self, tally: &Tally) {
        for (reason, example) in &tally.examples {
            self.examples.entry(reason.clone()).or_insert_with(|| example.clone());
        }
    }

    pub(super) fn refuse(&mut self, refused: Refused) {
        self.refused += 1;
        *self.refused_by_reason.entry(refused.reason).or_default() += 1;
        if self.first_refused.len() < LISTED {
            self.first_refused.push(refused);
        }
    }

    /// The same with the loads that the ledger has of a job: attempts before this one may have made some.
    pub(super) async fn as_recorded(
        &self,
        connection: &Connection,
        feed: &Arc<Feed>,
        job_id: Uuid,
        newest: i64,
    ) -> Result<Self> {
        let sql = include_str!("../../../sql/queries/replays_of_job.sql");
        let rows = connection.query(sql, &[&job_id, &feed.name, &newest]).await;
        let rows = rows.map_err(|source| Error::Database {
            doing: "read what the replay did from the ledger".to_owned(),
            source,
        })?;
        let mut recorded = Self {
            examples: self.examples.clone(),
            refused: self.refused,
            refused_by_reason: self.refused_by_reason.clone(),
            first_refused: self.first_refused.clone(),
            ..Self::new(&self.feed, false)
        };
        for row in &rows {
            recorded.add(Some(row.get("load_id")), &Counts::from(row));
        }
        Ok(recorded)
    }
}
