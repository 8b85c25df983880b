//! What cutting promises, for every format and however the text arrives.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use proptest::prelude::*;

use super::{Batches, CutOptions, Decompressed, Format, TextLimits};
use crate::feed::Reason;

/// A record as it was cut: its text, its place, and the reason if cutting found one.
pub(super) type Cut = (String, u64, u64, Option<Reason>);

fn options(format: impl Into<Option<Format>>) -> CutOptions {
    CutOptions { format: format.into(), ..CutOptions::default() }
}

pub(super) fn cut(input: impl BufRead, options: &CutOptions) -> io::Result<Vec<Cut>> {
    let mut cuts = Vec::new();
    for batch in Batches::new(input, options.clone()) {
        let batch = batch?;
        assert_eq!(batch.first_record_no, cuts.len() as u64 + 1);
        for record in &batch.records {
            let text = String::from_utf8_lossy(batch.text_of(record)).into_owned();
            let reason = record.fault.map(|fault| fault.reason);
            cuts.push((text, record.byte_offset, record.byte_length, reason));
        }
    }
    Ok(cuts)
}

/// The texts that a text is cut into.
fn texts(text: &str) -> Vec<String> {
    let cuts = cut(text.as_bytes(), &options(None)).unwrap();
    cuts.into_iter().map(|(text, ..)| text).collect()
}

fn format_of(text: &str) -> Option<Format> {
    let mut batches = Batches::new(text.as_bytes(), CutOptions::default());
    batches.by_ref().for_each(|batch| drop(batch.unwrap()));
    batches.format()
}

#[test]
fn formats_are_told_by_looking() {
    let cases = [
        ("", Format::Ndjson),
        ("{\"a\":1}", Format::Ndjson),
        ("{\"a\":1}\n{\"a\":2}\n", Format::Ndjson),
        ("{\"a\":1} junk\n{\"a\":2}\n", Format::Ndjson),
        ("{\"a\":1} {\"a\":2}\n{\"a\":3}\n", Format::Ndjson),
        ("{\"a\":1, \"b\n{\"a\":2}\n", Format::Ndjson),
        ("junk\n{\"a\":2}\n", Format::Ndjson),
        ("[1, 2]\n{\"a\":2}\n", Format::Ndjson),
        (" \n [{\"a\":1},\n {\"a\":2}]\n", Format::Array),
        ("[]", Format::Array),
        ("[{\"a\":1}]\n\n", Format::Array),
        ("{\n  \"a\": [\n    {\"b\": 1}\n  ]\n}\n", Format::Concatenated),
        ("{\n  'a': [\n    {\"b\": 1}\n  ]\n}\n", Format::Concatenated),
        ("{\"a\":1}{\"a\":2}", Format::Concatenated),
    ];
    for (text, format) in cases {
        assert_eq!(format_of(text), Some(format), "{text}");
    }
}

#[test]
fn other_kinds_of_files_are_no_records() {
    let utf_16: Vec<u8> =
        "{\"text\":\"of two bytes\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [utf_16, (0..=255).cycle().take(5000).collect()] {
        let error = cut(bytes.as_slice(), &options(None)).unwrap_err();
        assert!(error.to_string().contains("not text"), "{error}");
    }
}

#[test]
fn lines_are_cut_whatever_they_hold() {
    let text = "\u{feff}{\"a\":1}\r\n\n \t\n{broken\n{\"a\":2} {\"a\":3}\n42\n{\"a\":4}";
    let cuts = cut(text.as_bytes(), &options(None)).unwrap();
    let expected = [
        ("{\"a\":1}", 3),
        ("{broken", 16),
        ("{\"a\":2} {\"a\":3}", 24),
        ("42", 40),
        ("{\"a\":4}", 43),
    ];
    let expected = expected.map(|(text, at)| (text.to_owned(), at, text.len() as u64, None));
    assert_eq!(cuts, expected);
}

#[test]
fn elements_of_an_array_are_cut_at_its_commas() {
    assert_eq!(texts("[]"), [] as [&str; 0]);
    assert_eq!(texts("[{\"a\":\"],[\"} , 2,\n[3,[]]\t]"), ["{\"a\":\"],[\"}", "2", "[3,[]]"]);
}

#[test]
fn a_damaged_element_is_one_record_and_the_next_is_whole() {
    let cases: [(&str, &[&str]); 6] = [
        ("[{\"a\":1}, {'b':2}, {\"c\":3}]", &["{\"a\":1}", "{'b':2}", "{\"c\":3}"]),
        ("[{\"a\":1} {\"b\":2}, {\"c\":3}]", &["{\"a\":1} {\"b\":2}", "{\"c\":3}"]),
        ("[{\"a\":1},, {\"c\":3}]", &["{\"a\":1}", "", "{\"c\":3}"]),
        // A missing brace: the next line that begins like the first element's goes on.
        ("[\n  {\"a\":1},\n  {\"b\":2,\n  {\"c\":3}\n]", &["{\"a\":1}", "{\"b\":2", "{\"c\":3}"]),
        // A missing quote.
        ("[\n{\"a\":1},\n{\"b\":\"2},\n{\"c\":3}\n]", &["{\"a\":1}", "{\"b\":\"2}", "{\"c\":3}"]),
        // A missing bracket.
        ("[\n {\"a\":[1},\n {\"b\":[2]}\n]", &["{\"a\":[1}", "{\"b\":[2]}"]),
    ];
    for (text, expected) in cases {
        assert_eq!(texts(text), expected, "{text}");
    }
}

#[test]
fn values_that_never_end_are_not_each_read_to_the_end_of_the_text() {
    // Each took time in the square of its length: minutes for these, in a build for tests.
    let good = "{\"c\":3},\n".repeat(1000);
    let unclosed = format!("[\n{{\"a\":1}},\n{}{good}{{}}]", "{\"b\":[2},\n".repeat(10_000));
    assert_eq!(texts(&unclosed).len(), 11_002);
    let nested = format!("[\n{}{good}{{}}]", "{\"a\":[\n".repeat(10_000));
    assert_eq!(texts(&nested).len(), 11_001);
}

#[test]
fn a_damaged_value_that_is_never_closed_costs_one_record_in_a_large_text_too() {
    let record = format!("{{\"a\":\"{}\"}},\n", "x".repeat(90));
    let text = format!("[\n{record}{{\"b\":[{{\"c\":1}},\n{}{{}}]", record.repeat(30_000));
    for max_record_bytes in [16 << 20, 1 << 20] {
        let options = CutOptions { max_record_bytes, ..options(None) };
        let cuts = cut(text.as_bytes(), &options).unwrap();
        assert_eq!(cuts.len(), 30_003);
        assert!(cuts.iter().all(|(text, _, length, _)| text.len() as u64 == *length));
    }
}

#[test]
fn what_cannot_be_told_apart_is_one_record() {
    let reasons = |text: &str| {
        let cuts = cut(text.as_bytes(), &options(None)).unwrap();
        cuts.into_iter().map(|(text, .., reason)| (text, reason)).collect::<Vec<_>>()
    };
    let malformed = Some(Reason::Malformed);
    let first = || ("{\"a\":1}".to_owned(), None);
    let rest = |text: &str| (text.to_owned(), malformed);
    assert_eq!(
        reasons("[{\"a\":1}, {\"b\":2, {\"c\":3}]"),
        [first(), rest("{\"b\":2, {\"c\":3}]")]
    );
    assert_eq!(reasons("[{\"a\":1}] more"), [first(), rest("more")]);
    assert_eq!(reasons("[{\"a\":1}"), [first(), rest("")]);
    assert_eq!(reasons("[{\"a\":1},"), [first(), rest("")]);
    assert_eq!(reasons("[{\"a\":1}, {\"b\""), [first(), rest("{\"b\"")]);
}

#[test]
fn objects_in_a_row_are_cut_where_they_end() {
    assert_eq!(texts("{\n \"a\": {}\n}{\n \"b\": 2\n}\n"), ["{\n \"a\": {}\n}", "{\n \"b\": 2\n}"]);
    let damaged = "{\n  \"a\": 1\n}\n{\n  \"b\": [2\n}\n{\n  \"c\": 3\n}\n";
    assert_eq!(texts(damaged), ["{\n  \"a\": 1\n}", "{\n  \"b\": [2\n}", "{\n  \"c\": 3\n}"]);
}

#[test]
fn a_record_that_is_too_large_is_passed_over() {
    let large = format!("{{\"a\":\"{}\"}}", "x,]}\\\"".repeat(50_000));
    let length = large.len() as u64;
    let cases = [
        (Format::Ndjson, format!("{{\"a\":1}}\n{large}\n{{\"a\":2}}\n"), 8),
        (Format::Array, format!("[{{\"a\":1}},{large},{{\"a\":2}}]"), 9),
        (Format::Concatenated, format!("{{\"a\":1}}{large}{{\"a\":2}}"), 7),
    ];
    for (format, text, at) in cases {
        for batch_bytes in [64, 100_000, 1 << 20] {
            let options = CutOptions { batch_bytes, max_record_bytes: 1000, ..options(format) };
            let cuts = cut(text.as_bytes(), &options).unwrap();
            let [first, (kept, offset, cut_length, reason), last] = &cuts[..] else {
                panic!("{format} {batch_bytes}: {} records", cuts.len());
            };
            assert_eq!((first.0.as_str(), last.0.as_str()), ("{\"a\":1}", "{\"a\":2}"));
            assert_eq!((*offset, *cut_length, *reason), (at, length, Some(Reason::TooLarge)));
            assert!(
                large.starts_with(kept.as_str()) && kept.len() > 60_000,
                "{format} {}",
                kept.len()
            );
        }
    }
}

pub(super) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::bufread::GzEncoder::new(text, flate2::Compression::fast())
        .read_to_end(&mut out)
        .unwrap();
    out
}

pub(super) fn zstd(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 1).unwrap()
}

#[test]
fn compression_is_told_by_the_first_bytes() {
    let text = b"{\"a\":1}\n{\"a\":2}\n";
    // Several members and frames are one text.
    let halves = [&text[..5], &text[5..]];
    let (members, frames) = (halves.map(gzip).concat(), halves.map(zstd).concat());
    for (name, bytes) in [("plain", text.to_vec()), ("gzip", members), ("zstd", frames)] {
        let input = Decompressed::new(Cursor::new(bytes.clone()), TextLimits::default()).unwrap();
        assert_eq!(input.compression().to_string(), name);
        assert_eq!(cut(input, &options(None)).unwrap().len(), 2, "{name}");
        let cut_off = Cursor::new(bytes[..bytes.len() - 1].to_vec());
        let cut_off = Decompressed::new(cut_off, TextLimits::default())
            .and_then(|input| cut(input, &options(None)));
        assert_eq!(cut_off.is_err(), name != "plain", "{name}");
    }
}

#[test]
fn many_members_of_any_size_are_one_text() {
    let line = |number: usize| format!("{{\"a\":\"{number}{}\"}}\n", "x".repeat(number * 37));
    let texts: Vec<String> = (0..200).map(line).collect();
    let whole: u64 = texts.iter().map(|text| text.len() as u64).sum();
    let members: Vec<String> = texts.chunks(7).map(<[String]>::concat).collect();
    let compressed = |by: fn(&[u8]) -> Vec<u8>, between: &[u8]| -> Vec<u8> {
        members.iter().flat_map(|text| [&by(text.as_bytes()), between].concat()).collect()
    };
    // What a frame may hold that is no text, and is skipped.
    let skippable = b"\x50\x2A\x4D\x18\x03\0\0\0abc";
    for bytes in [compressed(gzip, &gzip(b"")), compressed(zstd, skippable)] {
        let input = Decompressed::new(Cursor::new(bytes), TextLimits::default()).unwrap();
        let cuts = cut(input, &options(None)).unwrap();
        assert_eq!(cuts.len(), 200);
        let (_, offset, length, _) = cuts.last().unwrap();
        assert_eq!(offset + length + 1, whole);
    }
}

/// Texts that look like records, with damage.
fn texts_with_damage() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just("{\"a\":1}".to_owned()),
        2 => "\\{\"[a-z]{1,9}\":(\"[^\"]{0,20}\"|\\[1,\\{\\}\\])\\}",
        1 => Just("\n".to_owned()),
        1 => Just("\n  {".to_owned()),
        1 => "[\\[\\]{},:\" \\n\\\\]{1,4}",
        1 => ".{0,9}",
    ];
    let join = prop_oneof![Just("\n"), Just(",\n"), Just(","), Just("")];
    (prop::collection::vec(piece, 0..12), join, any::<bool>(), any::<Option<u8>>()).prop_map(
        |(pieces, join, in_array, noise)| {
            let mut text = pieces.join(join).into_bytes();
            text.extend(noise);
            if in_array { [b"[\n", &text[..], b"\n]"].concat() } else { text }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_text_is_lost(text in texts_with_damage(), format in prop::sample::select(&Format::ALL[..])) {
        let cuts = cut(text.as_slice(), &options(format)).unwrap();
        let mut at = if text.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        let between = |from: usize, to: usize| String::from_utf8_lossy(&text[from..to]).into_owned();
        for (_, offset, length, _) in cuts {
            let offset = offset as usize;
            prop_assert!(offset >= at, "records overlap at {offset}");
            prop_assert!(is_separator(format, &between(at, offset)), "lost {:?}", between(at, offset));
            at = offset + length as usize;
        }
        prop_assert!(is_separator(format, &between(at, text.len())), "lost {:?}", between(at, text.len()));
    }

    #[test]
    fn how_text_arrives_makes_no_difference(
        text in texts_with_damage(),
        format in prop::sample::select(&Format::ALL[..]),
        batch_bytes in 1_usize..40,
        read_bytes in 1_usize..9,
    ) {
        let whole = cut(text.as_slice(), &options(format)).unwrap();
        let in_pieces = CutOptions { batch_bytes, ..options(format) };
        let cuts = cut(BufReader::with_capacity(read_bytes, text.as_slice()), &in_pieces).unwrap();
        prop_assert_eq!(cuts, whole, "{:?}", String::from_utf8_lossy(&text));
    }
}

/// Whether a text holds nothing but what may stand between records.
fn is_separator(format: Format, text: &str) -> bool {
    let more: &[char] = if format == Format::Array { &[',', '[', ']'] } else { &[] };
    text.chars().all(|char| matches!(char, ' ' | '\t' | '\r' | '\n') || more.contains(&char))
}
