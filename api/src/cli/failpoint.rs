//! Stops the process at a named point of a load, so that a test can kill it just there.
//!
//! Builds without debug assertions have no failpoints.

use pipeline::load::Point;

use super::print::Printer;

/// Names the point to stop at.
const VARIABLE: &str = "STEVEDORE_FAILPOINT";

/// Says so on standard error and waits to be killed, if this is the point to stop at.
pub(super) fn reached(point: Point) {
    if cfg!(debug_assertions) && std::env::var(VARIABLE).is_ok_and(|name| name == point.name()) {
        Printer::default().note(&format!("failpoint: {}", point.name()));
        loop {
            std::thread::park();
        }
    }
}
