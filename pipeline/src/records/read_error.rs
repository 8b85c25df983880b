//! What went wrong between the bytes of an object and its records.

use std::io;

use super::format::NotText;
use super::search::NoRecords;
use super::text_limits::TooMuchText;
use crate::error::Error;
use crate::store::Object;

/// What went wrong when an object was read, decompressed or looked at.
pub(crate) fn read_error(object: &Object, error: io::Error) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(error) => return error,
        Err(error) => error,
    };
    let object = object.url();
    let error = match error.downcast::<TooMuchText>() {
        Ok(TooMuchText::Expansion { text_bytes, stored_bytes, max_expansion }) => {
            return Error::ExpansionLimit { object, text_bytes, stored_bytes, max_expansion };
        }
        Ok(TooMuchText::Bytes { max_text_bytes }) => {
            return Error::TextLimit { object, max_text_bytes };
        }
        Err(error) => error,
    };
    let error = match error.downcast::<NoRecords>() {
        Ok(NoRecords { path, found }) => return Error::NoRecords { object, path, found },
        Err(error) => error,
    };
    match error.downcast::<NotText>() {
        Ok(found) => Error::NotText { object, found: found.to_string() },
        Err(source) => Error::Decompress { object, source },
    }
}
