//! Signature Version 4 of AWS: whether a request comes, as it is, from somebody who has the secret of a key pair.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

mod canonical;

use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::http::problem::Problem;

pub(super) const DATE: &str = "x-amz-date";
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";
/// How far the clock of a client may be from ours.
const MOST_SKEW: TimeDelta = TimeDelta::minutes(5);

/// What a request says of its signature.
#[derive(Debug)]
pub(super) struct Signature<'a> {
    pub(super) access_key_id: &'a str,
    /// Day, region, service and terminator, for which the key is derived.
    scope: [&'a str; 4],
    signed_headers: Vec<&'a str>,
    signature: [u8; 32],
    /// When it was signed, as it is written.
    date: &'a str,
    signed_at: DateTime<Utc>,
}

fn refused(kind: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, kind, detail)
}

fn incomplete(detail: impl Into<String>) -> Problem {
    refused("IncompleteSignatureException", detail)
}

fn invalid(detail: impl Into<String>) -> Problem {
    refused("InvalidSignatureException", detail)
}

impl<'a> Signature<'a> {
    /// Reads the headers of a request. A query cannot sign one.
    pub(super) fn of(headers: &'a HeaderMap) -> Result<Self, Problem> {
        let Some(authorization) = headers.get(header::AUTHORIZATION) else {
            let detail = "the request is not signed: it has no Authorization header";
            return Err(refused("MissingAuthenticationTokenException", detail));
        };
        let parts = authorization.to_str().ok().and_then(|text| text.strip_prefix(ALGORITHM));
        let parts =
            parts.ok_or_else(|| incomplete(format!("Authorization begins with {ALGORITHM}")))?;
        let credential = part(parts, "Credential")?;
        let wrong = || incomplete("Credential is ACCESS_KEY_ID/DATE/REGION/SERVICE/aws4_request");
        let (access_key_id, scope) = credential.split_once('/').ok_or_else(wrong)?;
        let scope: Vec<_> = scope.split('/').collect();
        let scope = scope.try_into().map_err(|_| wrong())?;
        let mut signature = [0; 32];
        hex::decode_to_slice(part(parts, "Signature")?, &mut signature)
            .map_err(|_| incomplete("Signature has 64 hexadecimal digits"))?;
        let signed_headers = part(parts, "SignedHeaders")?.split(';').collect();
        let date = headers.get(DATE).and_then(|date| date.to_str().ok()).unwrap_or_default();
        let signed_at = NaiveDateTime::parse_from_str(date, "%Y%m%dT%H%M%SZ");
        let signed_at = signed_at
            .map_err(|_| incomplete("X-Amz-Date has the time of the signature: 20261129T120000Z"))?
            .and_utc();
        Ok(Self { access_key_id, scope, signed_headers, signature, date, signed_at })
    }

    /// Refuses what was signed for another service, another day, or too long before or after now.
    pub(super) fn check_scope(&self, service: &str, now: DateTime<Utc>) -> Result<(), Problem> {
        let [day, _, of_service, terminator] = self.scope;
        if of_service != service || terminator != TERMINATOR {
            return Err(invalid(format!("Credential ends in /{service}/{TERMINATOR}")));
        }
        if !self.date.starts_with(day) || day.len() != "20261129".len() {
            return Err(invalid("the day of Credential is not that of X-Amz-Date"));
        }
        let skew = now - self.signed_at;
        if skew.abs() <= MOST_SKEW {
            return Ok(());
        }
        let (signed_at, now) = (self.date, now.format("%Y%m%dT%H%M%SZ"));
        Err(invalid(match skew > TimeDelta::zero() {
            true => format!(
                "the signature of {signed_at} has expired: it is {now}, more than 5 minutes later"
            ),
            false => format!(
                "the signature of {signed_at} is not yet valid: it is {now}, more than 5 minutes earlier"
            ),
        }))
    }

    /// Refuses a request that was not signed, as it is, with this secret.
    pub(super) fn verify(&self, secret: &str, request: &Parts, body: &[u8]) -> Result<(), Problem> {
        if let Some(name) = canonical::unsigned(&request.headers, &self.signed_headers) {
            return Err(invalid(format!("SignedHeaders lacks {name}")));
        }
        let mismatch = || {
            invalid(
                "the signature does not match: check the secret access key, and that no proxy changes the path, \
                 the Host header or the body",
            )
        };
        let canonical =
            canonical::hash(request, &self.signed_headers, body).ok_or_else(mismatch)?;
        let text = format!("{ALGORITHM}\n{}\n{}\n{canonical}", self.date, self.scope.join("/"));
        let first = format!("AWS4{secret}").into_bytes();
        let key = self.scope.iter().try_fold(first, |key, part| sign(&key, part.as_bytes()));
        // The comparison takes the same time whatever differs.
        let mac = key.and_then(|key| keyed(&key)).map(|mac| mac.chain_update(text));
        match mac.map(|mac| mac.verify_slice(&self.signature)) {
            Some(Ok(())) => Ok(()),
            _ => Err(mismatch()),
        }
    }
}

/// A part of the Authorization header.
fn part<'a>(parts: &'a str, name: &str) -> Result<&'a str, Problem> {
    let mut found = parts.split(',').filter_map(|part| part.trim().split_once('='));
    let value = found.find(|(known, _)| *known == name).map(|(_, value)| value);
    value.ok_or_else(|| incomplete(format!("Authorization has no {name}")))
}

/// A key of any length is one of HMAC.
fn keyed(key: &[u8]) -> Option<Hmac<Sha256>> {
    Hmac::new_from_slice(key).ok()
}

fn sign(key: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    Some(keyed(key)?.chain_update(text).finalize().into_bytes().to_vec())
}

#[cfg(test)]
mod tests;
