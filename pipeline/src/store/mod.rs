//! Where objects are: buckets, their listings, and the bytes of one version of an object.
//!
//! [`find`] names objects, or a [`Bucket`] does. The first answer about an object pins its version, and
//! [`ObjectReader`] reads that version. All readers of the process together read 32 MiB ahead at most, of
//! stores that are far away.

mod browse;
mod bucket;
mod budget;
mod distance;
mod find;
mod folder;
mod listed;
mod locate;
mod object;
mod probe;
mod profile;
mod read;
mod remote;
mod select;

pub use browse::{Folder, FolderObject};
pub use bucket::Bucket;
pub use find::{Found, find};
pub use listed::Listed;
pub use object::Object;
pub use read::ObjectReader;
pub(crate) use read::{
    Arrival, Fetched, Fetches, Reading, Whole, read_beginning, read_whole, verify_version,
};
pub use remote::{Message, MessageQueue, shown};
pub use select::{Keys, Selection};
