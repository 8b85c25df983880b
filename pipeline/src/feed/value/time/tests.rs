//! Days and instants, and texts that are none.

use super::*;

#[test]
fn days_are_those_of_the_calendar() {
    for (text, expected) in [
        ("1970-01-01", Some(0)),
        ("2024-02-29", Some(19_782)),
        ("0001-01-01", Some(-719_162)),
        ("9999-12-31", Some(2_932_896)),
        ("2023-02-29", None),
        ("0000-01-01", None),
        ("2024-13-01", None),
        ("2024-1-01", None),
        ("2024/01/01", None),
        ("2024-01-01 ", None),
        ("２024-01-0", None),
    ] {
        assert_eq!(days(text), expected, "{text}");
    }
}

#[test]
fn instants_are_those_of_rfc_3339() {
    let noon = 1_709_208_000_000_000;
    for (text, expected) in [
        ("2024-02-29T12:00:00Z", Some(noon)),
        ("2024-02-29t12:00:00z", Some(noon)),
        ("2024-02-29 12:00:00+00:00", Some(noon)),
        ("2024-02-29T14:30:00+02:30", Some(noon)),
        ("2024-02-29T11:59:60Z", Some(noon)),
        ("2024-02-29T12:00:00.000001Z", Some(noon + 1)),
        ("2024-02-29T12:00:00.1Z", Some(noon + 100_000)),
        ("2024-02-29T12:00:00.1234565Z", Some(noon + 123_457)),
        ("2024-02-29T12:00:00", None),
        ("2024-02-29T12:00:00.Z", None),
        ("2024-02-29T24:00:00Z", None),
        ("2024-02-29T12:00Z", None),
        ("2024-02-29T12:00:00+0200", None),
        ("2024-02-29", None),
        ("2024-02-29T12:00:00 Z", None),
        ("", None),
    ] {
        assert_eq!(micros(text, Zone::Written), expected, "{text}");
    }
    assert_eq!(micros("2024-02-29T12:00:00", Zone::None), Some(noon));
    assert_eq!(micros("2024-02-29T12:00:00Z", Zone::None), None);
    assert_eq!(micros("2024-02-29T12:00:00", Zone::WrittenOrUtc), Some(noon));
    assert_eq!(micros("2024-02-29T13:00:00+01:00", Zone::WrittenOrUtc), Some(noon));
}

#[test]
fn counted_instants_are_within_what_a_timestamp_holds() {
    assert_eq!(micros_of_unit(-1, Unit::Seconds), Some(-1_000_000));
    assert_eq!(micros_of_unit(1, Unit::Millis), Some(1000));
    assert_eq!(micros_of_unit(i64::MAX, Unit::Seconds), None);
    assert_eq!(micros_of_unit(i64::MIN, Unit::Micros), None);
    assert_eq!(micros_of_unit(i64::MAX, Unit::Micros), Some(i64::MAX));
}
