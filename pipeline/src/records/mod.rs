//! The records of an object: its bytes are decompressed, and cut into batches of whole records.
//!
//! [`Decompressed`] unpacks what a reader brings, and [`Batches`] cuts it. What stands in memory does not grow
//! with the object: a batch of about four megabytes, and one record of up to
//! [`CutOptions::max_record_bytes`].

mod batch;
mod compression;
mod cuts;
mod damage;
mod discard;
mod documents;
mod format;
mod ndjson;
mod part;
mod read_error;
mod record;
mod search;
mod sequence;
#[cfg(test)]
mod tests;
mod text_limits;

pub use batch::{Batch, Batches, CutOptions};
pub use compression::{Compression, Decompressed};
pub use format::Format;
pub(crate) use part::{PartReader, sequential_reason};
pub(crate) use read_error::read_error;
pub use record::{CutFault, Record};
pub use text_limits::TextLimits;
