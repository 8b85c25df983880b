//! Where the records of a load were.

use tokio_postgres::Row;

use crate::records::{Compression, Format};

/// A load, and the version of the object that it has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The load's number.
    pub load_id: i64,
    /// The bucket of the object, as the ledger calls it.
    pub bucket: String,
    /// Its key there.
    pub key: String,
    /// Where the object really is.
    pub origin: String,
    /// The version.
    pub version: String,
    /// The mode in which it was loaded.
    pub(crate) mode: String,
    pub(crate) format: Option<Format>,
    pub(crate) compression: Compression,
}

impl From<&Row> for Source {
    fn from(row: &Row) -> Self {
        Self {
            load_id: row.get("load_id"),
            bucket: row.get("bucket"),
            key: row.get("key"),
            origin: row.get("origin"),
            version: row.get("version"),
            mode: row.get("mode"),
            format: row.get::<_, Option<&str>>("format").and_then(|word| word.parse().ok()),
            compression: match row.get::<_, Option<&str>>("compression") {
                Some("gzip") => Compression::Gzip,
                Some("zstd") => Compression::Zstd,
                _ => Compression::Plain,
            },
        }
    }
}
