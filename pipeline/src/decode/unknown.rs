//! Counts the keys that a feed does not have, by their names.

use std::collections::{BTreeMap, HashMap};

/// Names that are counted apart; the others are counted together, since the names are the sender's and
/// could be without number.
const MOST_NAMES: usize = 1000;
/// Where those beyond that are counted.
const OTHERS: &str = "(other)";

/// How often each key was seen that the feed does not have.
///
/// The keys of a record mostly follow each other as in the record before, so the one that came next is
/// looked at first, and then the same one again, as in the entries of a list.
#[derive(Debug, Default)]
pub(super) struct UnknownFields {
    counts: Vec<(String, u64)>,
    /// Where each name is in `counts`.
    places: HashMap<String, usize>,
    /// Where the last one is.
    last: usize,
}

impl UnknownFields {
    /// Counts a name behind the keys and dots of the object that it is in.
    pub(super) fn count(&mut self, prefix: &str, name: &str) {
        let is_it = |(known, _): &(String, u64)| {
            known.strip_prefix(prefix).is_some_and(|known| known == name)
        };
        let next = if self.last + 1 < self.counts.len() { self.last + 1 } else { 0 };
        let usual =
            [next, self.last].into_iter().find(|at| self.counts.get(*at).is_some_and(is_it));
        self.last = usual.unwrap_or_else(|| self.find(format!("{prefix}{name}")));
        self.counts[self.last].1 += 1;
    }

    /// Where a name is counted.
    #[cold]
    fn find(&mut self, name: String) -> usize {
        if let Some(at) = self.places.get(&name) {
            return *at;
        }
        let name = if self.counts.len() < MOST_NAMES { name } else { OTHERS.to_owned() };
        *self.places.entry(name).or_insert_with_key(|name| {
            self.counts.push((name.clone(), 0));
            self.counts.len() - 1
        })
    }

    /// The counts by the names.
    pub(super) fn into_counts(self) -> BTreeMap<String, u64> {
        self.counts.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted_in_any_order() {
        let mut unknown = UnknownFields::default();
        for _ in 0..3 {
            for (prefix, name) in [("", "a"), ("a.", "b"), ("a.", "b"), ("", "c"), ("", "b")] {
                unknown.count(prefix, name);
            }
        }
        unknown.count("", "c");
        let expected = [("a", 3), ("a.b", 6), ("b", 3), ("c", 4)];
        assert_eq!(
            unknown.into_counts(),
            expected.map(|(it, count)| (it.to_owned(), count)).into()
        );
    }

    #[test]
    fn names_beyond_a_thousand_are_counted_together() {
        let mut unknown = UnknownFields::default();
        for number in (0..MOST_NAMES + 5).chain(0..7) {
            unknown.count("n.", &number.to_string());
        }
        let counts = unknown.into_counts();
        assert_eq!(counts.len(), MOST_NAMES + 1);
        assert_eq!((counts[OTHERS], counts["n.6"], counts["n.7"]), (5, 2, 1));
    }
}
