//! Reads one record at a time, in one pass over its text, without an allocation for a good one.

use std::borrow::Cow;

use super::limit::{Limit, Limits};
use super::name::{shortened, unknown_name};
use super::slot::{Piece, Place, Problem, Slot, bad};
use crate::feed::{Feed, Field, Kind, Reason};
use crate::json::{Cursor, Fault, Quoted, Span, Value, unescape};
use crate::source::Record;

/// The values of the record that was read last.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    feed: &'static Feed,
    limits: &'a Limits,
    batch: &'a [u8],
    /// The batch as text, if all of it is.
    batch_text: Option<&'a str>,
    cursor: Cursor<'a>,
    record: &'a str,
    unescaped: String,
    /// One for each field of the feed.
    slots: Vec<Slot>,
    /// For each entry of the list: whether it is an object, not null.
    entries: Vec<bool>,
    /// For each entry, one for each of its fields.
    entry_slots: Vec<Slot>,
    /// The keys that the feed does not have, and whether they stand in an entry.
    unknown: Vec<(bool, Quoted)>,
}

/// A key of an object: that of a field, by its number, or another.
enum Key {
    Of(usize),
    Unknown(Quoted),
}

/// What came before a key in its object: any other, and the field after the last known one.
#[derive(Default, Clone, Copy)]
struct Before {
    any: bool,
    next: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(feed: &'static Feed, limits: &'a Limits, batch: &'a [u8]) -> Self {
        Self {
            feed,
            limits,
            batch,
            batch_text: simdutf8::basic::from_utf8(batch).ok(),
            cursor: Cursor::default(),
            record: "",
            unescaped: String::new(),
            slots: Vec::new(),
            entries: Vec::new(),
            entry_slots: Vec::new(),
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

    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The entries of the list: whether each is an object, and what its fields hold.
    pub(super) fn entries(&self) -> impl Iterator<Item = (bool, &[Slot])> {
        let (_, fields) = self.feed.list();
        self.entries.iter().copied().zip(self.entry_slots.chunks(fields.len().max(1)))
    }

    pub(super) fn text(&self, piece: Piece) -> &str {
        let text = if piece.unescaped { &self.unescaped } else { self.record };
        text.get(piece.start as usize..piece.end as usize).unwrap_or_default()
    }

    /// The names of the keys that the feed does not have, one for each time they stand in the
    /// record; those of entries behind the name of the list and a dot.
    pub(super) fn unknown_names(&self) -> impl Iterator<Item = Cow<'a, str>> {
        let record = self.record;
        let (list, _) = self.feed.list();
        self.unknown.iter().map(move |(in_entry, key)| {
            let name = unknown_name(record, *key);
            if *in_entry { Cow::Owned(format!("{}.{name}", list.name)) } else { name }
        })
    }

    fn clear(&mut self) {
        self.slots.clear();
        self.slots.resize_with(self.feed.fields.len(), || Slot::Missing);
        self.entries.clear();
        self.entry_slots.clear();
        self.unescaped.clear();
        self.unknown.clear();
    }

    fn read_object(&mut self, record: &Record) -> Result<(), Problem> {
        if let Some(fault) = record.fault {
            return Err(Problem { reason: fault.reason, detail: fault.detail.to_owned() });
        }
        self.record = self.record_text(record)?;
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
        let bytes = self.batch.get(record.start..record.end).unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|error| Problem {
            reason: Reason::Malformed,
            detail: format!("expected UTF-8, found another byte at {}", error.valid_up_to() + 1),
        })
    }

    /// Reads all fields of an object, or passes over any other value; then nothing may follow.
    fn read_fields(&mut self) -> Result<Value, Fault> {
        let value = self.cursor.value()?;
        if value == Value::Object {
            let fields = self.feed.fields;
            let mut before = Before::default();
            while let Some(key) = self.key(fields, &mut before)? {
                match key {
                    Key::Of(at) => {
                        let field = &fields[at];
                        let place = Place { field: field.name, entry: None, entry_field: None };
                        self.slots[at] = self.take(field, self.limits.record[at], place)?;
                    }
                    Key::Unknown(key) => self.pass_unknown(false, key)?,
                }
            }
        } else {
            self.cursor.skip_rest(value)?;
        }
        self.cursor.end()?;
        Ok(value)
    }

    /// Moves past the next key of an object. Keys mostly come in the feed's order and spelling, so
    /// that is looked at first, without reading them as strings.
    fn key(&mut self, fields: &'static [Field], before: &mut Before) -> Result<Option<Key>, Fault> {
        let Before { any, next } = *before;
        before.any = true;
        if let Some(field) = fields.get(next)
            && self.cursor.key_is(!any, field.name)
        {
            before.next += 1;
            return Ok(Some(Key::Of(next)));
        }
        let Some(key) = self.cursor.key(!any)? else {
            return Ok(None);
        };
        Ok(Some(match self.find(fields, key) {
            Some(at) => {
                before.next = at + 1;
                Key::Of(at)
            }
            None => Key::Unknown(key),
        }))
    }

    /// The field that a key names.
    fn find(&mut self, fields: &'static [Field], key: Quoted) -> Option<usize> {
        if !key.escaped {
            return position(fields, &self.record[key.span.range()]);
        }
        let from = self.unescaped.len();
        unescape(&self.record[key.span.range()], &mut self.unescaped);
        let found = position(fields, &self.unescaped[from..]);
        self.unescaped.truncate(from);
        found
    }

    fn pass_unknown(&mut self, in_entry: bool, key: Quoted) -> Result<(), Fault> {
        self.unknown.push((in_entry, key));
        self.cursor.skip().map(drop)
    }

    fn take(&mut self, field: &Field, limit: Limit, place: Place) -> Result<Slot, Fault> {
        let value = self.cursor.value()?;
        Ok(match (field.kind, value) {
            (_, Value::Null) => Slot::Null,
            (Kind::Text, Value::String(quoted)) => self.text_slot(quoted, limit, place),
            (Kind::Text, Value::Number { text, .. }) => self.written_slot(text, limit, place),
            (Kind::Text, Value::Boolean(is)) => {
                let end = self.cursor.at();
                let start = end - if is { "true".len() } else { "false".len() };
                self.written_slot(Span { start, end }, limit, place)
            }
            (Kind::Integer, Value::Number { text, integer: true }) => {
                self.integer_slot(text, limit, place)
            }
            (Kind::Boolean, Value::Boolean(is)) => Slot::Boolean(is),
            (Kind::List(fields), Value::Array) => self.list_slot(fields, place)?,
            (kind, value) => {
                self.cursor.skip_rest(value)?;
                self.wrong_type(kind, value, place)
            }
        })
    }

    fn text_slot(&mut self, quoted: Quoted, limit: Limit, place: Place) -> Slot {
        if !quoted.escaped {
            return self.written_slot(quoted.span, limit, place);
        }
        let start = self.unescaped.len();
        unescape(&self.record[quoted.span.range()], &mut self.unescaped);
        let span = Span { start, end: self.unescaped.len() };
        if self.unescaped[start..].contains('\0') {
            return bad(Reason::NulCharacter, place, "text that Postgres can hold", "U+0000");
        }
        self.limited(Piece::new(span, true), limit, place)
    }

    fn written_slot(&self, span: Span, limit: Limit, place: Place) -> Slot {
        self.limited(Piece::new(span, false), limit, place)
    }

    fn limited(&self, piece: Piece, limit: Limit, place: Place) -> Slot {
        let Limit::Text { characters, bytes } = limit else {
            return Slot::Text(piece);
        };
        if piece.len() > bytes {
            let expected = format!("at most {bytes} bytes, for an index");
            return bad(Reason::OutOfRange, place, &expected, piece.len());
        }
        // No text has more characters than bytes, so most need no counting.
        let counted = if piece.len() > characters { self.text(piece).chars().count() } else { 0 };
        if counted > characters {
            let expected = format!("at most {characters} characters");
            return bad(Reason::OutOfRange, place, &expected, counted);
        }
        Slot::Text(piece)
    }

    fn integer_slot(&self, text: Span, limit: Limit, place: Place) -> Slot {
        let text = &self.record[text.range()];
        let (least, most) = match limit {
            Limit::Range(least, most) => (least, most),
            _ => (i64::MIN, i64::MAX),
        };
        match text.parse::<i64>() {
            Ok(integer) if (least..=most).contains(&integer) => Slot::Integer(integer),
            _ => bad(Reason::OutOfRange, place, &format!("{least} to {most}"), shortened(text)),
        }
    }

    fn wrong_type(&self, kind: Kind, value: Value, place: Place) -> Slot {
        let expected = match kind {
            Kind::Text => "a string",
            Kind::Integer => "an integer",
            Kind::Boolean => "a boolean",
            Kind::List(_) => "an array",
        };
        match value {
            Value::Number { text, integer: false } => {
                let found = format!("number {}", shortened(&self.record[text.range()]));
                bad(Reason::WrongType, place, expected, found)
            }
            value => bad(Reason::WrongType, place, expected, value.name()),
        }
    }

    /// Reads the entries of a list; one bad entry makes the whole list bad.
    fn list_slot(&mut self, fields: &'static [Field], list: Place) -> Result<Slot, Fault> {
        self.entries.clear();
        self.entry_slots.clear();
        let mut found = None;
        while self.cursor.item(self.entries.is_empty())? {
            let place = Place { entry: Some(self.entries.len()), ..list };
            let value = self.cursor.value()?;
            self.entries.push(value == Value::Object);
            self.entry_slots.resize_with(fields.len() * self.entries.len(), || Slot::Missing);
            match value {
                Value::Null => {}
                Value::Object => {
                    let problem = self.read_entry(fields, place)?;
                    found = found.or(problem);
                }
                other => {
                    self.cursor.skip_rest(other)?;
                    found =
                        found.or(Some(bad(Reason::WrongType, place, "an object", other.name())));
                }
            }
        }
        Ok(found.unwrap_or(Slot::List))
    }

    /// Reads the fields of the last entry; what is bad about the first bad one of them.
    fn read_entry(
        &mut self,
        fields: &'static [Field],
        entry: Place,
    ) -> Result<Option<Slot>, Fault> {
        let base = self.entry_slots.len() - fields.len();
        let mut before = Before::default();
        while let Some(key) = self.key(fields, &mut before)? {
            match key {
                Key::Of(at) => {
                    let place = Place { entry_field: Some(fields[at].name), ..entry };
                    self.entry_slots[base + at] =
                        self.take(&fields[at], self.limits.entry[at], place)?;
                }
                Key::Unknown(key) => self.pass_unknown(true, key)?,
            }
        }
        let found = self.entry_slots[base..].iter().position(|slot| matches!(slot, Slot::Bad(_)));
        Ok(found.map(|at| std::mem::replace(&mut self.entry_slots[base + at], Slot::Null)))
    }

    /// The first value that cannot be taken, in the order of the feed's fields; failing that, the
    /// first null; failing that, the first empty text.
    fn problem(&mut self) -> Option<Problem> {
        let bad = self.slots.iter_mut().find_map(|slot| match slot {
            Slot::Bad(problem) => Some(std::mem::take(&mut **problem)),
            _ => None,
        });
        bad.or_else(|| self.null()).or_else(|| self.empty())
    }

    fn null(&self) -> Option<Problem> {
        let mut required =
            self.feed.fields.iter().zip(&self.slots).filter(|(field, _)| field.required);
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
        let mut non_empty =
            self.feed.fields.iter().zip(&self.slots).filter(|(field, _)| field.non_empty);
        non_empty.find_map(|(field, slot)| match slot {
            Slot::Text(piece) if self.text(*piece).is_empty() => {
                let detail = format!("/{}: expected text, found ''", field.name);
                Some(Problem { reason: Reason::EmptyStatus, detail })
            }
            _ => None,
        })
    }
}

fn position(fields: &[Field], name: &str) -> Option<usize> {
    fields.iter().position(|field| field.name.eq_ignore_ascii_case(name))
}

fn malformed(fault: Fault) -> Problem {
    let detail = match fault {
        Fault::Ends => "the text ends within the record".to_owned(),
        Fault::Unexpected { at, expected } => format!("expected {expected} at byte {}", at + 1),
    };
    Problem { reason: Reason::Malformed, detail }
}
