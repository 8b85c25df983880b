//! Rejects that are loaded again, or ignored.
//!
//! A reject is known by the number of its load and the number of its record. It never changes: what was done
//! about it is a row of `stevedore.handled_rejects`, written once. A replay writes this row in the transaction
//! that loads the reject, so that each is loaded again once, whoever asks, how often, and wherever a process is
//! killed.
//!
//! Replays go in steps of some hundred rejects. Each step is one transaction, and for each load of which it
//! has rejects a load of its own: of the same object and version, with the same places and record ids, and
//! with its own proven counts. What fails again is a reject of this load.

mod frame;
mod handled;
mod open;
mod read_again;
mod replayed;
mod selection;
mod source;
mod step;
mod text;
mod unit;

use std::sync::Arc;

use futures::future::BoxFuture;
use uuid::Uuid;

use crate::database::Connection;
use crate::error::{Error, Result};
use crate::failpoint::Failpoint;
use crate::feed::Feed;
pub use crate::ledger::Source;
use crate::load::{Connections, LoadOptions};
use crate::progress::Progress;
use crate::records::CutOptions;
use crate::sink::RequestedMode;
use crate::store::Object;
pub use handled::{Ignored, feeds_by_load, ignore, newest_load};
use open::Pages;
pub use replayed::{Refusal, Refused, Replayed};
pub use selection::{MAX_EDITED_BYTES, RejectFilter, RejectId, Selection};
pub use source::{find_source, locate_source};
use step::Step;

/// Finds the version of an object that a load has read.
pub type Locate = dyn Fn(&Source) -> BoxFuture<'static, Result<Object>> + Send + Sync;

/// How to load rejects again.
pub struct ReplayOptions {
    /// In which mode; none for that of each reject's load.
    pub mode: Option<RequestedMode>,
    /// How long a record may be, and the text of an object.
    pub cut: CutOptions,
    /// Whether only to report what would be loaded, and to write nothing.
    pub dry_run: bool,
    /// Who asks for it; none for the role of the database.
    pub by: Option<String>,
    /// What is noted beside each reject.
    pub note: Option<String>,
    /// The job that asks for it, if one does.
    pub job_id: Option<Uuid>,
    /// Only rejects of loads up to this one, so that none of its own are replayed.
    pub newest: i64,
    /// Finds the objects of long texts.
    pub locate: Box<Locate>,
    /// Is told how far the replay is, and may stop it.
    pub progress: Arc<Progress>,
    /// Is called when the replay reaches one of its points.
    pub hit: fn(Failpoint),
}

impl ReplayOptions {
    /// The same as the options of a load in a mode. However many are rejected again: all are known.
    fn of_load(&self, mode: RequestedMode) -> LoadOptions {
        LoadOptions {
            mode,
            cut: self.cut.clone(),
            reload: true,
            job_id: self.job_id,
            max_rejects_in_a_row: 0,
            max_rejected: None,
            connections: Connections::default(),
            progress: Arc::clone(&self.progress),
            hit: self.hit,
        }
    }
}

/// Loads the open rejects of a feed again that are selected, those of the newest loads first: each once, or
/// not at all with a reason.
///
/// # Errors
/// Every [`Error`] of a load. The steps that are committed by then stay; after [`Error::Cancelled`] too.
pub async fn replay(
    connection: &mut Connection,
    feed: &Arc<Feed>,
    selection: &Selection,
    options: &ReplayOptions,
) -> Result<Replayed> {
    let mut replayed = Replayed::new(&feed.name, options.dry_run);
    options.progress.begin();
    match replay_pages(connection, feed, selection, options, &mut replayed).await {
        Ok(()) => Ok(replayed),
        Err(error) => Err(connection.explain(error).await),
    }
}

async fn replay_pages(
    connection: &mut Connection,
    feed: &Arc<Feed>,
    selection: &Selection,
    options: &ReplayOptions,
    replayed: &mut Replayed,
) -> Result<()> {
    let (mut pages, mut seen) = (Pages::new(feed, selection, options), Vec::new());
    loop {
        connection.reconnect().await?;
        let page = pages.next(connection).await?;
        let Some(first) = page.first() else { break };
        // Not before: what is done when it is stopped is done.
        if options.progress.is_stopped() {
            return Err(Error::Cancelled { object: format!("rejects of the feed {}", feed.name) });
        }
        seen.extend(
            page.iter().map(|reject| reject.id).filter(|id| selection.named().contains(id)),
        );
        let mode = options.mode.or(first.source.mode.parse().ok()).unwrap_or(feed.mode);
        let of_load = options.of_load(mode);
        let step = Step { feed, options: &of_load, replay: options };
        step.run(connection, page, selection.edited_text(), replayed).await?;
    }
    connection.reconnect().await?;
    let unseen: Vec<_> =
        selection.named().iter().filter(|id| !seen.contains(*id)).copied().collect();
    handled::refuse(connection, &unseen, options.job_id, replayed).await?;
    if let (Some(job_id), false) = (options.job_id, options.dry_run) {
        // Attempts before this one may have been killed behind a commit.
        *replayed = replayed.as_recorded(connection, feed, job_id, options.newest).await?;
    }
    Ok(())
}
