//! Stops the process at a named point of a load, so that a test can kill it just there, or do
//! something while it stands there. Or panics at such a point, or dies of an object.
//!
//! Builds without debug assertions have no failpoints.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use pipeline::load::Failpoint;

/// Names the point to stop at.
const VARIABLE: &str = "STEVEDORE_FAILPOINT";
/// Names a file; the process goes on when it is gone.
const UNTIL_GONE: &str = "STEVEDORE_FAILPOINT_FILE";
/// Names a point to panic at.
const PANIC: &str = "STEVEDORE_FAILPOINT_PANIC";

/// Part of the keys of objects that kill the process when a worker begins to load them.
const POISON: &str = "STEVEDORE_FAILPOINT_POISON";

/// Says so on standard error and waits to be killed, if this is the point to stop at; panics if it is the
/// one to panic at.
pub(crate) fn hit(point: Failpoint) {
    if !cfg!(debug_assertions) {
        return;
    }
    let is_in = |variable| std::env::var(variable).is_ok_and(|name| name == point.name());
    if is_in(PANIC) {
        panic_at(point);
    }
    if !is_in(VARIABLE) {
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

/// Ends the process, if an object with this key is to.
pub(crate) fn poison(key: &str) {
    if cfg!(debug_assertions) && std::env::var(POISON).is_ok_and(|poison| key.contains(&poison)) {
        std::process::abort();
    }
}

#[expect(clippy::panic, reason = "a test asks for it, of builds with debug assertions")]
fn panic_at(point: Failpoint) {
    panic!("failpoint: {}", point.name());
}
