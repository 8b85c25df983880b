//! Selections: many objects of a bucket by the beginning or the pattern of their keys.

use futures::stream::BoxStream;
use object_store::path::Path;

use super::bucket::{Bucket, parse_key};
use super::listed::Listed;
use super::object::Object;
use crate::error::Error;
use crate::pattern::{Patterns, Wildcards, check};

/// The endings of the names that are taken for JSON, before `.gz`, `.gzip`, `.zst`.
const ENDINGS: [&str; 3] = [".json", ".ndjson", ".jsonl"];
const COMPRESSED: [&str; 3] = [".gz", ".gzip", ".zst"];

/// The characters that make a key or path a pattern.
pub(super) const WILDCARDS: [char; 4] = ['*', '?', '[', '{'];

/// Which objects of a bucket are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Those whose keys begin with the text, within a name too (`logs/2026-`), and whose names look
    /// like JSON.
    Prefix(String),
    /// Those whose keys are meant, whatever their names look like.
    Every(Keys),
    /// Those whose whole keys match the pattern: `*` and `?` stay within a name, `**` does not,
    /// `[…]` is one of some characters, `{a,b}` one of some texts.
    Glob(String),
}

/// Keys by how they begin and by patterns, which are those of [`Selection::Glob`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// What keys begin with.
    pub prefix: String,
    /// Patterns of which a key must match one; none for all keys.
    pub include: Vec<String>,
    /// Patterns of which a key must match none.
    pub exclude: Vec<String>,
}

impl Bucket {
    /// The objects that a selection means, each looked up and pinned, somewhat ahead; what cannot be looked
    /// at is an error among them. Memory does not grow with their number.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Pattern`] when a pattern is beyond a limit or is no pattern, [`Error::Location`] when
    /// no key can begin with the text.
    pub fn select(
        &self,
        selection: Selection,
    ) -> Result<BoxStream<'static, Result<Object, Error>>, Error> {
        let (folder, is_wanted) = selection.parse(&self.name)?;
        Ok(self.list_pinned(folder, true, is_wanted))
    }

    /// The objects that a selection means, as the store lists them. Memory does not grow with their number.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// As [`Self::select`].
    pub fn list_selected(
        &self,
        selection: Selection,
    ) -> Result<BoxStream<'static, Result<Listed, Error>>, Error> {
        let (folder, is_wanted) = selection.parse(&self.name)?;
        Ok(self.list(folder, true, is_wanted))
    }
}

/// Says of a key whether it is wanted.
type IsWanted = Box<dyn Fn(&str) -> bool + Send + Sync>;

impl Selection {
    /// Whether a key of a bucket is meant.
    ///
    /// # Errors
    /// As [`Bucket::select`].
    pub fn means(self, bucket: &Bucket, key: &str) -> Result<bool, Error> {
        let (_, is_wanted) = self.parse(&bucket.name)?;
        Ok(is_wanted(key))
    }

    /// The folder that holds all keys that are meant, and which of its keys these are.
    fn parse(self, bucket: &str) -> Result<(Path, IsWanted), Error> {
        Ok(match self {
            Self::Every(Keys { prefix, include, exclude }) => {
                let folder = folder_of(bucket, &prefix)?;
                let (include, exclude) = (of_keys(&include)?, of_keys(&exclude)?);
                let is_wanted = move |key: &str| {
                    key.starts_with(&prefix)
                        && (include.is_empty() || include.is_match(key))
                        && !exclude.is_match(key)
                };
                (folder, Box::new(is_wanted))
            }
            Self::Prefix(prefix) => {
                let folder = folder_of(bucket, &prefix)?;
                let is_wanted = move |key: &str| key.starts_with(&prefix) && looks_like_json(key);
                (folder, Box::new(is_wanted))
            }
            Self::Glob(pattern) => {
                let KeyPattern { folder, matcher, .. } = KeyPattern::parse(bucket, &pattern)?;
                (folder, Box::new(move |key: &str| matcher.is_match(key)))
            }
        })
    }
}

/// The folder that holds all keys that begin with a text.
fn folder_of(bucket: &str, prefix: &str) -> Result<Path, Error> {
    match prefix.rsplit_once('/') {
        Some((folder, _)) => parse_key(bucket, folder),
        None => Ok(Path::ROOT),
    }
}

impl Keys {
    /// Says what is wrong with the prefix or a pattern, if something is.
    ///
    /// # Errors
    /// [`Error::Location`] and [`Error::Pattern`].
    pub fn check(&self, bucket: &str) -> Result<(), Error> {
        folder_of(bucket, &self.prefix)?;
        of_keys(&self.include)?;
        of_keys(&self.exclude).map(drop)
    }
}

fn of_keys(patterns: &[String]) -> Result<Patterns, Error> {
    Patterns::compile(patterns, Wildcards::WithinNames)
}

/// A pattern of whole keys, and where to look for them.
pub(super) struct KeyPattern {
    /// The folders that the pattern names without wildcards.
    pub(super) folder: Path,
    /// Whether it can match below that folder's own objects.
    pub(super) is_deep: bool,
    pub(super) matcher: Patterns,
}

impl KeyPattern {
    pub(super) fn parse(bucket: &str, pattern: &str) -> Result<Self, Error> {
        check(pattern)?;
        let (folders, _) = pattern.rsplit_once('/').unwrap_or_default();
        let is_plain = |folder: &&str| !folder.contains(WILDCARDS);
        let plain: Vec<_> = folders.split('/').take_while(is_plain).collect();
        let folder = match plain.join("/") {
            folder if folder.is_empty() && !pattern.starts_with('/') => Path::ROOT,
            folder => parse_key(bucket, &folder)?,
        };
        let below = pattern.get(folder.as_ref().len()..).unwrap_or_default();
        let is_deep = below.trim_start_matches('/').contains('/') || below.contains("**");
        let matcher = Patterns::one(pattern, Wildcards::WithinNames)?;
        Ok(Self { folder, is_deep, matcher })
    }
}

/// Whether a name ends like JSON and does not begin with a dot.
pub(super) fn looks_like_json(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or(key).to_ascii_lowercase();
    let plain = COMPRESSED.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    !name.starts_with('.') && ENDINGS.iter().any(|ending| plain.ends_with(ending))
}
