//! A request in the one form that both sides sign.

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use sha2::{Digest, Sha256};

/// The first header that must be signed and is not. Those of AWS must: they say what is asked for, and when.
pub(super) fn unsigned(headers: &HeaderMap, signed: &[&str]) -> Option<String> {
    let names = headers.keys().map(axum::http::HeaderName::as_str);
    let needed = names.filter(|name| name.starts_with("x-amz-")).chain(["host"]);
    needed.map(str::to_owned).find(|name| !signed.contains(&name.as_str()))
}

/// The hash of a request in that form. None if a signed header is missing or no text.
pub(super) fn hash(request: &Parts, signed: &[&str], body: &[u8]) -> Option<String> {
    let mut query: Vec<_> = request.uri.query().unwrap_or_default().split('&').collect();
    query.retain(|pair| !pair.is_empty());
    query.sort_unstable();
    let (method, path, query) = (request.method.as_str(), request.uri.path(), query.join("&"));
    let lines =
        signed.iter().map(|name| Some(format!("{name}:{}\n", value(&request.headers, name)?)));
    let (headers, signed) = (lines.collect::<Option<String>>()?, signed.join(";"));
    let body = hex::encode(Sha256::digest(body));
    let request = format!("{method}\n{path}\n{query}\n{headers}\n{signed}\n{body}");
    Some(hex::encode(Sha256::digest(request)))
}

/// The values of a header with single spaces, in their order.
fn value(headers: &HeaderMap, name: &str) -> Option<String> {
    let text = |value: &HeaderValue| {
        let text = std::str::from_utf8(value.as_bytes()).ok()?;
        Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let values: Option<Vec<_>> = headers.get_all(name).iter().map(text).collect();
    values.filter(|values| !values.is_empty()).map(|values| values.join(","))
}
