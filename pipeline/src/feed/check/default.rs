//! The value of a column whose key is missing.

use toml::{Spanned, Value};

use super::Check;
use crate::feed::{Digits, Limit, Reading, Type, days, is_uuid, micros};

impl Check {
    /// The default of a column as JSON, if its type takes it.
    pub(super) fn default_value(
        &mut self,
        value: &Spanned<Value>,
        data_type: &Type,
        reading: &Reading,
    ) -> Option<String> {
        let fits = match value.get_ref() {
            Value::Datetime(_) => false,
            Value::Array(elements) => match data_type {
                Type::Array(element) => elements.iter().all(|it| takes(element, it, reading)),
                other => takes(other, value.get_ref(), reading),
            },
            scalar => takes(data_type, scalar, reading),
        };
        if !fits {
            let found = value.get_ref();
            self.wrong(value, format!("the default of a {data_type} cannot be {found}"));
            return None;
        }
        serde_json::to_string(value.get_ref())
            .map_err(|error| self.wrong(value, error.to_string()))
            .ok()
    }
}

fn takes(data_type: &Type, value: &Value, reading: &Reading) -> bool {
    let is_in = |limit: &Limit, integer: i64| match limit {
        Limit::Range(least, most) => (least..=most).contains(&&integer),
        _ => true,
    };
    match (data_type, value) {
        (Type::Jsonb, _) => true,
        (Type::Text, Value::String(text)) => !text.contains('\0'),
        (Type::Varchar(most), Value::String(text)) => {
            !text.contains('\0') && most.is_none_or(|most| text.chars().count() <= most as usize)
        }
        (Type::SmallInt | Type::Integer | Type::BigInt, Value::Integer(integer)) => {
            is_in(&data_type.limit(), *integer)
        }
        (Type::Numeric(_), Value::Integer(_) | Value::Float(_)) => {
            let Digits { integer, scale } = Digits::of(&value.to_string());
            match data_type.limit() {
                Limit::Digits { integer: before, scale: behind } => {
                    integer <= i64::from(before) && scale <= i64::from(behind)
                }
                _ => true,
            }
        }
        (Type::Real | Type::Double, Value::Integer(_)) => true,
        (Type::Real | Type::Double, Value::Float(number)) => number.is_finite(),
        (Type::Boolean, Value::Boolean(_)) => true,
        (Type::Date, Value::String(text)) => days(text).is_some(),
        (Type::Timestamp | Type::Timestamptz, Value::String(text)) => {
            micros(text, reading.zone).is_some()
        }
        (Type::Timestamp | Type::Timestamptz, Value::Integer(_)) => reading.unit.is_some(),
        (Type::Uuid, Value::String(text)) => is_uuid(text),
        _ => false,
    }
}
