//! Which columns fit which fields.

use super::{Verdict, check_compatibility};
use crate::decode::Limits;
use crate::feed::Limit;
use crate::feed::tests::visits;
use crate::infer::inference::Inference;
use crate::infer::shape::Shape;
use crate::json::path::JsonPath;

const GOOD: &str = r#"{"id":5,"siteName":"s","at":7,"mobile":true,"reason":"r",
        "pages":[{"url":"u"},null]}"#;

/// The fields that do not fit when a part of a good record is replaced; those of both records
/// where it is replaced in one only.
fn differing(from: &str, to: &str, also_good: bool) -> Vec<(String, Verdict)> {
    let mut shape = Shape::default();
    let mut inference = Inference::new(&JsonPath::default());
    inference.read(GOOD.replace(from, to).as_bytes(), &mut shape);
    if also_good {
        inference.read(GOOD.as_bytes(), &mut shape);
    }
    let feed = visits();
    let mut limits = Limits::of_fresh_tables(&feed);
    let id = feed.fields.iter().position(|field| field.key() == Some("id")).unwrap();
    limits.tables[0][id] = Limit::Range(0, 1000);
    let fit = check_compatibility(&feed, &shape.columns(), &limits);
    let lines = fit.lines.into_iter().filter(|line| line.verdict != Verdict::Fits);
    lines.map(|line| (line.field, line.verdict)).collect()
}

#[test]
fn what_fits_is_told_from_what_never_does_and_from_what_sometimes_does() {
    assert_eq!(differing("{", "{", false), []);
    for (from, to, field) in [
        ("5", "\"5\"", "id"),
        ("5", "5000", "id"),
        ("true", "\"true\"", "mobile"),
        ("\"r\"", "{}", "reason"),
        ("\"r\"", "\"longer\"", "reason"),
        ("[{\"url\":\"u\"},null]", "[1]", "pages"),
        ("[{\"url\":\"u\"},null]", "{}", "pages"),
    ] {
        assert_eq!(differing(from, to, false), [(field.to_owned(), Verdict::Never)], "{to}");
        assert_eq!(differing(from, to, true), [(field.to_owned(), Verdict::InPart)], "{to}");
    }
    for (from, to, field) in [("5", "5.5", "id"), ("\"u\"}", "[1]}", "pages")] {
        assert_eq!(differing(from, to, false), [(field.to_owned(), Verdict::InPart)], "{to}");
    }
    assert_eq!(differing("\"r\"", "5", true), []);
    assert_eq!(differing("\"u\"},null", "\"u\"},null,{\"url\":5},null", false), []);
    let empty = differing("\"s\"", "\"\"", false);
    assert_eq!(empty, [("siteName".to_owned(), Verdict::Never)]);
}

#[test]
fn fields_may_be_missing_or_new() {
    for (from, to) in [("\"siteName\":\"s\",", ""), ("\"s\"", "null")] {
        let missing = [("siteName".to_owned(), Verdict::Missing)];
        assert_eq!(differing(from, to, false), missing);
        assert_eq!(differing(from, to, true), []);
    }
    let new = differing("{\"url\":\"u\"}", "{\"by\":1}],\"more\":[1", false);
    let expected = ["more", "pages.by"].map(|name| (name.to_owned(), Verdict::New));
    assert_eq!(new, expected);
}
