//! What bundles have in common, and why one was not written.

use std::sync::Arc;

use crate::error::Error;
use crate::feed::Feed;
use crate::load::LoadOptions;

/// What all bundles have in common.
pub(super) struct Work<'a> {
    pub(super) feed: &'a Arc<Feed>,
    pub(super) options: &'a LoadOptions,
}

/// Why nothing of a bundle was written.
#[derive(Debug)]
pub(super) enum Undone {
    /// One before it failed, or the load was asked to stop.
    PredecessorFailed,
    /// Somebody else has loaded one of its objects meanwhile.
    Raced,
    /// One of its objects is being loaded in parts, which only a load of its own goes on with.
    InParts,
    /// Its text is longer than that of a bundle may be.
    TooLarge,
    /// Something that is not about one object alone.
    Failed(Error),
}

impl From<Error> for Undone {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}
