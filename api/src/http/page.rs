//! Pages of lists: so many entries, at most so many bytes, and where to go on.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answers::Entries;
use super::problem::Problem;

/// Entries of a page, unless the request says how many.
const DEFAULT: u16 = 50;
/// Entries of a page at most.
const MOST: u16 = 500;

/// The number of entries that a request wants.
pub(super) fn limit(wanted: Option<u16>) -> Result<i64, Problem> {
    match wanted.unwrap_or(DEFAULT) {
        limit @ 1..=MOST => Ok(limit.into()),
        _ => Err(Problem::bad_request("invalid_parameter", format!("limit is from 1 to {MOST}"))),
    }
}

/// The entries of a page, and where to go on if there are more.
pub(super) fn page<T: Serialize, P: Serialize>(
    entries: Entries<T>,
    place: impl FnOnce(&T) -> P,
) -> (Vec<T>, Option<String>) {
    let (entries, is_more) = entries.finish();
    let next = entries.last().filter(|_| is_more).and_then(|last| cursor(&place(last)));
    (entries, next)
}

/// A place in a list as an opaque text.
fn cursor(place: &impl Serialize) -> Option<String> {
    serde_json::to_vec(place).ok().map(|json| URL_SAFE_NO_PAD.encode(json))
}

/// The place that a cursor stands for.
pub(super) fn place<T: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<T>, Problem> {
    let Some(cursor) = cursor else {
        return Ok(None);
    };
    let json = URL_SAFE_NO_PAD.decode(cursor).ok();
    let place = json.and_then(|json| serde_json::from_slice(&json).ok());
    let unknown =
        || Problem::bad_request("invalid_cursor", "send next_cursor of the page before, unchanged");
    place.map(Some).ok_or_else(unknown)
}
