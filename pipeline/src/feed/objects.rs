//! Which objects a feed is for.

use crate::error::Result;
use crate::pattern::{Patterns, Wildcards};

/// The objects that a feed is for: those whose keys match one of its patterns.
#[derive(Debug, Clone, Default)]
pub struct Objects {
    texts: Vec<String>,
    patterns: Patterns,
}

impl Objects {
    /// The objects of these patterns.
    ///
    /// # Errors
    /// [`Error::Pattern`](crate::error::Error::Pattern) for a pattern that cannot be used.
    pub(super) fn compile(texts: Vec<String>) -> Result<Self> {
        let patterns = Patterns::compile(&texts, Wildcards::WithinNames)?;
        Ok(Self { texts, patterns })
    }

    /// The patterns as they are written; none if the feed does not say which objects it is for.
    #[must_use]
    pub fn patterns(&self) -> &[String] {
        &self.texts
    }

    /// Whether a pattern matches the key of an object in a bucket.
    #[must_use]
    pub fn contain_key(&self, key: &str) -> bool {
        self.patterns.is_match(key)
    }

    /// Whether a pattern matches the path of a local file, or an end of the path: where a bucket begins
    /// in it is unknown. The ends begin with the name of a folder or are the name of the file.
    #[must_use]
    pub fn contain_file(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(at, _)| &path[at + 1..]);
        std::iter::once(path).chain(ends).any(|end| self.contain_key(end))
    }
}

/// They are the same if they are written the same.
impl PartialEq for Objects {
    fn eq(&self, other: &Self) -> bool {
        self.texts == other.texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders() -> Objects {
        Objects::compile(vec!["orders/**/*.ndjson*".to_owned()]).unwrap()
    }

    #[test]
    fn a_pattern_matches_whole_keys() {
        for key in ["orders/1.ndjson", "orders/2026/11/1.ndjson.gz"] {
            assert!(orders().contain_key(key), "{key}");
        }
        for key in ["old/orders/1.ndjson", "orders/1.json", "orders.ndjson"] {
            assert!(!orders().contain_key(key), "{key}");
        }
        let names = Objects::compile(vec!["*.json".to_owned(), "x/?.json".to_owned()]).unwrap();
        assert!(names.contain_key("a.json") && names.contain_key("x/a.json"));
        assert!(!names.contain_key("y/a.json"), "a star stays within a name");
    }

    #[test]
    fn a_pattern_matches_the_end_of_a_path() {
        for path in ["home/me/orders/1.ndjson", "orders/1.ndjson", "/tmp/orders/a/b/1.ndjson"] {
            assert!(orders().contain_file(path), "{path}");
        }
        assert!(!orders().contain_file("home/me/reorders/1.ndjson"));
        let names = Objects::compile(vec!["users_*.json".to_owned()]).unwrap();
        assert!(names.contain_file("home/me/users_1.json"));
    }
}
