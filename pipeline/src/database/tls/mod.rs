//! TLS by rustls: what a server's certificate must be for us to talk to it.

mod identity;
mod verifier;

use std::fmt;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use tokio_postgres::Socket;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres_rustls::MakeRustlsConnect;

use self::identity::Identity;
use self::verifier::Verifier;
use super::options::{IdentityFiles, Verify};
use crate::error::{Error, Result};

/// The stream of a connection that uses TLS.
pub type TlsStream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// Makes connections that use TLS.
#[derive(Clone)]
pub(super) struct Connector(MakeRustlsConnect);

impl Connector {
    /// A connector that talks only to servers whose certificate is as `verify` wants it, and shows them its own
    /// if they ask for one.
    pub(super) fn new(verify: &Verify, identity: Option<IdentityFiles>) -> Result<Self> {
        let provider = Arc::new(ring::default_provider());
        let failed = |source| roots_error("the system", source);
        let verifier: Arc<dyn ServerCertVerifier> = match verify {
            Verify::Nothing => Arc::new(Verifier { provider: Arc::clone(&provider), roots: None }),
            Verify::Roots(file) => Arc::new(Verifier::new(file, false, &provider)?),
            Verify::RootsAndName(file) => Arc::new(Verifier::new(file, true, &provider)?),
            Verify::Platform => {
                let verifier = rustls_platform_verifier::Verifier::new(Arc::clone(&provider));
                Arc::new(verifier.map_err(|error| failed(error.into()))?)
            }
        };
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(error.into()))?;
        let config = config.dangerous().with_custom_certificate_verifier(verifier);
        let mut config = match identity {
            Some(IdentityFiles { certificate, key }) => {
                let identity = Identity::new(certificate, key, provider)?;
                config.with_client_cert_resolver(Arc::new(identity))
            }
            None => config.with_no_client_auth(),
        };
        // What libpq offers, and `sslnegotiation=direct` needs.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(Self(MakeRustlsConnect::new(config)))
    }

    /// What the driver takes.
    pub(super) fn get(&self) -> MakeRustlsConnect {
        self.0.clone()
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

/// Whether a server and we found no way to use TLS.
pub(super) fn is_handshake_error(error: &tokio_postgres::Error) -> bool {
    let source = std::error::Error::source(error);
    let source = source.and_then(|source| source.downcast_ref::<std::io::Error>());
    source.and_then(std::io::Error::get_ref).is_some_and(|source| source.is::<rustls::Error>())
}

fn roots_error(place: &str, source: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::RootCertificates { place: place.to_owned(), source }
}
