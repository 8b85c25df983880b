//! Parts meet, and are open at both ends.

use super::*;

#[test]
fn parts_meet_and_are_open_at_both_ends() {
    assert_eq!(split(300, 1), [""]);
    let expected = [
        " where ctid < '(100,0)'::tid",
        " where ctid >= '(100,0)'::tid and ctid < '(201,0)'::tid",
        " where ctid >= '(201,0)'::tid",
    ];
    assert_eq!(split(302, 3), expected);
}
