//! Listening: plain or TLS, with limits on what clients may cost, until the process is to stop.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::RustlsConfig;
use axum_server::{Address, Handle, Server};
use hyper_util::rt::TokioTimer;
use tokio_util::sync::CancellationToken;

/// Longest time in which a client must have sent its headers, if a request may take as long.
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
    /// Longest time that a request may take.
    pub(crate) timeout: Duration,
}

/// Serves until `stopping`; calls `listening` with the URL once clients can connect. Nothing waits
/// until there is more to send (Nagle): an event of a stream would wait for 40 ms.
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
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    match &settings.tls {
        Some((certificate, key)) => {
            let config = RustlsConfig::from_pem_file(certificate, key).await?;
            let mut only_http1 = (*config.get_inner()).clone();
            only_http1.alpn_protocols = vec![b"http/1.1".to_vec()];
            config.reload_from_config(Arc::new(only_http1));
            listening(&format!("https://{address}"));
            let server = axum_server::from_tcp_rustls(listener, config)?.handle(handle);
            let server = server.map(|tls| tls.acceptor(NoDelayAcceptor::new()));
            limited(server, settings.timeout).serve(service).await
        }
        None => {
            listening(&format!("http://{address}"));
            let server = axum_server::from_tcp(listener)?.handle(handle);
            let server = server.acceptor(NoDelayAcceptor::new());
            limited(server, settings.timeout).serve(service).await
        }
    }
}

/// With limits on headers. Only HTTP/1: of others the limits would be other ones, and while it is
/// open which it is to be, a silent client is waited for without end.
fn limited<A: Address, Acceptor>(
    server: Server<A, Acceptor>,
    timeout: Duration,
) -> Server<A, Acceptor> {
    let mut server = server.http1_only();
    let mut http = server.http_builder().http1();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADERS.min(timeout))
        .max_buf_size(HEADER_BYTES);
    server
}

async fn stop(handle: Handle<SocketAddr>, stopping: CancellationToken) {
    stopping.cancelled().await;
    handle.graceful_shutdown(Some(GRACE));
}
