//! Records within documents, held against reading the documents as a whole.

use std::io::BufReader;

use proptest::prelude::*;
use serde_json::{Deserializer, Map, Value, json};

use super::super::cuts::Cuts;
use super::super::tests::{Cut, cut, gzip, zstd};
use super::*;
use crate::feed::Reason;
use crate::records::{CutOptions, Decompressed, TextLimits};

fn options(path: &str) -> CutOptions {
    CutOptions { records: path.parse().unwrap(), ..CutOptions::default() }
}

fn cut_at(path: &str, text: &str) -> Result<Vec<Cut>, String> {
    cut(text.as_bytes(), &options(path)).map_err(|error| error.to_string())
}

/// The texts of the records, and the reasons where cutting found one.
fn records(path: &str, text: &str) -> Vec<(String, Option<Reason>)> {
    let cuts = cut_at(path, text).unwrap();
    cuts.into_iter().map(|(text, _, _, reason)| (text, reason)).collect()
}

fn texts(path: &str, text: &str) -> Vec<String> {
    records(path, text).into_iter().map(|(text, _)| text).collect()
}

#[test]
fn the_array_stands_anywhere_among_other_members() {
    let text = "\u{feff} { \"x\" : [ {\"b\":[0]} ] , \"a\" : { \"b\" : \"no\" , \"c\" : [ {\"r\":1} ,\r\n {\"r\":\"]\"} ] , \
                \"d\" : [ ] } , \"c\" : [ 9 ] }\r\n";
    let cuts = cut_at("$.a.c[*]", text).unwrap();
    let at = |record: &str| text.find(record).unwrap() as u64;
    let expected = ["{\"r\":1}", "{\"r\":\"]\"}"];
    let expected =
        expected.map(|record| (record.to_owned(), at(record), record.len() as u64, None));
    assert_eq!(cuts, expected);
}

#[test]
fn a_page_a_line_is_read_and_so_are_pages_in_a_row() {
    for text in [
        "{\"items\":[1,2],\"next\":\"x\"}\n{\"items\":[],\"next\":\"y\"}\r\n\n{\"next\":null,\"items\":[3]}",
        "{\"items\":[1,2]}{\"items\":[]} {\"items\":[3]}",
        "{\n  \"items\": [\n    1,\n    2\n  ]\n}\n{\n  \"items\": [\n    3\n  ]\n}\n",
    ] {
        assert_eq!(texts("$.items[*]", text), ["1", "2", "3"], "{text}");
    }
    assert_eq!(texts("$[*]", "[1,2]\n[3]\n"), ["1", "2", "3"]);
    assert_eq!(texts("$[*]", "[1,\n2][\n3]"), ["1", "2", "3"]);
}

#[test]
fn a_key_is_what_it_means_not_how_it_is_written() {
    let text = "{\"A\\u002fb\":{\"\\u00fc\":[1], \"\\ud83d\\ude00\": [2]}}";
    assert_eq!(texts("$['A/b'].ü[*]", text), ["1"]);
    assert_eq!(texts("$[\"A/b\"]['\u{1f600}'][*]", text), ["2"]);
}

#[test]
fn the_records_of_a_key_that_stands_twice_are_read_twice() {
    assert_eq!(texts("$.a[*]", "{\"a\":[1],\"b\":2,\"a\":[3]}"), ["1", "3"]);
    assert_eq!(texts("$.a.b[*]", "{\"a\":{},\"a\":{\"b\":[1]},\"a\":7}"), ["1"]);
}

#[test]
fn null_and_an_empty_array_are_no_records() {
    for text in ["{\"a\":{\"b\":[]}}", "{\"a\":{\"b\":null}}", "{\"a\":{\"b\":[ \n ]}}", "", " \n"]
    {
        assert_eq!(cut_at("$.a.b[*]", text), Ok(Vec::new()), "{text}");
    }
}

#[test]
fn an_object_without_the_array_is_an_error_that_says_what_is_there() {
    for (text, found) in [
        ("{\"c\":1,\"d\":{\"b\":[]}}", "the document has no key a, its keys are c, d"),
        ("{\"a\":{\"c\":1,\"\\u0064\":2}}", "$.a has no key b, its keys are c, d"),
        ("{\"a\":{}}", "$.a is an empty object"),
        ("{\"a\":{\"b\":{\"c\":1}}}", "$.a.b is an object"),
        ("{\"a\":{\"b\":\"x\"}}", "$.a.b is a string"),
        ("{\"a\":null}", "$.a is null"),
        ("[{\"a\":{\"b\":[1]}}]", "the document is an array"),
        ("{\"a\":7}\n{\"b\":1}\n", "$.a is a number"),
    ] {
        assert_eq!(cut_at("$.a.b[*]", text), Err(format!("no array at $.a.b[*]: {found}")));
    }
    assert_eq!(cut_at("$[*]", "{}").unwrap_err(), "no array at $[*]: the document is an object");
    let many: Map<String, Value> = (10..99).map(|key| (key.to_string(), Value::Null)).collect();
    let error = cut_at("$.a[*]", &Value::from(many).to_string()).unwrap_err();
    assert!(error.ends_with("19, 20, 21 and others"), "{error}");
}

#[test]
fn a_page_without_the_array_among_others_is_a_reject() {
    let malformed = Some(Reason::Malformed);
    let text = "{\"error\":\"busy\"}\n{\"a\":[1]}\n{\"a\":5} \n";
    let expected = [
        ("{\"error\":\"busy\"}".to_owned(), malformed),
        ("1".to_owned(), None),
        ("{\"a\":5}".to_owned(), malformed),
    ];
    assert_eq!(records("$.a[*]", text), expected);
}

#[test]
fn damage_costs_as_little_as_can_be_told() {
    let cases: [(&str, &[&str]); 12] = [
        // An element whose brackets pair.
        ("{\"a\":[{\"x\":1}, {'y':2}, {\"z\":3}],\"b\":1}", &["{\"x\":1}", "{'y':2}", "{\"z\":3}"]),
        ("{\"a\":[1,,3],\"b\":1}", &["1", "", "3"]),
        ("{\"a\":[1 2,3],\"b\":1}", &["1 2", "3"]),
        // One whose brackets do not, in lines.
        (
            "{\n \"a\": [\n  {\"x\":1},\n  {\"y\":2,\n  {\"z\":3}\n ]\n}",
            &["{\"x\":1}", "{\"y\":2", "{\"z\":3}"],
        ),
        // It may be the last: another array is not taken for its end.
        (
            "{\n \"a\": [\n  {\"x\":1},\n  {\"y\":2\n ],\n \"b\": [\n  {\"no\":3}\n ]\n}",
            &["{\"x\":1}", "{\"y\":2\n ],\n \"b\": [\n  {\"no\":3}\n ]\n}"],
        ),
        (
            "{\"a\":[\n{\"x\":1},\n{\"y\":2],\"b\":[\n{\"no\":3}\n]}",
            &["{\"x\":1}", "{\"y\":2],\"b\":[\n{\"no\":3}\n]}"],
        ),
        ("{\"a\":[1,{\"x\":2}},{\"no\":3}]}", &["1", "{\"x\":2}},{\"no\":3}]}"]),
        // What stands behind the array.
        ("{\"a\":[1],\"b\":oops}", &["1", "oops}"]),
        ("{\"a\":[1],\"b\":2", &["1", ""]),
        ("{\"a\":[1]} junk", &["1", "junk"]),
        // What stands before it.
        ("{\"b\":oops,\"a\":[1]}", &["{\"b\":oops,\"a\":[1]}"]),
        ("{\"b\":{\"a\":[1]", &["{\"b\":{\"a\":[1]"]),
    ];
    for (text, expected) in cases {
        assert_eq!(texts("$.a[*]", text), expected, "{text}");
    }
    assert_eq!(texts("$.a[*]", "{\"a\":[1,2"), ["1", "2", ""]);
}

#[test]
fn a_damaged_line_costs_no_other_line() {
    let good = "{\"a\":[1,2],\"b\":3}\n";
    for (bad, expected) in [
        ("{\"a\":[7,", &["7", ""][..]),
        ("{\"a\":[7", &["7", ""]),
        ("{\"a\":[7,{\"x\":[}", &["7", "{\"x\":[}"]),
        ("{\"a\":[7]", &["7", ""]),
        ("{\"a\":[7],\"b\":\"x", &["7", ""]),
        ("{\"b\":\"x", &["{\"b\":\"x"]),
        ("{\"a\":[7]}}", &["7", "}"]),
        ("\u{1f600}", &["\u{1f600}"]),
        ("[1,2]", &["[1,2]"]),
    ] {
        let expected = [&["1", "2"], expected, &["1", "2"]].concat();
        assert_eq!(texts("$.a[*]", &format!("{good}{bad}\n{good}")), expected, "{bad}");
        assert_eq!(texts("$.a[*]", &format!("{good}{bad}\r\n{good}")), expected, "{bad}");
    }
    // The first line may be the damaged one.
    assert_eq!(texts("$.a[*]", &format!("{{\"a\":[7,\n{good}")), ["7", "", "1", "2"]);
}

#[test]
fn a_first_line_that_is_longer_than_what_is_seen_may_be_a_document_or_not() {
    let long = "x".repeat(2 << 20);
    let damaged = "{\"a\":[2}\n";
    let lines = format!("{{\"long\":\"{long}\",\"a\":[1]}}\n{damaged}{{\"a\":[3]}}\n");
    assert_eq!(texts("$.a[*]", &lines), ["1", "2}", "3"]);
    let document = format!("{{\"long\":\"{long}\",\n\"a\":[1,\n2]}}\n");
    assert_eq!(texts("$.a[*]", &document), ["1", "2"]);
    let pretty = format!("{{\"b\":[\n{{}}\n],\n\"long\":\"{long}\",\n\"a\":[1,\n2]}}\n");
    assert_eq!(texts("$.a[*]", &pretty), ["1", "2"]);
}

#[test]
fn compressed_documents_are_read() {
    let text = format!("{{\"long\":\"{}\",\"a\":[1,2]}}", "x".repeat(3 << 20));
    for bytes in [gzip(text.as_bytes()), zstd(text.as_bytes())] {
        let input = Decompressed::new(std::io::Cursor::new(bytes), TextLimits::default()).unwrap();
        assert_eq!(cut(input, &options("$.a[*]")).unwrap().len(), 2);
    }
}

#[test]
fn values_of_any_depth_stand_anywhere() {
    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    let deep = String::from_utf8(deep).unwrap();
    let text = format!("{{\"x\":{deep},\"a\":[{deep},1],\"y\":{deep}}}");
    assert_eq!(texts("$.a[*]", &text), [&deep, "1"]);
    let unclosed = format!("{{\"a\":[1,{}", "{\"a\":[".repeat(100_000));
    assert_eq!(records("$.a[*]", &unclosed).len(), 2);
}

#[test]
fn an_element_that_is_too_large_is_passed_over() {
    let large = format!("{{\"x\":\"{}\"}}", "]},\\\"".repeat(50_000));
    let text = format!("{{\"a\":[1,{large},2],\"b\":{large}}}");
    for batch_bytes in [64, 100_000, 4 << 20] {
        let options = CutOptions { batch_bytes, max_record_bytes: 1000, ..options("$.a[*]") };
        let cuts = cut(text.as_bytes(), &options).unwrap();
        let [(first, ..), (kept, offset, length, reason), (last, ..)] = &cuts[..] else {
            panic!("{} records", cuts.len());
        };
        assert_eq!((first.as_str(), last.as_str()), ("1", "2"));
        assert_eq!((*offset, *length), (8, large.len() as u64));
        assert!(large.starts_with(kept.as_str()) && *reason == Some(Reason::TooLarge));
    }
}

/// Gives text to the cutter piece by piece, as [`super::super::Batches`] does: how many bytes were left over
/// at most.
fn most_left_over(pieces: impl Iterator<Item = Vec<u8>>) -> usize {
    let mut documents = Documents::new(&"$.a[*]".parse().unwrap(), Layout::Row);
    let (mut buffer, mut offset, mut most) = (Vec::new(), 0, 0);
    for piece in pieces {
        buffer.extend(piece);
        let mut cuts = Cuts::new(offset, false, 1 << 20);
        let done = documents.cut(&buffer, &mut cuts);
        offset += done as u64;
        buffer.drain(..done);
        most = most.max(buffer.len());
    }
    most
}

#[test]
fn nothing_of_what_is_passed_over_is_held() {
    let repeated = |text: &str| std::iter::repeat_n(text.repeat(2000).into_bytes(), 20);
    let begins = |text: &str| std::iter::once(text.as_bytes().to_vec());
    let string = repeated("a long text \u{20ac} \\u20ac ");
    let numbers = repeated("1234567890, ");
    let objects = repeated("{\"k\": [true, {}]},\n");
    let before = begins("{\"s\":\"").chain(string.clone()).chain(begins("\",\"n\":["));
    let before = before.chain(numbers.clone()).chain(begins("0],\"a\":["));
    let behind = begins("0],\"o\":[").chain(objects).chain(begins("0],\"b\":\"")).chain(string);
    assert!(most_left_over(before.chain(behind)) < 16);
    // Blanks, which may be gigabytes.
    let blanks =
        begins("{").chain(repeated(" \r\n\t")).chain(begins("\"a\"")).chain(repeated("\n"));
    assert!(most_left_over(blanks) < 16);
    // Of an element that is too large, no more is held than a record may have.
    let large =
        begins("{\"a\":[[").chain(repeated(&"1234567890, ".repeat(10))).chain(begins("1],2]"));
    assert!(most_left_over(large) < 2 << 20);
}

#[test]
fn the_format_is_lines_where_several_have_records() {
    for (text, format) in [
        ("{\"a\":[1]}", Format::Array),
        ("{\"a\":[1]}\n", Format::Array),
        ("{\"a\":[1]}\n{\"a\":[2]}\n", Format::Ndjson),
        ("{\n\"a\":[1]}\n{\n\"a\":[2]}\n", Format::Array),
    ] {
        let mut batches = super::super::Batches::new(text.as_bytes(), options("$.a[*]"));
        batches.by_ref().for_each(|batch| drop(batch.unwrap()));
        assert_eq!(batches.format(), Some(format), "{text}");
    }
}

/// Values, in which the keys of the path are frequent.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-c\\]\\}\"\\\\\n\u{e9}\u{1f600}]{0,5}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("[ab\u{e9}\"]{0,2}", inner), 0..5)
                .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Documents, most of which have records at `$.a.b`.
fn document() -> impl Strategy<Value = Value> {
    let members = || prop::collection::vec(("[a-d]{1,2}", value()), 0..3);
    let records = prop::collection::vec(value(), 0..6);
    let has_records = (members(), members(), records).prop_map(|(outer, inner, records)| {
        let mut inner: Map<_, _> = inner.into_iter().collect();
        inner.insert("b".to_owned(), Value::from(records));
        let mut outer: Map<_, _> = outer.into_iter().collect();
        outer.insert("a".to_owned(), Value::from(inner));
        Value::from(outer)
    });
    prop_oneof![8 => has_records, 1 => value(), 1 => Just(json!({"a": {"b": null}}))]
}

/// Writes a value with white space, and escapes that need not be.
fn write(value: &Value, blanks: &mut impl Iterator<Item = &'static str>, out: &mut String) {
    let mut blank = |out: &mut String| out.push_str(blanks.next().unwrap());
    blank(out);
    match value {
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                write(item, blanks, out);
            }
            out.push_str(blanks.next().unwrap());
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (at, (key, member)) in members.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                out.push_str(blanks.next().unwrap());
                let key = Value::from(key.as_str()).to_string();
                let escaped = key.replace('a', "\\u0061");
                out.push_str(if blanks.next().unwrap().is_empty() { &key } else { &escaped });
                out.push_str(blanks.next().unwrap());
                out.push(':');
                write(member, blanks, out);
            }
            out.push_str(blanks.next().unwrap());
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
    out.push_str(blanks.next().unwrap());
}

const BLANKS: [&str; 5] = ["", "", " ", "\t", "\r\n"];

/// The text of documents in lines or in a row, and how they follow each other.
fn documents() -> impl Strategy<Value = (String, Option<Format>)> {
    let blanks = prop::collection::vec(0..BLANKS.len(), 1..20);
    (prop::collection::vec(document(), 0..4), blanks, any::<bool>()).prop_map(
        |(documents, blanks, in_lines)| {
            let of = |at: &usize| if in_lines { BLANKS[at % 4] } else { BLANKS[*at] };
            let mut blanks = blanks.iter().map(of).cycle();
            let mut text = String::new();
            for document in documents {
                write(&document, &mut blanks, &mut text);
                text.push('\n');
            }
            (text, if in_lines { None } else { Some(Format::Concatenated) })
        },
    )
}

/// The records of documents, read as a whole: None for a document without the array. None if no document
/// has it.
fn read_slowly(text: &str) -> Option<Vec<Option<Value>>> {
    let documents = Deserializer::from_str(text).into_iter::<Value>().map(Result::unwrap);
    let (mut records, mut any, mut without) = (Vec::new(), false, false);
    for document in documents {
        match document.pointer("/a/b").filter(|_| document.is_object()) {
            Some(Value::Array(found)) => records.extend(found.iter().cloned().map(Some)),
            Some(Value::Null) => {}
            _ => {
                records.push(None);
                without = true;
                continue;
            }
        }
        any = true;
    }
    (any || !without).then_some(records)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_records_are_those_of_a_reader_of_whole_documents(
        (text, format) in documents(),
        batch_bytes in 1_usize..60,
        read_bytes in 1_usize..9,
    ) {
        let options = CutOptions { format, batch_bytes, ..options("$.a.b[*]") };
        let cuts = cut(BufReader::with_capacity(read_bytes, text.as_bytes()), &options);
        let Some(expected) = read_slowly(&text) else {
            prop_assert!(cuts.is_err(), "{text}");
            return Ok(());
        };
        let mut found = Vec::new();
        for (record, offset, length, reason) in cuts.unwrap() {
            let offset = offset as usize;
            prop_assert_eq!(&text[offset..offset + length as usize], &record);
            found.push(reason.is_none().then(|| serde_json::from_str(&record).unwrap()));
        }
        prop_assert_eq!(found, expected, "{}", text);
    }

    #[test]
    fn how_damaged_documents_arrive_makes_no_difference(
        (text, format) in documents(),
        damage in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::sample::select(&b"\n\",:[]{}\\x\xff"[..]), 0..3),
            1..4,
        ),
        batch_bytes in 1_usize..60,
        read_bytes in 1_usize..9,
    ) {
        let mut text = text.into_bytes();
        for (at, byte, how) in damage {
            let at = at.index(text.len() + 1);
            match how {
                0 => text.insert(at, byte),
                1 => drop(text.splice(at..text.len().min(at + 1), [byte])),
                _ => drop(text.drain(at..text.len().min(at + 1))),
            }
        }
        let whole = CutOptions { format, ..options("$.a.b[*]") };
        let pieces = CutOptions { batch_bytes, ..whole.clone() };
        let whole = cut(text.as_slice(), &whole).map_err(|error| error.to_string());
        let pieces = cut(BufReader::with_capacity(read_bytes, text.as_slice()), &pieces);
        let pieces = pieces.map_err(|error| error.to_string());
        prop_assert_eq!(&pieces, &whole, "{:?}", String::from_utf8_lossy(&text));
        let mut at = 0;
        for (_, offset, length, _) in whole.unwrap_or_default() {
            prop_assert!(offset >= at, "records overlap at {}", offset);
            at = offset + length;
        }
        prop_assert!(at <= text.len() as u64);
    }
}
