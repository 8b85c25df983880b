//! Stores that redirect.

use std::error::Error;
use std::fmt::{self, Display, Formatter};

/// A store has answered with a redirect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirected {
    /// Where to: the host, and its port if that is not the usual one.
    pub host: Option<String>,
    /// Where the bucket is, if S3 says so.
    pub region: Option<String>,
}

impl Error for Redirected {}

impl Display for Redirected {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let host = self.host.as_deref().unwrap_or("a place that it does not name");
        write!(f, "the store redirects to {host}")?;
        if let Some(region) = &self.region {
            write!(f, " (the bucket is in the region {region})")?;
        }
        f.write_str(", and redirects are not followed, since the credentials would go along")
    }
}

impl Redirected {
    /// The redirect that caused an error.
    pub(super) fn cause_of<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(redirected) = error.downcast_ref() {
                return Some(redirected);
            }
            cause = error.source();
        }
        None
    }
}
