//! The clients of `/v1/share`: a page that is shared, and a console that shows it.

use super::client::{PATIENCE, RawSocket, Running, Socket, fragments};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::Data;

/// One end of a shared page.
#[derive(Debug)]
pub(crate) struct Stream {
    socket: RawSocket,
}

/// A shopper and an agent in a room, with the shopper's page shared.
pub(crate) struct Shared {
    pub(crate) mara: Socket,
    pub(crate) jon: Socket,
    pub(crate) share: String,
    pub(crate) page: Stream,
    pub(crate) page_ticket: String,
    pub(crate) view: Stream,
    pub(crate) view_ticket: String,
}

impl Running {
    pub(crate) async fn person(&self, name: &str, role: &str) -> Socket {
        let mut socket = self.hello(&self.token(name, role, Some("help")).await).await;
        socket.join("help").await;
        socket
    }

    /// Asks, consents, connects both sides and sends [`page`].
    pub(crate) async fn shared(&self) -> Shared {
        let mut mara = self.person("Mara", "shopper").await;
        let mut jon = self.person("Jon", "agent").await;
        jon.send(&json!({ "t": "share", "action": "request", "sharer": mara.id() })).await;
        assert_eq!(mara.next("share").await["phase"], "requested");
        mara.send(&json!({ "t": "share", "action": "consent" })).await;
        let live = mara.next_phase("share", "live").await;
        let (share, page_ticket) = (text(&live["share"]), text(&live["ticket"]));
        let view_ticket = text(&jon.next_phase("share", "live").await["ticket"]);
        let mut stream = self.stream(&page_ticket).await;
        assert_eq!(stream.next("snapshot").await["reason"], "no_snapshot");
        stream.send_record(&page()).await;
        let mut view = self.stream(&view_ticket).await;
        view.sees("Red shoes").await;
        Shared { mara, jon, share, page: stream, page_ticket, view, view_ticket }
    }

    /// Opens a stream that is welcome.
    pub(crate) async fn stream(&self, ticket: &str) -> Stream {
        let mut stream = self.knock(ticket).await;
        stream.next("welcome").await;
        stream
    }

    /// Opens a stream and says `hello`.
    pub(crate) async fn knock(&self, ticket: &str) -> Stream {
        let mut stream = Stream { socket: self.connect("/v1/share", None).await.unwrap() };
        stream.send(&json!({ "t": "hello", "v": [1], "ticket": ticket })).await;
        stream
    }
}

impl Stream {
    pub(crate) async fn send(&mut self, frame: &Value) {
        self.socket.send(Message::text(frame.to_string())).await.unwrap();
    }

    pub(crate) async fn send_record(&mut self, record: &Value) {
        self.send_bytes(record.to_string().into_bytes()).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: Vec<u8>) {
        self.socket.send(Message::binary(bytes)).await.unwrap();
    }

    /// Whether the node still takes something.
    pub(crate) async fn try_send_bytes(&mut self, bytes: Vec<u8>) -> bool {
        self.socket.send(Message::binary(bytes)).await.is_ok()
    }

    /// Sends a message in fragments of one byte, until the node hangs up.
    pub(crate) async fn send_in_bytes(&mut self, bytes: &[u8]) {
        for fragment in fragments(bytes, Data::Binary) {
            if self.socket.send(fragment).await.is_err() {
                return;
            }
        }
    }

    /// The next text frame of this type; others on the way, and pages, are skipped.
    pub(crate) async fn next(&mut self, t: &str) -> Value {
        loop {
            match self.receive().await.unwrap_or_else(|| panic!("closed while waiting for {t}")) {
                Message::Text(text) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    if frame["t"] == t {
                        return frame;
                    }
                }
                Message::Binary(_) => {}
                other => panic!("{other:?} while waiting for {t}"),
            }
        }
    }

    /// The next binary frame.
    pub(crate) async fn next_bytes(&mut self) -> Vec<u8> {
        loop {
            match self.receive().await.expect("closed while waiting for a page") {
                Message::Binary(bytes) => return bytes.to_vec(),
                Message::Text(_) => {}
                other => panic!("{other:?} while waiting for a page"),
            }
        }
    }

    /// Reads pages until one holds this text. Gives all that was read.
    pub(crate) async fn sees(&mut self, part: &str) -> String {
        let mut seen = String::new();
        loop {
            let page = String::from_utf8(self.next_bytes().await).unwrap();
            assert!(page.starts_with('['), "always an array");
            let found = page.contains(part);
            seen.push_str(&page);
            if found {
                return seen;
            }
        }
    }

    /// Why the stream is over, and how it was closed.
    pub(crate) async fn ended(&mut self) -> (String, Option<u16>) {
        let reason = text(&self.next("bye").await["reason"]);
        loop {
            match self.receive().await {
                Some(Message::Close(frame)) => return (reason, frame.map(|frame| frame.code.into())),
                Some(_) => {}
                None => return (reason, None),
            }
        }
    }

    /// Asks and waits: everything that was said before has arrived, and what the node answered to it too.
    pub(crate) async fn settle(&mut self) -> Vec<Value> {
        self.send(&json!({ "t": "ping", "ts": 77 })).await;
        let mut before = Vec::new();
        loop {
            let Some(Message::Text(text)) = self.receive().await else { continue };
            let frame: Value = serde_json::from_str(&text).unwrap();
            if frame["t"] == "pong" {
                return before;
            }
            before.push(frame);
        }
    }

    async fn receive(&mut self) -> Option<Message> {
        let next = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("the node says nothing");
        next.and_then(Result::ok)
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text but {value}")).to_owned()
}

/// A page with a card form, recorded by an SDK that masks nothing.
pub(crate) fn page() -> Value {
    let element = |id: u32, tag: &str, attributes: Value, children: Vec<Value>| json!({ "type": 2, "id": id, "tagName": tag, "attributes": attributes, "childNodes": children });
    let words = |id: u32, words: &str| json!({ "type": 3, "id": id, "textContent": words });
    let card = json!({ "name": "cardnumber", "autocomplete": "cc-number", "value": CARD });
    let body = vec![
        element(10, "h1", json!({}), vec![words(11, "Red shoes")]),
        element(20, "button", json!({ "id": "more" }), vec![words(21, "Show more")]),
        element(30, "p", json!({}), vec![words(31, &format!("Paid with {CARD}"))]),
        element(40, "form", json!({}), vec![element(41, "input", card, vec![])]),
    ];
    let html =
        element(2, "html", json!({}), vec![element(3, "head", json!({}), vec![]), element(4, "body", json!({}), body)]);
    let doctype = json!({ "type": 1, "id": 99, "name": "html", "publicId": "", "systemId": "" });
    let document = json!({ "type": 0, "id": 1, "childNodes": [doctype, html] });
    json!([
        { "type": 4, "timestamp": 1_000, "data": { "href": "https://shop.example/cart", "width": 800, "height": 600 } },
        { "type": 2, "timestamp": 1_001, "data": { "node": document, "initialOffset": { "left": 0, "top": 0 } } },
    ])
}

/// The same page without anything to pay.
pub(crate) fn plain_page() -> Value {
    let mut page = page();
    let body = &mut page[1]["data"]["node"]["childNodes"][1]["childNodes"][1]["childNodes"];
    body.as_array_mut().unwrap().truncate(2);
    page
}

/// A headline that changes.
pub(crate) fn headline(words: &str) -> Value {
    let texts = json!([{ "id": 11, "value": words }]);
    json!({ "type": 3, "timestamp": 2_000, "data": { "source": 0, "adds": [], "removes": [], "texts": texts, "attributes": [] } })
}

/// A number that only its owner may see.
pub(crate) const CARD: &str = "4539578763621486";
