//! Where messages may be sent: only to origins that the operator named. So nobody who may request a job can make the
//! server call machines that only the server can reach.

use std::str::FromStr;

use url::Url;

/// Longest URL.
const CHARACTERS: usize = 2048;

/// A URL to which messages can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WebhookUrl(Url);

/// The scheme, host and port of URLs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin(url::Origin);

/// Why nothing is sent to a URL.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebhookError {
    #[error(
        "a webhook is a URL of http or https without user name and password, of at most {CHARACTERS} characters"
    )]
    NoUrl,
    #[error("the operator of this server has not allowed webhooks to {0} (--webhook-origin)")]
    NotAllowed(String),
}

/// To whom messages are sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Webhooks {
    /// For jobs that name no other URL.
    pub(crate) default: Option<WebhookUrl>,
    /// What jobs may name.
    pub(crate) origins: Vec<Origin>,
}

impl FromStr for WebhookUrl {
    type Err = WebhookError;

    fn from_str(text: &str) -> Result<Self, WebhookError> {
        let url = Url::parse(text).ok().filter(|_| text.len() <= CHARACTERS);
        let is_plain = |url: &Url| {
            ["http", "https"].contains(&url.scheme())
                && url.username().is_empty()
                && url.password().is_none()
        };
        url.filter(is_plain).map(Self).ok_or(WebhookError::NoUrl)
    }
}

impl FromStr for Origin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = text.parse::<WebhookUrl>().ok();
        let url = url.filter(|WebhookUrl(url)| url.path() == "/" && url.query().is_none());
        let wrong = "expected scheme, host and port of URLs, such as https://hooks.example.com";
        url.map(|WebhookUrl(url)| Self(url.origin())).ok_or(wrong)
    }
}

impl WebhookUrl {
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Webhooks {
    /// Whether messages are sent at all.
    pub(crate) const fn is_wanted(&self) -> bool {
        self.default.is_some() || !self.origins.is_empty()
    }

    /// The URL that gets the message about a job, which names this one, or none.
    pub(crate) fn of_job(&self, named: Option<&str>) -> Result<Option<String>, WebhookError> {
        let Some(named) = named else {
            return Ok(self.default.as_ref().map(|url| url.as_str().to_owned()));
        };
        let url: WebhookUrl = named.parse()?;
        let origin = Origin(url.0.origin());
        let of_default = self.default.as_ref().map(|WebhookUrl(url)| Origin(url.origin()));
        if self.origins.contains(&origin) || of_default == Some(origin.clone()) {
            return Ok(Some(url.as_str().to_owned()));
        }
        Err(WebhookError::NotAllowed(origin.0.ascii_serialization()))
    }
}

#[cfg(test)]
mod tests {
    use super::{WebhookUrl, Webhooks};

    fn webhooks() -> Webhooks {
        Webhooks {
            default: Some("https://hooks.example.com/all?token=1".parse().unwrap()),
            origins: vec!["http://127.0.0.1:9000".parse().unwrap()],
        }
    }

    #[test]
    fn jobs_name_urls_of_allowed_origins_only() {
        for named in [
            "https://hooks.example.com/other",
            "https://hooks.example.com:443/",
            "http://127.0.0.1:9000/a",
        ] {
            assert_eq!(webhooks().of_job(Some(named)).unwrap().as_deref().map(str::len), {
                Some(named.parse::<WebhookUrl>().unwrap().as_str().len())
            });
        }
        for named in [
            "http://hooks.example.com/all",
            "https://hooks.example.com.evil.org/",
            "https://hooks.example.com:8443/",
            "https://hooks.example.com@evil.org/",
            "http://127.0.0.1:9001/",
            "http://2130706433:9001/",
            "file:///etc/passwd",
            "/all",
            "",
        ] {
            assert!(webhooks().of_job(Some(named)).is_err(), "{named}");
        }
    }

    #[test]
    fn a_job_that_names_none_has_the_default() {
        let default = webhooks().of_job(None).unwrap();
        assert_eq!(default.as_deref(), Some("https://hooks.example.com/all?token=1"));
        assert_eq!(Webhooks::default().of_job(None).unwrap(), None);
    }
}
