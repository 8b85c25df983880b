//! The feeds that there are, by their names.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Feed, listed};
use crate::error::{Error, Result};

/// The feed files that are part of the program.
const BUILT_IN: [(&str, &str); 1] =
    [("feeds/user_status.toml", include_str!("../../../feeds/user_status.toml"))];

/// The feeds that loads can go through.
#[derive(Debug, Clone, Default)]
pub struct Feeds {
    by_name: BTreeMap<String, Arc<Feed>>,
}

impl Feeds {
    /// The feeds that are part of the program.
    ///
    /// # Errors
    /// [`Error::Feed`], which the tests rule out.
    pub fn built_in() -> Result<Self> {
        let mut feeds = Self::default();
        for (file, text) in BUILT_IN {
            feeds.add(Feed::read(file, text)?);
        }
        Ok(feeds)
    }

    /// Adds a feed, in place of the one that has its name.
    pub fn add(&mut self, feed: Arc<Feed>) {
        self.by_name.insert(feed.name.clone(), feed);
    }

    /// The feed of this name.
    ///
    /// # Errors
    /// [`Error::NoFeed`] with the names that there are.
    pub fn get(&self, name: &str) -> Result<&Arc<Feed>> {
        self.by_name.get(name).ok_or_else(|| self.missing(Some(name)))
    }

    /// The feed that a load goes through when none is asked for: the only one.
    ///
    /// # Errors
    /// [`Error::NoFeed`] when there are several, or none.
    pub fn only(&self) -> Result<&Arc<Feed>> {
        match self.by_name.len() {
            1 => self.by_name.values().next().ok_or_else(|| self.missing(None)),
            _ => Err(self.missing(None)),
        }
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Feed>> {
        self.by_name.values()
    }

    fn missing(&self, name: Option<&str>) -> Error {
        Error::NoFeed { feed: name.map(str::to_owned), known: listed(self.by_name.keys()) }
    }
}
