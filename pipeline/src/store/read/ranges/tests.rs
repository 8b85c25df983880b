//! How an object is cut into ranges.

use super::*;

const KB: u64 = 1 << 10;

fn all(mut ranges: Ranges) -> Vec<Range<u64>> {
    let mut all = Vec::new();
    while let Some(range) = ranges.peek() {
        all.push(range);
        ranges.advance();
    }
    all
}

#[test]
fn a_whole_object_is_read_in_ranges_of_which_the_last_may_be_somewhat_longer() {
    let ranges = |size| all(Ranges::of(0..size, size, 512 * KB));
    assert_eq!(ranges(0), []);
    assert_eq!(ranges(100), std::slice::from_ref(&(0..100)));
    assert_eq!(ranges(1100 * KB), [0..512 * KB, 512 * KB..1024 * KB, 1024 * KB..1100 * KB]);
    assert_eq!(ranges(1030 * KB), [0..512 * KB, 512 * KB..1030 * KB]);
}

#[test]
fn behind_a_part_comes_the_rest_of_a_line_and_then_more_and_more() {
    let size = 4096 * KB;
    let ranges = all(Ranges::of(1000 * KB..1500 * KB, size, 512 * KB));
    let expected =
        [1000 * KB..1564 * KB, 1564 * KB..1628 * KB, 1628 * KB..1756 * KB, 1756 * KB..2012 * KB];
    assert_eq!(ranges[..4], expected);
    assert_eq!(ranges.last().map(|range| range.end), Some(size));
}

#[test]
fn what_is_there_already_is_left_out() {
    let mut ranges = Ranges::of(0..100, 100, 10);
    ranges.skip_to(95);
    assert_eq!(ranges.peek(), Some(95..100));
    ranges.skip_to(200);
    assert!(ranges.is_done() && ranges.peek().is_none());
}
