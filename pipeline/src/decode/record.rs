//! Reads one record at a time, in one pass over its text, without an allocation for a good one.

use super::demand;
use super::expected::{Expected, Scope, Shape, Takes};
use super::name::unknown_name;
use super::slot::{Entry, Piece, Problem, Run, Slot};
use super::trail::Trail;
use crate::feed::{Reason, Unknown};
use crate::json::{Cursor, Fault, Quoted, Span, Value, unescape};
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
    entries: Vec<Vec<Entry>>,
    /// The elements of arrays of values.
    pub(super) items: Vec<Slot>,
    /// The entries that the value that is read is in.
    pub(super) trail: Trail,
    /// What is wrong with the values that cannot be taken.
    problems: Vec<Problem>,
    /// The keys that the feed does not have, and in which object they stand.
    unknown: Vec<(usize, Quoted)>,
    /// The first of them, where it is a problem.
    unknown_problem: Option<Problem>,
    /// Those at the top of the record, with their values, where they are kept.
    rest: Vec<(Quoted, Span)>,
    /// What is wrong with one of them.
    rest_problem: Option<usize>,
}

/// Which object a value stands in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Within {
    /// Where the slots of its fields begin.
    pub(super) base: usize,
    /// The table whose rows have them.
    pub(super) table: usize,
    /// The object, as the shape numbers it.
    pub(super) object: usize,
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
            entries: vec![Vec::new(); shape.scopes.len()],
            items: Vec::new(),
            trail: Trail::default(),
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
    /// record; those within another object behind its keys and dots, put together in `qualified`.
    pub(super) fn tell_unknown(&self, qualified: &mut String, mut tell: impl FnMut(&str)) {
        for (object, key) in &self.unknown {
            let name = unknown_name(self.record, *key);
            let prefix = &self.shape.objects[*object].prefix;
            if prefix.is_empty() {
                tell(&name);
            } else {
                qualified.clear();
                qualified.extend([prefix, &*name]);
                tell(qualified);
            }
        }
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
        self.slots.resize(self.shape.scopes[0].leaves.len(), Slot::Missing);
        self.entries.iter_mut().for_each(Vec::clear);
        self.items.clear();
        self.trail.clear();
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

    /// Reads all fields of an object, or passes over any other value; then nothing may follow.
    fn read_fields(&mut self) -> Result<Value, Fault> {
        let value = self.cursor.value()?;
        let scope = &self.shape.scopes[0];
        match (value, scope.object) {
            (Value::Object, Some(object)) => {
                self.read_members(Within { base: 0, table: 0, object })?;
            }
            (value, _) => self.cursor.skip_rest(value)?,
        }
        self.cursor.end()?;
        if value == Value::Object {
            self.end_scope(scope, 0, 0, 0)?;
        }
        Ok(value)
    }

    /// Behind the members of a record or entry that began at `start`: what it is read as itself, and
    /// what its missing fields are.
    #[inline(always)]
    fn end_scope(
        &mut self,
        scope: &'a Scope,
        table: usize,
        base: usize,
        start: usize,
    ) -> Result<(), Fault> {
        for it in &scope.whole {
            self.cursor.go(self.record.as_bytes(), start);
            self.take_one(it, Within { base, table, object: 0 })?;
        }
        if scope.has_defaults {
            self.fill_missing(scope, base);
        }
        Ok(())
    }

    /// Reads the rest of an object behind its opening brace. Keys mostly come in the feed's order and
    /// spelling, so that is looked at first, without reading them as strings; so are plain texts.
    fn read_members(&mut self, within: Within) -> Result<(), Fault> {
        let members: &'a [Expected] = &self.shape.objects[within.object].members;
        let (mut first, mut next) = (true, 0);
        loop {
            let at = match members.get(next) {
                Some(it) if self.cursor.key_is(first, &it.key) => {
                    if let Some(most) = it.plain_bytes
                        && let Some(span) = self.cursor.plain_string(most)
                    {
                        self.slots[within.base + it.slot] = Slot::Text(Piece::new(span, false));
                        (first, next) = (false, next + 1);
                        continue;
                    }
                    next
                }
                None if self.cursor.step_over(b'}') => return Ok(()),
                _ => match self.other_key(members, first, within)? {
                    Other::Field(at) => at,
                    Other::Unknown => {
                        first = false;
                        continue;
                    }
                    Other::End => return Ok(()),
                },
            };
            self.take(&members[at], within)?;
            (first, next) = (false, at + 1);
        }
    }

    /// Moves past the next key, whatever it is, or past the closing brace; past the value too of a key
    /// that is not of a field.
    #[inline(never)]
    fn other_key(
        &mut self,
        members: &[Expected],
        first: bool,
        within: Within,
    ) -> Result<Other, Fault> {
        let Some(key) = self.cursor.key(first)? else {
            return Ok(Other::End);
        };
        if let Some(at) = self.find(members, key) {
            return Ok(Other::Field(at));
        }
        self.pass_unknown(key, within)?;
        Ok(Other::Unknown)
    }

    /// Moves past the value of a key that the feed does not have.
    fn pass_unknown(&mut self, key: Quoted, within: Within) -> Result<(), Fault> {
        let is_top = within.table == 0 && self.shape.scopes[0].object == Some(within.object);
        self.cursor.peek()?;
        let start = self.cursor.at();
        self.cursor.skip()?;
        match self.shape.unknown {
            Unknown::Rest if is_top => {
                let end = self.cursor.at();
                let member = Span { start: key.span.start - 1, end };
                if let (Slot::Bad(at), None) = (self.json_slot(member, ""), self.rest_problem) {
                    self.rest_problem = Some(at);
                }
                self.rest.push((key, Span { start, end }));
                return Ok(());
            }
            Unknown::Reject if self.unknown_problem.is_none() => {
                let name = unknown_name(self.record, key);
                let pointer = format!("{}/{name}", self.shape.objects[within.object].pointer);
                let detail =
                    format!("{}: expected no such key", self.trail.to(self.shape, &pointer));
                self.unknown_problem = Some(Problem { reason: Reason::UnknownField, detail });
            }
            _ => {}
        }
        self.unknown.push((within.object, key));
        Ok(())
    }

    /// The field that a key names.
    fn find(&mut self, members: &[Expected], key: Quoted) -> Option<usize> {
        let written = &self.record[key.span.range()];
        if !key.escaped {
            return self.shape.find(members, written);
        }
        let from = self.unescaped.len();
        unescape(written, &mut self.unescaped);
        let found = self.shape.find(members, &self.unescaped[from..]);
        self.unescaped.truncate(from);
        found
    }

    /// Reads the value of a field, as often as it is read.
    #[inline(never)]
    fn take(&mut self, it: &'a Expected, within: Within) -> Result<(), Fault> {
        if it.also.is_empty() {
            return self.take_one(it, within);
        }
        let start = self.cursor.at();
        self.take_one(it, within)?;
        for other in &it.also {
            self.cursor.go(self.record.as_bytes(), start);
            self.take_one(other, within)?;
        }
        Ok(())
    }

    fn take_one(&mut self, it: &'a Expected, within: Within) -> Result<(), Fault> {
        let slot = match &it.takes {
            Takes::Value(data_type, reading) => self.value(it, data_type, *reading, within)?,
            Takes::List(table) => self.list(it, *table, within)?,
            Takes::Object(object) => return self.object(it, *object, within),
        };
        self.slots[within.base + it.slot] = slot;
        Ok(())
    }

    /// Reads the fields of an object within. If it stands there again, it is the later one.
    fn object(&mut self, it: &'a Expected, object: usize, within: Within) -> Result<(), Fault> {
        let shape = self.shape;
        let mut set = |slot| {
            for field in &shape.objects[object].slots {
                self.slots[within.base + field] = slot;
            }
        };
        match self.cursor.value()? {
            Value::Object => {
                set(Slot::Missing);
                self.read_members(Within { object, ..within })
            }
            Value::Null => {
                set(Slot::Null);
                Ok(())
            }
            value => {
                set(Slot::Missing);
                self.cursor.skip_rest(value)?;
                let pointer = &shape.objects[object].pointer;
                let bad = self.bad(Reason::WrongType, pointer, "an object", value.name());
                self.slots[within.base + it.slot] = bad;
                Ok(())
            }
        }
    }

    /// Reads the entries of a list; one bad entry makes the whole list bad.
    fn list(&mut self, it: &'a Expected, table: usize, within: Within) -> Result<Slot, Fault> {
        match self.cursor.value()? {
            Value::Array => {}
            Value::Null => return Ok(Slot::Null),
            value => {
                self.cursor.skip_rest(value)?;
                let pointer = self.pointer(it, within);
                return Ok(self.bad(Reason::WrongType, pointer, "an array", value.name()));
            }
        }
        let scope = &self.shape.scopes[table];
        let (first, problems) = (self.entries[table].len(), self.problems.len());
        self.trail.enter(table);
        while self.cursor.item(self.entries[table].len() == first)? {
            let base = self.slots.len();
            self.slots.resize(base + scope.leaves.len(), Slot::Missing);
            let is_there = self.entry(scope, table, base)?;
            self.entries[table].push(Entry { base: base as u32, is_there });
            self.trail.next();
        }
        self.trail.leave();
        if self.problems.len() > problems {
            return Ok(Slot::Bad(problems));
        }
        Ok(Slot::List(Run::new(first, self.entries[table].len())))
    }

    /// Reads an entry; false when it is null.
    #[inline(always)]
    fn entry(&mut self, scope: &'a Scope, table: usize, base: usize) -> Result<bool, Fault> {
        let first = self.cursor.peek()?;
        let start = self.cursor.at();
        match scope.object {
            Some(object) if first == b'{' && self.cursor.step_over(b'{') => {
                self.read_members(Within { base, table, object })?;
            }
            // What it is will be seen when it is read as itself.
            _ if first != b'n' && !scope.whole.is_empty() && scope.object.is_none() => {}
            _ => match self.cursor.skip()? {
                Value::Null => return Ok(false),
                other if scope.object.is_some() => {
                    self.bad(Reason::WrongType, "", "an object", other.name());
                }
                _ => {}
            },
        }
        self.end_scope(scope, table, base, start)?;
        Ok(true)
    }

    /// The JSON pointer of a field from the record or entry that it is in.
    pub(super) fn pointer(&self, it: &Expected, within: Within) -> &'a str {
        let shape: &'a Shape = self.shape;
        &shape.scopes[within.table].leaves[it.slot].pointer
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
        let place = self.trail.to(self.shape, pointer);
        let detail = format!("{place}: expected {expected}, found {found}");
        self.problems.push(Problem { reason, detail });
        Slot::Bad(self.problems.len() - 1)
    }

    /// Adds the number of an element to the place of a problem, which is that of its array.
    #[cold]
    pub(super) fn number_problem(&mut self, problem: usize, pointer: &str, number: usize) {
        let length = self.trail.to(self.shape, pointer).to_string().len();
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
