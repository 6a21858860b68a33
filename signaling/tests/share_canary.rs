//! SEC-23, PRIV: a shared page with everything in it that must never be written, at the most talkative log level there
//! is. Threads of relays and media log too, so the subscriber is the process' own, and this test stands alone.
#![allow(clippy::unwrap_used)] // a failed step fails the test
#![allow(clippy::disallowed_types)] // the captured log is shared with the subscriber

#[allow(dead_code, reason = "tests/node.rs uses the rest")]
mod node {
    pub(crate) mod client;
    pub(crate) mod stream;
}

use node::client::start;
use node::stream::{CARD, Shared, headline, plain_page, text};
use serde_json::json;
use std::sync::{Arc, Mutex};
use tillside::config::{LogConfig, LogFormat};
use tillside_cobrowse::control::fingerprint;

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

#[tokio::test]
async fn sec_23_nothing_of_a_page_is_written_anywhere() {
    let captured = Captured::default();
    let writer = captured.clone();
    let filter = LogConfig { level: "trace".to_owned(), format: LogFormat::Text }.filter().unwrap();
    // As the node starts its log, with what libraries write by the `log` crate.
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || writer.clone()).init();

    let (secrets, shown) = a_shared_page_full_of_secrets().await;
    let log = String::from_utf8_lossy(&captured.0.lock().unwrap()).into_owned();
    for event in [
        "share requested",
        "share consented",
        "viewer joined",
        "control granted",
        "verb passed",
        "verb outcome",
        "control ended",
        "share ended",
    ] {
        assert!(log.contains(event), "the audit log says {event:?}");
    }
    for secret in secrets {
        for (place, written) in [("log", &log), ("metrics or rooms", &shown)] {
            assert!(!written.contains(&secret), "{place}: {secret}");
        }
    }
}

/// Tells every secret of the story, and all that the node shows about itself meanwhile.
async fn a_shared_page_full_of_secrets() -> (Vec<String>, String) {
    let node = start().await;
    let Shared { mut mara, mut jon, share, mut page, page_ticket, mut view, view_ticket } = node.shared().await;
    page.send_record(&headline("CANARY-TEXT")).await;
    view.sees("CANARY-TEXT").await;
    page.send_record(&json!({ "type": 4, "timestamp": 3, "data": { "href": "https://CANARY-HOST.example/CANARY-PATH?q=CANARY-QUERY", "width": 1, "height": 1 } })).await;
    page.send_record(&json!({ "type": 3, "timestamp": 3, "data": { "source": 5, "id": 41, "text": "CANARY-INPUT", "isChecked": false } })).await;
    page.send_bytes(b"CANARY-GARBAGE".to_vec()).await;
    page.next("snapshot").await;
    page.send_record(&plain_page()).await;
    let state = view.sees("Red shoes").await;
    let epoch: u32 = (1..9).rev().find(|epoch| state.contains(&format!("\"epoch\":{epoch}"))).unwrap();
    mara.send(&json!({ "t": "control", "action": "grant", "viewer": jon.id(), "rung": "type", "for_s": 60 })).await;
    jon.next_phase("control", "granted").await;
    let verb = |seq: u32, act: serde_json::Value| json!({ "t": "verb", "verb": { "seq": seq, "epoch": epoch, "node": 20, "fingerprint": fingerprint("button", "more", "", ""), "act": act } });
    view.send(&verb(1, json!({ "type": { "text": "CANARY-TYPED" } }))).await;
    assert_eq!(view.next("outcome").await["result"], "shopper_acts", "the shopper has just typed");
    view.send(&verb(2, json!({ "highlight": {} }))).await;
    page.next("act").await;
    page.send(&json!({ "t": "outcome", "viewer": jon.id(), "seq": 2, "result": "done", "note": "CANARY-NOTE" })).await;
    view.next("outcome").await;
    view.send(&json!({ "t": "verb", "verb": { "seq": 3, "act": "CANARY-VERB" } })).await;
    view.next("outcome").await;
    view.send(&json!({ "t": "CANARY-TYPE" })).await;
    view.send(&json!({ "t": "want", "asset": "CANARY-ASSET" })).await;
    page.send_bytes([&[0x40][..], &[7; 32], b"CANARY-SVG"].concat()).await;
    page.settle().await;
    node.knock("h_1.CANARY-TICKET").await.ended().await;
    mara.send(&json!({ "t": "share", "action": "continue", "ticket": "CANARY-CONTINUE" })).await;
    mara.next("error").await;
    let shown = format!("{}{}", node.metrics().await, node.get("/v1/rooms").await);
    mara.send(&json!({ "t": "share", "action": "end" })).await;
    assert_eq!(text(&jon.next_phase("share", "ended").await["share"]), share);
    view.ended().await;
    node.stop().await;
    let canaries = ["CANARY", CARD, "Red shoes", "shop.example", "Show more"];
    (canaries.map(str::to_owned).into_iter().chain([page_ticket, view_ticket]).collect(), shown)
}
