//! The flags that say how much an object may become before it is given up.

use std::path::Path;

use serde_json::json;

use super::work::{VERBS, Works, accepting};
use crate::support::{TestDatabase, record, stderr};

/// A record and 65 MiB of blank lines, compressed: from 64 MiB on, the expansion is checked.
const TEXT_MIB: usize = 65;

fn write_long(folder: &Path) -> String {
    let blank = " ".repeat((1 << 20) - 1) + "\n";
    let text = record("u", 1, "s") + "\n" + &blank.repeat(TEXT_MIB);
    let path = folder.join("long.ndjson.zst");
    std::fs::write(&path, zstd::encode_all(text.as_bytes(), 1).unwrap()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn too_much_text_is_given_up() {
    let (database, folder) = (TestDatabase::empty().await, tempfile::tempdir().unwrap());
    let path = write_long(folder.path());
    let run = |args: &[&str]| {
        let output = database.stevedore(args).output().unwrap();
        (output.status.code(), stderr(&output))
    };
    let off = ["--max-expansion", "0"];
    for (flag, value, said) in [
        ("--max-expansion", "7", "more than 7 times as many"),
        ("--max-text-bytes", "1000", "longer than 1000 bytes"),
    ] {
        let (code, error) = run(&["load", "--no-preflight", &path, flag, value]);
        assert_eq!(code, Some(1), "{flag}: {error}");
        assert!(error.contains(said), "{flag}: {error}");
    }
    let loaded = database.load(&[&["--no-preflight", &path], &off[..]].concat()).remove(0);
    assert_eq!(loaded["records"], 1);
    // The object is read anew with the limits of `verify`.
    for (flag, value, said) in [
        ("--max-expansion", "7", "more than 7 times as many"),
        ("--max-text-bytes", "1000", "longer than 1000 bytes"),
    ] {
        let (code, error) = run(&["verify", flag, value]);
        assert_eq!(code, Some(1), "{flag}: {error}");
        assert!(error.contains(said), "{flag}: {error}");
    }
    let (code, error) = run(&[&["verify"], &off[..]].concat());
    assert_eq!(code, Some(0), "{error}");
}

#[tokio::test]
async fn jobs_over_too_much_fail() {
    let folder = tempfile::tempdir().unwrap();
    write_long(folder.path());
    std::fs::write(folder.path().join("rejects.ndjson"), "{}\n".repeat(50)).unwrap();
    for verb in VERBS {
        for (flag, value, key, code) in [
            ("--max-expansion", "7", "long.ndjson.zst", "expansion_limit"),
            ("--max-text-bytes", "1000", "long.ndjson.zst", "text_limit"),
            ("--max-rejects-in-a-row", "50", "rejects.ndjson", "reject_limit"),
            ("--max-rejected", "99%", "rejects.ndjson", "too_many_rejects"),
        ] {
            let (database, serve) = accepting(folder.path()).await;
            let job = serve.load(key).await;
            let flags = [flag, value, "--no-preflight"];
            let _works = Works::start(verb, &database, folder.path(), &flags);
            let failed = serve.ended(&job).await;
            let error = &failed["error"];
            assert_eq!((&failed["state"], &error["code"]), (&json!("failed"), &json!(code)));
            if flag == "--max-expansion" {
                let said = error["detail"].as_str().unwrap();
                assert!(said.contains("more than 7 times as many"), "{verb}: {said}");
            }
        }
    }
}
