//! An example of the rejected records of one reason.

use std::fmt;

use polars::prelude::{DataFrame, PolarsResult};
use serde::Serialize;

use crate::feed::{Decoded, Feed, Source};

/// A record that was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// Its number in the object, from 1.
    pub record_no: u64,
    /// The place as a JSON pointer, and what was found wrong there.
    pub detail: String,
}

impl Example {
    /// That of a row of rejected records.
    pub(super) fn of(feed: &Feed, rejects: &DataFrame, row: usize) -> PolarsResult<Self> {
        let column = |decoded| {
            let filled = feed.plan.rejects().filled_with(Source::Decoded(decoded));
            filled.map(|column| rejects.column(column.name.as_str())).transpose()
        };
        let record_no = match column(Decoded::RecordNo)? {
            Some(numbers) => numbers.get(row)?.extract().unwrap_or_default(),
            None => 0,
        };
        let detail = match column(Decoded::Detail)? {
            Some(details) => details.str()?.get(row).unwrap_or_default().to_owned(),
            None => String::new(),
        };
        Ok(Self { record_no, detail })
    }
}

impl fmt::Display for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {}: {}", self.record_no, self.detail)
    }
}
