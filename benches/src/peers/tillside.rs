//! Our own node: WHIP and WHEP for who only sends or only receives, the WebSocket for calls.

use super::whip::{self, Endpoint};
use super::{EnterError, Entered, Leg, Local, Purpose, Stay};
use crate::server::{Folder, Server, free_port};
use crate::swarm::description::{Kind, Line, Remote, write_offer};
use futures_util::{SinkExt, StreamExt};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Client, Url};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;

/// How long a token is good for, in seconds.
const TOKEN_LIFE_S: u64 = 6 * 3_600;
/// Between pings (`PROTOCOL.md`).
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// How long a join by WebSocket may take.
const JOIN_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a node may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(10);
/// The key of nodes in development mode, and of nodes that the harness starts.
const DEV_KEY: (&str, &str) = ("dev", "tillside development key: everybody knows it");
const DEV_TENANT: &str = "demo";

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// Who signs tokens.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) tenant: String,
}

impl Key {
    /// The key of development mode.
    pub(crate) fn dev() -> Self {
        Self { id: DEV_KEY.0.to_owned(), secret: DEV_KEY.1.to_owned(), tenant: DEV_TENANT.to_owned() }
    }

    /// From `ID:SECRET`; `None` without a colon.
    pub(crate) fn parse(text: &str, tenant: &str) -> Option<Self> {
        let (id, secret) = text.split_once(':')?;
        Some(Self { id: id.to_owned(), secret: secret.to_owned(), tenant: tenant.to_owned() })
    }
}

/// See the module.
#[derive(Clone)]
pub(crate) struct Tillside {
    client: Client,
    url: Url,
    key: Key,
}

/// A WebSocket session, kept alive by a task.
pub(crate) struct Session(oneshot::Sender<Ending>);

/// How a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// With a word.
    Leave,
    /// Without.
    Vanish,
}

impl Session {
    /// Ends it: the task that keeps it does so and ends, too.
    pub(super) fn end(self, how: Ending) {
        let _ = self.0.send(how);
    }
}

impl Tillside {
    /// At `url`, such as `http://127.0.0.1:7880`.
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub(crate) fn new(url: Url, key: Key) -> Result<Self, String> {
        Ok(Self { client: whip::client()?, url, key })
    }

    pub(super) async fn enter(&self, leg: &Leg, local: &Local) -> Result<Entered, EnterError> {
        let path = match leg.purpose {
            Purpose::Call => {
                let joining = tokio::time::timeout(JOIN_TIMEOUT, self.join(leg, local)).await;
                return joining.map_err(|_| "the node did not answer a join in time".to_owned())?;
            }
            Purpose::Publish => format!("v1/whip/{}", leg.room),
            Purpose::Play => format!("v1/whep/{}", leg.room),
        };
        let url = self.url.join(&path).map_err(|error| format!("{path} makes no URL: {error}"))?;
        let endpoint = Endpoint { url, token: Some(self.token(leg)?), headers: Vec::new(), setup: "actpass" };
        whip::enter(&self.client, endpoint, leg, local).await
    }

    fn token(&self, leg: &Leg) -> Result<String, String> {
        let now = unix_now();
        let Key { id, secret, tenant } = &self.key;
        let publish: &[&str] = if leg.purpose == Purpose::Play { &[] } else { &["microphone", "camera"] };
        let claims = json!({
            "iss": id, "sub": leg.member, "nbf": now - 5, "exp": now + TOKEN_LIFE_S,
            "jti": format!("{:032x}", rand::random::<u128>()), "tenant": tenant, "name": leg.member, "role": "agent",
            "grants": { "room": leg.room, "publish": publish, "subscribe": true },
        });
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(id.clone());
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret.as_bytes()))
            .map_err(|error| format!("cannot sign a token: {error}"))
    }

    /// Joins by WebSocket, as a page does.
    async fn join(&self, leg: &Leg, local: &Local) -> Result<Entered, EnterError> {
        let mut url = self.url.join("v1/ws").map_err(|error| format!("no URL: {error}"))?;
        let _ = url.set_scheme("ws");
        let connected = tokio_tungstenite::connect_async(url.as_str()).await;
        let (mut socket, _) = connected.map_err(|error| format!("cannot open {url}: {error}"))?;
        say(&mut socket, &json!({ "t": "hello", "v": [1], "token": self.token(leg)?, "sdk": "tillside-bench" }))
            .await?;
        hear(&mut socket, "welcome").await?;
        let offer = write_offer(&leg.lines, &local.credentials, &local.fingerprint, "actpass");
        say(&mut socket, &json!({ "t": "join", "offer": offer, "tracks": tracks(&leg.lines) })).await?;
        let answer = hear(&mut socket, "answer").await?;
        let remote = Remote::read(answer["sdp"].as_str().unwrap_or_default())?;
        say(&mut socket, &json!({ "t": "ready" })).await?;
        let (end, ended) = oneshot::channel();
        tokio::spawn(stay(socket, ended));
        Ok(Entered { remote, stay: Stay::Session(Session(end)) })
    }
}

/// Seconds since 1970.
#[allow(clippy::disallowed_methods, reason = "tokens have a time")]
pub(super) fn unix_now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

fn tracks(lines: &[Line]) -> Vec<Value> {
    let source = |kind| if kind == Kind::Audio { "microphone" } else { "camera" };
    let tracks = lines.iter().enumerate().filter_map(|(mid, line)| match line {
        Line::Send { kind, .. } => Some(json!({ "mid": mid.to_string(), "source": source(*kind) })),
        Line::Receive(_) => None,
    });
    tracks.collect()
}

async fn say(socket: &mut Socket, message: &Value) -> Result<(), String> {
    let sent = socket.send(Message::text(message.to_string())).await;
    sent.map_err(|error| format!("the node closed the WebSocket: {error}"))
}

/// Waits for a message of this kind; an error or a goodbye of the node is one.
async fn hear(socket: &mut Socket, kind: &str) -> Result<Value, EnterError> {
    while let Some(frame) = socket.next().await {
        let frame = frame.map_err(|error| format!("the node closed the WebSocket: {error}"))?;
        let Message::Text(text) = frame else { continue };
        let message: Value = serde_json::from_str(&text).map_err(|error| format!("not JSON from the node: {error}"))?;
        let word = |name: &str| message[name].as_str().unwrap_or_default();
        match word("t") {
            found if found == kind => return Ok(message),
            "error" if word("code") == "overloaded" => {
                return Err(EnterError::Overloaded(format!("the node takes nobody now: {}", word("message"))));
            }
            "error" => {
                let advice = if word("code") == "unauthorized" { "; check --key and --tenant" } else { "" };
                return Err(format!("the node says {}: {}{advice}", word("code"), word("message")).into());
            }
            "bye" => return Err(format!("the node says goodbye: {}", word("reason")).into()),
            _ => {}
        }
    }
    Err("the node closed the WebSocket".to_owned().into())
}

/// Reads and pings until it is told to end.
async fn stay(mut socket: Socket, mut ended: oneshot::Receiver<Ending>) {
    let mut ping = tokio::time::interval(PING_INTERVAL);
    loop {
        tokio::select! {
            how = &mut ended => {
                if how == Ok(Ending::Leave) {
                    let _ = say(&mut socket, &json!({ "t": "leave" })).await;
                    let _ = socket.close(None).await;
                }
                return;
            }
            _ = ping.tick() => {
                if say(&mut socket, &json!({ "t": "ping", "ts": 0 })).await.is_err() {
                    return;
                }
            }
            frame = socket.next() => {
                if !matches!(frame, Some(Ok(_))) {
                    return;
                }
            }
        }
    }
}

/// How a node of our own is started.
pub(crate) struct Start {
    /// The program; `None`: the one beside the harness.
    pub(crate) program: Option<PathBuf>,
    /// Media workers.
    pub(crate) workers: usize,
    /// The cores it may use; any where `None`.
    pub(crate) cores: Option<String>,
    /// Further keys, `section.key=value`.
    pub(crate) sets: Vec<String>,
}

impl Start {
    /// Starts a node with room for everybody to come from one address, and waits until it answers.
    ///
    /// # Errors
    /// The program is missing, or ends, or does not answer.
    pub(crate) async fn run(&self) -> Result<(Server, Tillside), String> {
        let program = self.program.clone().map_or_else(beside_us, Ok)?;
        if !program.exists() {
            return Err(format!(
                "there is no {}: build it with `cargo build --release -p tillside`, or name one with --node",
                program.display()
            ));
        }
        let (port, admin) = (free_port()?, free_port()?);
        let mut command = vec![program.display().to_string(), "serve".to_owned(), "--dev".to_owned()];
        let mut sets = vec![
            format!("signaling.listen=127.0.0.1:{port}"),
            format!("admin.listen=127.0.0.1:{admin}"),
            format!("media.workers={}", self.workers),
            "media.udp_port_base=0".to_owned(),
            "media.tcp_port=0".to_owned(),
            r#"media.bind=["127.0.0.1"]"#.to_owned(),
            "limits.connections_per_address=20000".to_owned(),
            "limits.greetings_per_address=10000".to_owned(),
            "limits.joins_per_second_per_address=10000".to_owned(),
            "limits.drain_s=0".to_owned(),
            "log.level=warn".to_owned(),
        ];
        sets.extend(self.sets.iter().cloned());
        command.extend(sets.into_iter().flat_map(|set| ["--set".to_owned(), set]));
        let mut server = Server::start(&command, self.cores.as_deref(), Folder::new("tillside")?)?;
        let url: Url = format!("http://127.0.0.1:{port}").parse().expect("a URL by construction");
        let peer = Tillside::new(url, Key::dev())?;
        wait_until_up(&mut server, || async { peer.client.get(peer.url.clone()).send().await.is_ok() }).await?;
        Ok((server, peer))
    }
}

/// Asks again and again whether a server is up.
pub(crate) async fn wait_until_up<F>(server: &mut Server, mut is_up: impl FnMut() -> F) -> Result<(), String>
where
    F: Future<Output = bool>,
{
    let deadline = tokio::time::Instant::now() + START_TIMEOUT;
    loop {
        if let Some(words) = server.last_words() {
            return Err(words);
        }
        if is_up().await {
            return Ok(());
        }
        if tokio::time::Instant::now() > deadline {
            return Err(format!("the server does not answer {START_TIMEOUT:?} after its start: {}", server.log_tail()));
        }
        crate::server::pause(Duration::from_millis(50)).await;
    }
}

fn beside_us() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    Ok(own.with_file_name("tillside"))
}
