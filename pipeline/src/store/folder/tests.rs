use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::{Duration, SystemTime};

use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tempfile::TempDir;

use super::FolderStore;
use super::beneath::{Root, is_missing};

/// Two folders beside each other; the first one's path holds no links.
fn folders() -> (TempDir, std::path::PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().canonicalize().unwrap();
    for folder in ["root/in/deep", "root/in", "outside"] {
        fs::create_dir_all(path.join(folder)).unwrap();
        fs::write(path.join(folder).join("a.json"), folder).unwrap();
    }
    (parent, path)
}

fn text(root: &Root, key: &str) -> Option<String> {
    match root.open_file(key) {
        Ok((file, _)) => Some(std::io::read_to_string(file).unwrap()),
        Err(error) if is_missing(&error) => None,
        Err(error) => panic!("{key}: {error}"),
    }
}

#[test]
fn a_key_leads_through_folders_and_to_files_beneath_the_root() {
    let (_parent, path) = folders();
    let root = path.join("root");
    for (text, link) in [
        ("in/deep/a.json", "to_file.json"),
        ("../in/deep/a.json", "in/up.json"),
        ("to_file.json", "to_link.json"),
        (root.join("in/deep/a.json").to_str().unwrap(), "absolute.json"),
        ("../outside/a.json", "out.json"),
        (path.join("outside/a.json").to_str().unwrap(), "absolute_out.json"),
        ("in/../../outside/a.json", "winding_out.json"),
        ("loop.json", "loop.json"),
        ("nowhere", "broken.json"),
        ("in", "to_folder"),
        (".", "in/around"),
        ("../../outside", "in/outside"),
        ("to_folder/deep/a.json", "through_folder.json"),
        ("in/outside/a.json", "out_through_folder.json"),
    ] {
        symlink(text, root.join(link)).unwrap();
    }
    assert!(Command::new("mkfifo").arg(root.join("pipe")).status().unwrap().success());
    std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    for root in [Root::new(root.clone()), Root::step_by_step(root)] {
        let there = [
            "in/deep/a.json",
            "to_file.json",
            "in/up.json",
            "to_link.json",
            "absolute.json",
            "through_folder.json",
        ];
        for key in there {
            assert_eq!(text(&root, key).as_deref(), Some("root/in/deep"), "{key}");
        }
        for key in [
            "out.json",
            "absolute_out.json",
            "winding_out.json",
            "loop.json",
            "broken.json",
            "none.json",
            "in",
            "to_folder",
            "to_folder/deep/a.json",
            "in/around/deep/a.json",
            "in/outside/a.json",
            "out_through_folder.json",
            "in/deep/a.json/x",
            "pipe",
            "socket",
            &"long/".repeat(2_000),
        ] {
            assert_eq!(text(&root, key), None, "{key}");
        }
    }
}

#[tokio::test]
async fn files_have_the_versions_that_they_always_had() {
    let (_parent, path) = folders();
    let root = path.join("root");
    let before_1970 = SystemTime::UNIX_EPOCH - Duration::from_millis(1_500);
    let odd = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789);
    for (name, time) in [("old.json", before_1970), ("odd.json", odd)] {
        let file = fs::File::create(root.join(name)).unwrap();
        file.set_modified(time).unwrap();
    }
    let (theirs, ours) =
        (LocalFileSystem::new_with_prefix(&root).unwrap(), FolderStore::beneath(root.clone()));
    for key in ["old.json", "odd.json", "in/a.json", "in/deep/a.json"] {
        let key = Path::from(key);
        assert_eq!(ours.head(&key).await.unwrap(), theirs.head(&key).await.unwrap());
        let absolute = Path::from_absolute_path(root.join(key.as_ref())).unwrap();
        let anywhere = FolderStore::Anywhere.head(&absolute).await.unwrap();
        assert_eq!(anywhere, LocalFileSystem::new().head(&absolute).await.unwrap());
    }
    let listed = async |store: &dyn ObjectStore| {
        let mut metas: Vec<_> = store.list(None).try_collect().await.unwrap();
        metas.sort_by(|one, other| one.location.cmp(&other.location));
        metas
    };
    assert_eq!(listed(&ours).await, listed(&theirs).await);
    let shallow = ours.list_with_delimiter(Some(&Path::from("in"))).await.unwrap();
    let expected = theirs.list_with_delimiter(Some(&Path::from("in"))).await.unwrap();
    assert_eq!(shallow.objects, expected.objects);
    assert_eq!(shallow.common_prefixes, expected.common_prefixes);
}

#[tokio::test]
async fn ranges_of_files_are_read_and_other_versions_refused() {
    let (_parent, path) = folders();
    let store = FolderStore::beneath(path.join("root"));
    let key = Path::from("in/deep/a.json");
    assert_eq!(store.get_range(&key, 5..7).await.unwrap(), "in");
    let options =
        object_store::GetOptions { if_match: Some("\"another\"".to_owned()), ..Default::default() };
    let refused = store.get_opts(&key, options).await.unwrap_err();
    assert!(matches!(refused, object_store::Error::Precondition { .. }), "{refused}");
    let gone = store.get(&Path::from("in/none")).await.unwrap_err();
    assert!(matches!(gone, object_store::Error::NotFound { .. }), "{gone}");
    assert!(store.put(&key, "x".into()).await.is_err());
    assert!(store.delete(&key).await.is_err());
}

#[tokio::test]
async fn a_folder_that_is_made_anew_is_the_bucket_again() {
    let (_parent, path) = folders();
    let root = path.join("root");
    let store = FolderStore::beneath(root.clone());
    fs::rename(&root, path.join("moved")).unwrap();
    assert!(store.head(&Path::from("in/deep/a.json")).await.is_err());
    fs::create_dir(&root).unwrap();
    fs::write(root.join("new.json"), "").unwrap();
    assert!(store.head(&Path::from("new.json")).await.is_ok());
    // What took the folder's place and is none is not the bucket.
    fs::remove_dir_all(&root).unwrap();
    symlink("outside", &root).unwrap();
    assert!(store.head(&Path::from("a.json")).await.is_err());
    assert_eq!(store.list(None).try_collect::<Vec<_>>().await.unwrap(), []);
}

#[tokio::test]
async fn folders_deeper_than_files_may_be_open_are_listed() {
    let (_parent, path) = folders();
    let mut folder = path.join("root");
    for _ in 0..1_100 {
        folder.push("d");
    }
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("a.json"), "").unwrap();
    let store = FolderStore::beneath(path.join("root"));
    let listed: Vec<_> = store.list(Some(&Path::from("d"))).try_collect().await.unwrap();
    assert_eq!(listed.len(), 1);
}
