//! A real browser, driven by its own driver.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A browser that is there while this is.
pub struct Browser {
    client: Client,
    driver: Child,
    _profile: TempDir,
}

/// Longest time that anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a browser is to be.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kind {
    pub without_scripts: bool,
    pub is_dark: bool,
    /// That of a telephone.
    pub is_narrow: bool,
}

/// A program of the path.
pub fn program(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let mut found =
        folders.iter().flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    found.find(|program| program.is_file())
}

impl Browser {
    /// None where there is no Chromium with its driver, unless this is CI.
    pub async fn start(kind: Kind) -> Option<Self> {
        let found = program(&["chromium", "chromium-browser"])
            .zip(program(&["chromedriver", "chromium.chromedriver"]));
        let Some((chromium, driver)) = found else {
            assert!(std::env::var_os("CI").is_none(), "the checks need chromium and its driver");
            eprintln!("chromium or chromedriver is not installed: not tested");
            return None;
        };
        let mut driver = Command::new(driver);
        let driver =
            driver.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut driver = driver.kill_on_drop(true).spawn().unwrap();
        let port = port(&mut driver).await;
        let profile = tempfile::tempdir().unwrap();
        let wanted = capabilities(&chromium, profile.path(), kind);
        let mut builder =
            ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
        builder.capabilities(wanted.as_object().unwrap().clone());
        let client = builder.connect(&format!("http://127.0.0.1:{port}")).await.unwrap();
        Some(Self { client, driver, _profile: profile })
    }

    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// The path of the page that is shown, with its query.
    pub async fn path(&self) -> String {
        let url = self.client.current_url().await.unwrap();
        url[url::Position::BeforePath..].to_owned()
    }

    /// What somebody can read on the page.
    pub async fn text(&self) -> String {
        self.find("body").await.text().await.unwrap()
    }

    /// Waits for an element.
    pub async fn find(&self, selector: &str) -> Element {
        self.client.wait().at_most(PATIENCE).for_element(Locator::Css(selector)).await.unwrap()
    }

    /// How many elements there are.
    pub async fn count(&self, selector: &str) -> usize {
        self.client.find_all(Locator::Css(selector)).await.unwrap().len()
    }

    pub async fn click(&self, selector: &str) {
        self.find(selector).await.click().await.unwrap();
    }

    /// Clicks a button by what is on it, and waits until its page is left. A click may return before that.
    pub async fn press(&self, text: &str) {
        let button = format!("//button[normalize-space() = '{text}']");
        let button = self.client.wait().for_element(Locator::XPath(&button)).await.unwrap();
        button.click().await.unwrap();
        let left = async { while button.is_displayed().await.is_ok() {} };
        tokio::time::timeout(PATIENCE, left).await.expect("a page that is left");
    }

    /// Writes into a field, in place of what is there.
    pub async fn write(&self, selector: &str, text: &str) {
        let field = self.find(selector).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Waits until the page has a text.
    pub async fn wait_for(&self, text: &str) {
        let path = format!("//*[contains(normalize-space(), '{text}')]");
        let waited = self.client.wait().at_most(PATIENCE).for_element(Locator::XPath(&path)).await;
        if let Err(error) = waited {
            panic!("{error}: no {text} in {}", self.text().await);
        }
    }

    pub async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    pub async fn run_async(&self, script: &str) -> Value {
        self.client.execute_async(script, Vec::new()).await.unwrap()
    }

    pub async fn screenshot(&self) -> Vec<u8> {
        self.client.screenshot().await.unwrap()
    }
}

// A driver that is killed leaves its browser behind.
impl Drop for Browser {
    fn drop(&mut self) {
        let Some(group) = self.driver.id() else { return };
        let kill = format!("kill -9 -{group}");
        std::process::Command::new("sh").args(["-c", &kill]).status().ok();
    }
}

/// On which port a driver listens.
async fn port(driver: &mut Child) -> u16 {
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some((_, port)) = line.split_once("successfully on port ") {
            let port = port.trim_end_matches('.').parse().unwrap();
            // It goes on to write.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return port;
        }
    }
    panic!("the driver ended");
}

fn capabilities(chromium: &Path, profile: &Path, kind: Kind) -> Value {
    let mut args = vec![
        "--headless".to_owned(),
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--disable-background-networking".to_owned(),
        "--no-first-run".to_owned(),
        "--hide-scrollbars".to_owned(),
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1".to_owned(),
        format!("--user-data-dir={}", profile.display()),
        "--window-size=1280,900".to_owned(),
    ];
    if kind.is_dark {
        args.push("--blink-settings=preferredColorScheme=0".to_owned());
    }
    let scripts = if kind.without_scripts { 2 } else { 1 };
    let mut options = json!({
        "binary": chromium,
        "args": args,
        "prefs": { "profile.managed_default_content_settings.javascript": scripts },
    });
    // Windows are never as narrow.
    if kind.is_narrow {
        let metrics = json!({ "width": 400, "height": 900, "pixelRatio": 1.0 });
        options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
    }
    json!({ "goog:chromeOptions": options })
}
