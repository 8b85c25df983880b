//! Counts of a load, by all who know them.

use serde::Serialize;

use crate::load::Summary;
use crate::records::Format;
use crate::sink::Mode;

/// A count by all who know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Count {
    /// What the ledger says.
    pub ledger: u64,
    /// How many rows are there; None of what has no rows.
    pub table: Option<u64>,
    /// What the object gives when it is read anew; None if it was not.
    pub object: Option<u64>,
    /// Whether fewer rows than the ledger says are right too, as later loads may have replaced some.
    pub at_most: bool,
}

impl Count {
    /// Whether all who know it say the same.
    #[must_use]
    pub fn agrees(&self) -> bool {
        let in_table = self.table.is_none_or(|rows| {
            if self.at_most { rows <= self.ledger } else { rows == self.ledger }
        });
        in_table && self.object.is_none_or(|count| count == self.ledger)
    }
}

/// How far a load in parts is that is not complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Incomplete {
    /// Parts that are committed.
    pub committed: u64,
    /// All parts.
    pub parts: u64,
}

/// What was done about the rejects of a load: each is one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RejectStates {
    /// Nothing was done about them.
    pub open: u64,
    /// They were loaded again.
    pub replayed: u64,
    /// They were ignored.
    pub ignored: u64,
    /// They were removed since they were too old.
    pub removed: u64,
}

impl RejectStates {
    const fn sum(self) -> u64 {
        self.open + self.replayed + self.ignored + self.removed
    }
}

/// The rejects that a replay has claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// The load that rejected them.
    pub replay_of: u64,
    /// How many they are: the records of the replay.
    pub rejects: Count,
}

/// A load of the ledger, and what is there of it.
#[derive(Debug, Clone, Serialize)]
pub struct Verified {
    /// The load.
    pub load_id: u64,
    /// Its object, as the ledger calls it.
    pub object: String,
    /// Where the object really is, if that is known.
    pub origin: Option<String>,
    /// The version of the object that was loaded.
    pub version: String,
    /// The mode in which it was written.
    #[serde(skip)]
    pub mode: Mode,
    /// How the object's records follow each other.
    #[serde(skip)]
    pub format: Option<Format>,
    /// How far it is, if it is not complete: the counts are those of the parts that are committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<Incomplete>,
    /// Records of the object.
    pub records: Count,
    /// Records that are valid.
    pub loaded: Count,
    /// Records that are rejected.
    pub rejected: Count,
    /// What was done about its rejects.
    pub reject_states: RejectStates,
    /// Which rejects it has loaded again, if it is a replay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay: Option<Claims>,
    /// Rows of each table that the load has written, in the order of the feed's tables.
    pub tables: Vec<TableCount>,
}

/// The rows of a load in one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableCount {
    /// The table, as the feed names it.
    pub table: String,
    /// How many rows it has of the load.
    pub rows: Count,
}

impl Verified {
    /// Whether all counts agree.
    #[must_use]
    pub fn agrees(&self) -> bool {
        let of_tables = self.tables.iter().map(|table| &table.rows);
        let of_replay = self.replay.iter().map(|claims| &claims.rejects);
        let counts = [&self.records, &self.loaded, &self.rejected].into_iter().chain(of_tables);
        counts.chain(of_replay).all(Count::agrees)
            && self.reject_states.sum() == self.rejected.ledger
    }

    /// Adds what a dry run of the same version has counted.
    pub fn add(&mut self, anew: &Summary) {
        self.records.object = Some(anew.records);
        self.loaded.object = Some(anew.loaded);
        self.rejected.object = Some(anew.rejected);
        // A dry run does not know what a merge leaves of the rows that it replaces.
        let is_merged = self.mode == Mode::Merge;
        for of_load in self.tables.iter_mut().filter(|table| !(is_merged && table.rows.at_most)) {
            let anew = anew.tables.iter().find(|of_anew| of_anew.table == of_load.table);
            of_load.rows.object = anew.map(|table| table.counts.rows);
        }
    }
}
