//! A Python client that is generated from the document of the API drives jobs from their requests to their ends.
//! It needs Python.

use std::path::Path;
use std::process::Command;

use crate::support::python::programs;
use crate::support::{Serve, TestDatabase, repository, sample, stderr, stdout, stevedore};

const PACKAGE: &str = "openapi-python-client==0.29.1";

/// Writes the package `stevedore_client`; a warning, such as of a type that it cannot have, fails.
fn generate(programs: &Path, folder: &Path) {
    let path = std::env::var("PATH").unwrap_or_default();
    let generated = Command::new(programs.join("openapi-python-client"))
        .args(["generate", "--meta", "none", "--fail-on-warning", "--path"])
        .arg(repository("api/openapi.json"))
        .arg("--output-path")
        .arg(folder.join("stevedore_client"))
        // It has its formatter beside it.
        .env("PATH", format!("{}:{path}", programs.display()))
        .output()
        .unwrap();
    assert!(generated.status.success(), "{}{}", stdout(&generated), stderr(&generated));
}

#[tokio::test]
async fn a_generated_client_drives_jobs_from_request_to_end() {
    let Some(programs) = programs(PACKAGE) else { return };
    let folder = tempfile::tempdir().unwrap();
    generate(&programs, folder.path());
    let objects = folder.path().join("objects");
    std::fs::create_dir(&objects).unwrap();
    let names = ["user_status_sample.json", "user_status_dirty.ndjson"];
    for name in names {
        std::fs::copy(sample(name), objects.join(name)).unwrap();
    }
    let made = stdout(&stevedore(&["key", "client", "--scope", "admin"]).output().unwrap());
    let (key, setting) = made.trim().split_once('\n').unwrap();
    let database = TestDatabase::empty().await;
    let serve = Serve::start(&database, &["--key", setting], &objects);
    let driven = Command::new(programs.join("python"))
        .arg(repository("tests/generated_client.py"))
        .args([folder.path().to_str().unwrap(), &serve.url, key, "bucket"])
        .args(names)
        .env("PYTHONUTF8", "1")
        .output()
        .unwrap();
    assert!(driven.status.success(), "{}{}", stdout(&driven), stderr(&driven));
}
