//! The end of a load in parts: its parts are all of the object.

use futures::future::try_join;

use super::add_up::{add_up, records_before};
use super::{Load, stale};
use crate::database::{Connection, LoadTransaction};
use crate::error::{Error, Result};
use crate::failpoint::Failpoint;
use crate::ledger::{self, Identity, Loaded};
use crate::load::rejects::check_parts;
use crate::load::transaction::{Recorded, commit};
use crate::store::Object;
use crate::summary::{State, Summary};

impl Load<'_> {
    /// Makes the load complete, all of whose parts are committed, unless somebody else has.
    pub(super) async fn complete(
        &self,
        identity: &Identity,
        connection: &mut Connection,
    ) -> Result<Summary> {
        let Self { object, options, .. } = self;
        let (database, load_id) = (connection.database().clone(), self.begun.load_id);
        connection.reconnect().await?;
        let transaction = connection.begin(false).await?;
        ledger::claim(&transaction, &[identity]).await?;
        if ledger::is_recorded(&*transaction, load_id).await? {
            let loaded = ledger::loaded(&transaction, &[identity], None).await?;
            let loaded = loaded.into_iter().flatten().next();
            return loaded.map(|loaded| self.completed(loaded)).ok_or_else(|| stale(object));
        }
        let identities = [identity];
        let (parts, earlier) = try_join(
            ledger::parts(&*transaction, load_id),
            ledger::earlier_versions(&transaction, &identities),
        )
        .await?;
        if parts.is_empty() {
            return Err(Error::Discarded { object: object.url(), load_id });
        }
        let counts = add_up(object.size, &parts)
            .map_err(|detail| Error::CountMismatch { object: object.url(), detail })?;
        check_parts(&object.url(), &counts, options.max_rejected)?;
        let (starts, before) = records_before(&parts);
        if parts.iter().skip(1).any(|part| part.counts.rejected > 0) {
            self.targets.number_rejected(&transaction, load_id, &starts, &before).await?;
        }
        let seconds = ledger::complete(&*transaction, load_id, options.job_id, &counts).await?;
        commit(transaction, &database, &Completion { object, identity, load_id }, options).await?;
        let mode = self.targets.mode();
        let summary = Summary::new(object, State::Loaded, mode, Some(load_id), seconds, counts);
        Ok(summary.after(earlier.first().and_then(Option::as_ref), self.targets.feed().children))
    }

    /// The summary of a load that somebody else has made complete: ours too, if a part was.
    fn completed(&self, loaded: Loaded) -> Summary {
        let summary = Summary::already_loaded(self.object, loaded);
        match self.committed_here() {
            0 => summary,
            _ => Summary { state: State::Loaded, ..summary },
        }
    }
}

/// A load in parts that is complete.
struct Completion<'a> {
    object: &'a Object,
    identity: &'a Identity,
    load_id: i64,
}

impl Recorded for Completion<'_> {
    const POINTS: [Failpoint; 2] = [Failpoint::Recorded, Failpoint::Committed];

    fn is_last(&self) -> bool {
        true
    }

    fn names(&self) -> Vec<String> {
        vec![self.object.url()]
    }

    async fn is_recorded(&self, transaction: &LoadTransaction<'_>) -> Result<bool> {
        ledger::claim(transaction, &[self.identity]).await?;
        ledger::is_recorded(&**transaction, self.load_id).await
    }
}
