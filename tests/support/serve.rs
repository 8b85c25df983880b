//! `stevedore serve` as a process, and a client of it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use eventsource_stream::{Event, Eventsource};
use futures::{Stream, StreamExt};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

use super::TestDatabase;

/// Longest time that anything may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest stream of the events of a job: it ends with the job, which may be one over many objects.
const JOB_PATIENCE: Duration = Duration::from_secs(300);

/// A server that is there while this is.
pub struct Serve {
    /// `http://127.0.0.1:port`
    pub url: String,
    pub client: Client,
    process: Child,
    log: Arc<Log>,
}

/// What a process wrote to its standard error.
#[derive(Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    written: Condvar,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The status, and of a problem its code.
    pub fn outcome(&self) -> (u16, String) {
        let json: Value = serde_json::from_str(&self.body).unwrap_or_default();
        (self.status, json["code"].as_str().unwrap_or_default().to_owned())
    }
}

impl Serve {
    /// With a folder as the bucket `bucket`, on a port of its own, with few connections (arguments
    /// may say otherwise).
    pub fn start(database: &TestDatabase, args: &[&str], folder: &Path) -> Self {
        Self::start_with(database, args, folder, |command| command)
    }

    /// With more said about the process.
    pub fn start_with(
        database: &TestDatabase,
        args: &[&str],
        folder: &Path,
        more: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Self {
        let bucket = format!("bucket={}", folder.to_str().unwrap());
        let mut command = database.stevedore(&["serve", "--bucket", &bucket]);
        command.args(args);
        command.env("STEVEDORE_LISTEN", "127.0.0.1:0");
        command.env("STEVEDORE_POOL_SIZE", "4").env("STEVEDORE_CONCURRENCY", "2");
        more(&mut command);
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Log::default());
        follow(&log, process.stderr.take().unwrap());
        // It is refused only where one is installed already.
        rustls::crypto::ring::default_provider().install_default().ok();
        // The server closes connections that are idle for ten seconds.
        let client = Client::builder().timeout(PATIENCE).pool_idle_timeout(Duration::from_secs(5));
        let client = client.build().unwrap();
        let mut serve = Self { url: String::new(), client, process, log };
        let line = serve.wait_for("serving http");
        let url = line.split("serving ").nth(1).and_then(|url| url.split([' ', ',']).next());
        serve.url = url.unwrap().to_owned();
        serve
    }

    /// The lines of its standard error so far.
    pub fn lines(&self) -> Vec<String> {
        self.log.lines.lock().unwrap().clone()
    }

    /// Waits for a line of its standard error that holds a text.
    pub fn wait_for(&self, text: &str) -> String {
        let since = Instant::now();
        let mut lines = self.log.lines.lock().unwrap();
        loop {
            if let Some(line) = lines.iter().find(|line| line.contains(text)) {
                return line.clone();
            }
            assert!(since.elapsed() < PATIENCE, "no line with {text}: {lines:#?}");
            lines = self.log.written.wait_timeout(lines, Duration::from_secs(1)).unwrap().0;
        }
    }

    /// `127.0.0.1:port`
    pub fn address(&self) -> &str {
        self.url.split("://").nth(1).unwrap()
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Tells it to stop, and waits until it has.
    pub fn terminate(&mut self) -> ExitStatus {
        terminate(self.id());
        self.process.wait().unwrap()
    }

    /// Kills it at once, as a power cut does.
    pub fn kill(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub async fn get(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str) -> Answer {
        answer(self.request(Method::POST, path)).await
    }

    pub async fn post_json(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(Method::POST, path).json(body)).await
    }

    /// Asks for a load of the bucket's object.
    pub async fn load(&self, key: &str) -> Value {
        let answer = self.post_json("/v1/jobs", &json!({"bucket": "bucket", "key": key})).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.json()
    }

    /// The crawler when it has come to the end of a run: of crawlers there are no events, so it is asked
    /// for again and again.
    pub async fn crawled(&self, name: &str) -> Value {
        let ended = async {
            loop {
                let crawler = self.get(&format!("/v1/crawlers/{name}")).await.json();
                if crawler["state"] == "ready" && crawler["last_run"]["finished_at"].is_string() {
                    return crawler;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), ended).await.expect("the crawl ends")
    }

    /// The job when it has come to its end.
    pub async fn ended(&self, job: &Value) -> Value {
        let id = job["job_id"].as_str().unwrap();
        let events = self.events(id, None).await.collect::<Vec<_>>().await;
        let done = events.last().filter(|event| event.event == "done");
        serde_json::from_str(&done.unwrap_or_else(|| panic!("{events:?}")).data).unwrap()
    }

    /// Something for whatever happens to a job, until the server ends the stream or has none.
    pub async fn changes(&self, job_id: &str) -> impl Stream<Item = ()> + use<> {
        let request = self.request(Method::GET, &format!("/v1/jobs/{job_id}/events"));
        request.send().await.unwrap().bytes_stream().map(drop)
    }

    /// What happens to a job, until the server ends the stream.
    pub async fn events(
        &self,
        job_id: &str,
        last: Option<&str>,
    ) -> impl Stream<Item = Event> + use<> {
        let mut request = self.request(Method::GET, &format!("/v1/jobs/{job_id}/events"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.timeout(JOB_PATIENCE).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        response.bytes_stream().eventsource().map(Result::unwrap)
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("{}", self.lines().join("\n"));
        }
    }
}

/// Sends a request and reads the answer.
/// Tells a process to stop.
pub fn terminate(id: u32) {
    assert!(Command::new("kill").args(["-TERM", &id.to_string()]).status().unwrap().success());
}

pub async fn answer(request: RequestBuilder) -> Answer {
    read(request.send().await.unwrap()).await
}

async fn read(response: Response) -> Answer {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, body: response.text().await.unwrap() }
}

fn follow(log: &Arc<Log>, stderr: impl std::io::Read + Send + 'static) {
    let log = Arc::clone(log);
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            log.lines.lock().unwrap().push(line);
            log.written.notify_all();
        }
    });
}
