//! Who may do what: keys with scopes, and how often.

use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::App;
use super::problem::Problem;
use super::strangers::Strangers;
use super::trace::{By, RequestId};
use crate::jobs::Asked;
use crate::keys::{KeySetting, Scope, hash};

/// The keys, and how often each may be used.
#[derive(Debug)]
pub(crate) struct Access {
    keys: Vec<KeySetting>,
    requests: DefaultKeyedRateLimiter<String>,
    clock: DefaultClock,
    pub(super) strangers: Arc<Strangers>,
}

impl Access {
    /// Without keys everybody may do everything.
    pub(crate) fn new(keys: Vec<KeySetting>, requests_per_second: NonZeroU32) -> Self {
        let requests = RateLimiter::keyed(Quota::per_second(requests_per_second));
        Self { keys, requests, clock: DefaultClock::default(), strangers: Arc::default() }
    }

    /// Whether there are no keys.
    pub(crate) fn is_open(&self) -> bool {
        self.keys.is_empty()
    }

    /// The name of the key that a request comes with, if it may be made.
    fn admit(&self, headers: &HeaderMap, scope: Scope) -> Result<String, Problem> {
        let requester = if self.is_open() {
            "anybody".to_owned()
        } else {
            let key = self.key_of(headers)?;
            check_scope(scope, &key.name, &key.scopes)?;
            key.name.clone()
        };
        self.limit(&requester)?;
        Ok(requester)
    }

    /// The key of a name.
    pub(super) fn named(&self, name: &str) -> Option<&KeySetting> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// Refuses a request of somebody who made too many in a second.
    pub(super) fn limit(&self, requester: &String) -> Result<(), Problem> {
        let Err(refused) = self.requests.check_key(requester) else {
            return Ok(());
        };
        let seconds = refused.wait_time_from(self.clock.now()).as_secs() as u32 + 1;
        let detail = "the key made too many requests in a second";
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail);
        Err(problem.retryable(Some(seconds)))
    }

    /// The key that a request names.
    fn key_of(&self, headers: &HeaderMap) -> Result<&KeySetting, Problem> {
        let given = given(headers);
        let unknown = |detail| Problem::new(StatusCode::UNAUTHORIZED, "key_unknown", detail);
        let given = given.ok_or_else(|| unknown("send a key as x-api-key or as a bearer token"))?;
        self.key(given)
    }

    /// The key itself, as somebody gave it.
    pub(super) fn key(&self, given: &str) -> Result<&KeySetting, Problem> {
        let hash = hash(given);
        // All of them are looked at, so that the time tells nothing.
        let mut found = None;
        for key in &self.keys {
            if key.is(&hash) {
                found = Some(key);
            }
        }
        let unknown =
            || Problem::new(StatusCode::UNAUTHORIZED, "key_unknown", "the key is not known");
        found.ok_or_else(unknown)
    }
}

/// Refuses a request that needs another scope than those of its key.
pub(super) fn check_scope(scope: Scope, key: &str, scopes: &[Scope]) -> Result<(), Problem> {
    if scope.is_in(scopes) {
        return Ok(());
    }
    let scopes: Vec<_> = scopes.iter().map(|scope| scope.as_str()).collect();
    let (needed, scopes) = (scope.as_str(), scopes.join(", "));
    let detail =
        format!("this request needs a key with the scope {needed}; the key {key} has: {scopes}");
    Err(Problem::new(StatusCode::FORBIDDEN, "scope_missing", detail))
}

/// The key or token of a request, in `x-api-key` or as a bearer token.
pub(super) fn given(headers: &HeaderMap) -> Option<&str> {
    let plain = headers.get("x-api-key").and_then(|value| value.to_str().ok());
    let bearer = || {
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    };
    plain.or_else(bearer)
}

/// Lets a request pass whose key has the scope.
pub(super) async fn check(
    State((app, scope)): State<(Arc<App>, Scope)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let by = app.access.admit(request.headers(), scope)?;
    let RequestId(request_id) = request.extensions().get().cloned().unwrap_or_default();
    request.extensions_mut().insert(Asked { by: by.clone(), request_id });
    let mut response = next.run(request).await;
    response.extensions_mut().insert(By(by));
    Ok(response)
}

#[cfg(test)]
mod tests;
