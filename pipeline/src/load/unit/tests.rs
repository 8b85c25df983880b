//! Instants by which the rows of loads are known.

use super::*;

#[test]
fn loads_that_begin_together_have_instants_of_their_own() {
    let began_at = UNIX_EPOCH + Duration::from_micros(1_700_000_000_000_123);
    let mut instants: Vec<_> = (7..1007).map(|load_id| instant(began_at, load_id)).collect();
    let latest = instants.iter().max().copied().unwrap();
    let earliest = instants.iter().min().copied().unwrap();
    assert!(latest <= began_at && began_at < earliest + Duration::from_millis(17));
    // Another process begins a moment later, and has other numbers.
    let later = began_at + Duration::from_micros(500);
    instants.extend((1007..2007).map(|load_id| instant(later, load_id)));
    instants.sort();
    instants.dedup();
    assert_eq!(instants.len(), 2000);
}
