//! When too many records in a row are rejected.

use polars::prelude::df;

use super::*;

fn batch(reasons: &[Option<&str>]) -> DataFrame {
    df!(Decoded::Reason.column() => reasons).unwrap()
}

const BAD: Option<&str> = Some("malformed");

#[test]
fn a_record_that_can_be_loaded_begins_the_count_anew() {
    let mut run = RejectRun::new(4);
    for reasons in [[BAD, BAD, BAD], [None, BAD, BAD], [BAD, None, BAD]] {
        assert_eq!(run.add(&batch(&reasons)).unwrap(), None);
    }
    assert_eq!(run.add(&batch(&[BAD, BAD, BAD])).unwrap(), Some(4));
}

#[test]
fn too_many_are_seen_within_a_batch() {
    let reasons = [None, BAD, BAD, None];
    assert_eq!(RejectRun::new(2).add(&batch(&reasons)).unwrap(), Some(2));
    assert_eq!(RejectRun::new(3).add(&batch(&reasons)).unwrap(), None);
}

#[test]
fn a_limit_of_zero_is_off() {
    assert_eq!(RejectRun::new(0).add(&batch(&[BAD; 100])).unwrap(), None);
}
