//! The certificate by which a server knows us.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::error::{Error, Result};

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The files of a certificate and its key. They are read for each connection, as libpq does: those that are
/// renewed are used.
#[derive(Debug)]
pub(super) struct Identity {
    certificate: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    /// What was in the files when they were last of use.
    last: RwLock<Arc<CertifiedKey>>,
}

impl Identity {
    pub(super) fn new(
        certificate: PathBuf,
        key: PathBuf,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self> {
        let last = RwLock::new(Arc::new(read(&certificate, &key, &provider)?));
        Ok(Self { certificate, key, provider, last })
    }
}

impl ResolvesClientCert for Identity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let mut last = self.last.write().unwrap_or_else(PoisonError::into_inner);
        match read(&self.certificate, &self.key, &self.provider) {
            Ok(renewed) => *last = Arc::new(renewed),
            Err(error) => {
                tracing::warn!(error = error.with_causes(), "the last one is used again");
            }
        }
        Some(Arc::clone(&last))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn read(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey> {
    let chain = read_chain(certificate).map_err(|source| unusable(certificate, source))?;
    let of_key = |source: Cause| unusable(key, source);
    let secret = read_key(key).map_err(of_key)?;
    CertifiedKey::from_der(chain, secret, provider).map_err(|error| of_key(error.into()))
}

fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, Cause> {
    let text = std::fs::read(file)?;
    let chain = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>()?;
    if chain.is_empty() { Err("it holds no certificate in PEM".into()) } else { Ok(chain) }
}

fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>, Cause> {
    let mut file = File::open(file)?;
    refuse_exposed(&file)?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    if text.windows(9).any(|piece| piece == b"ENCRYPTED") {
        return Err("it is encrypted, which is not supported: decrypt it".into());
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|_| "it holds no private key in PEM".into())
}

/// As libpq: nobody else may read it, but for the group of a file of root's.
fn refuse_exposed(file: &File) -> Result<(), Cause> {
    let found = file.metadata()?;
    if !found.is_file() {
        return Err("it is no regular file".into());
    }
    let exposed = if found.uid() == 0 { 0o037 } else { 0o077 };
    if found.mode() & exposed == 0 {
        return Ok(());
    }
    let problem = format!(
        "others can read it (its permissions are {:04o}): chmod 600, or 640 if it belongs to root",
        found.mode() & 0o7777
    );
    Err(io::Error::new(io::ErrorKind::PermissionDenied, problem).into())
}

fn unusable(file: &Path, source: Cause) -> Error {
    Error::ClientCertificate { file: file.to_owned(), source }
}
