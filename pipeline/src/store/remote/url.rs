//! URLs of remote stores, taken apart.

use object_store::ObjectStoreScheme;
use url::Url;

use crate::error::Error;

/// A location in a remote store, taken apart.
pub(in crate::store) struct RemoteUrl {
    /// The bucket's own URL, without a `/` at its end.
    pub(in crate::store) root: String,
    /// What comes after it, as it is written.
    pub(in crate::store) key: String,
    pub(super) scheme: ObjectStoreScheme,
    /// The query.
    pub(super) settings: Vec<(String, String)>,
}

impl RemoteUrl {
    /// Takes the URL of a remote store apart; none if the text is something else.
    pub(in crate::store) fn parse(text: &str) -> Result<Option<Self>, Error> {
        let wrong =
            |reason: &str| Error::Location { location: shown(text), reason: reason.to_owned() };
        let Some((scheme, rest)) = text.split_once("://").filter(|(scheme, _)| *scheme != "file")
        else {
            return Ok(None);
        };
        let (rest, query) = split_query(rest);
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if authority.is_empty() || authority.contains(['?', '#', '\\']) {
            return Err(wrong("it names no bucket"));
        }
        let root = format!("{}://{authority}", scheme.to_ascii_lowercase());
        let probe = Url::parse(&format!("{root}/bucket/key"));
        let probe = probe.map_err(|error| wrong(&error.to_string()))?;
        let Some((scheme, is_path_style)) = store_of(&probe) else {
            return Ok(None);
        };
        let names_account = scheme == ObjectStoreScheme::MicrosoftAzure;
        if probe.password().is_some() || !(probe.username().is_empty() || names_account) {
            return Err(wrong("credentials belong into the environment, not into a URL"));
        }
        let settings = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let (root, key) = match path.split_once('/').unwrap_or((path, "")) {
            (bucket, key) if is_path_style => (format!("{root}/{bucket}"), key),
            _ => (root, path),
        };
        Ok(Some(Self { root, key: key.to_owned(), scheme, settings }))
    }

    pub(super) fn wrong(&self, reason: String) -> Error {
        Error::Location { location: self.root.clone(), reason }
    }
}

/// Which store answers such URLs, and whether the bucket is the first part of their path.
fn store_of(probe: &Url) -> Option<(ObjectStoreScheme, bool)> {
    let (scheme, path) = ObjectStoreScheme::parse(probe).ok()?;
    let is_remote = matches!(
        scheme,
        ObjectStoreScheme::AmazonS3
            | ObjectStoreScheme::GoogleCloudStorage
            | ObjectStoreScheme::MicrosoftAzure
    );
    is_remote.then(|| (scheme, path.as_ref() == "key"))
}

/// Splits off what is like `?name=value`; any other `?` is part of a pattern.
fn split_query(text: &str) -> (&str, &str) {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let mut marks = text.match_indices('?').map(|(at, _)| (&text[..at], &text[at + 1..]));
    let query = marks.find(|(_, rest)| rest.split_once('=').is_some_and(|(name, _)| is_name(name)));
    query.unwrap_or((text, ""))
}

/// A location as it may be shown: without its settings and credentials.
#[must_use]
pub fn shown(location: &str) -> String {
    let Some((scheme, rest)) = location.split_once("://") else {
        return location.to_owned();
    };
    let (rest, _) = split_query(rest);
    let authority = rest.split_once('/').map_or(rest, |(authority, _)| authority);
    let credentials = match authority.rsplit_once('@') {
        Some((user, _)) if user.contains(':') || ["s3", "s3a", "gs"].contains(&scheme) => {
            user.len() + 1
        }
        _ => 0,
    };
    format!("{scheme}://{}", &rest[credentials..])
}
