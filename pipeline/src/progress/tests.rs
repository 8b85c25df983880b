//! Either a commit or a stop goes through.

use super::*;

#[test]
fn no_commit_begins_after_a_stop() {
    let stopped = Progress::default();
    assert!(stopped.stop() && stopped.stop() && !stopped.begin_commit());
    stopped.begin();
    assert!(stopped.is_stopped() && !stopped.begin_commit());
}

#[test]
fn a_stop_says_whether_a_commit_was_under_way() {
    let committing = Progress::default();
    assert!(committing.begin_commit() && committing.begin_commit());
    committing.end_commit();
    assert!(!committing.stop() && committing.is_stopped() && !committing.begin_commit());
    committing.end_commit();
    assert!(committing.stop());
}

#[test]
fn the_last_commit_of_a_load_does_not_count_for_the_next_load() {
    let watched = Progress::default();
    assert!(watched.begin_commit());
    watched.begin();
    assert!(watched.stop());
}
