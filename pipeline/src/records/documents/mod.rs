//! Records in an array of a document, or of each of several documents: cut without holding the rest.

use super::cuts::Cuts;
use super::discard::{Discard, Until};
use super::format::Format;
use super::search::{BROKEN, CUT_OFF, Found, NO_RECORDS, NoRecords, Search};
use super::sequence::Sequence;
use crate::json::records_path::RecordsPath;
use crate::json::{Cursor, Fault, blank_length};

/// How documents follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// One a line: behind a damaged one, cutting goes on at the next line.
    Lines,
    /// One after the other: behind a damaged one, nothing can be told.
    Row,
    /// To be told by the end of the first line: if the first document ends there too, they are lines.
    Unknown,
}

/// Cuts the elements of the arrays.
#[derive(Debug)]
pub(super) struct Documents {
    layout: Layout,
    search: Search,
    place: Place,
    /// Documents that were begun.
    begun: u64,
    /// Whether a document had the array, or null instead.
    any_records: bool,
    /// What the first document that had none has instead.
    without: Option<NoRecords>,
    /// The array before.
    before: Option<Sequence>,
}

#[derive(Debug)]
enum Place {
    /// Before a document.
    Between,
    /// Within a document that has had no records so far. It is kept as what it may become: a reject.
    Ahead(Discard),
    /// Within the array.
    Records(Sequence),
    /// Behind the array.
    Behind,
    /// Within text that is damaged.
    Lost(Discard),
}

impl Documents {
    pub(super) fn new(path: &RecordsPath, layout: Layout) -> Self {
        Self {
            layout,
            search: Search::new(path),
            place: Place::Between,
            begun: 0,
            any_records: false,
            without: None,
            before: None,
        }
    }

    /// How the records follow each other: they are elements of an array, unless each of several lines has one.
    pub(super) const fn format(&self) -> Format {
        match self.layout {
            Layout::Lines if self.begun > 1 => Format::Ndjson,
            _ => Format::Array,
        }
    }

    /// Why the object has no records, if none of its documents has the array.
    pub(super) fn no_records(&mut self) -> Option<NoRecords> {
        self.without.take().filter(|_| !self.any_records)
    }

    /// Cuts the elements in `text` and returns how much of it is done with.
    pub(super) fn cut(&mut self, text: &[u8], cuts: &mut Cuts) -> usize {
        match self.layout {
            Layout::Lines => self.cut_lines(text, 0, cuts),
            Layout::Row => self.cut_piece(text, 0, cuts),
            Layout::Unknown => self.cut_first_line(text, cuts),
        }
    }

    /// Cuts what the first line holds, and what follows once it has ended.
    fn cut_first_line(&mut self, text: &[u8], cuts: &mut Cuts) -> usize {
        let blanks = if self.begun == 0 { blank_length(text) } else { 0 };
        let Some(length) = memchr::memchr(b'\n', &text[blanks..]) else {
            return self.cut_piece(text, 0, cuts);
        };
        let line_end = blanks + length;
        let ended = std::mem::take(&mut cuts.ended);
        let at = self.cut_piece(&text[..line_end], 0, cuts);
        cuts.ended = ended;
        if cuts.is_full() {
            return at;
        }
        self.layout = match self.place {
            Place::Between if at == line_end => Layout::Lines,
            Place::Lost(_) => Layout::Lines,
            _ => Layout::Row,
        };
        match self.layout {
            Layout::Lines => self.cut_lines(text, at, cuts),
            _ => self.cut_piece(text, at, cuts),
        }
    }

    fn cut_lines(&mut self, text: &[u8], mut at: usize, cuts: &mut Cuts) -> usize {
        while let Some(length) = memchr::memchr(b'\n', &text[at..]) {
            let line_end = at + length;
            let ended = std::mem::replace(&mut cuts.ended, true);
            at = self.cut_piece(&text[..line_end], at, cuts);
            cuts.ended = ended;
            if cuts.is_full() {
                return at;
            }
            at = line_end + 1;
        }
        self.cut_piece(text, at, cuts)
    }

    fn cut_piece(&mut self, text: &[u8], mut at: usize, cuts: &mut Cuts) -> usize {
        let mut cursor = Cursor::default();
        while !cuts.is_full()
            && let Some(next) = self.step(text, at, &mut cursor, cuts)
        {
            at = next;
        }
        at
    }

    /// Cuts what begins at `at` and returns where the next begins; `None` when more text is needed or none
    /// is left.
    fn step<'t>(
        &mut self,
        text: &'t [u8],
        at: usize,
        cursor: &mut Cursor<'t>,
        cuts: &mut Cuts,
    ) -> Option<usize> {
        match std::mem::replace(&mut self.place, Place::Between) {
            Place::Between => self.begin(text, at, cuts),
            Place::Ahead(passed) => self.look(text, at, Some(passed), cuts),
            Place::Behind => self.look(text, at, None, cuts),
            Place::Lost(discard) => self.pass_over(discard, text, at, cuts),
            Place::Records(array) if array.is_closed() => {
                self.search.pass_array();
                (self.before, self.place) = (Some(array), Place::Behind);
                Some(at)
            }
            Place::Records(array) if array.is_lost() => {
                self.before = Some(array);
                Some(at)
            }
            Place::Records(mut array) => {
                let next = array.step(text, at, cursor, cuts);
                self.place = Place::Records(array);
                next
            }
        }
    }

    /// Begins with the next document, if there is one.
    fn begin(&mut self, text: &[u8], at: usize, cuts: &Cuts) -> Option<usize> {
        let start = at + blank_length(&text[at..]);
        if start == text.len() {
            return (start > at).then_some(start);
        }
        self.search.restart();
        self.begun += 1;
        self.place = Place::Ahead(cuts.discard(start, NO_RECORDS, Until::TextEnd));
        Some(start)
    }

    /// Goes on to the array or to the end of the document. What is passed over is added to `passed`, where
    /// the document has had no records so far.
    fn look(
        &mut self,
        text: &[u8],
        at: usize,
        mut passed: Option<Discard>,
        cuts: &mut Cuts,
    ) -> Option<usize> {
        let advanced = self.search.advance(text, at, cuts.ended);
        let to = match advanced {
            Ok((_, to)) | Err(Fault::Unexpected { at: to, .. }) => to,
            Err(Fault::Ends) => text.len(),
        };
        if let Some(passed) = &mut passed {
            passed.feed(&text[at..to], false);
        }
        match advanced {
            Ok((Found::More, _)) => {
                self.place = passed.map_or(Place::Behind, Place::Ahead);
                return (to > at).then_some(to);
            }
            Ok((Found::Array, _)) => {
                let is_inner = self.search.is_within_object();
                let array = Sequence::of_document(is_inner, self.before.as_ref());
                (self.any_records, self.place) = (true, Place::Records(array));
            }
            Ok((Found::End, _)) => self.end(passed, cuts),
            Err(Fault::Ends) => match passed {
                Some(passed) => cuts.push_discarded(passed.with(CUT_OFF).trimmed()),
                None => cuts.push_fault(to, to, CUT_OFF),
            },
            Err(Fault::Unexpected { .. }) => {
                let lost = passed.map(|passed| passed.with(BROKEN));
                let lost = lost.unwrap_or_else(|| cuts.discard(to, BROKEN, Until::TextEnd));
                self.place = Place::Lost(lost);
            }
        }
        Some(to)
    }

    /// Ends a document: one without the array is a reject.
    fn end(&mut self, passed: Option<Discard>, cuts: &mut Cuts) {
        if self.search.has_records {
            self.any_records = true;
        } else if let Some(passed) = passed {
            self.without.get_or_insert_with(|| self.search.no_records());
            cuts.push_discarded(passed);
        }
    }

    fn pass_over(
        &mut self,
        mut discard: Discard,
        text: &[u8],
        at: usize,
        cuts: &mut Cuts,
    ) -> Option<usize> {
        let (taken, ends) = discard.feed(&text[at..], cuts.ended);
        if ends {
            cuts.push_discarded(discard.trimmed());
            return Some(at + taken);
        }
        self.place = Place::Lost(discard);
        (taken > 0).then_some(at + taken)
    }
}

#[cfg(test)]
mod tests;
