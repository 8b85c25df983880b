//! What packages carry, as far as it can be told without building them: `deploy/*/test.sh` install them.

use std::collections::BTreeSet;
use std::fs::read_to_string;
use std::path::Path;
use std::process::Command;

use crate::support::{repository, stderr, stdout, stevedore};

const UNITS: [&str; 2] = ["serve", "worker"];
/// The exposure that `systemd-analyze security` may find, in tenths: 0 is shut off from everything.
const MOST_EXPOSED: &str = "--threshold=12";

/// Whether a program is there. Where CI runs, it has to be.
fn is_there(program: &str) -> bool {
    let is_there = Command::new(program).arg("--version").output().is_ok();
    assert!(is_there || std::env::var_os("CI").is_none(), "{program} is not installed");
    is_there
}

fn unit(verb: &str) -> String {
    format!("deploy/debian/stevedore-{verb}.service")
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man");
    let output = stevedore(&["man", pages.to_str().unwrap()]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));

    let names: BTreeSet<String> = std::fs::read_dir(&pages)
        .unwrap()
        .map(|page| page.unwrap().file_name().into_string().unwrap())
        .collect();
    let page = read_to_string(repository("docs/reference/cli.md")).unwrap();
    let commands = page.lines().filter_map(|line| line.strip_prefix("| [`")?.split_once("`]"));
    let mut expected = BTreeSet::from(["stevedore.1".to_owned()]);
    for (command, _) in commands {
        expected.insert(format!("stevedore-{}.1", command.replace(' ', "-")));
        expected.insert(format!("stevedore-{}.1", command.split(' ').next().unwrap()));
    }
    assert_eq!(names, expected);

    let load = read_to_string(pages.join("stevedore-load.1")).unwrap();
    for part in ["STEVEDORE_MAX_REJECTED", ".SH SYNOPSIS", "Examples:"] {
        assert!(load.contains(part), "{part}: {load}");
    }
    if is_there("groff") {
        names.iter().for_each(|name| assert_formats(&pages.join(name)));
    }
}

/// Formats a page as `man` does.
fn assert_formats(page: &Path) {
    let output =
        Command::new("groff").args(["-Kutf8", "-man", "-Tutf8", "-ww"]).arg(page).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stderr(&output), "", "{}", page.display());
}

#[test]
fn the_units_are_valid_and_shut_off() {
    if !is_there("systemd-analyze") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for verb in UNITS {
        // It looks whether the program is installed.
        let text = read_to_string(repository(&unit(verb))).unwrap();
        let file = folder.path().join(format!("stevedore-{verb}.service"));
        std::fs::write(&file, text.replace("/usr/bin/stevedore", "/bin/sh")).unwrap();
        for args in [vec!["verify", "--man=no"], vec!["security", "--offline=true", MOST_EXPOSED]] {
            let output = Command::new("systemd-analyze").args(&args).arg(&file).output().unwrap();
            assert!(output.status.success(), "{verb}: {}{}", stdout(&output), stderr(&output));
        }
    }
}

#[test]
fn the_units_wait_until_loads_are_handed_back_and_the_settings_say_so() {
    let settings = "deploy/debian/stevedore.toml";
    let text = read_to_string(repository(settings)).unwrap();
    for verb in UNITS {
        let unit = read_to_string(repository(&unit(verb))).unwrap();
        let timeout = unit.lines().find_map(|line| line.strip_prefix("TimeoutStopSec="));
        let timeout: u64 = timeout.unwrap().parse().unwrap();
        assert!(text.contains(&format!("Longer than {} seconds", timeout - 15)), "{text}");
    }
}

#[test]
fn the_settings_of_the_package_are_settings_also_without_their_comment_signs() {
    let folder = tempfile::tempdir().unwrap();
    let settings = read_to_string(repository("deploy/debian/stevedore.toml")).unwrap();
    let is_setting = |line: &&str| line.contains(" = ") || line.starts_with('[');
    let uncommented: Vec<_> =
        settings.lines().map(|line| line.trim_start_matches("# ")).filter(is_setting).collect();
    assert!(uncommented.len() > 3);
    for text in [settings.clone(), uncommented.join("\n")] {
        let file = folder.path().join("stevedore.toml");
        std::fs::write(&file, text).unwrap();
        let output = stevedore(&["config", "--config", file.to_str().unwrap()]).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
    }
}
