//! What a column can hold.

use std::sync::Arc;

/// What a column can hold of the values of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Numbers of so many digits.
    Digits {
        /// Before the decimal point.
        integer: u32,
        /// Behind it.
        scale: u32,
    },
    /// One of these texts: the labels of an enum.
    OneOf(Arc<[String]>),
}

impl Limit {
    /// The length in bytes up to which every text fits, as none has more characters than bytes.
    pub(crate) fn sure_bytes(&self) -> usize {
        match self {
            Self::Text { characters, bytes } => *characters.min(bytes),
            Self::OneOf(_) => 0,
            Self::None | Self::Range(..) | Self::Digits { .. } => usize::MAX,
        }
    }

    /// Whether a column with this limit cannot hold all that one with the other can.
    pub(crate) fn is_narrower_than(&self, other: &Self) -> bool {
        self.clone().narrower(other.clone()) != *other
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
            (
                Self::Digits { integer, scale },
                Self::Digits { integer: other_integer, scale: other_scale },
            ) => {
                Self::Digits { integer: integer.min(other_integer), scale: scale.min(other_scale) }
            }
            (labels @ Self::OneOf(_), _) | (_, labels @ Self::OneOf(_)) => labels,
            (limit, _) => limit,
        }
    }
}
