//! The HTTP side: who may come in, what is found where, and in which headers it is wrapped.
//!
//! Owns no room and no session: it asks the switchboard, or looks into the directory.

mod accept;
mod admin;
mod admission;
mod assets;
mod frame_limit;
mod idle;
mod reply;
mod rest;
mod share;
mod socket;
mod tls;
mod websocket;
mod whip;

pub use accept::serve;
pub use admission::{Admission, Limits};
pub use tls::{CertificateFiles, Certificates, TlsError};

use crate::directory::Directory;
use crate::metrics::Metrics;
use crate::relay::Doors;
use crate::signaling::{Reply, Request as Question};
use crate::switchboard::Input;
use crate::token::Keyring;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, delete, get, post};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// Largest request body: an offer of 64 KiB, and some air.
const BODY_BYTES_MAX: usize = 80 * 1024;
/// What a log line may say of a request's path.
const ROUTES: [&str; 10] = [
    "/v1/ws",
    "/v1/share",
    "/v1/whip",
    "/v1/whep",
    "/v1/tokens",
    "/v1/revocations",
    "/v1/rooms",
    "/sdk",
    "/demo",
    "/console",
];
/// How long a request may take, its body included. Media answers an offer within milliseconds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// What every handler can reach.
pub struct Shared {
    /// Where questions and frames go.
    pub inbox: mpsc::Sender<Input>,
    /// The way to the relays of shared pages.
    pub relays: Doors,
    /// Rooms, for looking.
    pub directory: Arc<Directory>,
    /// Tenants and keys, as read last.
    pub keyring: watch::Receiver<Arc<Keyring>>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Who may come in.
    pub admission: Arc<Admission>,
    /// The development mode: demo pages and tokens for the asking, on loopback only.
    pub dev: Option<Dev>,
    /// Whether the node lets nobody in any more.
    pub draining: AtomicBool,
    /// Numbers sockets.
    pub next_socket: AtomicU64,
}

/// What the development mode gives away.
#[derive(Clone, Debug)]
pub struct Dev {
    /// The key that signs its tokens.
    pub key: String,
    /// The key's tenant.
    pub tenant: String,
}

impl Shared {
    fn keyring(&self) -> Arc<Keyring> {
        self.keyring.borrow().clone()
    }

    /// Asks the switchboard. `None`: it has stopped.
    async fn ask(&self, question: Question) -> Option<Reply> {
        let (reply, answer) = oneshot::channel();
        self.inbox.send(Input::Request(question, reply)).await.ok()?;
        answer.await.ok()
    }
}

/// Everything that the public listener serves.
pub fn public_router(shared: Arc<Shared>) -> Router {
    let mut router = Router::new()
        .route("/v1/ws", any(socket::upgrade))
        .route("/v1/share", any(share::upgrade))
        .route("/v1/tokens", post(rest::create_token))
        .route("/v1/revocations", post(rest::revoke))
        .route("/v1/rooms", get(rest::list_rooms).post(rest::create_room))
        .route("/v1/rooms/{room}", get(rest::show_room).delete(rest::end_room))
        .route("/v1/rooms/{room}/participants/{participant}", delete(rest::remove_participant))
        .route("/v1/whip/{room}", post(whip::publish).get(whip::nothing).options(whip::preflight))
        .route(
            "/v1/whip/{room}/{resource}",
            delete(whip::stop).patch(whip::trickle).get(whip::nothing).options(whip::preflight),
        )
        .route("/v1/whep/{room}", post(whip::play).get(whip::nothing).options(whip::preflight))
        .route(
            "/v1/whep/{room}/{resource}",
            delete(whip::stop).patch(whip::trickle).get(whip::nothing).options(whip::preflight),
        )
        .route("/sdk/{*path}", get(assets::serve))
        .route("/demo/{*path}", get(assets::serve))
        .route("/console/{*path}", get(assets::serve))
        .route("/demo/", get(assets::serve))
        .route("/console/", get(assets::serve))
        .route("/demo", get(|| async { Redirect::permanent("/demo/") }))
        .route("/console", get(|| async { Redirect::permanent("/console/") }));
    if shared.dev.is_some() {
        router = router
            .route("/", get(|| async { Redirect::temporary("/demo/") }))
            .route("/v1/dev/token", post(rest::dev_token));
    }
    router
        .fallback(|| async { reply::problem(StatusCode::NOT_FOUND, "not_found", "there is nothing here") })
        .method_not_allowed_fallback(|| async {
            reply::problem(StatusCode::METHOD_NOT_ALLOWED, "method", "this method does nothing here")
        })
        .layer(middleware::from_fn(in_time))
        .layer(middleware::from_fn(wrap))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(shared)
}

/// Everything that the admin listener serves.
pub fn admin_router(shared: Arc<Shared>) -> Router {
    admin::router().layer(middleware::from_fn(in_time)).layer(middleware::from_fn(wrap)).with_state(shared)
}

/// Ends a request that takes too long, whoever is slow.
async fn in_time(request: Request, next: Next) -> Response {
    tokio::time::timeout(REQUEST_TIMEOUT, next.run(request))
        .await
        .unwrap_or_else(|_| reply::problem(StatusCode::REQUEST_TIMEOUT, "timeout", "this took longer than ten seconds"))
}

/// Puts a request id on the way in and out, and headers on the answer that keep a browser from guessing.
async fn wrap(request: Request, next: Next) -> Response {
    static REQUESTS: AtomicU64 = AtomicU64::new(0);
    let number = REQUESTS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let method = request.method().clone();
    // The rest of a path names rooms and resources, and a path of no route may hold anything, a token for instance.
    let route = ROUTES.iter().find(|route| request.uri().path().starts_with(**route)).unwrap_or(&"other");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert("referrer-policy", HeaderValue::from_static("no-referrer"));
    headers.entry("cross-origin-resource-policy").or_insert(HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static("default-src 'none'"));
    headers.insert("x-request-id", HeaderValue::from(number));
    if method != Method::GET || !response.status().is_success() {
        tracing::debug!(request = number, %method, route, status = response.status().as_u16(), "http");
    }
    response.into_response()
}
