//! Rejects: what is wrong with the data, and what do I do?

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, Query, State};
use axum::http::HeaderMap;
use axum::response::Redirect;
use maud::{Markup, html};
use pipeline::feed::Reason;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::layout::{form, page};
use super::session::Viewer;
use super::text::{ago, bytes, count};
use super::{Failure, Shown, filters};
use crate::http::App;
use crate::http::extract::{Body, Path};
use crate::http::page::Page;
use crate::http::problem::Problem;
use crate::http::rejects::{self, RejectParams};
use crate::http::replays;
use crate::jobs::{Asked, OpenRejects, RejectsAtPlace};
use crate::keys::Scope;
use crate::wire::{Reject, RejectState};

/// Characters of a text that a row shows.
const SHOWN: usize = 160;

type Filter = BTreeMap<String, String>;

pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(viewer): Extension<Viewer>,
    Query(filter): Query<Filter>,
    wanted: Page<RejectParams>,
) -> Shown {
    let tables = rejects::tables(&app).await?;
    let open = app.store.open_places(&tables).await?;
    let found = rejects::page(&app, &tables, &wanted.filter, wanted.after, wanted.limit).await?;
    let body = html! {
        h1 { "Rejects" }
        (groups(&open))
        (filter_form(&app, &filter))
        @if found.rejects.is_empty() { p.empty { "No reject matches. " a href="/rejects" { "Show all" } } }
        @else {
            (table(&viewer, &filter, &found.rejects))
            (filters::next_page("/rejects", &filter, found.next_cursor.as_deref()))
        }
    };
    Ok(page(&viewer, "/rejects", "Rejects", body))
}

/// Open rejects by feed and reason, and where the newest of them are, if somebody looked.
pub(super) fn groups(open: &[OpenRejects]) -> Markup {
    let has_places = open.iter().any(|group| !group.places.is_empty());
    html! {
        @if open.is_empty() { p.empty { "No reject is open." } } @else { div.scroll tabindex="0" { table.small {
            caption { "Open rejects" }
            thead { tr {
                th { "Feed" } th { "Reason" } th.number { "Open" }
                @if has_places { th { "Places, of the newest 500" } }
            } }
            tbody { @for group in open { tr {
                td { (group.feed) }
                td { a href={ "/rejects?state=open&feed=" (group.feed) "&reason=" (group.reason) } { code { (group.reason) } } }
                td.number { (count(group.rejects)) }
                @if has_places { td.long { (places(&group.places)) } }
            } } }
        } } }
    }
}

fn places(places: &[RejectsAtPlace]) -> Markup {
    html! {
        @for (at, RejectsAtPlace { place, rejects }) in places.iter().enumerate() {
            @if at > 0 { ", " }
            bdi { code { (visible(place)) } } " × " (count(*rejects))
        }
    }
}

fn filter_form(app: &App, filter: &Filter) -> Markup {
    let feeds: Vec<_> = app.feeds.iter().map(|feed| feed.name.clone()).collect();
    let feeds: Vec<_> = feeds.iter().map(String::as_str).collect();
    let fields = html! {
        (filters::choice(filter, "state", "State", &RejectState::ALL.map(RejectState::as_str)))
        (filters::choice(filter, "feed", "Feed", &feeds))
        (filters::choice(filter, "reason", "Reason", &Reason::ALL.map(Reason::as_str)))
        (filters::text(filter, "rule", "Rule"))
        (filters::text(filter, "load_id", "Load"))
        (filters::text(filter, "object", "Object"))
    };
    filters::form("/rejects", fields)
}

fn table(viewer: &Viewer, filter: &Filter, rejects: &[Reject]) -> Markup {
    let may = viewer.may(Scope::Admin);
    let rows = html! {
        div.scroll tabindex="0" { table {
            thead { tr {
                @if may { th { span.hidden { "Choose" } } }
                th { "Record" } th { "State" } th { "Reason" } th { "Place, and what was found" } th { "Text" } th { "Object" }
            } }
            tbody { @for reject in rejects { (row(reject, may)) } }
        } }
        @if may { (actions(filter)) }
    };
    if may { form(viewer, "/rejects/actions", html! { (hidden(filter)) (rows) }) } else { rows }
}

fn hidden(filter: &Filter) -> Markup {
    html! {
        @for name in ["feed", "load_id", "object", "reason", "rule"] {
            @if let Some(value) = filter.get(name).filter(|value| !value.is_empty()) {
                input type="hidden" name=(name) value=(value);
            }
        }
    }
}

/// The path of a reject's page.
fn path(reject: &Reject) -> String {
    format!("/rejects/{}/{}", reject.load_id, reject.record_no.unwrap_or_default())
}

fn row(reject: &Reject, may: bool) -> Markup {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let name = format!("{}/{}", reject.load_id, reject.record_no.unwrap_or_default());
    html! {
        tr {
            @if may { td {
                @if reject.state == RejectState::Open {
                    input type="checkbox" name="reject" value=(name) aria-label={ "Choose record " (name) };
                }
            } }
            td { a href=(path(reject)) { (name) } }
            td { (state(reject)) }
            td { code { (text(&reject.reason)) } }
            td.long { bdi { (text(&reject.detail)) } }
            td.long.text { bdi { code { (cut(&text(&reject.raw))) } } }
            td.long { bdi { (text(&reject.object)) } }
        }
    }
}

fn state(reject: &Reject) -> Markup {
    html! { span class={ "state " (reject.state.as_str()) } { (reject.state.as_str()) } }
}

/// The beginning of a text, as one can see it.
fn cut(text: &str) -> String {
    let shown = visible(text);
    match shown.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &shown[..at]),
        None => shown,
    }
}

/// A text in which controls and marks of direction can be seen, and do nothing.
fn visible(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => c.to_string(),
        _ if c.is_control() || is_of_direction(c) => format!("\\u{{{:04x}}}", c as u32),
        _ => c.to_string(),
    };
    text.chars().map(shown).collect()
}

/// Whether a character turns the direction of text, or cannot be seen.
const fn is_of_direction(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn actions(filter: &Filter) -> Markup {
    let names = ["feed", "load_id", "object", "reason", "rule"];
    let is_filtered =
        names.iter().any(|name| filter.get(*name).is_some_and(|value| !value.is_empty()));
    html! {
        p { label { "Note " input name="note" maxlength="1000"; } }
        fieldset.actions {
            legend { "With the chosen rejects" }
            button name="action" value="try" { "Dry run" }
            button name="action" value="replay" { "Replay" }
            button name="action" value="ignore" { "Ignore" }
        }
        @if is_filtered {
            fieldset.actions {
                legend { "With all open rejects that match feed, load, object, reason and rule" }
                button name="action" value="try-all" { "Dry run of all" }
                button name="action" value="replay-all" { "Replay all" }
                button name="action" value="ignore-all" { "Ignore all" }
            }
        }
    }
}

/// What a form does with rejects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Wanted {
    Try,
    Replay,
    Ignore,
    TryAll,
    ReplayAll,
    IgnoreAll,
}

pub(super) async fn act(
    State(app): State<Arc<App>>,
    Extension(viewer): Extension<Viewer>,
    Extension(asked): Extension<Asked>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Redirect, Failure> {
    viewer.must(Scope::Admin)?;
    let first = |name: &str| {
        fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    };
    let wanted: Wanted = filters::parse("action", first("action").unwrap_or_default())?;
    let mut request = match wanted {
        Wanted::Try | Wanted::Replay | Wanted::Ignore => json!({ "rejects": chosen(&fields)? }),
        _ => selection(&fields)?,
    };
    if let Some(note) = first("note").filter(|note| !note.is_empty()) {
        request["note"] = note.into();
    }
    // Lines end differently in forms.
    if let Some(text) = first("text").filter(|_| wanted != Wanted::Ignore) {
        request["text"] = text.replace("\r\n", "\n").into();
    }
    let job = match wanted {
        Wanted::Ignore | Wanted::IgnoreAll => {
            let request = Body(filters::from_json::<Failure, _>("request", request)?);
            replays::ignore(State(app), Extension(asked), HeaderMap::new(), request).await?
        }
        _ => {
            request["dry_run"] = matches!(wanted, Wanted::Try | Wanted::TryAll).into();
            let request = Body(filters::from_json::<Failure, _>("request", request)?);
            replays::replay(State(app), Extension(asked), HeaderMap::new(), request).await?
        }
    };
    Ok(Redirect::to(&format!("/jobs/{}", job.2.0.job_id)))
}

/// The rejects that are ticked.
fn chosen(fields: &[(String, String)]) -> Result<Vec<Value>, Problem> {
    let wrong = || Problem::bad_request("invalid_parameter", "choose at least one reject");
    let names = fields.iter().filter(|(name, _)| name == "reject").map(|(_, value)| value);
    let rejects = names.map(|name| {
        let (load_id, record_no) = name.split_once('/').ok_or_else(wrong)?;
        let number = |text: &str| text.parse::<i64>().map_err(|_| wrong());
        Ok(json!({ "load_id": number(load_id)?, "record_no": number(record_no)? }))
    });
    let rejects = rejects.collect::<Result<Vec<_>, Problem>>()?;
    if rejects.is_empty() { Err(wrong()) } else { Ok(rejects) }
}

/// The filter of a form, as the API takes it.
fn selection(fields: &[(String, String)]) -> Result<Value, Problem> {
    let mut selection = json!({});
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        match name.as_str() {
            "load_id" => selection[name] = filters::number(name, value)?.into(),
            "feed" | "object" | "reason" | "rule" => selection[name] = value.as_str().into(),
            _ => {}
        }
    }
    Ok(selection)
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Extension(viewer): Extension<Viewer>,
    Path((load_id, record_no)): Path<(i64, i64)>,
) -> Shown {
    let params = RejectParams::of(load_id, record_no);
    let tables = rejects::tables(&app).await?;
    let found = rejects::page(&app, &tables, &params, None, 1).await?.rejects.pop();
    let missing =
        || Problem::not_found("not_found", format!("the load {load_id} has no reject {record_no}"));
    let reject = found.ok_or_else(missing)?;
    let raw = reject.raw.clone().unwrap_or_default();
    let detail = reject.detail.clone().unwrap_or_default();
    let body = html! {
        h1 { "Reject " (load_id) "/" (record_no) }
        (facts(&reject))
        h2 { "Text" }
        pre { bdi { (marked(&raw, &detail)) } }
        @if reject.state == RejectState::Open && viewer.may(Scope::Admin) { (edit(&viewer, &reject, &raw)) }
        @if let Some(edited) = &reject.edited_text { h2 { "Loaded in its place" } pre { bdi { (visible(edited)) } } }
    };
    Ok(page(&viewer, "/rejects", "Reject", body))
}

fn facts(reject: &Reject) -> Markup {
    html! {
        dl.facts {
            dt { "State" } dd { (state(reject)) }
            dt { "Reason" } dd { code { (reject.reason.as_deref().unwrap_or_default()) } }
            dt { "Found" } dd.long { bdi { (reject.detail.as_deref().unwrap_or_default()) } }
            @if let Some(feed) = &reject.feed { dt { "Feed" } dd { a href={ "/feeds/" (feed) } { (feed) } } }
            dt { "Load" } dd { a href={ "/loads/" (reject.load_id) } { "load " (reject.load_id) } }
            @if let Some(object) = &reject.object { dt { "Object" } dd.long { bdi { (object) } } }
            @if let (Some(offset), Some(length)) = (reject.byte_offset, reject.byte_length) {
                dt { "Where" } dd { "byte " (count(offset.unsigned_abs())) ", " (bytes(length.unsigned_abs())) }
            }
            @if let Some(by) = &reject.handled_by { dt { "Handled by" } dd.long { (by) } }
            @if let Some(at) = reject.handled_at { dt { "Handled" } dd { (ago(at)) } }
            @if let Some(note) = &reject.note { dt { "Note" } dd.long { bdi { (note) } } }
            @if let Some(load_id) = reject.replay_load_id { dt { "Replay" } dd { a href={ "/loads/" (load_id) } { "load " (load_id) } } }
        }
    }
}

fn edit(viewer: &Viewer, reject: &Reject, raw: &str) -> Markup {
    let name = format!("{}/{}", reject.load_id, reject.record_no.unwrap_or_default());
    let fields = html! {
        input type="hidden" name="reject" value=(name);
        label for="text" { "Edited text" }
        // The first line break of a text area is none of its text.
        textarea #text name="text" spellcheck="false" { "\n" (raw) }
        p { label { "Note " input name="note" maxlength="1000"; } }
        div.actions {
            button name="action" value="try" { "Dry run" }
            button name="action" value="replay" { "Replay" }
            button name="action" value="ignore" { "Ignore" }
        }
    };
    html! { h2 { "Mend it" } (form(viewer, "/rejects/actions", fields)) }
}

/// A text with the value marked whose place the detail names, such as `/items/3`.
fn marked(raw: &str, detail: &str) -> Markup {
    let Some((from, to)) = place(raw, detail) else {
        return html! { (visible(raw)) };
    };
    html! { (visible(&raw[..from])) mark { (visible(&raw[from..to])) } (visible(&raw[to..])) }
}

/// Where in a text the value is that a detail names by its JSON pointer. None if it has none, or another text.
fn place(raw: &str, detail: &str) -> Option<(usize, usize)> {
    let pointer = detail.split(": ").next().filter(|pointer| pointer.starts_with('/'))?;
    let mut found: &RawValue = serde_json::from_str(raw).ok()?;
    for part in pointer[1..].split('/') {
        let part = part.replace("~1", "/").replace("~0", "~");
        found = match serde_json::from_str::<BTreeMap<String, &RawValue>>(found.get()) {
            Ok(members) => {
                members.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(&part))?.1
            }
            Err(_) => *serde_json::from_str::<Vec<&RawValue>>(found.get())
                .ok()?
                .get(part.parse::<usize>().ok()?)?,
        };
    }
    let from = found.get().as_ptr() as usize - raw.as_ptr() as usize;
    Some((from, from + found.get().len()))
}

#[cfg(test)]
mod tests {
    use super::{place, visible};

    #[test]
    fn the_value_that_a_detail_names_is_found() {
        let raw = r#" {"a": [1, {"b/c": "x"}], "n": null} "#;
        let at = |detail: &str| place(raw, detail).map(|(from, to)| &raw[from..to]);
        assert_eq!(at("/a/1/b~1c: expected a number, found string"), Some("\"x\""));
        assert_eq!(at("/n: null"), Some("null"));
        assert_eq!(at("/a/7: expected"), None);
        assert_eq!(at("not JSON"), None);
        assert_eq!(place("{", "/a: x"), None);
    }

    #[test]
    fn what_cannot_be_seen_is_written_out() {
        assert_eq!(visible("a\u{202e}b\u{0}\n"), "a\\u{202e}b\\u{0000}\n");
    }
}
