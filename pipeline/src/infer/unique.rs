//! Reads objects again to find out which fields identify their records.

use std::sync::Arc;

use super::inference::Uniqueness;
use crate::error::{Error, Result};
use crate::records::{Batches, CutOptions, Decompressed, read_error};
use crate::store::{Object, ObjectReader};

/// Tells which of some fields have another value in each record of all of these objects.
///
/// Must be called within a tokio runtime.
///
/// # Errors
/// [`Error::Read`] and [`Error::Changed`] when an object cannot be read.
pub async fn unique_fields(
    objects: &[Object],
    fields: &[String],
    cut: &CutOptions,
) -> Result<Vec<String>> {
    let mut uniqueness = Uniqueness::new(fields);
    for object in objects {
        if uniqueness.is_over() {
            break;
        }
        let reader = ObjectReader::open(object, Arc::default());
        let (object, cut) = (object.clone(), cut.clone());
        let url = object.url();
        let work = tokio::task::spawn_blocking(move || {
            read(reader, &object, &cut, &mut uniqueness).map(|()| uniqueness)
        });
        uniqueness = work.await.map_err(|_| Error::Stopped { object: url })??;
    }
    Ok(uniqueness.fields().map(str::to_owned).collect())
}

fn read(
    reader: ObjectReader,
    object: &Object,
    cut: &CutOptions,
    uniqueness: &mut Uniqueness,
) -> Result<()> {
    let failed = |error| read_error(object, error);
    let input = Decompressed::new(reader, cut.text_limits).map_err(failed)?;
    let mut batches = Batches::new(input, cut.clone());
    while let Some(batch) = batches.next().transpose().map_err(failed)? {
        uniqueness.read_batch(&batch);
        if uniqueness.is_over() {
            break;
        }
    }
    Ok(())
}
