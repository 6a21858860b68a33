//! WebSockets by an upgrade of our own, so that what comes is counted before the library joins it (SEC-15).
//!
//! Owns the handshake (RFC 6455 §4.2), the bounds of what is read, and how a socket is closed. Knows nothing of what is
//! said over it.

mod fragments;

use super::reply;
use crate::metrics::Metrics;
use crate::signaling::CloseCode;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use fragments::{FRAGMENTS_MAX, Fragments, TooManyFragments};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

/// How long a socket may take to take a frame: whoever takes nothing for so long is gone. A snapshot of 5 MiB passes
/// at 4 Mbit/s.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes that may be fed before some are written anyway.
const WRITE_BUFFER_BYTES: usize = 16 * 1024;
/// Frames up to this many bytes leave the library's buffers as they are; larger ones make them grow, and they stay so.
const SMALL_BYTES: usize = 1024;
/// The version that everybody speaks (RFC 6455 §4.1).
const VERSION: &str = "13";

/// A request that may become a WebSocket.
pub(super) struct Upgrade {
    accept: HeaderValue,
    upgraded: OnUpgrade,
}

/// What may be read of a socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Bytes of a message, whether in one frame or in several.
    pub(super) message_bytes: usize,
    /// Bytes that are read at once. A whole frame is collected whatever its size.
    pub(super) read_bytes: usize,
    /// The same after [`WebSocket::shrink`]: a buffer of this size is kept for as long as nothing comes.
    pub(super) idle_bytes: usize,
}

/// A socket after its handshake.
pub(super) struct WebSocket {
    /// Boxed, because a future holds what it is given once more in each step that hands it on.
    stream: Box<WebSocketStream<Counted<TokioIo<Upgraded>>>>,
    bounds: Bounds,
    metrics: Arc<Metrics>,
    /// Messages and control frames that the library has given out.
    received: u64,
    /// Whether a frame has made the library's buffers grow.
    grown: bool,
    /// Why nothing more can be read.
    lost: Option<Lost>,
}

/// Why nothing more comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// What came is not taken. The client can still be told.
    Refused(Refusal),
    /// The client is gone, or does not speak RFC 6455.
    Gone,
}

/// What is wrong with a message that is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It has too many bytes.
    Size,
    /// It has too many fragments.
    Fragments,
}

impl<S: Sync> FromRequestParts<S> for Upgrade {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Response> {
        let refuse = |message| reply::problem(StatusCode::BAD_REQUEST, "websocket", message);
        let headers = &parts.headers;
        if parts.method != Method::GET
            || !lists(headers, &header::CONNECTION, "upgrade")
            || !lists(headers, &header::UPGRADE, "websocket")
        {
            return Err(refuse("this is for WebSockets: open it with `new WebSocket(…)` or the like"));
        }
        if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != VERSION) {
            let mut refusal =
                reply::problem(StatusCode::UPGRADE_REQUIRED, "websocket", "only version 13 is spoken here");
            refusal.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION));
            return Err(refusal);
        }
        let key = headers.get(header::SEC_WEBSOCKET_KEY).ok_or_else(|| refuse("there is no Sec-WebSocket-Key"))?;
        let accept = derive_accept_key(key.as_bytes());
        let accept = HeaderValue::try_from(accept).expect("base64 is fit for a header");
        let upgraded = parts.extensions.remove().ok_or_else(|| refuse("this connection cannot become a WebSocket"))?;
        Ok(Self { accept, upgraded })
    }
}

impl Upgrade {
    /// Says yes, and hands the socket to `serve` on a task of its own once the client has been told.
    pub(super) fn accept<F>(
        self,
        bounds: Bounds,
        metrics: Arc<Metrics>,
        serve: impl FnOnce(WebSocket) -> F + Send + 'static,
    ) -> Response
    where
        F: Future<Output = ()> + Send,
    {
        let Self { accept, upgraded } = self;
        tokio::spawn(async move {
            // The client went away before it was told: there is nobody to serve.
            if let Ok(upgraded) = upgraded.await {
                serve(WebSocket::new(TokioIo::new(upgraded), bounds, metrics).await).await;
            }
        });
        let headers = [
            (header::CONNECTION, HeaderValue::from_static("upgrade")),
            (header::UPGRADE, HeaderValue::from_static("websocket")),
            (header::SEC_WEBSOCKET_ACCEPT, accept),
        ];
        (StatusCode::SWITCHING_PROTOCOLS, headers, Body::empty()).into_response()
    }
}

impl WebSocket {
    async fn new(stream: TokioIo<Upgraded>, bounds: Bounds, metrics: Arc<Metrics>) -> Self {
        let stream =
            library(Counted { stream, fragments: Fragments::default() }, bounds.message_bytes, bounds.read_bytes);
        let stream = Box::new(stream.await);
        Self { stream, bounds, metrics, received: 0, grown: false, lost: None }
    }

    /// The next message. Pings are answered already.
    ///
    /// # Errors
    /// See [`Lost`]; from then on always the same.
    pub(super) async fn receive(&mut self) -> Result<Message, Lost> {
        if let Some(lost) = self.lost {
            return Err(lost);
        }
        let lost = match self.stream.next().await {
            Some(Ok(message)) => {
                self.received += 1;
                self.grown |= message.len() > SMALL_BYTES;
                return Ok(message);
            }
            Some(Err(error)) => refusal_in(&error).map_or(Lost::Gone, Lost::Refused),
            None => Lost::Gone,
        };
        if let Lost::Refused(refusal) = lost {
            self.metrics.message_refused(refusal.label());
        }
        Err(*self.lost.insert(lost))
    }

    /// Why what came last was not taken, if it was not.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        match self.lost {
            Some(Lost::Refused(refusal)) => Some(refusal),
            Some(Lost::Gone) | None => None,
        }
    }

    /// Sends a message, and what was fed before. False: the socket is over.
    pub(super) async fn send(&mut self, message: Message) -> bool {
        self.feed(message).await && self.flush().await
    }

    /// Takes a message to be sent with the next. False: the socket is over.
    pub(super) async fn feed(&mut self, message: Message) -> bool {
        self.grown |= message.len() > SMALL_BYTES;
        matches!(tokio::time::timeout(SEND_TIMEOUT, self.stream.feed(message)).await, Ok(Ok(())))
    }

    /// Sends what was fed, as soon as the system takes it. False: the socket is over.
    pub(super) async fn flush(&mut self) -> bool {
        matches!(tokio::time::timeout(SEND_TIMEOUT, self.stream.flush()).await, Ok(Ok(())))
    }

    /// Whether [`WebSocket::shrink`] has something to give back, and may.
    pub(super) fn can_shrink(&self) -> bool {
        self.grown && self.stream.get_ref().fragments.whole() == Some(self.received)
    }

    /// Gives back what large frames have made of the library's buffers: it keeps them as long as it lives. So it gets a
    /// successor, between two messages, when it holds nothing that was read but not given out. To be called after what
    /// was fed is flushed, so that nothing waits to be written either.
    pub(super) async fn shrink(self) -> Self {
        debug_assert!(self.can_shrink(), "something that was read would be lost");
        let stream = library(self.stream.into_inner(), self.bounds.message_bytes, self.bounds.idle_bytes).await;
        Self { stream: Box::new(stream), grown: false, ..self }
    }

    /// Closes as RFC 6455 §7.1.1 asks: says why, and waits for the client's own close frame. Dropped with bytes unread,
    /// TCP would reset the connection, and the client might never see what was said last.
    pub(super) async fn close(&mut self, code: CloseCode) {
        let reason = match self.refusal() {
            Some(Refusal::Size) => format!("a message may have {} bytes", self.bounds.message_bytes),
            Some(Refusal::Fragments) => format!("a message may have {FRAGMENTS_MAX} fragments"),
            None => String::new(),
        };
        let frame = CloseFrame { code: (code as u16).into(), reason: reason.into() };
        if self.send(Message::Close(Some(frame))).await {
            // A client that does not answer is cut off. Rare, so it does not make every socket's task larger.
            let _ = tokio::time::timeout(CLOSE_TIMEOUT, Box::pin(self.read_to_the_end())).await;
        }
    }

    async fn read_to_the_end(&mut self) {
        while self.receive().await.is_ok() {}
        if self.refusal().is_some() {
            // The library reads no more of it. What is still on its way comes to nothing.
            let raw = &mut self.stream.get_mut().stream;
            if raw.shutdown().await.is_ok() {
                let _ = tokio::io::copy(raw, &mut tokio::io::sink()).await;
            }
        }
    }
}

impl Refusal {
    /// For the metrics.
    fn label(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Fragments => "fragments",
        }
    }
}

fn refusal_in(error: &Error) -> Option<Refusal> {
    match error {
        Error::Capacity(_) => Some(Refusal::Size),
        Error::Io(error) if error.get_ref()?.is::<TooManyFragments>() => Some(Refusal::Fragments),
        _ => None,
    }
}

/// A stream whose reader's fragments are counted on the way.
struct Counted<S> {
    stream: S,
    fragments: Fragments,
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { stream, fragments } = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(stream).poll_read(cx, buf))?;
        Poll::Ready(fragments.handle_bytes(&buf.filled()[before..]).map_err(io::Error::other))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

async fn library<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    message_bytes: usize,
    read_bytes: usize,
) -> WebSocketStream<S> {
    let config = WebSocketConfig::default()
        .read_buffer_size(read_bytes)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_message_size(Some(message_bytes))
        .max_frame_size(Some(message_bytes));
    WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await
}

/// Whether a header's list of words has this one.
fn lists(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|listed| listed.trim().eq_ignore_ascii_case(word))
}
