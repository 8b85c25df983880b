//! How a limit is written, and when it is exceeded.

use super::*;

#[test]
fn counts_and_shares_are_read_and_printed() {
    for (text, limit) in [
        ("0", MaxRejected::Count(0)),
        ("100", MaxRejected::Count(100)),
        ("0%", MaxRejected::Share(0)),
        ("20%", MaxRejected::Share(20_000)),
        ("0.5%", MaxRejected::Share(500)),
        ("99.999%", MaxRejected::Share(99_999)),
        ("100%", MaxRejected::Share(100_000)),
    ] {
        assert_eq!(text.parse(), Ok(limit), "{text}");
        assert_eq!(limit.to_string(), text);
    }
    for text in
        ["", "%", "-1", "+1", "1.5", "20 %", "101%", "100.1%", "1.%", ".5%", "0.0001%", "1e3", "x"]
    {
        assert!(text.parse::<MaxRejected>().is_err(), "{text}");
    }
}

#[test]
fn a_limit_is_exceeded_by_one_more() {
    for (limit, rejected, records, is_exceeded) in [
        ("0", 0, 5, false),
        ("0", 1, 5, true),
        ("3", 3, 3, false),
        ("3", 4, 100, true),
        ("20%", 1, 5, false),
        ("20%", 2, 5, true),
        ("0.1%", 1, 1000, false),
        ("0.1%", 1, 999, true),
        ("0%", 0, 0, false),
        ("100%", u64::MAX, u64::MAX, false),
    ] {
        let limit: MaxRejected = limit.parse().unwrap();
        assert_eq!(limit.is_exceeded(rejected, records), is_exceeded, "{limit} {rejected}");
    }
}
