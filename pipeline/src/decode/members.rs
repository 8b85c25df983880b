//! Reads the members of objects and the entries of lists, in one pass over the text of a record.

use super::expected::{Expected, Scope, Takes};
use super::name::unknown_name;
use super::record::Reader;
use super::slot::{Entry, Piece, Problem, Run, Slot};
use crate::feed::{Reason, Unknown};
use crate::json::{Fault, Quoted, Span, Value, unescape};

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
    /// Reads all fields of an object, or passes over any other value; then nothing may follow.
    pub(super) fn read_fields(&mut self) -> Result<Value, Fault> {
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
        if scope.is_plain {
            return Ok(());
        }
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
            let it = &members[at];
            match it.also.is_empty() {
                true => self.take_one(it, within)?,
                false => self.take_repeatedly(it, within)?,
            }
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
                    format!("{}: expected no such key", self.trail().to(self.shape, &pointer));
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

    /// Reads the value of a key that several fields are read from.
    #[cold]
    fn take_repeatedly(&mut self, it: &'a Expected, within: Within) -> Result<(), Fault> {
        let start = self.cursor.at();
        self.take_one(it, within)?;
        for other in &it.also {
            self.cursor.go(self.record.as_bytes(), start);
            self.take_one(other, within)?;
        }
        Ok(())
    }

    /// Reads the value of a field.
    #[inline(never)]
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
        self.open_lists.push((table, first));
        let mut is_first = true;
        while self.cursor.item(is_first)? {
            is_first = false;
            let base = self.slots.len();
            self.slots.extend_from_slice(&scope.blank);
            let is_there = self.entry(scope, table, base)?;
            self.entries[table].push(Entry { base: base as u32, is_there });
        }
        self.open_lists.pop();
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
}
