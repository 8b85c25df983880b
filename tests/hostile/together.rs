//! Clients that do not read, objects that are bombs and patterns beyond the limits, all at the same time: the
//! server and the worker beside it live on, in little memory, and the server stays ready.

use std::path::Path;
use std::process::{Child, Stdio};

use futures::future::join_all;
use serde_json::json;

use super::bombs::{empty_records, line_feeds, write};
use super::patterns::hostile as patterns;
use super::unread::{LONG, MOST_MEMORY_KB, peak_memory_kb, unread, with_long_rows};
use crate::support::{Serve, TestDatabase};

/// A worker process that is there while this is.
struct Worker(Child);

impl Worker {
    fn start(database: &TestDatabase, bucket: &Path) -> Self {
        let bucket = format!("bucket={}", bucket.display());
        let mut command = database.stevedore(&["worker", "--bucket", &bucket]);
        command.args(["--concurrency", "2", "--max-rejects-in-a-row", "50000"]);
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[tokio::test]
async fn server_and_worker_live_on_in_little_memory_and_the_server_stays_ready() {
    let (database, bucket) = (with_long_rows(500).await, tempfile::tempdir().unwrap());
    let bombs = [("rejects.ndjson.gz", empty_records()), ("feeds.ndjson.zst", line_feeds())];
    for (key, bytes) in &bombs {
        write(bucket.path(), key, bytes);
    }
    let serve = Serve::start(&database, &["--no-worker"], bucket.path());
    let mut worker = Worker::start(&database, bucket.path());
    let address = serve.address().parse().unwrap();
    let clients = join_all((0..100).map(|at| unread(address, LONG[at % LONG.len()]))).await;
    for pattern in patterns() {
        let job = json!({"bucket": "bucket", "glob": pattern});
        assert_eq!(serve.post_json("/v1/jobs", &job).await.status, 422);
    }
    let jobs = join_all(bombs.iter().map(|(key, _)| serve.load(key))).await;
    let ended = join_all(jobs.iter().map(|job| serve.ended(job)));
    let ready = async {
        loop {
            assert_eq!(serve.get("/readyz").await.status, 200);
        }
    };
    let ended = tokio::select! {
        ended = ended => ended,
        () = ready => Vec::new(),
    };
    let codes: Vec<_> = ended.iter().map(|job| job["error"]["code"].clone()).collect();
    assert_eq!(codes, [json!("reject_limit"), json!("expansion_limit")], "{ended:?}");
    assert!(worker.0.try_wait().unwrap().is_none(), "the worker lives");
    for (who, process) in [("server", serve.id()), ("worker", worker.0.id())] {
        let peak = peak_memory_kb(process);
        assert!(peak < MOST_MEMORY_KB, "{who}: {peak} KB");
    }
    drop(clients);
}
