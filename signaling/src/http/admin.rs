//! The admin listener: metrics, health and drain. On loopback unless configured otherwise (SEC-32).

use super::{Shared, reply};
use crate::switchboard::Input;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::oneshot;

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .route("/drainz", get(drain_state))
        .route("/v1/node/drain", post(drain).delete(undrain))
        .fallback(|| async { reply::problem(StatusCode::NOT_FOUND, "not_found", "there is nothing here") })
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    shared.metrics.connections(shared.admission.connections());
    let text = shared.metrics.handle().render();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// Alive: the switchboard answers. Says nothing about anything outside of this process.
async fn health(State(shared): State<Arc<Shared>>) -> Response {
    match sessions(&shared).await {
        Some(_) => (StatusCode::OK, "ok\n").into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "the switchboard does not answer\n").into_response(),
    }
}

/// Ready: takes new calls.
async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    if shared.draining.load(Ordering::Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response();
    }
    health(State(shared)).await
}

async fn drain_state(State(shared): State<Arc<Shared>>) -> Response {
    let draining = shared.draining.load(Ordering::Relaxed);
    let sessions = sessions(&shared).await.unwrap_or(0);
    Json(json!({ "draining": draining, "sessions": sessions, "drained": draining && sessions == 0 })).into_response()
}

async fn drain(State(shared): State<Arc<Shared>>) -> Response {
    set_draining(&shared, true).await;
    drain_state(State(shared)).await
}

async fn undrain(State(shared): State<Arc<Shared>>) -> Response {
    set_draining(&shared, false).await;
    drain_state(State(shared)).await
}

async fn set_draining(shared: &Shared, draining: bool) {
    shared.draining.store(draining, Ordering::Relaxed);
    if shared.inbox.send(Input::Drain(draining)).await.is_ok() {
        tracing::info!(draining, "drain");
    }
}

async fn sessions(shared: &Shared) -> Option<usize> {
    let (reply, answer) = oneshot::channel();
    shared.inbox.send(Input::CountSessions(reply)).await.ok()?;
    answer.await.ok()
}
