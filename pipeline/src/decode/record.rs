//! Reads one record at a time, in one pass over its text, without an allocation for a good one.

use std::fmt;
use std::ops::Range;

use super::expected::{Expected, Shape, Takes};
use super::name::unknown_name;
use super::slot::{Piece, Place, Problem, Slot};
use crate::feed::Reason;
use crate::json::{Cursor, Fault, Quoted, Value, unescape};
use crate::records::{Batch, Record};

/// The values of the record that was read last.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    shape: &'a Shape,
    batch: &'a Batch,
    /// The batch as text, if all of it is.
    batch_text: Option<&'a str>,
    pub(super) cursor: Cursor<'a>,
    pub(super) record: &'a str,
    /// Where it begins in the batch.
    start: usize,
    pub(super) unescaped: String,
    /// One for each field of the record, then one for each field of each entry of its lists.
    slots: Vec<Slot>,
    /// For each entry of the lists: whether it is an object, not null.
    entries: Vec<bool>,
    /// Where the entries of each list are.
    lists: Vec<Listed>,
    /// What is wrong with the values that cannot be taken.
    problems: Vec<Problem>,
    /// The keys that the feed does not have, and in which list they stand in an entry, if they do.
    unknown: Vec<(Option<usize>, Quoted)>,
}

/// Where the entries of a list are; a list that stands in a record again is the later one.
#[derive(Debug, Clone, Default)]
struct Listed {
    /// Among all slots.
    slots: Range<usize>,
    /// Among all entries.
    entries: Range<usize>,
}

/// Which object a value stands in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Within {
    /// Where the slots of its fields begin.
    base: usize,
    /// If it is an entry, not the record: the list, and its number there.
    entry: Option<(usize, usize)>,
}

/// What came instead of the key that was expected.
enum Other {
    Field(usize),
    Unknown,
    End,
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
            entries: Vec::new(),
            lists: vec![Listed::default(); shape.lists.len()],
            problems: Vec::new(),
            unknown: Vec::new(),
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
        &self.slots[..self.shape.record.len()]
    }

    /// Of each entry of a list whether it is an object, not null; then one slot for each field of each
    /// entry.
    pub(super) fn list(&self, list: usize) -> (&[bool], &[Slot]) {
        let Listed { slots, entries } = &self.lists[list];
        (&self.entries[entries.clone()], &self.slots[slots.clone()])
    }

    pub(super) fn text(&self, piece: Piece) -> &str {
        let text = if piece.unescaped { &self.unescaped } else { self.record };
        text.get(piece.start as usize..piece.end as usize).unwrap_or_default()
    }

    /// Where a piece of the record stands in the batch.
    pub(super) fn place(&self, piece: Piece) -> Range<usize> {
        self.start + piece.start as usize..self.start + piece.end as usize
    }

    /// Tells the names of the keys that the feed does not have, one for each time they stand in the
    /// record; those of entries behind the name of the list and a dot, put together in `qualified`.
    pub(super) fn tell_unknown(&self, qualified: &mut String, mut tell: impl FnMut(&str)) {
        for (list, key) in &self.unknown {
            let name = unknown_name(self.record, *key);
            if let Some(list) = list {
                qualified.clear();
                qualified.extend([&self.shape.lists[*list].key, ".", &name]);
                tell(qualified);
            } else {
                tell(&name);
            }
        }
    }

    fn clear(&mut self) {
        self.slots.clear();
        self.slots.resize(self.shape.record.len(), Slot::Missing);
        self.entries.clear();
        self.problems.clear();
        self.unescaped.clear();
        self.unknown.clear();
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

    /// Reads all fields of an object, or passes over any other value; then nothing may follow.
    fn read_fields(&mut self) -> Result<Value, Fault> {
        let value = self.cursor.value()?;
        match value {
            Value::Object => {
                self.read_members(&self.shape.record, Within { base: 0, entry: None })?;
            }
            value => self.cursor.skip_rest(value)?,
        }
        self.cursor.end()?;
        Ok(value)
    }

    /// Reads the rest of an object behind its opening brace. Keys mostly come in the feed's order and
    /// spelling, so that is looked at first, without reading them as strings; so are plain texts.
    fn read_members(&mut self, expected: &'a [Expected], within: Within) -> Result<(), Fault> {
        let (mut first, mut next) = (true, 0);
        loop {
            let at = match expected.get(next) {
                Some(it) if self.cursor.key_is(first, &it.key) => {
                    if let Some(most) = it.plain_bytes
                        && let Some(span) = self.cursor.plain_string(most)
                    {
                        self.slots[within.base + next] = Slot::Text(Piece::new(span, false));
                        (first, next) = (false, next + 1);
                        continue;
                    }
                    next
                }
                None if self.cursor.step_over(b'}') => return Ok(()),
                _ => match self.other_key(expected, first, within)? {
                    Other::Field(at) => at,
                    Other::Unknown => {
                        first = false;
                        continue;
                    }
                    Other::End => return Ok(()),
                },
            };
            self.slots[within.base + at] = self.take(&expected[at], within)?;
            (first, next) = (false, at + 1);
        }
    }

    /// Moves past the next key, whatever it is, or past the closing brace; past the value too of a key
    /// that is not of a field.
    #[inline(never)]
    fn other_key(
        &mut self,
        expected: &[Expected],
        first: bool,
        within: Within,
    ) -> Result<Other, Fault> {
        let Some(key) = self.cursor.key(first)? else {
            return Ok(Other::End);
        };
        if let Some(at) = self.find(expected, key) {
            return Ok(Other::Field(at));
        }
        self.unknown.push((within.entry.map(|(list, _)| list), key));
        self.cursor.skip()?;
        Ok(Other::Unknown)
    }

    /// The field that a key names.
    fn find(&mut self, expected: &[Expected], key: Quoted) -> Option<usize> {
        let written = &self.record[key.span.range()];
        if !key.escaped {
            return self.shape.find(expected, written);
        }
        let from = self.unescaped.len();
        unescape(written, &mut self.unescaped);
        let found = self.shape.find(expected, &self.unescaped[from..]);
        self.unescaped.truncate(from);
        found
    }

    /// Reads the value of a field.
    #[inline(never)]
    fn take(&mut self, it: &'a Expected, within: Within) -> Result<Slot, Fault> {
        let place = self.place_of(it, within);
        let value = self.cursor.value()?;
        match (it.takes, value) {
            (_, Value::Null) => Ok(Slot::Null),
            (Takes::Value(data_type), value) => self.value_slot(data_type, value, it.limit, place),
            (Takes::List(list), Value::Array) => self.list_slot(list),
            (Takes::List(_), value) => {
                self.cursor.skip_rest(value)?;
                Ok(self.bad(Reason::WrongType, place, "an array", value.name()))
            }
        }
    }

    fn place_of(&self, it: &'a Expected, within: Within) -> Place<'a> {
        Place { field: Some(&it.name), ..self.place_of_entry(within) }
    }

    fn place_of_entry(&self, within: Within) -> Place<'a> {
        let shape = self.shape;
        let entry = within.entry.map(|(list, number)| (shape.lists[list].key.as_str(), number));
        Place { entry, field: None }
    }

    /// The slot of a value that cannot be taken.
    #[cold]
    pub(super) fn bad(
        &mut self,
        reason: Reason,
        place: Place<'a>,
        expected: &str,
        found: impl fmt::Display,
    ) -> Slot {
        let detail = format!("{place}: expected {expected}, found {found}");
        self.problems.push(Problem { reason, detail });
        Slot::Bad(self.problems.len() - 1)
    }

    /// Reads the entries of a list; one bad entry makes the whole list bad.
    fn list_slot(&mut self, list: usize) -> Result<Slot, Fault> {
        let expected = &self.shape.lists[list].entry;
        let (first_slot, first) = (self.slots.len(), self.entries.len());
        let mut found = None;
        while self.cursor.item(self.entries.len() == first)? {
            let entry = Some((list, self.entries.len() - first));
            let within = Within { base: self.slots.len(), entry };
            self.slots.resize(within.base + expected.len(), Slot::Missing);
            let is_object = self.cursor.peek()? == b'{' && self.cursor.step_over(b'{');
            self.entries.push(is_object);
            let problem = if is_object {
                self.read_members(expected, within)?;
                let mut slots = self.slots[within.base..].iter();
                slots.find(|slot| matches!(slot, Slot::Bad(_))).copied()
            } else {
                match self.cursor.skip()? {
                    Value::Null => None,
                    other => Some(self.bad_entry(within, other)),
                }
            };
            found = found.or(problem);
        }
        self.lists[list] =
            Listed { slots: first_slot..self.slots.len(), entries: first..self.entries.len() };
        Ok(found.unwrap_or(Slot::List))
    }

    fn bad_entry(&mut self, within: Within, found: Value) -> Slot {
        let place = self.place_of_entry(within);
        self.bad(Reason::WrongType, place, "an object", found.name())
    }

    /// The first value that cannot be taken, in the order of the feed's fields; failing that, the
    /// first null; failing that, the first empty text.
    fn problem(&mut self) -> Option<Problem> {
        let slots = &self.slots[..self.shape.record.len()];
        let bad = slots.iter().find_map(|slot| match slot {
            Slot::Bad(at) => Some(std::mem::take(&mut self.problems[*at])),
            _ => None,
        });
        bad.or_else(|| self.null()).or_else(|| self.empty())
    }

    fn null(&self) -> Option<Problem> {
        let mut required = self.shape.record.iter().zip(&self.slots).filter(|(it, _)| it.required);
        required.find_map(|(it, slot)| {
            let found = match slot {
                Slot::Missing => "nothing",
                Slot::Null => "null",
                _ => return None,
            };
            let detail = format!("/{}: expected a value, found {found}", it.name);
            Some(Problem { reason: Reason::NullField, detail })
        })
    }

    fn empty(&self) -> Option<Problem> {
        let fields = self.shape.record.iter().zip(&self.slots);
        let mut non_empty = fields.filter(|(it, _)| it.non_empty);
        non_empty.find_map(|(it, slot)| match slot {
            Slot::Text(piece) if piece.len() == 0 => {
                let detail = format!("/{}: expected text, found ''", it.name);
                Some(Problem { reason: Reason::EmptyText, detail })
            }
            _ => None,
        })
    }
}

fn malformed(fault: Fault) -> Problem {
    let detail = match fault {
        Fault::Ends => "the text ends within the record".to_owned(),
        Fault::Unexpected { at, expected } => format!("expected {expected} at byte {}", at + 1),
    };
    Problem { reason: Reason::Malformed, detail }
}
