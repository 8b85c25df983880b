//! Folders as stores.

use super::*;

/// A folder beside a secret one.
fn folders() -> tempfile::TempDir {
    let parent = tempfile::tempdir().unwrap();
    let (root, outside) = (parent.path().join("root"), parent.path().join("outside"));
    for folder in [&root.join("in"), &root.join("%2e%2e"), &outside] {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("users.json"), "[]").unwrap();
    }
    symlink(outside.join("users.json"), root.join("out.json")).unwrap();
    symlink(&outside, root.join("out")).unwrap();
    symlink("in/users.json", root.join("link.json")).unwrap();
    symlink(".", root.join("in/around")).unwrap();
    symlink("nowhere", root.join("broken.json")).unwrap();
    for pipe in ["pipe.json", "in/pipe.json"] {
        assert!(Command::new("mkfifo").arg(root.join(pipe)).status().unwrap().success());
    }
    symlink("pipe.json", root.join("to_pipe.json")).unwrap();
    symlink("/dev/zero", root.join("device.json")).unwrap();
    parent
}

fn open_folder(path: &Path) -> Bucket {
    Bucket::open("inbox", path.to_str().unwrap(), &[]).unwrap()
}

#[tokio::test]
async fn no_key_leads_out_of_a_folder() {
    let parent = folders();
    let bucket = open_folder(&parent.path().join("root"));
    for key in ["in/users.json", "link.json", "%2e%2e/users.json"] {
        assert_eq!(bucket.locate(key).await.unwrap().url(), format!("inbox/{key}"));
    }
    let absolute = parent.path().join("outside/users.json");
    for key in [
        "",
        "/",
        ".",
        "..",
        "../outside/users.json",
        "in/../../outside/users.json",
        "./in/users.json",
        "in//users.json",
        "/in/users.json",
        "in/users.json/",
        "in/./users.json",
        "in/users\0.json",
        absolute.to_str().unwrap(),
    ] {
        let refused = bucket.locate(key).await.unwrap_err();
        let Error::Location { reason, .. } = &refused else { panic!("{key}: {refused}") };
        assert!(reason.starts_with("not a key: "), "{key}: {reason}");
    }
    for key in [
        "out.json",
        "out/users.json",
        "in",
        "out",
        "broken.json",
        "pipe.json",
        "to_pipe.json",
        "device.json",
        "in/users.json/x",
        "%2e%2e/outside/users.json",
        "..%2foutside%2fusers.json",
        "none.json",
        "IN/users.json",
        "in/users.json ",
        "x#1",
    ] {
        let refused = bucket.locate(key).await.unwrap_err();
        assert!(matches!(refused, Error::NotFound { .. }), "{key}: {refused}");
    }
}

#[tokio::test]
async fn a_folder_lists_what_it_would_give() {
    let parent = folders();
    let bucket = open_folder(&parent.path().join("root"));
    let select = async |selection| {
        let objects = bucket.select(selection).unwrap().try_collect::<Vec<_>>().await.unwrap();
        let mut keys: Vec<_> = objects.into_iter().map(|object| object.key).collect();
        keys.sort();
        keys
    };
    let all = ["%2e%2e/users.json", "in/users.json", "link.json"];
    assert_eq!(select(Selection::Prefix(String::new())).await, all);
    assert_eq!(select(Selection::Glob("**".to_owned())).await, all);
    assert_eq!(select(Selection::Prefix("i".to_owned())).await, ["in/users.json"]);
    assert_eq!(select(Selection::Prefix("out/".to_owned())).await, [""; 0]);
    assert_eq!(select(Selection::Prefix("none/".to_owned())).await, [""; 0]);
    assert_eq!(select(Selection::Glob("out/*".to_owned())).await, [""; 0]);
}

#[test]
fn a_bucket_that_cannot_be_is_refused_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let missing = folder.path().join("missing");
    for (url, reason) in [
        (file.to_str().unwrap(), "it is no folder"),
        (missing.to_str().unwrap(), "No such file"),
        ("ftp://host/folder", "are read, not ftp://"),
        ("https://example.com/folder", "are read, not https://"),
        ("s3:///key", "it names no bucket"),
        ("s3://bucket/../other", "not a key"),
        ("s3://bucket//a", "not a key"),
        ("gs://bucket?service_account_key=\"hidden-secret\"", "cannot be read"),
        ("az://container?account_name=a&access_key=hidden-secret!", "cannot be read"),
    ] {
        let refused = Bucket::open("inbox", url, &[]).unwrap_err();
        assert!(matches!(refused, Error::Location { .. }), "{url}: {refused}");
        let said = refused.to_string();
        assert!(said.contains(reason) && !said.contains("hidden-secret"), "{url}: {said}");
    }
    let secret = [("AZURE_STORAGE_ACCOUNT_KEY".to_owned(), "aGlkZGVuLXNlY3JldA==".to_owned())];
    for url in [
        "s3://bucket/prefix?access_key_id=a&secret_access_key=hidden-secret",
        "gs://bucket?bearer_token=hidden-secret",
        "az://container/prefix?account_name=a",
        "abfss://container@account.dfs.core.windows.net/prefix",
        "https://s3.eu-west-1.amazonaws.com/bucket/prefix",
    ] {
        let bucket = Bucket::open("inbox", url, &secret).unwrap();
        let shown = format!("{bucket:?}");
        assert!(!shown.contains("hidden-secret") && !shown.contains("aGlk"), "{shown}");
    }
}
