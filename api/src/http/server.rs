//! Listening: plain or TLS, with limits on what clients may cost, until the process is to stop.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::tls_rustls::RustlsConfig;
use axum_server::{Address, Handle, Server};
use hyper_util::rt::TokioTimer;
use tokio::net::TcpSocket;
use tokio_util::sync::CancellationToken;

use super::connection::Acceptor;

/// Longest time in which a client must have sent its headers, if a request may take as long. It begins with the end of the
/// answer before, so a connection that is idle is closed after it too.
const HEADERS: Duration = Duration::from_secs(10);
/// All headers of a request.
const HEADER_BYTES: usize = 32 << 10;
/// Bytes of an answer that the system takes for each connection; twice as many, with what it needs itself.
const SEND_BUFFER_BYTES: u32 = 256 << 10;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;
/// How long requests may go on after the process was told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Where and how to listen.
#[derive(Debug)]
pub(crate) struct ServerSettings {
    /// The files of the certificate chain and of its key.
    pub(crate) tls: Option<(PathBuf, PathBuf)>,
    /// Longest time that a request may take.
    pub(crate) timeout: Duration,
    /// Connections at the same time.
    pub(crate) max_connections: usize,
    /// Longest time in which a client reads nothing of an answer.
    pub(crate) write_timeout: Duration,
}

/// Serves until `stopping`; calls `listening` with the URL once clients can connect.
///
/// # Errors
/// When the certificate cannot be used.
pub(crate) async fn serve(
    router: Router,
    listener: TcpListener,
    settings: &ServerSettings,
    stopping: CancellationToken,
    listening: impl FnOnce(&str),
) -> io::Result<()> {
    let address = listener.local_addr()?;
    let handle = Handle::new();
    tokio::spawn(stop(handle.clone(), stopping));
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let (most, write_timeout) = (settings.max_connections, settings.write_timeout);
    let acceptor = Acceptor::new(most, write_timeout, settings.tls.is_some());
    match &settings.tls {
        Some((certificate, key)) => {
            let config = RustlsConfig::from_pem_file(certificate, key).await?;
            let mut only_http1 = (*config.get_inner()).clone();
            only_http1.alpn_protocols = vec![b"http/1.1".to_vec()];
            config.reload_from_config(Arc::new(only_http1));
            listening(&format!("https://{address}"));
            let server = axum_server::from_tcp_rustls(listener, config)?.handle(handle);
            let server = server.map(|tls| tls.acceptor(acceptor));
            limited(server, settings.timeout).serve(service).await
        }
        None => {
            listening(&format!("http://{address}"));
            let server = axum_server::from_tcp(listener)?.handle(handle);
            let server = server.acceptor(acceptor);
            limited(server, settings.timeout).serve(service).await
        }
    }
}

/// Listens; accepted connections have the send buffer of the listener.
///
/// # Errors
/// When the address cannot be listened on.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
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
