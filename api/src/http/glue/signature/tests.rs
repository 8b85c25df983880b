//! The examples that AWS publishes (`aws4_testsuite`), and requests that were changed on their way.

use axum::http::Request;
use axum::http::request::Parts;
use chrono::{DateTime, TimeDelta, Utc};

use super::Signature;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const SCOPE: &str = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request";

struct Example {
    method: &'static str,
    uri: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    signed: &'static str,
    signature: &'static str,
}

const POST: Example = Example {
    method: "POST",
    uri: "/",
    headers: &[("content-type", "application/x-www-form-urlencoded")],
    body: "Param1=value1",
    signed: "content-type;host;x-amz-date",
    signature: "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
};

/// In order: `get-vanilla`, `get-vanilla-query-order-key-case`, `get-header-key-duplicate`,
/// `get-header-value-trim`, `post-vanilla`, `post-x-www-form-urlencoded`.
const EXAMPLES: [Example; 6] = [
    Example {
        method: "GET",
        uri: "/",
        headers: &[],
        body: "",
        signed: "host;x-amz-date",
        signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    },
    Example {
        method: "GET",
        uri: "/?Param2=value2&Param1=value1",
        headers: &[],
        body: "",
        signed: "host;x-amz-date",
        signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    },
    Example {
        method: "GET",
        uri: "/",
        headers: &[("my-header1", "value2"), ("my-header1", "value2"), ("my-header1", "value1")],
        body: "",
        signed: "host;my-header1;x-amz-date",
        signature: "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
    },
    Example {
        method: "GET",
        uri: "/",
        headers: &[("my-header1", " value1"), ("my-header2", " \"a   b   c\"")],
        body: "",
        signed: "host;my-header1;my-header2;x-amz-date",
        signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    },
    Example {
        method: "POST",
        uri: "/",
        headers: &[],
        body: "",
        signed: "host;x-amz-date",
        signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    },
    POST,
];

impl Example {
    fn request(&self) -> Parts {
        let Self { method, uri, signed, signature, .. } = self;
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders={signed}, Signature={signature}"
        );
        let request = Request::builder().method(*method).uri(*uri);
        let request = request.header("host", "example.amazonaws.com");
        let request = request.header("x-amz-date", "20150830T123600Z");
        let request = request.header("authorization", authorization);
        let add = |request: axum::http::request::Builder, (name, value): &(&str, &str)| {
            request.header(*name, *value)
        };
        self.headers.iter().fold(request, add).body(()).unwrap().into_parts().0
    }
}

fn now() -> DateTime<Utc> {
    "2015-08-30T12:36:00Z".parse().unwrap()
}

/// The exception that a request is refused with.
fn outcome(request: &Parts, service: &str, now: DateTime<Utc>, body: &str) -> &'static str {
    let verified = Signature::of(&request.headers).and_then(|signature| {
        signature.check_scope(service, now)?;
        signature.verify(SECRET, request, body.as_bytes())
    });
    verified.map_or_else(|problem| problem.code(), |()| "")
}

#[test]
fn the_examples_of_aws_are_verified() {
    for example in &EXAMPLES {
        let request = example.request();
        assert_eq!(outcome(&request, "service", now(), example.body), "", "{}", example.signature);
    }
}

#[test]
fn what_was_changed_after_it_was_signed_is_refused() {
    const INVALID: &str = "InvalidSignatureException";
    let request = POST.request();
    assert_eq!(outcome(&request, "service", now(), "Param1=value2"), INVALID);
    assert_eq!(outcome(&request, "glue", now(), POST.body), INVALID);
    let changed = |name: &'static str, value: &'static str| {
        let mut request = POST.request();
        request.headers.insert(name, value.parse().unwrap());
        outcome(&request, "service", now(), POST.body)
    };
    assert_eq!(changed("host", "example.com"), INVALID);
    assert_eq!(changed("x-amz-date", "20150830T123601Z"), INVALID);
    assert_eq!(changed("x-amz-date", "20150831T123600Z"), INVALID);
    // It was not signed, and would say what is to be done.
    assert_eq!(changed("x-amz-target", "AWSGlue.StartJobRun"), INVALID);
    assert_eq!(changed("user-agent", "another"), "");
}

#[test]
fn clocks_may_differ_by_five_minutes() {
    for (seconds, expected) in [
        (-301, "InvalidSignatureException"),
        (-300, ""),
        (300, ""),
        (301, "InvalidSignatureException"),
    ] {
        let now = now() + TimeDelta::seconds(seconds);
        assert_eq!(outcome(&POST.request(), "service", now, POST.body), expected, "{seconds}");
    }
}

#[test]
fn a_request_that_is_not_signed_in_full_is_refused() {
    for (authorization, expected) in [
        ("", "IncompleteSignatureException"),
        ("Bearer sv_key", "IncompleteSignatureException"),
        ("AWS4-HMAC-SHA256", "IncompleteSignatureException"),
        (
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE, SignedHeaders=host, Signature=00",
            "IncompleteSignatureException",
        ),
        ("AWS4-ECDSA-P256-SHA256 Credential=a/b/c/d", "IncompleteSignatureException"),
    ] {
        let mut request = POST.request();
        request.headers.insert("authorization", authorization.parse().unwrap());
        assert_eq!(outcome(&request, "service", now(), POST.body), expected, "{authorization}");
    }
    let mut request = POST.request();
    request.headers.remove("authorization");
    let expected = "MissingAuthenticationTokenException";
    assert_eq!(outcome(&request, "service", now(), POST.body), expected);
}
