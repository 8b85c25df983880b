//! The four frames of a load: pure functions from lazy frame to lazy frame.
//!
//! Each takes the frame that [`decode`](crate::decode) gives. [`valid()`] and [`rejected()`] share its
//! rows between them; [`status()`] and [`status_log()`] are made of the valid ones. Nothing here reads,
//! writes or looks at the clock: what a row needs beyond its record comes in a [`Stamp`].
//!
//! The plans are written as they are to run, and not optimised: for a batch that takes longer than what
//! it could save.

mod rejected;
mod stamp;
mod status;
mod status_log;
mod valid;

use polars::prelude::{Expr, IntoLazy, col};

pub use rejected::rejected;
pub use stamp::{Stamp, Stamps};
pub use status::status;
pub use status_log::status_log;
pub use valid::valid;

use crate::decode::{Decoder, Limits};
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::source::Batch;

/// The column with the instant of a row's load.
pub(crate) const INGESTED_AT: &str = "ingested_at";

/// The four plans of a load as Polars runs them, each behind the name of its frame.
///
/// # Errors
/// [`Error::Frame`] when a plan does not fit the feed, which only a mistake of ours can cause.
pub fn explain(feed: &'static Feed) -> Result<Vec<(&'static str, String)>> {
    let empty =
        Decoder::new(feed, &Limits::of_fresh_tables(feed)).decode(&Batch::default())?.lazy();
    let stamp = Stamp::default();
    let frames = [
        ("valid", valid(empty.clone(), feed)),
        ("rejected", rejected(empty.clone(), feed, &stamp)),
        ("status_log", status_log(empty.clone(), feed, &stamp)),
        ("status", status(empty, feed, &stamp)),
    ];
    let explained = |source| Error::Frame { doing: "explain the plans", source };
    frames
        .into_iter()
        .map(|(name, plan)| Ok((name, plan.explain(true).map_err(explained)?)))
        .collect()
}

/// The columns of these names.
fn columns<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Expr> {
    names.into_iter().map(col).collect()
}
