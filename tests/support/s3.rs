//! An S3 server in this process, over a folder; it answers only requests that its key has signed.

use std::path::PathBuf;
use std::sync::LazyLock;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub const ACCESS_KEY: &str = "test-access-key";
pub const SECRET_KEY: &str = "test-secret-key";

/// What servers of the tests run on: a test may block its own thread while it waits for a command.
pub static SERVERS: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

pub struct S3Server {
    /// `http://127.0.0.1:port`
    pub endpoint: String,
    folder: TempDir,
}

impl S3Server {
    /// With an empty bucket named `bucket`.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("bucket")).unwrap();
        let mut service = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let listener = listen();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        SERVERS.spawn(serve(listener, service.build()));
        Self { endpoint, folder }
    }

    /// The file of an object of the bucket `bucket`.
    pub fn file(&self, key: &str) -> PathBuf {
        self.folder.path().join("bucket").join(key)
    }

    pub fn put(&self, key: &str, bytes: impl AsRef<[u8]>) {
        let file = self.file(key);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }

    /// The variables that a process needs to use the server.
    pub fn environment(&self) -> Vec<(String, String)> {
        environment(&self.endpoint)
    }
}

/// The variables for a server at an endpoint.
pub fn environment(endpoint: &str) -> Vec<(String, String)> {
    let variables = [
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", endpoint),
    ];
    variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

/// Listens on a port of its own, for tasks of [`SERVERS`].
pub fn listen() -> TcpListener {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let _runtime = SERVERS.enter();
    TcpListener::from_std(listener).unwrap()
}

async fn serve(listener: TcpListener, service: S3Service) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let service = service.clone();
        tokio::spawn(async move {
            let server = Builder::new(TokioExecutor::new());
            // A client that goes away is no failure of the server.
            server.serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}
