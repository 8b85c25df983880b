//! Passing over text in pieces, held against the cursor, which reads it as a whole.

use proptest::prelude::*;

use super::super::tests::almost_json;
use super::*;

/// Passes over a text that comes in pieces of so many bytes: where its value ends.
fn pass(text: &[u8], piece_bytes: usize) -> Result<usize, Fault> {
    let mut stream = Stream::default();
    let (mut at, mut end) = (0, 0);
    loop {
        end = (end + piece_bytes).min(text.len());
        match stream.advance(&text[..end], at, end == text.len(), 0)? {
            (Event::End, to) => return Ok(to),
            (_, to) => at = to,
        }
    }
}

/// The same for one who reads it as a whole.
fn skip(text: &[u8]) -> Result<usize, Fault> {
    let mut cursor = Cursor::default();
    cursor.go(text, 0);
    cursor.skip()?;
    Ok(cursor.at())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn text_in_pieces_is_json_where_the_whole_is(text in almost_json(), piece_bytes in 1_usize..9) {
        let expected = match skip(&text) {
            Ok(end) if std::str::from_utf8(&text[..end]).is_ok() => Some(end),
            _ => None,
        };
        let passed = pass(&text, piece_bytes);
        prop_assert_eq!(passed.ok(), expected, "{:?}: {:?}", String::from_utf8_lossy(&text), passed);
    }
}

#[test]
fn a_long_string_and_a_deep_value_are_not_held() {
    let mut stream = Stream::default();
    let piece = [&b"\\u00e9"[..], "\u{20ac}".as_bytes(), b"x"].concat().repeat(1000);
    assert_eq!(stream.advance(b"[\"", 0, false, 0), Ok((Event::Value(b'['), 0)));
    assert_eq!(stream.advance(b"[\"", 0, false, 0), Ok((Event::More, 2)));
    for _ in 0..100 {
        assert_eq!(stream.advance(&piece, 0, false, 0), Ok((Event::More, piece.len())));
    }
    assert_eq!(stream.advance(b"\"]", 0, false, 0), Ok((Event::End, 2)));

    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    assert_eq!(pass(&deep, 1000), Ok(deep.len()));
    assert!(pass(&vec![b'['; MAX_DEPTH + 1], 1 << 16).is_err());
}

#[test]
fn a_number_is_held_as_a_whole_and_must_be_short() {
    let number = "7".repeat(MAX_NUMBER_BYTES);
    assert_eq!(pass(number.as_bytes(), 1000), Ok(number.len()));
    assert!(pass((number + "7").as_bytes(), 1000).is_err());
}

#[test]
fn only_keys_and_values_near_the_outside_are_told() {
    let text = br#"{"a":{"b":1,"c":[2]},"d":3}"#;
    let mut stream = Stream::default();
    let (mut at, mut told) = (0, Vec::new());
    loop {
        let (event, to) = stream.advance(text, at, true, 1).unwrap();
        at = to;
        match event {
            Event::Key => told.push(String::from_utf8(stream.key().to_vec()).unwrap()),
            Event::Value(byte) => told.push(char::from(byte).to_string()),
            Event::End => break,
            Event::More => panic!("the text has ended"),
        }
    }
    assert_eq!(told, ["{", "a", "{", "d", "3"]);
}
