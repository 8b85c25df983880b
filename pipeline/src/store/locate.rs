//! What a bucket is asked for: objects by their keys, and listings.

use std::sync::Arc;

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt};
use tokio::sync::mpsc;

use super::bucket::{Bucket, parse_key};
use super::listed::Listed;
use super::object::Object;
use super::{read, remote};
use crate::error::Error;

/// Listed objects of a remote store that are looked up at the same time.
const REMOTE_LOOK_UPS: usize = 64;
/// Objects that are listed ahead of who uses them: another page is asked for while one is used.
const LISTED_AHEAD: usize = 1000;

impl Bucket {
    /// Looks an object up and pins it to the version that is there now.
    ///
    /// # Errors
    /// [`Error::Location`] when the text is no key: it begins or ends with `/`, or has a part that
    /// is empty, `.`, `..` or holds control characters. [`Error::NotFound`] when there is no such
    /// object, which in a folder is a regular file that no link puts outside. [`Error::Read`] when
    /// the store does not answer.
    pub async fn locate(&self, key: &str) -> Result<Object, Error> {
        let path = parse_key(&self.name, key)?;
        match self.store().head(&path).await {
            Ok(meta) => Ok(Object::pinned(self, key.to_owned(), meta)),
            Err(source) => Err(read::not_there(self, key, source)),
        }
    }

    /// Pins an object to one of its versions, also if there is a newer one and the store keeps versions.
    ///
    /// # Errors
    /// As [`Self::locate`]. [`Error::VersionNotFound`] when the store does not have the version any more.
    pub async fn locate_version(&self, key: &str, version: &str) -> Result<Object, Error> {
        let newest = self.locate(key).await;
        match &newest {
            Ok(object) if object.version() == version => return newest,
            Ok(_) | Err(Error::NotFound { .. }) if self.is_remote() => {}
            Ok(object) => {
                let (object, version) = (object.url(), version.to_owned());
                return Err(Error::VersionNotFound { object, version });
            }
            Err(_) => return newest,
        }
        let path = parse_key(&self.name, key)?;
        let options =
            GetOptions { version: Some(version.to_owned()), head: true, ..GetOptions::default() };
        match self.store().get_opts(&path, options).await {
            Ok(found) if found.meta.version.as_deref() == Some(version) => {
                Ok(Object::pinned(self, key.to_owned(), found.meta))
            }
            // A store that keeps no versions, or whose versions look different, refuses it or answers with the newest.
            _ => newest.and_then(|object| {
                let (object, version) = (object.url(), version.to_owned());
                Err(Error::VersionNotFound { object, version })
            }),
        }
    }

    /// The same for an object that is read next: of a remote store its beginning comes with the answer,
    /// or all of it if it is small, so that reading it takes one request less. Where other beginnings
    /// take up the memory for that, it is only looked up.
    ///
    /// # Errors
    /// As [`Self::locate`].
    pub async fn begin(&self, key: &str) -> Result<Object, Error> {
        if self.is_remote() {
            let path = parse_key(&self.name, key)?;
            if let Some(object) = read::begin(self, key, &path).await? {
                return Ok(object);
            }
        }
        self.locate(key).await
    }

    /// An object that is about to be loaded. In a folder it is looked up. In a remote store it is not: the first
    /// answer of the load pins it. `size` is what was known of its size before.
    ///
    /// # Errors
    /// As [`Self::locate`].
    pub async fn listed(&self, key: &str, size: u64) -> Result<Listed, Error> {
        if self.is_remote() {
            Listed::named(self, key, size)
        } else {
            self.locate(key).await.map(Listed::from)
        }
    }

    /// The objects below a folder, or only those directly in it, whose keys are wanted; those of a remote
    /// store are not pinned.
    pub(super) fn list(
        &self,
        folder: Path,
        deep: bool,
        is_wanted: impl Fn(&str) -> bool + Send + 'static,
    ) -> BoxStream<'static, Result<Listed, Error>> {
        let bucket = self.clone();
        let listed = self.list_store(folder, deep);
        let wanted =
            listed.try_filter(move |meta| std::future::ready(is_wanted(meta.location.as_ref())));
        let listed = move |meta: ObjectMeta| {
            let key = meta.location.to_string();
            if bucket.is_remote() {
                Listed::unpinned(&bucket, key, meta)
            } else {
                Listed::from(Object::pinned(&bucket, key, meta))
            }
        };
        wanted.map_ok(listed).boxed()
    }

    /// The same, each looked up when it is asked for, or somewhat before.
    pub(super) fn list_pinned(
        &self,
        folder: Path,
        deep: bool,
        is_wanted: impl Fn(&str) -> bool + Send + 'static,
    ) -> BoxStream<'static, Result<Object, Error>> {
        let listed = self.list(folder, deep, is_wanted);
        let listed = if self.is_remote() { list_ahead(listed) } else { listed };
        let located = listed.map(|listed| async move { listed?.locate().await });
        let at_once = if self.is_remote() { REMOTE_LOOK_UPS } else { 1 };
        located.buffered(at_once).filter(|found| std::future::ready(!is_gone(found))).boxed()
    }

    /// What the store lists of a folder.
    fn list_store(
        &self,
        folder: Path,
        deep: bool,
    ) -> BoxStream<'static, Result<ObjectMeta, Error>> {
        let name = self.name.clone();
        let object = format!("{name}/{folder}");
        let failed = move |source| remote::not_listed(&name, &object, source);
        if deep {
            return self.store().list(Some(&folder)).map_err(failed).boxed();
        }
        let store = Arc::clone(&self.store);
        let listed = async move {
            let listed = store.list_with_delimiter(Some(&folder)).await.map_err(failed)?;
            Ok(stream::iter(listed.objects.into_iter().map(Ok)))
        };
        stream::once(listed).try_flatten().boxed()
    }
}

/// Lists before it is asked to.
fn list_ahead(
    mut listed: BoxStream<'static, Result<Listed, Error>>,
) -> BoxStream<'static, Result<Listed, Error>> {
    let (sender, receiver) = mpsc::channel(LISTED_AHEAD);
    tokio::spawn(async move {
        loop {
            let next = tokio::select! {
                next = listed.next() => next,
                // Nobody listens any more.
                () = sender.closed() => return,
            };
            let Some(next) = next else { return };
            if sender.send(next).await.is_err() {
                return;
            }
        }
    });
    let received = stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|listed| (listed, receiver))
    });
    received.boxed()
}

/// Whether an object went away after it was listed, or was none that may be looked up.
const fn is_gone(found: &Result<Object, Error>) -> bool {
    matches!(found, Err(Error::NotFound { .. }))
}
