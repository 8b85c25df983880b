//! Moto, another S3 server: it has versions, honours `if-match`, and sends notices to queues. It needs Python.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use serde_json::{Value, json};

/// What is installed, in a folder of this name.
const PACKAGES: [&str; 3] = ["moto[s3,sqs,events]==5.2.5", "flask==3.1.3", "flask-cors==6.0.5"];
const FOLDER: &str = "moto-5.2.5-queues";

/// The account that everything of moto belongs to.
const ACCOUNT: &str = "123456789012";
/// Seconds after which a message that was taken and not deleted is there again.
const VISIBILITY_SECS: &str = "2";

/// Serves until its input ends, which is when this process does.
const SERVE: &str = "
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer('127.0.0.1', 0)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()";

/// The Python that has it, if there is a Python at all.
static PYTHON: LazyLock<Option<PathBuf>> = LazyLock::new(install);

fn install() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(FOLDER);
    let (python, done) = (folder.join("bin/python"), folder.join("done"));
    if done.exists() {
        return Some(python);
    }
    let quiet =
        |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    let installed = quiet(Command::new("python3").args(["-m", "venv"]).arg(&folder))
        && quiet(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PACKAGES));
    if installed {
        std::fs::write(done, "").unwrap();
    }
    assert!(installed || std::env::var_os("CI").is_none(), "the checks need python3 with venv");
    installed.then_some(python)
}

pub struct Moto {
    /// `http://127.0.0.1:port`
    pub endpoint: String,
    server: Child,
}

impl Moto {
    /// With an empty bucket named `bucket`; none where there is no Python.
    pub fn start() -> Option<Self> {
        let Some(python) = PYTHON.as_ref() else {
            eprintln!("python3 with venv is not installed: not tested");
            return None;
        };
        let mut server = Command::new(python);
        server.args(["-c", SERVE]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = server.stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines().map(Result::unwrap);
        let port: u16 = lines.find_map(|line| line.parse().ok()).unwrap();
        let moto = Self { endpoint: format!("http://127.0.0.1:{port}"), server };
        moto.put("bucket", "");
        Some(moto)
    }

    /// Puts what is below a path: a bucket, an object, or a setting.
    pub fn put(&self, path: &str, body: &str) {
        put(&self.endpoint, path, body);
    }

    /// Deletes an object.
    pub fn delete(&self, path: &str) {
        request(&self.endpoint, &format!("DELETE /{path}"), &[], "");
    }

    /// A queue, which is made if it is not there; its URL.
    pub fn queue(&self, name: &str) -> String {
        let wanted =
            json!({ "QueueName": name, "Attributes": { "VisibilityTimeout": VISIBILITY_SECS } });
        self.sqs("CreateQueue", &wanted)["QueueUrl"].as_str().unwrap().to_owned()
    }

    /// Has the bucket `bucket` tell a queue what arrives.
    pub fn notify_queue(&self, name: &str) {
        self.queue(name);
        self.notify(&format!(
            "<QueueConfiguration><Queue>{}</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration>",
            arn(name)
        ));
    }

    /// Has the bucket `bucket` tell EventBridge what arrives, and that tell a queue.
    pub fn notify_eventbridge(&self, name: &str) {
        self.queue(name);
        self.notify("<EventBridgeConfiguration></EventBridgeConfiguration>");
        let pattern = json!({ "source": ["aws.s3"] }).to_string();
        self.ask("events", "AWSEvents.PutRule", &json!({ "Name": "all", "EventPattern": pattern }));
        let targets = json!({ "Rule": "all", "Targets": [{ "Id": "1", "Arn": arn(name) }] });
        self.ask("events", "AWSEvents.PutTargets", &targets);
    }

    fn notify(&self, whom: &str) {
        let body = format!("<NotificationConfiguration>{whom}</NotificationConfiguration>");
        let xml = [("Content-Type", "application/xml")];
        request(&self.endpoint, "PUT /bucket?notification", &xml, &body);
    }

    /// How many messages a queue has, those among them that somebody has taken.
    pub fn messages(&self, name: &str) -> u64 {
        let wanted = json!({ "QueueUrl": self.queue(name), "AttributeNames": ["All"] });
        let attributes = &self.sqs("GetQueueAttributes", &wanted)["Attributes"];
        let count = |name: &str| attributes[name].as_str().unwrap().parse::<u64>().unwrap();
        count("ApproximateNumberOfMessages") + count("ApproximateNumberOfMessagesNotVisible")
    }

    /// The notices that wait in a queue, which stay there.
    pub fn take_messages(&self, name: &str) -> Vec<String> {
        let wanted = json!({ "QueueUrl": self.queue(name), "MaxNumberOfMessages": 10 });
        let taken = self.sqs("ReceiveMessage", &wanted);
        let bodies = taken["Messages"].as_array().unwrap().iter();
        let bodies = bodies.map(|message| message["Body"].as_str().unwrap().to_owned());
        bodies.filter(|body| !body.contains("s3:TestEvent")).collect()
    }

    pub fn send(&self, name: &str, body: &str) {
        let wanted = json!({ "QueueUrl": self.queue(name), "MessageBody": body });
        self.sqs("SendMessage", &wanted);
    }

    pub fn purge(&self, name: &str) {
        self.sqs("PurgeQueue", &json!({ "QueueUrl": self.queue(name) }));
    }

    fn sqs(&self, action: &str, wanted: &Value) -> Value {
        self.ask("sqs", &format!("AmazonSQS.{action}"), wanted)
    }

    fn ask(&self, service: &str, target: &str, wanted: &Value) -> Value {
        let signed = SIGNED.replace("/s3/", &format!("/{service}/"));
        let version = if service == "sqs" { "1.0" } else { "1.1" };
        let kind = format!("application/x-amz-json-{version}");
        let headers =
            [("X-Amz-Target", target), ("Content-Type", &kind), ("Authorization", &signed)];
        let answer = request(&self.endpoint, "POST /", &headers, &wanted.to_string());
        serde_json::from_str(&answer).unwrap_or_default()
    }

    pub fn keep_versions(&self) {
        let body = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
        self.put("bucket?versioning", body);
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

/// Moto looks who asks, and not whether it is true.
const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/s3/aws4_request, \
    SignedHeaders=host, Signature=any";

fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:us-east-1:{ACCOUNT}:{queue}")
}

pub fn put(endpoint: &str, path: &str, body: &str) {
    request(endpoint, &format!("PUT /{path}"), &[], body);
}

/// Sends a request, and reads the body of its answer.
fn request(endpoint: &str, line: &str, headers: &[(&str, &str)], body: &str) -> String {
    let address = endpoint.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    let signed = [("Authorization", SIGNED)];
    let is_signed = headers.iter().any(|(name, _)| *name == "Authorization");
    let headers = headers.iter().chain(signed.iter().filter(|_| !is_signed));
    let headers: String = headers.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    write!(
        stream,
        "{line} HTTP/1.1\r\nHost: {address}\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 2"), "{line}: {answer}");
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}
