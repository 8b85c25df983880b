//! Values of fields whose keys are missing.

use super::slot::Slot;
use crate::feed::{Constant, Reading, Type};

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
        data_type.constant(&serde_json::from_str(json).ok()?, reading).map(Self::of)
    }

    fn of(constant: Constant) -> Self {
        match constant {
            Constant::Null => Self::Slot(Slot::Null),
            Constant::Text(text) => Self::Text(text),
            Constant::Integer(integer) => Self::Slot(Slot::Integer(integer)),
            Constant::Float(float) => Self::Slot(Slot::Float(float)),
            Constant::Boolean(is) => Self::Slot(Slot::Boolean(is)),
            Constant::Items(items) => Self::Items(items.into_iter().map(Self::of).collect()),
        }
    }
}
