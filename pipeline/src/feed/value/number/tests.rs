//! Digits of numbers, and what is a number.

use super::*;

#[test]
fn digits_are_counted_without_zeros_that_say_nothing() {
    for (text, integer, scale) in [
        ("0", 0, 0),
        ("-0.000", 0, 0),
        ("0e999999999999999999999", 0, 0),
        ("1", 1, 0),
        ("-120", 3, 0),
        ("1.50", 1, 1),
        ("0.05", 0, 2),
        ("100.0", 3, 0),
        ("1.5e3", 4, 0),
        ("1500e-3", 1, 1),
        ("1.5e-3", 0, 4),
        ("12345678901234567890.123", 20, 3),
        ("1e131072", 131_073, 0),
        ("1E+2", 3, 0),
        ("10e-1", 1, 0),
    ] {
        assert_eq!(Digits::of(text), Digits { integer, scale }, "{text}");
    }
    assert!(Digits::of("1e99999999999999999999").integer > 1 << 39);
    assert!(Digits::of("1e-99999999999999999999").scale > 1 << 39);
}

#[test]
fn a_number_is_what_json_says() {
    for text in ["0", "-1", "10", "123"] {
        assert_eq!(is_number(text), Some(true), "{text}");
    }
    for text in ["0.5", "-1e5", "1.25E-7", "1e+5"] {
        assert_eq!(is_number(text), Some(false), "{text}");
    }
    for text in ["", "-", "01", "+1", ".5", "1.", "1e", "1e+", "0x1", " 1", "1 ", "NaN", "١"] {
        assert_eq!(is_number(text), None, "{text}");
    }
}
