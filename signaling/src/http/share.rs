//! `/v1/share`: one task per stream of a shared page. It bounds what comes, hands it to the page's relay, and writes
//! what the relay gives at the pace of its own socket.

use super::frame_limit::{FrameLimit, Verdict};
use super::socket::admit;
use super::websocket::{Bounds, Lost, Upgrade, WebSocket};
use super::{Question, Shared};
use crate::protocol::{
    FromSharer, FromViewer, HELLO_TIMEOUT_MS, SHARER_FRAME_BYTES_MAX, ShareBye, ShareByeReason, ShareClock,
    ShareGreeting, ToSharer, ToViewer, VERSION, VIEWER_FRAME_BYTES_MAX, VerbResult,
};
use crate::relay::{Door, FromStream, OUTBOX_MAX, Said, Seat, StreamId, ToStream};
use crate::signaling::{CloseCode, Holder, OpenStream, Reply, SocketId, StreamPass};
use axum::Extension;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use serde::Deserialize;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use super::admission::Place;

/// A record of the usual size is read at once, a snapshot in steps.
const BOUNDS: Bounds = Bounds { message_bytes: SHARER_FRAME_BYTES_MAX, read_bytes: 16 * 1024, idle_bytes: 16 * 1024 };
/// How often each side is pinged; the sharer's answers say how old its page is when it gets here.
const PING_INTERVAL: Duration = Duration::from_secs(5);
/// Silence after which a stream is over: three pings without an answer.
const SILENCE_MAX: Duration = Duration::from_secs(16);
/// Text frames per second on average, and at once: verbs come at 30 per second at most, assets are asked for in
/// bursts when a page comes.
const TEXTS_PER_SECOND: u32 = 100;
const TEXTS_BURST: u32 = 4_096;
/// Bytes per second that are read of a page on average, and at once. Beyond it the socket is left unread for a moment,
/// which the page sees as a growing buffer. A busy page measures some hundred kilobytes per second.
const BYTES_PER_SECOND: f64 = 4.0 * 1024.0 * 1024.0;
const BYTES_BURST: f64 = 16.0 * 1024.0 * 1024.0;

/// Opens a WebSocket, on the same terms as `/v1/ws`.
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
    let id: StreamId = SocketId(shared.next_socket.fetch_add(1, Ordering::Relaxed));
    upgrade.accept(BOUNDS, Arc::clone(&shared.metrics), move |socket| async move {
        let mut socket = Socket(socket);
        match greet(&mut socket, &shared, origin).await {
            Ok(pass) => {
                drop(greeting);
                let door = shared.relays.of(pass.share).clone();
                let seat = Seat { share: pass.share, holder: pass.holder, stream: id };
                if socket.say(&ToViewer::Welcome(pass.welcome)).await {
                    Stream::new(seat, socket, door).run().await;
                }
            }
            Err(reason) => socket.bye(reason).await,
        }
        drop(place);
    })
}

/// Takes the first frame and asks what its ticket opens.
async fn greet(socket: &mut Socket, shared: &Shared, origin: Option<String>) -> Result<StreamPass, ShareByeReason> {
    let timeout = Duration::from_millis(HELLO_TIMEOUT_MS);
    let first = tokio::time::timeout(timeout, socket.0.receive()).await.map_err(|_| ShareByeReason::Limit)?;
    let Ok(Message::Text(text)) = first else { return Err(ShareByeReason::Limit) };
    if text.len() > VIEWER_FRAME_BYTES_MAX {
        return Err(ShareByeReason::Limit);
    }
    let Ok(ShareGreeting::Hello(hello)) = serde_json::from_str(&text) else { return Err(ShareByeReason::Unauthorized) };
    if !hello.v.contains(&VERSION) {
        return Err(ShareByeReason::Unauthorized);
    }
    match shared.ask(Question::OpenStream(OpenStream { ticket: hello.ticket, origin })).await {
        Some(Reply::Stream(pass)) => Ok(pass),
        Some(_) => Err(ShareByeReason::Unauthorized),
        None => Err(ShareByeReason::Shutdown),
    }
}

struct Stream {
    seat: Seat,
    socket: Socket,
    door: Door,
    limit: FrameLimit,
    pace: Pace,
    began: Instant,
    heard: Instant,
}

impl Stream {
    fn new(seat: Seat, socket: Socket, door: Door) -> Self {
        let now = now();
        let limit = FrameLimit::new(TEXTS_PER_SECOND, TEXTS_BURST);
        Self { seat, socket, door, limit, pace: Pace { debt: 0.0, at: now }, began: now, heard: now }
    }

    async fn run(mut self) {
        let (outbox, mut outgoing) = mpsc::channel(OUTBOX_MAX);
        if self.door.streams.send(FromStream::Attach(self.seat, outbox)).await.is_err() {
            return self.socket.bye(ShareByeReason::Shutdown).await;
        }
        let mut ping = tokio::time::interval(PING_INTERVAL);
        let end = loop {
            let outcome = tokio::select! {
                out = outgoing.recv() => {
                    let outcome = self.write(out).await;
                    if outgoing.is_empty() {
                        self.door.room.notify_one();
                    }
                    outcome
                }
                frame = self.socket.0.receive() => self.receive(frame).await,
                _ = ping.tick() => {
                    let outcome = self.ping().await;
                    // A page once shown, or read, is not the size of every frame to come.
                    if outcome.is_ok() && self.socket.0.can_shrink() {
                        self.socket.0 = self.socket.0.shrink().await;
                    }
                    outcome
                }
            };
            if let Err(end) = outcome {
                break end;
            }
        };
        // The relay has stopped: nothing is left to tell.
        let _ = self.door.streams.send(FromStream::Detach(self.seat)).await;
        if let End::Bye(reason) = end {
            self.socket.bye(reason).await;
        }
    }

    async fn write(&mut self, out: Option<ToStream>) -> Result<(), End> {
        let message = match out {
            Some(ToStream::Text(text)) => Message::text(text),
            Some(ToStream::Binary(bytes)) => Message::Binary(bytes),
            Some(ToStream::Bye(reason)) => return Err(End::Bye(reason)),
            // Cut loose: it did not take what it was told.
            None => return Err(End::Bye(ShareByeReason::Slow)),
        };
        if self.socket.send(message).await { Ok(()) } else { Err(End::Bye(ShareByeReason::Slow)) }
    }

    async fn receive(&mut self, frame: Result<Message, Lost>) -> Result<(), End> {
        let message = frame.map_err(|lost| match lost {
            Lost::Refused(_) => End::Bye(ShareByeReason::Limit),
            Lost::Gone => End::Gone,
        })?;
        self.heard = now();
        match message {
            Message::Binary(bytes) if self.seat.holder == Holder::Sharer => self.pass_on_frame(bytes).await,
            Message::Text(text) => {
                self.spend()?;
                self.receive_text(&text).await
            }
            // Pings are answered by the WebSocket layer.
            Message::Ping(_) | Message::Pong(_) => self.spend(),
            Message::Binary(_) => Err(End::Bye(ShareByeReason::Limit)),
            Message::Close(_) | Message::Frame(_) => Err(End::Gone),
        }
    }

    /// What is over the limit ends the stream: a page or console that is ours never sends so much.
    fn spend(&mut self) -> Result<(), End> {
        match self.limit.take() {
            Verdict::Pass => Ok(()),
            Verdict::Drop { .. } | Verdict::Breach { .. } => Err(End::Bye(ShareByeReason::Limit)),
        }
    }

    async fn receive_text(&mut self, text: &str) -> Result<(), End> {
        if text.len() > VIEWER_FRAME_BYTES_MAX {
            return Err(End::Bye(ShareByeReason::Limit));
        }
        let said = match self.seat.holder {
            Holder::Sharer => serde_json::from_str(text).map(Said::Sharer),
            Holder::Viewer(_) => serde_json::from_str(text).map(Said::Viewer),
        };
        match said {
            Ok(Said::Sharer(FromSharer::Ping(clock)) | Said::Viewer(FromViewer::Ping(clock))) => {
                self.say(&ToViewer::Pong(clock)).await
            }
            Ok(Said::Sharer(FromSharer::Pong(clock))) => {
                let sent = self.began + Duration::from_millis(clock.ts.min(u64::from(u32::MAX)));
                self.pass_on(Said::RoundTrip(now().saturating_duration_since(sent))).await
            }
            Ok(Said::Viewer(FromViewer::Pong(_))) => Ok(()),
            Ok(said) => self.pass_on(said).await,
            Err(_) => self.refuse(text).await,
        }
    }

    /// Says that a verb is malformed, where a number can be found in it. Anything else that cannot be read is dropped.
    async fn refuse(&mut self, text: &str) -> Result<(), End> {
        #[derive(Deserialize)]
        struct Numbered {
            verb: Number,
        }
        #[derive(Deserialize)]
        struct Number {
            seq: u64,
        }
        match serde_json::from_str::<Numbered>(text) {
            Ok(numbered) if self.seat.holder != Holder::Sharer => {
                self.say(&ToViewer::Outcome { seq: numbered.verb.seq, result: VerbResult::Malformed }).await
            }
            _ => Ok(()),
        }
    }

    async fn pass_on(&mut self, said: Said) -> Result<(), End> {
        self.tell(FromStream::Said(self.seat, said)).await
    }

    /// Hands over a record or an asset. Waits while the relay is busy, and while the page has sent too much.
    async fn pass_on_frame(&mut self, bytes: Bytes) -> Result<(), End> {
        let wait = self.pace.spend(now(), bytes.len());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        self.tell(FromStream::Frame(self.seat, bytes)).await
    }

    async fn tell(&mut self, said: FromStream) -> Result<(), End> {
        self.door.streams.send(said).await.map_err(|_| End::Bye(ShareByeReason::Shutdown))
    }

    async fn ping(&mut self) -> Result<(), End> {
        let now = now();
        if now.saturating_duration_since(self.heard) >= SILENCE_MAX {
            return Err(End::Gone);
        }
        let ts = u64::try_from(now.saturating_duration_since(self.began).as_millis()).unwrap_or(u64::MAX);
        self.say(&ToSharer::Ping(ShareClock { ts })).await
    }

    async fn say(&mut self, message: &impl serde::Serialize) -> Result<(), End> {
        if self.socket.say(message).await { Ok(()) } else { Err(End::Bye(ShareByeReason::Slow)) }
    }
}

/// How a stream ends.
enum End {
    /// The client is told why.
    Bye(ShareByeReason),
    /// Nobody is there to be told.
    Gone,
}

struct Socket(WebSocket);

impl Socket {
    async fn say(&mut self, message: &impl serde::Serialize) -> bool {
        let text = serde_json::to_string(message).expect("messages hold only strings, numbers and lists of them");
        self.send(Message::text(text)).await
    }

    async fn send(&mut self, message: Message) -> bool {
        self.0.send(message).await
    }

    /// Says why, and closes.
    async fn bye(&mut self, reason: ShareByeReason) {
        let code = match reason {
            ShareByeReason::Ended | ShareByeReason::Replaced => CloseCode::Normal,
            ShareByeReason::Limit if self.0.refusal().is_some() => CloseCode::TooBig,
            ShareByeReason::Unauthorized | ShareByeReason::Limit => CloseCode::Policy,
            ShareByeReason::Slow | ShareByeReason::Shutdown => CloseCode::TryAgain,
        };
        if self.say(&ToViewer::Bye(ShareBye { reason })).await {
            self.0.close(code).await;
        }
    }
}

/// How much a page has sent beyond its average.
struct Pace {
    debt: f64,
    at: Instant,
}

impl Pace {
    /// Counts a frame; says how long to wait before the next.
    fn spend(&mut self, now: Instant, bytes: usize) -> Duration {
        let earned = now.saturating_duration_since(self.at).as_secs_f64() * BYTES_PER_SECOND;
        self.at = now;
        self.debt = (self.debt - earned).max(0.0) + bytes as f64;
        Duration::from_secs_f64(((self.debt - BYTES_BURST) / BYTES_PER_SECOND).max(0.0))
    }
}

#[allow(clippy::disallowed_methods)] // the shell reads the clock
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_31_a_page_is_read_at_a_bounded_pace() {
        let start = now();
        let mut pace = Pace { debt: 0.0, at: start };
        let mut at = start;
        let mebibyte = 1024 * 1024;
        for _ in 0..16 {
            assert_eq!(pace.spend(at, mebibyte), Duration::ZERO, "the burst");
        }
        let mut waited = Duration::ZERO;
        for _ in 0..40 {
            let wait = pace.spend(at, mebibyte);
            at += wait;
            waited += wait;
        }
        assert_eq!(waited.as_secs_f64().round(), 10.0, "40 MiB at 4 MiB per second");
        at += Duration::from_secs(60);
        assert_eq!(pace.spend(at, mebibyte), Duration::ZERO, "quiet makes up for it");
    }
}
