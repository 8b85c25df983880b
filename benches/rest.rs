//! How fast a server accepts jobs, and how soon a small object is committed.
//!
//! `cargo run --release --example rest -- <server> <folder of its bucket> [bucket] [accept]`
//! writes small objects into the folder, asks for each, and prints percentiles in milliseconds. With
//! `accept` it does not wait for any, as for a server with `--no-worker`.

#![expect(clippy::print_stdout, reason = "what it measured is what it is for")]

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use serde_json::{Value, json};

/// Requests that are sent, and how many a second.
const REQUESTS: u32 = 2000;
const PER_SECOND: u32 = 200;
/// Objects that are followed to their end, one after the other.
const FOLLOWED: u32 = 100;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    rustls::crypto::ring::default_provider().install_default().ok();
    let args: Vec<String> = std::env::args().collect();
    let [_, server, folder, rest @ ..] = &args[..] else {
        return Err("usage: rest <server> <folder of its bucket> [bucket] [accept]".into());
    };
    let bench = Bench {
        server: server.clone(),
        bucket: rest.first().map_or("microservice-hw", String::as_str).to_owned(),
        client: reqwest::Client::new(),
    };
    let run = std::process::id();
    let keys = |name: &str, count| {
        (0..count).map(|at| format!("rest-{run}-{name}-{at}.ndjson")).collect::<Vec<_>>()
    };
    let (accepted, followed) = (keys("accept", REQUESTS), keys("follow", FOLLOWED));
    for (at, key) in accepted.iter().chain(&followed).enumerate() {
        std::fs::write(Path::new(folder).join(key), records(at))?;
    }
    if rest.get(1).is_none() {
        print("request to committed", bench.follow(followed).await?);
    }
    print("request to accepted", bench.accept(accepted).await?);
    Ok(())
}

/// Ten records.
fn records(object: usize) -> String {
    let record = |at: usize| {
        json!({"userId": format!("u-{object}-{at}"), "createdAt": "2022-01-01", "lastVisitedAt": at,
            "status": "ACTIVE", "isBlacklisted": false,
            "statusLogs": [{"updatedOn": "2022-01-01", "status": "ACTIVE"}]})
    };
    (0..10).map(|at| record(at).to_string() + "\n").collect()
}

struct Bench {
    server: String,
    bucket: String,
    client: reqwest::Client,
}

impl Bench {
    async fn ask(&self, key: &str) -> Result<Value> {
        let body = json!({"bucket": self.bucket, "key": key});
        let request = self.client.post(format!("{}/v1/jobs", self.server)).json(&body);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    /// Sends requests at a steady rate, whether those before are answered or not.
    async fn accept(&self, keys: Vec<String>) -> Result<Vec<Duration>> {
        let began = Instant::now();
        let answers = stream::iter(keys.into_iter().enumerate()).map(|(at, key)| async move {
            let due = began + Duration::from_secs(1) / PER_SECOND * at as u32;
            tokio::time::sleep_until(due.into()).await;
            self.ask(&key).await.map(|_| due.elapsed())
        });
        answers.buffered(REQUESTS as usize).collect::<Vec<_>>().await.into_iter().collect()
    }

    /// Asks for one object after the other and waits until it is committed.
    async fn follow(&self, keys: Vec<String>) -> Result<Vec<Duration>> {
        let mut took = Vec::new();
        for key in keys {
            let began = Instant::now();
            let job = self.ask(&key).await?;
            let id = job["job_id"].as_str().unwrap_or_default();
            let events = self.client.get(format!("{}/v1/jobs/{id}/events", self.server));
            let told = events.send().await?.error_for_status()?.text().await?;
            took.push(began.elapsed());
            if !told.contains("\"state\":\"succeeded\"") {
                return Err(format!("the job did not succeed: {told}").into());
            }
        }
        Ok(took)
    }
}

fn print(what: &str, mut took: Vec<Duration>) {
    took.sort();
    let percentile = |percent: usize| took[(took.len() - 1) * percent / 100].as_secs_f64() * 1000.0;
    println!(
        "{what}: p50 {:.1} ms, p99 {:.1} ms, most {:.1} ms ({} requests)",
        percentile(50),
        percentile(99),
        percentile(100),
        took.len()
    );
}
