//! Writes the frames of a load into their tables by binary COPY, in the load's transaction.
//!
//! [`Targets`] holds the feed against the tables as they are; an [`Encoder`] turns frames into COPY
//! rows on the thread that computed them; a [`Sink`] sends the rows: those of the first child table,
//! mostly the largest, in long COPYs while the load goes on, and between them those of the others,
//! whenever 16 MB of them wait. (A COPY per batch and table takes 1.5 times as long, since every start
//! and end of one stalls.)

mod children;
mod compare;
mod domain;
mod encode;
mod found;
mod keys;
mod left_out;
mod merge;
mod remove;
mod staging;
mod table;
mod target;
mod waiting;
mod write;

pub use crate::feed::{Mode, RequestedMode};
pub use compare::{Change, ColumnDifference, Edit, TableDifference, compare, migrate_tables};
pub(crate) use domain::DomainColumn;
pub use encode::{Encoder, Rows};
pub(crate) use merge::{Merged, MergedTable};
pub use remove::Removed;
pub(crate) use remove::remove_rows;
pub use target::{Targets, create_tables};
pub use write::{RowCounts, Sink, Written};
