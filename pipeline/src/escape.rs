//! Texts from elsewhere as people may see them: in data, keys, names, and errors of stores and servers
//! there may be characters that a terminal obeys.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a terminal would do something other than show the character: a control character (C0, DEL,
/// C1), a mark that changes the direction of the text, or a separator of lines.
#[must_use]
pub const fn is_unsafe(character: char) -> bool {
    matches!(character,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text of several lines: all but line breaks and tabs is shown as Rust writes it, such as `\u{1b}`.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |character| is_unsafe(character) && !matches!(character, '\n' | '\t'), as_rust)
}

/// The same for a text that is to stay on its line.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, is_unsafe, as_rust)
}

/// JSON that is the same to whoever reads it as JSON: only in its strings there may be such characters,
/// apart from line breaks and tabs, which are escaped already where they are data.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    escaped(
        text,
        |character| is_unsafe(character) && !matches!(character, '\n' | '\t' | '\r'),
        |character, to| write!(to, "\\u{:04x}", u32::from(character)),
    )
}

fn escaped(
    text: &str,
    is_wanted: impl Fn(char) -> bool,
    escape: impl Fn(char, &mut String) -> std::fmt::Result,
) -> Cow<'_, str> {
    if !text.contains(&is_wanted) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_wanted(character) {
            // Writing to a String cannot fail.
            escape(character, &mut safe).ok();
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

fn as_rust(character: char, to: &mut String) -> std::fmt::Result {
    write!(to, "{}", character.escape_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clears the screen, sets the title (in both notations), rings, and turns the text around.
    const HOSTILE: &str = "a\u{1b}[2Jb\u{9b}2J\u{1b}]0;x\u{7}\u{202e}c\u{2066}\r\n\td\u{7f}é日";

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let safe = r"a\u{1b}[2Jb\u{9b}2J\u{1b}]0;x\u{7}\u{202e}c\u{2066}\r";
        assert_eq!(lines(HOSTILE), format!("{safe}\n\td\\u{{7f}}é日"));
        assert_eq!(line(HOSTILE), format!("{safe}\\n\\td\\u{{7f}}é日"));
        assert!(matches!(lines("é日\n\ta"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_stays_the_same_json() {
        let value = serde_json::json!({ HOSTILE: [HOSTILE] });
        for written in [value.to_string(), format!("{value:#}\n")] {
            let safe = json(&written);
            assert!(!safe.contains(|c| is_unsafe(c) && c != '\n'), "{safe}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
        }
    }
}
