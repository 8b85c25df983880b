//! Who looks at the console: whoever has signed in with a key of the API.
//!
//! The session is a cookie that the server has signed: the name of the key, when the session ends, and a random number.
//! All processes sign with one secret, which is in the database. What a key may do is looked up each time, so a key that
//! is not configured any more ends its sessions.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use hmac::{Hmac, KeyInit, Mac};
use maud::Markup;
use serde::Deserialize;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::{Failure, layout};
use crate::http::App;
use crate::http::crawlers::encoded;
use crate::http::problem::Problem;
use crate::http::trace::{By, RequestId};
use crate::jobs::{Asked, StoreError, database_failed};
use crate::keys::Scope;

const COOKIE: &str = "stevedore_session";
/// Seconds for which a session lasts.
const LASTS: i64 = 12 * 60 * 60;
/// Longest form without texts that people write.
const FORM_BYTES: usize = 1 << 20;

/// What signs sessions, once it was read from the database.
#[derive(Debug, Default)]
pub(crate) struct Secret(OnceCell<Vec<u8>>);

/// Whoever looks at a page.
#[derive(Debug, Clone)]
pub(super) struct Viewer {
    /// The name of the key.
    pub(super) name: String,
    scopes: Vec<Scope>,
    /// What each form of the page must send.
    pub(super) form_token: String,
    /// Whether there is a session to end.
    pub(super) has_session: bool,
}

impl Viewer {
    /// Whether the key has a scope.
    pub(super) fn may(&self, scope: Scope) -> bool {
        self.scopes.iter().any(|&has| has == scope || has == Scope::Admin)
    }

    /// Refuses what the key may not do.
    pub(super) fn must(&self, scope: Scope) -> Result<(), Problem> {
        if self.may(scope) {
            return Ok(());
        }
        let detail = format!("the key {} has no scope {}", self.name, scope.as_str());
        Err(Problem::new(StatusCode::FORBIDDEN, "scope_missing", detail))
    }
}

impl Secret {
    async fn get(&self, app: &App) -> Result<&[u8], StoreError> {
        let read = || async {
            let sql = "select secret from stevedore.console_secrets";
            let row = app.store.client().await?.query_one(sql, &[]).await;
            Ok::<_, StoreError>(row.map_err(database_failed("read the console's secret"))?.get(0))
        };
        self.0.get_or_try_init(read).await.map(Vec::as_slice)
    }
}

/// The signature of a text for one purpose.
fn sign(secret: &[u8], purpose: &str, text: &str) -> String {
    // A key of any length is one of HMAC.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
        return String::new();
    };
    mac.update(purpose.as_bytes());
    mac.update(&[0]);
    mac.update(text.as_bytes());
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

fn is_same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// A new session: what the cookie holds.
fn begin(secret: &[u8], name: &str) -> String {
    let ends = Utc::now().timestamp() + LASTS;
    let session = format!("{}.{ends}.{}", URL_SAFE_NO_PAD.encode(name), Uuid::new_v4().simple());
    format!("{session}.{}", sign(secret, "session", &session))
}

/// The name of the key that a session was begun with, if it is ours and has not ended.
fn name_of(secret: &[u8], cookie: &str) -> Option<String> {
    let (session, signature) = cookie.rsplit_once('.')?;
    if !is_same(signature, &sign(secret, "session", session)) {
        return None;
    }
    let mut parts = session.split('.');
    let name = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
    let ends = parts.next()?.parse::<i64>().ok()?;
    (ends > Utc::now().timestamp()).then(|| String::from_utf8(name).ok()).flatten()
}

/// The value of our cookie.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = cookies.flat_map(|value| value.split(';'));
    cookies.find_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

async fn viewer(app: &App, headers: &HeaderMap) -> Result<Option<Viewer>, StoreError> {
    let secret = app.console.get(app).await?;
    if app.access.is_open() {
        let (name, scopes) = ("anybody".to_owned(), vec![Scope::Admin]);
        let form_token = sign(secret, "form", "");
        return Ok(Some(Viewer { name, scopes, form_token, has_session: false }));
    }
    let signed_in = cookie(headers).and_then(|cookie| {
        let key = app.access.named(&name_of(secret, cookie)?)?;
        let form_token = sign(secret, "form", cookie);
        let (name, scopes) = (key.name.clone(), key.scopes.clone());
        Some(Viewer { name, scopes, form_token, has_session: true })
    });
    Ok(signed_in)
}

/// Lets through who has signed in with a key that may read; others are asked to sign in.
pub(super) async fn check(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let Some(viewer) = viewer(&app, request.headers()).await? else {
        let to = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let to = if request.method() == Method::GET { to } else { "/" };
        return Ok(Redirect::to(&format!("/sign-in?to={}", encoded(to))).into_response());
    };
    viewer.must(Scope::Read)?;
    app.access.limit(&viewer.name)?;
    let RequestId(request_id) = request.extensions().get().cloned().unwrap_or_default();
    request.extensions_mut().insert(Asked { by: viewer.name.clone(), request_id });
    let by = By(viewer.name.clone());
    request.extensions_mut().insert(viewer);
    let mut response = next.run(request).await;
    response.extensions_mut().insert(by);
    Ok(response)
}

/// Lets a form through that one of our pages has sent: it has the token of its session, which no page elsewhere knows.
pub(super) async fn check_form(request: Request, next: Next) -> Result<Response, Failure> {
    if request.method() != Method::POST {
        return Ok(next.run(request).await);
    }
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, FORM_BYTES).await;
    let body = body.map_err(|_| Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE))?;
    let sent = url::form_urlencoded::parse(&body).find(|(name, _)| name == "form_token");
    let expected = parts.extensions.get::<Viewer>().map(|viewer| viewer.form_token.as_str());
    let is_ours = sent.zip(expected).is_some_and(|((_, sent), expected)| is_same(&sent, expected));
    if !is_ours {
        let detail = "the form is not of this session: open the page again, and send it from there";
        return Err(Problem::new(StatusCode::FORBIDDEN, "origin_refused", detail).into());
    }
    Ok(next.run(Request::from_parts(parts, body.into())).await)
}

/// Where to go after signing in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SignIn {
    key: String,
    to: String,
}

/// Only paths of ours: not `//elsewhere`, nor `/\elsewhere`, which browsers take for it.
fn path(to: &str) -> &str {
    let is_ours =
        to.starts_with('/') && !to[1..].starts_with(['/', '\\']) && !to.contains(['\r', '\n']);
    if is_ours { to } else { "/" }
}

pub(super) async fn ask(Query(sign_in): Query<SignIn>) -> Markup {
    layout::sign_in(path(&sign_in.to), None)
}

pub(super) async fn sign_in(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Form(sign_in): Form<SignIn>,
) -> Result<Response, Failure> {
    let to = path(&sign_in.to);
    let key = match app.access.key(sign_in.key.trim()) {
        Ok(key) => key,
        Err(_) => {
            let page = layout::sign_in(to, Some("The key is not known to this server."));
            return Ok((StatusCode::UNAUTHORIZED, page).into_response());
        }
    };
    let session = begin(app.console.get(&app).await?, &key.name);
    let mut response = Redirect::to(to).into_response();
    let cookie = set_cookie(&session, LASTS, is_secure(&app, &headers));
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response.extensions_mut().insert(By(key.name.clone()));
    Ok(response)
}

pub(super) async fn sign_out(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let mut response = Redirect::to("/sign-in").into_response();
    response.headers_mut().insert(header::SET_COOKIE, set_cookie("", 0, is_secure(&app, &headers)));
    response
}

/// Whether browsers reach us by TLS, ours or that of a proxy.
fn is_secure(app: &App, headers: &HeaderMap) -> bool {
    app.has_tls || headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https")
}

fn set_cookie(value: &str, seconds: i64, is_secure: bool) -> HeaderValue {
    let secure = if is_secure { "; Secure" } else { "" };
    let cookie =
        format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&cookie).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::{begin, name_of, path};

    #[test]
    fn a_session_is_known_by_its_signature() {
        let session = begin(b"secret", "a.name with = and ;");
        assert_eq!(name_of(b"secret", &session).as_deref(), Some("a.name with = and ;"));
        assert_eq!(name_of(b"another", &session), None);
        let (name, rest) = session.split_once('.').unwrap();
        assert_eq!(name_of(b"secret", &format!("{name}x.{rest}")), None);
        for broken in ["", ".", "...", "a.b.c.d"] {
            assert_eq!(name_of(b"secret", broken), None, "{broken}");
        }
    }

    #[test]
    fn nobody_is_sent_elsewhere() {
        for (to, is) in [
            ("/jobs?a=b", "/jobs?a=b"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("", "/"),
            ("/", "/"),
        ] {
            assert_eq!(path(to), is, "{to}");
        }
    }
}
