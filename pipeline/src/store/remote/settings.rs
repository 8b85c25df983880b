//! What configures a remote store: our own settings, those of the environment, and those of its URL.

use std::str::FromStr;

use super::RemoteUrl;
use crate::error::Error;

/// A store in a reachable network answers within milliseconds; a lost packet or two are forgiven.
const CONNECT_TIMEOUT: &str = "5 s";

/// An answer of which nothing comes any more for so long has broken off.
const READ_TIMEOUT: &str = "30 s";

/// Several ranges share a line, and all of them come slowly if it is slow.
const REQUEST_TIMEOUT: &str = "300 s";

/// What configures a store, in the order in which the later wins.
pub(super) struct Settings<K> {
    /// Ours, and those of the environment.
    pub(super) given: Vec<(K, String)>,
    /// Those of the URL.
    queried: Vec<(K, String)>,
}

impl<K: FromStr + AsRef<str> + Copy + PartialEq> Settings<K> {
    /// Of the environment those that begin with `prefix` and are known; of the URL all.
    pub(super) fn gather(
        url: &RemoteUrl,
        environment: &[(String, String)],
        prefix: &str,
    ) -> Result<Self, Error> {
        let ours = [
            ("timeout", REQUEST_TIMEOUT),
            ("read_timeout", READ_TIMEOUT),
            ("connect_timeout", CONNECT_TIMEOUT),
        ];
        let known = |name: &str| name.to_ascii_lowercase().parse().ok();
        let ours =
            ours.iter().filter_map(|(name, value)| Some((known(name)?, (*value).to_owned())));
        let theirs = environment
            .iter()
            .filter(|(name, value)| name.starts_with(prefix) && !value.is_empty());
        let theirs = theirs.filter_map(|(name, value)| Some((known(name)?, value.clone())));
        let queried = url.settings.iter().map(|(name, value)| match known(name) {
            Some(key) => Ok((key, value.clone())),
            None => Err(url.wrong(format!("its store has no setting `{name}`"))),
        });
        Ok(Self {
            given: ours.chain(theirs).collect(),
            queried: queried.collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn queried(&self, key: &K) -> Option<String> {
        let found = self.queried.iter().rev().find(|(known, _)| known == key);
        found.map(|(_, value)| value.clone())
    }

    pub(super) fn apply<B>(&self, builder: B, with_config: impl Fn(B, K, String) -> B) -> B {
        let settings = self.given.iter().chain(&self.queried);
        settings.fold(builder, |builder, (key, value)| with_config(builder, *key, value.clone()))
    }

    /// The error of a store that does not take its settings, with no secret in it.
    pub(super) fn refused(&self, url: &RemoteUrl, error: &object_store::Error) -> Error {
        const SECRETS: [&str; 5] = ["key", "secret", "token", "sas", "password"];
        let mut reason = error.to_string();
        for (key, value) in self.given.iter().chain(&self.queried) {
            if !value.is_empty() && SECRETS.iter().any(|secret| key.as_ref().contains(secret)) {
                reason = reason.replace(value.as_str(), "***");
            }
        }
        url.wrong(reason)
    }
}
