//! A page whose SDK masks nothing plants card numbers in every channel that rrweb has. None may reach a viewer,
//! whether it comes in a snapshot, in an addition or in a change (SEC-27, SEC-31; the list is rrweb's own leak map).
#![allow(clippy::disallowed_methods, clippy::unwrap_used)] // a test may read the clock and fail loudly

use serde_json::{Value, json};
use std::time::Instant;
use tillside_cobrowse::Relay;
use tillside_cobrowse::counters::Counter;
use tillside_cobrowse::policy::Policy;
use tillside_cobrowse::relay::{ShareId, ViewerId};

const SHARE: ShareId = ShareId(1);
const EARLY: ViewerId = ViewerId(1);
const LATE: ViewerId = ViewerId(2);
const CANARY: &str = "4539578763621486";
const SPACED: &str = "4539 5787 6362 1486";

/// A channel in the tree: name, tag, attributes, text.
type TreeChannel = (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static str);

/// Channels in the tree; `$` stands for the canary.
const TREE_CHANNELS: &[TreeChannel] = &[
    ("title text", "title", &[], "Pay $"),
    ("paragraph text", "p", &[], "$"),
    ("text with words", "div", &[], "Your card $ was charged"),
    ("output text", "output", &[], "$"),
    ("label text", "label", &[], "$"),
    ("button text", "button", &[], "$"),
    ("list item text", "li", &[], "$"),
    ("textarea text", "textarea", &[], "$"),
    ("contenteditable text", "div", &[("contenteditable", "true")], "$"),
    ("role=textbox text", "div", &[("role", "textbox")], "$"),
    ("svg text", "text", &[], "$"),
    ("noscript text", "noscript", &[], "$"),
    ("script text", "script", &[], "var pan='$'"),
    ("template text", "template", &[], "$"),
    ("option text", "option", &[], "$"),
    ("datalist option", "option", &[("value", "$")], ""),
    ("text input value", "input", &[("type", "text"), ("value", "$")], ""),
    ("tel input value", "input", &[("type", "tel"), ("value", "$")], ""),
    ("search input value", "input", &[("type", "search"), ("value", "$")], ""),
    ("number input value", "input", &[("type", "number"), ("value", "$")], ""),
    ("password value", "input", &[("type", "password"), ("value", "$")], ""),
    ("hidden input value", "input", &[("type", "hidden"), ("value", "$")], ""),
    ("radio value", "input", &[("type", "radio"), ("value", "$")], ""),
    ("checkbox value", "input", &[("type", "checkbox"), ("value", "$")], ""),
    ("submit value", "input", &[("type", "submit"), ("value", "$")], ""),
    ("button value", "button", &[("value", "$")], ""),
    ("shared input value", "input", &[("data-tillside", "share"), ("value", "$")], ""),
    ("textarea value", "textarea", &[("value", "$")], ""),
    ("select value", "select", &[("value", "$")], ""),
    ("placeholder", "input", &[("placeholder", "$")], ""),
    ("title attribute", "div", &[("title", "$")], ""),
    ("alt", "img", &[("alt", "$")], ""),
    ("aria-label", "div", &[("aria-label", "$")], ""),
    ("aria-valuetext", "div", &[("aria-valuetext", "$")], ""),
    ("data attribute", "div", &[("data-card", "$")], ""),
    ("data-state", "div", &[("data-state", "$")], ""),
    ("class", "div", &[("class", "c $")], ""),
    ("id", "div", &[("id", "$")], ""),
    ("name", "input", &[("name", "$")], ""),
    ("custom attribute", "x-card", &[("number", "$")], ""),
    ("progress value", "progress", &[("value", "$")], ""),
    ("li value", "li", &[("value", "$")], ""),
    ("form action", "form", &[("action", "/pay?pan=$")], ""),
    ("link query", "a", &[("href", "https://shop.example/x?pan=$")], ""),
    ("link fragment", "a", &[("href", "https://shop.example/x#$")], ""),
    ("link path", "a", &[("href", "https://shop.example/$")], ""),
    ("image query", "img", &[("src", "https://shop.example/x.png?pan=$")], ""),
    ("srcset", "img", &[("srcset", "/x.png?pan=$ 2x")], ""),
    ("poster", "video", &[("poster", "/$")], ""),
    ("pixels", "canvas", &[("rr_dataURL", "data:image/png;base64,$")], ""),
    ("data address", "img", &[("src", "data:image/svg+xml,$")], ""),
    ("frame srcdoc", "iframe", &[("srcdoc", "<p>$</p>")], ""),
    ("frame src", "iframe", &[("src", "/pay?pan=$"), ("rr_src", "/$")], ""),
    ("frame name", "iframe", &[("name", "$")], ""),
    ("object data", "object", &[("data", "/$")], ""),
    ("meta content", "meta", &[("content", "$")], ""),
    ("handler", "div", &[("onclick", "pay('$')")], ""),
    ("inline custom property", "div", &[("style", "--card:'$'")], ""),
    ("inline number property", "div", &[("style", "--card:$")], ""),
    ("inline content", "div", &[("style", "content:'$'")], ""),
    ("inline address", "div", &[("style", "background:url(/x?$)")], ""),
    ("style content", "style", &[], "a::before{content:'$'}"),
    ("style custom property", "style", &[], ":root{--card:$}"),
    ("style selector", "style", &[], "input[value='$']{color:red}"),
    ("style import", "style", &[], "@import url(/x?$);"),
    ("style css text", "style", &[("_cssText", "a::before{content:'$'}")], ""),
    ("one-time code", "input", &[("autocomplete", "one-time-code"), ("value", "$")], ""),
    ("numeric input value", "input", &[("inputmode", "numeric"), ("value", "$")], ""),
    ("marked value", "input", &[("data-rr-is-password", "true"), ("value", "$")], ""),
    ("svg title", "desc", &[], "$"),
    ("validation message", "input", &[("data-msg", "$ is no card"), ("aria-errormessage", "$")], ""),
    ("style attr()", "style", &[], "a::before{content:attr(title) '$'}"),
    ("meter value", "meter", &[("value", "$"), ("max", "$")], ""),
    ("details summary", "summary", &[], "card $"),
    ("geometry", "path", &[("d", "javascript:$")], ""),
];

/// Channels that are events of their own. `$` stands for the canary, node 900 is a text input.
const EVENT_CHANNELS: &[(&str, &str)] = &[
    ("page address", r#"{"type":4,"data":{"href":"https://shop.example/pay?pan=$#$","width":1,"height":1}}"#),
    ("page path", r#"{"type":4,"data":{"href":"https://shop.example/$","width":1,"height":1}}"#),
    ("input text", r#"{"type":3,"data":{"source":5,"id":900,"text":"$","isChecked":false}}"#),
    ("shared input text", r#"{"type":3,"data":{"source":5,"id":901,"text":"$","isChecked":false}}"#),
    ("custom event", r#"{"type":5,"data":{"tag":"t","payload":{"pan":"$"}}}"#),
    ("own tag forged", r#"{"type":5,"data":{"tag":"tillside.state","payload":{"pan":"$"}}}"#),
    ("plugin", r#"{"type":6,"data":{"plugin":"rrweb/console@1","payload":{"payload":["$"]}}}"#),
    ("asset", r#"{"type":7,"data":{"url":"$","payload":"$"}}"#),
    ("annotation", r#"{"type":8,"data":{"type":"x","text":"$"}}"#),
    ("unknown type", r#"{"type":77,"data":{"text":"$"}}"#),
    ("unknown source", r#"{"type":3,"data":{"source":77,"text":"$"}}"#),
    ("unknown field", r#"{"type":3,"data":{"source":3,"id":1,"x":0,"y":0,"note":"$"},"note":"$"}"#),
    (
        "canvas",
        r#"{"type":3,"data":{"source":9,"id":900,"type":0,"commands":[{"property":"fillText","args":["$",1,1]}]}}"#,
    ),
    ("font", r#"{"type":3,"data":{"source":10,"family":"$","fontSource":"$","buffer":false}}"#),
    ("log", r#"{"type":3,"data":{"source":11,"level":"log","payload":["$"]}}"#),
    ("rule", r#"{"type":3,"data":{"source":8,"id":902,"adds":[{"rule":"a::before{content:'$'}","index":0}]}}"#),
    ("rule replaced", r#"{"type":3,"data":{"source":8,"styleId":1,"replaceSync":"a{--x:$}"}}"#),
    (
        "declaration",
        r#"{"type":3,"data":{"source":13,"id":902,"index":[0],"set":{"property":"--x","value":"$","priority":""}}}"#,
    ),
    ("declaration name", r#"{"type":3,"data":{"source":13,"id":902,"index":[0],"remove":{"property":"--x $"}}}"#),
    (
        "adopted sheet",
        r#"{"type":3,"data":{"source":15,"id":1,"styleIds":[1],"styles":[{"styleId":1,"rules":[{"rule":"a{--x:'$'}"}]}]}}"#,
    ),
    ("custom element", r#"{"type":3,"data":{"source":16,"define":{"name":"x-$"}}}"#),
    (
        "style object",
        r#"{"type":3,"data":{"source":0,"texts":[],"removes":[],"adds":[],"attributes":[{"id":903,"attributes":{"style":{"--x":"$","content":["'$'","important"]}}}]}}"#,
    ),
    (
        "new attribute",
        r#"{"type":3,"data":{"source":0,"texts":[],"removes":[],"adds":[],"attributes":[{"id":900,"attributes":{"value":"$","data-v":"$"}}]}}"#,
    ),
    (
        "comment",
        r#"{"type":3,"data":{"source":0,"texts":[],"removes":[],"attributes":[],"adds":[{"parentId":903,"nextId":null,"node":{"type":5,"textContent":"$","id":950}}]}}"#,
    ),
    (
        "cdata",
        r#"{"type":3,"data":{"source":0,"texts":[],"removes":[],"attributes":[],"adds":[{"parentId":903,"nextId":null,"node":{"type":4,"textContent":"$","id":950}}]}}"#,
    ),
    (
        "doctype",
        r#"{"type":3,"data":{"source":0,"texts":[],"removes":[],"attributes":[],"adds":[{"parentId":903,"nextId":null,"node":{"type":1,"name":"html","publicId":"$","systemId":"$","id":950}}]}}"#,
    ),
    (
        "tag name",
        r#"{"type":3,"data":{"source":0,"texts":[],"removes":[],"attributes":[],"adds":[{"parentId":903,"nextId":null,"node":{"type":2,"tagName":"x-$","attributes":{},"childNodes":[],"id":950}}]}}"#,
    ),
    (
        "frame document",
        r#"{"type":3,"data":{"source":0,"texts":[],"removes":[],"attributes":[],"isAttachIframe":true,"adds":[{"parentId":904,"nextId":null,"node":{"type":0,"id":960,"childNodes":[{"type":2,"tagName":"p","attributes":{"title":"$"},"id":961,"childNodes":[{"type":3,"textContent":"$","id":962}]}]}}]}}"#,
    ),
    (
        "removed and inserted",
        r#"{"type":3,"data":{"source":0,"texts":[],"attributes":[],"removes":[{"parentId":3,"id":903}],"adds":[{"parentId":3,"nextId":null,"node":{"type":2,"tagName":"div","attributes":{"title":"$"},"id":903,"childNodes":[{"type":3,"textContent":"$","id":970}]}}]}}"#,
    ),
    (
        "selection",
        r#"{"type":3,"data":{"source":14,"ranges":[{"start":903,"startOffset":0,"end":903,"endOffset":1}],"text":"$"}}"#,
    ),
    ("drag", r#"{"type":3,"data":{"source":12,"positions":[{"x":1,"y":1,"id":903,"timeOffset":0,"data":"$"}]}}"#),
    ("media", r#"{"type":3,"data":{"source":7,"type":0,"id":903,"src":"$","currentTime":1}}"#),
    (
        "attribute name",
        r#"{"type":3,"data":{"source":0,"texts":[],"removes":[],"adds":[],"attributes":[{"id":903,"attributes":{"$":"","data-$":"x"}}]}}"#,
    ),
];

/// One relay with one live share and an early viewer.
struct World {
    relay: Relay,
    seen: String,
}

impl World {
    fn new() -> Self {
        let mut relay = Relay::default();
        relay.request(Instant::now(), SHARE, Policy::default()).unwrap();
        relay.consent(SHARE).unwrap();
        relay.add_viewer(SHARE, EARLY).unwrap();
        Self { relay, seen: String::new() }
    }

    fn send(&mut self, event: &Value) {
        self.relay.handle_record(Instant::now(), SHARE, &mut serde_json::to_vec(event).unwrap());
        self.poll(EARLY);
    }

    fn poll(&mut self, viewer: ViewerId) {
        while let Some(message) = self.relay.poll_viewer(SHARE, viewer) {
            self.seen.push_str(std::str::from_utf8(&message).unwrap());
        }
    }

    /// Everything that any viewer got, a late one included, without what people put between digits.
    fn everything(mut self, name: &str) -> String {
        let desyncs = self.relay.counters(SHARE).unwrap().of(Counter::Desyncs);
        assert_eq!(desyncs, 0, "{name}: the page was followed, not just dropped");
        self.relay.add_viewer(SHARE, LATE).unwrap();
        self.poll(LATE);
        self.seen.replace([' ', '-', '\u{a0}'], "")
    }
}

fn snapshot(children: &[Value], shadow: bool) -> Value {
    let mut host = json!({ "type": 2, "tagName": "div", "attributes": {}, "childNodes": children, "id": 4 });
    if shadow {
        host["isShadowHost"] = true.into();
    }
    let fixtures = json!([
        host,
        { "type": 2, "tagName": "input", "attributes": { "type": "text" }, "childNodes": [], "id": 900 },
        { "type": 2, "tagName": "input", "attributes": { "data-tillside": "share" }, "childNodes": [], "id": 901 },
        { "type": 2, "tagName": "style", "attributes": {}, "childNodes": [], "id": 902 },
        { "type": 2, "tagName": "div", "attributes": {}, "childNodes": [], "id": 903 },
        { "type": 2, "tagName": "iframe", "attributes": {}, "childNodes": [], "id": 904 },
    ]);
    let body = json!({ "type": 2, "tagName": "body", "attributes": {}, "childNodes": fixtures, "id": 3 });
    let html = json!({ "type": 2, "tagName": "html", "attributes": {}, "childNodes": [body], "id": 2 });
    json!({
        "type": 2, "timestamp": 7,
        "data": { "node": { "type": 0, "childNodes": [html], "id": 1 }, "initialOffset": { "left": 0, "top": 0 } },
    })
}

fn mutation(adds: Value, texts: Value, attributes: Value) -> Value {
    json!({
        "type": 3, "timestamp": 8,
        "data": { "source": 0, "adds": adds, "texts": texts, "attributes": attributes, "removes": [] },
    })
}

/// The node of a channel, its text below it; ids 10 and 11.
fn node(tag: &str, attributes: &[(&str, &str)], text: &str, canary: &str, shadow: bool) -> Value {
    let attributes: serde_json::Map<String, Value> =
        attributes.iter().map(|(name, value)| ((*name).to_owned(), value.replace('$', canary).into())).collect();
    let text = json!({ "type": 3, "textContent": text.replace('$', canary), "id": 11 });
    let mut node = json!({ "type": 2, "tagName": tag, "attributes": attributes, "childNodes": [text], "id": 10 });
    if shadow {
        node["isShadow"] = true.into();
    }
    node
}

#[test]
fn sec_27_no_canary_of_the_tree_reaches_a_viewer() {
    assert!(TREE_CHANNELS.len() >= 48);
    for (name, tag, attributes, text) in TREE_CHANNELS {
        for canary in [CANARY, SPACED] {
            for shadow in [false, true] {
                let whole = node(tag, attributes, text, canary, shadow);
                let innocent = node(tag, attributes, text, "x", shadow);

                let mut world = World::new();
                world.send(&snapshot(std::slice::from_ref(&whole), shadow));
                check(name, "snapshot", world);

                let mut world = World::new();
                world.send(&snapshot(&[], shadow));
                let mut flat = whole.clone();
                let child = flat["childNodes"].as_array_mut().unwrap().pop().unwrap();
                // Recorders write parents and children in any order.
                let adds = json!([
                    { "parentId": 10, "nextId": null, "node": child },
                    { "parentId": 4, "nextId": null, "node": flat },
                ]);
                world.send(&mutation(adds, json!([]), json!([])));
                check(name, "addition", world);

                let mut world = World::new();
                world.send(&snapshot(&[innocent], shadow));
                let texts = json!([{ "id": 11, "value": text.replace('$', canary) }]);
                let attributes = json!([{ "id": 10, "attributes": whole["attributes"] }]);
                world.send(&mutation(json!([]), texts, attributes));
                check(name, "change", world);
            }
        }
    }
}

#[test]
fn sec_27_no_canary_of_an_event_reaches_a_viewer() {
    for (name, event) in EVENT_CHANNELS {
        for canary in [CANARY, SPACED] {
            let mut event: Value = serde_json::from_str(&event.replace('$', canary)).unwrap();
            event["timestamp"] = 9.into();
            let mut world = World::new();
            world.send(&snapshot(&[], false));
            world.send(&event);
            check(name, "event", world);
            // Before the snapshot too: what comes too early is lost, not kept.
            let mut world = World::new();
            world.send(&event);
            world.poll(EARLY);
            assert!(!world.seen.replace(' ', "").contains(CANARY), "{name}, early");
        }
    }
}

fn check(name: &str, how: &str, world: World) {
    let seen = world.everything(name);
    assert!(seen.contains("\"type\":2"), "{name}, {how}: viewers see the page");
    assert!(!seen.contains(CANARY), "{name}, {how}: {seen}");
    assert!(!seen.contains(&CANARY[..8]), "{name}, {how}: half of it");
}

/// The check can fail: the same words without digits do arrive.
#[test]
fn innocent_texts_do_arrive() {
    let mut world = World::new();
    world.send(&snapshot(&[node("p", &[("title", "hello-$")], "see $ here", "daisies", false)], false));
    let seen = world.everything("");
    assert!(seen.contains("seedaisieshere") && seen.contains("hellodaisies"));
}

/// Digits that come one by one into a field nobody recognised, and are repeated by the page, are hidden from the first.
#[test]
fn sec_27_typing_is_hidden_digit_by_digit() {
    let mut world = World::new();
    world.send(&snapshot(&[node("p", &[], "", "", false)], false));
    for length in 1..=CANARY.len() {
        let typed = &CANARY[..length];
        world.send(&json!({ "type": 3, "timestamp": 9, "data": { "source": 5, "id": 900, "text": typed, "isChecked": false } }));
        let attributes = json!([{ "id": 900, "attributes": { "value": typed } }]);
        world.send(&mutation(json!([]), json!([{ "id": 11, "value": typed }]), attributes));
    }
    let seen = world.everything("");
    for length in 2..=CANARY.len() {
        assert!(!seen.contains(&format!("\"{}\"", &CANARY[..length])), "{length} digits");
    }
}

/// A bank account number is as private as a card, wherever the page writes it.
#[test]
fn sec_27_no_account_number_reaches_a_viewer() {
    const IBAN: &str = "DE89370400440532013000";
    for (name, tag, attributes, text) in TREE_CHANNELS {
        // An account number begins with letters, which make it an ordinary word in numbers, geometry and selectors.
        if matches!(*name, "geometry" | "inline number property") {
            continue;
        }
        let mut world = World::new();
        world.send(&snapshot(&[node(tag, attributes, text, IBAN, false)], false));
        let seen = world.everything(name);
        assert!(!seen.contains(IBAN), "{name}: {seen}");
    }
}

/// A number spread over spans, over boxes, and over single digits.
#[test]
fn sec_27_split_numbers_are_hidden() {
    for (tag, size) in [("span", 4), ("div", 4), ("span", 1), ("div", 1), ("td", 4)] {
        let digits: Vec<char> = CANARY.chars().collect();
        let parts = digits.chunks(size).enumerate().map(|(place, part)| {
            let text: String = part.iter().collect();
            let id = 20 + 2 * place;
            json!({ "type": 2, "tagName": tag, "attributes": {}, "id": id,
                "childNodes": [{ "type": 3, "textContent": text, "id": id + 1 }] })
        });
        let parts: Vec<Value> = parts.collect();
        let mut world = World::new();
        world.send(&snapshot(&parts, false));
        let seen = world.everything("");
        let shown = digits.chunks(size).filter(|part| {
            let text: String = part.iter().collect();
            seen.contains(&format!("\"textContent\":\"{text}\""))
        });
        assert_eq!(shown.count(), 0, "{tag} by {size}");
    }
}
