//! Looks for the array of the records in documents, passing over all else.

use super::record::CutFault;
use crate::feed::Reason;
use crate::json::records_path::RecordsPath;
use crate::json::stream::{Event, Stream};
use crate::json::{Fault, unescape};

/// Keys of a document without records that are named.
const NAMED_KEYS: usize = 12;
/// Characters of such a key that are shown.
const SHOWN_CHARS: usize = 64;

/// A document that has no array at the path.
pub(super) const NO_RECORDS: CutFault = CutFault {
    reason: Reason::Malformed,
    detail: "the document has no array where the feed expects its records",
};
/// A document that ends too early.
pub(super) const CUT_OFF: CutFault = CutFault {
    reason: Reason::Malformed,
    detail: "the text ends within a document: it may be cut off",
};
/// A document that is not JSON outside of its records.
pub(super) const BROKEN: CutFault = CutFault {
    reason: Reason::Malformed,
    detail: "the document is not JSON, and where records follow cannot be told",
};

/// No document of an object has an array at the path.
#[derive(Debug, Clone, thiserror::Error)]
#[error("no array at {path}: {found}")]
pub(crate) struct NoRecords {
    /// The path that was followed.
    pub(crate) path: String,
    /// What the first document has there.
    pub(crate) found: String,
}

/// What a search has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The array: its bracket is not passed yet.
    Array,
    /// The end of the document.
    End,
    /// More text is needed.
    More,
}

/// A place in a document.
#[derive(Debug)]
pub(super) struct Search {
    path: RecordsPath,
    keys: Vec<String>,
    stream: Stream,
    /// The objects on the way to the array that are open.
    entered: usize,
    /// Whether the next value is one on the way, or the array.
    is_on_way: bool,
    /// Whether the document has the array, or null instead.
    pub(super) has_records: bool,
    /// The furthest that the way has led so far, and what there is.
    reached: (usize, Reached),
}

#[derive(Debug)]
enum Reached {
    Object { keys: Vec<String>, has_more: bool },
    Other(&'static str),
}

impl Search {
    pub(super) fn new(path: &RecordsPath) -> Self {
        Self {
            path: path.clone(),
            keys: path.keys(),
            stream: Stream::default(),
            entered: 0,
            is_on_way: true,
            has_records: false,
            reached: (0, Reached::Other("nothing")),
        }
    }

    /// Whether the array is in an object, which goes on behind it.
    pub(super) fn is_within_object(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Begins with the next document.
    pub(super) fn restart(&mut self) {
        self.stream.restart();
        (self.entered, self.is_on_way, self.has_records) = (0, true, false);
        self.reached = (0, Reached::Other("nothing"));
    }

    /// Goes on from `at` in `text`; returns what it has come to, and where.
    pub(super) fn advance(
        &mut self,
        text: &[u8],
        mut at: usize,
        ended: bool,
    ) -> Result<(Found, usize), Fault> {
        loop {
            let (event, to) = self.stream.advance(text, at, ended, self.entered)?;
            at = to;
            self.entered = self.entered.min(self.stream.depth());
            match event {
                Event::Value(byte) if std::mem::take(&mut self.is_on_way) => {
                    if self.enter(byte) {
                        return Ok((Found::Array, at));
                    }
                }
                Event::Value(_) => {}
                Event::Key => self.read_key(),
                Event::End => return Ok((Found::End, at)),
                Event::More => return Ok((Found::More, at)),
            }
        }
    }

    /// Goes on behind the array.
    pub(super) fn pass_array(&mut self) {
        self.stream.pass_value();
    }

    /// Takes note of a value on the way: whether it is the array. Null is an array without records.
    fn enter(&mut self, byte: u8) -> bool {
        let is_last = self.entered == self.keys.len();
        self.has_records |= is_last && matches!(byte, b'[' | b'n');
        match byte {
            b'[' if is_last => return true,
            b'{' if !is_last => {
                self.reach(Reached::Object { keys: Vec::new(), has_more: false });
                self.entered += 1;
            }
            _ => self.reach(Reached::Other(kind(byte))),
        }
        false
    }

    fn reach(&mut self, reached: Reached) {
        if self.entered >= self.reached.0 {
            self.reached = (self.entered, reached);
        }
    }

    /// Reads a key of the innermost object on the way.
    fn read_key(&mut self) {
        let mut name = String::new();
        unescape(&String::from_utf8_lossy(self.stream.key()), &mut name);
        let Some(level) = self.entered.checked_sub(1) else { return };
        self.is_on_way = self.keys.get(level).is_some_and(|key| *key == name);
        if let (at, Reached::Object { keys, has_more }) = &mut self.reached
            && *at == level
        {
            *has_more |= keys.len() == NAMED_KEYS;
            if keys.len() < NAMED_KEYS {
                keys.push(name.chars().take(SHOWN_CHARS).collect());
            }
        }
    }

    /// Why the document has no records.
    pub(super) fn no_records(&self) -> NoRecords {
        let (at, reached) = &self.reached;
        let place = if *at == 0 { "the document".to_owned() } else { self.path.beginning(*at) };
        let found = match (reached, self.keys.get(*at)) {
            (Reached::Object { keys, .. }, _) if keys.is_empty() => {
                format!("{place} is an empty object")
            }
            (Reached::Object { keys, has_more }, Some(wanted)) => {
                let more = if *has_more { " and others" } else { "" };
                format!("{place} has no key {wanted}, its keys are {}{more}", keys.join(", "))
            }
            (Reached::Object { .. }, None) => format!("{place} is an object"),
            (Reached::Other(kind), _) => format!("{place} is {kind}"),
        };
        NoRecords { path: self.path.to_string(), found }
    }
}

/// What a value is that begins with this byte.
const fn kind(byte: u8) -> &'static str {
    match byte {
        b'{' => "an object",
        b'[' => "an array",
        b'"' => "a string",
        b't' | b'f' => "a boolean",
        b'n' => "null",
        _ => "a number",
    }
}
