//! How an attempt ended, and what of it is told.

use pipeline::load::Summary;

use super::rejects::Handled;
use crate::wire::JobError;

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is loaded, was loaded before, or was checked.
    Done(Box<Summary>),
    /// Rejects are loaded again or ignored, or were checked.
    Handled(Box<Handled>),
    /// All objects have jobs of their own now.
    Listed,
    /// It cannot be done, or not in this attempt.
    Failed(JobError),
    /// It was called off.
    Cancelled,
    /// The worker stops, and another one is to go on.
    HandedBack,
}
