//! Listening: plain or TLS, with limits on what clients may cost, until the process is to stop.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum_server::tls_rustls::RustlsConfig;
use axum_server::{Handle, Server};
use hyper_util::rt::TokioTimer;
use tokio_util::sync::CancellationToken;

/// Longest time in which a client must have sent its headers.
const HEADERS: Duration = Duration::from_secs(10);
/// All headers of a request.
const HEADER_BYTES: usize = 32 << 10;
/// How long requests may go on after the process was told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Where and how to listen.
#[derive(Debug)]
pub(crate) struct ServerSettings {
    pub(crate) listen: SocketAddr,
    /// The files of the certificate chain and of its key.
    pub(crate) tls: Option<(PathBuf, PathBuf)>,
}

/// Serves until `stopping`; calls `listening` with the URL once clients can connect.
///
/// # Errors
/// When the address cannot be listened on, or the certificate cannot be used.
pub(crate) async fn serve(
    router: Router,
    settings: &ServerSettings,
    stopping: CancellationToken,
    listening: impl FnOnce(&str),
) -> io::Result<()> {
    let listener = TcpListener::bind(settings.listen)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let handle = Handle::new();
    tokio::spawn(stop(handle.clone(), stopping));
    let service = router.into_make_service();
    match &settings.tls {
        Some((certificate, key)) => {
            let config = RustlsConfig::from_pem_file(certificate, key).await?;
            listening(&format!("https://{address}"));
            let mut server = axum_server::from_tcp_rustls(listener, config)?.handle(handle);
            limit(&mut server);
            server.serve(service).await
        }
        None => {
            listening(&format!("http://{address}"));
            let mut server = axum_server::from_tcp(listener)?.handle(handle);
            limit(&mut server);
            server.serve(service).await
        }
    }
}

fn limit<A: axum_server::Address, Acceptor>(server: &mut Server<A, Acceptor>) {
    let http = server.http_builder();
    let mut http = http.http1();
    http.timer(TokioTimer::new()).header_read_timeout(HEADERS).max_buf_size(HEADER_BYTES);
}

async fn stop(handle: Handle<SocketAddr>, stopping: CancellationToken) {
    stopping.cancelled().await;
    handle.graceful_shutdown(Some(GRACE));
}
