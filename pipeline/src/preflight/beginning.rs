//! Whether anything at the beginning of an object can be loaded, by the rules of a load.

use std::sync::Arc;

use crate::decode::{Decoder, Limits, REASON};
use crate::error::{Error, Result};
use crate::feed::{Feed, Reason};
use crate::source::{Batches, CutOptions, Decompressed, Object, ObjectReader, read_error};

/// The reasons that a schema is to blame for, not a single record.
const OF_SCHEMA: [Reason; 4] =
    [Reason::NullField, Reason::EmptyStatus, Reason::WrongType, Reason::OutOfRange];

/// Whether every record of the first megabyte or so is rejected, and some because of their fields.
pub(super) async fn is_rejected(
    object: &Object,
    feed: &'static Feed,
    limits: Limits,
    cut: CutOptions,
) -> Result<bool> {
    let reader = ObjectReader::open_beginning(object, Arc::default());
    let (url, object) = (object.url(), object.clone());
    let work = tokio::task::spawn_blocking(move || {
        let failed = |error| read_error(&object, error);
        let mut batches = Batches::new(Decompressed::new(reader).map_err(failed)?, cut);
        let Some(batch) = batches.next().transpose().map_err(failed)? else {
            return Ok(false);
        };
        let records = Decoder::new(feed, &limits).decode(&batch)?;
        let reasons = records.column(REASON).and_then(|reasons| reasons.str());
        let reasons = reasons.map_err(|source| Error::Frame { doing: "count reasons", source })?;
        let is_of_schema = |reason: &str| OF_SCHEMA.iter().any(|of| of.as_str() == reason);
        Ok(reasons.null_count() == 0 && reasons.iter().flatten().any(is_of_schema))
    });
    work.await.map_err(|_| Error::Stopped { object: url })?
}
