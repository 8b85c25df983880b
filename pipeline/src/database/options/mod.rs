//! What a connection's text says about TLS, taken out of it: the driver's parser knows neither
//! `verify-ca` nor `verify-full` nor the files of certificates.
//!
//! Out of the text itself, since a URL with several hosts, or with the folder of a socket for one,
//! does not survive a parser of URLs.

use std::env;
use std::path::PathBuf;

use tokio_postgres::config::SslMode;

use crate::error::{Error, Result};

/// What a connection's text says about TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TlsOptions {
    /// Whether to use TLS, as the driver knows it.
    pub(super) mode: SslMode,
    pub(super) verify: Verify,
    pub(super) identity: Option<IdentityFiles>,
}

/// The files by which a server knows us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IdentityFiles {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

/// What a server's certificate is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verify {
    Nothing,
    /// The certificates of a file; any name will do.
    Roots(PathBuf),
    /// The certificates of a file, and the name of the host.
    RootsAndName(PathBuf),
    /// The certificates of the platform, and the name of the host. (Never without it: they vouch
    /// for everybody who owns any name at all.)
    Platform,
}

/// The options as they stand in the text; the last of each counts, an empty one does not.
#[derive(Debug, Default)]
struct Found {
    mode: Option<String>,
    roots: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
}

/// The text without the options of TLS, for the driver, and what they say.
pub(super) fn take_tls_options(text: &str) -> Result<(String, TlsOptions)> {
    let schemes = ["postgres://", "postgresql://"];
    let mut found = Found::default();
    let rest = match schemes.iter().find_map(|scheme| text.strip_prefix(scheme)) {
        Some(rest) => {
            let scheme = &text[..text.len() - rest.len()];
            format!("{scheme}{}", found.take_from_url(rest)?)
        }
        None if is_pairs(text) => found.take_from_pairs(text),
        None => {
            return Err(unusable(
                "it begins neither with postgresql:// nor with a key=value pair; write \
                 postgresql://user@host:5432/name",
            ));
        }
    };
    Ok((rest, found.with_environment(|name| env::var(name).ok()).resolve()?))
}

/// Whether a text that is no URL is `key=value` pairs, or nothing. The driver would find an "unexpected EOF"
/// in `localhost/name`.
fn is_pairs(text: &str) -> bool {
    let text = text.trim_start();
    let value = text.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    text.is_empty() || (value.len() < text.len() && value.trim_start().starts_with('='))
}

impl Found {
    /// Whether the option is one of ours, which then is kept.
    fn keep(&mut self, key: &str, value: &str) -> bool {
        let option = match key {
            "sslmode" => &mut self.mode,
            "sslrootcert" => &mut self.roots,
            "sslcert" => &mut self.certificate,
            "sslkey" => &mut self.key,
            _ => return false,
        };
        *option = Some(value.to_owned()).filter(|value| !value.is_empty());
        true
    }

    fn take_from_url(&mut self, url: &str) -> Result<String> {
        // As the driver reads it: all before the first @ is user and password, whatever it holds.
        let start = url.find('@').map_or(0, |at| at + 1);
        let query = url[start..].find('?').map_or(url.len(), |at| start + at);
        let user = url[..start].split(':').next().unwrap_or_default();
        // Else the end of a password would be a host or a name, and those are printed.
        if url[start..query].contains('@') || user.contains(['/', '?']) {
            return Err(unusable("an @ that does not end the password must be written %40"));
        }
        let (before, query) = url.split_at(query);
        let mut rest = Vec::new();
        for option in query.trim_start_matches('?').split('&') {
            let (key, value) = decode(option);
            if !self.keep(&key, &value) {
                rest.push(option);
            }
        }
        let rest = rest.join("&");
        Ok(if rest.is_empty() { before.to_owned() } else { format!("{before}?{rest}") })
    }

    fn take_from_pairs(&mut self, text: &str) -> String {
        let (mut rest, mut left) = (Vec::new(), text);
        while let Some((key, value, after)) = pair(left) {
            if !self.keep(key, &value) {
                rest.push(left[..left.len() - after.len()].trim_start());
            }
            left = after;
        }
        // What is no pair is left for the driver to complain of.
        rest.push(left.trim_start());
        rest.join(" ")
    }

    /// With what libpq's variables say of the client's certificate where the text says nothing.
    fn with_environment(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        self.certificate = self.certificate.or_else(|| set("PGSSLCERT"));
        self.key = self.key.or_else(|| set("PGSSLKEY"));
        self
    }

    fn resolve(self) -> Result<TlsOptions> {
        let of_system = self.roots.as_deref() == Some("system");
        let default = if of_system { "verify-full" } else { "prefer" };
        let named = self.mode.as_deref().unwrap_or(default);
        let mode = match named {
            "disable" => SslMode::Disable,
            "allow" | "prefer" => SslMode::Prefer,
            "require" | "verify-ca" | "verify-full" => SslMode::Require,
            _ => {
                return Err(unusable(format!(
                    "sslmode={named} is none of disable, allow, prefer, require, verify-ca, verify-full"
                )));
            }
        };
        if of_system && mode != SslMode::Require {
            return Err(unusable(format!("sslmode={named} is too weak for sslrootcert=system")));
        }
        let verify = match (named, self.roots) {
            ("disable", _) => Verify::Nothing,
            ("verify-full", Some(roots)) if !of_system => Verify::RootsAndName(roots.into()),
            (_, Some(roots)) if !of_system => Verify::Roots(roots.into()),
            ("allow" | "prefer" | "require", None) => Verify::Nothing,
            _ => Verify::Platform,
        };
        let identity = match (self.certificate, self.key) {
            (Some(certificate), Some(key)) => {
                Some(IdentityFiles { certificate: certificate.into(), key: key.into() })
            }
            (Some(_), None) => return Err(unusable("sslcert needs sslkey, the file of its key")),
            (None, _) => None,
        };
        Ok(TlsOptions { mode, verify, identity })
    }
}

pub(super) fn unusable(problem: impl Into<String>) -> Error {
    Error::ConnectionOptions { problem: problem.into() }
}

/// The key and the value of an option of a URL. (A + is a +: a query is no form.)
fn decode(option: &str) -> (String, String) {
    let option = option.replace('+', "%2B");
    let mut pairs = url::form_urlencoded::parse(option.as_bytes());
    pairs.next().map(|(key, value)| (key.into_owned(), value.into_owned())).unwrap_or_default()
}

/// The first `key = value` of a text, and what comes after it. Values may stand in single quotes,
/// and a backslash takes the next character as it is.
fn pair(text: &str) -> Option<(&str, String, &str)> {
    let text = text.trim_start();
    let key = &text[..text.find(|c: char| c.is_whitespace() || c == '=')?];
    let value = text[key.len()..].trim_start().strip_prefix('=')?.trim_start();
    let (is_quoted, value) = value.strip_prefix('\'').map_or((false, value), |body| (true, body));
    let (mut chars, mut taken) = (value.chars(), String::new());
    loop {
        match chars.next() {
            None if is_quoted => return None,
            Some('\\') => taken.extend(chars.next()),
            Some(c) if (is_quoted && c != '\'') || (!is_quoted && !c.is_whitespace()) => {
                taken.push(c);
            }
            _ => return Some((key, taken, chars.as_str())),
        }
    }
}

#[cfg(test)]
mod tests;
