//! How many connections load an object.

use super::*;

#[test]
fn huge_objects_are_loaded_in_parts_by_themselves_and_large_ones_when_asked_to() {
    let of = |wanted, bytes, mode: Mode| {
        let wanted = NonZeroUsize::new(wanted);
        Connections { wanted, ..Connections::default() }.sequential_reason(bytes, mode.into())
    };
    let is_alone = available_parallelism().map_or(1, NonZeroUsize::get) == 1;
    assert_eq!(of(0, AUTOMATIC_BYTES, Mode::Append).is_some(), is_alone);
    assert!(of(0, AUTOMATIC_BYTES - 1, Mode::Append).is_some());
    assert_eq!(of(2, PART_BYTES + 1, Mode::Append), None);
    assert!(of(2, PART_BYTES, Mode::Append).is_some());
    assert!(of(1, u64::MAX, Mode::Append).is_some());
    assert!(of(2, u64::MAX, Mode::Merge).is_some());
    assert!(of(2, u64::MAX, Mode::Replace).is_some());
}
