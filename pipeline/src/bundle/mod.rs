//! Many small objects: loaded in bundles, each of them one transaction, on several connections.
//!
//! What a load of a small object takes is not its rows but what surrounds them: looks at the tables, the
//! claim, three COPYs, the commit. Objects of a bundle share these. Each is still a load of its own, with
//! its own row in the ledger, its own number, its own `ingested_at` and its own proven counts.
//!
//! An object that cannot be read fails alone, before anything of its bundle is written. Where the
//! database refuses a bundle, it is loaded again in halves, down to the one object that it is about.
//!
//! Bundles are claimed in their order, merged and committed in their order: so the tables are what they
//! would be had the objects been loaded one after the other, and no two processes wait for each other's
//! claims in a ring. What is before, between and after runs side by side. Objects of remote stores are
//! fetched ahead of all bundles, many at once, however many connections there are.

mod input;
mod load;
mod plan;
mod read;
mod split;
mod work;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures::{FutureExt, StreamExt, stream};
use uuid::Uuid;

use crate::database::Connection;
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::load::{LoadOptions, Summary, Turn, load as load_alone};
use crate::store::Listed;
use input::{Inputs, Member};
pub use plan::{OBJECT_BYTES, Size, Step, plan};
pub(crate) use split::Split;
use work::{Undone, Work};

/// An object that is to be loaded in a bundle.
#[derive(Debug, Clone)]
pub struct Requested {
    /// The object.
    pub listed: Listed,
    /// The job that asks for it, if one does.
    pub job_id: Option<Uuid>,
}

impl From<Listed> for Requested {
    fn from(listed: Listed) -> Self {
        Self { listed, job_id: None }
    }
}

/// Loads small objects, as many bundles at a time as there are connections, and tells what became of
/// each, in their order: what [`load`](crate::load::load) would say of it.
///
/// Ends early when one fails as [every other load](Error::fails_every_load) would: those that come after
/// it are not tried, and nothing is told of them.
///
/// What is committed when [`Progress::stop`](crate::load::Progress::stop) is called stays; nothing is
/// committed after it.
pub async fn load_bundled(
    objects: impl IntoIterator<Item = impl Into<Requested>>,
    feed: &Arc<Feed>,
    mut connections: Vec<&mut Connection>,
    options: &LoadOptions,
    size: Size,
    mut tell: impl FnMut(&Listed, Result<Summary>),
) {
    let options = &options.of_feed(feed);
    let work = Work { feed, options };
    let mut tell = |object: &Listed, done: Result<Summary>| {
        tell(object, done.map(|summary| summary.through(feed)));
    };
    let objects = objects.into_iter().map(Into::into).collect();
    let members = input::members(objects, &work, connections.first_mut()).await;
    let mut bundles = plan::bundles(members, size, |member| &member.requested.listed);
    let mut in_line = bundles.len();
    while !bundles.is_empty() {
        let line: Vec<_> = bundles.iter().take(in_line).map(Vec::as_slice).collect();
        let (done, undone) = load_in_line(&line, size, &work, &mut connections, &mut tell).await;
        bundles.drain(..done);
        in_line = bundles.len();
        let (Some(undone), false) = (undone, bundles.is_empty()) else {
            continue;
        };
        let first_part = match &undone {
            // The next time it is seen that they are loaded.
            Undone::Raced => continue,
            // What is wrong with the database or its tables, the first object tells.
            Undone::Failed(error) if error.fails_every_load() => Some(1),
            Undone::Failed(error) => {
                tracing::debug!(%error, "a bundle is loaded in halves");
                None
            }
            Undone::TooLarge | Undone::InParts | Undone::PredecessorFailed => None,
        };
        let mut failed = bundles.pop_front().unwrap_or_default();
        if failed.len() > 1 {
            bundles.push_front(failed.split_off(first_part.unwrap_or(failed.len() / 2)));
            bundles.push_front(failed);
            // What is behind the halves would be fetched in vain if one of them failed.
            in_line = 2;
            continue;
        }
        for Member { requested, .. } in failed {
            let loaded = load_reconnected(&requested, &work, &mut connections).await;
            let is_last = loaded.as_ref().is_err_and(Error::fails_every_load);
            tell(&requested.listed, loaded);
            if is_last {
                return;
            }
        }
    }
}

/// Loads bundles until one cannot be loaded as it is: how many are done, and why not the next.
async fn load_in_line(
    bundles: &[&[Member]],
    size: Size,
    work: &Work<'_>,
    connections: &mut [&mut Connection],
    tell: &mut impl FnMut(&Listed, Result<Summary>),
) -> (usize, Option<Undone>) {
    let at_once = connections.len().max(1);
    let free = Mutex::new(connections.iter_mut().collect::<Vec<_>>());
    let take = || free.lock().ok().and_then(|mut free| free.pop());
    let is_broken = AtomicBool::new(false);
    let inputs = Inputs::begin(bundles, size);
    let inputs = stream::unfold(inputs, |mut inputs| async {
        // Those behind one that failed would be read in vain.
        let is_wanted = !is_broken.load(Ordering::Relaxed);
        let next = if is_wanted { inputs.next().await } else { None };
        next.map(|next| (next, inputs))
    })
    .boxed();
    let turns = stream::iter(Turn::line(bundles.len()));
    let load = async |inputs, turn| {
        // There is one, since no more bundles are under way than there are connections.
        let Some(connection) = take() else {
            return Err(Undone::PredecessorFailed);
        };
        let ended = load::load_bundle(inputs, work, connection, turn).await;
        if let Ok(mut free) = free.lock() {
            free.push(connection);
        }
        ended
    };
    let loads = inputs.zip(turns).map(|(inputs, turn)| load(inputs, turn).boxed());
    let mut loads = std::pin::pin!(loads.buffered(at_once).zip(stream::iter(bundles)));
    let (mut done, mut first_undone) = (0, None);
    while let Some((ended, members)) = loads.next().await {
        match ended {
            Ok(ended) => {
                done += 1;
                let listed = members.iter().map(|member| &member.requested.listed);
                listed.zip(ended).for_each(|(listed, ended)| tell(listed, ended));
            }
            Err(undone) => {
                is_broken.store(true, Ordering::Relaxed);
                first_undone = first_undone.or(Some(undone));
            }
        }
    }
    (done, first_undone)
}

/// Loads an object alone.
async fn load_reconnected(
    Requested { listed, job_id }: &Requested,
    work: &Work<'_>,
    connections: &mut [&mut Connection],
) -> Result<Summary> {
    match connections.first_mut() {
        Some(connection) => {
            let object = listed.begin().await?;
            connection.reconnect().await?;
            let options = LoadOptions { job_id: *job_id, ..work.options.clone() };
            load_alone(&object, work.feed, connection, &options).await
        }
        None => Err(Error::Stopped { object: listed.url() }),
    }
}
