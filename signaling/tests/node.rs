//! A whole node in this process, on free ports, spoken to over real sockets.
#![allow(clippy::unwrap_used)] // a failed step fails the test
#![allow(clippy::disallowed_types)] // the captured log is shared with the subscriber

mod node {
    pub(crate) mod client;
    mod share;
    pub(crate) mod stream;
}

use node::client::{OFFER, Running, SECRET, Socket, start, start_with};
use reqwest::StatusCode;
use serde_json::json;
use std::sync::{Arc, Mutex};
use tillside::placement::SATELLITE_FROM;

#[tokio::test]
async fn a_shopper_and_an_agent_meet() {
    let node = start().await;
    let shopper = node.token("Mara", "shopper", Some("help")).await;
    let agent = node.token("Jon", "agent", None).await;
    let mut mara = node.hello(&shopper).await;
    mara.join("help").await;
    let mut jon = node.hello(&agent).await;
    let desk = jon.next("desk").await;
    assert_eq!(desk["rooms"][0]["room"], "help");
    jon.join("help").await;
    let state = mara.next("state").await;
    assert_eq!(state["participants"][0]["name"], "Jon");
    jon.send(&json!({ "t": "chat", "text": "Hello!" })).await;
    assert_eq!(mara.next("chat").await["text"], "Hello!");
    let rooms = node.get("/v1/rooms").await;
    assert_eq!(rooms["rooms"][0]["participants"].as_array().unwrap().len(), 2);
    assert!(rooms["rooms"][0]["worker"].is_number(), "{rooms}");
    node.stop().await;
}

#[tokio::test]
async fn a_lost_socket_is_resumed() {
    let node = start().await;
    let token = node.token("Mara", "shopper", Some("help")).await;
    let mut mara = node.hello(&token).await;
    mara.join("help").await;
    let (session, secret, seq) = (mara.welcome["session"].clone(), mara.welcome["resume_secret"].clone(), mara.seq);
    drop(mara);
    let mut again = node.open(None).await.unwrap();
    let resume = json!({ "session": session, "secret": secret, "seq": seq });
    again.send(&json!({ "t": "hello", "v": [1], "token": token, "resume": resume })).await;
    let welcome = again.next("welcome").await;
    assert_eq!((welcome["resumed"].as_bool(), welcome["seq"].as_u64()), (Some(true), Some(seq)));
    again.send(&json!({ "t": "chat", "text": "still in the room" })).await;
    again.send(&json!({ "t": "ping", "ts": 1 })).await;
    again.next("pong").await;
    node.stop().await;
}

#[tokio::test]
async fn sec_16_a_foreign_origin_is_refused_before_the_upgrade() {
    let node = start().await;
    assert_eq!(node.open(Some("https://evil.example")).await.unwrap_err(), 403);
    assert_eq!(node.open(Some("null")).await.unwrap_err(), 403);
    assert!(node.open(Some("http://localhost:1234")).await.is_ok());
    node.stop().await;
}

#[tokio::test]
async fn sec_14_a_socket_that_says_nothing_is_closed() {
    let node = start_with(&["signaling.hello_timeout_ms=50"]).await;
    let mut socket = node.open(None).await.unwrap();
    assert_eq!(socket.closed().await, Some(1008));
    node.stop().await;
}

#[tokio::test]
async fn sec_14_greetings_of_one_address_are_limited() {
    let node = start_with(&["limits.greetings_per_address=2"]).await;
    let first = node.open(None).await.unwrap();
    let _second = node.open(None).await.unwrap();
    assert_eq!(node.open(None).await.unwrap_err(), 429);
    drop(first);
    node.until(async || node.open(None).await.is_ok()).await;
    node.stop().await;
}

#[tokio::test]
async fn sec_15_a_frame_that_is_too_large_ends_the_socket() {
    let node = start().await;
    let token = node.token("Mara", "shopper", Some("help")).await;
    let mut mara = node.hello(&token).await;
    mara.send_text(format!(r#"{{"t":"chat","text":"{}"}}"#, "x".repeat(70_000))).await;
    assert_eq!(mara.closed().await, Some(1009));
    let mut other = node.hello(&token).await;
    other.send(&json!({ "t": "ping", "ts": 1 })).await;
    other.next("pong").await;
    node.stop().await;
}

#[tokio::test]
async fn sec_15_a_message_in_too_many_fragments_ends_the_socket() {
    let node = start().await;
    let mut mara = node.hello(&node.token("Mara", "shopper", Some("help")).await).await;
    let mut other = node.hello(&node.token("Jon", "agent", None).await).await;
    assert!(mara.send_in_bytes(&format!("{:64}", r#"{"t":"ping","ts":1}"#)).await);
    assert_eq!(mara.next("pong").await["ts"], 1, "as many as are allowed");
    mara.send_in_bytes(&format!("{:60000}", r#"{"t":"ping","ts":2}"#)).await;
    assert_eq!(mara.next("bye").await["reason"], "limit", "and no pong before it");
    assert_eq!(mara.closed_because().await, Some((1009, "a message may have 64 fragments".to_owned())));
    let mut stranger = node.open(None).await.unwrap();
    stranger.send_in_bytes(&format!("{:65}", r#"{"t":"hello"}"#)).await;
    assert_eq!(stranger.closed().await, Some(1009), "before hello, too");
    node.metrics_with(r#"tillside_ws_message_refused_total{reason="fragments"} 2"#).await;
    other.send(&json!({ "t": "ping", "ts": 3 })).await;
    other.next("pong").await;
    node.stop().await;
}

#[tokio::test]
async fn large_messages_leave_a_socket_in_order() {
    let node = start().await;
    let mut mara = node.hello(&node.token("Mara", "shopper", Some("help")).await).await;
    // Each answer gives the socket back its small buffers, while what was sent after the question is on its way.
    for n in 0..20 {
        mara.send_text(format!(r#"{{"t":"ping","ts":{n},"x":"{}"}}"#, "x".repeat(n * 700))).await;
        mara.send(&json!({ "t": "ping", "ts": n + 100 })).await;
    }
    for n in 0..20 {
        assert_eq!(mara.next("pong").await["ts"], n);
        assert_eq!(mara.next("pong").await["ts"], n + 100);
    }
    node.stop().await;
}

#[tokio::test]
async fn what_is_no_websocket_is_told_so() {
    let node = start().await;
    let client = reqwest::Client::new();
    let ask = |headers: &[(&'static str, &'static str)]| {
        let request = client.get(node.url("/v1/ws"));
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send()
    };
    let upgrade = [("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")];
    let key = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    assert_eq!(ask(&[]).await.unwrap().status(), StatusCode::BAD_REQUEST);
    assert_eq!(ask(&[upgrade[0], upgrade[1], ("sec-websocket-version", "13")]).await.unwrap().status(), 400);
    let old = ask(&[upgrade[0], upgrade[1], key, ("sec-websocket-version", "8")]).await.unwrap();
    assert_eq!(
        (old.status(), old.headers()["sec-websocket-version"].as_bytes()),
        (StatusCode::UPGRADE_REQUIRED, &b"13"[..])
    );
    let answer = ask(&[upgrade[0], upgrade[1], key, ("sec-websocket-version", "13")]).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(answer.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "RFC 6455 §1.3");
    node.stop().await;
}

#[tokio::test]
async fn sec_19_unreadable_frames_are_answered() {
    let node = start().await;
    let mut mara = node.hello(&node.token("Mara", "shopper", Some("help")).await).await;
    let deep = format!(r#"{{"t":"ready","x":{}{}}}"#, "[".repeat(40), "]".repeat(40));
    for (text, code) in [
        ("{", "malformed"),
        ("[1,2,3]", "malformed"),
        (r#"{"t":"dance"}"#, "unknown_type"),
        (r#"{"t":"mute","mid":7}"#, "malformed"),
        (deep.as_str(), "malformed"),
        (r#"{"t":"view","slots":[]}"#, "out_of_order"),
    ] {
        mara.send_text(text.to_owned()).await;
        assert_eq!(mara.next("error").await["code"], code, "{text}");
    }
    node.stop().await;
}

#[tokio::test]
async fn sec_20_a_flood_is_warned_then_ended_and_others_go_on() {
    let node = start().await;
    let mut flooder = node.hello(&node.token("Flo", "shopper", Some("a")).await).await;
    let mut other = node.hello(&node.token("Mara", "shopper", Some("b")).await).await;
    for n in 0..1_000 {
        if !flooder.try_send(&json!({ "t": "ping", "ts": n })).await {
            break;
        }
    }
    assert_eq!(flooder.next("error").await["code"], "rate_limited");
    assert_eq!(flooder.next("bye").await["reason"], "limit");
    other.send(&json!({ "t": "ping", "ts": 1 })).await;
    other.next("pong").await;
    assert!(node.metrics().await.contains("tillside_rate_limited_total{scope=\"message\"} 1"));
    node.stop().await;
}

#[tokio::test]
async fn rest_wants_the_api_key() {
    let node = start().await;
    let http = reqwest::Client::new();
    for path in ["/v1/rooms", "/v1/rooms/help"] {
        assert_eq!(http.get(node.url(path)).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
        let wrong = http.get(node.url(path)).basic_auth("dev", Some("wrong")).send().await.unwrap();
        assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(node.post("/v1/rooms", &json!({ "room": "show" })).await.0, StatusCode::CREATED);
    assert_eq!(node.post("/v1/rooms", &json!({ "room": "show" })).await.0, StatusCode::OK);
    assert_eq!(node.post("/v1/rooms", &json!({ "room": "a b" })).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(node.post("/v1/rooms", &json!({ "rum": "show" })).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(node.delete("/v1/rooms/show").await, StatusCode::NO_CONTENT);
    assert_eq!(node.delete("/v1/rooms/show").await, StatusCode::NOT_FOUND);
    assert_eq!(node.post("/v1/revocations", &json!({ "jti": "t_1" })).await.0, StatusCode::NO_CONTENT);
    node.stop().await;
}

#[tokio::test]
async fn whip_publishes_and_whep_plays() {
    let node = start().await;
    let token = node.token("Camera", "agent", Some("show")).await;
    for kind in ["whip", "whep"] {
        let (status, headers, answer) = node.sdp(&format!("/v1/{kind}/show"), Some(&token), OFFER).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        assert!(answer.starts_with("v=0\r\n") && headers["content-type"] == "application/sdp");
        let (location, etag) = (headers["location"].to_str().unwrap(), headers["etag"].to_str().unwrap());
        let http = reqwest::Client::new();
        let patch = |etag: Option<&str>, kind: &str, body: &'static str| {
            let request = http.patch(node.url(location)).bearer_auth(&token).header("content-type", kind).body(body);
            match etag {
                Some(etag) => request.header("if-match", etag).send(),
                None => request.send(),
            }
        };
        const FRAGMENT: &str = "application/trickle-ice-sdpfrag";
        assert_eq!(patch(Some(etag), FRAGMENT, "a=candidate:x").await.unwrap().status(), StatusCode::NO_CONTENT);
        assert_eq!(patch(None, FRAGMENT, "").await.unwrap().status(), StatusCode::PRECONDITION_REQUIRED);
        assert_eq!(patch(Some("\"x\""), FRAGMENT, "").await.unwrap().status(), StatusCode::PRECONDITION_FAILED);
        assert_eq!(patch(Some(etag), "text/plain", "").await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let restart = patch(Some("*"), FRAGMENT, "a=ice-ufrag:abcd\r\n").await.unwrap();
        assert_eq!(restart.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let end = || http.delete(node.url(location)).bearer_auth(&token).send();
        assert_eq!(end().await.unwrap().status(), StatusCode::OK);
        assert_eq!(end().await.unwrap().status(), StatusCode::NOT_FOUND);
    }
    assert_eq!(node.get("/v1/rooms").await["rooms"], json!([]));
    node.stop().await;
}

#[tokio::test]
async fn a_room_that_has_grown_takes_another_worker_and_gives_it_back() {
    let node = start_with(&["media.workers=2", "limits.joins_per_second_per_address=1000"]).await;
    let token = node.token("Viewer", "agent", Some("show")).await;
    let mut last = (String::new(), String::new());
    let mut ports = Vec::new();
    for _ in 0..=SATELLITE_FROM {
        let (status, headers, answer) = node.sdp("/v1/whep/show", Some(&token), OFFER).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        let candidate = answer.lines().find(|line| line.contains(" UDP ") || line.contains(" udp ")).unwrap();
        ports.push(candidate.split(' ').nth(5).unwrap().parse::<u16>().unwrap());
        last = (headers["location"].to_str().unwrap().to_owned(), candidate.to_owned());
    }
    let room = node.get("/v1/rooms/show").await;
    let (home, satellite) = (room["worker"].as_u64().unwrap() as usize, 1 - room["worker"].as_u64().unwrap());
    assert_eq!(room["satellites"], json!([satellite]));
    let port_of = |worker: usize| node.node.media_addresses()[worker][0].port();
    assert!(ports[..SATELLITE_FROM].iter().all(|port| *port == port_of(home)), "a hundred are at home");
    assert_eq!(ports[SATELLITE_FROM], port_of(1 - home), "the next is told the other worker's port: {}", last.1);

    let gone = reqwest::Client::new().delete(node.url(&last.0)).bearer_auth(&token).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::OK);
    assert_eq!(node.get("/v1/rooms/show").await["satellites"], json!([]));
    assert_eq!(node.delete("/v1/rooms/show").await, StatusCode::NO_CONTENT);
    assert_eq!(node.get("/v1/rooms").await["rooms"], json!([]));
    node.stop().await;
}

#[tokio::test]
async fn whip_refuses_with_the_documented_status() {
    let node = start().await;
    let show = node.token("Camera", "agent", Some("show")).await;
    let anywhere = node.token("Camera", "agent", None).await;
    let observer = node.token("Watcher", "observer", Some("show")).await;
    let receiving = OFFER.replace("a=sendrecv", "a=recvonly");
    for (name, path, token, offer, expected) in [
        ("no token", "/v1/whip/show", None, OFFER, StatusCode::UNAUTHORIZED),
        ("wrong token", "/v1/whip/show", Some("x.y.z"), OFFER, StatusCode::UNAUTHORIZED),
        ("another room", "/v1/whip/other", Some(show.as_str()), OFFER, StatusCode::FORBIDDEN),
        ("unknown room", "/v1/whip/nowhere", Some(anywhere.as_str()), OFFER, StatusCode::NOT_FOUND),
        ("an observer", "/v1/whip/show", Some(observer.as_str()), OFFER, StatusCode::FORBIDDEN),
        ("no SDP", "/v1/whip/show", Some(show.as_str()), "hello", StatusCode::UNPROCESSABLE_ENTITY),
        ("sends nothing", "/v1/whip/show", Some(show.as_str()), &receiving, StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let (status, _, body) = node.sdp(path, token, offer).await;
        assert_eq!(status, expected, "{name}: {body}");
    }
    let http = reqwest::Client::new();
    let post = || http.post(node.url("/v1/whip/show")).bearer_auth(&show).body(OFFER);
    let untyped = post().header("content-type", "text/plain").send().await.unwrap();
    assert_eq!(untyped.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let foreign = post().header("content-type", "application/sdp").header("origin", "https://evil.example").send();
    assert_eq!(foreign.await.unwrap().status(), StatusCode::FORBIDDEN);
    let preflight = http.request(reqwest::Method::OPTIONS, node.url("/v1/whip/show"));
    let preflight = preflight.header("origin", "http://localhost:1").send().await.unwrap();
    assert_eq!(preflight.status(), StatusCode::NO_CONTENT);
    assert_eq!(preflight.headers()["access-control-allow-origin"], "http://localhost:1");
    assert_eq!(preflight.headers()["access-control-expose-headers"], "Location, ETag, Link");
    assert_eq!(http.get(node.url("/v1/whip/show")).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    node.stop().await;
}

#[tokio::test]
async fn sec_32_the_public_listener_shows_no_metrics_and_the_admin_listener_drains() {
    let node = start().await;
    let http = reqwest::Client::new();
    for path in ["/metrics", "/healthz", "/readyz", "/drainz", "/v1/node/drain", "/debug", "/.git/config"] {
        assert_eq!(http.get(node.url(path)).send().await.unwrap().status(), StatusCode::NOT_FOUND, "{path}");
    }
    let admin = |path: &str| format!("http://{}{path}", node.node.admin_address());
    let status = async |path: &str| http.get(admin(path)).send().await.unwrap().status();
    assert_eq!((status("/healthz").await, status("/readyz").await), (StatusCode::OK, StatusCode::OK));
    let mut mara = node.hello(&node.token("Mara", "shopper", Some("help")).await).await;
    http.post(admin("/v1/node/drain")).send().await.unwrap();
    assert_eq!((status("/healthz").await, status("/readyz").await), (StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE));
    mara.send(&json!({ "t": "join", "offer": OFFER, "tracks": [] })).await;
    assert_eq!(mara.next("error").await["code"], "overloaded");
    http.delete(admin("/v1/node/drain")).send().await.unwrap();
    assert_eq!(status("/readyz").await, StatusCode::OK);
    mara.join("help").await;
    node.stop().await;
    assert_eq!(mara.next("bye").await["reason"], "shutdown");
}

#[tokio::test]
async fn answers_carry_headers_that_keep_browsers_from_guessing() {
    let node = start().await;
    let answer = reqwest::get(node.url("/sdk/nothing.js")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("content-security-policy", "default-src 'none'"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.headers()[name], value, "{name}");
    }
    node.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let node = start().await;
    let taken = format!("signaling.listen={}", node.node.http_address());
    let error = node::client::try_start(&[&taken]).await.err().unwrap();
    assert!(error.contains("cannot listen on 127.0.0.1:") && error.contains("[signaling]"), "{error}");
    node.stop().await;
}

/// Writes log lines into memory.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn sec_23_no_secret_reaches_a_log() {
    let captured = Captured::default();
    let writer = captured.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone());
    // The runtime has one thread, this one, so that the log of this test alone is captured.
    let secrets = tracing::subscriber::with_default(subscriber.finish(), || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(a_call_full_of_secrets())
    });
    let log = String::from_utf8_lossy(&captured.0.lock().unwrap()).into_owned();
    assert!(log.contains("session begins"), "the log was captured");
    for secret in secrets {
        assert!(!log.contains(&secret), "a log line contains {secret}");
    }
}

async fn a_call_full_of_secrets() -> Vec<String> {
    let node: Running = start().await;
    let token = node.token("Mara", "shopper", Some("help")).await;
    let mut mara: Socket = node.hello(&token).await;
    mara.join("help").await;
    mara.send(&json!({ "t": "chat", "text": "CANARY-CHAT" })).await;
    mara.send_text(r#"{"t":"hello","v":[1],"token":{"x":"CANARY-TOKEN"}}"#.to_owned()).await;
    mara.next("error").await;
    let whip = node.token("Camera", "agent", Some("help")).await;
    node.sdp("/v1/whip/help", Some(&whip), OFFER).await;
    node.sdp("/v1/whip/help", Some("CANARY-BEARER"), OFFER).await;
    node.sdp("/CANARY-PATH", Some(&whip), OFFER).await;
    let resume_secret = mara.welcome["resume_secret"].as_str().unwrap().to_owned();
    node.stop().await;
    let password = OFFER.lines().find_map(|line| line.strip_prefix("a=ice-pwd:")).unwrap().to_owned();
    let canaries = ["CANARY-CHAT", "CANARY-TOKEN", "CANARY-BEARER", "CANARY-PATH", SECRET].map(str::to_owned);
    canaries.into_iter().chain([token, whip, resume_secret, password]).collect()
}

#[tokio::test]
async fn sec_17_tls_speaks_http_1_1_only() {
    let keys = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/localhost");
    let files = [format!("tls.certificate_file={keys}.pem"), format!("tls.key_file={keys}.key.pem")];
    let node = start_with(&[&files[0], &files[1]]).await;
    for (offered, expected) in
        [(&["http/1.1"][..], Some("http/1.1")), (&["h2", "http/1.1"], Some("http/1.1")), (&["h2"], None)]
    {
        let agreed = node::client::tls(node.node.http_address(), &format!("{keys}.pem"), offered).await;
        assert_eq!(agreed.ok().as_deref(), expected, "{offered:?}");
    }
    node.stop().await;
}
