//! What goes into bundles: which objects are loaded already, and the bytes of the others.

use std::collections::VecDeque;
use std::slice;

use uuid::Uuid;

use super::Requested;
use super::plan::{OBJECT_BYTES, Size};
use super::work::Work;
use crate::database::Connection;
use crate::error::{Error, Result};
use crate::ledger::{Identity, Loaded};
use crate::load::find_existing;
use crate::store::{Fetched, Fetches, Object, Whole};

/// Objects that are looked up in the ledger together.
const AT_ONCE: usize = 1000;
/// What is held of an object beside its bytes, and somewhat more.
const BESIDE_BYTES: u64 = 4 << 10;

/// An object of a bundle.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) requested: Requested,
    /// The load of its version that was there before, as far as that could be told without reading it.
    loaded: Option<Loaded>,
}

impl Member {
    /// Whether it is fetched ahead. Files are read when their bundle is loaded.
    fn is_fetched(&self) -> bool {
        self.loaded.is_none() && self.requested.listed.bucket().is_remote()
    }
}

/// The objects with what the ledger knows of them before the first one is fetched.
pub(super) async fn members(
    objects: Vec<Requested>,
    work: &Work<'_>,
    connection: Option<&mut &mut Connection>,
) -> Vec<Member> {
    let mut members: Vec<_> =
        objects.into_iter().map(|requested| Member { requested, loaded: None }).collect();
    if let Some(connection) = connection
        && let Err(error) = look_up(&mut members, work, connection).await
    {
        // The bundles ask again.
        tracing::debug!(
            error = error.with_causes(),
            "objects are fetched that may be loaded already"
        );
    }
    members
}

/// Looks remote objects up in the ledger, so that those that are loaded already are not fetched again.
async fn look_up(
    members: &mut [Member],
    work: &Work<'_>,
    connection: &mut Connection,
) -> Result<()> {
    let mut remote: Vec<_> =
        members.iter_mut().filter(|member| member.requested.listed.bucket().is_remote()).collect();
    for members in remote.chunks_mut(AT_ONCE) {
        connection.reconnect().await?;
        let identities: Vec<_> = members
            .iter()
            .map(|member| Identity::of(work.feed, member.requested.listed.seeming()))
            .collect();
        let identities: Vec<_> = identities.iter().collect();
        let found = find_existing(&*connection, &identities, work.options).await?;
        for (member, loaded) in members.iter_mut().zip(found) {
            member.loaded =
                loaded.filter(|loaded| member.requested.listed.was_loaded(loaded.started_at));
        }
    }
    Ok(())
}

/// An object of a bundle that is to be loaded now.
#[derive(Debug)]
pub(super) enum Input {
    /// It is loaded already.
    Loaded(Object, Loaded),
    /// It is to be read.
    File(Object),
    /// All of it was read.
    Whole(Whole),
    /// It cannot be read.
    Failed(Object, Error),
    /// The store does not even say which version there is.
    Unknown(Error),
    /// It is too large for a bundle.
    TooLarge,
}

/// The inputs of bundles, in their order.
pub(super) struct Inputs<'a> {
    bundles: slice::Iter<'a, &'a [Member]>,
    /// None if nothing is to be fetched.
    fetches: Option<Fetches>,
}

impl<'a> Inputs<'a> {
    /// Begins to fetch. Must be called within a tokio runtime.
    pub(super) fn begin(bundles: &'a [&'a [Member]], size: Size) -> Self {
        let fetched = bundles.iter().copied().flatten().filter(|member| member.is_fetched());
        let fetched: VecDeque<_> = fetched.map(|member| member.requested.listed.clone()).collect();
        // A bundle is loaded when all of it is here.
        let bundle_bytes = size.text_bytes + OBJECT_BYTES + size.objects as u64 * BESIDE_BYTES;
        let fetches =
            (!fetched.is_empty()).then(|| Fetches::begin(fetched, OBJECT_BYTES, bundle_bytes));
        Self { bundles: bundles.iter(), fetches }
    }

    /// The inputs of the next bundle, each with the job that asks for it.
    pub(super) async fn next(&mut self) -> Option<Vec<(Option<Uuid>, Input)>> {
        let members = self.bundles.next()?;
        let mut inputs = Vec::with_capacity(members.len());
        for member in *members {
            inputs.push((member.requested.job_id, self.input(member).await));
        }
        Some(inputs)
    }

    async fn input(&mut self, member: &Member) -> Input {
        let Member { requested: Requested { listed, .. }, loaded } = member;
        if let Some(loaded) = loaded {
            return Input::Loaded(listed.seeming().clone(), loaded.clone());
        }
        if !member.is_fetched()
            && let Some(object) = listed.object()
        {
            return Input::File(object.clone());
        }
        let fetched = match &mut self.fetches {
            Some(fetches) => fetches.next().await,
            None => None,
        };
        match fetched {
            Some(Fetched::Whole(whole)) => Input::Whole(whole),
            Some(Fetched::TooLarge) => Input::TooLarge,
            Some(Fetched::Failed(Some(object), error)) => Input::Failed(object, error),
            Some(Fetched::Failed(None, error)) => Input::Unknown(error),
            None => Input::Unknown(Error::Stopped { object: listed.url() }),
        }
    }
}
