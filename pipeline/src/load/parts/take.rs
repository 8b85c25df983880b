//! Which parts of a load a connection takes, and when it stops.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use super::Load;
use super::unit::{NoPart, PartUnit};
use crate::database::Connection;
use crate::error::Result;
use crate::load::transaction::{Outcome, load_unit};
use crate::load::turn::Turn;

/// Which parts are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// Those that nobody is at.
    Unclaimed,
    /// Those that others are at, once they leave them.
    Other,
}

impl Load<'_> {
    /// Loads parts on all connections until there are none that nobody is at, or one fails: that is
    /// told when each of the others is done with its part, since one that is dropped while it commits
    /// leaves a part that nobody counts.
    pub(super) async fn take_all(&self, all: impl Iterator<Item = &mut Connection>) -> Result<()> {
        let failed = AtomicBool::new(false);
        let taking = all.map(|connection| self.take_parts(connection, &failed));
        let mut taking = taking.collect::<FuturesUnordered<_>>();
        let mut result = Ok(());
        while let Some(taken) = taking.next().await {
            match taken {
                Err(error) if result.is_err() => {
                    tracing::debug!(%error, "another part could not be loaded either");
                }
                taken => result = result.and(taken),
            }
        }
        result
    }

    async fn take_parts(&self, connection: &mut Connection, failed: &AtomicBool) -> Result<()> {
        while !failed.load(Ordering::Relaxed) {
            match self.load_part(connection, Owner::Unclaimed).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    failed.store(true, Ordering::Relaxed);
                    return Err(connection.explain(error).await);
                }
            }
        }
        Ok(())
    }

    /// Loads a part: all of it is committed, with its entry in the ledger, or nothing. False when there
    /// is none to be taken.
    pub(super) async fn load_part(
        &self,
        connection: &mut Connection,
        owner: Owner,
    ) -> Result<bool> {
        let mut unit = PartUnit::new(self, owner);
        let (targets, options) = (&self.targets, self.options);
        match load_unit(&mut unit, connection, targets, options, Turn::alone()).await? {
            Outcome::Loaded(()) => {
                let number = unit.claimed()?.number;
                self.committed.lock().unwrap_or_else(PoisonError::into_inner).insert(number);
                Ok(true)
            }
            Outcome::Found(NoPart) | Outcome::PredecessorFailed | Outcome::Overtaken => Ok(false),
        }
    }
}
