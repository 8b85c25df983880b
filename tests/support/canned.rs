//! A server that answers every request with the same bytes, and notes what it was sent.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::s3::{SERVERS, listen};

pub struct Canned {
    /// `127.0.0.1:port`
    pub host: String,
    received: Arc<Mutex<Vec<String>>>,
}

impl Canned {
    pub fn start(answer: String) -> Self {
        let listener = listen();
        let host = listener.local_addr().unwrap().to_string();
        let received = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&received);
        SERVERS.spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let (log, answer) = (Arc::clone(&log), answer.clone());
                tokio::spawn(async move {
                    let mut head = vec![0; 1 << 16];
                    let read = client.read(&mut head).await.unwrap_or(0);
                    log.lock().unwrap().push(String::from_utf8_lossy(&head[..read]).into_owned());
                    // Who has gone away does not want it.
                    client.write_all(answer.as_bytes()).await.ok();
                });
            }
        });
        Self { host, received }
    }

    /// The requests so far.
    pub fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }
}

/// An answer with a status, some lines of headers and a body.
pub fn answer(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}
