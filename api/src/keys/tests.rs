//! Which keys a setting may hold.

use super::KeySetting;

#[test]
fn the_hashes_of_well_known_keys_are_refused() {
    for hash in [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
        "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
    ] {
        let refused = format!("ci:read:{hash}").parse::<KeySetting>().unwrap_err();
        assert!(refused.contains("make one with `stevedore key`"), "{refused}");
    }
}

#[test]
fn keys_that_are_no_keys_are_refused() {
    for text in ["", "ci", "ci:read", "ci:write:00", " ci:read:00", "ci:read:00", "ci:read:zz"] {
        assert!(text.parse::<KeySetting>().is_err(), "{text}");
    }
}
