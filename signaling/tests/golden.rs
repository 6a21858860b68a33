//! Every message has a golden file in `tests/golden/`. This test reads and writes them as the node does; the SDK's
//! tests read the same files.
#![allow(clippy::unwrap_used)] // a failed step fails the test

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use tillside::protocol::{
    ClientMessage, FromSharer, FromViewer, ServerFrame, ServerMessage, ShareGreeting, ToSharer, ToViewer,
};

#[test]
fn every_golden_file_survives_reading_and_writing() {
    let mut client = BTreeSet::new();
    let mut server = BTreeSet::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let expected: Value = serde_json::from_str(&text).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let written = if name.starts_with("client-") {
            let message: ClientMessage = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
            client.insert(client_type(&message));
            serde_json::to_value(&message).unwrap()
        } else if let Some(name) = name.strip_prefix("stream-") {
            again_on_the_stream(name, &text)
        } else {
            let frame: ServerFrame = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
            server.insert(server_type(&frame.message));
            serde_json::to_value(&frame).unwrap()
        };
        assert_eq!(written, expected, "{name}");
    }
    assert_eq!((client.len(), server.len()), (13, 18), "a message has no golden file: {client:?} {server:?}");
}

/// Reads and writes a text frame of `/v1/share`; the file's name says whose.
fn again_on_the_stream(name: &str, text: &str) -> Value {
    fn again<T: Serialize + DeserializeOwned>(text: &str) -> serde_json::Result<Value> {
        serde_json::to_value(serde_json::from_str::<T>(text)?)
    }
    let written = match name.split('-').next().unwrap() {
        "hello" => again::<ShareGreeting>(text),
        "from_sharer" => again::<FromSharer>(text),
        "from_viewer" => again::<FromViewer>(text),
        "to_sharer" => again::<ToSharer>(text),
        "to_viewer" => again::<ToViewer>(text),
        other => panic!("nobody sends {other}"),
    };
    written.unwrap_or_else(|e| panic!("{name}: {e}"))
}

// Exhaustive on purpose: a new message does not compile here until it is named, and then the count above asks for a file.
fn client_type(message: &ClientMessage) -> &'static str {
    match message {
        ClientMessage::Hello(_) => "hello",
        ClientMessage::Join(_) => "join",
        ClientMessage::Offer(_) => "offer",
        ClientMessage::View(_) => "view",
        ClientMessage::Mute(_) => "mute",
        ClientMessage::Ready => "ready",
        ClientMessage::Chat(_) => "chat",
        ClientMessage::Data(_) => "data",
        ClientMessage::Moderate(_) => "moderate",
        ClientMessage::Share(_) => "share",
        ClientMessage::Control(_) => "control",
        ClientMessage::Ping(_) => "ping",
        ClientMessage::Leave => "leave",
    }
}

fn server_type(message: &ServerMessage) -> &'static str {
    match message {
        ServerMessage::Welcome(_) => "welcome",
        ServerMessage::Joined(_) => "joined",
        ServerMessage::Answer(_) => "answer",
        ServerMessage::Waiting(_) => "waiting",
        ServerMessage::State(_) => "state",
        ServerMessage::Bind(_) => "bind",
        ServerMessage::Send(_) => "send",
        ServerMessage::Speakers(_) => "speakers",
        ServerMessage::Quality(_) => "quality",
        ServerMessage::Muted(_) => "muted",
        ServerMessage::Chat(_) => "chat",
        ServerMessage::Data(_) => "data",
        ServerMessage::Desk(_) => "desk",
        ServerMessage::Share(_) => "share",
        ServerMessage::Control(_) => "control",
        ServerMessage::Error(_) => "error",
        ServerMessage::Bye(_) => "bye",
        ServerMessage::Pong(_) => "pong",
    }
}
