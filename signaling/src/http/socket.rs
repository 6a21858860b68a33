//! `/v1/ws`: one task per WebSocket that reads frames, bounds them, parses them, and writes what comes back.

use super::admission::Place;
use super::frame_limit::{FrameLimit, Verdict};
use super::websocket::{Bounds, Lost, Upgrade, WebSocket};
use super::{Shared, reply};
use crate::outbox::{Outgoings, outbox};
use crate::protocol::{
    self, ErrorCode, ErrorMessage, FRAME_BYTES_MAX, MESSAGES_BURST, MESSAGES_PER_SECOND, ServerFrame, ServerMessage,
    Unreadable,
};
use crate::signaling::{CloseCode, Inbound, SocketId};
use crate::switchboard::{Input, OUTBOX_MAX, Outgoing};
use axum::Extension;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::mpsc::error::TrySendError;
use tokio_tungstenite::tungstenite::Message;

/// A client joins with one offer of some kilobytes, which is read in a few steps. What it says later is small; a buffer
/// for that is held by every idle participant.
const BOUNDS: Bounds = Bounds { message_bytes: FRAME_BYTES_MAX, read_bytes: 4 * 1024, idle_bytes: 256 };

/// Opens a WebSocket, if it is admitted.
pub(super) async fn upgrade(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    Extension(place): Extension<Arc<Place>>,
    headers: HeaderMap,
    upgrade: Upgrade,
) -> Response {
    let (origin, greeting) = match admit(&shared, address, &headers) {
        Ok(admitted) => admitted,
        Err(refusal) => return refusal,
    };
    let socket = SocketId(shared.next_socket.fetch_add(1, Ordering::Relaxed));
    upgrade.accept(BOUNDS, Arc::clone(&shared.metrics), move |stream| async move {
        let (outbox, outgoing) = outbox(OUTBOX_MAX);
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

/// Whether a socket is still read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    On,
    /// It broke a bound: it is only told what signaling says to that.
    Broken,
    Over,
}

impl Task {
    async fn run(mut self, mut outgoing: Outgoings<Outgoing>) {
        let mut reading = Reading::On;
        while reading != Reading::Over {
            tokio::select! {
                frames = outgoing.take() => {
                    // What writing needs is kept for as long as it lasts, not by every socket that has nothing to write.
                    if !Box::pin(self.write(frames)).await {
                        return;
                    }
                    if self.stream.can_shrink() {
                        self.stream = Box::pin(self.stream.shrink()).await;
                    }
                }
                frame = self.stream.receive(), if reading == Reading::On => reading = self.receive(frame).await,
            }
        }
    }

    /// Writes what signaling says, in one piece: a joining client is told half a dozen things in one breath. False: the
    /// socket is over.
    async fn write(&mut self, frames: Option<Vec<Outgoing>>) -> bool {
        // Without frames it was cut loose for being too slow.
        for frame in frames.unwrap_or_else(|| vec![Outgoing::Close(CloseCode::TryAgain)]) {
            match frame {
                Outgoing::Text(text) => {
                    self.greeting = None;
                    if !self.stream.feed(Message::text(text)).await {
                        return false;
                    }
                }
                Outgoing::Close(code) => {
                    self.stream.close(code).await;
                    return false;
                }
            }
        }
        self.stream.flush().await
    }

    async fn receive(&mut self, frame: Result<Message, Lost>) -> Reading {
        let goes_on = match frame {
            Ok(Message::Text(text)) => self.receive_text(&text).await,
            // Pings are answered by the WebSocket layer.
            Ok(Message::Ping(_) | Message::Pong(_)) => !matches!(self.limit.take(), Verdict::Breach { .. }),
            Ok(Message::Binary(_)) => {
                let message = "frames are text: this one is binary".to_owned();
                self.pass_on(Err(Unreadable { code: ErrorCode::Malformed, message, re: None })).await
            }
            Err(Lost::Refused(_)) => {
                self.breach(CloseCode::TooBig).await;
                return Reading::Broken;
            }
            Ok(Message::Close(_) | Message::Frame(_)) | Err(Lost::Gone) => false,
        };
        if goes_on { Reading::On } else { Reading::Over }
    }

    async fn receive_text(&mut self, text: &str) -> bool {
        match self.limit.take() {
            Verdict::Pass => self.pass_on(protocol::read(text).map(Inbound::new)).await,
            Verdict::Drop { first } => !first || Box::pin(self.warn()).await,
            Verdict::Breach { first } => {
                if first {
                    self.breach(CloseCode::Policy).await;
                }
                true
            }
        }
    }

    /// Hands on what came. False: the switchboard has stopped.
    fn pass_on(&mut self, frame: Result<Inbound, Unreadable>) -> impl Future<Output = bool> + Send {
        self.tell(Input::Frame(self.id, Box::new(frame)))
    }

    /// Tells the switchboard something. False: it has stopped.
    async fn tell(&mut self, input: Input) -> bool {
        match self.shared.inbox.try_send(input) {
            Ok(()) => true,
            // Rare, so it does not make every socket's task larger.
            Err(TrySendError::Full(input)) => Box::pin(self.shared.inbox.send(input)).await.is_ok(),
            Err(TrySendError::Closed(_)) => false,
        }
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
        self.stream.send(Message::text(text)).await
    }

    async fn breach(&mut self, code: CloseCode) {
        // The switchboard has stopped: the socket closes anyway.
        let _ = self.tell(Input::Breach(self.id, code)).await;
    }
}
