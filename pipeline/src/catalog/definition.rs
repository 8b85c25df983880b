//! What a crawler is to do, as it is stored: whoever runs it does the same.

use std::num::{NonZeroU64, NonZeroUsize};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::infer::objects::{InferOptions, Sample};
use crate::json::path::JsonPath;
use crate::pattern::{Patterns, Wildcards};
use crate::query::name::check_schema;
use crate::store::Keys;

/// Paths of a crawler: each is looked for in every record until one is found.
const MAX_PATHS: usize = 32;
/// Schemas of a crawler.
const MAX_SCHEMAS: usize = 256;

/// A crawler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Its name: what is known of objects is kept by it.
    pub name: String,
    /// The catalog's database for its tables.
    pub database: String,
    /// What it looks at.
    pub target: Target,
    /// What it does about tables that are in the catalog already.
    #[serde(flatten)]
    pub policies: Policies,
}

/// What a crawler looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Target {
    /// The objects of a bucket.
    Objects(ObjectsTarget),
    /// The tables of the database that the catalog is in.
    Postgres(TablesTarget),
}

/// Which objects to look at, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ObjectsTarget {
    /// The bucket's name.
    pub bucket: String,
    /// What the keys of the objects begin with.
    pub prefix: String,
    /// Patterns of whole keys, of which a key must match one; none for all keys.
    pub include: Vec<String>,
    /// Patterns of whole keys, of which a key must match none.
    pub exclude: Vec<String>,
    /// Where records may be in a document: the first path that leads to some counts. None for `$`.
    pub paths: Vec<JsonPath>,
    /// Records of each object to look at; none for all.
    pub sample: Option<NonZeroU64>,
    /// Objects that are read at the same time; none for as many as there are processors.
    pub parallel: Option<NonZeroUsize>,
}

/// Which tables to look at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TablesTarget {
    /// The schemas that are looked into.
    pub schemas: Vec<String>,
    /// Patterns of names, of which a table must match one: its own, or with its schema before it.
    /// None for all tables.
    pub include: Vec<String>,
    /// Patterns of names, of which a table must match none.
    pub exclude: Vec<String>,
}

/// What a crawler does about tables that are in the catalog already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policies {
    /// If their columns changed.
    pub on_change: OnChange,
    /// If they are not found any more.
    pub on_delete: OnDelete,
}

/// What becomes of a table whose columns changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnChange {
    /// A new version has the columns that were found.
    #[default]
    Update,
    /// A new version has the columns that there were, as they were, and then those that are new.
    AddColumns,
    /// No new version; the report has the changes.
    Log,
}

/// What becomes of a table that is not found any more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDelete {
    /// It stays, marked as deprecated, until it is found again.
    #[default]
    Deprecate,
    /// It goes, with all of its versions.
    Delete,
    /// It stays as it is; the report names it.
    Log,
}

impl Target {
    /// Says what is wrong with a prefix, pattern, path or schema, if something is. Whoever runs a
    /// crawler checks it again: its row may have been written before a limit was there.
    ///
    /// # Errors
    /// [`Error::Location`], [`Error::Pattern`] and [`Error::Schema`].
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Objects(target) => {
                check_number(&target.bucket, "paths", target.paths.len(), MAX_PATHS)?;
                target.keys().check(&target.bucket)
            }
            Self::Postgres(target) => {
                check_number("the database", "schemas", target.schemas.len(), MAX_SCHEMAS)?;
                target.schemas.iter().try_for_each(|schema| check_schema(schema))?;
                patterns(&target.include)?;
                patterns(&target.exclude).map(drop)
            }
        }
    }
}

fn check_number(location: &str, what: &str, found: usize, most: usize) -> Result<()> {
    if found <= most {
        return Ok(());
    }
    let reason = format!("the crawler has {found} {what}, and at most {most} are allowed");
    Err(Error::Location { location: location.to_owned(), reason })
}

impl ObjectsTarget {
    /// The keys that are meant.
    pub(super) fn keys(&self) -> Keys {
        let Self { prefix, include, exclude, .. } = self.clone();
        Keys { prefix, include, exclude }
    }

    /// How objects are read.
    pub(super) fn options(&self) -> InferOptions {
        InferOptions {
            sample: self.sample.map_or(Sample::All, |records| Sample::Records(records.get())),
            paths: self.paths.clone(),
            ..InferOptions::default()
        }
    }

    /// What tells whether an object was read like this.
    pub(super) fn reading(&self) -> String {
        let sample = self.sample.map_or_else(|| "all".to_owned(), |records| records.to_string());
        let paths = self.paths.iter().map(ToString::to_string);
        std::iter::once(sample).chain(paths).collect::<Vec<_>>().join(" ")
    }
}

impl OnChange {
    /// The policy's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Update => "update",
            Self::AddColumns => "add_columns",
            Self::Log => "log",
        }
    }
}

impl OnDelete {
    /// The policy's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deprecate => "deprecate",
            Self::Delete => "delete",
            Self::Log => "log",
        }
    }
}

/// Patterns of the names of tables.
pub(super) fn patterns(texts: &[String]) -> Result<Patterns> {
    Patterns::compile(texts, Wildcards::Anything)
}
