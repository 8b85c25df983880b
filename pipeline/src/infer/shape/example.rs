//! A few of the values at a place.

use serde::{Deserialize, Serialize};

/// Examples that are kept of a place.
const EXAMPLES: usize = 3;

/// The values of least hash, so that it does not matter in which order they come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Examples(Vec<(u64, String)>);

impl Examples {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The examples, in no order that means anything.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(_, text)| text.as_str())
    }

    /// Keeps a value if it is one of the least.
    pub(super) fn offer(&mut self, hash: u64, text: &str) {
        // What is equal in value may be written in several ways.
        let place = (hash, text);
        let at = self.0.iter().take_while(|(hash, text)| (*hash, text.as_str()) < place).count();
        let same = |at: usize| self.0.get(at).is_some_and(|(other, _)| *other == hash);
        if at == EXAMPLES || same(at.wrapping_sub(1)) {
            return;
        }
        if !same(at) {
            self.0.insert(at, (hash, text.to_owned()));
            self.0.truncate(EXAMPLES);
        } else if self.0[at].1 != text {
            text.clone_into(&mut self.0[at].1);
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        other.0.iter().for_each(|(hash, text)| self.offer(*hash, text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_stay_whatever_comes_first() {
        let offered = [(4, "d"), (2, "b2"), (1, "a"), (2, "b1"), (9, "z"), (1, "a"), (2, "b3")];
        let mut forward = Examples::default();
        offered.iter().for_each(|(hash, text)| forward.offer(*hash, text));
        let mut backward = Examples::default();
        offered.iter().rev().for_each(|(hash, text)| backward.offer(*hash, text));
        assert_eq!(forward, backward);
        assert_eq!(forward.texts().collect::<Vec<_>>(), ["a", "b1", "d"]);
    }
}
