//! Azurite, in the place of Azure Blob Storage. It needs npm.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use object_store::azure::{
    AzureAccessKey, AzureAuthorizer, AzureCredential, MicrosoftAzureBuilder,
};
use object_store::client::{HttpRequest, HttpRequestBody};
use object_store::{ObjectStore, ObjectStoreExt};
use reqwest::{Client, Method};
use tempfile::TempDir;

const PACKAGE: &str = "azurite@3.35.0";

/// The account and the key that everybody's emulator has.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// The program, if there is npm.
static PROGRAM: LazyLock<Option<PathBuf>> = LazyLock::new(install);

fn install() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(PACKAGE);
    let (program, done) = (folder.join("node_modules/.bin/azurite-blob"), folder.join("done"));
    if !done.exists() {
        std::fs::create_dir_all(&folder).unwrap();
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", PACKAGE]).current_dir(&folder);
        let installed = npm.output().is_ok_and(|output| output.status.success());
        assert!(installed || std::env::var_os("CI").is_none(), "{PACKAGE} needs npm");
        if !installed {
            eprintln!("npm is not installed: not tested");
            return None;
        }
        std::fs::write(done, "").unwrap();
    }
    Some(program)
}

pub struct Azure {
    /// `http://127.0.0.1:port/account`
    pub endpoint: String,
    server: Child,
    store: Box<dyn ObjectStore>,
    _folder: TempDir,
}

impl Azure {
    /// With an empty container named `bucket`; none where there is no npm.
    pub async fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Command::new(PROGRAM.as_ref()?);
        // It takes no port of its own: one that was free a moment ago is.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        server.args(["--blobPort", &free.port().to_string(), "--location"]).arg(folder.path());
        server.args(["--skipApiVersionCheck", "--disableTelemetry"]);
        let mut server = server.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut log = BufReader::new(server.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert!(log.any(|line| line.contains("successfully listens")), "Azurite does not start");
        std::thread::spawn(move || log.for_each(drop));
        let endpoint = format!("http://{free}/{ACCOUNT}");
        create_container(&endpoint).await;
        let store = MicrosoftAzureBuilder::new()
            .with_account(ACCOUNT)
            .with_access_key(KEY)
            .with_endpoint(endpoint.clone())
            .with_container_name("bucket")
            .with_allow_http(true)
            .build();
        Some(Self { endpoint, server, store: Box::new(store.unwrap()), _folder: folder })
    }

    pub async fn put(&self, key: &str, body: &str) {
        self.store.put(&key.into(), body.to_owned().into()).await.unwrap();
    }

    /// The variables that a process needs to use the server.
    pub fn environment(&self) -> Vec<(String, String)> {
        let variables = [
            ("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT),
            ("AZURE_STORAGE_ACCOUNT_KEY", KEY),
            ("AZURE_ENDPOINT", &self.endpoint),
        ];
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }
}

async fn create_container(endpoint: &str) {
    rustls::crypto::ring::default_provider().install_default().ok();
    let credential = AzureCredential::AccessKey(AzureAccessKey::try_new(KEY).unwrap());
    let mut request = HttpRequest::new(HttpRequestBody::empty());
    *request.method_mut() = Method::PUT;
    *request.uri_mut() = format!("{endpoint}/bucket?restype=container").parse().unwrap();
    request.headers_mut().insert("content-length", 0.into());
    AzureAuthorizer::new(&credential, ACCOUNT).try_authorize(&mut request).unwrap();
    let url = request.uri().to_string();
    let made = Client::new().put(url).headers(request.headers().clone()).send().await.unwrap();
    assert!(made.status().is_success(), "{}", made.text().await.unwrap());
}

impl Drop for Azure {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}
