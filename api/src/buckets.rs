//! The configured buckets: nothing outside them can be reached over REST.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use pipeline::error::Error;
use pipeline::store::Bucket;

/// A bucket as it is configured: `name=url`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BucketSetting {
    pub(crate) name: String,
    pub(crate) url: String,
}

impl FromStr for BucketSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, url) = text.split_once('=').ok_or("expected name=url")?;
        check_name(name)?;
        if url.is_empty() {
            return Err("expected name=url".to_owned());
        }
        Ok(Self { name: name.to_owned(), url: url.to_owned() })
    }
}

/// Refuses what is no name of a bucket or a key.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match name.is_empty() || !name.chars().all(is_plain) {
        true => Err("a name consists of letters, digits, `-`, `_` and `.`".to_owned()),
        false => Ok(()),
    }
}

/// Why a configured bucket cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the bucket {name} cannot be opened")]
pub(crate) struct BucketError {
    name: String,
    source: Box<Error>,
}

/// The buckets by their names.
#[derive(Debug, Clone)]
pub(crate) struct Buckets(Arc<BTreeMap<String, Bucket>>);

impl Buckets {
    /// Opens the buckets; of two with one name the later counts.
    ///
    /// # Errors
    /// When a URL names no store or folder.
    pub(crate) fn open(settings: &[BucketSetting]) -> Result<Self, BucketError> {
        let environment = environment();
        let opened = settings.iter().map(|BucketSetting { name, url }| {
            let opened = Bucket::open(name, url, &environment);
            let failed = |source| BucketError { name: name.clone(), source: Box::new(source) };
            let bucket = opened.map_err(failed)?;
            Ok((name.clone(), bucket))
        });
        Ok(Self(Arc::new(opened.collect::<Result<_, _>>()?)))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Bucket> {
        self.0.get(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Bucket> {
        self.0.values()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// The variables of the environment, for the clients of stores: credentials, regions, endpoints.
/// None of those is anything but UTF-8.
pub(crate) fn environment() -> Vec<(String, String)> {
    let text = |text: std::ffi::OsString| text.into_string().ok();
    std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect()
}
