use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Folder, TrustError, group, quoted, read_text};

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap();
    (folder, path)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// The reason and the remedy.
fn exposed<T: std::fmt::Debug>(result: Result<T, TrustError>) -> (String, String) {
    match result {
        Err(TrustError::Exposed { reason, remedy }) => (reason, remedy),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_folder_that_others_can_write_to_is_refused_with_one_command_for_all() {
    let (_folder, path) = folder();
    let (middle, own) = (path.join("mid dle"), path.join("mid dle/own"));
    fs::create_dir_all(&own).unwrap();
    for path in [&middle, &own] {
        set_mode(path, 0o777);
    }
    let (reason, remedy) = exposed(Folder::open(&own));
    let (middle, own) = (middle.display(), own.display());
    assert_eq!(reason, format!("everybody can write to {middle}, everybody can write to {own}"));
    assert_eq!(remedy, format!("chmod go-w '{middle}' '{own}'"));
}

#[test]
fn the_command_of_the_error_mends_it() {
    let (_folder, path) = folder();
    let own = path.join("o'wn");
    fs::create_dir(&own).unwrap();
    set_mode(&own, 0o777);
    let (_, remedy) = exposed(Folder::open(&own));
    assert!(std::process::Command::new("sh").args(["-c", &remedy]).status().unwrap().success());
    assert_eq!(Folder::open(&own).unwrap().path(), own);
}

#[test]
fn in_a_sticky_folder_what_is_ours_is_ours() {
    let (_folder, path) = folder();
    set_mode(&path, 0o1777);
    let opened = Folder::open(&path.join("made/below")).unwrap();
    assert_eq!(fs::metadata(opened.path()).unwrap().mode() & 0o022, 0);
    // The sticky folder itself is nobody's own.
    exposed(Folder::open(&path));
}

#[test]
fn nothing_is_created_where_others_can_write() {
    let (_folder, path) = folder();
    set_mode(&path, 0o777);
    let (reason, _) = exposed(Folder::open(&path.join("made")));
    assert!(reason.contains("everybody can write to"), "{reason}");
    assert!(!path.join("made").exists());
}

#[test]
fn a_group_may_write_if_it_is_the_owners_own() {
    let nobody_knows = 1_234_567;
    assert!(group::is_private(nobody_knows, nobody_knows));
    assert!(!group::is_private(nobody_knows, nobody_knows + 1));
    assert!(!group::is_private(nobody_knows, 0), "root is known");
    if cfg!(target_os = "linux") {
        assert!(group::is_private(0, 0), "root is alone in its group");
    }
    assert_eq!(group::name(nobody_knows), "1234567");
    assert_eq!(group::user_name(0), "root");
}

#[test]
fn our_own_links_are_followed_and_the_way_they_lead_is_looked_at() {
    let (_folder, path) = folder();
    fs::create_dir_all(path.join("there/own")).unwrap();
    symlink("../there/own", path.join("there/link")).unwrap();
    symlink("loop", path.join("loop")).unwrap();
    let opened = Folder::open(&path.join("there/link")).unwrap();
    assert_eq!(opened.path(), path.join("there/own"));
    assert!(matches!(Folder::open(&path.join("loop")), Err(TrustError::Io(_))));
    fs::write(path.join("file"), "").unwrap();
    assert!(matches!(Folder::open(&path.join("file")), Err(TrustError::Io(_))));
    set_mode(&path.join("there"), 0o777);
    exposed(Folder::open(&path.join("there/link")));
}

#[test]
fn what_is_in_a_folder_is_not_followed_out_of_it() {
    let (_folder, path) = folder();
    let outside = path.join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    let own = Folder::open(&path.join("own")).unwrap();
    let link = |target: &str, name: &str| symlink(target, own.path().join(name)).unwrap();
    link("../outside", "folder");
    link("../outside/secret", "file");
    link("../outside/made", "dangling");
    fs::hard_link(outside.join("secret"), own.path().join("second")).unwrap();
    let mode = fs::metadata(&outside).unwrap().mode();
    assert!(own.private("folder", None).is_err());
    assert_eq!(fs::metadata(&outside).unwrap().mode(), mode);
    for name in ["file", "second", "dangling"] {
        assert_eq!(own.text(name), "");
        assert!(own.own_file(name).is_err());
        // It is replaced, and what it led to is left alone.
        own.create_file(name).unwrap();
        assert!(own.own_file(name).is_ok());
    }
    assert_eq!(fs::read_to_string(outside.join("secret")).unwrap(), "secret");
    assert!(!outside.join("made").exists());
}

#[test]
fn a_lock_that_others_could_open_is_closed_to_them() {
    let (_folder, path) = folder();
    let own = Folder::open(&path.join("own")).unwrap();
    fs::write(own.path().join("lock"), "").unwrap();
    set_mode(&own.path().join("lock"), 0o666);
    own.own_file("lock").unwrap();
    assert_eq!(fs::metadata(own.path().join("lock")).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn settings_are_read_if_nobody_else_can_write_them() {
    let (_folder, path) = folder();
    let file = path.join("stevedore.toml");
    assert!(
        matches!(read_text(&file), Err(TrustError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound)
    );
    fs::write(&file, "a = 1").unwrap();
    assert_eq!(read_text(&file).unwrap(), "a = 1");
    set_mode(&file, 0o666);
    let (reason, remedy) = exposed(read_text(&file));
    assert_eq!(reason, format!("everybody can write to {}", file.display()));
    assert_eq!(remedy, format!("chmod go-w {}", quoted(&file)));
    set_mode(&file, 0o644);
    set_mode(&path, 0o777);
    exposed(read_text(&file));
    set_mode(&path, 0o1777);
    assert!(read_text(&file).is_ok());
    fs::rename(&file, path.join("real.toml")).unwrap();
    symlink("real.toml", &file).unwrap();
    assert!(read_text(&file).is_ok());
}

/// The rest needs another user, which only root can become.
#[test]
fn what_belongs_to_others_is_not_used() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let (_folder, path) = folder();
    set_mode(&path, 0o1777);
    let own = path.join("own");
    fs::create_dir(&own).unwrap();
    chown(&own, Some(65_534), None).unwrap();
    let (reason, remedy) = exposed(Folder::open(&own));
    assert_eq!(reason, format!("{} belongs to the user nobody", own.display()));
    assert_eq!(remedy, format!("chown -R 0 {}", own.display()));
    // Below a folder of another user it is ours; what another user has put there is not.
    let below = Folder::open(&own.join("ours")).unwrap();
    fs::write(below.path().join("lock"), "").unwrap();
    chown(below.path().join("lock"), Some(65_534), None).unwrap();
    assert!(below.own_file("lock").is_err());
    fs::create_dir(below.path().join("postgres")).unwrap();
    chown(below.path().join("postgres"), Some(65_534), None).unwrap();
    assert!(below.private("postgres", Some((12_345, 12_345))).is_err());
    assert!(below.private("postgres", Some((65_534, 65_534))).is_ok());
    let link = path.join("link");
    symlink(below.path(), &link).unwrap();
    std::os::unix::fs::lchown(&link, Some(65_534), None).unwrap();
    let (reason, _) = exposed(Folder::open(&link));
    assert_eq!(reason, format!("{} is a link of the user nobody", link.display()));
    let file = path.join("stevedore.toml");
    fs::write(&file, "").unwrap();
    chown(&file, Some(65_534), None).unwrap();
    let (reason, _) = exposed(read_text(&file));
    assert_eq!(reason, format!("{} belongs to the user nobody", file.display()));
}
