//! Programs of Python packages, each in an environment of its own below the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the programs of a package, such as `name==1.2`, installed. None without a Python, unless this is CI.
pub fn programs(package: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(package.replace("==", "-"));
    let (python, done) = (folder.join("bin/python"), folder.join("done"));
    let quiet =
        |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    let installed = done.exists()
        || quiet(Command::new("python3").args(["-m", "venv"]).arg(&folder))
            && quiet(Command::new(&python).args(["-m", "pip", "install", "--quiet", package]));
    if installed {
        std::fs::write(done, "").unwrap();
    } else {
        assert!(std::env::var_os("CI").is_none(), "{package} needs python3 with venv");
        eprintln!("python3 with venv is not installed: not tested");
    }
    installed.then(|| folder.join("bin"))
}
