//! A run of a crawler, and how far it is.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use uuid::Uuid;

use crate::failpoint::Failpoint;

/// A run of a crawler.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its id: that of the request for it, if there is one.
    pub run_id: Uuid,
    /// How far it is.
    pub progress: Arc<CrawlProgress>,
    /// Told at each point at which a test may stop it.
    pub hit: fn(Failpoint),
}

/// How far a crawl of objects is.
#[derive(Debug, Default)]
pub struct CrawlProgress {
    /// Objects that are listed.
    pub objects: AtomicU64,
    /// Those among them that need not be read.
    pub unchanged: AtomicU64,
    /// Those that were read.
    pub read: AtomicU64,
    /// Records in these.
    pub records: AtomicU64,
    /// Bytes that were read, also of objects that are not read to their end yet.
    pub bytes_read: Arc<AtomicU64>,
}
