//! Keeps bundles in their order where it matters.

use tokio::sync::oneshot::{self, Receiver, Sender, error::TryRecvError};

/// A point that the bundles of a line pass one after the other; when one fails, those behind it do not
/// come through.
#[derive(Debug)]
pub(super) struct Gate {
    /// None once it is known that the one before is through, and for the first.
    before: Option<Receiver<()>>,
    /// Whether it is known that the one before failed.
    is_shut: bool,
    behind: Sender<()>,
}

impl Gate {
    fn line(count: usize) -> impl Iterator<Item = Self> {
        let mut before = None;
        (0..count).map(move |_| {
            let (behind, next) = oneshot::channel();
            Self { before: before.replace(next), is_shut: false, behind }
        })
    }

    /// Whether it is known already that this will not come through.
    fn is_shut(&mut self) -> bool {
        match self.before.as_mut().map(Receiver::try_recv) {
            Some(Err(TryRecvError::Empty)) | None => {}
            Some(told) => (self.before, self.is_shut) = (None, told.is_err()),
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
    pub(super) fn pass(self) {
        // There may be none.
        self.behind.send(()).ok();
    }
}

/// The place of a bundle in its line.
#[derive(Debug)]
pub(super) struct Place {
    /// Before its claims.
    pub(super) claim: Gate,
    /// Before it is merged and committed.
    pub(super) commit: Gate,
}

impl Place {
    pub(super) fn line(count: usize) -> impl Iterator<Item = Self> {
        Gate::line(count).zip(Gate::line(count)).map(|(claim, commit)| Self { claim, commit })
    }

    /// Whether one before has failed already.
    pub(super) fn is_lost(&mut self) -> bool {
        self.claim.is_shut() || self.commit.is_shut()
    }

    /// Goes through with nothing to claim or commit; false when one before failed.
    pub(super) async fn pass(mut self) -> bool {
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
mod tests {
    use super::Place;

    #[tokio::test]
    async fn who_is_behind_one_that_failed_does_not_come_through() {
        let mut line = Place::line(4);
        let (first, second) = (line.next().unwrap(), line.next().unwrap());
        let (mut third, fourth) = (line.next().unwrap(), line.next().unwrap());
        assert!(first.pass().await && !third.is_lost());
        drop(second);
        assert!(third.is_lost());
        let (third, fourth) = tokio::join!(third.pass(), fourth.pass());
        assert!(!third && !fourth);
    }
}
