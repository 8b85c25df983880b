use std::fs::{self, hard_link, rename};
use std::io::Read;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use futures::StreamExt;
use pipeline::store::{Bucket, Object, ObjectReader, Selection};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Serve, TestDatabase, record};

/// Longest time that anything may take, far more than it does.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder that is a bucket, beside what is not in it: a folder of the same names, and pipes.
struct Folders {
    parent: TempDir,
}

impl Folders {
    fn new() -> Self {
        let folders = Self { parent: tempfile::tempdir().unwrap() };
        for (folder, user) in [("root/in", "inside"), ("outside", "outside"), ("pipes", "")] {
            let folder = folders.path(folder);
            fs::create_dir_all(&folder).unwrap();
            if !user.is_empty() {
                fs::write(folder.join("users.json"), record(user, 1, "ACTIVE")).unwrap();
            }
        }
        for pipe in ["pipes/users.json", "pipe"] {
            let made = Command::new("mkfifo").arg(folders.path(pipe)).status();
            assert!(made.unwrap().success());
        }
        fs::write(folders.path("root/steady.json"), record("steady", 1, "ACTIVE")).unwrap();
        fs::write(folders.path("file"), record("inside", 1, "ACTIVE")).unwrap();
        hard_link(folders.path("file"), folders.path("root/swapped.json")).unwrap();
        folders
    }

    fn path(&self, path: &str) -> PathBuf {
        self.parent.path().join(path)
    }

    fn root(&self) -> PathBuf {
        self.path("root")
    }
}

/// A neighbour who swaps until it is dropped.
struct Neighbour {
    rounds: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Neighbour {
    fn of(folders: &Folders) -> Self {
        let (rounds, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let parent = folders.parent.path().to_owned();
        let (swapped, ended) = (Arc::clone(&rounds), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                swap(&parent);
                swapped.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self { rounds, stop, thread: Some(thread) }
    }

    /// Waits until so many rounds of swaps are over.
    fn wait_for(&self, rounds: u64) {
        while self.rounds.load(Ordering::Relaxed) < rounds {
            std::thread::yield_now();
        }
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// The folder becomes a link out of the bucket, then one of pipes; the file becomes a link out, then a
/// pipe; and both are what they were.
fn swap(parent: &Path) {
    let (inside, away) = (parent.join("root/in"), parent.join("away"));
    let (file, new) = (parent.join("root/swapped.json"), parent.join("new"));
    rename(&inside, &away).unwrap();
    symlink("../outside", &inside).unwrap();
    symlink("../outside/users.json", &new).unwrap();
    rename(&new, &file).unwrap();
    fs::remove_file(&inside).unwrap();
    rename(parent.join("pipes"), &inside).unwrap();
    hard_link(parent.join("pipe"), &new).unwrap();
    rename(&new, &file).unwrap();
    rename(&inside, parent.join("pipes")).unwrap();
    rename(&away, &inside).unwrap();
    hard_link(parent.join("file"), &new).unwrap();
    rename(&new, &file).unwrap();
}

/// The text of an object, if it can still be read.
async fn read(object: Object) -> Option<String> {
    let mut reader = ObjectReader::open(&object, Arc::default());
    let read = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).is_ok().then_some(text)
    });
    tokio::time::timeout(PATIENCE, read).await.expect("nothing waits for a pipe").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_record_from_outside_is_read_while_folders_are_swapped() {
    let folders = Folders::new();
    let bucket = Bucket::open("bucket", folders.root().to_str().unwrap(), &[]).unwrap();
    let neighbour = Neighbour::of(&folders);
    let mut inside = 0;
    for _ in 0..300 {
        let mut objects = Vec::new();
        for key in ["in/users.json", "swapped.json"] {
            let located = tokio::time::timeout(PATIENCE, bucket.locate(key)).await;
            objects.extend(located.expect("nothing waits for a pipe"));
        }
        let listed = bucket.select(Selection::Prefix(String::new())).unwrap();
        let listed = tokio::time::timeout(PATIENCE, listed.collect::<Vec<_>>()).await;
        objects.extend(listed.expect("nothing waits for a pipe").into_iter().flatten());
        for object in objects {
            if let Some(text) = read(object).await {
                assert!(!text.contains("outside"), "{text}");
                inside += usize::from(text.contains("inside"));
            }
        }
    }
    neighbour.wait_for(300);
    assert!(inside > 0, "what is inside is read between the swaps");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_bucket_is_swapped_loads_nothing_from_outside_and_can_be_stopped() {
    let (folders, database) = (Folders::new(), TestDatabase::empty().await);
    let mut serve = Serve::start(&database, &["--grace-secs", "1"], &folders.root());
    let steady = serve.load("steady.json").await;
    assert_eq!(serve.ended(&steady).await["state"], "succeeded");
    let neighbour = Neighbour::of(&folders);
    let crawler = json!({
        "name": "crawler",
        "target": { "kind": "objects", "bucket": "bucket" },
    });
    assert_eq!(serve.post_json("/v1/crawlers", &crawler).await.status, 201);
    for round in 0..25 {
        for key in ["in/users.json", "swapped.json"] {
            let asked = serve.get(&format!("/trigger?bucket=bucket&key={key}")).await;
            assert!([200, 400].contains(&asked.status), "{asked:?}");
        }
        let many = json!({ "bucket": "bucket", "prefix": "", "reload": true });
        assert_eq!(serve.post_json("/v1/jobs", &many).await.status, 202);
        if round % 5 == 0 {
            serve.post("/v1/crawlers/crawler/runs").await;
        }
    }
    neighbour.wait_for(300);
    let (process, (sender, ended)) = (serve.id(), tokio::sync::oneshot::channel());
    std::thread::spawn(move || sender.send(serve.terminate()));
    let Ok(status) = tokio::time::timeout(PATIENCE, ended).await else {
        Command::new("kill").args(["-KILL", &process.to_string()]).status().unwrap();
        panic!("it does not end when it is told to");
    };
    assert!(status.unwrap().success());
    let loaded = database.rows("select distinct userid from user_status").await;
    assert!(loaded.contains(&json!({ "userid": "steady" })), "{loaded:?}");
    assert!(!loaded.contains(&json!({ "userid": "outside" })), "{loaded:?}");
}

#[tokio::test]
async fn a_local_file_that_becomes_a_pipe_keeps_nobody_waiting() {
    let folders = Folders::new();
    let database = TestDatabase::empty().await;
    let pattern = format!("{}/*.json", folders.root().display());
    fs::remove_file(folders.path("root/swapped.json")).unwrap();
    rename(folders.path("pipe"), folders.path("root/swapped.json")).unwrap();
    let loaded = database.load(&[&pattern]);
    assert_eq!(loaded.len(), 1);
}

#[tokio::test]
async fn a_folder_that_links_to_itself_gives_no_second_name_to_a_file() {
    let folders = Folders::new();
    symlink(".", folders.path("root/around")).unwrap();
    symlink("in", folders.path("root/other")).unwrap();
    let bucket = Bucket::open("bucket", folders.root().to_str().unwrap(), &[]).unwrap();
    let listed = bucket.select(Selection::Glob("**".to_owned())).unwrap();
    let mut keys: Vec<_> = listed.map(|object| object.unwrap().key).collect().await;
    keys.sort();
    assert_eq!(keys, ["in/users.json", "steady.json", "swapped.json"]);
    for key in ["around/steady.json", "around/in/users.json", "other/users.json"] {
        assert!(bucket.locate(key).await.is_err(), "{key}");
    }
}
