//! Gives a load up that rejects record after record, before it has filled the table of rejects.

use polars::prelude::{DataFrame, PolarsResult};

use crate::feed::Decoded;

/// How many records in a row were rejected so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RejectRun {
    /// 0 for any number.
    most: u64,
    rejects: u64,
}

impl RejectRun {
    pub(crate) const fn new(most: u64) -> Self {
        Self { most, rejects: 0 }
    }

    /// Adds records as decode tells them. The rejects in a row so far, if those are too many.
    pub(crate) fn add(&mut self, records: &DataFrame) -> PolarsResult<Option<u64>> {
        let reasons = records.column(Decoded::Reason.column())?;
        let (rows, valid) = (reasons.len(), reasons.null_count());
        if self.most == 0 || valid == rows {
            self.rejects = 0;
        } else if valid == 0 {
            self.rejects += rows as u64;
        } else {
            return Ok(self.add_each(reasons.is_not_null().iter().flatten()));
        }
        Ok(self.too_many())
    }

    /// Adds one record after the other.
    pub(crate) fn add_each(&mut self, are_rejected: impl Iterator<Item = bool>) -> Option<u64> {
        for is_rejected in are_rejected {
            self.rejects = if is_rejected { self.rejects + 1 } else { 0 };
            if let Some(rejects) = self.too_many() {
                return Some(rejects);
            }
        }
        None
    }

    /// Whether there can be too many among so many records.
    pub(crate) fn could_exceed(&self, records: usize) -> bool {
        self.most > 0 && self.rejects + records as u64 >= self.most
    }

    fn too_many(&self) -> Option<u64> {
        (self.most > 0 && self.rejects >= self.most).then_some(self.rejects)
    }
}

#[cfg(test)]
mod tests;
