//! The accept loop: our own, so that slow and silent connections can be ended and counted (SEC-14, SEC-17).

use super::admission::{Admission, Place};
use super::idle::Idle;
use super::tls::Certificates;
use crate::metrics::Metrics;
use axum::Router;
use axum::extract::ConnectInfo;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tower::Service;

/// How long a request's head may take. hyper counts an idle connection between two requests, too.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a TLS handshake may take.
const TLS_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection may stand still in both directions. Clients ping every ten seconds.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// Largest request head: a token of 4 KiB and what browsers add.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Pause after the system has refused to accept: it has run out of descriptors, and needs time to get some back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves a listener until `stop` changes; running requests are finished, WebSockets are left to their own tasks.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    certificates: Option<Certificates>,
    admission: Arc<Admission>,
    metrics: Arc<Metrics>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => return,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections for a moment: raise LimitNOFILE if this stays");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(place) = admission.connect(address.ip()) else {
            metrics.rate_limited("connection");
            continue;
        };
        metrics.connections(admission.connections());
        let connection = Connection { address: address.ip(), router: router.clone(), stop: stop.clone(), place };
        tokio::spawn(connection.run(stream, certificates.clone()));
    }
}

struct Connection {
    address: IpAddr,
    router: Router,
    stop: watch::Receiver<bool>,
    place: Place,
}

impl Connection {
    async fn run(self, stream: TcpStream, certificates: Option<Certificates>) {
        // Small frames must not wait for each other (Nagle).
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let stream = Idle::new(stream, IDLE_TIMEOUT);
        let Some(certificates) = certificates else { return self.serve(stream).await };
        let acceptor = TlsAcceptor::from(certificates.current());
        if let Ok(Ok(stream)) = tokio::time::timeout(TLS_TIMEOUT, acceptor.accept(stream)).await {
            self.serve(stream).await;
        }
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: S) {
        let Self { address, router, mut stop, place } = self;
        // The place is held for as long as the socket is, also after an upgrade.
        let place = Arc::new(place);
        let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(SocketAddr::new(address, 0)));
            request.extensions_mut().insert(Arc::clone(&place));
            router.clone().call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        // Errors here are the client's: it went away, was too slow or spoke no HTTP.
        let _ = tokio::select! {
            outcome = connection.as_mut() => outcome,
            _ = stop.changed() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
    }
}
