//! The frames of some records, and their way to encoded rows.

use polars::prelude::{DataFrame, IntoLazy};

use crate::error::{Error, Result};
use crate::feed::{Feed, RowsOf};
use crate::frame::{self, Stamps};
use crate::sink::{Encoder, Rows};

/// The frames of some records: one for each table of the feed.
pub(crate) struct Frames {
    /// Where no record is rejected, the last has only the columns of decode.
    pub(crate) tables: Vec<DataFrame>,
}

impl Frames {
    pub(crate) fn split(
        records: &DataFrame,
        feed: &Feed,
        stamps: &(impl Stamps + ?Sized),
    ) -> Result<Self> {
        let mut tables: Vec<DataFrame> = Vec::with_capacity(feed.plan.tables.len());
        for (at, table) in feed.plan.tables.iter().enumerate() {
            let loaded = tables.first().map(DataFrame::height);
            // Of most batches nothing is rejected.
            let is_empty = table.rows == RowsOf::Rejects && loaded == Some(records.height());
            tables.push(if is_empty {
                records.head(Some(0))
            } else {
                let rows = frame::rows(records.clone().lazy(), feed, at, stamps).collect();
                rows.map_err(|source| Error::Frame { doing: doing(table.rows), source })?
            });
        }
        Ok(Self { tables })
    }

    /// Encodes the rows; those of child tables go first, since they wait least.
    pub(crate) fn encode(
        mut self,
        encoder: &Encoder,
        mut send: impl FnMut(Rows) -> bool,
    ) -> Result<()> {
        let children = 1..self.tables.len();
        for table in children.chain([0]) {
            let frame = std::mem::take(&mut self.tables[table]);
            encoder.encode(table, &frame, &mut send)?;
        }
        Ok(())
    }
}

const fn doing(rows: RowsOf) -> &'static str {
    match rows {
        RowsOf::Records => "select the valid records",
        RowsOf::Entries { .. } => "explode a list",
        RowsOf::Rejects => "select the rejected records",
    }
}
