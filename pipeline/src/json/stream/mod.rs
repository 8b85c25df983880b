//! Passes over JSON of which only a piece at a time is held.

use super::text::plain;
use super::{Cursor, Fault, blank_length};

/// Levels of brackets within each other; beyond them, what they cost would not be bounded.
const MAX_DEPTH: usize = 1 << 20;
/// Bytes of a number, which is held as a whole.
const MAX_NUMBER_BYTES: usize = 64 << 10;
/// Bytes of a key that are kept: a longer one is none of those that are looked for.
const MAX_KEY_BYTES: usize = 8 << 10;

/// A place within a value whose text comes in pieces. It checks all that it passes.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// For each open bracket: whether it is an object's.
    nesting: Vec<bool>,
    next: Next,
    /// The string within which the text so far ends.
    string: Option<Text>,
    key: Vec<u8>,
}

/// What has been come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// A value that begins with this byte, which is not passed yet.
    Value(u8),
    /// A key was passed.
    Key,
    /// The outermost value was passed.
    End,
    /// More text is needed.
    More,
}

/// What may stand next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Value,
    /// A value that was told of.
    Told,
    /// The first item of an array, or its end.
    Item,
    /// The first key of an object, or its end.
    FirstKey,
    Key,
    Colon,
    /// A comma or a closing bracket.
    Another,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    Value,
    Key { kept: bool },
}

impl Stream {
    /// Brackets that are open.
    pub(crate) fn depth(&self) -> usize {
        self.nesting.len()
    }

    /// The key that was passed last, as it is written; only the beginning of a long one.
    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    /// Begins with another value, keeping what was allocated.
    pub(crate) fn restart(&mut self) {
        self.nesting.clear();
        (self.next, self.string) = (Next::Value, None);
    }

    /// Goes on from `at` in `text` to the next value or key within at most `depth` brackets, or to the
    /// end. Returns what that is and where.
    ///
    /// `ended` is whether the text ends here; then [`Fault::Ends`] is that it ends too early.
    pub(crate) fn advance(
        &mut self,
        text: &[u8],
        mut at: usize,
        ended: bool,
        depth: usize,
    ) -> Result<(Event, usize), Fault> {
        let mut cursor = Cursor::default();
        loop {
            if let Some(string) = self.string {
                let (closed, to) = self.pass_string(text, at, ended, string)?;
                if !closed {
                    return Ok((Event::More, to));
                }
                at = to;
                if string == Text::Value {
                    self.pass_value();
                }
                if string == (Text::Key { kept: true }) {
                    return Ok((Event::Key, at));
                }
            }
            if self.next == Next::Another && self.nesting.is_empty() {
                return Ok((Event::End, at));
            }
            at += blank_length(&text[at..]);
            let Some(&byte) = text.get(at) else {
                return if ended { Err(Fault::Ends) } else { Ok((Event::More, at)) };
            };
            if let Next::Value | Next::Item = self.next
                && (self.next == Next::Value || byte != b']')
                && self.depth() <= depth
            {
                self.next = Next::Told;
                return Ok((Event::Value(byte), at));
            }
            match self.pass(byte, self.depth() <= depth) {
                Some(true) => at += 1,
                Some(false) => match scalar(&mut cursor, text, at, ended)? {
                    Some(end) => {
                        at = end;
                        self.pass_value();
                    }
                    None => return Ok((Event::More, at)),
                },
                None => return Err(Fault::Unexpected { at, expected: "JSON" }),
            }
        }
    }

    /// Notes that a value was passed by somebody else.
    pub(crate) fn pass_value(&mut self) {
        self.next = Next::Another;
    }

    /// Passes a byte between strings and other scalars: true. False if a scalar begins with it, None if it
    /// cannot stand here.
    fn pass(&mut self, byte: u8, keep_key: bool) -> Option<bool> {
        self.next = match (self.next, byte) {
            (Next::Item, b']') | (Next::Another, b']') if self.nesting.last() == Some(&false) => {
                self.nesting.pop();
                Next::Another
            }
            (Next::FirstKey | Next::Another, b'}') if self.nesting.last() == Some(&true) => {
                self.nesting.pop();
                Next::Another
            }
            (Next::FirstKey | Next::Key, b'"') => {
                self.key.clear();
                self.string = Some(Text::Key { kept: keep_key });
                Next::Colon
            }
            (Next::Colon, b':') => Next::Value,
            (Next::Another, b',') => match self.nesting.last()? {
                true => Next::Key,
                false => Next::Value,
            },
            (Next::Value | Next::Told | Next::Item, b'"') => {
                self.string = Some(Text::Value);
                Next::Another
            }
            (Next::Value | Next::Told | Next::Item, b'{' | b'[') if self.depth() < MAX_DEPTH => {
                self.nesting.push(byte == b'{');
                if byte == b'{' { Next::FirstKey } else { Next::Item }
            }
            (Next::Value | Next::Told | Next::Item, b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
                return Some(false);
            }
            _ => return None,
        };
        Some(true)
    }

    /// Passes what there is of a string: whether that is its end, and where.
    fn pass_string(
        &mut self,
        text: &[u8],
        at: usize,
        ended: bool,
        string: Text,
    ) -> Result<(bool, usize), Fault> {
        let mut cursor = Cursor::default();
        cursor.go(text, at);
        let piece = cursor.string_piece();
        let end = cursor.at() - usize::from(piece == Ok(true));
        let goes_on = !ended && end == text.len();
        // First, since what is not UTF-8 stands before what else is wrong.
        let valid = valid_utf_8(&text[at..end], goes_on)
            .map_err(|valid| Fault::Unexpected { at: at + valid, expected: "UTF-8" })?;
        let closed = piece?;
        if string == (Text::Key { kept: true }) {
            let room = MAX_KEY_BYTES.saturating_sub(self.key.len());
            self.key.extend_from_slice(&text[at..at + valid.min(room)]);
        }
        if closed {
            self.string = None;
            return Ok((true, cursor.at()));
        }
        if ended { Err(Fault::Ends) } else { Ok((false, at + valid)) }
    }
}

/// The end of the number or word at `at`; None if more text is needed to tell.
fn scalar<'t>(
    cursor: &mut Cursor<'t>,
    text: &'t [u8],
    at: usize,
    ended: bool,
) -> Result<Option<usize>, Fault> {
    cursor.go(text, at);
    let value = cursor.value();
    if text.len() - at > MAX_NUMBER_BYTES && cursor.at() - at > MAX_NUMBER_BYTES {
        return Err(Fault::Unexpected { at, expected: "a number of at most 64 KiB" });
    }
    match value {
        Ok(_) if ended || cursor.at() < text.len() => Ok(Some(cursor.at())),
        Err(fault) if ended || fault != Fault::Ends => Err(fault),
        _ => Ok(None),
    }
}

/// How much of a piece of text is UTF-8: all of it, or if the text goes on, all but a character that is cut
/// in two. An error where it is not.
fn valid_utf_8(piece: &[u8], goes_on: bool) -> Result<usize, usize> {
    match simdutf8::compat::from_utf8(piece) {
        Ok(_) => Ok(piece.len()),
        Err(error) if goes_on && error.error_len().is_none() => Ok(error.valid_up_to()),
        Err(error) => Err(error.valid_up_to()),
    }
}

impl Cursor<'_> {
    /// Within a string: moves past its closing quote (true), or as far as the text tells (false).
    fn string_piece(&mut self) -> Result<bool, Fault> {
        loop {
            self.at += plain(&self.text[self.at..]);
            match self.text.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(true);
                }
                Some(b'\\') => {
                    let before = self.at;
                    match self.escape() {
                        Err(Fault::Ends) => {
                            self.at = before;
                            return Ok(false);
                        }
                        escape => escape?,
                    }
                }
                Some(_) => return self.unexpected("an escape instead of a control character"),
                None => return Ok(false),
            }
        }
    }
}

#[cfg(test)]
mod tests;
