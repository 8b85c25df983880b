//! Reads one record at a time, in one pass over its text, without an allocation for a good one.

use std::fmt;
use std::ops::Range;

use super::expected::{Expected, Shape};
use super::limit::Limit;
use super::name::{shortened, unknown_name};
use super::slot::{Piece, Place, Problem, Slot};
use crate::feed::{Kind, Reason};
use crate::json::{Cursor, Fault, Quoted, Span, Value, unescape};
use crate::source::{Batch, Record};

/// The values of the record that was read last.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    shape: &'a Shape,
    batch: &'a Batch,
    /// The batch as text, if all of it is.
    batch_text: Option<&'a str>,
    cursor: Cursor<'a>,
    record: &'a str,
    /// Where it begins in the batch.
    start: usize,
    unescaped: String,
    /// One for each field of the record, then one for each field of each entry of its list.
    slots: Vec<Slot>,
    /// For each entry of the list: whether it is an object, not null.
    entries: Vec<bool>,
    /// What is wrong with the values that cannot be taken.
    problems: Vec<Problem>,
    /// The keys that the feed does not have, and whether they stand in an entry.
    unknown: Vec<(bool, Quoted)>,
}

/// Which object a value stands in.
#[derive(Debug, Clone, Copy)]
struct Within {
    /// Where the slots of its fields begin.
    base: usize,
    /// The number of the list's entry that it is, if it is not the record.
    entry: Option<usize>,
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

    /// For each entry of the list: whether it is an object, not null.
    pub(super) fn entries(&self) -> &[bool] {
        &self.entries
    }

    /// For each entry, one for each of its fields.
    pub(super) fn entry_slots(&self) -> &[Slot] {
        &self.slots[self.shape.record.len()..]
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
        for (in_entry, key) in &self.unknown {
            let name = unknown_name(self.record, *key);
            if *in_entry {
                qualified.clear();
                qualified.extend([self.shape.list, ".", &name]);
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
        self.unknown.push((within.entry.is_some(), key));
        self.cursor.skip()?;
        Ok(Other::Unknown)
    }

    /// The field that a key names.
    fn find(&mut self, expected: &[Expected], key: Quoted) -> Option<usize> {
        let position =
            |name: &str| expected.iter().position(|it| it.field.name.eq_ignore_ascii_case(name));
        let written = &self.record[key.span.range()];
        if !key.escaped {
            return position(written);
        }
        let from = self.unescaped.len();
        unescape(written, &mut self.unescaped);
        let found = position(&self.unescaped[from..]);
        self.unescaped.truncate(from);
        found
    }

    /// Reads the value of a field.
    #[inline(never)]
    fn take(&mut self, it: &Expected, within: Within) -> Result<Slot, Fault> {
        let place = self.place_of(it, within);
        let value = self.cursor.value()?;
        Ok(match (it.field.kind, value) {
            (_, Value::Null) => Slot::Null,
            (Kind::Text, Value::String(quoted)) => self.text_slot(quoted, it.limit, place),
            (Kind::Text, Value::Number { text, .. }) => self.written_slot(text, it.limit, place),
            (Kind::Text, Value::Boolean(is)) => {
                let end = self.cursor.at();
                let start = end - if is { "true".len() } else { "false".len() };
                self.written_slot(Span { start, end }, it.limit, place)
            }
            (Kind::Integer, Value::Number { text, integer: true }) => {
                self.integer_slot(text, it.limit, place)
            }
            (Kind::Boolean, Value::Boolean(is)) => Slot::Boolean(is),
            (Kind::List(_), Value::Array) => self.list_slot()?,
            (kind, value) => {
                self.cursor.skip_rest(value)?;
                self.wrong_type(kind, value, place)
            }
        })
    }

    fn place_of(&self, it: &Expected, within: Within) -> Place {
        let entry = within.entry.map(|number| (self.shape.list, number));
        Place { entry, field: Some(it.field.name) }
    }

    fn text_slot(&mut self, quoted: Quoted, limit: Limit, place: Place) -> Slot {
        if !quoted.escaped {
            return self.written_slot(quoted.span, limit, place);
        }
        let start = self.unescaped.len();
        unescape(&self.record[quoted.span.range()], &mut self.unescaped);
        let span = Span { start, end: self.unescaped.len() };
        if self.unescaped[start..].contains('\0') {
            return self.bad(Reason::NulCharacter, place, "text that Postgres can hold", "U+0000");
        }
        self.limited(Piece::new(span, true), limit, place)
    }

    fn written_slot(&mut self, span: Span, limit: Limit, place: Place) -> Slot {
        self.limited(Piece::new(span, false), limit, place)
    }

    fn limited(&mut self, piece: Piece, limit: Limit, place: Place) -> Slot {
        let Limit::Text { characters, bytes } = limit else {
            return Slot::Text(piece);
        };
        if piece.len() > bytes {
            let expected = format!("at most {bytes} bytes, for an index");
            return self.bad(Reason::OutOfRange, place, &expected, piece.len());
        }
        // No text has more characters than bytes, so most need no counting.
        let counted = if piece.len() > characters { self.text(piece).chars().count() } else { 0 };
        if counted > characters {
            let expected = format!("at most {characters} characters");
            return self.bad(Reason::OutOfRange, place, &expected, counted);
        }
        Slot::Text(piece)
    }

    fn integer_slot(&mut self, text: Span, limit: Limit, place: Place) -> Slot {
        let text = &self.record[text.range()];
        let (least, most) = match limit {
            Limit::Range(least, most) => (least, most),
            _ => (i64::MIN, i64::MAX),
        };
        match text.parse::<i64>() {
            Ok(integer) if (least..=most).contains(&integer) => Slot::Integer(integer),
            _ => {
                let expected = format!("{least} to {most}");
                self.bad(Reason::OutOfRange, place, &expected, shortened(text))
            }
        }
    }

    fn wrong_type(&mut self, kind: Kind, value: Value, place: Place) -> Slot {
        let expected = match kind {
            Kind::Text => "a string",
            Kind::Integer => "an integer",
            Kind::Boolean => "a boolean",
            Kind::List(_) => "an array",
        };
        match value {
            Value::Number { text, integer: false } => {
                let found = format!("number {}", shortened(&self.record[text.range()]));
                self.bad(Reason::WrongType, place, expected, found)
            }
            value => self.bad(Reason::WrongType, place, expected, value.name()),
        }
    }

    /// The slot of a value that cannot be taken.
    #[cold]
    fn bad(
        &mut self,
        reason: Reason,
        place: Place,
        expected: &str,
        found: impl fmt::Display,
    ) -> Slot {
        let detail = format!("{place}: expected {expected}, found {found}");
        self.problems.push(Problem { reason, detail });
        Slot::Bad(self.problems.len() - 1)
    }

    /// Reads the entries of the list; one bad entry makes the whole list bad.
    fn list_slot(&mut self) -> Result<Slot, Fault> {
        let expected = &self.shape.entry;
        self.entries.clear();
        self.slots.truncate(self.shape.record.len());
        let mut found = None;
        while self.cursor.item(self.entries.is_empty())? {
            let within = Within { base: self.slots.len(), entry: Some(self.entries.len()) };
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
        Ok(found.unwrap_or(Slot::List))
    }

    fn bad_entry(&mut self, within: Within, found: Value) -> Slot {
        let entry = within.entry.map(|number| (self.shape.list, number));
        let place = Place { entry, field: None };
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
        let fields = self.shape.record.iter().map(|it| it.field);
        let mut required = fields.zip(&self.slots).filter(|(field, _)| field.required);
        required.find_map(|(field, slot)| {
            let found = match slot {
                Slot::Missing => "nothing",
                Slot::Null => "null",
                _ => return None,
            };
            let detail = format!("/{}: expected a value, found {found}", field.name);
            Some(Problem { reason: Reason::NullField, detail })
        })
    }

    fn empty(&self) -> Option<Problem> {
        let fields = self.shape.record.iter().map(|it| it.field);
        let mut non_empty = fields.zip(&self.slots).filter(|(field, _)| field.non_empty);
        non_empty.find_map(|(field, slot)| match slot {
            Slot::Text(piece) if piece.len() == 0 => {
                let detail = format!("/{}: expected text, found ''", field.name);
                Some(Problem { reason: Reason::EmptyStatus, detail })
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
