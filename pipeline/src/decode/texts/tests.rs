//! Views into texts: those that Polars makes, and none within a character.

use super::*;

#[test]
fn views_are_those_that_polars_makes() {
    let bytes = Bytes::from("0123456789abcdef".repeat(3));
    let (text, _) = Text::of(&bytes);
    for end in 0..=bytes.len() {
        for start in 0..=end {
            let view = View::new_from_bytes(&bytes[start..end], 1, start as u32);
            assert_eq!(text.view(start..end, 1), Some(view), "{start}..{end}");
        }
    }
}

#[test]
fn no_view_begins_or_ends_within_a_character_or_behind_the_text() {
    let bytes = Bytes::from("a\u{20ac}b, and more than a view holds: \u{20ac}");
    let (text, checked) = Text::of(&bytes);
    for end in 0..bytes.len() + 2 {
        for start in 0..=end {
            let part = checked.unwrap().get(start..end);
            assert_eq!(text.view(start..end, 0).is_some(), part.is_some(), "{start}..{end}");
        }
    }
}
