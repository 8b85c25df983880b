//! Filters of lists: in the URL, so that a page can be sent to somebody.

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::http::problem::Problem;

type Filter = BTreeMap<String, String>;

pub(super) fn form(path: &str, fields: Markup) -> Markup {
    html! {
        form.filters method="get" action=(path) role="search" {
            (fields)
            button { "Filter" }
            a href=(path) { "Clear" }
        }
    }
}

/// A field for any text.
pub(super) fn text(filter: &Filter, name: &str, label: &str) -> Markup {
    let value = filter.get(name).map(String::as_str).unwrap_or_default();
    html! { label { (label) input name=(name) value=(value); } }
}

/// A field for one of some words, or none.
pub(super) fn choice(filter: &Filter, name: &str, label: &str, words: &[&str]) -> Markup {
    let chosen = filter.get(name).map(String::as_str).unwrap_or_default();
    html! {
        label {
            (label)
            select name=(name) {
                option value="" { "any" }
                @for word in words { option value=(word) selected[*word == chosen] { (word) } }
            }
        }
    }
}

/// The link to the next page, if there is one.
pub(super) fn next_page(path: &str, filter: &Filter, cursor: Option<&str>) -> Markup {
    let Some(cursor) = cursor else {
        return html! {};
    };
    let mut next = filter.clone();
    next.insert("cursor".to_owned(), cursor.to_owned());
    html! { p.pages { a href={ (path) "?" (query(&next)) } rel="next" { "Next page" } } }
}

/// A filter as the query of a URL.
pub(super) fn query(filter: &Filter) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(filter).finish()
}

/// A field that is a number.
pub(super) fn number(name: &str, text: &str) -> Result<i64, Problem> {
    let wrong =
        |_| Problem::bad_request("invalid_parameter", format!("{name} is no number: {text}"));
    text.parse().map_err(wrong)
}

/// A field of a form as what it stands for.
pub(super) fn parse<T: DeserializeOwned>(name: &str, word: &str) -> Result<T, Problem> {
    from_json(name, word.into())
}

/// JSON as what it stands for.
pub(super) fn from_json<E: From<Problem>, T: DeserializeOwned>(
    name: &str,
    json: Value,
) -> Result<T, E> {
    serde_json::from_value(json).map_err(|error| {
        Problem::bad_request("invalid_parameter", format!("{name}: {error}")).into()
    })
}
