//! Bad input: a clear error, nothing written, exit code 1; never a panic, a hang or a silent loss.

mod files;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::{TestDatabase, record, sample, stderr, stevedore};

/// A file in a folder of its own.
fn file(bytes: &[u8]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.ndjson");
    std::fs::write(&path, bytes).unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// The binary against a database, within the limits that some lines of shell set.
fn limited(database: &TestDatabase, limits: &str, args: &[&str]) -> Command {
    let mut command = Command::new("bash");
    let script = format!("{limits}; exec \"$@\"");
    command.args(["-c", &script, "bash", env!("CARGO_BIN_EXE_stevedore")]).args(args);
    command.env("DATABASE_URL", &database.url);
    command
}

/// Asserts that a load failed as it should: exit code, message, and nothing written.
async fn assert_failed(database: &TestDatabase, output: &Output, message: &str) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(message), "{said}");
    assert!(said.starts_with("error: could not load ") && said.contains("\nhint: "), "{said}");
    assert_eq!(database.counts().await, [0, 0, 0]);
}

async fn fails(path: &str, message: &str) {
    let database = TestDatabase::empty().await;
    let output = database.stevedore(&["load", path]).output().unwrap();
    assert_failed(&database, &output, message).await;
}

#[tokio::test]
async fn every_record_of_a_dirty_file_is_in_a_table_or_in_the_error_table_with_its_text() {
    let database = TestDatabase::empty().await;
    database.load(&[&sample("user_status_dirty.ndjson")]);
    assert_eq!(database.counts().await, [3, 4, 12]);
    let bytes = std::fs::read(sample("user_status_dirty.ndjson")).unwrap();
    let rows =
        database.rows("select raw, byte_offset, byte_length from user_status_error_rec").await;
    for row in rows {
        let (offset, length) =
            (row["byte_offset"].as_u64().unwrap(), row["byte_length"].as_u64().unwrap());
        let text = String::from_utf8_lossy(&bytes[offset as usize..(offset + length) as usize])
            .into_owned();
        assert_eq!(row["raw"].as_str().unwrap(), text.replace('\u{fffd}', "\\xFF"));
    }
}

#[tokio::test]
async fn one_bad_object_does_not_stop_the_others() {
    let database = TestDatabase::empty().await;
    let (_folder, broken) = file(&gzip("{}")[..9]);
    let output = database
        .stevedore(&["load", "--json", "missing.json", &broken, &sample("user_status_sample.json")])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let states: Vec<_> =
        crate::support::json_lines(&output).iter().map(|line| line["state"].clone()).collect();
    assert_eq!(states, ["failed", "loaded"]);
    assert_eq!(database.counts().await, [7, 13, 3]);
}

#[tokio::test]
async fn a_database_that_refuses() {
    let url = "postgresql://nobody@127.0.0.1:1/none";
    let output = stevedore(&["load", "--database-url", url, &sample("user_status_sample.json")])
        .output()
        .unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains("could not connect to the database")
            && said.contains("there is no connection to 127.0.0.1:1/none")
            && said.contains("hint: check DATABASE_URL"),
        "{said}"
    );
}

#[tokio::test]
async fn a_role_without_rights() {
    let database = TestDatabase::empty().await;
    let role = "do $$ begin create role powerless login; exception when others then null; end $$";
    database.connect().await.batch_execute(role).await.unwrap();
    let url = database.url.replace("postgres@", "powerless@");
    let output = stevedore(&["load", "--database-url", &url, &sample("user_status_sample.json")])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("permission denied"), "{}", stderr(&output));
    assert_eq!(database.counts().await, [0, 0, 0]);
}

#[tokio::test]
async fn rows_too_many_to_wait_are_copied_while_the_load_goes_on() {
    // 12 MB of status rows and more of rejected ones, one after the other.
    let long = "s".repeat(4000);
    let lines = (0..3000).map(|at| format!("{}\n{{{long}\n", record(&format!("u{at}"), 1, &long)));
    let (_folder, path) = file(lines.collect::<String>().as_bytes());
    for (database, mode) in
        [(TestDatabase::with_old_tables().await, "append"), (TestDatabase::empty().await, "merge")]
    {
        database.load(&["--mode", mode, &path]);
        let [status, _, rejected] = database.counts().await;
        assert_eq!([status, rejected], [3000, 3000], "{mode}");
        let odd =
            "(select distinct record_no from user_status_error_rec where record_no % 2 = 0) r";
        assert_eq!(database.count(odd).await, 3000, "{mode}");
    }
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for args in [
        &["load"][..],
        &["load", "x", "--mode", "overwrite"],
        &["load", "x", "--format", "csv"],
        &["unload"],
    ] {
        let output = stevedore(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
}

#[tokio::test]
async fn a_key_that_no_index_can_hold_is_a_rejected_record() {
    let database = TestDatabase::empty().await;
    let mut random = 1_u32;
    let key: String = std::iter::repeat_with(|| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'a' + (random >> 24) as u8 % 26)
    })
    .take(6000)
    .collect();
    let lines = [record("a", 1, "s"), record(&key, 1, "s"), record(&key[..2600], 1, "s")];
    let (_folder, path) = file(lines.join("\n").as_bytes());
    let summary = database.load(&[&path]).remove(0);
    assert_eq!(
        (&summary["loaded"], &summary["rejected_by_reason"]["out_of_range"]),
        (&2.into(), &1.into())
    );
    let dry = TestDatabase::empty().await.load(&["--dry-run", &path]).remove(0);
    assert_eq!(dry["rejected_by_reason"], summary["rejected_by_reason"]);
}

#[tokio::test]
async fn rows_that_are_many_times_as_long_as_their_record_are_sent_in_pieces() {
    let database = TestDatabase::with_old_tables().await;
    let user = "u".repeat(100_000);
    let logs = vec!["{}"; 2000].join(",");
    let line = record(&user, 1, "s")
        .replace(r#"[{"updatedOn":"2022-01-01","status":"s"}]"#, &format!("[{logs}]"));
    let (_folder, path) = file(line.as_bytes());
    // The log's rows are 200 MB; the loader may not take as much.
    let args = ["load", "--json", "--mode", "append", &path];
    let output = limited(&database, "ulimit -v 1500000", &args).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(database.counts().await, [1, 2000, 0]);
}

#[tokio::test]
async fn names_from_the_object_cannot_forge_what_is_printed() {
    let database = TestDatabase::empty().await;
    let line = record("u", 1, "s").replace('}', r#","\u001b[31m\nforged":1}"#);
    let (_folder, path) = file(line.as_bytes());
    let output = database.stevedore(&["load", &path]).output().unwrap();
    let printed = crate::support::stdout(&output);
    assert!(printed.contains(r"\u{1b}[31m\nforged") && !printed.contains('\u{1b}'), "{printed}");
}

#[tokio::test]
async fn output_that_cannot_be_written_is_a_failure() {
    let database = TestDatabase::empty().await;
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = database
        .stevedore(&["load", "--json", &sample("user_status_sample.json")])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("could not write to standard output"));
}

#[tokio::test]
async fn a_failed_load_says_why_in_json_and_in_the_ledger() {
    let database = TestDatabase::empty().await;
    let (_folder, path) = file(&gzip("{}")[..9]);
    let output = database.stevedore(&["load", "--json", &path]).output().unwrap();
    let said = crate::support::json_lines(&output)[0]["error"].as_str().unwrap().to_owned();
    assert!(said.starts_with("could not decompress file://") && said.contains(": "), "{said}");
    let noted = database.rows("select error from stevedore.loads where state = 'failed'").await;
    assert_eq!(noted[0]["error"], said.as_str());
}
