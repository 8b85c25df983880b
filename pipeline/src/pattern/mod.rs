//! Patterns of keys and names. This is the only way from a text to a compiled pattern.
//!
//! Patterns come from clients. The parser of globs and the compiler of regular expressions call
//! themselves for each level of braces, so a deeply nested pattern overflows the stack, which ends
//! the process. So a pattern is measured before it is parsed. Alternatives are not multiplied: the
//! compiled expression grows with the length of the pattern, and its size has a limit as well.

use globset::{GlobBuilder, GlobSet};

use crate::error::{Error, Result};

/// Longest pattern: as long as the longest key of a store.
const MAX_BYTES: usize = 1024;
/// Levels of braces within braces.
const MAX_NESTING: usize = 8;
/// Alternatives of all braces of a pattern together.
const MAX_ALTERNATIVES: usize = 256;
/// Patterns of a list.
const MAX_PATTERNS: usize = 256;
/// Characters of a pattern that an error shows.
const SHOWN_CHARACTERS: usize = 60;

/// How far `*` and `?` reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wildcards {
    /// They do not match `/`.
    WithinNames,
    /// They match everything.
    Anything,
}

/// Compiled patterns, of which a text has to match one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Patterns(GlobSet);

impl Patterns {
    /// Compiles patterns that are within the limits.
    ///
    /// # Errors
    /// [`Error::Pattern`] when a pattern is beyond a limit or is no pattern.
    pub(crate) fn compile(texts: &[String], wildcards: Wildcards) -> Result<Self> {
        if texts.len() > MAX_PATTERNS {
            let found = texts.len();
            let reason = format!("the list has {found} patterns, and at most {MAX_PATTERNS}");
            return Err(refused(&texts[0], format!("{reason} are allowed")));
        }
        let mut globs = Vec::with_capacity(texts.len());
        for text in texts {
            check(text)?;
            let is_separator = wildcards == Wildcards::WithinNames;
            let glob = GlobBuilder::new(text).literal_separator(is_separator).build();
            globs.push(glob.map_err(|error| refused(text, error.kind().to_string()))?);
        }
        let first = texts.first().map_or("", String::as_str);
        GlobSet::new(globs).map(Self).map_err(|error| refused(first, error.kind().to_string()))
    }

    /// Compiles one pattern.
    ///
    /// # Errors
    /// As [`Self::compile`].
    pub(crate) fn one(text: &str, wildcards: Wildcards) -> Result<Self> {
        Self::compile(&[text.to_owned()], wildcards)
    }

    /// Whether there are no patterns.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a text matches one of the patterns.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

/// Refuses a pattern that is beyond a limit.
///
/// # Errors
/// [`Error::Pattern`], which names the limit and what was found.
pub(crate) fn check(text: &str) -> Result<()> {
    let Braces { nesting, alternatives } = Braces::of(text);
    let beyond = |what: &str, found: usize, limit: usize| {
        Err(refused(text, format!("it has {found} {what}, and at most {limit} are allowed")))
    };
    if text.len() > MAX_BYTES {
        return beyond("bytes", text.len(), MAX_BYTES);
    }
    if nesting > MAX_NESTING {
        return beyond("levels of braces", nesting, MAX_NESTING);
    }
    if alternatives > MAX_ALTERNATIVES {
        return beyond("alternatives", alternatives, MAX_ALTERNATIVES);
    }
    Ok(())
}

fn refused(text: &str, reason: String) -> Error {
    let mut pattern: String = text.chars().take(SHOWN_CHARACTERS).collect();
    if pattern.len() < text.len() {
        pattern.push('…');
    }
    Error::Pattern { pattern, reason }
}

/// What the braces of a pattern amount to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Braces {
    /// The levels of the deepest ones.
    nesting: usize,
    /// The alternatives of all of them.
    alternatives: usize,
}

impl Braces {
    /// Reads a pattern as the parser of globs does, but without a stack. Behind a bracket that is not
    /// closed it may count too little, but there the parser ends too.
    fn of(text: &str) -> Self {
        let (mut found, mut depth) = (Self::default(), 0_usize);
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\\' => drop(characters.next()),
                '[' => {
                    characters.next_if(|&next| next == '!' || next == '^');
                    // A bracket that comes first is one of the characters.
                    characters.next();
                    characters.by_ref().find(|&next| next == ']');
                }
                '{' => {
                    depth += 1;
                    found.alternatives += 1;
                    found.nesting = found.nesting.max(depth);
                }
                ',' if depth > 0 => found.alternatives += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        found
    }
}

#[cfg(test)]
mod tests;
