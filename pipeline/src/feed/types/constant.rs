//! Values that stand in a feed file: what a field is where its key is missing.

use serde_json::Value;

use super::Type;
use crate::feed::value::{days, is_uuid, micros, micros_of_unit, push_hex};
use crate::feed::{Digits, Limit, Reading};

/// A value as a frame keeps it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Constant {
    Null,
    Text(String),
    /// Also days and microseconds since 1970.
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Items(Vec<Self>),
}

impl Type {
    /// The value that JSON stands for; None where the type does not take it.
    pub(crate) fn constant(&self, json: &Value, reading: Reading) -> Option<Constant> {
        match (self, json) {
            (_, Value::Null) if !self.takes("object") => Some(Constant::Null),
            (Self::Array(element), Value::Array(values)) => {
                let items = values.iter().map(|value| element.constant(value, reading));
                items.collect::<Option<_>>().map(Constant::Items)
            }
            (Self::Array(_), _) => None,
            _ => (self.facts().constant)(json, reading)
                .filter(|value| value.is_within(&self.limit())),
        }
    }
}

impl Constant {
    fn is_within(&self, limit: &Limit) -> bool {
        match (self, limit) {
            (Self::Text(text), Limit::Text { characters, .. }) => {
                text.chars().count() <= *characters
            }
            (Self::Text(number), Limit::Digits { integer, scale }) => {
                let digits = Digits::of(number);
                digits.integer <= i64::from(*integer) && digits.scale <= i64::from(*scale)
            }
            (Self::Integer(integer), Limit::Range(least, most)) => {
                (least..=most).contains(&integer)
            }
            _ => true,
        }
    }
}

pub(super) fn text(json: &Value, _: Reading) -> Option<Constant> {
    let text = json.as_str().filter(|text| !text.contains('\0'))?;
    Some(Constant::Text(text.to_owned()))
}

pub(super) fn integer(json: &Value, _: Reading) -> Option<Constant> {
    json.as_i64().map(Constant::Integer)
}

pub(super) fn numeric(json: &Value, _: Reading) -> Option<Constant> {
    json.as_number().map(|number| Constant::Text(number.to_string()))
}

pub(super) fn float(json: &Value, _: Reading) -> Option<Constant> {
    json.as_f64().map(Constant::Float)
}

pub(super) fn boolean(json: &Value, _: Reading) -> Option<Constant> {
    json.as_bool().map(Constant::Boolean)
}

pub(super) fn date(json: &Value, _: Reading) -> Option<Constant> {
    days(json.as_str()?).map(Constant::Integer)
}

pub(super) fn timestamp(json: &Value, reading: Reading) -> Option<Constant> {
    let micros = match json {
        Value::Number(number) => micros_of_unit(number.as_i64()?, reading.unit?),
        other => micros(other.as_str()?, reading.zone),
    };
    micros.map(Constant::Integer)
}

pub(super) fn uuid(json: &Value, reading: Reading) -> Option<Constant> {
    text(json, reading).filter(|_| json.as_str().is_some_and(is_uuid))
}

pub(super) fn bytes(json: &Value, reading: Reading) -> Option<Constant> {
    let mut hex = String::new();
    push_hex(json.as_str()?, reading.encoding, &mut hex).then_some(Constant::Text(hex))
}

pub(super) fn json(json: &Value, _: Reading) -> Option<Constant> {
    Some(Constant::Text(json.to_string()))
}
