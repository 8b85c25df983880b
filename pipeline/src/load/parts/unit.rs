//! A part as a unit of work.

use std::ops::Range;
use std::sync::Arc;

use crate::database::LoadTransaction;
use futures::FutureExt;

use super::Load;
use super::take::Owner;
use crate::error::Result;
use crate::failpoint::Failpoint;
use crate::feed::Feed;
use crate::ledger::{self, Counts, Part};
use crate::load::transaction::{Recorded, Transforming, Unit};
use crate::load::{build_transform, stamp, stopped, transforming};
use crate::records::PartReader;
use crate::sink::{Encoder, Targets};
use crate::store::verify_version;
use crate::transform::Tally;

/// A part of a load, as a unit of work.
pub(super) struct PartUnit<'a> {
    load: &'a Load<'a>,
    owner: Owner,
    /// The part that was claimed.
    part: Option<Part>,
    /// The byte to which all had been read when the version was checked.
    checked_to: u64,
}

/// No part is to be taken.
pub(super) struct NoPart;

impl<'a> PartUnit<'a> {
    /// Any part that such an owner has.
    pub(super) const fn new(load: &'a Load<'a>, owner: Owner) -> Self {
        Self { load, owner, part: None, checked_to: 0 }
    }

    /// The part that was claimed.
    pub(super) fn claimed(&self) -> Result<&Part> {
        self.part.as_ref().ok_or_else(|| stopped(self.load.object))
    }
}

impl Unit for PartUnit<'_> {
    const HAS_WHOLE_OBJECTS: bool = false;
    type Found = NoPart;
    type Loaded = ();

    async fn claim(&mut self, transaction: &LoadTransaction<'_>) -> Result<Option<NoPart>> {
        let load_id = self.load.begun.load_id;
        self.part = match self.owner {
            Owner::Unclaimed => ledger::take_part(&**transaction, load_id).await?,
            Owner::Other => ledger::take_part_of_others(&**transaction, load_id).await?,
        };
        Ok(self.part.is_none().then_some(NoPart))
    }

    fn start(&mut self, encoder: Encoder) -> Result<Transforming> {
        let Load { object, feed, options, targets, domains, begun, .. } = self.load;
        let bytes_read = Arc::clone(&options.progress.bytes_read);
        let (reader, mut arrival) =
            PartReader::open(object, self.claimed()?.bytes.clone(), bytes_read);
        self.checked_to = arrival.end;
        let stamp = stamp(object, begun.load_id, begun.started_at);
        let held = (targets.limits(), domains.clone());
        let transform = build_transform(object, feed, held, stamp, Some(encoder), options);
        let object_read = (*object).clone();
        // The store is asked while the rest is written.
        let version_check = async move { arrival.verify_version(&object_read).await }.boxed();
        Ok(Transforming { version_check, ..transforming(object, transform.start_part(reader)) })
    }

    /// Only loads that append have parts.
    async fn remove_replaced(&self, _: &LoadTransaction<'_>, _: &Targets) -> Result<Vec<Vec<u64>>> {
        Ok(Vec::new())
    }

    async fn record(
        &self,
        transaction: &LoadTransaction<'_>,
        _: &Feed,
        tallies: &[Tally],
        counts: Vec<Counts>,
    ) -> Result<()> {
        // The last line may end behind what had been read at the check.
        if tallies.iter().any(|tally| tally.text.end > self.checked_to) {
            verify_version(self.load.object).await?;
        }
        let (load_id, part) = (self.load.begun.load_id, self.claimed()?);
        for (tally, counts) in tallies.iter().zip(&counts) {
            ledger::record_part(&**transaction, load_id, part, &tally.text, counts).await?;
        }
        Ok(())
    }
}

impl Recorded for PartUnit<'_> {
    const POINTS: [Failpoint; 2] = [Failpoint::PartRecorded, Failpoint::PartCommitted];

    fn is_last(&self) -> bool {
        false
    }

    fn names(&self) -> Vec<String> {
        let object = self.load.object.url();
        match &self.part {
            Some(Part { bytes: Range { start, end }, .. }) => {
                vec![format!("{object} (bytes {start} to {end})")]
            }
            None => vec![object],
        }
    }

    async fn is_recorded(&self, transaction: &LoadTransaction<'_>) -> Result<bool> {
        ledger::is_part_committed(&**transaction, self.load.begun.load_id, self.claimed()?).await
    }
}
