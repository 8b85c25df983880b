//! The cursor, held against `serde_json`.

use super::*;
use proptest::prelude::*;

fn skip_all(text: &[u8]) -> Result<(), Fault> {
    let mut cursor = Cursor::default();
    cursor.go(text, 0);
    cursor.skip()?;
    cursor.end()
}

/// JSON, and JSON with one byte changed, cut or doubled.
pub(super) fn almost_json() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
        "\"([a-zé\u{10ffff}]|\\\\[\"/bfnrt\\\\]|\\\\u[0-9a-fD][0-9a-fC-D][0-9]{2}){0,12}\"",
        ".{0,6}",
    ];
    let json = leaf.prop_recursive(6, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|v| format!("[{}]", v.join(", "))),
            prop::collection::vec(("\"[a-z]{0,9}\"", inner), 0..5).prop_map(|v| {
                let pairs: Vec<_> = v.into_iter().map(|(k, v)| format!("{k} :{v}")).collect();
                format!("{{{}}}", pairs.join(","))
            }),
        ]
    });
    (json, any::<prop::sample::Index>(), 0..6, any::<u8>()).prop_map(|(json, at, change, byte)| {
        let mut bytes = json.into_bytes();
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            match change {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, bytes[at]),
                _ => {}
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn accepts_what_serde_json_accepts(text in almost_json()) {
        // serde_json reads every string when it builds a value, and has no numbers beyond f64.
        let text = String::from_utf8_lossy(&text);
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        let ours = skip_all(text.as_bytes());
        let too_big = theirs.as_ref().is_err_and(|e| e.to_string().contains("out of range"));
        prop_assert!(too_big || theirs.is_ok() == ours.is_ok(), "{theirs:?} {ours:?}");
    }

    #[test]
    fn means_what_serde_json_means(text in any::<String>()) {
        let quoted = serde_json::to_string(&text).unwrap();
        let ascii: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
        for escaped in [&quoted[1..quoted.len() - 1], &ascii] {
            let mut out = String::new();
            unescape(escaped, &mut out);
            prop_assert_eq!(&out, &text);
        }
    }

    #[test]
    fn the_expected_key_is_found_only_where_reading_the_key_finds_it(
        text in "[, ]{0,3}\"?(ab|abc|a|\\\\u0061b)\"?[ :]{0,2}[1 ]{0,20}",
        first in any::<bool>(),
    ) {
        let (mut expecting, mut reading) = (Cursor::default(), Cursor::default());
        expecting.go(text.as_bytes(), 0);
        reading.go(text.as_bytes(), 0);
        if expecting.key_is(first, &UsualKey::new("ab")) {
            let key = reading.key(first).ok().flatten();
            prop_assert_eq!(key.map(|key| &text[key.span.range()]), Some("ab"));
            prop_assert_eq!(expecting.at(), reading.at());
        } else {
            prop_assert_eq!(expecting.at(), 0);
        }
    }

    #[test]
    fn plain_stops_where_a_byte_by_byte_search_stops(text in prop::collection::vec(any::<u8>(), 0..40)) {
        let slow = text.iter().position(|b| *b < 0x20 || *b == b'"' || *b == b'\\');
        prop_assert_eq!(plain(&text), slow.unwrap_or(text.len()));
    }
}

#[test]
fn a_usual_key_is_found_up_to_its_greatest_length() {
    for (name, is_found) in [("a", true), ("abcdefghijklm", true), ("abcdefghijklmn", false)] {
        let text = format!("{{\"{name}\": \"some value\"}}");
        let mut cursor = Cursor::default();
        cursor.go(text.as_bytes(), 1);
        assert_eq!(cursor.key_is(true, &UsualKey::new(name)), is_found, "{name}");
        assert_eq!(cursor.at(), if is_found { 1 + name.len() + 3 } else { 1 });
    }
}

#[test]
fn text_that_ends_is_told_apart_from_text_that_is_wrong() {
    let whole = br#"{"a": [1.5e+3, "\ud83d\ude00x", {"b": null}], "c": true}"#;
    assert_eq!(skip_all(whole), Ok(()));
    for end in 0..whole.len() {
        assert_eq!(skip_all(&whole[..end]), Err(Fault::Ends), "{end}");
    }
}

#[test]
fn a_lone_surrogate_is_wrong_also_in_a_skipped_value() {
    for text in [r#"["\ud800"]"#, r#"["\udc00"]"#, r#"{"\ud800x":1}"#, r#"["\ud800\ud800"]"#] {
        assert!(matches!(skip_all(text.as_bytes()), Err(Fault::Unexpected { .. })), "{text}");
    }
}

#[test]
fn a_million_levels_are_skipped_without_recursion() {
    let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
    assert_eq!(skip_all(deep.as_bytes()), Ok(()));
}
