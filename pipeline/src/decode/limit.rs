//! What the target columns can hold.

use crate::feed::Feed;

/// What one target column can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Every value that a frame can hold.
    None,
    /// Text of at most so many characters, and of at most so many bytes of UTF-8.
    Text {
        /// What `varchar(n)` holds.
        characters: usize,
        /// What an index holds.
        bytes: usize,
    },
    /// Integers from the first to the second.
    Range(i64, i64),
}

impl Limit {
    /// The length in bytes up to which every text fits, as none has more characters than bytes.
    pub(super) fn sure_bytes(self) -> usize {
        match self {
            Self::Text { characters, bytes } => characters.min(bytes),
            Self::None | Self::Range(..) => usize::MAX,
        }
    }

    /// What two columns that get the same value can both hold.
    #[must_use]
    pub fn narrower(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, limit) | (limit, Self::None) => limit,
            (
                Self::Text { characters, bytes },
                Self::Text { characters: other_characters, bytes: other_bytes },
            ) => Self::Text {
                characters: characters.min(other_characters),
                bytes: bytes.min(other_bytes),
            },
            (Self::Range(least, most), Self::Range(from, to)) => {
                Self::Range(least.max(from), most.min(to))
            }
            (limit, _) => limit,
        }
    }
}

/// What the target columns of a feed can hold: one limit for each field of the record, in order,
/// and one for each field of the list's entries.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Of the record's fields.
    pub record: Vec<Limit>,
    /// Of the fields of the list's entries.
    pub entry: Vec<Limit>,
}

impl Limits {
    /// The limits of the tables that a fresh database gets.
    #[must_use]
    pub fn of_fresh_tables(feed: &Feed) -> Self {
        let (_, entry) = feed.list();
        Self { record: vec![Limit::None; feed.fields.len()], entry: vec![Limit::None; entry.len()] }
    }
}
