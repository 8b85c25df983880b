//! Decodes the records of many objects into one frame.

use std::collections::BTreeMap;
use std::sync::Arc;

use polars::prelude::{Column, DataFrame, IntoColumn, NamedFrom, Series};

use super::columns::Columns;
use super::{Decoder, Limits, OBJECT_NO};
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::records::Batch;

/// Decodes one object after the other into a frame that says of each record which object it is of: to
/// Polars a frame of ten records costs as much as one of some hundred.
#[derive(Debug)]
pub(crate) struct BundleDecoder {
    decoder: Decoder,
    columns: Columns,
    object_nos: Vec<u32>,
}

impl BundleDecoder {
    pub(crate) fn new(feed: &Arc<Feed>, limits: &Limits) -> Self {
        let decoder = Decoder::new(feed, limits);
        Self { columns: decoder.columns(0), decoder, object_nos: Vec::new() }
    }

    /// Adds the batches of a version of an object; how often each key that the feed does not have is in
    /// them.
    pub(crate) fn add(
        &mut self,
        object_no: u32,
        (origin, version): (&str, &str),
        batches: &[Batch],
    ) -> BTreeMap<String, u64> {
        self.decoder.begin_object(origin, version);
        for batch in batches {
            self.decoder.read(batch, &mut self.columns);
        }
        self.object_nos.resize(self.columns.height(), object_no);
        std::mem::take(&mut self.decoder.unknown_fields).into_counts()
    }

    /// The columns of all objects.
    pub(crate) fn finish(self) -> Result<DataFrame> {
        let failed = |source| Error::Frame { doing: "build the columns of a bundle", source };
        let object_nos: Column = Series::new(OBJECT_NO.into(), self.object_nos).into_column();
        let mut frame = self.columns.finish(&self.decoder.feed).map_err(failed)?;
        frame.with_column(object_nos).map_err(failed)?;
        Ok(frame)
    }
}
