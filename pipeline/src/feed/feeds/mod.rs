//! The feeds that loads can go through, and which of them an object goes through.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Feed, Objects, listed};
use crate::error::{Error, Result};

/// The feed files that are part of the program.
const BUILT_IN: [(&str, &str); 1] =
    [("feeds/user_status.toml", include_str!("../../../../feeds/user_status.toml"))];

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

    /// Adds the feeds of the files `*.toml` of a folder, in place of those that have their names. `read`
    /// gives the text of a file.
    ///
    /// # Errors
    /// [`Error::Feed`] with all that is wrong with any of the files; also when two files declare feeds of
    /// one name.
    pub fn add_folder(
        &mut self,
        folder: &Path,
        read: impl Fn(&Path) -> io::Result<String>,
    ) -> Result<()> {
        let shown = |path: &Path| path.display().to_string();
        let unreadable = |path: &Path, error: io::Error| Error::Feed {
            files: shown(path),
            problems: format!("{}: {error}", shown(path)),
        };
        let files = toml_files(folder).map_err(|error| unreadable(folder, error))?;
        let (mut declared, mut wrong) = (BTreeMap::<String, String>::new(), Vec::new());
        for file in files {
            let feed = read(&file).map_err(|error| unreadable(&file, error));
            match feed.and_then(|text| Feed::read(&shown(&file), &text)) {
                Ok(feed) => {
                    if let Some(other) = declared.insert(feed.name.clone(), shown(&file)) {
                        let (name, file) = (&feed.name, shown(&file));
                        let problems =
                            format!("{other} and {file} both declare a feed {name}: rename one");
                        wrong.push((file, problems));
                    }
                    self.add(feed);
                }
                Err(Error::Feed { files, problems }) => wrong.push((files, problems)),
                Err(other) => return Err(other),
            }
        }
        if wrong.is_empty() {
            return Ok(());
        }
        let (files, problems): (Vec<_>, Vec<_>) = wrong.into_iter().unzip();
        Err(Error::Feed { files: files.join(", "), problems: problems.join("\n") })
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
        let missing =
            || Error::NoFeed { feed: name.to_owned(), known: listed(self.by_name.keys()) };
        self.by_name.get(name).ok_or_else(missing)
    }

    /// The feed that every object goes through which names no other: there is only one, and it does not
    /// say which objects it is for.
    #[must_use]
    pub fn only(&self) -> Option<&Arc<Feed>> {
        self.by_name.values().next().filter(|feed| self.by_name.len() == 1 && feed.takes_any())
    }

    /// The feed that an object goes through which names none: the one whose `objects` contain it, else
    /// the only one without `objects`. `object` is what errors call it.
    ///
    /// # Errors
    /// [`Error::FeedUnclear`] with the feeds that it may be.
    pub fn route(&self, object: &str, contain: impl Fn(&Objects) -> bool) -> Result<&Arc<Feed>> {
        let matching = self.iter().filter(|feed| contain(&feed.objects)).collect::<Vec<_>>();
        let of_any = self.iter().filter(|feed| feed.takes_any()).collect::<Vec<_>>();
        let reason = match (&matching[..], &of_any[..]) {
            ([feed], _) | ([], [feed]) => return Ok(feed),
            ([], []) => format!(
                "`objects` of no feed matches it, and no feed is without `objects`: there are {}",
                listed(self.by_name.keys())
            ),
            ([], several) => format!(
                "`objects` of no feed matches it, and several feeds are without `objects`: {}",
                names(several)
            ),
            (several, _) => format!("`objects` of several feeds match it: {}", names(several)),
        };
        Err(Error::FeedUnclear { object: object.to_owned(), reason })
    }

    /// The hashes of their texts, by their names.
    #[must_use]
    pub fn hashes(&self) -> BTreeMap<String, String> {
        self.iter().map(|feed| (feed.name.clone(), feed.hash.clone())).collect()
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Feed>> {
        self.by_name.values()
    }
}

impl Feed {
    /// Whether it does not say which objects it is for.
    fn takes_any(&self) -> bool {
        self.objects.patterns().is_empty()
    }
}

fn names(feeds: &[&Arc<Feed>]) -> String {
    listed(feeds.iter().map(|feed| &feed.name))
}

/// The files `*.toml` of a folder in the order of their names, without hidden ones.
fn toml_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut files = paths.collect::<io::Result<Vec<_>>>()?;
    files.retain(|path| {
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
        path.extension().is_some_and(|ends| ends == "toml") && !is_hidden && path.is_file()
    });
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests;
