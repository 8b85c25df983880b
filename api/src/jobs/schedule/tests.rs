//! When a schedule is due, and what is none.

use super::Schedule;

#[test]
fn a_schedule_is_due_as_cron_has_it() {
    for (schedule, after, expected) in [
        ("0 3 * * *", "2026-11-22T02:59:30Z", "2026-11-22T03:00:00Z"),
        ("0 3 * * *", "2026-11-22T03:00:00Z", "2026-11-23T03:00:00Z"),
        ("*/15 * * * *", "2026-11-22T23:46:00Z", "2026-11-23T00:00:00Z"),
        ("0 12 * * MON-FRI", "2026-11-21T00:00:00Z", "2026-11-23T12:00:00Z"),
        ("0 0 * * 0", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"),
        ("0 0 29 2 *", "2026-11-21T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("30 6 1,15 * *", "2026-12-15T06:30:00Z", "2027-01-01T06:30:00Z"),
    ] {
        let next = schedule.parse::<Schedule>().unwrap().next_after(after.parse().unwrap());
        assert_eq!(next, Some(expected.parse().unwrap()), "{schedule} after {after}");
    }
}

#[test]
fn what_is_no_schedule_or_never_due_is_refused() {
    for text in
        ["", "* * * *", "0 0 3 * * *", "60 * * * *", "* 24 * * *", "a b c d e", "0 0 30 2 *"]
    {
        assert!(text.parse::<Schedule>().is_err(), "{text}");
    }
    assert!("* ".repeat(200).parse::<Schedule>().is_err());
}
