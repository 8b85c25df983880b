//! Records that follow each other with no regard to lines: the elements of one array, or objects
//! in a row.

use super::cuts::Cuts;
use super::damage::{may_leave_array, value_end};
use super::discard::{Closing, Discard, Until};
use super::format::Format;
use super::record::{CutFault, TOO_LARGE};
use crate::feed::Reason;
use crate::json::{Cursor, Fault, blank_length};

/// Cuts values one after the other.
///
/// A damaged value ends where its brackets are closed; failing that, before the next line that
/// begins as the first value's line did; failing that, with the text.
#[derive(Debug)]
pub(super) struct Sequence {
    in_array: bool,
    /// Whether the array is within an object, whose other arrays hold no records.
    is_inner: bool,
    next: Next,
    /// The white space before the first value on its line, if nothing else stands there; then the
    /// line feed before it, the white space, and the brace of the value.
    line: Option<Vec<u8>>,
    discard: Option<Discard>,
    /// Bytes so far that were searched for the end of a value and held none.
    vain_bytes: usize,
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
    /// Nothing but white space: the array was closed.
    Closed,
    /// Nothing: the values have taken all of the text.
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

/// How much is searched in vain for the ends of damaged values; then they end at the next line, or
/// many that never end would each be read to the end of the text.
const VAIN_BYTES: usize = 64 << 20;

/// A first line that is indented further tells nothing of the next ones.
const LONGEST_MARGIN: usize = 1000;

impl Sequence {
    pub(super) const fn array() -> Self {
        Self {
            in_array: true,
            is_inner: false,
            next: Next::Open,
            line: None,
            discard: None,
            vain_bytes: 0,
        }
    }

    /// An array of a document; `before` is the one before it, which may have searched in vain.
    pub(super) fn of_document(is_inner: bool, before: Option<&Self>) -> Self {
        let vain_bytes = before.map_or(0, |before| before.vain_bytes);
        Self { is_inner, vain_bytes, ..Self::array() }
    }

    pub(super) fn concatenated() -> Self {
        Self {
            in_array: false,
            is_inner: false,
            next: Next::First,
            line: Some(Vec::new()),
            discard: None,
            vain_bytes: 0,
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

    /// Whether the bracket that closes the array was passed.
    pub(super) fn is_closed(&self) -> bool {
        self.next == Next::Closed && self.discard.is_none()
    }

    /// Whether the values have taken all of the text, so that the array is not closed.
    pub(super) fn is_lost(&self) -> bool {
        self.next == Next::Nothing
    }

    /// Cuts what begins at `at` and returns where the next begins; `None` when more text is needed
    /// or none is left.
    pub(super) fn step<'t>(
        &mut self,
        text: &'t [u8],
        at: usize,
        cursor: &mut Cursor<'t>,
        cuts: &mut Cuts,
    ) -> Option<usize> {
        if let Some(discard) = self.discard.take() {
            return self.pass_over(discard, text, at, cuts);
        }
        let start = at + blank_length(&text[at..]);
        if self.next == Next::First {
            self.note_margin(&text[at..start]);
        }
        let Some(&byte) = text.get(start) else {
            return self.run_out(at, start, cuts);
        };
        match self.next {
            Next::Open if byte == b'[' => self.go(Next::First, start + 1),
            Next::Open => self.discard(start, NO_ARRAY, Until::TextEnd, cuts),
            Next::First if byte == b']' && self.in_array => self.go(Next::Closed, start + 1),
            Next::First => {
                let margin = self.line.take().filter(|_| byte == b'{');
                self.line = margin.map(|margin| [b"\n", &margin[..], b"{"].concat());
                self.go(Next::Another, start)
            }
            Next::Another => self.value(text, start, cursor, cuts),
            Next::Closed | Next::Nothing => self.discard(start, AFTER_ARRAY, Until::TextEnd, cuts),
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
        if cuts.ended && self.in_array && !matches!(self.next, Next::Closed | Next::Nothing) {
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
        if self.vain_bytes > VAIN_BYTES {
            return self.blind_value(text, start, cuts);
        }
        cursor.go(text, start);
        let value = cursor.skip();
        let end = cursor.at();
        let follower = cursor.peek();
        // A value that ends with the text may be a number that goes on.
        if follower.is_err() && !cuts.ended {
            return self.unended(text, start, cuts);
        }
        let separated = !self.in_array || matches!(follower, Err(_) | Ok(b',' | b']'));
        match value {
            Ok(_) if separated => {
                cuts.push(start, end);
                self.go_past(text, cursor.at())
            }
            Ok(_) => self.damaged(text, start, end, cuts),
            Err(Fault::Unexpected { at, .. }) => self.damaged(text, start, at, cuts),
            Err(Fault::Ends) => self.damaged(text, start, start + 1, cuts),
        }
    }

    /// A value that goes on behind the text. One that is longer than a record may be is damaged if
    /// the next line was in it, and too large otherwise.
    fn unended(&mut self, text: &[u8], start: usize, cuts: &mut Cuts) -> Option<usize> {
        if !cuts.is_too_large(text.len() - start) {
            return None;
        }
        self.vain_bytes += text.len() - start;
        match self.next_line(text, start, start + 1) {
            Some(end) => self.cut_before(text, start, end, cuts),
            None => self.discard(start, TOO_LARGE, Until::Closed(self.closing()), cuts),
        }
    }

    /// A value that begins at `start` and is known to be damaged at `bad`.
    fn damaged(&mut self, text: &[u8], start: usize, bad: usize, cuts: &mut Cuts) -> Option<usize> {
        if let Some(length) = self.closing().feed(&text[start..]) {
            cuts.push(start, value_end(text, start, start + length, self.in_array));
            return self.go_past(text, start + length);
        }
        if !cuts.ended && !cuts.is_too_large(text.len() - start) {
            return None;
        }
        self.vain_bytes += text.len() - start;
        match (self.next_line(text, start, bad), &self.line) {
            (Some(end), _) => self.cut_before(text, start, end, cuts),
            (None, Some(line)) if !self.is_inner => {
                let line = Until::LineLike(line.clone());
                self.discard(start, DAMAGED, line, cuts)
            }
            (None, _) => self.discard(start, DAMAGED, Until::TextEnd, cuts),
        }
    }

    /// A value that ends before the next line like the first, whatever it holds; the last one ends
    /// where its brackets close.
    fn blind_value(&mut self, text: &[u8], start: usize, cuts: &mut Cuts) -> Option<usize> {
        if let Some(end) = self.next_line(text, start, start + 1) {
            return self.cut_before(text, start, end, cuts);
        }
        if let Some(length) = self.closing().feed(&text[start..]) {
            cuts.push(start, value_end(text, start, start + length, self.in_array));
            return self.go_past(text, start + length);
        }
        if !cuts.ended && !cuts.is_too_large(text.len() - start) {
            return None;
        }
        self.discard(start, DAMAGED, Until::TextEnd, cuts)
    }

    /// Where a line begins like that of the first value, with its brace at `from` or behind. None of an inner
    /// array if the value at `start` may be its last.
    fn next_line(&self, text: &[u8], start: usize, from: usize) -> Option<usize> {
        let line = self.line.as_ref()?;
        let from = (from + 1).saturating_sub(line.len());
        let found = from + memchr::memmem::find(&text[from..], line)?;
        let margin = line.len() - "\n{".len();
        let may_leave = self.is_inner && may_leave_array(&text[start..found], margin);
        (!may_leave).then_some(found)
    }

    fn cut_before(
        &mut self,
        text: &[u8],
        start: usize,
        end: usize,
        cuts: &mut Cuts,
    ) -> Option<usize> {
        cuts.push(start, value_end(text, start, end, self.in_array));
        self.go(Next::Another, end)
    }

    fn closing(&self) -> Closing {
        match (self.in_array, self.is_inner) {
            (true, true) => Closing::of_inner_element(),
            (true, false) => Closing::of_element(),
            (false, _) => Closing::of_value(),
        }
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
        cuts.push_discarded(discard.trimmed());
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
            Some(b']') if self.in_array => self.go(Next::Closed, at + 1),
            _ => self.go(Next::Another, at),
        }
    }

    const fn go(&mut self, next: Next, at: usize) -> Option<usize> {
        self.next = next;
        Some(at)
    }
}
