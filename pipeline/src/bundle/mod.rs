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
//! claims in a ring. What is before, between and after runs side by side.

mod gate;
mod load;
mod plan;
mod read;
mod split;

use std::collections::VecDeque;
use std::sync::Mutex;

use futures::{StreamExt, stream};

use crate::database::Connection;
use crate::error::{Error, Result};
use crate::feed::Feed;
use crate::load::{LoadOptions, Summary, load as load_alone};
use crate::source::Object;
use gate::Place;
use load::{Undone, Work};
pub use plan::{Size, Step, plan};

/// Loads small objects, as many bundles at a time as there are connections, and tells what became of
/// each, in their order: what [`load`](crate::load::load) would say of it.
///
/// Ends early when one fails as [every other load](Error::fails_every_load) would: those that come after
/// it are not tried, and nothing is told of them.
///
/// What is committed when [`Progress::stop`](crate::load::Progress::stop) is called stays; nothing is
/// committed after it.
pub async fn load_bundled(
    objects: Vec<Object>,
    feed: &'static Feed,
    mut connections: Vec<&mut Connection>,
    options: &LoadOptions,
    size: Size,
    mut tell: impl FnMut(&Object, Result<Summary>),
) {
    let work = Work { feed, options };
    let mut bundles = plan::bundles(objects, size);
    while !bundles.is_empty() {
        let (done, undone) = load_in_line(&bundles, &work, &mut connections, &mut tell).await;
        bundles.drain(..done);
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
            Undone::TooLarge | Undone::Lost => None,
        };
        let mut failed = bundles.pop_front().unwrap_or_default();
        if failed.len() > 1 {
            bundles.push_front(failed.split_off(first_part.unwrap_or(failed.len() / 2)));
            bundles.push_front(failed);
            continue;
        }
        for object in failed {
            let loaded = load_mended(&object, &work, &mut connections).await;
            let is_last = loaded.as_ref().is_err_and(Error::fails_every_load);
            tell(&object, loaded);
            if is_last {
                return;
            }
        }
    }
}

/// Loads bundles until one cannot be loaded as it is: how many are done, and why not the next.
async fn load_in_line(
    bundles: &VecDeque<Vec<Object>>,
    work: &Work<'_>,
    connections: &mut [&mut Connection],
    tell: &mut impl FnMut(&Object, Result<Summary>),
) -> (usize, Option<Undone>) {
    let at_once = connections.len().max(1);
    let free = Mutex::new(connections.iter_mut().collect::<Vec<_>>());
    let take = || free.lock().ok().and_then(|mut free| free.pop());
    let loads = bundles.iter().zip(Place::line(bundles.len())).map(|(objects, place)| async {
        // There is one, since no more bundles are under way than there are connections.
        let Some(connection) = take() else {
            return Err(Undone::Lost);
        };
        let ended = load::load_bundle(objects, work, connection, place).await;
        if let Ok(mut free) = free.lock() {
            free.push(connection);
        }
        ended
    });
    let mut loads = stream::iter(loads).buffered(at_once).zip(stream::iter(bundles));
    let (mut done, mut first_undone) = (0, None);
    while let Some((ended, objects)) = loads.next().await {
        match ended {
            Ok(ended) => {
                done += 1;
                objects.iter().zip(ended).for_each(|(object, ended)| tell(object, ended));
            }
            Err(undone) => first_undone = first_undone.or(Some(undone)),
        }
    }
    (done, first_undone)
}

/// Loads an object alone.
async fn load_mended(
    object: &Object,
    work: &Work<'_>,
    connections: &mut [&mut Connection],
) -> Result<Summary> {
    match connections.first_mut() {
        Some(connection) => {
            connection.mend().await?;
            load_alone(object, work.feed, connection, work.options).await
        }
        None => Err(Error::Stopped { object: object.url() }),
    }
}
