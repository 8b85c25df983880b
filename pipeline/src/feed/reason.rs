//! Why records are rejected.

/// Why a record was rejected: the word in the column `reason`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reason {
    /// The text is not JSON (RFC 8259) in UTF-8, or not one value.
    #[default]
    Malformed,
    /// The text is JSON, but not an object.
    NotAnObject,
    /// The text is longer than a record may be.
    TooLarge,
    /// A required field is null or missing.
    NullField,
    /// A field that must not be empty is `''`.
    EmptyText,
    /// A value is of a type that the field does not take.
    WrongType,
    /// A value does not fit the target column.
    OutOfRange,
    /// A text holds U+0000, which Postgres cannot store.
    NulCharacter,
    /// A key is not declared, and the feed rejects such keys.
    UnknownField,
    /// A rule of the feed is false.
    Rule,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Malformed,
        Self::NotAnObject,
        Self::TooLarge,
        Self::NullField,
        Self::EmptyText,
        Self::WrongType,
        Self::OutOfRange,
        Self::NulCharacter,
        Self::UnknownField,
        Self::Rule,
    ];

    /// The word as it stands in tables, JSON and summaries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotAnObject => "not_an_object",
            Self::TooLarge => "too_large",
            Self::NullField => "null_field",
            Self::EmptyText => "empty_text",
            Self::WrongType => "wrong_type",
            Self::OutOfRange => "out_of_range",
            Self::NulCharacter => "nul_character",
            Self::UnknownField => "unknown_field",
            Self::Rule => "rule",
        }
    }
}
