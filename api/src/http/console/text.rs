//! How numbers, sizes and times are written.

use chrono::{DateTime, SecondsFormat, Utc};
use maud::{Markup, html};

/// A number with separators of thousands.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A size in the largest unit of which there is at least one.
pub(super) fn bytes(bytes: u64) -> String {
    let units = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000)];
    match units.into_iter().find(|(_, size)| bytes >= *size) {
        Some((unit, size)) => format!("{:.1} {unit}", bytes as f64 / size as f64),
        None => format!("{bytes} B"),
    }
}

/// A length of time, in the two largest units at most.
pub(super) fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        3600..86_400 => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
        _ => format!("{} days", whole / 86_400),
    }
}

/// How long ago it was, with the full time on hover.
pub(super) fn ago(at: DateTime<Utc>) -> Markup {
    let seconds = (Utc::now() - at).num_seconds();
    let text = match seconds.unsigned_abs() {
        0..5 => "now".to_owned(),
        5..60 => format!("{} s", seconds.abs()),
        60..3600 => format!("{} min", seconds.abs() / 60),
        3600..86_400 => format!("{} h", seconds.abs() / 3600),
        _ => format!("{} days", seconds.abs() / 86_400),
    };
    let text = match seconds {
        _ if text == "now" => text,
        0.. => format!("{text} ago"),
        _ => format!("in {text}"),
    };
    let full = at.to_rfc3339_opts(SecondsFormat::Secs, true);
    html! { time datetime=(full) title=(full) { (text) } }
}

#[cfg(test)]
mod tests {
    use super::{bytes, count, duration};

    #[test]
    fn numbers_have_separators_and_sizes_units() {
        let counts = [(0, "0"), (999, "999"), (1000, "1,000"), (12_345_678, "12,345,678")];
        assert!(counts.into_iter().all(|(number, text)| count(number) == text));
        let sizes = [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (43_000_000, "43.0 MB")];
        assert!(sizes.into_iter().all(|(size, text)| bytes(size) == text));
        let times = [(0.25, "0.2 s"), (59.9, "59 s"), (61.0, "1 min 1 s"), (7260.0, "2 h 1 min")];
        assert!(times.into_iter().all(|(seconds, text)| duration(seconds) == text));
    }
}
