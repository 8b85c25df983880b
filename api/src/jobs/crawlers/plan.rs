//! What a crawler is to do, as it is sent.

use pipeline::catalog::crawler::DEFAULT_DATABASE;
use pipeline::catalog::definition::Target;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::wire::{ChangePolicy, DeletePolicy};

/// Most records of an object in a sample, and most objects that are read at the same time.
const MOST_SAMPLED: u32 = 1_000_000_000;
const MOST_PARALLEL: u8 = 64;

/// What a crawler is to do, and when.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CrawlerPlan {
    /// Database of the catalog for its tables
    #[serde(default = "CrawlerPlan::default_database")]
    #[schema(default = "default", min_length = 1)]
    pub(crate) database: String,
    /// What to crawl
    pub(crate) target: CrawlTarget,
    /// What to do with a table whose columns changed. `update` makes a new version. `add_columns` makes
    /// one that keeps the known columns. `log` only reports the changes
    #[serde(default)]
    pub(crate) on_change: ChangePolicy,
    /// What to do with a table that is no longer found. `deprecate` marks it. `delete` removes it with its
    /// versions. `log` only reports it
    #[serde(default)]
    pub(crate) on_delete: DeletePolicy,
    /// Schedule as five fields of cron, in UTC; null to run only on request
    #[serde(default)]
    #[schema(example = "0 3 * * *")]
    pub(crate) schedule: Option<String>,
}

/// What to crawl.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum CrawlTarget {
    /// The objects of a bucket
    Objects {
        /// The configured bucket
        #[schema(example = "microservice-hw")]
        bucket: String,
        /// Only objects whose key begins with this text
        #[serde(default)]
        prefix: String,
        /// Only objects whose whole key matches one of these patterns; empty for all
        #[serde(default)]
        include: Vec<String>,
        /// No objects whose whole key matches one of these patterns
        #[serde(default)]
        exclude: Vec<String>,
        /// Where the records are in a document, as JsonPaths (`$`, `$[*]`, `$.a.b[*]`). The first that leads
        /// to records is used. Empty for `$`
        #[serde(default)]
        paths: Vec<String>,
        /// Records to read of each object; null for all
        #[serde(default, deserialize_with = "whole")]
        #[schema(minimum = 1, maximum = 1000000000)]
        sample: Option<u32>,
        /// Objects to read at the same time; null for one for each processor of the worker
        #[serde(default, deserialize_with = "whole")]
        #[schema(minimum = 1, maximum = 64)]
        parallel: Option<u8>,
    },
    /// The tables of the database that holds the catalog
    Postgres {
        /// The schemas to crawl
        #[serde(default = "public")]
        schemas: Vec<String>,
        /// Only tables whose name matches one of these patterns, alone or as schema.table; empty for all
        #[serde(default)]
        include: Vec<String>,
        /// No tables whose name matches one of these patterns
        #[serde(default)]
        exclude: Vec<String>,
    },
}

/// A whole number, which JSON may write as `5.0` too.
pub(in crate::jobs) fn whole<'de, D: Deserializer<'de>, T: TryFrom<u32>>(
    number: D,
) -> Result<Option<T>, D::Error> {
    let Some(number) = Option::<f64>::deserialize(number)? else {
        return Ok(None);
    };
    let is_whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
    let whole = is_whole.then(|| T::try_from(number as u32).ok()).flatten();
    whole.map(Some).ok_or_else(|| D::Error::custom("expected a whole number in the range"))
}

fn public() -> Vec<String> {
    vec!["public".to_owned()]
}

/// Why a plan cannot be carried out, as a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongPlan(pub(crate) String);

impl CrawlerPlan {
    pub(crate) fn default_database() -> String {
        DEFAULT_DATABASE.to_owned()
    }

    /// The target as the library has it, if that and what is said beside it can be carried out.
    pub(crate) fn checked(&self) -> Result<Target, WrongPlan> {
        let wrong = |text: String| Err(WrongPlan(text));
        let value = serde_json::to_value(&self.target).unwrap_or_default();
        if self.database.contains('\0') || holds_nul(&value) {
            return wrong("a text holds U+0000".to_owned());
        }
        if self.database.is_empty() {
            return wrong("the database has no name".to_owned());
        }
        if let CrawlTarget::Objects { sample, parallel, .. } = &self.target
            && (sample.is_some_and(|records| records > MOST_SAMPLED)
                || parallel.is_some_and(|objects| objects > MOST_PARALLEL))
        {
            return wrong(format!(
                "sample is at most {MOST_SAMPLED} and parallel at most {MOST_PARALLEL}"
            ));
        }
        let target: Target =
            serde_json::from_value(value).or_else(|error| wrong(error.to_string()))?;
        match target.check() {
            Ok(()) => Ok(target),
            Err(error) => wrong(error.to_string()),
        }
    }
}

/// Whether a text within a value holds U+0000, which the database does not take.
pub(crate) fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(holds_nul),
        Value::Object(fields) => fields.values().any(holds_nul),
        _ => false,
    }
}
