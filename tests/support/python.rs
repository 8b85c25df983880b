//! Programs of Python packages, each in an environment of its own below the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// Held by the test that installs: several tests may want the same packages.
static INSTALLING: Mutex<()> = Mutex::new(());

/// The folder of the programs of packages, such as `name==1.2 other==3.4`, installed. None without a Python, unless this
/// is CI.
pub fn programs(packages: &str) -> Option<PathBuf> {
    let name = packages.replace("==", "-").replace(' ', "-");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _installing = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let (python, done) = (folder.join("bin/python"), folder.join("done"));
    let quiet =
        |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    let installed = done.exists()
        || quiet(Command::new("python3").args(["-m", "venv"]).arg(&folder))
            && quiet(
                Command::new(&python)
                    .args(["-m", "pip", "install", "--quiet"])
                    .args(packages.split(' ')),
            );
    if installed {
        std::fs::write(done, "").unwrap();
    } else {
        assert!(std::env::var_os("CI").is_none(), "{packages} needs python3 with venv");
        eprintln!("python3 with venv is not installed: not tested");
    }
    installed.then(|| folder.join("bin"))
}
