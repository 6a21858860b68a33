//! A shared page through a whole node: masked, late, slow, broken and hostile.

use super::client::{Running, start, start_with};
use super::stream::{CARD, Shared, headline, page, plain_page, text};
use serde_json::{Value, json};
use tillside_cobrowse::control::fingerprint;

#[tokio::test]
async fn a_page_is_seen_masked_by_all_and_a_late_viewer_costs_it_nothing() {
    let node = start().await;
    let Shared { mut mara, jon: _jon, mut page, mut view, view_ticket, .. } = node.shared().await;
    page.send_record(&headline("Blue shoes")).await;
    let seen = view.sees("Blue shoes").await;
    assert!(!seen.contains(CARD));
    assert!(page.settle().await.iter().all(|frame| frame["t"] == "ping"), "nothing is asked of the page any more");

    let mut sue = node.person("Sue", "supervisor").await;
    let live = sue.next_phase("share", "live").await;
    assert_eq!(live["viewers"].as_array().unwrap().len(), 1);
    let mut late = node.stream(&text(&live["ticket"])).await;
    let seen = late.sees("Blue shoes").await;
    assert!(seen.contains("Show more") && !seen.contains(CARD));
    assert!(page.settle().await.iter().all(|frame| frame["t"] == "ping"), "the mirror served the late viewer");
    let both = async |mara: &mut super::client::Socket| mara.next("share").await["viewers"].as_array().unwrap().len();
    while both(&mut mara).await < 2 {}

    let mut again = node.stream(&view_ticket).await;
    assert_eq!(view.ended().await, ("replaced".to_owned(), Some(1000)));
    assert!(!again.sees("Blue shoes").await.contains(CARD));
    // What the SDK of this page should have masked is counted apart.
    node.until(async || {
        let metrics = node.metrics().await;
        let card = "tillside_cobrowse_masked_total{barrier=\"card\"} ";
        metrics.contains("tillside_cobrowse_shares{phase=\"live\"} 1")
            && metrics.contains(card)
            && !metrics.contains(&format!("{card}0"))
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn a_slow_viewer_harms_nobody_and_catches_up() {
    let node = start().await;
    let Shared { mara: _mara, jon: _jon, mut page, view: mut slow, .. } = node.shared().await;
    let mut sue = node.person("Sue", "supervisor").await;
    let mut quick = node.stream(&text(&sue.next_phase("share", "live").await["ticket"])).await;
    quick.sees("Red shoes").await;
    const STEPS: usize = 400;
    let filler = "shoes and more shoes ".repeat(1_500);
    for step in 0..STEPS {
        page.send_record(&headline(&format!("step {step} {filler}"))).await;
        quick.sees(&format!("step {step} ")).await;
    }
    let seen = slow.sees(&format!("step {} ", STEPS - 1)).await;
    assert!(seen.matches("step ").count() < STEPS, "what it missed was left out");
    assert!(seen.contains("\"type\":2,\"data\""), "it got a fresh snapshot instead");
    assert!(page.settle().await.iter().all(|frame| frame["t"] == "ping"), "the page had no work by it");
    node.metrics_with("tillside_cobrowse_resnapshots_total 1").await;
    node.stop().await;
}

#[tokio::test]
async fn sec_31_bad_streams_desync_the_share_and_nothing_else() {
    let node = start().await;
    let Shared { mara: mut call, jon: _jon, mut page, mut view, .. } = node.shared().await;
    let mutation = |adds: Value| json!({ "type": 3, "timestamp": 2_000, "data": { "source": 0, "adds": adds, "removes": [], "texts": [], "attributes": [] } });
    let add = |parent: u32, id: u32| {
        mutation(json!([{ "parentId": parent, "nextId": null, "node": { "type": 3, "id": id, "textContent": "x" } }]))
    };
    let mut deep = json!({ "type": 3, "id": 5_000, "textContent": "x" });
    for id in 5_001..5_400 {
        deep = json!({ "type": 2, "id": id, "tagName": "div", "attributes": {}, "childNodes": [deep] });
    }
    let deep = mutation(json!([{ "parentId": 4, "nextId": null, "node": deep }]));
    let chunk = [&[0x82][..], &vec![b' '; 1_000_000]].concat();
    for (messages, reason) in [
        (vec![b"no json".to_vec()], "malformed"),
        (vec![b"\"packed\"".to_vec()], "packed"),
        (vec![chunk; 6], "oversized"),
        (vec![deep.to_string().into_bytes()], "too_deep"),
        (vec![add(999, 900).to_string().into_bytes()], "unknown_parent"),
        (vec![add(4, 11).to_string().into_bytes()], "duplicate_id"),
        (vec![headline("x").to_string().into_bytes(); 3_000], "too_fast"),
    ] {
        for message in messages {
            page.send_bytes(message).await;
        }
        assert_eq!(page.next("snapshot").await["reason"], reason);
        view.sees(&format!("\"why\":\"{reason}\"")).await;
        call.send(&json!({ "t": "ping", "ts": 1 })).await;
        call.next("pong").await;
        if reason != "too_fast" {
            page.send_record(&self::page()).await;
            view.sees("Red shoes").await;
        }
    }
    node.stop().await;
}

#[tokio::test]
async fn sec_15_a_record_in_too_many_fragments_ends_the_stream() {
    let node = start().await;
    let Shared { mara: _mara, jon: _jon, mut page, mut view, page_ticket, .. } = node.shared().await;
    page.send_in_bytes(&[b' '; 65]).await;
    assert_eq!(page.ended().await, ("limit".to_owned(), Some(1009)));
    let mut page = node.stream(&page_ticket).await;
    page.send_record(&headline("Blue shoes")).await;
    page.next("snapshot").await;
    view.send_in_bytes(&[b' '; 65]).await;
    assert_eq!(view.ended().await, ("limit".to_owned(), Some(1009)), "a viewer's words, too");
    node.metrics_with(r#"tillside_ws_message_refused_total{reason="fragments"} 2"#).await;
    node.stop().await;
}

#[tokio::test]
async fn sec_15_frames_over_their_cap_and_floods_end_the_stream() {
    let node = start().await;
    let Shared { mara: _mara, jon: _jon, mut page, mut view, page_ticket, view_ticket, .. } = node.shared().await;
    page.try_send_bytes(vec![b' '; 1_100_000]).await;
    assert_eq!(page.ended().await, ("limit".to_owned(), Some(1009)));
    view.send(&json!({ "t": "want", "asset": "x".repeat(5_000) })).await;
    assert_eq!(view.ended().await.0, "limit");
    let mut view = node.stream(&view_ticket).await;
    view.try_send_bytes(b"[]".to_vec()).await;
    assert_eq!(view.ended().await.0, "limit", "a viewer sends no binary frames");
    let mut page = node.stream(&page_ticket).await;
    page.next("snapshot").await;
    page.send_record(&self::page()).await;
    node.stream(&view_ticket).await.sees("Red shoes").await;
    for ticket in ["", "x", "h_1.sharer.x", &format!("{page_ticket}x"), &view_ticket[1..]] {
        assert_eq!(node.knock(ticket).await.ended().await, ("unauthorized".to_owned(), Some(1008)), "{ticket}");
    }
    assert_eq!(node.connect("/v1/share", Some("https://evil.example")).await.unwrap_err(), 403);
    node.stop().await;
}

#[tokio::test]
async fn sec_28_verbs_reach_the_page_only_within_a_grant() {
    let node = start().await;
    let Shared { mut mara, mut jon, share, mut page, mut view, .. } = node.shared().await;
    page.send_record(&plain_page()).await;
    view.sees("\"epoch\":2").await;
    let verb = |seq: u64| {
        let act = json!({ "click": { "x": 0.5, "y": 0.5 } });
        let fingerprint = fingerprint("button", "more", "", "");
        json!({ "t": "verb", "verb": { "seq": seq, "epoch": 2, "node": 20, "fingerprint": fingerprint, "act": act } })
    };
    let outcome = async |view: &mut super::stream::Stream| text(&view.next("outcome").await["result"]);
    view.send(&verb(1)).await;
    assert_eq!(outcome(&mut view).await, "no_grant");
    jon.send(&json!({ "t": "control", "action": "request", "share": share, "rung": "click" })).await;
    assert_eq!(mara.next("control").await["phase"], "requested");
    let grant = json!({ "t": "control", "action": "grant", "viewer": jon.id(), "rung": "click", "for_s": 60 });
    mara.send(&grant).await;
    let granted = jon.next_phase("control", "granted").await;
    assert_eq!((granted["rung"].as_str(), granted["ends_in_ms"].as_u64().unwrap() <= 60_000), (Some("click"), true));
    view.send(&verb(2)).await;
    let act = page.next("act").await;
    assert_eq!((&act["name"], &act["viewer"]), (&json!("Jon"), &json!(jon.id())));
    page.send(&json!({ "t": "outcome", "viewer": jon.id(), "seq": 999, "result": "done" })).await;
    page.send(&json!({ "t": "outcome", "viewer": jon.id(), "seq": 2, "result": "done" })).await;
    let done = view.next("outcome").await;
    assert_eq!((&done["seq"], &done["result"]), (&json!(2), &json!("done")), "an outcome of no verb is not passed on");
    view.send(&verb(2)).await;
    assert_eq!(outcome(&mut view).await, "unordered", "replayed");
    let mut forged = verb(3);
    forged["verb"]["fingerprint"] = 1.into();
    view.send(&forged).await;
    assert_eq!(outcome(&mut view).await, "moved");
    let mut strange = verb(4);
    strange["verb"]["act"] = json!({ "eval": "alert(1)" });
    view.send(&strange).await;
    assert_eq!(outcome(&mut view).await, "malformed");
    mara.send(&json!({ "t": "control", "action": "revoke" })).await;
    assert_eq!(jon.next_phase("control", "ended").await["why"], "revoked");
    view.send(&verb(5)).await;
    assert_eq!(outcome(&mut view).await, "no_grant");
    mara.send(&grant).await;
    jon.next_phase("control", "granted").await;
    page.send_record(&self::page()).await;
    assert_eq!(jon.next_phase("control", "ended").await["why"], "payment_page");
    assert_eq!(jon.next("control").await["rung"], "point", "pointing is left");
    assert!(page.settle().await.iter().all(|frame| frame["t"] != "act"));
    node.stop().await;
}

#[tokio::test]
async fn a_page_that_loads_anew_goes_on_and_one_that_is_gone_pauses() {
    let node = start().await;
    let Shared { mut mara, mut jon, page, mut view, page_ticket, .. } = node.shared().await;
    drop(page);
    assert_eq!(jon.next_phase("share", "paused").await["why"], "sharer_left");
    view.sees("\"why\":\"sharer_left\"").await;
    let mut page = node.stream(&page_ticket).await;
    page.next("snapshot").await;
    jon.next_phase("share", "live").await;
    page.send_record(&plain_page()).await;
    view.sees("Red shoes").await;

    mara.send(&json!({ "t": "leave" })).await;
    mara.next("bye").await;
    assert_eq!(jon.next_phase("share", "paused").await["why"], "sharer_left");
    let mut mara = node.person("Mara", "shopper").await;
    mara.send(&json!({ "t": "share", "action": "continue", "ticket": page_ticket })).await;
    assert_eq!(mara.next_phase("share", "live").await["sharer"], mara.id());
    assert_eq!(jon.next_phase("share", "live").await["sharer"], mara.id());
    page.next("snapshot").await;
    page.send_record(&plain_page()).await;
    view.sees("Red shoes").await;

    mara.send(&json!({ "t": "share", "action": "pause", "why": "page" })).await;
    assert_eq!(jon.next_phase("share", "paused").await["why"], "page");
    let mut page = node.stream(&page_ticket).await;
    page.next("snapshot").await;
    page.send_record(&plain_page()).await;
    jon.next_phase("share", "live").await;
    view.sees("Red shoes").await;

    mara.send(&json!({ "t": "share", "action": "pause", "why": "shopper" })).await;
    jon.next_phase("share", "paused").await;
    view.sees("\"state\":\"paused\"").await;
    page.send_record(&headline("CANARY")).await;
    mara.send(&json!({ "t": "share", "action": "consent" })).await;
    page.next("snapshot").await;
    page.send_record(&plain_page()).await;
    assert!(!view.sees("Red shoes").await.contains("CANARY"));
    mara.send(&json!({ "t": "share", "action": "end" })).await;
    assert_eq!(jon.next_phase("share", "ended").await["why"], "shopper");
    assert_eq!(page.ended().await, ("ended".to_owned(), Some(1000)));
    assert_eq!(view.ended().await, ("ended".to_owned(), Some(1000)));
    assert_eq!(node.knock(&page_ticket).await.ended().await.0, "unauthorized", "its ticket is over too");
    node.stop().await;
}

#[tokio::test]
async fn sec_22_a_withdrawn_token_takes_the_stream_along() {
    let node = start().await;
    let Shared { mut mara, mut jon, mut page, mut view, view_ticket, .. } = node.shared().await;
    mara.send(&json!({ "t": "moderate", "action": "kick", "participant": jon.id() })).await;
    let refused = mara.next("error").await;
    assert_eq!(refused["code"], "forbidden", "a shopper moderates nobody");
    jon.send(&json!({ "t": "leave" })).await;
    assert_eq!(view.ended().await.0, "ended");
    assert_eq!(node.knock(&view_ticket).await.ended().await.0, "unauthorized");
    assert!(jon.closed().await.is_some());
    let rooms = node.get("/v1/rooms").await;
    let path = format!("/v1/rooms/help/participants/{}", text(&rooms["rooms"][0]["participants"][0]["id"]));
    node.delete(&path).await;
    assert_eq!(page.ended().await, ("unauthorized".to_owned(), Some(1008)));
    node.stop().await;
}

#[tokio::test]
async fn pictures_come_when_they_are_there() {
    let node = start().await;
    let Shared { mara: _mara, jon: _jon, mut page, mut view, .. } = node.shared().await;
    let frame = |name: u8, file: &[u8]| [&[0x40][..], &[name; 32], file].concat();
    view.send(&json!({ "t": "want", "asset": "07".repeat(32) })).await;
    view.send(&json!({ "t": "want", "asset": "08".repeat(32) })).await;
    let png = frame(7, b"\x89PNG\r\n\x1a\n and so on");
    page.send_bytes(frame(8, b"<svg onload=alert(1)>")).await;
    page.send_bytes(png.clone()).await;
    assert_eq!(view.next_bytes().await, png);
    view.send(&json!({ "t": "want", "asset": "07".repeat(32) })).await;
    assert_eq!(view.next_bytes().await, png, "as often as it is asked for");
    node.metrics_with("tillside_cobrowse_assets_total{result=\"kind\"} 1").await;
    node.stop().await;
}

#[tokio::test]
async fn a_stopping_node_says_so_to_its_streams() {
    let node: Running = start_with(&["media.workers=2"]).await;
    let Shared { mut page, mut view, .. } = node.shared().await;
    node.stop().await;
    assert_eq!(page.ended().await.0, "shutdown");
    assert_eq!(view.ended().await.0, "shutdown");
}
