//! Where an installed server is found.

use super::*;

#[test]
fn a_pattern_stands_for_the_folders_that_are_there() {
    let root = tempfile::tempdir().expect("a temporary folder");
    for name in ["pgsql-14", "pgsql-15", "other"] {
        fs::create_dir(root.path().join(name)).expect("a folder");
    }
    let pattern = format!("{}/pgsql-*/bin", root.path().display());
    let mut found = matching_folders(&pattern);
    found.sort();
    assert_eq!(found, [root.path().join("pgsql-14/bin"), root.path().join("pgsql-15/bin")]);
}

#[test]
fn the_installed_server_is_found_without_a_path() {
    let found = Binaries::find(None, None).expect("PostgreSQL is installed where tests run");
    assert!(found.program("postgres").exists());
    assert_eq!(Binaries::find(None, Some(found.major)), Some(found));
    assert_eq!(Binaries::find(None, Some(7)), None);
}
