//! `/v1/ws`: one task per WebSocket that reads frames, bounds them, parses them, and writes what comes back.

use super::admission::Place;
use super::frame_limit::{FrameLimit, Verdict};
use super::{Shared, reply};
use crate::protocol::{
    self, ErrorCode, ErrorMessage, FRAME_BYTES_MAX, MESSAGES_BURST, MESSAGES_PER_SECOND, ServerFrame, ServerMessage,
    Unreadable,
};
use crate::signaling::{CloseCode, Inbound, SocketId};
use crate::switchboard::{Input, OUTBOX_MAX, Outgoing};
use axum::Extension;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long the system's send buffer may stay full: whoever takes nothing for so long is gone.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// What a socket reads into. The library's 128 KiB would be most of what an idle participant holds; nearly all frames are
/// smaller than this, and larger ones are read in steps.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// How long a client may take to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Opens a WebSocket, if it is admitted.
pub(super) async fn upgrade(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    Extension(place): Extension<Arc<Place>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let (origin, greeting) = match admit(&shared, address, &headers) {
        Ok(admitted) => admitted,
        Err(refusal) => return refusal,
    };
    let socket = SocketId(shared.next_socket.fetch_add(1, Ordering::Relaxed));
    let upgrade = upgrade.max_message_size(FRAME_BYTES_MAX).max_frame_size(FRAME_BYTES_MAX);
    upgrade.read_buffer_size(READ_BUFFER_BYTES).on_upgrade(move |stream| async move {
        let (outbox, outgoing) = mpsc::channel(OUTBOX_MAX);
        if shared.inbox.send(Input::Open { socket, origin, outbox }).await.is_ok() {
            let task = Task {
                id: socket,
                stream,
                shared: Arc::clone(&shared),
                limit: FrameLimit::new(MESSAGES_PER_SECOND, MESSAGES_BURST),
                greeting: Some(greeting),
            };
            task.run(outgoing).await;
            // The switchboard has stopped: nothing is left to tell.
            let _ = shared.inbox.send(Input::Close(socket)).await;
        }
        drop(place);
    })
}

/// Lets a WebSocket in, if the page's origin belongs to some tenant (SEC-16) and its address has not too many. Gives
/// the origin, and the place that the socket holds until it has said who it is.
#[allow(clippy::result_large_err)] // the answer is made once per request
pub(super) fn admit(
    shared: &Shared,
    address: SocketAddr,
    headers: &HeaderMap,
) -> Result<(Option<String>, Place), Response> {
    let origin = match headers.get(header::ORIGIN).map(|origin| origin.to_str()) {
        // Not a browser: cross-site requests are no danger there.
        None => None,
        Some(Ok(origin)) if shared.keyring().any_allows_origin(origin) => Some(origin.to_owned()),
        Some(_) => {
            shared.metrics.auth_fail("origin");
            let message = "this page's origin is on no tenant's list: add it to [[tenants]] origins";
            return Err(reply::problem(StatusCode::FORBIDDEN, "forbidden", message));
        }
    };
    #[allow(clippy::disallowed_methods)] // the shell reads the clock for the limiter
    let may_join = shared.admission.may_join(std::time::Instant::now(), address.ip());
    let greeting = if may_join { shared.admission.greet(address.ip()) } else { None };
    let Some(greeting) = greeting else {
        shared.metrics.rate_limited("join");
        let message = "too many at once from this address";
        return Err(reply::problem(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message));
    };
    Ok((origin, greeting))
}

struct Task {
    id: SocketId,
    stream: WebSocket,
    shared: Arc<Shared>,
    limit: FrameLimit,
    /// Held until the client has been answered for the first time.
    greeting: Option<Place>,
}

impl Task {
    async fn run(mut self, mut outgoing: mpsc::Receiver<Outgoing>) {
        loop {
            let goes_on = tokio::select! {
                out = outgoing.recv() => match out {
                    Some(Outgoing::Text(text)) => {
                        self.greeting = None;
                        self.send(Message::text(text)).await
                    }
                    Some(Outgoing::Close(code)) => {
                        self.close(code).await;
                        false
                    }
                    // Cut loose for being too slow.
                    None => {
                        self.close(CloseCode::TryAgain).await;
                        false
                    }
                },
                frame = self.stream.recv() => self.receive(frame).await,
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Takes a frame. False: the socket is over.
    async fn receive(&mut self, frame: Option<Result<Message, axum::Error>>) -> bool {
        let text = match frame {
            Some(Ok(Message::Text(text))) => text,
            // Pings are answered by the WebSocket layer.
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                return !matches!(self.limit.take(), Verdict::Breach { .. });
            }
            Some(Ok(Message::Binary(_))) => {
                let message = "frames are text: this one is binary".to_owned();
                return self.pass_on(Err(Unreadable { code: ErrorCode::Malformed, message, re: None })).await;
            }
            Some(Ok(Message::Close(_))) | None => return false,
            Some(Err(error)) => {
                if is_too_big(&error) {
                    self.breach(CloseCode::TooBig).await;
                    self.close(CloseCode::TooBig).await;
                }
                return false;
            }
        };
        match self.limit.take() {
            Verdict::Pass => self.pass_on(protocol::read(&text).map(Inbound::new)).await,
            Verdict::Drop { first } => !first || self.warn().await,
            Verdict::Breach { first } => {
                if first {
                    self.breach(CloseCode::Policy).await;
                }
                true
            }
        }
    }

    async fn pass_on(&mut self, frame: Result<Inbound, Unreadable>) -> bool {
        self.shared.inbox.send(Input::Frame(self.id, Box::new(frame))).await.is_ok()
    }

    /// Says that messages are dropped. Not part of the session: nobody but this task knows what was dropped.
    async fn warn(&mut self) -> bool {
        self.shared.metrics.rate_limited("message");
        let message = ServerMessage::Error(ErrorMessage {
            code: ErrorCode::RateLimited,
            message: format!("more than {MESSAGES_PER_SECOND} messages per second: the rest is dropped"),
            re: None,
            retryable: true,
        });
        let text = serde_json::to_string(&ServerFrame { seq: 0, message }).unwrap_or_default();
        self.send(Message::text(text)).await
    }

    async fn breach(&mut self, code: CloseCode) {
        // The switchboard has stopped: the socket closes anyway.
        let _ = self.shared.inbox.send(Input::Breach(self.id, code)).await;
    }

    async fn send(&mut self, message: Message) -> bool {
        matches!(tokio::time::timeout(SEND_TIMEOUT, self.stream.send(message)).await, Ok(Ok(())))
    }

    /// Closes as RFC 6455 §7.1.1 asks, waiting for the client's own close frame. Dropped with frames unread, TCP would
    /// reset the connection, and the client might never see the `bye` before it.
    async fn close(&mut self, code: CloseCode) {
        let frame = CloseFrame { code: code as u16, reason: "".into() };
        if self.send(Message::Close(Some(frame))).await {
            let rest = async { while let Some(Ok(_)) = self.stream.recv().await {} };
            // A client that does not answer is cut off.
            let _ = tokio::time::timeout(CLOSE_TIMEOUT, rest).await;
        }
    }
}

/// Whether a frame passed the size limit. axum hides the reason's type, so its text must do.
pub(super) fn is_too_big(error: &axum::Error) -> bool {
    let text = error.to_string();
    text.contains("too long") || text.contains("too big") || text.contains("Space limit")
}
