//! Janus and its videoroom plugin: started from Debian's package with a configuration of our own, spoken to by JSON over
//! one WebSocket.
//!
//! A participant of a call has two transports here, one to publish and one to receive, and for the second the server
//! offers. The API is documented in Janus' manual, "The Janus API" and "VideoRoom plugin documentation".

use super::{Entered, Leg, Local, Purpose, Stay};
use crate::server::{Folder, Server, free_port};
use crate::swarm::description::{Remote, write_answer, write_offer};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;

/// Janus ends a session after a minute without a word.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
/// How long Janus may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// Between tries to subscribe to a publisher that has just connected, and how many there are.
const FEED_RETRY: Duration = Duration::from_millis(50);
const FEED_TRIES: usize = 20;
/// Where Debian's package and Janus' own build put it.
const PROGRAMS: [&str; 2] = ["/usr/bin/janus", "/opt/janus/bin/janus"];
/// Where plugins and transports may be.
const LIBRARIES: [&str; 4] =
    ["/usr/lib/x86_64-linux-gnu/janus", "/usr/lib/aarch64-linux-gnu/janus", "/usr/lib/janus", "/opt/janus/lib/janus"];

/// A question to Janus, and where its answer goes.
type Ask = (Value, oneshot::Sender<Value>);

/// See the module.
#[derive(Clone)]
pub(crate) struct Janus {
    asks: mpsc::UnboundedSender<Ask>,
    session: u64,
}

/// A handle of the videoroom plugin: one transport.
pub(crate) struct Handle {
    janus: Janus,
    id: u64,
}

impl Handle {
    /// Leaves.
    pub(super) async fn detach(self) {
        let _ = self.janus.ask(json!({ "janus": "detach", "handle_id": self.id })).await;
    }
}

impl Janus {
    /// Starts Janus on a core and opens a session.
    ///
    /// # Errors
    /// It is not installed, or does not start.
    pub(crate) async fn start(core: Option<&str>) -> Result<(Server, Self), String> {
        let exists = |path: &&str| Path::new(path).exists();
        let missing =
            "Janus is not installed: `apt-get install janus`, or describe one that runs in a file for --targets";
        let program = PROGRAMS.into_iter().find(exists).ok_or(missing)?;
        let libraries = LIBRARIES.into_iter().find(exists).ok_or(missing)?;
        let port = free_port()?;
        let folder = Folder::new("janus")?;
        let config = folder.write("janus.jcfg", &core_config(folder.path(), libraries, own_address()?))?;
        folder.write("janus.transport.websockets.jcfg", &websocket_config(port))?;
        folder.write("janus.plugin.videoroom.jcfg", "general: { }\n")?;
        let words = [program, "--config", &config.display().to_string(), "--configs-folder"];
        let mut command: Vec<String> = words.map(str::to_owned).to_vec();
        command.push(folder.path().display().to_string());
        let mut server = Server::start(&command, core, folder)?;
        let url = format!("ws://127.0.0.1:{port}");
        super::tillside::wait_until_up(&mut server, || async {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()
        })
        .await?;
        Ok((server, Self::connect(&url).await?))
    }

    /// Opens a session with a running Janus at `url`, such as `ws://127.0.0.1:8188`.
    ///
    /// # Errors
    /// Nobody answers there, or not Janus.
    pub(crate) async fn connect(url: &str) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("cannot open a session with Janus at {url}: {error}");
        let mut request = url.into_client_request().map_err(|error| failed(&error))?;
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("janus-protocol"));
        let (socket, _) = tokio_tungstenite::connect_async(request).await.map_err(|error| failed(&error))?;
        let (asks, inbox) = mpsc::unbounded_channel();
        tokio::spawn(converse(socket, inbox));
        let mut janus = Self { asks, session: 0 };
        let created = janus.ask(json!({ "janus": "create" })).await?;
        janus.session = created["data"]["id"].as_u64().ok_or_else(|| failed(&"no session id"))?;
        Ok(janus)
    }

    pub(super) async fn enter(&self, leg: &Leg, local: &Local) -> Result<Entered, String> {
        let attached = self.ask(json!({ "janus": "attach", "plugin": "janus.plugin.videoroom" })).await?;
        let handle = attached["data"]["id"].as_u64().ok_or("Janus gave no handle")?;
        let remote = match leg.purpose {
            Purpose::Publish => self.publish(handle, leg, local).await?,
            Purpose::Play => self.play(handle, leg, local).await?,
            Purpose::Call => return Err("Janus does not send and receive on one transport".to_owned()),
        };
        Ok(Entered { remote, stay: Stay::Handle(Handle { janus: self.clone(), id: handle }) })
    }

    async fn publish(&self, handle: u64, leg: &Leg, local: &Local) -> Result<Remote, String> {
        // The first publisher of a room makes it; for the others it is there already, which is an error of no interest.
        let create = json!({
            "request": "create", "room": number(&leg.room), "publishers": 1_000, "bitrate": 0, "fir_freq": 0,
            "audiocodec": "opus", "videocodec": "vp8", "notify_joining": false,
        });
        self.message(handle, create, None).await?;
        // `active`, or Janus would be the DTLS client.
        let sdp = write_offer(&leg.lines, &local.credentials, &local.fingerprint, "active");
        let join = json!({
            "request": "joinandconfigure", "ptype": "publisher", "room": number(&leg.room), "id": number(&leg.member),
        });
        let answered = self.message(handle, join, Some(json!({ "type": "offer", "sdp": sdp }))).await?;
        Remote::read(sdp_of(&answered)?)
    }

    async fn play(&self, handle: u64, leg: &Leg, local: &Local) -> Result<Remote, String> {
        let streams: Vec<Value> = leg.feeds.iter().map(|feed| json!({ "feed": number(feed) })).collect();
        let join = json!({
            "request": "join", "ptype": "subscriber", "room": number(&leg.room), "streams": streams,
        });
        let offered = self.subscribe(handle, join).await?;
        let offer = sdp_of(&offered)?;
        let answer = write_answer(offer, &local.credentials, &local.fingerprint);
        let start = json!({ "request": "start", "room": number(&leg.room) });
        self.message(handle, start, Some(json!({ "type": "answer", "sdp": answer }))).await?;
        Remote::read(offer)
    }

    /// A publisher's feed is there once Janus has seen its handshake end, which may be a moment after the bot has.
    async fn subscribe(&self, handle: u64, join: Value) -> Result<Value, String> {
        for _ in 0..FEED_TRIES {
            match self.message(handle, join.clone(), None).await {
                Err(why) if why.contains("No such feed") => crate::server::pause(FEED_RETRY).await,
                outcome => return outcome,
            }
        }
        self.message(handle, join, None).await
    }

    async fn message(&self, handle: u64, body: Value, jsep: Option<Value>) -> Result<Value, String> {
        let mut message = json!({ "janus": "message", "handle_id": handle, "body": body });
        if let Some(jsep) = jsep {
            message["jsep"] = jsep;
        }
        self.ask(message).await
    }

    /// Asks, and waits for what is more than an acknowledgement.
    async fn ask(&self, mut message: Value) -> Result<Value, String> {
        if self.session != 0 {
            message["session_id"] = self.session.into();
        }
        let kind = message["body"]["request"].as_str().or(message["janus"].as_str()).unwrap_or_default().to_owned();
        let (reply, answer) = oneshot::channel();
        self.asks.send((message, reply)).map_err(|_| "Janus closed the WebSocket".to_owned())?;
        let answer = tokio::time::timeout(ANSWER_TIMEOUT, answer).await;
        let answer = answer.map_err(|_| format!("Janus did not answer `{kind}` in time"))?;
        let answer = answer.map_err(|_| "Janus closed the WebSocket".to_owned())?;
        let data = &answer["plugindata"]["data"];
        let error = answer["error"]["reason"].as_str().or(data["error"].as_str());
        // 427: the room exists.
        match error.filter(|_| data["error_code"] != 427) {
            Some(error) => Err(format!("Janus refuses `{kind}`: {error}")),
            None => Ok(answer),
        }
    }
}

type Connection = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// Owns the WebSocket: numbers questions, hands out answers, keeps the session alive.
async fn converse(mut socket: Connection, mut asks: mpsc::UnboundedReceiver<Ask>) {
    let mut waiting: BTreeMap<String, oneshot::Sender<Value>> = BTreeMap::new();
    let mut session = Value::Null;
    let mut keepalive = tokio::time::interval(KEEPALIVE_INTERVAL);
    for number in 0_u64.. {
        tokio::select! {
            ask = asks.recv() => {
                let Some((mut message, reply)) = ask else { return };
                if !message["session_id"].is_null() {
                    session = message["session_id"].clone();
                }
                message["transaction"] = number.to_string().into();
                waiting.insert(number.to_string(), reply);
                if socket.send(Message::text(message.to_string())).await.is_err() {
                    return;
                }
            }
            _ = keepalive.tick() => {
                let message = json!({ "janus": "keepalive", "session_id": session, "transaction": "keepalive" });
                if !session.is_null() && socket.send(Message::text(message.to_string())).await.is_err() {
                    return;
                }
            }
            frame = socket.next() => {
                let Some(Ok(frame)) = frame else { return };
                let Message::Text(text) = frame else { continue };
                let Ok(message) = serde_json::from_str::<Value>(&text) else { continue };
                let is_final = message["janus"] != "ack";
                let reply = message["transaction"].as_str().filter(|_| is_final).and_then(|name| waiting.remove(name));
                if let Some(reply) = reply {
                    let _ = reply.send(message);
                }
            }
        }
    }
}

fn sdp_of(message: &Value) -> Result<&str, String> {
    message["jsep"]["sdp"].as_str().ok_or_else(|| "Janus answered without a description".to_owned())
}

/// Janus names rooms and feeds by numbers: FNV-1a over the name.
fn number(name: &str) -> u64 {
    let hash = name
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
    // Below 2⁵³, which every JSON library keeps, and not 0.
    (hash >> 12) | 1
}

/// An address of this machine that is not loopback: Janus offers no candidates there (seen with 1.1.2). Datagrams from
/// here to it take the loopback device all the same.
fn own_address() -> Result<IpAddr, String> {
    let none = || {
        "Janus does not use loopback, and this machine has no other IPv4 address: make one with `ip link add bench type \
         dummy && ip addr add 198.18.0.1/32 dev bench && ip link set bench up && ip route add 198.18.0.0/15 dev bench`"
            .to_owned()
    };
    // Connecting a UDP socket sends nothing: it only looks for a route. The address is one for benchmarks (RFC 2544).
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).map_err(|_| none())?;
    socket.connect(&SocketAddr::from((Ipv4Addr::new(198, 18, 0, 2), 9)).into()).map_err(|_| none())?;
    let address = socket.local_addr().ok().and_then(|address| address.as_socket()).ok_or_else(none)?;
    Ok(address.ip())
}

/// One event loop, as it has one core; ICE-lite on one address; nothing loaded that is not measured.
fn core_config(folder: &Path, libraries: &str, address: IpAddr) -> String {
    let folder = folder.display();
    format!(
        r#"general: {{
    configs_folder = "{folder}"
    plugins_folder = "{libraries}/plugins"
    transports_folder = "{libraries}/transports"
    events_folder = "{libraries}/events"
    loggers_folder = "{libraries}/loggers"
    debug_level = 2
    debug_colors = false
    event_loops = 1
    session_timeout = 120
}}
certificates: {{ }}
media: {{
    ipv6 = false
    rtp_port_range = "20000-60000"
}}
nat: {{
    ice_lite = true
    full_trickle = false
    ice_enforce_list = "{address}"
}}
plugins: {{
    disable = "libjanus_audiobridge.so,libjanus_duktape.so,libjanus_echotest.so,libjanus_lua.so,libjanus_nosip.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_streaming.so,libjanus_textroom.so,libjanus_videocall.so,libjanus_voicemail.so"
}}
transports: {{
    disable = "libjanus_http.so,libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so"
}}
"#
    )
}

fn websocket_config(port: u16) -> String {
    format!(
        r#"general: {{
    json = "compact"
    ws = true
    ws_ip = "127.0.0.1"
    ws_port = {port}
    wss = false
}}
admin: {{
    admin_ws = false
    admin_wss = false
}}
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_numbers_that_json_keeps() {
        let numbers: std::collections::BTreeSet<u64> = (0..1_000).map(|n| number(&format!("room-{n}"))).collect();
        assert_eq!(numbers.len(), 1_000);
        assert!(numbers.iter().all(|number| (1..1 << 53).contains(number)));
    }
}
