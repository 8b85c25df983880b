//! What all pages have in common.

use maud::{DOCTYPE, Markup, html};

use super::session::Viewer;
use crate::http::problem::Problem;

/// The screens, in the order of the menu.
const SCREENS: [(&str, &str); 7] = [
    ("/", "Now"),
    ("/jobs", "Jobs"),
    ("/loads", "Loads"),
    ("/rejects", "Rejects"),
    ("/feeds", "Feeds"),
    ("/catalog", "Catalog"),
    ("/new", "New load"),
];

/// A whole page. `here` is the path of its screen.
pub(super) fn page(viewer: &Viewer, here: &str, title: &str, body: Markup) -> Markup {
    let menu = html! {
        nav aria-label="Screens" {
            @for (path, name) in SCREENS {
                a href=(path) aria-current=[(path == here).then_some("page")] { (name) }
            }
        }
        div.viewer {
            span title="The key that you signed in with" { (viewer.name) }
            @if viewer.has_session {
                form method="post" action="/sign-out" { button.quiet { "Sign out" } }
            }
        }
    };
    document(title, Some(menu), body)
}

/// A form that does something, with the token of its session.
pub(super) fn form(viewer: &Viewer, action: &str, fields: Markup) -> Markup {
    html! {
        form method="post" action=(action) {
            input type="hidden" name="form_token" value=(viewer.form_token);
            (fields)
        }
    }
}

/// The page that asks for a key.
pub(super) fn sign_in(to: &str, error: Option<&str>) -> Markup {
    let body = html! {
        h1 { "Sign in" }
        form.narrow method="post" action="/sign-in" {
            input type="hidden" name="to" value=(to);
            label for="key" { "Key of the API" }
            input #key type="password" name="key" autocomplete="current-password" required autofocus
                aria-describedby=[error.map(|_| "error")];
            @if let Some(error) = error { p #error.error role="alert" { (error) } }
            button { "Sign in" }
            p.hint { "A key with the scope read sees everything. Operators make keys with " code { "stevedore key" } "." }
        }
    };
    document("Sign in", None, body)
}

/// The page in place of one that could not be made.
pub(super) fn failure(problem: &Problem) -> Markup {
    let body = html! {
        h1 { (problem.title()) }
        p.error role="alert" { (problem.detail()) }
        p { "Code: " code { (problem.code()) } }
        p { a href="/" { "Back to the first page" } }
    };
    document(problem.title(), None, body)
}

fn document(title: &str, menu: Option<Markup>, body: Markup) -> Markup {
    let version = env!("CARGO_PKG_VERSION");
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Stevedore" }
                link rel="stylesheet" href={ "/assets/console.css?" (version) };
                script type="module" src={ "/assets/console.js?" (version) } {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header {
                    a.name href="/" { "Stevedore" }
                    @if let Some(menu) = menu { (menu) }
                }
                main #main { (body) }
            }
        }
    }
}
