//! Stops the process at a named point of a load, so that a test can kill it just there, or do
//! something while it stands there.
//!
//! Builds without debug assertions have no failpoints.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use pipeline::load::Point;

/// Names the point to stop at.
const VARIABLE: &str = "STEVEDORE_FAILPOINT";
/// Names a file; the process goes on when it is gone.
const UNTIL_GONE: &str = "STEVEDORE_FAILPOINT_FILE";

/// Says so on standard error and waits to be killed, if this is the point to stop at.
pub(crate) fn reached(point: Point) {
    if !cfg!(debug_assertions) || !std::env::var(VARIABLE).is_ok_and(|name| name == point.name()) {
        return;
    }
    let file = std::env::var_os(UNTIL_GONE);
    if file.as_ref().is_some_and(|file| !Path::new(file).exists()) {
        return;
    }
    writeln!(std::io::stderr().lock(), "failpoint: {}", point.name()).ok();
    // What else this thread would do goes on elsewhere.
    tokio::task::block_in_place(|| {
        while file.as_ref().is_none_or(|file| Path::new(file).exists()) {
            std::thread::sleep(Duration::from_millis(10));
        }
    });
}
