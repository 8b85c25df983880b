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
mod tests {
    use super::*;

    fn why(text: &str) -> String {
        match Patterns::one(text, Wildcards::WithinNames) {
            Ok(_) => "taken".to_owned(),
            Err(Error::Pattern { reason, .. }) => reason,
            Err(error) => panic!("{error:?}"),
        }
    }

    fn nested(levels: usize) -> String {
        format!("{}x{}", "{a,".repeat(levels), "}".repeat(levels))
    }

    fn alternatives(count: usize) -> String {
        format!("{{{}}}", vec!["a"; count].join(","))
    }

    #[test]
    fn a_pattern_at_its_limits_is_taken_and_beyond_them_refused() {
        for (taken, refused, reason) in [
            ("a".repeat(1024), "a".repeat(1025), "1025 bytes, and at most 1024"),
            (nested(8), nested(9), "9 levels of braces, and at most 8"),
            (alternatives(256), alternatives(257), "257 alternatives, and at most 256"),
        ] {
            assert_eq!(why(&taken), "taken");
            assert_eq!(why(&refused), format!("it has {reason} are allowed"));
        }
    }

    #[test]
    fn nothing_that_is_within_the_limits_makes_the_compiler_panic() {
        for part in ["{a,b}", "{**/,*}", "[!a-z]", "**/", "?", "*", "é", "[é-ü]", "{*,{*,{*}}}"]
        {
            let text = part.repeat(1024 / part.len());
            why(&text);
            why(&format!("{}{}", "{".repeat(7), text));
        }
        for text in ["{", "}", "a}", "[", "[]", "[!", "[a-", "[z-a]", "\\", "{\\", "{[}", "{,}"] {
            why(text);
        }
    }

    #[test]
    fn braces_are_counted_as_the_parser_reads_them() {
        for (text, nesting, alternatives) in [
            ("a,b", 0, 0),
            ("{a,b}", 1, 2),
            ("{a,b}{c,d}", 1, 4),
            ("{a,{b,c}}", 2, 4),
            ("\\{{a}", 1, 1),
            ("[{][]{][!]{]{a}", 1, 1),
            ("}}{a}", 1, 1),
        ] {
            assert_eq!(Braces::of(text), Braces { nesting, alternatives }, "{text}");
        }
    }

    #[test]
    fn a_list_has_a_limit() {
        let list = |count| vec!["a".to_owned(); count];
        assert!(Patterns::compile(&list(256), Wildcards::Anything).is_ok());
        let error = Patterns::compile(&list(257), Wildcards::Anything).unwrap_err();
        assert!(error.to_string().contains("257 patterns, and at most 256"), "{error}");
    }

    #[test]
    fn an_error_shows_only_the_beginning_of_a_pattern() {
        let error = check(&"{".repeat(7200)).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "the pattern {}… cannot be used: it has 7200 bytes, and at most 1024 are allowed",
                "{".repeat(60)
            )
        );
    }
}
