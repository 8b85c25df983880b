//! The console, in a real browser.

mod access;
mod looks;
mod work;

use std::path::Path;

use serde_json::{Value, json};

use crate::support::browser::{Browser, Kind};
use crate::support::{Serve, TestDatabase, sample, stdout, stevedore};

/// The screens that need no number in their path.
const SCREENS: [&str; 7] = ["/", "/jobs", "/loads", "/rejects", "/feeds", "/catalog", "/new"];

fn bucket() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["user_status_sample.json", "user_status_dirty.ndjson"] {
        std::fs::copy(sample(name), folder.path().join(name)).unwrap();
    }
    folder
}

/// A key with scopes: what clients send, and the setting of the server.
fn key(name: &str, scope: &str) -> (String, String) {
    let made = stdout(&stevedore(&["key", name, "--scope", scope]).output().unwrap());
    let mut lines =
        made.lines().map(|line| line.rsplit_once(' ').map_or(line, |(_, value)| value).to_owned());
    (lines.next().unwrap(), lines.next().unwrap())
}

/// Loads the samples, so that each screen has something to show.
async fn load_samples(serve: &Serve) -> Value {
    let wanted = json!({"bucket": "bucket", "prefix": ""});
    let job = serve.post_json("/v1/jobs", &wanted).await.json();
    serve.ended(&job).await
}

async fn serve(database: &TestDatabase, folder: &Path) -> Serve {
    let serve = Serve::start(database, &[], folder);
    load_samples(&serve).await;
    serve
}
