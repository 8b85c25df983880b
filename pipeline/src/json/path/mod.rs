//! Paths within documents: where their records are.

use std::fmt::{self, Display, Formatter, Write};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Steps that a path may have.
const MAX_STEPS: usize = 32;
/// Bytes that a path may have.
const MAX_BYTES: usize = 1024;

/// Says where in a document its records are: `$` is the document, `.name` and `['name']` a field of an
/// object, `[*]` every element of an array.
///
/// The elements of an object that is one array are documents of their own, so its `[*]` may be
/// written or not: `$` and `$[*]` mean the same there, as do `$.a` and `$[*].a`.
///
/// ```
/// use pipeline::json::path::JsonPath;
///
/// let path: JsonPath = "$.data['the users'][*]".parse()?;
/// assert_eq!(path.to_string(), "$.data['the users'][*]");
/// # Ok::<(), pipeline::json::path::PathError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct JsonPath {
    steps: Vec<Step>,
}

/// One step further into a document.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Field(String),
    Each,
}

/// A text is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a path at character {}: expected {expected}", .at + 1)]
pub struct PathError {
    /// Where it stops being one, in bytes.
    pub at: usize,
    /// What could stand there.
    pub expected: &'static str,
}

impl JsonPath {
    pub(crate) fn of(steps: &[Step]) -> Self {
        Self { steps: steps.to_vec() }
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The key that comes last in the path, if there is one.
    pub(crate) fn last_key(&self) -> Option<&str> {
        self.steps.iter().rev().find_map(|step| match step {
            Step::Field(name) => Some(name.as_str()),
            Step::Each => None,
        })
    }

    /// The path within the elements of an array, for one from the array.
    pub(crate) fn within_elements(&self) -> Self {
        let steps = self.steps.strip_prefix(&[Step::Each]).unwrap_or(&self.steps);
        Self::of(steps)
    }
}

impl Display for JsonPath {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('$')?;
        for step in &self.steps {
            match step {
                Step::Each => f.write_str("[*]")?,
                Step::Field(name) if plain(name) == name.len() && !name.is_empty() => {
                    write!(f, ".{name}")?;
                }
                Step::Field(name) => {
                    let name = name.replace('\\', "\\\\").replace('\'', "\\'");
                    write!(f, "['{name}']")?;
                }
            }
        }
        Ok(())
    }
}

impl FromStr for JsonPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        if text.len() > MAX_BYTES {
            return Err(PathError { at: MAX_BYTES, expected: "at most 1024 bytes" });
        }
        if !text.starts_with('$') {
            return Err(PathError { at: 0, expected: "`$`" });
        }
        let (mut at, mut steps) = (1, Vec::new());
        while at < text.len() {
            if steps.len() == MAX_STEPS {
                return Err(PathError { at, expected: "at most 32 steps" });
            }
            let (step, length) = step(&text[at..])
                .map_err(|(within, expected)| PathError { at: at + within, expected })?;
            steps.push(step);
            at += length;
        }
        Ok(Self { steps })
    }
}

/// The step that a text begins with, and its length; or what is wrong, and where.
fn step(text: &str) -> Result<(Step, usize), (usize, &'static str)> {
    if text.starts_with("[*]") {
        return Ok((Step::Each, 3));
    }
    if let Some(rest) = text.strip_prefix('.') {
        return match plain(rest) {
            0 => Err((1, "a name of letters, digits, `_` and `-`; others go within ['…']")),
            length => Ok((Step::Field(rest[..length].to_owned()), 1 + length)),
        };
    }
    let first_of_name = text.strip_prefix('[').and_then(|name| name.chars().next());
    if let Some(quote @ ('\'' | '"')) = first_of_name {
        return quoted(text, quote);
    }
    Err((0, "`.name`, `['name']` or `[*]`"))
}

/// The name within `['…']` or `["…"]`, in which `\` stands before a quote or another `\`.
fn quoted(text: &str, quote: char) -> Result<(Step, usize), (usize, &'static str)> {
    let mut name = String::new();
    let mut chars = text.char_indices().skip(2);
    while let Some((at, char)) = chars.next() {
        match char {
            char if char == quote && text[at + 1..].starts_with(']') => {
                return Ok((Step::Field(name), at + 2));
            }
            char if char == quote => return Err((at, "`]` behind the quote")),
            '\\' => match chars.next() {
                Some((_, escaped @ ('\'' | '"' | '\\'))) => name.push(escaped),
                _ => return Err((at, "a quote or `\\` behind `\\`")),
            },
            char => name.push(char),
        }
    }
    Err((text.len(), "`']`"))
}

/// The length of the name that a text begins with.
fn plain(text: &str) -> usize {
    let is_plain = |char: char| char.is_alphanumeric() || matches!(char, '_' | '-');
    text.find(|char| !is_plain(char)).unwrap_or(text.len())
}

impl From<JsonPath> for String {
    fn from(path: JsonPath) -> Self {
        path.to_string()
    }
}

impl TryFrom<String> for JsonPath {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, PathError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests;
