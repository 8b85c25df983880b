use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::support::{sample, stderr, stdout, stevedore};

/// A user whom the system does not know.
const NEIGHBOUR: u32 = 12_345;
/// The user `nobody`, whom it knows: `initdb` needs that.
const NOBODY: u32 = 65_534;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A folder of a mode, for what is run in it.
fn folder(mode: u32) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    set_mode(folder.path(), mode);
    folder
}

fn load_in(folder: &Path) -> Command {
    let mut command = stevedore(&["load", &sample("user_status_sample.json")]);
    command.current_dir(folder);
    command
}

fn run(mut command: Command) -> Output {
    command.output().unwrap()
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// What is refused says why, and the command that it names mends it.
#[test]
fn a_folder_that_everybody_can_write_to_is_refused_and_the_command_mends_it() {
    let folder = folder(0o777);
    let refused = run(load_in(folder.path()));
    assert_eq!(refused.status.code(), Some(1));
    let path = folder.path().canonicalize().unwrap();
    let said = stderr(&refused);
    assert!(said.contains(&format!("everybody can write to {}", path.display())), "{said}");
    let command = format!("chmod go-w {}", path.display());
    assert!(said.contains(&format!("hint: take the right from them: {command};")), "{said}");
    assert!(!path.join(".stevedore").exists());
    assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
    let loaded = run(load_in(folder.path()));
    assert!(loaded.status.success(), "{}", stderr(&loaded));
    let made = fs::metadata(path.join(".stevedore")).unwrap();
    assert_eq!(made.mode() & 0o022, 0);
    let lock = fs::metadata(path.join(".stevedore/lock")).unwrap();
    assert_eq!(lock.mode() & 0o077, 0, "nobody else can hold the lock");
}

#[test]
fn a_private_group_may_write_and_a_sticky_folder_will_do() {
    for mode in [0o775, 0o1777] {
        let folder = folder(mode);
        if mode == 0o775 && is_root() {
            // As of a user of a machine that this container does not know.
            chown(folder.path(), Some(NEIGHBOUR), Some(NEIGHBOUR)).unwrap();
        }
        let loaded = run(load_in(folder.path()));
        assert!(loaded.status.success(), "{mode:o}: {}", stderr(&loaded));
    }
}

#[test]
fn links_that_were_planted_are_not_followed() {
    for (name, what) in [("postgres", "folder"), ("lock", "lock"), ("", "is a link")] {
        let (folder, victim) = (folder(0o755), folder(0o755));
        let own = folder.path().join(".stevedore");
        let file = victim.path().join("file");
        fs::write(&file, "precious").unwrap();
        let before = fs::metadata(victim.path()).unwrap();
        if name.is_empty() {
            // In place of the folder itself, by somebody else.
            symlink(victim.path(), &own).unwrap();
            if !is_root() {
                continue;
            }
            std::os::unix::fs::lchown(&own, Some(NEIGHBOUR), None).unwrap();
        } else {
            fs::create_dir(&own).unwrap();
            let target = if name == "lock" { &file } else { victim.path() };
            symlink(target, own.join(name)).unwrap();
        }
        let refused = run(load_in(folder.path()));
        assert_eq!(refused.status.code(), Some(1), "{name}: {}", stdout(&refused));
        assert!(stderr(&refused).contains(what), "{}", stderr(&refused));
        let after = fs::metadata(victim.path()).unwrap();
        assert_eq!((after.uid(), after.mode()), (before.uid(), before.mode()), "{name}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
        assert_eq!(fs::read_dir(victim.path()).unwrap().count(), 1);
    }
}

#[test]
fn a_log_or_data_that_lead_elsewhere_harm_nothing() {
    let (folder, victim) = (folder(0o755), folder(0o755));
    assert!(run(load_in(folder.path())).status.success());
    let file = victim.path().join("file");
    fs::write(&file, "precious").unwrap();
    let home = folder.path().join(".stevedore/postgres");
    let log = home.join("postgres.log");
    for plant in [symlink as fn(PathBuf, PathBuf) -> _, |file, log| fs::hard_link(file, log)] {
        fs::remove_file(&log).unwrap();
        plant(file.clone(), log.clone()).unwrap();
        let loaded = run(load_in(folder.path()));
        assert!(loaded.status.success(), "{}", stderr(&loaded));
        assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    }
    fs::remove_file(home.join("keeper.pid")).unwrap();
    assert!(Command::new("mkfifo").arg(home.join("pipe")).status().unwrap().success());
    fs::rename(home.join("data"), home.join("moved")).unwrap();
    fs::create_dir(home.join("data")).unwrap();
    fs::rename(home.join("pipe"), home.join("data/PG_VERSION")).unwrap();
    // The version is not read from a pipe, which nobody writes to.
    let refused = run(load_in(folder.path()));
    assert_eq!(refused.status.code(), Some(1), "{}", stdout(&refused));
}

#[test]
fn a_process_that_holds_the_lock_is_named() {
    let folder = folder(0o755);
    let own = folder.path().join(".stevedore");
    fs::create_dir(&own).unwrap();
    fs::write(own.join("lock"), "1\npostgresql://elsewhere/\n").unwrap();
    let mut holder = Command::new("flock");
    holder.arg(own.join("lock")).args(["sh", "-c", "echo held; exec cat"]);
    let mut holder = holder.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    let mut lines = std::io::BufReader::new(holder.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut lines, &mut said).unwrap();
    let refused = run(load_in(folder.path()));
    drop(holder.stdin.take());
    holder.wait().unwrap();
    let said = stderr(&refused);
    assert!(said.contains("is in use by another process ("), "{said}");
    if cfg!(target_os = "linux") {
        let name = format!("({}: flock of user ", holder.id());
        assert!(said.contains(&name), "{said}");
        assert!(!said.contains("elsewhere"), "what is noted is not of the holder: {said}");
    }
}

#[test]
fn settings_that_others_can_write_are_not_read_unless_they_are_named() {
    let folder = folder(0o755);
    let file = folder.path().join("stevedore.toml");
    fs::write(&file, "listen = \"127.0.0.1:4242\"").unwrap();
    let show = |args: &[&str]| {
        let mut command = stevedore(&[&["config"], args].concat());
        run({
            command.current_dir(folder.path());
            command
        })
    };
    let is_read = |output: &Output| stdout(output).contains("4242");
    assert!(is_read(&show(&[])));
    set_mode(&file, 0o666);
    let refused = show(&[]);
    assert_eq!(refused.status.code(), Some(2));
    let said = stderr(&refused);
    assert!(said.contains("everybody can write to stevedore.toml"), "{said}");
    assert!(said.contains("chmod go-w stevedore.toml"), "{said}");
    assert!(said.contains("--config stevedore.toml"), "{said}");
    assert!(is_read(&show(&["--config", "stevedore.toml"])));
    set_mode(&file, 0o644);
    if is_root() {
        chown(&file, Some(NEIGHBOUR), None).unwrap();
        let refused = show(&[]);
        assert_eq!(refused.status.code(), Some(2));
        let said = stderr(&refused);
        assert!(said.contains("stevedore.toml belongs to the user 12345"), "{said}");
        assert!(is_read(&show(&["--config", "stevedore.toml"])));
    }
}

/// As a user of their own: the folder is made for that user alone, and is not root's to use.
#[test]
fn another_users_folder_is_not_used() {
    if !is_root() {
        return;
    }
    let folder = folder(0o755);
    chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    let own = folder.path().join(".stevedore");
    fs::create_dir(&own).unwrap();
    chown(&own, Some(NOBODY), Some(NOBODY)).unwrap();
    let refused = run(load_in(folder.path()));
    let said = stderr(&refused);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said.contains(".stevedore belongs to the user nobody"), "{said}");
    assert!(!own.join("lock").exists());
    // Where that user can reach them.
    let copy = folder.path().join("stevedore");
    fs::copy(env!("CARGO_BIN_EXE_stevedore"), &copy).unwrap();
    fs::copy(sample("user_status_sample.json"), folder.path().join("sample.json")).unwrap();
    let mut command = Command::new(copy);
    command.args(["load", "sample.json"]).env_remove("DATABASE_URL").env("HOME", folder.path());
    command.current_dir(folder.path()).uid(NOBODY).gid(NOBODY);
    let loaded = run(command);
    assert!(loaded.status.success(), "{}", stderr(&loaded));
    assert!(stdout(&loaded).contains("user_status, 7 rows"), "{}", stdout(&loaded));
}
