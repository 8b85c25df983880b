//! Charts, as SVG.

use maud::{Markup, html};

/// What happened in an hour or on a day.
pub(super) struct Bar {
    /// What stands below it, if it is one of those that are labelled.
    pub(super) label: String,
    /// What is told on hover.
    pub(super) title: String,
    pub(super) succeeded: u64,
    pub(super) failed: u64,
}

const WIDTH: u64 = 720;
const HEIGHT: u64 = 120;
/// Height of the line of labels below the bars.
const LABELS: u64 = 18;

/// A bar for each hour or day: what failed on top of what succeeded. Every so many bars have a label, the last one
/// among them.
pub(super) fn bars(bars: &[Bar], labelled: usize, summary: &str) -> Markup {
    let highest = bars.iter().map(|bar| bar.succeeded + bar.failed).max().unwrap_or_default();
    let step = WIDTH / (bars.len() as u64).max(1);
    let scaled = |number: u64| match number {
        0 => 0,
        _ => (number * HEIGHT / highest.max(1)).max(2),
    };
    html! {
        figure.chart {
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT + LABELS) } preserveAspectRatio="xMinYMid" role="img" aria-label=(summary) {
                @for (at, bar) in bars.iter().enumerate() {
                    @let x = at as u64 * step;
                    @let (good, bad) = (scaled(bar.succeeded), scaled(bar.failed));
                    g {
                        title { (bar.title) }
                        rect.hit x=(x) y="0" width=(step) height=(HEIGHT) {}
                        rect.good x=(x + 2) y=(HEIGHT - good) width=(step - 4) height=(good) {}
                        rect.bad x=(x + 2) y=(HEIGHT.saturating_sub(good + bad)) width=(step - 4) height=(bad) {}
                    }
                    @if (bars.len() - 1 - at).is_multiple_of(labelled) {
                        text x=(x + step) y=(HEIGHT + 14) text-anchor="end" { (bar.label) }
                    }
                }
                line x1="0" x2=(WIDTH) y1=(HEIGHT) y2=(HEIGHT) {}
            }
            figcaption { (summary) }
        }
    }
}
