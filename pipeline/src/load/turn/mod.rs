//! Keeps units of work in their order where it matters.

use tokio::sync::oneshot::{self, Receiver, Sender, error::TryRecvError};

/// A stage that units of work go through one after the other. When one fails, those behind it do not
/// go through.
#[derive(Debug)]
pub(crate) struct OrderedStage {
    /// None once the one before is known to be through, and for the first.
    before: Option<Receiver<()>>,
    /// Whether the one before is known to have failed.
    is_shut: bool,
    behind: Option<Sender<()>>,
}

impl OrderedStage {
    const fn alone() -> Self {
        Self { before: None, is_shut: false, behind: None }
    }

    fn line(count: usize) -> impl Iterator<Item = Self> {
        let mut before = None;
        (0..count).map(move |_| {
            let (behind, next) = oneshot::channel();
            Self { before: before.replace(next), is_shut: false, behind: Some(behind) }
        })
    }

    /// Whether it is known already that this one will not go through.
    fn is_shut(&mut self) -> bool {
        match self.before.as_mut().map(Receiver::try_recv) {
            Some(Err(TryRecvError::Empty)) | None => {}
            Some(ended) => (self.before, self.is_shut) = (None, ended.is_err()),
        }
        self.is_shut
    }

    /// Waits until the one before is through; false when it failed.
    pub(super) async fn reach(&mut self) -> bool {
        match self.before.take() {
            Some(before) => before.await.is_ok(),
            None => !self.is_shut,
        }
    }

    /// Lets the next one come.
    pub(super) fn pass(&mut self) {
        // There may be none, or it may have failed.
        if let Some(behind) = self.behind.take() {
            behind.send(()).ok();
        }
    }
}

/// The turn of a unit of work: before its claims, and before its merge and commit.
///
/// Claims in order keep two processes from waiting for each other in a ring that the server cannot
/// see, since one of the waits is ours. Commits in order make ties end as they would one after the
/// other.
#[derive(Debug)]
pub(crate) struct Turn {
    /// Before its claims.
    pub(super) claim: OrderedStage,
    /// Before it is merged and committed.
    pub(super) commit: OrderedStage,
}

impl Turn {
    /// The turn of a unit that waits for no other.
    pub(crate) const fn alone() -> Self {
        Self { claim: OrderedStage::alone(), commit: OrderedStage::alone() }
    }

    /// The turns of units that go one after the other.
    pub(crate) fn line(count: usize) -> impl Iterator<Item = Self> {
        let stages = OrderedStage::line(count).zip(OrderedStage::line(count));
        stages.map(|(claim, commit)| Self { claim, commit })
    }

    /// Whether one before has failed already.
    pub(crate) fn is_lost(&mut self) -> bool {
        self.claim.is_shut() || self.commit.is_shut()
    }

    /// Goes through with nothing to claim or commit; false when one before failed.
    pub(crate) async fn skip(mut self) -> bool {
        if !self.claim.reach().await {
            return false;
        }
        self.claim.pass();
        if !self.commit.reach().await {
            return false;
        }
        self.commit.pass();
        true
    }
}

#[cfg(test)]
mod tests;
