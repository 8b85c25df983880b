//! The first records of an object, to show what a table of the catalog is made of.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::json::records_path::RecordsPath;
use crate::records::{Batches, CutOptions, Decompressed, read_error};
use crate::store::{Object, ObjectReader};

/// Reads the texts of the first `most` records of an object, from its beginning only. `path` is where they are in
/// the object's documents. Bytes that are not UTF-8 are replaced.
///
/// # Errors
/// When the object cannot be read, or is no JSON.
pub async fn first_records(object: &Object, path: RecordsPath, most: usize) -> Result<Vec<String>> {
    let reader = ObjectReader::open_beginning(object, Arc::default());
    let (url, object) = (object.url(), object.clone());
    let work = tokio::task::spawn_blocking(move || {
        let failed = |error| read_error(&object, error);
        let cut = CutOptions { records: path, ..CutOptions::default() };
        let input = Decompressed::new(reader, cut.text_limits).map_err(failed)?;
        let mut texts = Vec::new();
        for batch in Batches::new(input, cut) {
            let batch = batch.map_err(failed)?;
            let records = batch.records.iter().take(most - texts.len());
            let text = |record| String::from_utf8_lossy(batch.text_of(record)).into_owned();
            texts.extend(records.map(text));
            if texts.len() == most {
                break;
            }
        }
        Ok(texts)
    });
    work.await.map_err(|_| Error::Stopped { object: url })?
}
