//! A record as a list of tokens, to be read more than once.
//!
//! A record counts only if all of it is JSON, and of duplicate keys only the last one counts, so it
//! has to be read to its end before anything is counted; with tokens its text is read only once.

use crate::json::{Cursor, Fault, Quoted, Value};

/// Tokens that are kept room for; a larger record is the exception.
const KEPT_TOKENS: usize = 1 << 16;

/// What a token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean(bool),
    Integer,
    Float,
    /// A string, and whether it holds escapes.
    String(bool),
    /// An array; `end` is its length.
    Array,
    /// An object; `end` is how many keys it has.
    Object,
    /// An array or object too deep to be looked into.
    Deep,
    /// A key, and whether it holds escapes; its value follows. `next` is free.
    Key(bool),
}

/// A value or a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Where its text begins in the record.
    pub(super) start: u32,
    /// Where it ends.
    pub(super) end: u32,
    /// The token behind it and all that is in it.
    pub(super) next: u32,
}

/// The tokens of one record.
#[derive(Debug, Default)]
pub(super) struct Tape {
    tokens: Vec<Token>,
    max_depth: usize,
}

impl Tape {
    /// A tape that does not look into what is nested deeper than this.
    pub(super) fn new(max_depth: usize) -> Self {
        Self { tokens: Vec::new(), max_depth }
    }

    /// Reads a text of less than 4 GiB that is one value.
    pub(super) fn read(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Fault> {
        self.tokens.clear();
        self.tokens.shrink_to(KEPT_TOKENS);
        self.value(cursor, 0)?;
        cursor.end()
    }

    pub(super) fn token(&self, at: usize) -> Token {
        self.tokens[at]
    }

    /// The token behind a value and all that is in it.
    pub(super) fn after(&self, at: usize) -> usize {
        self.tokens[at].next as usize
    }

    /// Notes a number with a key.
    pub(super) fn set_slot(&mut self, key: usize, slot: usize) {
        self.tokens[key].next = slot as u32;
    }

    /// The keys of an object, by the places of their tokens.
    pub(super) fn keys(&self, object: usize) -> Keys {
        Keys { next: object + 1, left: self.tokens[object].end }
    }

    /// The elements of an array likewise.
    pub(super) fn elements(&self, array: usize) -> impl Iterator<Item = usize> {
        let mut next = array + 1;
        (0..self.tokens[array].end).map(move |_| {
            let element = next;
            next = self.after(next);
            element
        })
    }

    fn value(&mut self, cursor: &mut Cursor<'_>, depth: usize) -> Result<(), Fault> {
        let value = cursor.value()?;
        let at = self.tokens.len();
        let (kind, start, end) = match value {
            Value::Null => (Kind::Null, 0, 0),
            Value::Boolean(is) => (Kind::Boolean(is), 0, 0),
            Value::Number { text, integer: true } => (Kind::Integer, text.start, text.end),
            Value::Number { text, integer: false } => (Kind::Float, text.start, text.end),
            Value::String(Quoted { span, escaped }) => {
                (Kind::String(escaped), span.start, span.end)
            }
            Value::Array | Value::Object if depth >= self.max_depth => {
                cursor.skip_rest(value)?;
                (Kind::Deep, 0, 0)
            }
            Value::Array => return self.array(cursor, at, depth),
            Value::Object => return self.object(cursor, at, depth),
        };
        self.push(kind, start, end, at + 1);
        Ok(())
    }

    fn array(&mut self, cursor: &mut Cursor<'_>, at: usize, depth: usize) -> Result<(), Fault> {
        self.push(Kind::Array, 0, 0, 0);
        let mut length = 0;
        while cursor.item(length == 0)? {
            length += 1;
            self.value(cursor, depth + 1)?;
        }
        self.close(at, length);
        Ok(())
    }

    fn object(&mut self, cursor: &mut Cursor<'_>, at: usize, depth: usize) -> Result<(), Fault> {
        self.push(Kind::Object, 0, 0, 0);
        let mut length = 0;
        while let Some(key) = cursor.key(length == 0)? {
            length += 1;
            self.push(Kind::Key(key.escaped), key.span.start, key.span.end, 0);
            self.value(cursor, depth + 1)?;
        }
        self.close(at, length);
        Ok(())
    }

    fn push(&mut self, kind: Kind, start: usize, end: usize, next: usize) {
        let (start, end, next) = (start as u32, end as u32, next as u32);
        self.tokens.push(Token { kind, start, end, next });
    }

    fn close(&mut self, at: usize, length: u32) {
        let next = self.tokens.len() as u32;
        let opened = &mut self.tokens[at];
        (opened.end, opened.next) = (length, next);
    }
}

/// The keys of an object that are still to come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys {
    next: usize,
    left: u32,
}

impl Keys {
    /// The next key's token; its value is the token behind it.
    pub(super) fn next(&mut self, tape: &Tape) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let key = self.next;
        self.next = tape.tokens[key + 1].next as usize;
        Some(key)
    }
}
