//! What pages of other sites make a browser ask: refused while nothing else guards the API.
//!
//! Whoever can connect may do everything then, and a browser on this machine can. A page elsewhere
//! could have its own name lead here (DNS rebinding), or send requests whose answers it cannot read.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::problem::Problem;

/// Under which names the API is asked for, and by which pages.
#[derive(Debug, Clone)]
pub(crate) struct Browsers {
    /// The address that is listened on.
    pub(crate) listen: IpAddr,
    /// Origins of pages that may call the API; `*` is every one.
    pub(crate) origins: Vec<HeaderValue>,
}

impl Browsers {
    fn admit(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let refused = |code, detail| Err(Problem::new(StatusCode::FORBIDDEN, code, detail));
        let host = headers.get(header::HOST);
        if host.is_some_and(|host| !self.is_ours(host)) {
            let detail = "without keys, the server answers only to names and addresses of its own machine: \
                make a key, or start it with --insecure";
            return refused("host_refused", detail);
        }
        let origin = headers.get(header::ORIGIN);
        let is_foreign = match origin {
            Some(origin) => !self.is_named(origin) && !is_same(origin, host),
            // Pages of other ports of this machine, and of other names of its domain, are foreign too.
            None => headers
                .get("sec-fetch-site")
                .is_some_and(|site| site != "same-origin" && site != "none"),
        };
        if is_foreign {
            return refused(
                "origin_refused",
                "pages of this origin may not call the API: allow it with --cors-origin",
            );
        }
        Ok(())
    }

    fn is_ours(&self, host: &HeaderValue) -> bool {
        let Some(authority) = authority(host) else {
            return false;
        };
        let name = authority.host();
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        match address {
            Ok(address) => address.is_loopback() || address == self.listen,
            Err(_) => name.eq_ignore_ascii_case("localhost"),
        }
    }

    fn is_named(&self, origin: &HeaderValue) -> bool {
        self.origins.iter().any(|named| named == "*" || named == origin)
    }
}

/// Whether a page is one of ours, such as that of the documentation.
fn is_same(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    let host = host.and_then(|host| host.to_str().ok());
    origin.zip(host).is_some_and(|((_, origin), host)| origin.eq_ignore_ascii_case(host))
}

fn authority(host: &HeaderValue) -> Option<Authority> {
    host.to_str().ok()?.parse().ok()
}

/// Lets a request pass that no page elsewhere has sent.
pub(super) async fn check(
    State(browsers): State<Browsers>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    browsers.admit(request.headers())?;
    Ok(next.run(request).await)
}

#[cfg(test)]
mod tests;
