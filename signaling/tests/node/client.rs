//! A running node, and the WebSocket and HTTP clients that talk to it.

use futures_util::{SinkExt, StreamExt};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tillside::config::{Config, DEV_KEY, Layers};
use tillside::node::Node;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// One audio and one video m-line, `0` and `1`, both ways.
pub(crate) const OFFER: &str = include_str!("../../../sfu/tests/fixtures/sdp/aiortc-sendrecv.offer.sdp");
/// The secret of the development key.
pub(crate) const SECRET: &str = "tillside development key: everybody knows it";
/// Nothing on one machine takes so long; only a test that fails waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Running {
    pub(crate) node: Node,
}

pub(crate) async fn start() -> Running {
    start_with(&[]).await
}

pub(crate) async fn start_with(sets: &[&str]) -> Running {
    Running { node: Node::start(&config(sets)).await.expect("the node starts on free ports") }
}

pub(crate) async fn try_start(sets: &[&str]) -> Result<Node, String> {
    Node::start(&config(sets)).await.map_err(|error| error.to_string())
}

/// Development mode on free ports, with one worker.
fn config(sets: &[&str]) -> Config {
    let free =
        ["signaling.listen=127.0.0.1:0", "admin.listen=127.0.0.1:0", "media.udp_port_base=0", "media.tcp_port=0"];
    let sets = free.iter().chain(&["media.workers=1"]).chain(sets).map(|set| (*set).to_owned()).collect();
    Layers { dev: true, sets, ..Layers::default() }.load().expect("the test's configuration is good")
}

impl Running {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.node.http_address())
    }

    pub(crate) async fn stop(self) {
        self.node.stop().await;
    }

    pub(crate) async fn token(&self, name: &str, role: &str, room: Option<&str>) -> String {
        let cobrowse = if role == "shopper" { "share" } else { "control" };
        let publish = ["microphone", "camera", "screen"];
        let mut grants = json!({ "publish": publish, "cobrowse": cobrowse, "moderate": true });
        if let Some(room) = room {
            grants["room"] = room.into();
        }
        let body = json!({ "sub": name, "name": name, "role": role, "grants": grants });
        let (status, answer) = self.post("/v1/tokens", &body).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        answer["token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = reqwest::Client::new().post(self.url(path)).basic_auth(DEV_KEY, Some(SECRET)).json(body);
        let answer = request.send().await.unwrap();
        (answer.status(), serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let request = reqwest::Client::new().get(self.url(path)).basic_auth(DEV_KEY, Some(SECRET));
        request.send().await.unwrap().json().await.unwrap()
    }

    pub(crate) async fn delete(&self, path: &str) -> StatusCode {
        let request = reqwest::Client::new().delete(self.url(path)).basic_auth(DEV_KEY, Some(SECRET));
        request.send().await.unwrap().status()
    }

    pub(crate) async fn sdp(&self, path: &str, token: Option<&str>, offer: &str) -> (StatusCode, HeaderMap, String) {
        let request = reqwest::Client::new().post(self.url(path)).header("content-type", "application/sdp");
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.body(offer.to_owned()).send().await.unwrap();
        (answer.status(), answer.headers().clone(), answer.text().await.unwrap())
    }

    pub(crate) async fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.node.admin_address());
        reqwest::get(url).await.unwrap().text().await.unwrap()
    }

    /// The metrics, once they contain this.
    pub(crate) async fn metrics_with(&self, part: &str) -> String {
        let mut metrics = String::new();
        self.until(async || {
            metrics = self.metrics().await;
            metrics.contains(part)
        })
        .await;
        metrics
    }

    /// Opens a WebSocket, or says with which status it was refused.
    pub(crate) async fn open(&self, origin: Option<&str>) -> Result<Socket, u16> {
        let stream = self.connect("/v1/ws", origin).await?;
        Ok(Socket { stream, welcome: Value::Null, seq: 0 })
    }

    pub(crate) async fn connect(&self, path: &str, origin: Option<&str>) -> Result<RawSocket, u16> {
        let mut request = format!("ws://{}{path}", self.node.http_address()).into_client_request().unwrap();
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((stream, _)) => Ok(stream),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn hello(&self, token: &str) -> Socket {
        let mut socket = self.open(None).await.unwrap();
        socket.send(&json!({ "t": "hello", "v": [1], "token": token, "sdk": "test" })).await;
        socket.welcome = socket.next("welcome").await;
        socket
    }

    /// Tries again until it is so.
    pub(crate) async fn until(&self, mut so: impl AsyncFnMut() -> bool) {
        let trying = async {
            while !so().await {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, trying).await.expect("it never became so");
    }
}

/// Shakes hands, trusting this one certificate. Returns the application protocol that was agreed on.
pub(crate) async fn tls(address: SocketAddr, certificate: &str, protocols: &[&str]) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    let agreed = stream.get_ref().1.alpn_protocol().unwrap_or_default();
    Ok(String::from_utf8_lossy(agreed).into_owned())
}

/// A message in fragments of one byte.
pub(crate) fn fragments(bytes: &[u8], kind: Data) -> impl Iterator<Item = Message> {
    bytes.iter().enumerate().map(move |(n, byte)| {
        let opcode = if n == 0 { kind } else { Data::Continue };
        Message::Frame(Frame::message(vec![*byte], OpCode::Data(opcode), n + 1 == bytes.len()))
    })
}

pub(crate) type RawSocket = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[derive(Debug)]
pub(crate) struct Socket {
    stream: RawSocket,
    pub(crate) welcome: Value,
    /// Of the last numbered frame.
    pub(crate) seq: u64,
}

impl Socket {
    pub(crate) async fn join(&mut self, room: &str) {
        let tracks = json!([{ "mid": "0", "source": "microphone" }, { "mid": "1", "source": "camera" }]);
        self.send(&json!({ "t": "join", "room": room, "offer": OFFER, "tracks": tracks })).await;
        assert_eq!(self.next("joined").await["room"], room);
        assert!(self.next("answer").await["sdp"].as_str().unwrap().contains("a=ice-lite"));
        self.next("state").await;
    }

    pub(crate) async fn send(&mut self, frame: &Value) {
        self.send_text(frame.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, text: String) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn try_send(&mut self, frame: &Value) -> bool {
        self.stream.send(Message::text(frame.to_string())).await.is_ok()
    }

    /// The next frame of this type; others on the way are skipped.
    pub(crate) async fn next(&mut self, t: &str) -> Value {
        loop {
            let message = self.receive().await.unwrap_or_else(|| panic!("closed while waiting for {t}"));
            let Message::Text(text) = message else { panic!("{message:?} while waiting for {t}") };
            let frame: Value = serde_json::from_str(&text).unwrap();
            self.seq = frame["seq"].as_u64().filter(|seq| *seq > 0).unwrap_or(self.seq);
            if frame["t"] == t {
                return frame;
            }
        }
    }

    /// The next `share` or `control` message in this phase; others on the way are skipped.
    pub(crate) async fn next_phase(&mut self, t: &str, phase: &str) -> Value {
        loop {
            let message = self.next(t).await;
            if message["phase"] == phase {
                return message;
            }
        }
    }

    /// The id others know this client by.
    pub(crate) fn id(&self) -> &str {
        self.welcome["you"]["id"].as_str().unwrap()
    }

    /// The close code, once the node closes.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        self.closed_because().await.map(|(code, _)| code)
    }

    /// The close code and its reason, once the node closes.
    pub(crate) async fn closed_because(&mut self) -> Option<(u16, String)> {
        loop {
            if let Message::Close(frame) = self.receive().await? {
                return frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
            }
        }
    }

    /// Sends a text in fragments of one byte. False: the node has hung up meanwhile.
    pub(crate) async fn send_in_bytes(&mut self, text: &str) -> bool {
        for fragment in fragments(text.as_bytes(), Data::Text) {
            if self.stream.send(fragment).await.is_err() {
                return false;
            }
        }
        true
    }

    async fn receive(&mut self) -> Option<Message> {
        let next = tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("the node says nothing");
        next.and_then(Result::ok)
    }
}
