//! How records follow each other in an object, told by looking at its first bytes.

use std::fmt;
use std::str::FromStr;

use super::documents::Layout;
use crate::json::{Cursor, Fault, Value, blank_length, is_space};

/// How records follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One record a line.
    Ndjson,
    /// The elements of one array.
    Array,
    /// Objects one after the other, over as many lines as they like.
    Concatenated,
}

impl Format {
    /// All formats, by the names that [`Self::as_str`] gives.
    pub const ALL: [Self; 3] = [Self::Ndjson, Self::Array, Self::Concatenated];

    /// The name on the command line and in the ledger.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Array => "array",
            Self::Concatenated => "concatenated",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|format| format.as_str() == name);
        found.ok_or_else(|| format!("expected ndjson, array or concatenated, found {name}"))
    }
}

/// The first bytes of an object are not text.
#[derive(Debug, thiserror::Error)]
#[error("its first bytes are not text: {0}")]
pub(crate) struct NotText(String);

/// Tells the format from the beginning of a text (a megabyte, or all of it).
///
/// Fails when no line is JSON and more than a twentieth of the bytes, and at least sixteen, are
/// control characters: that is another kind of file, not a file of damaged records.
pub(super) fn detect_format(text: &[u8]) -> Result<Format, NotText> {
    let text = check_text(text)?;
    let first = first_line(text);
    Ok(match text.first() {
        Some(b'[') if is_value(first) && second_is_value(text) => Format::Ndjson,
        Some(b'[') => Format::Array,
        Some(b'{') => look_at_object(text, first),
        _ => Format::Ndjson,
    })
}

/// Tells how documents with records in them follow each other, from the beginning of a text; `ended` is
/// whether that is all of it.
///
/// Fails as [`detect_format`].
pub(super) fn detect_layout(
    text: &[u8],
    format: Option<Format>,
    ended: bool,
) -> Result<Layout, NotText> {
    match format {
        Some(Format::Ndjson) => return Ok(Layout::Lines),
        Some(Format::Array | Format::Concatenated) => return Ok(Layout::Row),
        None => {}
    }
    let text = check_text(text)?;
    let first = first_line(text);
    if first.len() == text.len() {
        return Ok(Layout::Unknown);
    }
    let mut cursor = Cursor::default();
    cursor.go(text, 0);
    let is_line = match cursor.skip() {
        Ok(_) if cursor.at() > first.len() => false,
        Ok(_) => first[cursor.at()..].iter().all(|byte| is_space(*byte)) || second_is_value(text),
        // The first document is longer than what is seen, and right so far.
        Err(Fault::Ends) if !ended => false,
        Err(_) => !goes_on(first) || second_is_value(text),
    };
    Ok(if is_line { Layout::Lines } else { Layout::Row })
}

/// The text without the white space before it.
fn check_text(text: &[u8]) -> Result<&[u8], NotText> {
    let text = &text[blank_length(text)..];
    if is_binary(text) { Err(NotText(hex(text))) } else { Ok(text) }
}

fn second_is_value(text: &[u8]) -> bool {
    lines(text).nth(1).is_some_and(is_value)
}

/// Whether a line ends within a value.
fn goes_on(line: &[u8]) -> bool {
    let mut cursor = Cursor::default();
    cursor.go(line, 0);
    cursor.skip() == Err(Fault::Ends)
}

/// The format of a text that begins with a brace.
fn look_at_object(text: &[u8], first: &[u8]) -> Format {
    let mut cursor = Cursor::default();
    cursor.go(text, 0);
    match cursor.skip() {
        // One object a line, or several on one line.
        Ok(_) if cursor.at() <= first.len() => {
            let alone = first[cursor.at()..].iter().all(|byte| is_space(*byte));
            let object_follows = cursor.peek() == Ok(b'{');
            let second = lines(text).nth(1);
            let in_a_row = !alone && object_follows && second.is_none_or(|line| !is_object(line));
            if in_a_row { Format::Concatenated } else { Format::Ndjson }
        }
        Ok(_) => Format::Concatenated,
        Err(Fault::Ends) if first.len() < text.len() => damaged(text, first),
        Err(Fault::Ends) => Format::Ndjson,
        Err(Fault::Unexpected { .. }) => damaged(text, first),
    }
}

/// The format of a text whose first object is damaged or longer than what is seen: lines, unless
/// no line that begins at its margin is a record and the first opens more than it closes.
fn damaged(text: &[u8], first: &[u8]) -> Format {
    let any_record = lines(text).any(|line| line.first() == Some(&b'{') && is_object(line));
    if goes_on(first) && !any_record { Format::Concatenated } else { Format::Ndjson }
}

/// The lines that are not blank.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.iter().all(|byte| is_space(*byte)))
}

fn first_line(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == b'\n').next().unwrap_or_default()
}

fn whole_value(line: &[u8]) -> Option<Value> {
    let mut cursor = Cursor::default();
    cursor.go(line, 0);
    let value = cursor.skip().ok()?;
    cursor.end().ok().map(|()| value)
}

fn is_value(line: &[u8]) -> bool {
    whole_value(line).is_some()
}

fn is_object(line: &[u8]) -> bool {
    whole_value(line) == Some(Value::Object)
}

fn is_binary(text: &[u8]) -> bool {
    let seen = &text[..text.len().min(4096)];
    let controls = seen.iter().filter(|byte| byte.is_ascii_control() && !is_space(**byte)).count();
    controls >= 16 && controls * 20 > seen.len() && !lines(text).any(is_object)
}

/// The first bytes as a hex dump shows them.
fn hex(text: &[u8]) -> String {
    let bytes: Vec<_> = text.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    bytes.join(" ")
}
