//! Which records are taken, and what is said of the others.

use pipeline::decode::{Decoder, Limits};
use pipeline::feed::{Decoded, Limit};
use pipeline::records::{Batches, CutOptions, Format};
use polars::prelude::DataFrame;

use crate::support::USER_STATUS as FEED;

/// A record with one field as given.
fn record(field: &str, value: &str) -> String {
    let fields = [
        ("userId", "\"u\""),
        ("createdAt", "\"c\""),
        ("lastVisitedAt", "1"),
        ("status", "\"s\""),
        ("statusLogs", "[]"),
        ("isBlacklisted", "false"),
    ];
    let pairs = fields.map(|(name, default)| {
        format!("\"{name}\":{}", if name == field { value } else { default })
    });
    format!("{{{}}}", pairs.join(","))
}

fn decode(text: &[u8], limits: Limits) -> (DataFrame, Decoder) {
    let options = CutOptions { format: Some(Format::Ndjson), ..CutOptions::default() };
    let batch = Batches::new(text, options).next().unwrap().unwrap();
    let mut decoder = Decoder::new(&FEED, &limits);
    (decoder.decode(&batch).unwrap(), decoder)
}

/// The reason and detail of the only record of a text; empty when it is valid.
fn problem(text: impl AsRef<[u8]>) -> String {
    let (frame, _) = decode(text.as_ref(), Limits::of_fresh_tables(&FEED));
    let cell = |name| frame.column(name).unwrap().str().unwrap().get(0).map(str::to_owned);
    assert_eq!(frame.height(), 1);
    match (cell(Decoded::Reason.column()), cell(Decoded::Detail.column())) {
        (Some(reason), Some(detail)) => format!("{reason} {detail}"),
        _ => String::new(),
    }
}

/// What a text column holds for the only record of a text.
fn text(line: &str, column: &str) -> Option<String> {
    let (frame, _) = decode(line.as_bytes(), Limits::of_fresh_tables(&FEED));
    frame.column(column).unwrap().str().unwrap().get(0).map(str::to_owned)
}

#[test]
fn text_takes_strings_and_what_is_written() {
    for (written, taken) in [
        ("\"é\\u00e9\\n\\ud83d\\ude00\"", "éé\n😀"),
        ("1.50e+3", "1.50e+3"),
        ("-0", "-0"),
        ("true", "true"),
        ("false", "false"),
    ] {
        assert_eq!(text(&record("userId", written), "userid").as_deref(), Some(taken), "{written}");
    }
}

#[test]
fn keys_match_without_regard_to_case_and_the_last_one_wins() {
    let line = record("status", "7").replace("}", ",\"STATUS\":[],\"st\\u0061tus\":\"last\"}");
    assert_eq!(text(&line, "status").as_deref(), Some("last"));
    let line = record("status", "\"s\"").replace("}", ",\"Status\":null}");
    assert_eq!(problem(line), "null_field /status: expected a value, found null");
}

#[test]
fn every_problem_is_named_with_its_place() {
    let cases = [
        ("userId", "[]", "wrong_type /userId: expected a string, found array"),
        (
            "lastVisitedAt",
            "1.0",
            "wrong_type /lastVisitedAt: expected an integer, found number 1.0",
        ),
        ("lastVisitedAt", "\"1\"", "wrong_type /lastVisitedAt: expected an integer, found string"),
        (
            "lastVisitedAt",
            "9223372036854775808",
            "out_of_range /lastVisitedAt: expected -9223372036854775808 to 9223372036854775807, found 9223372036854775808",
        ),
        ("isBlacklisted", "0", "wrong_type /isBlacklisted: expected a boolean, found number"),
        (
            "createdAt",
            "\"a\\u0000\"",
            "nul_character /createdAt: expected text that Postgres can hold, found U+0000",
        ),
        ("statusLogs", "{}", "wrong_type /statusLogs: expected an array, found object"),
        (
            "statusLogs",
            "[{},null,{},4]",
            "wrong_type /statusLogs/3: expected an object, found number",
        ),
        (
            "statusLogs",
            "[[\"d\",\"s\"]]",
            "wrong_type /statusLogs/0: expected an object, found array",
        ),
        (
            "statusLogs",
            "[{},{\"status\":{}}]",
            "wrong_type /statusLogs/1/status: expected a string, found object",
        ),
        (
            "statusLogs",
            "[{\"updatedOn\":\"\\u0000\"}]",
            "nul_character /statusLogs/0/updatedOn: expected text that Postgres can hold, found U+0000",
        ),
        ("status", "\"\"", "empty_text /status: expected text, found ''"),
        ("status", "\" \"", ""),
        ("status", "null", "null_field /status: expected a value, found null"),
        ("statusLogs", "[{},null]", ""),
        ("other", "", ""),
    ];
    for (field, value, expected) in cases {
        assert_eq!(problem(record(field, value)), expected, "{field} {value}");
    }
    assert_eq!(problem("{}"), "null_field /userId: expected a value, found nothing");
}

#[test]
fn the_record_as_a_whole_comes_first_then_fields_in_order_then_nulls() {
    let line = r#"{"userId":null,"createdAt":"","lastVisitedAt":"x","status":"","statusLogs":7}"#;
    assert!(problem(line).starts_with("wrong_type /lastVisitedAt"));
    assert!(problem(line.replace("\"x\"", "1")).starts_with("wrong_type /statusLogs"));
    assert!(
        problem(line.replace("\"x\"", "1").replace('7', "[]")).starts_with("null_field /userId")
    );
    assert!(problem(&line[..line.len() - 1]).starts_with("malformed"));
}

#[test]
fn what_is_no_json_is_malformed() {
    let cases: [&[u8]; 12] = [
        b"{'userId':'u'}",
        b"{\"userId\":NaN}",
        b"{\"userId\":1} // comment",
        b"{\"userId\":1,}",
        b"{\"userId\":01}",
        b"{\"userId\":\"\t\"}",
        b"{\"userId\":\"\\x\"}",
        b"{\"userId\":\"\\ud800\"}",
        b"{\"x\":[\"\\udc00\"]}",
        b"{\"userId\":\"\xFF\"}",
        b"{\"userId\":1}{\"userId\":2}",
        b"\xEF\xBB\xBF\xEF\xBB\xBF{}",
    ];
    for text in cases {
        assert!(problem(text).starts_with("malformed "), "{}", String::from_utf8_lossy(text));
    }
    for text in ["[1]", "null", "\"x\"", "12"] {
        assert!(problem(text).starts_with("not_an_object expected an object, found "), "{text}");
    }
}

#[test]
fn narrower_columns_reject_what_does_not_fit() {
    let mut limits = Limits::of_fresh_tables(&FEED);
    limits.tables[0][0] = Limit::Text { characters: 2, bytes: 9 };
    limits.tables[0][2] = Limit::Range(-1, 1);
    limits.tables[1][1] = Limit::Text { characters: usize::MAX, bytes: 3 };
    let lines = [
        record("userId", "\"éé\""),
        record("userId", "\"abc\""),
        record("lastVisitedAt", "2"),
        record("statusLogs", "[{\"status\":\"\\u0061bcd\"}]"),
    ];
    let (frame, _) = decode(lines.join("\n").as_bytes(), limits);
    let details: Vec<_> =
        frame.column(Decoded::Detail.column()).unwrap().str().unwrap().iter().collect();
    let expected = [
        None,
        Some("/userId: expected at most 2 characters, found 3"),
        Some("/lastVisitedAt: expected -1 to 1, found 2"),
        Some("/statusLogs/0/status: expected at most 3 bytes, for an index, found 4"),
    ];
    assert_eq!(details, expected);
}

#[test]
fn unknown_keys_are_counted_by_name_at_every_level_of_the_feed() {
    let lines = [
        record("statusLogs", "[{\"by\":1},{\"by\":{\"deep\":1},\"STATUS\":\"x\"}]"),
        record("userId", "\"u\",\"country\":\"NL\",\"nul\\u0000\":[{\"userId\":1}]"),
        record("userId", "\"u\",\"Country\":1"),
        "{\"ignored\":1".to_owned(),
    ];
    let (_, decoder) = decode(lines.join("\n").as_bytes(), Limits::of_fresh_tables(&FEED));
    let found: Vec<_> = decoder.into_unknown_fields().into_iter().collect();
    let expected = [("Country", 1), ("country", 1), ("nul\\u0000", 1), ("statusLogs.by", 2)];
    assert_eq!(found, expected.map(|(name, count)| (name.to_owned(), count)));
}

#[test]
fn a_deep_unknown_value_is_passed_over() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    assert_eq!(problem(record("userId", &format!("\"u\",\"deep\":{deep}"))), "");
}
