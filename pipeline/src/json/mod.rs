//! A strict cursor over JSON text (RFC 8259): it finds where values end and what they are.
//!
//! `source` cuts records with it and `decode` reads them with it, so both agree on what a record
//! is. Own code because the record's fields need what no parser at hand gives together: numbers as
//! they are written, the last of duplicate keys, unknown values of any depth without recursion,
//! surrogates checked also where a value is skipped, and "the text ends here" told apart from "the
//! text is wrong here". The tests hold it against `serde_json`.
//!
//! The cursor does not check UTF-8: its users do that once for a whole batch.

pub mod path;
pub mod records_path;
pub(crate) mod stream;
mod text;
mod usual_key;

use std::ops::Range;

use text::plain;
pub(crate) use text::unescape;
pub(crate) use usual_key::UsualKey;

/// Why a value could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The text ends within the value.
    Ends,
    /// The byte at this position cannot stand there.
    Unexpected { at: usize, expected: &'static str },
}

/// What kind a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Boolean(bool),
    /// A number as written; `integer` tells whether it has neither fraction nor exponent.
    Number {
        text: Span,
        integer: bool,
    },
    String(Quoted),
    Array,
    Object,
}

impl Value {
    /// The name of the kind in messages.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "boolean",
            Self::Number { .. } => "number",
            Self::String(_) => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }
}

/// A half-open range of positions that can be copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) const fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// The text between the quotes of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quoted {
    pub(crate) span: Span,
    /// Whether it holds escapes, so that [`unescape`] is needed to read it.
    pub(crate) escaped: bool,
}

/// A position in JSON text. Every method moves on only over what is valid.
#[derive(Debug, Default)]
pub(crate) struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
    /// For each open bracket of a value being skipped: whether it is an object's.
    nesting: Vec<bool>,
}

impl<'a> Cursor<'a> {
    /// Goes to `at` in `text`, keeping what was allocated.
    pub(crate) fn go(&mut self, text: &'a [u8], at: usize) {
        self.text = text;
        self.at = at;
    }

    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    /// The next byte that is no white space, without moving past it.
    #[inline(always)]
    pub(crate) fn peek(&mut self) -> Result<u8, Fault> {
        match self.text.get(self.at) {
            Some(&byte) if byte > b' ' => Ok(byte),
            _ => self.peek_further(),
        }
    }

    #[inline(never)]
    fn peek_further(&mut self) -> Result<u8, Fault> {
        while let Some(&byte) = self.text.get(self.at) {
            if !is_space(byte) {
                return Ok(byte);
            }
            self.at += 1;
        }
        Err(Fault::Ends)
    }

    /// Reads a scalar, or steps into the bracket of an array or object.
    pub(crate) fn value(&mut self) -> Result<Value, Fault> {
        match self.peek()? {
            b'"' => self.string().map(Value::String),
            b'{' => self.step(Value::Object),
            b'[' => self.step(Value::Array),
            b't' => self.literal(b"true", Value::Boolean(true)),
            b'f' => self.literal(b"false", Value::Boolean(false)),
            b'n' => self.literal(b"null", Value::Null),
            b'-' | b'0'..=b'9' => self.number(),
            _ => self.unexpected("a value"),
        }
    }

    /// Moves past what is left of a value that [`Self::value`] began.
    pub(crate) fn skip_rest(&mut self, value: Value) -> Result<(), Fault> {
        self.nesting.clear();
        let mut value = value;
        loop {
            let opens = match value {
                Value::Object => self.key(true)?.is_some().then_some(true),
                Value::Array => self.item(true)?.then_some(false),
                _ => None,
            };
            self.nesting.extend(opens);
            if opens.is_none() && !self.close()? {
                return Ok(());
            }
            value = self.value()?;
        }
    }

    /// After a value within a skipped one: moves to the next value, closing what ends before it.
    /// False when the whole has ended.
    fn close(&mut self) -> Result<bool, Fault> {
        while let Some(&object) = self.nesting.last() {
            let more = if object { self.key(false)?.is_some() } else { self.item(false)? };
            if more {
                return Ok(true);
            }
            self.nesting.pop();
        }
        Ok(false)
    }

    /// Moves past a whole value.
    pub(crate) fn skip(&mut self) -> Result<Value, Fault> {
        let value = self.value()?;
        self.skip_rest(value)?;
        Ok(value)
    }

    /// Within an object: moves past the next key and its colon, or past the closing brace (`None`).
    pub(crate) fn key(&mut self, first: bool) -> Result<Option<Quoted>, Fault> {
        if !self.another(first, b'}', "`,` or `}`")? {
            return Ok(None);
        }
        if self.peek()? != b'"' {
            return self.unexpected("a key");
        }
        let key = self.string()?;
        if self.peek()? != b':' {
            return self.unexpected("`:`");
        }
        self.at += 1;
        Ok(Some(key))
    }

    /// Within an object: moves past the next key and its colon if it is this one and written as most
    /// programs write it; if false, [`Self::key`] tells.
    #[inline(always)]
    pub(crate) fn key_is(&mut self, first: bool, key: &UsualKey) -> bool {
        let mut at = self.at + usize::from(!first);
        if !first && self.text.get(self.at) != Some(&b',') {
            return false;
        }
        at += usize::from(self.text.get(at) == Some(&b' '));
        let written = self.text.get(at..).and_then(|rest| rest.first_chunk::<16>());
        let is_it = written.is_some_and(|written| key.is(*written));
        if is_it {
            self.at = at + key.len();
        }
        is_it
    }

    /// Moves past a byte, if it stands right here.
    #[inline(always)]
    pub(crate) fn step_over(&mut self, byte: u8) -> bool {
        let is_here = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(is_here);
        is_here
    }

    /// Within an array: moves to the next item, or past the closing bracket (false).
    #[inline(always)]
    pub(crate) fn item(&mut self, first: bool) -> Result<bool, Fault> {
        self.another(first, b']', "`,` or `]`")
    }

    /// Fails unless only white space is left.
    pub(crate) fn end(&mut self) -> Result<(), Fault> {
        match self.peek() {
            Err(_) => Ok(()),
            Ok(_) => self.unexpected("nothing more after the value"),
        }
    }

    #[inline(always)]
    fn another(&mut self, first: bool, closing: u8, expected: &'static str) -> Result<bool, Fault> {
        let byte = self.peek()?;
        if byte == closing {
            self.at += 1;
            return Ok(false);
        }
        if first {
            return Ok(true);
        }
        if byte != b',' {
            return self.unexpected(expected);
        }
        self.at += 1;
        Ok(true)
    }

    #[inline(always)]
    fn step(&mut self, value: Value) -> Result<Value, Fault> {
        self.at += 1;
        Ok(value)
    }

    fn literal(&mut self, word: &[u8], value: Value) -> Result<Value, Fault> {
        for &expected in word {
            match self.text.get(self.at) {
                Some(&byte) if byte == expected => self.at += 1,
                Some(_) => return self.unexpected("true, false or null"),
                None => return Err(Fault::Ends),
            }
        }
        Ok(value)
    }

    /// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
    fn number(&mut self) -> Result<Value, Fault> {
        let start = self.at;
        self.at += usize::from(self.text[start] == b'-');
        if self.text.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        let mut integer = true;
        if self.text.get(self.at) == Some(&b'.') {
            (integer, self.at) = (false, self.at + 1);
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            (integer, self.at) = (false, self.at + 1);
            self.at += usize::from(matches!(self.text.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(Value::Number { text: Span { start, end: self.at }, integer })
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        match (self.at > start, self.at < self.text.len()) {
            (true, _) => Ok(()),
            (false, true) => self.unexpected("a digit"),
            (false, false) => Err(Fault::Ends),
        }
    }

    /// Moves past a string of at most so many bytes that needs no unescaping, if one stands right here.
    #[inline(always)]
    pub(crate) fn plain_string(&mut self, most: usize) -> Option<Span> {
        let text = self.text.get(self.at..)?.strip_prefix(b"\"")?;
        let length = plain(text);
        if text.get(length) != Some(&b'"') || length > most {
            return None;
        }
        let start = self.at + 1;
        let end = start + length;
        self.at = end + 1;
        Some(Span { start, end })
    }

    fn string(&mut self) -> Result<Quoted, Fault> {
        let start = self.at + 1;
        self.at = start;
        let mut escaped = false;
        loop {
            self.at += plain(&self.text[self.at..]);
            match self.text.get(self.at) {
                Some(b'"') => {
                    let span = Span { start, end: self.at };
                    self.at += 1;
                    return Ok(Quoted { span, escaped });
                }
                Some(b'\\') => self.escape()?,
                Some(_) => return self.unexpected("an escape instead of a control character"),
                None => return Err(Fault::Ends),
            }
            escaped = true;
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        self.at += 1;
        match self.text.get(self.at) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => match self.unit()? {
                0xD800..0xDC00 => self.low_surrogate(),
                0xDC00..0xE000 => self.unexpected("a high surrogate before the low one"),
                _ => Ok(()),
            },
            Some(_) => self.unexpected("an escape that JSON has"),
            None => Err(Fault::Ends),
        }
    }

    fn low_surrogate(&mut self) -> Result<(), Fault> {
        for expected in *b"\\u" {
            match self.text.get(self.at) {
                Some(&byte) if byte == expected => self.at += 1,
                Some(_) => return self.unexpected("a low surrogate after the high one"),
                None => return Err(Fault::Ends),
            }
        }
        self.at -= 1;
        match self.unit()? {
            0xDC00..0xE000 => Ok(()),
            _ => self.unexpected("a low surrogate after the high one"),
        }
    }

    /// The four hexadecimal digits behind the `u` at the position.
    fn unit(&mut self) -> Result<u16, Fault> {
        let mut unit = 0;
        for _ in 0..4 {
            self.at += 1;
            let &byte = self.text.get(self.at).ok_or(Fault::Ends)?;
            match char::from(byte).to_digit(16) {
                Some(digit) => unit = unit << 4 | digit,
                None => return self.unexpected("four hexadecimal digits"),
            }
        }
        self.at += 1;
        Ok(unit as u16)
    }

    fn unexpected<T>(&self, expected: &'static str) -> Result<T, Fault> {
        Err(Fault::Unexpected { at: self.at, expected })
    }
}

/// White space of RFC 8259.
pub(crate) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// How much white space a text begins with.
pub(crate) fn blank_length(text: &[u8]) -> usize {
    /// Bytes that are looked at together: a text may be gigabytes of line feeds.
    const BLOCK_BYTES: usize = 64;
    if !text.first().is_some_and(|byte| is_space(*byte)) {
        return 0;
    }
    let is_blank = |block: &&[u8]| block.iter().fold(true, |all, byte| all & is_space(*byte));
    let blocks = text.chunks_exact(BLOCK_BYTES).take_while(is_blank).count();
    let rest = &text[blocks * BLOCK_BYTES..];
    blocks * BLOCK_BYTES + rest.iter().take_while(|byte| is_space(**byte)).count()
}

#[cfg(test)]
mod tests;
