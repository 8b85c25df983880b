//! `MaxResults` and `NextToken`.

use serde::Deserialize;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::invalid;
use crate::http::page::{cursor, place};
use crate::http::problem::Problem;

/// Entries of a page, unless the request says how many.
const DEFAULT: u16 = 100;

/// Which page of a list a request wants.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Page {
    max_results: Option<u16>,
    next_token: Option<String>,
}

impl Page {
    /// How many entries the page has, at most so many.
    pub(super) fn limit(&self, most: u16) -> Result<i64, Problem> {
        match self.max_results.unwrap_or(DEFAULT) {
            limit if (1..=most).contains(&limit) => Ok(limit.into()),
            _ => invalid(format!("MaxResults is from 1 to {most}")),
        }
    }

    /// The last entry of the page before.
    pub(super) fn after<T: DeserializeOwned>(&self) -> Result<Option<T>, Problem> {
        let token = self.next_token.as_deref().filter(|token| !token.is_empty());
        let wrong = |_| invalid("send NextToken of the page before, unchanged");
        place(token).or_else(wrong)
    }

    /// The entries of a list that is in memory, in the order of their names.
    pub(super) fn cut<T>(
        &self,
        all: Vec<T>,
        most: u16,
        name: impl Fn(&T) -> &str,
    ) -> Result<(Vec<T>, Option<String>), Problem> {
        let (limit, after) = (self.limit(most)? as usize, self.after::<String>()?);
        let is_behind = |entry: &T| after.as_deref().is_none_or(|after| name(entry) > after);
        let mut entries: Vec<T> = all.into_iter().filter(is_behind).collect();
        let is_more = entries.len() > limit;
        entries.truncate(limit);
        let next = entries.last().filter(|_| is_more).and_then(|last| token(&name(last)));
        Ok((entries, next))
    }
}

/// A place in a list as an opaque text.
pub(super) fn token(place: &impl Serialize) -> Option<String> {
    cursor(place)
}

#[cfg(test)]
mod tests {
    use super::Page;

    #[test]
    fn the_pages_of_a_list_have_each_entry_once() {
        let names = || ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
        let (mut page, mut seen) = (Page { max_results: Some(2), next_token: None }, Vec::new());
        loop {
            let (entries, next) = page.cut(names(), 1000, String::as_str).unwrap();
            seen.extend(entries);
            let Some(next) = next else { break };
            page.next_token = Some(next);
        }
        assert_eq!(seen, names());
    }

    #[test]
    fn pages_that_cannot_be_are_refused() {
        for (max_results, next_token) in [(Some(0), None), (Some(1001), None), (None, Some("?"))] {
            let page = Page { max_results, next_token: next_token.map(str::to_owned) };
            let refused = page.cut(Vec::new(), 1000, String::as_str).unwrap_err();
            assert_eq!(refused.code(), "InvalidInputException");
        }
    }
}
