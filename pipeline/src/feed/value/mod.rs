//! Values of columns in the texts that stand for them. Pure functions, which decode and feed files share.

mod bytes;
mod json;
mod number;
mod time;

pub(crate) use bytes::push_hex;
pub use bytes::{Encoding, is_uuid};
pub(crate) use json::{JsonProblem, check_json};
pub(crate) use number::{Digits, is_number};
pub use time::{Unit, Zone};
pub(crate) use time::{days, micros, micros_of_unit};
