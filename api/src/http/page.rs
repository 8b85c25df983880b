//! Pages of lists: so many entries, at most so many bytes, and where to go on.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answers::Entries;
use super::extract::Query;
use super::problem::Problem;

/// Entries of a page, unless the request says how many.
const DEFAULT: u16 = 50;
/// Entries of a page at most.
const MOST: u16 = 500;

/// What a list may be asked for: filters, and which page.
pub(super) trait Filter: DeserializeOwned {
    /// What says where an entry is in the list.
    type Place: DeserializeOwned;

    /// The cursor and the number of entries, as they were sent.
    fn page(&self) -> (Option<&str>, Option<u16>);
}

/// The page of a list that a request wants. Every list takes this.
pub(super) struct Page<F: Filter> {
    pub(super) filter: F,
    /// Entries of the page at most.
    pub(super) limit: i64,
    /// The last entry of the page before.
    pub(super) after: Option<F::Place>,
}

impl<F: Filter> Page<F> {
    /// One more than the page has: that tells whether there are more.
    pub(super) const fn one_more(&self) -> i64 {
        self.limit + 1
    }
}

impl<F: Filter, S: Send + Sync> FromRequestParts<S> for Page<F> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(filter) = Query::<F>::from_request_parts(parts, state).await?;
        let (cursor, wanted) = filter.page();
        let (limit, after) = (limit(wanted)?, place(cursor)?);
        Ok(Self { filter, limit, after })
    }
}

/// The number of entries that a request wants.
fn limit(wanted: Option<u16>) -> Result<i64, Problem> {
    match wanted.unwrap_or(DEFAULT) {
        limit @ 1..=MOST => Ok(limit.into()),
        _ => Err(Problem::bad_request("invalid_parameter", format!("limit is from 1 to {MOST}"))),
    }
}

/// The entries of a page, and where to go on if there are more.
pub(super) fn finish<T: Serialize, P: Serialize>(
    entries: Entries<T>,
    place: impl FnOnce(&T) -> P,
) -> (Vec<T>, Option<String>) {
    let (entries, is_more) = entries.finish();
    let next = entries.last().filter(|_| is_more).and_then(|last| cursor(&place(last)));
    (entries, next)
}

/// A place in a list as an opaque text.
pub(super) fn cursor(place: &impl Serialize) -> Option<String> {
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
