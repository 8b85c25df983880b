//! Which requests of browsers are refused.

use super::*;

fn outcome(origins: &[&'static str], headers: &[(&'static str, &'static str)]) -> &'static str {
    let origins = origins.iter().map(|origin| HeaderValue::from_static(origin)).collect();
    let browsers = Browsers { listen: "127.0.0.2".parse().unwrap(), origins };
    let headers = headers
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
    browsers.admit(&headers.collect()).map_or_else(|problem| problem.code(), |()| "admitted")
}

#[test]
fn only_names_of_this_machine_are_answered() {
    for host in ["localhost", "LOCALHOST:80", "127.0.0.1:8080", "127.9.9.9", "[::1]:8080"] {
        assert_eq!(outcome(&[], &[("host", host)]), "admitted", "{host}");
    }
    for host in ["evil.example", "localhost.evil.example", "10.0.0.1:8080", "[::2]", "", "a b"] {
        assert_eq!(outcome(&[], &[("host", host)]), "host_refused", "{host}");
    }
    // No browser leaves it out.
    assert_eq!(outcome(&[], &[]), "admitted");
}

#[test]
fn pages_of_other_origins_are_refused_unless_they_are_named() {
    let host = ("host", "localhost:8080");
    for (origins, header, expected) in [
        (&[][..], ("origin", "http://localhost:8080"), "admitted"),
        (&[], ("origin", "http://localhost:3000"), "origin_refused"),
        (&[], ("origin", "https://a.example"), "origin_refused"),
        (&[], ("origin", "null"), "origin_refused"),
        (&["https://a.example"], ("origin", "https://a.example"), "admitted"),
        (&["https://a.example"], ("origin", "https://b.example"), "origin_refused"),
        (&["*"], ("origin", "https://b.example"), "admitted"),
        (&[], ("sec-fetch-site", "cross-site"), "origin_refused"),
        (&[], ("sec-fetch-site", "same-site"), "origin_refused"),
        (&[], ("sec-fetch-site", "what-is-new"), "origin_refused"),
        (&["https://a.example"], ("sec-fetch-site", "same-site"), "origin_refused"),
        (&[], ("sec-fetch-site", "same-origin"), "admitted"),
        (&[], ("sec-fetch-site", "none"), "admitted"),
    ] {
        assert_eq!(outcome(origins, &[host, header]), expected, "{origins:?} {header:?}");
    }
}
