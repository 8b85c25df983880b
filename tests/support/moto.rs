//! Moto, another S3 server: it has versions and honours `if-match`. It needs Python.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

/// What is installed, in a folder of this name.
const PACKAGES: [&str; 3] = ["moto[s3]==5.2.5", "flask==3.1.3", "flask-cors==6.0.5"];
const FOLDER: &str = "moto-5.2.5";

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

pub fn put(endpoint: &str, path: &str, body: &str) {
    let address = endpoint.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("PUT /{path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {SIGNED}");
    let rest = format!("Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    write!(stream, "{head}\r\n{rest}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
