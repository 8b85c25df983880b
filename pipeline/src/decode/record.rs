//! Reads one record at a time, in one pass over its text, without an allocation for a good one.

use super::demand;
use super::expected::{Expected, Shape};
use super::members::Within;
use super::name::unknown_name;
use super::slot::{Entry, Piece, Problem, Run, Slot};
use super::trail::Trail;
use crate::feed::Reason;
use crate::json::{Cursor, Fault, Quoted, Span, Value};
use crate::records::{Batch, Record};

/// The values of the record that was read last.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) shape: &'a Shape,
    batch: &'a Batch,
    /// The batch as text, if all of it is.
    batch_text: Option<&'a str>,
    pub(super) cursor: Cursor<'a>,
    pub(super) record: &'a str,
    /// Where it begins in the batch.
    start: usize,
    pub(super) unescaped: String,
    /// One for each field of the record, then one for each field of each entry of its lists.
    pub(super) slots: Vec<Slot>,
    /// The entries of the lists, by the index of their table.
    pub(super) entries: Vec<Vec<Entry>>,
    /// The elements of arrays of values.
    pub(super) items: Vec<Slot>,
    /// The lists that the value that is read is in: the table of each, and how many entries of it were read
    /// before the list.
    pub(super) open_lists: Vec<(usize, usize)>,
    /// What is wrong with the values that cannot be taken.
    pub(super) problems: Vec<Problem>,
    /// The keys that the feed does not have, and in which object they stand.
    pub(super) unknown: Vec<(usize, Quoted)>,
    /// The first of them, where it is a problem.
    pub(super) unknown_problem: Option<Problem>,
    /// Those at the top of the record, with their values, where they are kept.
    pub(super) rest: Vec<(Quoted, Span)>,
    /// What is wrong with one of them.
    pub(super) rest_problem: Option<usize>,
}

impl<'a> Reader<'a> {
    /// A reader of the records of a batch, with its text if all of it is UTF-8.
    pub(super) fn new(shape: &'a Shape, batch: &'a Batch, batch_text: Option<&'a str>) -> Self {
        Self {
            shape,
            batch,
            batch_text,
            cursor: Cursor::default(),
            record: "",
            start: 0,
            unescaped: String::new(),
            slots: Vec::new(),
            entries: vec![Vec::new(); shape.scopes.len()],
            items: Vec::new(),
            open_lists: Vec::new(),
            problems: Vec::new(),
            unknown: Vec::new(),
            unknown_problem: None,
            rest: Vec::new(),
            rest_problem: None,
        }
    }

    /// Reads a record and tells why it must be rejected, if it must.
    pub(super) fn read(&mut self, record: &Record) -> Option<Problem> {
        self.clear();
        match self.read_object(record) {
            Ok(()) => self.problem(),
            Err(problem) => {
                self.clear();
                Some(problem)
            }
        }
    }

    /// One for each field of the record.
    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots[..self.shape.scopes[0].leaves.len()]
    }

    /// What a field of an entry holds.
    #[inline(always)]
    pub(super) fn slot_of(&self, entry: Entry, field: usize) -> Slot {
        self.slots[entry.base as usize + field]
    }

    /// The entries of a list.
    pub(super) fn entries(&self, table: usize, run: Run) -> &[Entry] {
        run.of(&self.entries[table])
    }

    /// The elements of an array of values.
    pub(super) fn items(&self, run: Run) -> &[Slot] {
        run.of(&self.items)
    }

    #[inline(always)]
    pub(super) fn text(&self, piece: Piece) -> &str {
        let text = if piece.unescaped { &self.unescaped } else { self.record };
        text.get(piece.start as usize..piece.end as usize).unwrap_or_default()
    }

    /// Where a piece of the record stands in the batch.
    #[inline(always)]
    pub(super) fn place(&self, piece: Piece) -> std::ops::Range<usize> {
        self.start + piece.start as usize..self.start + piece.end as usize
    }

    /// Tells the names of the keys that the feed does not have, one for each time they stand in the
    /// record: the keys and dots of the object that it is in, and the name there.
    pub(super) fn tell_unknown(&self, mut tell: impl FnMut(&str, &str)) {
        for (object, key) in &self.unknown {
            let name = unknown_name(self.record, *key);
            tell(&self.shape.objects[*object].prefix, &name);
        }
    }

    /// Whether all of the batch is known to be UTF-8.
    pub(super) const fn is_utf8(&self) -> bool {
        self.batch_text.is_some()
    }

    /// The text of a record of the batch.
    pub(super) fn text_of(&self, record: &Record) -> &'a [u8] {
        self.batch.text_of(record)
    }

    /// The keys that are kept, with their values.
    pub(super) fn rest(&self) -> &[(Quoted, Span)] {
        &self.rest
    }

    fn clear(&mut self) {
        self.slots.clear();
        self.slots.extend_from_slice(&self.shape.scopes[0].blank);
        self.entries.iter_mut().for_each(Vec::clear);
        self.items.clear();
        self.open_lists.clear();
        self.problems.clear();
        self.unescaped.clear();
        self.unknown.clear();
        self.unknown_problem = None;
        self.rest.clear();
        self.rest_problem = None;
    }

    fn read_object(&mut self, record: &Record) -> Result<(), Problem> {
        if let Some(fault) = record.fault {
            return Err(Problem { reason: fault.reason, detail: fault.detail.to_owned() });
        }
        self.record = self.record_text(record)?;
        self.start = record.start;
        self.cursor.go(self.record.as_bytes(), 0);
        let value = self.read_fields().map_err(malformed)?;
        if value == Value::Object {
            return Ok(());
        }
        Err(Problem {
            reason: Reason::NotAnObject,
            detail: format!("expected an object, found {}", value.name()),
        })
    }

    fn record_text(&self, record: &Record) -> Result<&'a str, Problem> {
        if let Some(text) = self.batch_text.and_then(|text| text.get(record.start..record.end)) {
            return Ok(text);
        }
        std::str::from_utf8(self.batch.text_of(record)).map_err(|error| Problem {
            reason: Reason::Malformed,
            detail: format!("expected UTF-8, found another byte at {}", error.valid_up_to() + 1),
        })
    }

    /// The JSON pointer of a field from the record or entry that it is in.
    pub(super) fn pointer(&self, it: &Expected, within: Within) -> &'a str {
        let shape: &'a Shape = self.shape;
        &shape.scopes[within.table].leaves[it.slot].pointer
    }

    /// The entries that the value that is read is in.
    #[cold]
    pub(super) fn trail(&self) -> Trail {
        let number =
            |(table, before): &(usize, usize)| (*table, self.entries[*table].len() - before);
        Trail { steps: self.open_lists.iter().map(number).collect() }
    }

    /// The slot of a value that cannot be taken, at a pointer from the entry that is read.
    #[cold]
    pub(super) fn bad(
        &mut self,
        reason: Reason,
        pointer: &str,
        expected: &str,
        found: impl std::fmt::Display,
    ) -> Slot {
        let place = self.trail();
        let place = place.to(self.shape, pointer);
        let detail = format!("{place}: expected {expected}, found {found}");
        self.problems.push(Problem { reason, detail });
        Slot::Bad(self.problems.len() - 1)
    }

    /// Adds the number of an element to the place of a problem, which is that of its array.
    #[cold]
    pub(super) fn number_problem(&mut self, problem: usize, pointer: &str, number: usize) {
        let length = self.trail().to(self.shape, pointer).to_string().len();
        self.problems[problem].detail.insert_str(length, &format!("/{number}"));
    }

    /// The first value that cannot be taken, in the order of the feed's fields; failing that, the
    /// first null; failing that, the first empty text; failing that, the first unknown key.
    fn problem(&mut self) -> Option<Problem> {
        let slots = &self.slots[..self.shape.scopes[0].leaves.len()];
        let bad = slots.iter().find_map(|slot| match slot {
            Slot::Bad(at) => Some(*at),
            _ => None,
        });
        let bad = bad.or(self.rest_problem).map(|at| std::mem::take(&mut self.problems[at]));
        bad.or_else(|| demand::null(self))
            .or_else(|| demand::empty(self))
            .or_else(|| self.unknown_problem.take())
    }
}

fn malformed(fault: Fault) -> Problem {
    let detail = match fault {
        Fault::Ends => "the text ends within the record".to_owned(),
        Fault::Unexpected { at, expected } => format!("expected {expected} at byte {}", at + 1),
    };
    Problem { reason: Reason::Malformed, detail }
}
