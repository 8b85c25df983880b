//! Reads the values of columns: for each type, which JSON becomes what.

use super::name::shortened;
use super::record::Reader;
use super::slot::{Piece, Place, Slot};
use crate::feed::{Limit, Reason, Type};
use crate::json::{Fault, Quoted, Span, Value, unescape};

impl<'a> Reader<'a> {
    /// Takes a value that is not null and whose beginning was read.
    #[inline]
    pub(super) fn value_slot(
        &mut self,
        data_type: Type,
        value: Value,
        limit: Limit,
        place: Place<'a>,
    ) -> Result<Slot, Fault> {
        Ok(match (data_type, value) {
            (Type::Text | Type::Varchar(_), Value::String(quoted)) => {
                self.text_slot(quoted, limit, place)
            }
            (Type::Text | Type::Varchar(_), Value::Number { text, .. }) => {
                self.written_slot(text, limit, place)
            }
            (Type::Text | Type::Varchar(_), Value::Boolean(is)) => {
                let end = self.cursor.at();
                let start = end - if is { "true".len() } else { "false".len() };
                self.written_slot(Span { start, end }, limit, place)
            }
            (
                Type::SmallInt | Type::Integer | Type::BigInt,
                Value::Number { text, integer: true },
            ) => self.integer_slot(text, limit, place),
            (Type::Boolean, Value::Boolean(is)) => Slot::Boolean(is),
            (_, value) => {
                self.cursor.skip_rest(value)?;
                self.wrong_type(data_type, value, place)
            }
        })
    }

    fn text_slot(&mut self, quoted: Quoted, limit: Limit, place: Place<'a>) -> Slot {
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

    fn written_slot(&mut self, span: Span, limit: Limit, place: Place<'a>) -> Slot {
        self.limited(Piece::new(span, false), limit, place)
    }

    fn limited(&mut self, piece: Piece, limit: Limit, place: Place<'a>) -> Slot {
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

    fn integer_slot(&mut self, text: Span, limit: Limit, place: Place<'a>) -> Slot {
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

    /// A value of a type that does not take it.
    fn wrong_type(&mut self, data_type: Type, value: Value, place: Place<'a>) -> Slot {
        let expected = data_type.expected();
        match value {
            Value::Number { text, integer: false } => {
                let found = format!("number {}", shortened(&self.record[text.range()]));
                self.bad(Reason::WrongType, place, expected, found)
            }
            value => self.bad(Reason::WrongType, place, expected, value.name()),
        }
    }
}
