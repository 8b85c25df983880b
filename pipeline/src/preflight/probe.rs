//! Whether anything at the beginning of an object can be loaded, by the rules of a load.

use std::sync::Arc;

use crate::decode::{Decoder, Limits};
use crate::error::{Error, Result};
use crate::feed::{Decoded, Feed, Reason};
use crate::records::{Batches, CutOptions, Decompressed, read_error};
use crate::store::{Object, ObjectReader};

/// The reasons that a schema is to blame for, not a single record.
const OF_SCHEMA: [Reason; 4] =
    [Reason::NullField, Reason::EmptyText, Reason::WrongType, Reason::OutOfRange];

/// Bytes of text at the beginning of an object that are looked at, or somewhat more.
const BEGINNING_BYTES: usize = 1 << 20;

/// Whether every record of the first megabyte or so is rejected, and some because of their fields.
pub(super) async fn is_rejected(
    object: &Object,
    feed: &Arc<Feed>,
    limits: Limits,
    cut: CutOptions,
) -> Result<bool> {
    let reader = ObjectReader::open_beginning(object, Arc::default());
    let (url, object, feed) = (object.url(), object.clone(), Arc::clone(feed));
    let work = tokio::task::spawn_blocking(move || {
        let failed = |error| read_error(&object, error);
        let mut decoder = Decoder::new(&feed, &limits);
        let (mut bytes, mut some_of_schema) = (0, false);
        let input = Decompressed::new(reader, cut.text_limits).map_err(failed)?;
        for batch in Batches::new(input, cut) {
            let batch = batch.map_err(failed)?;
            let records = decoder.decode(&batch)?;
            let reasons =
                records.column(Decoded::Reason.column()).and_then(|reasons| reasons.str());
            let reasons =
                reasons.map_err(|source| Error::Frame { doing: "count reasons", source })?;
            if reasons.null_count() > 0 {
                return Ok(false);
            }
            let is_of_schema = |reason: &str| OF_SCHEMA.iter().any(|of| of.as_str() == reason);
            some_of_schema |= reasons.iter().flatten().any(is_of_schema);
            bytes += batch.text.len();
            if bytes >= BEGINNING_BYTES {
                break;
            }
        }
        Ok(some_of_schema)
    });
    work.await.map_err(|_| Error::Stopped { object: url })?
}
