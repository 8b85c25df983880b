//! How URLs of remote stores are taken apart, and what of them is shown.

use super::{RemoteUrl, shown};

/// The bucket's URL and the key.
fn parts(text: &str) -> Option<(String, String)> {
    RemoteUrl::parse(text).unwrap().map(|url| (url.root, url.key))
}

#[test]
fn a_url_is_a_bucket_and_a_key_as_it_is_written() {
    for (text, root, key) in [
        ("s3://bucket", "s3://bucket", ""),
        ("S3://Bucket_1/", "s3://Bucket_1", ""),
        ("s3://bucket/a b/%2F#1.json", "s3://bucket", "a b/%2F#1.json"),
        ("s3://bucket/a//b/", "s3://bucket", "a//b/"),
        ("s3://bucket/day-?.json", "s3://bucket", "day-?.json"),
        ("s3://bucket/day-?.json?region=x&endpoint=http://h:1/a", "s3://bucket", "day-?.json"),
        ("gs://bucket/{a,b}/**/*.json", "gs://bucket", "{a,b}/**/*.json"),
        ("az://container/key", "az://container", "key"),
        ("abfss://c@a.dfs.core.windows.net/k", "abfss://c@a.dfs.core.windows.net", "k"),
        ("https://s3.eu-west-1.amazonaws.com/b/k", "https://s3.eu-west-1.amazonaws.com/b", "k"),
        ("https://b.s3.eu-west-1.amazonaws.com/k/l", "https://b.s3.eu-west-1.amazonaws.com", "k/l"),
    ] {
        assert_eq!(parts(text), Some((root.to_owned(), key.to_owned())), "{text}");
    }
}

#[test]
fn other_texts_are_no_remote_urls() {
    for text in ["users.json", "/s3:/bucket", "file:///a", "ftp://host/a", "https://host/a"] {
        assert_eq!(parts(text), None, "{text}");
    }
    for text in ["s3://", "s3:///a", "s3://?region=a", "s3://a?b", "s3://u:p@b", "gs://u@b"] {
        assert!(RemoteUrl::parse(text).is_err(), "{text}");
    }
}

#[test]
fn settings_and_credentials_are_not_shown() {
    for (text, expected) in [
        ("s3://bucket/a?.json?secret_access_key=x", "s3://bucket/a?.json"),
        ("s3://user:x@bucket/a@b", "s3://bucket/a@b"),
        ("s3://user@bucket", "s3://bucket"),
        ("ftp://user:x@host/a", "ftp://host/a"),
        ("abfss://c@a.dfs.core.windows.net/k", "abfss://c@a.dfs.core.windows.net/k"),
        ("a?b=c", "a?b=c"),
    ] {
        assert_eq!(shown(text), expected);
    }
}
