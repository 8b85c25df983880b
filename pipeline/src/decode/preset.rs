//! Values of fields whose keys are missing.

use serde_json::Value;

use super::slot::Slot;
use crate::feed::{Reading, Type, days, micros, micros_of_unit, push_hex};

/// A value that is the same in every record.
#[derive(Debug, Clone)]
pub(super) enum Preset {
    Text(String),
    Slot(Slot),
    Items(Vec<Self>),
}

impl Preset {
    /// The value that JSON stands for; None where the type does not take it, which the check of a feed
    /// rules out.
    pub(super) fn of_json(json: &str, data_type: &Type, reading: Reading) -> Option<Self> {
        Self::of(&serde_json::from_str(json).ok()?, data_type, reading)
    }

    fn of(value: &Value, data_type: &Type, reading: Reading) -> Option<Self> {
        Some(match (data_type, value) {
            (Type::Jsonb, value) => Self::Text(value.to_string()),
            (_, Value::Null) => Self::Slot(Slot::Null),
            (Type::Array(element), Value::Array(values)) => {
                let items = values.iter().map(|value| Self::of(value, element, reading));
                Self::Items(items.collect::<Option<_>>()?)
            }
            (Type::Text | Type::Varchar(_) | Type::Uuid, Value::String(text)) => {
                Self::Text(text.clone())
            }
            (Type::Numeric(_), Value::Number(number)) => Self::Text(number.to_string()),
            (Type::Bytea, Value::String(text)) => {
                let mut hex = String::new();
                push_hex(text, reading.encoding, &mut hex).then_some(Self::Text(hex))?
            }
            (Type::SmallInt | Type::Integer | Type::BigInt, Value::Number(number)) => {
                Self::Slot(Slot::Integer(number.as_i64()?))
            }
            (Type::Real | Type::Double, Value::Number(number)) => {
                Self::Slot(Slot::Float(number.as_f64()?))
            }
            (Type::Boolean, Value::Bool(is)) => Self::Slot(Slot::Boolean(*is)),
            (Type::Date, Value::String(text)) => Self::Slot(Slot::Integer(days(text)?)),
            (Type::Timestamp | Type::Timestamptz, Value::String(text)) => {
                Self::Slot(Slot::Integer(micros(text, reading.zone)?))
            }
            (Type::Timestamp | Type::Timestamptz, Value::Number(number)) => {
                let micros = micros_of_unit(number.as_i64()?, reading.unit?)?;
                Self::Slot(Slot::Integer(micros))
            }
            _ => return None,
        })
    }
}
