//! Records that follow each other with no regard to lines: the elements of one array, or objects
//! in a row.

use super::cuts::Cuts;
use super::discard::{Closing, Discard, Until};
use super::format::Format;
use super::record::{CutFault, TOO_LARGE};
use crate::feed::Reason;
use crate::json::{Cursor, Fault, is_space};

/// Cuts values one after the other.
///
/// A damaged value ends where its brackets are closed; failing that, before the next line that
/// begins as the first value's line did; failing that, with the text.
#[derive(Debug)]
pub(super) struct Sequence {
    in_array: bool,
    next: Next,
    /// The white space before the first value on its line, if nothing else stands there; then the
    /// line feed before it, the white space, and the brace of the value.
    line: Option<Vec<u8>>,
    discard: Option<Discard>,
    /// Values so far that the text ended within, though it held more of them.
    unended: u8,
}

/// What is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The bracket that opens the array.
    Open,
    /// The first value, or the end.
    First,
    /// Another value.
    Another,
    /// Nothing but white space.
    Nothing,
}

const NO_ARRAY: CutFault =
    CutFault { reason: Reason::Malformed, detail: "expected `[` at the beginning of the array" };
const AFTER_ARRAY: CutFault =
    CutFault { reason: Reason::Malformed, detail: "expected nothing more after the array" };
const UNCLOSED: CutFault = CutFault {
    reason: Reason::Malformed,
    detail: "the text ends before `]`: the array may be cut off",
};
const DAMAGED: CutFault = CutFault {
    reason: Reason::Malformed,
    detail: "not JSON, and where the next record begins cannot be told",
};

/// How far the end of a damaged value is looked for where the next line could be told.
const FAR_BYTES: usize = 16 << 10;
/// How many values are cut off at the next line because the text ends within them: each of them was
/// read to its end.
const UNENDED_VALUES: u8 = 100;

/// A first line that is indented further tells nothing of the next ones.
const LONGEST_MARGIN: usize = 1000;

impl Sequence {
    pub(super) const fn array() -> Self {
        Self { in_array: true, next: Next::Open, line: None, discard: None, unended: 0 }
    }

    pub(super) fn concatenated() -> Self {
        Self {
            in_array: false,
            next: Next::First,
            line: Some(Vec::new()),
            discard: None,
            unended: 0,
        }
    }

    pub(super) const fn format(&self) -> Format {
        if self.in_array { Format::Array } else { Format::Concatenated }
    }

    /// Cuts the values of `text` and returns how much of it is done with.
    pub(super) fn cut(&mut self, text: &[u8], cuts: &mut Cuts) -> usize {
        let mut cursor = Cursor::default();
        let mut at = 0;
        while !cuts.is_full() {
            match self.step(text, at, &mut cursor, cuts) {
                Some(next) => at = next,
                None => break,
            }
        }
        at
    }

    /// Cuts what begins at `at` and returns where the next begins; `None` when more text is needed
    /// or none is left.
    fn step<'t>(
        &mut self,
        text: &'t [u8],
        at: usize,
        cursor: &mut Cursor<'t>,
        cuts: &mut Cuts,
    ) -> Option<usize> {
        if let Some(discard) = self.discard.take() {
            return self.pass_over(discard, text, at, cuts);
        }
        let start = at + text[at..].iter().take_while(|byte| is_space(**byte)).count();
        if self.next == Next::First {
            self.note_margin(&text[at..start]);
        }
        let Some(&byte) = text.get(start) else {
            return self.run_out(at, start, cuts);
        };
        match self.next {
            Next::Open if byte == b'[' => self.go(Next::First, start + 1),
            Next::Open => self.discard(start, NO_ARRAY, Until::TextEnd, cuts),
            Next::First if byte == b']' && self.in_array => self.go(Next::Nothing, start + 1),
            Next::First => {
                let margin = self.line.take().filter(|_| byte == b'{');
                self.line = margin.map(|margin| [b"\n", &margin[..], b"{"].concat());
                self.go(Next::Another, start)
            }
            Next::Another => self.value(text, start, cursor, cuts),
            Next::Nothing => self.discard(start, AFTER_ARRAY, Until::TextEnd, cuts),
        }
    }

    /// Keeps what of `blank`, the next white space before the first value, stands on its line.
    fn note_margin(&mut self, blank: &[u8]) {
        match memchr::memrchr(b'\n', blank) {
            Some(line_feed) => self.line = Some(blank[line_feed + 1..].to_vec()),
            None => self.line.iter_mut().for_each(|line| line.extend_from_slice(blank)),
        }
        self.line.take_if(|line| line.len() > LONGEST_MARGIN);
    }

    /// Only white space is left: fine, unless the text ends before its array does.
    fn run_out(&mut self, at: usize, start: usize, cuts: &mut Cuts) -> Option<usize> {
        if cuts.ended && self.in_array && self.next != Next::Nothing {
            cuts.push_fault(start, start, UNCLOSED);
            return self.go(Next::Nothing, start);
        }
        (start > at).then_some(start)
    }

    fn value<'t>(
        &mut self,
        text: &'t [u8],
        start: usize,
        cursor: &mut Cursor<'t>,
        cuts: &mut Cuts,
    ) -> Option<usize> {
        cursor.go(text, start);
        let value = cursor.skip();
        let end = cursor.at();
        let follower = cursor.peek();
        // A value that ends with the text may be a number that goes on.
        if follower.is_err() && !cuts.ended {
            let too_large = cuts.is_too_large(text.len() - start);
            return too_large
                .then(|| self.discard(start, TOO_LARGE, Until::Closed(self.closing()), cuts))?;
        }
        let separated = !self.in_array || matches!(follower, Err(_) | Ok(b',' | b']'));
        match value {
            Ok(_) if separated => {
                cuts.push(start, end);
                self.go_past(text, cursor.at())
            }
            Ok(_) => self.damaged(text, start, end, cuts),
            Err(Fault::Unexpected { at, .. }) => self.damaged(text, start, at, cuts),
            Err(Fault::Ends) if self.unended < UNENDED_VALUES => {
                self.unended += 1;
                self.damaged(text, start, start + 1, cuts)
            }
            Err(Fault::Ends) => self.discard(start, DAMAGED, Until::TextEnd, cuts),
        }
    }

    /// A value that begins at `start` and is known to be damaged at `bad`.
    fn damaged(&mut self, text: &[u8], start: usize, bad: usize, cuts: &mut Cuts) -> Option<usize> {
        let rest = &text[start..];
        // Where the next line could be told, the value's end is not looked for far and wide: or
        // many values that never end would each be read to the end of the text.
        let far = if self.line.is_some() { rest.len().min(FAR_BYTES) } else { rest.len() };
        if let Some(length) = self.closing().feed(&rest[..far]) {
            cuts.push(start, value_end(text, start, start + length, self.in_array));
            return self.go_past(text, start + length);
        }
        if !cuts.ended && far == rest.len() && !cuts.is_too_large(rest.len()) {
            return None;
        }
        let Some(line) = self.line.clone() else {
            return self.discard(start, DAMAGED, Until::TextEnd, cuts);
        };
        let from = (bad + 1).saturating_sub(line.len()).max(start);
        match memchr::memmem::find(&text[from..], &line) {
            Some(found) => {
                cuts.push(start, value_end(text, start, from + found, self.in_array));
                self.go(Next::Another, from + found)
            }
            None => self.discard(start, DAMAGED, Until::LineLike(line), cuts),
        }
    }

    const fn closing(&self) -> Closing {
        if self.in_array { Closing::of_element() } else { Closing::of_value() }
    }

    /// Begins to pass over the value at `start`.
    fn discard(
        &mut self,
        start: usize,
        fault: CutFault,
        until: Until,
        cuts: &Cuts,
    ) -> Option<usize> {
        self.discard = Some(cuts.discard(start, fault, until));
        Some(start)
    }

    fn pass_over(
        &mut self,
        mut discard: Discard,
        text: &[u8],
        at: usize,
        cuts: &mut Cuts,
    ) -> Option<usize> {
        let (taken, ends) = discard.feed(&text[at..], cuts.ended);
        let end = at + taken;
        if !ends {
            self.discard = Some(discard);
            return (taken > 0).then_some(end);
        }
        cuts.push_discarded(discard);
        if end == text.len() && cuts.ended {
            self.go(Next::Nothing, end)
        } else {
            self.go_past(text, end)
        }
    }

    /// Goes past what separates values; `at` is the end of one.
    fn go_past(&mut self, text: &[u8], at: usize) -> Option<usize> {
        match text.get(at) {
            Some(b',') if self.in_array => self.go(Next::Another, at + 1),
            Some(b']') if self.in_array => self.go(Next::Nothing, at + 1),
            _ => self.go(Next::Another, at),
        }
    }

    const fn go(&mut self, next: Next, at: usize) -> Option<usize> {
        self.next = next;
        Some(at)
    }
}

/// The end of a damaged value without the white space behind it and, in an array, the comma.
fn value_end(text: &[u8], start: usize, end: usize, in_array: bool) -> usize {
    let mut value = &text[start..end];
    while let [rest @ .., last] = value
        && (is_space(*last) || (in_array && *last == b','))
    {
        value = rest;
    }
    start + value.len()
}
