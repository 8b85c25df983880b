//! Reads the values of columns: for each type, which JSON becomes what.

use super::expected::{Expected, Scope, Shape};
use super::members::Within;
use super::name::shortened;
use super::preset::Preset;
use super::record::Reader;
use super::slot::{Piece, Run, Slot};
use crate::feed::{
    Digits, JsonProblem, Limit, Reading, Reason, Type, check_json, days, is_number, is_uuid,
    micros, micros_of_unit, push_hex,
};
use crate::json::{Fault, Quoted, Span, Value, unescape};

/// What a value must be, and where it stands.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    data_type: &'a Type,
    reading: Reading,
    limit: &'a Limit,
    shape: &'a Shape,
    table: usize,
    slot: usize,
}

impl<'a> Wanted<'a> {
    /// Its JSON pointer, from the record or entry that it is in.
    fn pointer(&self) -> &'a str {
        &self.shape.scopes[self.table].leaves[self.slot].pointer
    }
}

impl<'a> Reader<'a> {
    /// Reads a value that becomes a value of a column.
    #[inline(always)]
    pub(super) fn value(
        &mut self,
        it: &'a Expected,
        data_type: &'a Type,
        reading: Reading,
        within: Within,
    ) -> Result<Slot, Fault> {
        let (shape, table, slot) = (self.shape, within.table, it.slot);
        let wanted = Wanted { data_type, reading, limit: &it.limit, shape, table, slot };
        match data_type {
            Type::Jsonb => self.json_value(wanted.pointer()),
            Type::Array(element) => self.array(element, wanted),
            _ => {
                let value = self.cursor.value()?;
                self.scalar(value, wanted)
            }
        }
    }

    /// Takes a value whose beginning was read.
    fn scalar(&mut self, value: Value, wanted: Wanted<'_>) -> Result<Slot, Fault> {
        Ok(match (wanted.data_type, value) {
            (_, Value::Null) => Slot::Null,
            (Type::Text | Type::Varchar(_), Value::String(quoted)) => {
                self.text_slot(quoted, wanted)
            }
            (Type::Text | Type::Varchar(_), Value::Number { text, .. }) => {
                self.limited(Piece::new(text, false), wanted)
            }
            (Type::Text | Type::Varchar(_), Value::Boolean(is)) => {
                let end = self.cursor.at();
                let start = end - if is { "true".len() } else { "false".len() };
                self.limited(Piece::new(Span { start, end }, false), wanted)
            }
            (
                Type::SmallInt | Type::Integer | Type::BigInt,
                Value::Number { text, integer: true },
            ) => self.integer_slot(text, wanted),
            (Type::Boolean, Value::Boolean(is)) => Slot::Boolean(is),
            (_, Value::Number { text, integer }) => self.number_slot(text, integer, wanted),
            (_, Value::String(quoted)) => self.string_slot(quoted, wanted),
            (_, value) => {
                self.cursor.skip_rest(value)?;
                self.wrong_type(value, wanted)
            }
        })
    }

    /// A number of a type that is no integer.
    #[inline(never)]
    fn number_slot(&mut self, text: Span, integer: bool, wanted: Wanted<'_>) -> Slot {
        match wanted.data_type {
            Type::Numeric(_) => self.numeric_slot(text, wanted),
            Type::Real | Type::Double => self.float_slot(text, wanted),
            Type::Timestamp | Type::Timestamptz if integer && wanted.reading.unit.is_some() => {
                self.counted_slot(text, wanted)
            }
            _ => self.wrong_type(Value::Number { text, integer }, wanted),
        }
    }

    /// A string of a type that is no text.
    #[inline(never)]
    fn string_slot(&mut self, quoted: Quoted, wanted: Wanted<'_>) -> Slot {
        let text = &self.record[quoted.span.range()];
        // What these types take needs no escapes.
        let slot = match wanted.data_type {
            _ if quoted.escaped => None,
            Type::Uuid => is_uuid(text).then(|| Slot::Text(Piece::new(quoted.span, false))),
            Type::Date => days(text).map(Slot::Integer),
            Type::Timestamp | Type::Timestamptz => {
                micros(text, wanted.reading.zone).map(Slot::Integer)
            }
            Type::Bytea => self.bytes_slot(quoted.span, wanted),
            _ => match is_number(text) {
                Some(integer) if wanted.reading.from_strings => {
                    return self.number_in_string(quoted.span, integer, wanted);
                }
                _ => None,
            },
        };
        slot.unwrap_or_else(|| self.wrong_type(Value::String(quoted), wanted))
    }

    fn number_in_string(&mut self, text: Span, integer: bool, wanted: Wanted<'_>) -> Slot {
        match wanted.data_type {
            Type::SmallInt | Type::Integer | Type::BigInt if integer => {
                self.integer_slot(text, wanted)
            }
            _ => self.number_slot(text, integer, wanted),
        }
    }

    /// The hexadecimal digits of encoded bytes.
    fn bytes_slot(&mut self, text: Span, wanted: Wanted<'_>) -> Option<Slot> {
        let start = self.unescaped.len();
        let text = &self.record[text.range()];
        let is_encoded = push_hex(text, wanted.reading.encoding, &mut self.unescaped);
        let span = Span { start, end: self.unescaped.len() };
        is_encoded.then(|| Slot::Text(Piece::new(span, true)))
    }

    fn text_slot(&mut self, quoted: Quoted, wanted: Wanted<'_>) -> Slot {
        if !quoted.escaped {
            return self.limited(Piece::new(quoted.span, false), wanted);
        }
        let start = self.unescaped.len();
        unescape(&self.record[quoted.span.range()], &mut self.unescaped);
        let span = Span { start, end: self.unescaped.len() };
        if self.unescaped[start..].contains('\0') {
            let expected = "text that Postgres can hold";
            return self.bad(Reason::NulCharacter, wanted.pointer(), expected, "U+0000");
        }
        self.limited(Piece::new(span, true), wanted)
    }

    fn limited(&mut self, piece: Piece, wanted: Wanted<'_>) -> Slot {
        let (characters, bytes) = match wanted.limit {
            Limit::Text { characters, bytes } => (*characters, *bytes),
            Limit::OneOf(labels) => {
                let text = self.text(piece);
                if labels.iter().any(|label| label == text) {
                    return Slot::Text(piece);
                }
                let found = shortened(text).into_owned();
                let expected = format!("one of {}", labels.join(", "));
                return self.bad(Reason::OutOfRange, wanted.pointer(), &expected, found);
            }
            _ => return Slot::Text(piece),
        };
        if piece.len() > bytes {
            let expected = format!("at most {bytes} bytes, for an index");
            return self.bad(Reason::OutOfRange, wanted.pointer(), &expected, piece.len());
        }
        // No text has more characters than bytes, so most need no counting.
        let counted = if piece.len() > characters { self.text(piece).chars().count() } else { 0 };
        if counted > characters {
            let expected = format!("at most {characters} characters");
            return self.bad(Reason::OutOfRange, wanted.pointer(), &expected, counted);
        }
        Slot::Text(piece)
    }

    fn integer_slot(&mut self, text: Span, wanted: Wanted<'_>) -> Slot {
        let text = &self.record[text.range()];
        let (least, most) = match wanted.limit {
            Limit::Range(least, most) => (*least, *most),
            _ => (i64::MIN, i64::MAX),
        };
        match text.parse::<i64>() {
            Ok(integer) if (least..=most).contains(&integer) => Slot::Integer(integer),
            _ => {
                let expected = format!("{least} to {most}");
                self.bad(Reason::OutOfRange, wanted.pointer(), &expected, shortened(text))
            }
        }
    }

    /// A number with all its digits.
    fn numeric_slot(&mut self, span: Span, wanted: Wanted<'_>) -> Slot {
        let text = &self.record[span.range()];
        if let Limit::Digits { integer: before, scale: behind } = wanted.limit {
            let Digits { integer, scale } = Digits::of(text);
            if integer > i64::from(*before) || scale > i64::from(*behind) {
                let expected =
                    format!("at most {before} digits before the point and {behind} behind it");
                return self.bad(Reason::OutOfRange, wanted.pointer(), &expected, shortened(text));
            }
        }
        Slot::Text(Piece::new(span, false))
    }

    fn float_slot(&mut self, text: Span, wanted: Wanted<'_>) -> Slot {
        let text = &self.record[text.range()];
        let number = match wanted.data_type {
            Type::Real => text.parse::<f32>().map(f64::from),
            _ => text.parse::<f64>(),
        };
        match number {
            Ok(number) if number.is_finite() => Slot::Float(number),
            _ => {
                let expected = format!("a number that a {} holds", wanted.data_type);
                self.bad(Reason::OutOfRange, wanted.pointer(), &expected, shortened(text))
            }
        }
    }

    /// A timestamp as a number of seconds or parts of them.
    fn counted_slot(&mut self, text: Span, wanted: Wanted<'_>) -> Slot {
        let text = &self.record[text.range()];
        let count = text.parse::<i64>().ok().zip(wanted.reading.unit);
        match count.and_then(|(count, unit)| micros_of_unit(count, unit)) {
            Some(micros) => Slot::Integer(micros),
            None => {
                let expected = "an instant that a timestamp holds";
                self.bad(Reason::OutOfRange, wanted.pointer(), expected, shortened(text))
            }
        }
    }

    /// Takes any value as it is written.
    fn json_value(&mut self, pointer: &str) -> Result<Slot, Fault> {
        self.cursor.peek()?;
        let start = self.cursor.at();
        if self.cursor.skip()? == Value::Null {
            return Ok(Slot::Null);
        }
        let span = Span { start, end: self.cursor.at() };
        Ok(self.json_slot(span, pointer))
    }

    /// JSON of the record, if jsonb can hold it.
    pub(super) fn json_slot(&mut self, span: Span, pointer: &str) -> Slot {
        let (reason, expected, found) = match check_json(&self.record[span.range()]) {
            Ok(()) => return Slot::Text(Piece::new(span, false)),
            Err(JsonProblem::Nul) => {
                (Reason::NulCharacter, "text that Postgres can hold", "U+0000")
            }
            Err(JsonProblem::Number) => {
                (Reason::OutOfRange, "numbers that jsonb can hold", "one with too many digits")
            }
            Err(JsonProblem::Depth) => {
                (Reason::OutOfRange, "at most 1000 levels of brackets", "more")
            }
        };
        self.bad(reason, pointer, expected, found)
    }

    /// Reads an array of values and nulls.
    fn array(&mut self, element: &'a Type, wanted: Wanted<'a>) -> Result<Slot, Fault> {
        match self.cursor.value()? {
            Value::Array => {}
            Value::Null => return Ok(Slot::Null),
            value => {
                self.cursor.skip_rest(value)?;
                return Ok(self.wrong_type(value, wanted));
            }
        }
        let (first, mut bad) = (self.items.len(), None);
        while self.cursor.item(self.items.len() == first)? {
            let number = self.items.len() - first;
            let slot = self.element(element, wanted)?;
            if let (Slot::Bad(at), None) = (slot, bad) {
                self.number_problem(at, wanted.pointer(), number);
                bad = Some(slot);
            }
            self.items.push(slot);
        }
        Ok(bad.unwrap_or(Slot::Items(Run::new(first, self.items.len()))))
    }

    fn element(&mut self, element: &'a Type, wanted: Wanted<'a>) -> Result<Slot, Fault> {
        if *element == Type::Jsonb {
            return self.json_value(wanted.pointer());
        }
        let value = self.cursor.value()?;
        self.scalar(value, Wanted { data_type: element, ..wanted })
    }

    /// A value of a type that does not take it.
    fn wrong_type(&mut self, value: Value, wanted: Wanted<'_>) -> Slot {
        let expected = wanted.data_type.expected();
        let shown = |span: Span| shortened(&self.record[span.range()]);
        let found = match value {
            Value::Number { text, integer: false } => format!("number {}", shown(text)),
            Value::Number { text, .. } if wanted.data_type.takes("integer") => {
                format!("number {}", shown(text))
            }
            // A string of a type that takes some strings, which are in a form of their own.
            Value::String(quoted) if wanted.data_type.takes("string") => {
                format!("\"{}\"", shown(quoted.span))
            }
            value => value.name().to_owned(),
        };
        self.bad(Reason::WrongType, wanted.pointer(), expected, found)
    }

    /// Gives the fields that are missing their defaults.
    #[cold]
    pub(super) fn fill_missing(&mut self, scope: &'a Scope, base: usize) {
        for (at, leaf) in scope.leaves.iter().enumerate() {
            if let (Slot::Missing, Some(preset)) = (self.slots[base + at], &leaf.default) {
                self.slots[base + at] = self.preset(preset);
            }
        }
    }

    fn preset(&mut self, preset: &Preset) -> Slot {
        match preset {
            Preset::Slot(slot) => *slot,
            Preset::Text(text) => {
                let start = self.unescaped.len();
                self.unescaped.push_str(text);
                Slot::Text(Piece::new(Span { start, end: self.unescaped.len() }, true))
            }
            Preset::Items(presets) => {
                let first = self.items.len();
                for preset in presets {
                    let slot = self.preset(preset);
                    self.items.push(slot);
                }
                Slot::Items(Run::new(first, self.items.len()))
            }
        }
    }
}
