//! Objects of a store, read under one version and cut into batches of whole records.
//!
//! [`find`] names objects, or a [`Bucket`] does; [`ObjectReader`] reads one, [`Decompressed`] unpacks it and [`Batches`]
//! cuts it. What stands in memory does not grow with the object: what is read ahead, a batch of about
//! four megabytes, and one record of up to [`CutOptions::max_record_bytes`]. All readers of the process
//! together read 32 MiB ahead at most, of stores that are far away.

mod batch;
mod bucket;
mod compression;
mod cuts;
mod discard;
mod find;
mod folder;
mod format;
mod listed;
mod ndjson;
mod object;
mod part;
mod pattern;
mod profile;
mod read;
mod record;
mod remote;
mod select;
mod sequence;
#[cfg(test)]
mod tests;
mod text_limits;

pub use batch::{Batch, Batches, CutOptions};
pub use bucket::Bucket;
pub use compression::{Compression, Decompressed};
pub use find::{Found, find};
pub use format::Format;
pub use listed::Listed;
pub use object::Object;
pub(crate) use part::{PartReader, sequential_reason};
pub(crate) use pattern::{Patterns, Wildcards};
pub use read::ObjectReader;
pub(crate) use read::{Fetched, Fetches, Reading, Whole, look_again, read_error, read_whole};
pub use record::{CutFault, Record};
pub use remote::shown;
pub use select::{Keys, Selection};
pub use text_limits::TextLimits;
