//! Sketches: their error, and that order makes no difference.

use super::*;

fn sketch(numbers: std::ops::Range<i128>) -> Sketch {
    let mut sketch = Sketch::default();
    numbers.for_each(|number| sketch.insert(hash_integer(number)));
    sketch
}

#[test]
fn few_are_counted_and_many_estimated() {
    assert_eq!(sketch(0..128).estimate(), 128);
    for many in [129, 500, 2_500, 3_000, 10_000, 100_000] {
        let estimate = sketch(0..many).estimate() as f64;
        assert!((estimate / many as f64 - 1.0).abs() < 0.1, "{many} {estimate}");
    }
}

#[test]
fn a_merged_sketch_is_the_sketch_of_all() {
    for (one, other, all) in [
        (0..50, 25..60, 0..60),
        (0..100, 50..200, 0..200),
        (0..300, 250..270, 0..300),
        (0..10, 5..1000, 0..1000),
        (0..900, 300..1000, 0..1000),
    ] {
        let mut merged = sketch(one);
        merged.merge(sketch(other));
        assert_eq!(merged, sketch(all.clone()), "{all:?}");
    }
}

#[test]
fn a_sketch_is_read_as_it_was_written() {
    for count in [0, 3, 128, 129, 50_000] {
        let text = serde_json::to_string(&sketch(0..count)).unwrap();
        assert_eq!(serde_json::from_str::<Sketch>(&text).unwrap(), sketch(0..count));
    }
    let high = Registers((0..REGISTERS).map(|at| (at % 56) as u8).collect());
    assert_eq!(Registers::try_from(String::from(high.clone())), Ok(high));
    assert!(serde_json::from_str::<Sketch>(r#"{"many":"00"}"#).is_err());
}

#[test]
fn equal_numbers_are_one_value() {
    assert_eq!(hash_number(1.0), hash_integer(1));
    assert_eq!(hash_number(-0.0), hash_integer(0));
    assert_ne!(hash_number(1.5), hash_integer(1));
}
