//! Which units go through.

use super::Turn;

#[tokio::test]
async fn units_behind_one_that_failed_do_not_go_through() {
    let mut line = Turn::line(4);
    let (first, second) = (line.next().unwrap(), line.next().unwrap());
    let (mut third, fourth) = (line.next().unwrap(), line.next().unwrap());
    assert!(first.skip().await && !third.is_lost());
    drop(second);
    assert!(third.is_lost());
    let (third, fourth) = tokio::join!(third.skip(), fourth.skip());
    assert!(!third && !fourth);
}

#[tokio::test]
async fn a_unit_alone_waits_for_nobody() {
    let mut alone = Turn::alone();
    assert!(!alone.is_lost() && alone.skip().await);
}
