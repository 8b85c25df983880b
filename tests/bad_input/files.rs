//! Files that cannot be read, or are no JSON.

use super::*;

#[tokio::test]
async fn a_missing_file() {
    fails("no/such/file.json", "there is no object").await;
}

#[tokio::test]
async fn a_folder_without_objects() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("README.md"), "nothing").unwrap();
    fails(folder.path().to_str().unwrap(), "there are no JSON objects in").await;
    fails(&format!("{}/*.json", folder.path().display()), "there are no JSON objects in").await;
}

#[tokio::test]
async fn another_kind_of_url() {
    let database = TestDatabase::empty().await;
    let output = database.stevedore(&["load", "ftp://host/users.json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(
        "only local paths and file://, s3://, gs:// and az:// URLs are read, not ftp://"
    ));
}

#[tokio::test]
async fn an_unreadable_file() {
    let database = TestDatabase::empty().await;
    let (_folder, path) = file(record("u", 1, "s").as_bytes());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    let mut command = database.stevedore(&["load", &path]);
    // Root reads everything, so as root the loader runs as the user that the server runs as.
    if let Some(user) =
        std::fs::metadata("/proc/self").is_ok_and(|us| is_root(&us)).then(postgres_user).flatten()
    {
        command.uid(user).current_dir("/");
    }
    let output = command.output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("could not read file://") && said.contains("ermission denied"), "{said}");
    assert!(said.contains("hint: let the user that runs this command read the file"), "{said}");
    assert_eq!(database.counts().await, [0, 0, 0]);
}

fn is_root(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(metadata) == 0
}

fn postgres_user() -> Option<u32> {
    let output = Command::new("id").args(["-u", "postgres"]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

#[tokio::test]
async fn a_broken_gzip() {
    let whole = gzip(&format!("{}\n", record("u", 1, "s")).repeat(1000));
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 20].fill(0xFF);
    for bytes in [&whole[..whole.len() - 9], &damaged, &[&whole[..], b"more"].concat()] {
        let (_folder, path) = file(bytes);
        fails(&path, "could not decompress").await;
    }
}

#[tokio::test]
async fn binary_noise() {
    let mut random = 1_u64;
    let noise = std::iter::repeat_with(|| {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 56) as u8
    });
    let (_folder, path) = file(&noise.take(300_000).collect::<Vec<_>>());
    fails(&path, "is not JSON: its first bytes are not text").await;
}

#[tokio::test]
async fn an_empty_file_holds_no_records_and_is_no_failure() {
    for bytes in [b"".as_slice(), b"\n \n", b"[]", b"\xEF\xBB\xBF", &gzip("")] {
        let database = TestDatabase::empty().await;
        let (_folder, path) = file(bytes);
        let output = database.stevedore(&["load", &path]).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(stderr(&output).contains("the object holds no records"));
        assert_eq!(database.counts().await, [0, 0, 0]);
    }
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read() {
    let database = TestDatabase::empty().await;
    database.migrated().await;
    let (_folder, path) = file(format!("{}\n", record("u", 1, "s")).repeat(400_000).as_bytes());
    let mut load = database.stevedore(&["load", &path]);
    let load = load
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let admin = database.connect().await;
    let is_copying = "select 1 from pg_stat_activity where datname = current_database() and query like 'copy user_status_log%'";
    while admin.query(is_copying, &[]).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    std::fs::File::options()
        .append(true)
        .open(Path::new(&path))
        .unwrap()
        .write_all(b"{}\n")
        .unwrap();
    let output = load.wait_with_output().unwrap();
    assert_failed(&database, &output, "changed while it was read").await;
}

#[tokio::test]
async fn a_pipe_is_refused_and_does_not_hang() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("users.json");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fails(pipe.to_str().unwrap(), "it is no regular file").await;
    let database = TestDatabase::empty().await;
    std::fs::copy(sample("user_status_sample.json"), folder.path().join("more.json")).unwrap();
    let output = database.stevedore(&["load", folder.path().to_str().unwrap()]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(database.counts().await, [7, 13, 3]);
}
