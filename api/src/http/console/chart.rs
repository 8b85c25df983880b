//! Charts, as SVG.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use serde::Deserialize;

use super::text::count;

/// Jobs that were accepted in an hour, and have ended.
#[derive(Debug, Deserialize)]
pub(super) struct Hour {
    hour: DateTime<Utc>,
    succeeded: u64,
    failed: u64,
}

const WIDTH: u64 = 720;
const HEIGHT: u64 = 120;
/// Height of the line of hours below the bars.
const LABELS: u64 = 18;

/// A bar for each hour: what failed on top of what succeeded.
pub(super) fn hours(hours: &[Hour], most: u64) -> Markup {
    let highest =
        hours.iter().map(|hour| hour.succeeded + hour.failed).max().unwrap_or_default().max(1);
    let step = WIDTH / (hours.len() as u64).max(1);
    let scaled = |number: u64| if number == 0 { 0 } else { (number * HEIGHT / highest).max(2) };
    let failed: u64 = hours.iter().map(|hour| hour.failed).sum();
    let succeeded: u64 = hours.iter().map(|hour| hour.succeeded).sum();
    let summary = format!(
        "Jobs of the last 24 hours: {} succeeded, {} failed",
        count(succeeded),
        count(failed)
    );
    html! {
        figure.chart {
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT + LABELS) } role="img" aria-label=(summary) {
                @for (at, hour) in hours.iter().enumerate() {
                    @let x = at as u64 * step;
                    @let (good, bad) = (scaled(hour.succeeded), scaled(hour.failed));
                    g {
                        title { (hour.hour.format("%H:00 UTC")) ": " (shown(hour.succeeded, most)) " succeeded, " (shown(hour.failed, most)) " failed" }
                        rect.hit x=(x) y="0" width=(step) height=(HEIGHT) {}
                        rect.good x=(x + 2) y=(HEIGHT - good) width=(step - 4) height=(good) {}
                        rect.bad x=(x + 2) y=(HEIGHT.saturating_sub(good + bad)) width=(step - 4) height=(bad) {}
                    }
                    @if at % 6 == 5 {
                        text x=(x + step) y=(HEIGHT + 14) text-anchor="end" { (hour.hour.format("%H:00")) }
                    }
                }
                line x1="0" x2=(WIDTH) y1=(HEIGHT) y2=(HEIGHT) {}
            }
            figcaption { (summary) " (hours in UTC)" }
        }
    }
}

/// A count that ends at a limit.
fn shown(number: u64, most: u64) -> String {
    if number < most { count(number) } else { format!("at least {}", count(most)) }
}
