//! What a load did, for people and programs.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::error::Error;
use crate::feed::{Children, Feed};
use crate::ledger::{Counts, EarlierVersion, Loaded, TableCounts};
use crate::sink::Mode;
use crate::store::{Listed, Object};
use crate::transform::Example;

/// What a load did, as it is printed.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The object, as people call it.
    pub object: String,
    /// Its version.
    pub version: String,
    /// The feed that it went through; none if it was unclear which.
    pub feed: Option<String>,
    /// How the load ended.
    pub state: State,
    /// The mode in which the tables were written or, of a dry run, would be; none of a load that
    /// failed.
    #[serde(rename = "strategy")]
    pub mode: Option<Mode>,
    /// Records of the object.
    pub records: u64,
    /// Records that went into the tables.
    pub loaded: u64,
    /// Records that went into the rejects table.
    pub rejected: u64,
    /// What became of the rows of each table, in the order of the feed's tables.
    pub tables: Vec<TableCounts>,
    /// The object's size as it is stored.
    pub bytes: u64,
    /// How long the load took.
    pub seconds: f64,
    /// The load's number in the ledger; none for a dry run.
    pub load_id: Option<i64>,
    /// Rejected records by the word for why.
    pub rejected_by_reason: BTreeMap<String, u64>,
    /// How often each key that the feed does not have was seen.
    pub unknown_fields: BTreeMap<String, u64>,
    /// What is odd about the load, though it is done: what does not fit the feed, and what the load did.
    pub warnings: Vec<Warning>,
    /// Why the load failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The first rejected record of each reason, of a dry run.
    #[serde(skip)]
    pub examples: BTreeMap<String, Example>,
    /// Why the object was loaded on one connection. None if it was loaded in parts or in a bundle, or
    /// not at all.
    #[serde(skip)]
    pub sequential_reason: Option<String>,
}

/// Something that somebody should look at, though the load is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The field, as the feed or, if it is new, the source calls it. None if the warning is about the whole
    /// load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is the matter.
    pub kind: WarningKind,
    /// The same for people.
    pub detail: String,
}

/// What is the matter with a field, or with a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningKind {
    /// The feed does not have it.
    NewField,
    /// The source does not have it, as far as it was looked at.
    MissingField,
    /// Not all of its values fit the feed or its target.
    TypeMismatch,
    /// The object has records, and all of them were rejected.
    AllRejected,
    /// Another version of the object was loaded before, and its rows stay beside those of this load.
    ObjectOverwritten,
}

impl Warning {
    fn all_rejected(counts: &Counts) -> Option<Self> {
        let Counts { records, rejected, rejected_by_reason, .. } = counts;
        if *records == 0 || rejected < records {
            return None;
        }
        let reasons: Vec<_> =
            rejected_by_reason.iter().map(|(word, n)| format!("{word} {n}")).collect();
        let detail =
            format!("every record was rejected, {rejected} of {records}: {}", reasons.join(", "));
        Some(Self { field: None, kind: WarningKind::AllRejected, detail })
    }

    /// About a load in this mode of an object of which another version was loaded. None if that version
    /// has no rows that stay: merging leaves only those of child tables.
    fn object_overwritten(
        mode: Mode,
        children: Children,
        earlier: &EarlierVersion,
    ) -> Option<Self> {
        let EarlierVersion { load_id, version, started_at, loaded, child_rows, is_complete } =
            earlier;
        let (rows, which, instead) = match (mode, children) {
            (Mode::Append, _) if loaded + child_rows > 0 => (
                format!("{loaded} rows and {child_rows} rows of child tables"),
                "rows",
                "mode replace",
            ),
            (Mode::Merge, Children::Append) if *child_rows > 0 => (
                format!("{child_rows} rows of child tables"),
                "rows of child tables",
                "`children = \"replace\"` in the feed",
            ),
            _ => return None,
        };
        let detail = if *is_complete {
            let ingested_at = DateTime::<Utc>::from(*started_at).format("%Y-%m-%d %H:%M:%S%.6f");
            format!(
                "load {load_id} loaded another version of the object, {version}: its {rows} stay beside those \
                 of this load. With {instead} they would be replaced. To keep only this version now, delete the \
                 {which} with ingested_at = '{ingested_at}'"
            )
        } else {
            format!(
                "load {load_id} of another version of the object, {version}, is unfinished: its {rows} stay \
                 beside those of this load. To remove them: stevedore loads discard {load_id}"
            )
        };
        Some(Self { field: None, kind: WarningKind::ObjectOverwritten, detail })
    }
}

/// How a load ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its rows are committed.
    Loaded,
    /// The same version was loaded before; nothing was written.
    AlreadyLoaded,
    /// Everything was read and checked; nothing was written.
    DryRun,
    /// Nothing was written.
    Failed,
}

impl Summary {
    pub(crate) fn new(
        object: &Object,
        state: State,
        mode: impl Into<Option<Mode>>,
        load_id: Option<i64>,
        seconds: f64,
        counts: Counts,
    ) -> Self {
        let is_new = matches!(state, State::Loaded | State::DryRun);
        let all_rejected = Warning::all_rejected(&counts).filter(|_| is_new);
        Self {
            object: object.url(),
            version: object.version(),
            feed: None,
            state,
            mode: mode.into(),
            records: counts.records,
            loaded: counts.loaded,
            rejected: counts.rejected,
            tables: counts.tables,
            bytes: object.size,
            seconds,
            load_id,
            rejected_by_reason: counts.rejected_by_reason,
            unknown_fields: counts.unknown_fields,
            warnings: all_rejected.into_iter().collect(),
            error: None,
            examples: BTreeMap::new(),
            sequential_reason: None,
        }
    }

    /// Says which feed the object went through.
    pub(crate) fn through(self, feed: &Feed) -> Self {
        Self { feed: Some(feed.name.clone()), ..self }
    }

    /// Adds the warning about another version of the object that was loaded before.
    pub(crate) fn after(mut self, earlier: Option<&EarlierVersion>, children: Children) -> Self {
        // A load of which every record was rejected puts no rows beside others.
        let mode = self.mode.filter(|_| self.loaded > 0);
        let warning = mode
            .zip(earlier)
            .and_then(|(mode, it)| Warning::object_overwritten(mode, children, it));
        self.warnings.extend(warning);
        self
    }

    /// The summary of a load that failed: nothing of it is anywhere. It has no version where the store did
    /// not say which one there is.
    #[must_use]
    pub fn failed(object: &Listed, feed: Option<&Feed>, error: &Error) -> Self {
        let version = object.object().map(Object::version).unwrap_or_default();
        let seeming = object.seeming();
        let nothing = Self::new(seeming, State::Failed, None, None, 0.0, Counts::default());
        let feed = feed.map(|feed| feed.name.clone());
        Self { version, feed, error: Some(error.with_causes()), ..nothing }
    }

    pub(crate) fn already_loaded(object: &Object, loaded: Loaded) -> Self {
        let Loaded { load_id, mode, seconds, counts, started_at: _ } = loaded;
        Self::new(object, State::AlreadyLoaded, mode, Some(load_id), seconds, counts)
    }
}
