//! What viewers get, replayed as an rrweb replayer would, is the page: for a live viewer after any changes, and for a
//! late one. Then the same streams broken in every way: no panic, no canary, and a reason for every blank.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)] // a test may read the clock and fail loudly

use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tillside_cobrowse::Relay;
use tillside_cobrowse::policy::Policy;
use tillside_cobrowse::relay::{Event, ShareId, ViewerId};

const SHARE: ShareId = ShareId(1);
const LIVE: ViewerId = ViewerId(1);
const LATE: ViewerId = ViewerId(2);

/// A tree as an rrweb replayer builds it.
#[derive(Clone, Default, Debug, PartialEq)]
struct Tree {
    nodes: BTreeMap<u64, Node>,
}

#[derive(Debug, PartialEq, Clone)]
struct Node {
    parent: Option<u64>,
    children: Vec<u64>,
    tag: String,
    text: String,
    attributes: BTreeMap<String, Value>,
}

impl Tree {
    /// Plays a message: a JSON array of events.
    fn play(&mut self, message: &[u8]) {
        let events: Vec<Value> = serde_json::from_slice(message).unwrap();
        for event in &events {
            self.play_event(event);
        }
    }

    fn play_event(&mut self, event: &Value) {
        let data = &event["data"];
        match (event["type"].as_u64(), data["source"].as_u64()) {
            (Some(2), _) => {
                self.nodes.clear();
                self.insert(None, None, &data["node"]);
            }
            (Some(3), Some(0)) => self.mutate(data),
            _ => {}
        }
    }

    fn mutate(&mut self, data: &Value) {
        let list = |name: &str| data[name].as_array().unwrap().clone();
        for gone in list("removes") {
            let (parent, id) = (gone["parentId"].as_u64().unwrap(), gone["id"].as_u64().unwrap());
            assert_eq!(self.nodes[&id].parent, Some(parent), "a replayer knows what is removed, and where");
            self.remove(id);
        }
        for add in list("adds") {
            let next = add["nextId"].as_u64();
            self.insert(Some(add["parentId"].as_u64().unwrap()), next, &add["node"]);
        }
        for change in list("texts") {
            let text = change["value"].as_str().unwrap().to_owned();
            self.nodes.get_mut(&change["id"].as_u64().unwrap()).expect("a known text").text = text;
        }
        for change in list("attributes") {
            let node = self.nodes.get_mut(&change["id"].as_u64().unwrap()).expect("a known element");
            for (name, value) in change["attributes"].as_object().unwrap() {
                if value.is_null() {
                    node.attributes.remove(name);
                } else {
                    node.attributes.insert(name.clone(), value.clone());
                }
            }
        }
    }

    fn insert(&mut self, parent: Option<u64>, next: Option<u64>, wire: &Value) {
        let id = wire["id"].as_u64().unwrap();
        let node = Node {
            parent,
            children: Vec::new(),
            tag: wire["tagName"].as_str().unwrap_or_default().to_owned(),
            text: wire["textContent"].as_str().unwrap_or_default().to_owned(),
            attributes: wire["attributes"].as_object().map(|map| map.clone().into_iter().collect()).unwrap_or_default(),
        };
        assert!(self.nodes.insert(id, node).is_none(), "an id stands once");
        if let Some(parent) = parent {
            let siblings = &mut self.nodes.get_mut(&parent).expect("a replayer knows the parent").children;
            let place = next.map_or(siblings.len(), |next| {
                siblings.iter().position(|sibling| *sibling == next).expect("a replayer knows the next sibling")
            });
            siblings.insert(place, id);
        }
        for child in wire["childNodes"].as_array().into_iter().flatten() {
            self.insert(Some(id), None, child);
        }
    }

    fn remove(&mut self, id: u64) {
        let node = self.nodes.remove(&id).unwrap();
        if let Some(parent) = node.parent.and_then(|parent| self.nodes.get_mut(&parent)) {
            parent.children.retain(|child| *child != id);
        }
        for child in node.children {
            self.remove(child);
        }
    }

    fn serialise(&self, id: u64) -> Value {
        let node = &self.nodes[&id];
        let children: Vec<Value> = node.children.iter().map(|child| self.serialise(*child)).collect();
        match node.tag.as_str() {
            "" if id == 1 => json!({ "type": 0, "id": id, "childNodes": children }),
            "" => json!({ "type": 3, "id": id, "textContent": node.text }),
            tag => {
                json!({ "type": 2, "id": id, "tagName": tag, "attributes": node.attributes, "childNodes": children })
            }
        }
    }
}

/// A page that changes as bytes say, and records itself as rrweb does.
struct Page {
    tree: Tree,
    next_id: u64,
}

const TAGS: [&str; 6] = ["div", "span", "p", "section", "li", "input"];
const WORDS: [&str; 5] = ["red", "shoes", "in stock", "4242 4242 4242 4242", "Card number"];

impl Page {
    fn new() -> Self {
        let mut page = Self { tree: Tree::default(), next_id: 4 };
        page.tree.insert(None, None, &json!({ "type": 0, "id": 1 }));
        page.tree.insert(Some(1), None, &json!({ "type": 2, "id": 2, "tagName": "html" }));
        page.tree.insert(Some(2), None, &json!({ "type": 2, "id": 3, "tagName": "body" }));
        page
    }

    fn snapshot(&self) -> Value {
        let offset = json!({ "left": 0, "top": 0 });
        json!({ "type": 2, "timestamp": 1, "data": { "node": self.tree.serialise(1), "initialOffset": offset } })
    }

    /// One mutation made of some of these bytes; every byte one small change.
    fn mutate(&mut self, bytes: &[u8]) -> Value {
        let (mut removes, mut adds, mut texts, mut attributes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut fresh = Vec::new();
        for byte in bytes {
            let ids: Vec<u64> = self.tree.nodes.keys().copied().filter(|id| *id > 2 && !fresh.contains(id)).collect();
            let pick = ids[usize::from(*byte) % ids.len()];
            match byte % 5 {
                0 | 1 => self.add(pick, *byte, &mut adds, &mut fresh),
                2 if pick > 3 => {
                    // Moved nodes keep their ids: removed here, added there.
                    let wire = self.tree.serialise(pick);
                    removes.push(json!({ "parentId": self.tree.nodes[&pick].parent, "id": pick }));
                    self.tree.remove(pick);
                    if byte.is_multiple_of(2) && adds.is_empty() && texts.is_empty() && attributes.is_empty() {
                        self.tree.insert(Some(3), None, &wire);
                        adds.push(json!({ "parentId": 3, "nextId": null, "node": wire }));
                        break;
                    }
                    adds.retain(|add: &Value| self.tree.nodes.contains_key(&add["node"]["id"].as_u64().unwrap()));
                    texts.retain(|change: &Value| self.tree.nodes.contains_key(&change["id"].as_u64().unwrap()));
                    attributes.retain(|change: &Value| self.tree.nodes.contains_key(&change["id"].as_u64().unwrap()));
                }
                3 if self.tree.nodes[&pick].tag.is_empty() => {
                    let text = WORDS[usize::from(*byte) % WORDS.len()];
                    self.tree.nodes.get_mut(&pick).unwrap().text = text.to_owned();
                    texts.push(json!({ "id": pick, "value": text }));
                }
                4 if !self.tree.nodes[&pick].tag.is_empty() => {
                    let class = format!("c{byte}");
                    self.tree.nodes.get_mut(&pick).unwrap().attributes.insert("class".into(), class.clone().into());
                    attributes.push(json!({ "id": pick, "attributes": { "class": class } }));
                }
                _ => {}
            }
        }
        // Recorders report adds in any order, each with the sibling that follows it in the end.
        adds.reverse();
        for add in &mut adds {
            let id = add["node"]["id"].as_u64().unwrap();
            let siblings = &self.tree.nodes[&self.tree.nodes[&id].parent.unwrap()].children;
            let place = siblings.iter().position(|sibling| *sibling == id).unwrap();
            add["nextId"] = siblings.get(place + 1).copied().into();
        }
        json!({ "type": 3, "timestamp": 2, "data": {
            "source": 0, "removes": removes, "adds": adds, "texts": texts, "attributes": attributes } })
    }

    fn add(&mut self, parent: u64, byte: u8, adds: &mut Vec<Value>, fresh: &mut Vec<u64>) {
        let parent =
            if self.tree.nodes[&parent].tag.is_empty() || self.tree.nodes[&parent].tag == "input" { 3 } else { parent };
        let id = self.next_id;
        self.next_id += 1;
        let wire = if byte.is_multiple_of(2) {
            json!({ "type": 2, "id": id, "tagName": TAGS[usize::from(byte / 2) % TAGS.len()], "attributes": {}, "childNodes": [] })
        } else {
            json!({ "type": 3, "id": id, "textContent": WORDS[usize::from(byte / 2) % WORDS.len()] })
        };
        let siblings = &self.tree.nodes[&parent].children;
        let next = siblings.get(usize::from(byte) % (siblings.len() + 1)).copied();
        self.tree.insert(Some(parent), next, &wire);
        adds.push(json!({ "parentId": parent, "nextId": next, "node": wire }));
        fresh.push(id);
    }
}

/// A relay with one live share, the given page in it, and a live viewer.
fn world(now: Instant, page: &Page) -> (Relay, Tree) {
    let mut relay = Relay::default();
    relay.request(now, SHARE, Policy::default()).unwrap();
    relay.consent(SHARE).unwrap();
    relay.add_viewer(SHARE, LIVE).unwrap();
    relay.handle_record(now, SHARE, &mut serde_json::to_vec(&page.snapshot()).unwrap());
    let mut seen = Tree::default();
    poll(&mut relay, LIVE, &mut seen);
    (relay, seen)
}

fn poll(relay: &mut Relay, viewer: ViewerId, seen: &mut Tree) {
    while let Some(message) = relay.poll_viewer(SHARE, viewer) {
        seen.play(&message);
    }
}

/// The page as viewers should see it: inputs boxed, and every text either itself or hidden.
fn is_masked_view_of(seen: &Tree, page: &Tree) {
    assert_eq!(seen.nodes.keys().collect::<Vec<_>>(), page.nodes.keys().collect::<Vec<_>>());
    for (id, node) in &seen.nodes {
        let original = &page.nodes[id];
        assert_eq!((node.parent, &node.children, &node.tag), (original.parent, &original.children, &original.tag));
        let hidden = node.text.chars().all(|c| c == '\u{2022}');
        assert!(node.text == original.text || hidden, "{} for {}", node.text, original.text);
        assert!(!node.text.contains("4242"));
        if original.tag != "input" {
            assert_eq!(node.attributes.get("class"), original.attributes.get("class"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn replayed_output_is_the_page(batches in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..12), 1..30)) {
        let mut now = Instant::now();
        let mut page = Page::new();
        let (mut relay, mut seen) = world(now, &page);
        for batch in &batches {
            now += Duration::from_millis(20);
            let mutation = page.mutate(batch);
            relay.handle_record(now, SHARE, &mut serde_json::to_vec(&mutation).unwrap());
            poll(&mut relay, LIVE, &mut seen);
        }
        while let Some((_, event)) = relay.poll_event() {
            let desynced = matches!(event, Event::SnapshotWanted { reason } if reason != tillside_cobrowse::desync::Desync::NoSnapshot);
            prop_assert!(!desynced, "{event:?}");
        }
        is_masked_view_of(&seen, &page.tree);
        relay.add_viewer(SHARE, LATE).unwrap();
        let mut late = Tree::default();
        poll(&mut relay, LATE, &mut late);
        prop_assert_eq!(late, seen);
    }
}

/// Events of one fuzz run: about half a minute of a dev build. The compile-time variable TILLSIDE_FUZZ_EVENTS overrides it.
fn fuzz_events() -> u64 {
    option_env!("TILLSIDE_FUZZ_EVENTS").and_then(|count| count.parse().ok()).unwrap_or(1_000_000)
}

/// A small generator of its own: the same run every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }

    /// One to four small wounds: a byte changed, dropped, doubled, or a stretch copied elsewhere.
    fn wound(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.roll(3) {
            if bytes.is_empty() {
                return;
            }
            let at = self.roll(bytes.len());
            match self.roll(5) {
                0 => bytes[at] = b"{}[]\":,0123456789-\\ux"[self.roll(21)],
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, bytes[at]),
                3 => bytes[at] = self.roll(256) as u8,
                _ => {
                    let end = (at + self.roll(24)).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    let to = self.roll(bytes.len());
                    bytes.splice(to..to, piece);
                }
            }
        }
    }
}

/// Events between two looks at the page with the eyes of a viewer who comes late.
const COMPARE_EVERY: u64 = 97;

/// Whether the page is shown; if so, a viewer who has just come must see what a live one has put together.
fn is_seen_by_late_viewers(relay: &mut Relay, seen: &Tree, step: u64) -> bool {
    if relay.add_viewer(SHARE, LATE).is_err() {
        return false; // the share has just ended
    }
    let mut late = Tree::default();
    poll(relay, LATE, &mut late);
    relay.remove_viewer(SHARE, LATE);
    if late.nodes.is_empty() {
        return false;
    }
    let mut live = seen.clone();
    // Whether a field is filled comes as an input event to a live viewer, and as an attribute to a late one.
    for tree in [&mut late, &mut live] {
        for node in tree.nodes.values_mut().filter(|node| node.tag == "input") {
            node.attributes.remove("value");
        }
    }
    assert_eq!(late, live, "step {step}");
    true
}

#[test]
fn sec_06_broken_streams_neither_panic_nor_leak() {
    const CANARY: &str = "4539578763621486";
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut now = Instant::now();
    let mut page = Page::new();
    let (mut relay, mut seen) = world(now, &page);
    let (mut snapshots, mut compared) = (0, 0);
    for step in 0..fuzz_events() {
        now += Duration::from_millis(5);
        if let Some((_, event)) = relay.poll_event() {
            match event {
                Event::Ended { .. } => {
                    relay.forget(SHARE);
                    page = Page::new();
                    (relay, seen) = world(now, &page);
                }
                Event::SnapshotWanted { .. } => {
                    snapshots += 1;
                    page = Page::new();
                    relay.handle_record(now, SHARE, &mut serde_json::to_vec(&page.snapshot()).unwrap());
                }
                _ => {}
            }
        }
        let input = json!({ "type": 3, "timestamp": 3, "data": { "source": 5, "id": 4 + step % 9, "text": CANARY, "isChecked": false } });
        let event = match dice.roll(4) {
            0 => input,
            1 => page.snapshot(),
            _ => page.mutate(&[dice.roll(256) as u8, dice.roll(256) as u8]),
        };
        let text = serde_json::to_string(&event).unwrap().replace("4242 4242 4242 4242", CANARY);
        let mut bytes = text.into_bytes();
        if bytes.len() > 4_000 {
            page = Page::new();
        }
        dice.wound(&mut bytes);
        relay.handle_record(now, SHARE, &mut bytes);
        while let Some(message) = relay.poll_viewer(SHARE, LIVE) {
            // Playing it is a test too: a replayer must know every node that is named.
            seen.play(&message);
            let message = String::from_utf8_lossy(&message);
            assert!(!message.contains(CANARY), "step {step}: {message}");
        }
        if step.is_multiple_of(COMPARE_EVERY) {
            compared += u64::from(is_seen_by_late_viewers(&mut relay, &seen, step));
        }
    }
    assert!(snapshots > 0, "broken streams were noticed");
    assert!(compared > 0, "the page was there to be compared");
}
