//! What a column can hold.

/// What a column can hold of the values of its kind.
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
    pub(crate) fn sure_bytes(self) -> usize {
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
