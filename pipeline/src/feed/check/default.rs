//! The value of a column whose key is missing.

use toml::{Spanned, Value};

use super::Check;
use crate::feed::{Reading, Type};

impl Check {
    /// The default of a column as JSON, if its type takes it.
    pub(super) fn default_value(
        &mut self,
        value: &Spanned<Value>,
        data_type: &Type,
        reading: Reading,
    ) -> Option<String> {
        let found = value.get_ref();
        let json = serde_json::to_value(found);
        let json = json.map_err(|error| self.wrong(value, error.to_string())).ok()?;
        // JSON has no dates, and no infinity: it is null, as nothing else of TOML is.
        let is_other = found.is_datetime() || json.is_null();
        if is_other || data_type.constant(&json, reading).is_none() {
            self.wrong(value, format!("the default of a {data_type} cannot be {found}"));
            return None;
        }
        Some(json.to_string())
    }
}
