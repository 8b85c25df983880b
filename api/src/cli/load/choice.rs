//! Which feed each object of a command goes through.

use std::path::Path;
use std::sync::Arc;

use pipeline::error::{Error, Result};
use pipeline::feed::{Feed, Feeds};
use pipeline::store::Listed;

/// The feeds that the objects of a command may go through.
pub(super) enum Choice {
    /// The one that was asked for.
    Named(Arc<Feed>),
    /// Any of these, by the keys of the objects.
    ByKey(Feeds),
}

impl Choice {
    /// The feed of this name or file, if one is named; else what the feeds say.
    pub(super) fn new(named: Option<&str>, feeds: Feeds) -> Result<Self> {
        match named {
            Some(file) if is_file(file) => read(file).map(Self::Named),
            Some(name) => feeds.get(name).map(Arc::clone).map(Self::Named),
            None => Ok(Self::ByKey(feeds)),
        }
    }

    /// The feed of all objects, if that is known without their keys.
    pub(super) fn only(&self) -> Option<&Arc<Feed>> {
        match self {
            Self::Named(feed) => Some(feed),
            Self::ByKey(feeds) => feeds.only(),
        }
    }

    /// All of them.
    pub(super) fn feeds(&self) -> Vec<&Arc<Feed>> {
        match self {
            Self::Named(feed) => vec![feed],
            Self::ByKey(feeds) => feeds.iter().collect(),
        }
    }

    fn route(&self, object: &Listed) -> Result<&Arc<Feed>> {
        match self {
            Self::Named(feed) => Ok(feed),
            Self::ByKey(feeds) => feeds.route(&object.url(), |of_feed| object.is_among(of_feed)),
        }
    }
}

/// Whether a text names a file, and not a feed.
fn is_file(text: &str) -> bool {
    text.contains('/') || text.ends_with(".toml")
}

fn read(file: &str) -> Result<Arc<Feed>> {
    let text = std::fs::read_to_string(Path::new(file));
    let text = text.map_err(|error| Error::Feed {
        files: file.to_owned(),
        problems: format!("{file}: {error}"),
    })?;
    Feed::read(file, &text)
}

/// The objects of a command by their feeds.
#[derive(Default)]
pub(super) struct Routed {
    /// In the order in which the feeds come first.
    pub(super) by_feed: Vec<(Arc<Feed>, Vec<Listed>)>,
    /// Those whose feed is unclear.
    pub(super) unclear: Vec<(Listed, Error)>,
}

impl Routed {
    pub(super) fn new(choice: &Choice, objects: Vec<Listed>) -> Self {
        let mut routed = Self::default();
        for object in objects {
            match choice.route(&object) {
                Ok(feed) => routed.add(feed, object),
                Err(error) => routed.unclear.push((object, error)),
            }
        }
        routed
    }

    fn add(&mut self, feed: &Arc<Feed>, object: Listed) {
        match self.by_feed.iter_mut().find(|(other, _)| other.name == feed.name) {
            Some((_, objects)) => objects.push(object),
            None => self.by_feed.push((Arc::clone(feed), vec![object])),
        }
    }
}
