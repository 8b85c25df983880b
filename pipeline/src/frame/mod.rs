//! The four frames of a load: pure functions from lazy frame to lazy frame.
//!
//! [`valid()`] and [`rejected()`] take the frame that [`decode`](crate::decode) gives and share its
//! rows between them; [`status()`] and [`status_log()`] take the valid rows. Nothing here reads,
//! writes or looks at the clock: what a row needs beyond its record comes in a [`Stamp`].

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

/// The four plans of a load as Polars has optimised them, each behind the name of its frame.
///
/// # Errors
/// [`Error::Frame`] when a plan does not fit the feed, which only a mistake of ours can cause.
pub fn explain(feed: &'static Feed) -> Result<Vec<(&'static str, String)>> {
    let empty = Decoder::new(feed, Limits::of_fresh_tables(feed)).decode(&Batch::default())?;
    let stamp = Stamp {
        ingested_at_micros: 0,
        load_id: 0,
        object: String::new(),
        object_version: String::new(),
    };
    let valid = valid(empty.clone().lazy(), feed);
    let frames = [
        ("status", status(valid.clone(), feed, &stamp)),
        ("status_log", status_log(valid.clone(), feed, &stamp)),
        ("rejected", rejected(empty.lazy(), feed, &stamp)),
        ("valid", valid),
    ];
    let explained = |source| Error::Frame { doing: "explain the plans", source };
    frames
        .into_iter()
        .rev()
        .map(|(name, plan)| Ok((name, plan.explain(true).map_err(explained)?)))
        .collect()
}

/// The columns of these names.
fn columns<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Expr> {
    names.into_iter().map(col).collect()
}
