//! A share's life as signaling sees it: consent, blanks with their reasons, slow and late viewers, grants and verbs.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)] // a test may read the clock and fail loudly

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tillside_cobrowse::control::{Guard, Refusal, fingerprint};
use tillside_cobrowse::counters::Counter;
use tillside_cobrowse::desync::Desync;
use tillside_cobrowse::grant::Rung;
use tillside_cobrowse::limits::RECORD_BYTES_MAX;
use tillside_cobrowse::mask::Level;
use tillside_cobrowse::policy::Policy;
use tillside_cobrowse::relay::{Event, GrantEnd, Phase, ShareId, ViewerId, Why};
use tillside_cobrowse::{FLAG_FRAMED, FLAG_MORE, Relay};

const SHARE: ShareId = ShareId(7);
const ANNA: ViewerId = ViewerId(1);
const BEN: ViewerId = ViewerId(2);

struct World {
    relay: Relay,
    now: Instant,
}

impl World {
    /// A live share with the page of [`page`] and one viewer who is up to date.
    fn live() -> Self {
        let mut world = Self::requested(Policy::default());
        world.relay.consent(SHARE).unwrap();
        world.send(&page());
        world.seen(ANNA);
        world.events();
        world
    }

    fn requested(policy: Policy) -> Self {
        let now = Instant::now();
        let mut relay = Relay::default();
        relay.request(now, SHARE, policy).unwrap();
        relay.add_viewer(SHARE, ANNA).unwrap();
        Self { relay, now }
    }

    fn send(&mut self, event: &Value) {
        self.now += Duration::from_millis(10);
        self.send_bytes(&serde_json::to_vec(event).unwrap());
    }

    fn send_bytes(&mut self, bytes: &[u8]) {
        let mut message = bytes.to_vec();
        self.relay.handle_record(self.now, SHARE, &mut message);
        assert!(message.iter().all(|byte| *byte == 0), "a message is zeroed, whatever became of it");
    }

    fn seen(&mut self, viewer: ViewerId) -> String {
        let messages = std::iter::from_fn(|| self.relay.poll_viewer(SHARE, viewer));
        messages.map(|message| String::from_utf8(message.to_vec()).unwrap()).collect()
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.relay.poll_event()).map(|(_, event)| event).collect()
    }

    /// What the relay says to a verb on a node with the right fingerprint.
    fn act(&mut self, seq: u64, node: u32, print: u32, act: Value) -> Result<Option<Guard>, Refusal> {
        let verb = json!({ "seq": seq, "epoch": 1, "node": node, "fingerprint": print, "act": act });
        self.relay.handle_verb(self.now, SHARE, ANNA, &serde_json::to_vec(&verb).unwrap());
        match self.events().pop().unwrap() {
            Event::Verb { guard, .. } => Ok(guard),
            Event::VerbRefused { refusal, .. } => Err(refusal),
            other => panic!("{other:?}"),
        }
    }
}

fn element(id: u32, tag: &str, attributes: Value, children: Vec<Value>) -> Value {
    json!({ "type": 2, "id": id, "tagName": tag, "attributes": attributes, "childNodes": children })
}

fn text(id: u32, text: &str) -> Value {
    json!({ "type": 3, "id": id, "textContent": text })
}

fn page_of(children: Vec<Value>) -> Value {
    let body = element(3, "body", json!({}), children);
    let html = element(2, "html", json!({}), vec![body]);
    let node = json!({ "type": 0, "id": 1, "childNodes": [html] });
    json!({ "type": 2, "timestamp": 1_000, "data": { "node": node, "initialOffset": { "left": 0, "top": 0 } } })
}

/// A shop's page: text, a private and a shared field, buttons, a link, a file input.
fn page() -> Value {
    page_of(vec![
        element(10, "p", json!({}), vec![text(11, "Red shoes")]),
        element(20, "input", json!({ "type": "text", "name": "nickname" }), vec![]),
        element(21, "input", json!({ "type": "search", "data-tillside": "share" }), vec![]),
        element(22, "input", json!({ "type": "password", "data-tillside": "share" }), vec![]),
        element(23, "input", json!({ "type": "file" }), vec![]),
        element(30, "button", json!({ "id": "more" }), vec![text(31, "Show more")]),
        element(32, "button", json!({}), vec![text(33, "Place order")]),
        element(34, "a", json!({ "href": "https://other.example/x?y=1" }), vec![text(35, "Partner")]),
    ])
}

fn card_form() -> Value {
    let adds = json!([
        { "parentId": 3, "nextId": null, "node": element(50, "label", json!({ "for": "n" }), vec![]) },
        { "parentId": 50, "nextId": null, "node": text(51, "Card number") },
        { "parentId": 3, "nextId": null, "node": element(52, "input", json!({ "id": "n" }), vec![]) },
    ]);
    json!({ "type": 3, "timestamp": 1_010, "data": { "source": 0, "adds": adds, "removes": [], "texts": [], "attributes": [] } })
}

#[test]
fn priv_15_nothing_is_taken_in_before_consent() {
    let mut world = World::requested(Policy::default());
    world.send(&page());
    assert!(!world.seen(ANNA).contains("Red shoes"));
    assert_eq!(world.relay.size(SHARE), Some((0, 0)));
    world.relay.consent(SHARE).unwrap();
    assert_eq!(world.events(), [Event::SnapshotWanted { reason: Desync::NoSnapshot }]);
    world.send(&page());
    assert!(world.seen(ANNA).contains("Red shoes"));
    world.relay.pause(SHARE, Why::Shopper).unwrap();
    assert_eq!(world.relay.size(SHARE), Some((0, 0)), "a pause wipes the page");
    let seen = world.seen(ANNA);
    assert!(
        seen.contains("\"state\":\"paused\"") && seen.contains("\"why\":\"shopper\"") && !seen.contains("Red shoes")
    );
    world.relay.end(SHARE, Why::CallEnded).unwrap();
    assert!(world.seen(ANNA).contains("\"state\":\"ended\""));
    world.send(&page());
    assert_eq!(world.relay.size(SHARE), Some((0, 0)));
}

#[test]
fn policy_pauses_pages_by_address() {
    let mut world = World::requested(Policy { pause_on: vec!["/pay".into()], ..Policy::default() });
    world.relay.consent(SHARE).unwrap();
    let meta = |path: &str| json!({ "type": 4, "timestamp": 1, "data": { "href": format!("https://shop.example{path}"), "width": 1, "height": 1 } });
    world.send(&meta("/cart"));
    world.send(&page());
    assert!(world.seen(ANNA).contains("Red shoes"));
    world.send(&meta("/pay/now"));
    world.send(&page());
    assert_eq!(world.relay.phase(SHARE), Some(Phase::Paused(Why::Page)));
    assert!(!world.seen(ANNA).contains("Red shoes"));
    world.send(&meta("/cart"));
    assert!(world.seen(ANNA).contains("Red shoes"), "the page was followed meanwhile");
}

#[test]
fn sec_31_every_bomb_ends_in_a_named_blank_and_a_fresh_snapshot() {
    let mutation = |adds: Value, texts: Value| {
        let data = json!({ "source": 0, "adds": adds, "removes": [], "texts": texts, "attributes": [] });
        serde_json::to_vec(&json!({ "type": 3, "timestamp": 1_001, "data": data })).unwrap()
    };
    let add = |parent: u32, node: Value| json!([{ "parentId": parent, "nextId": null, "node": node }]);
    let chunk = [&[FLAG_FRAMED | FLAG_MORE][..], &vec![b' '; 1024 * 1024 - 1]].concat();
    let cases: Vec<(Vec<Vec<u8>>, Desync)> = vec![
        (vec![b"no json".to_vec()], Desync::Malformed),
        (vec![b"\"packed\"".to_vec()], Desync::Packed),
        (vec![chunk; RECORD_BYTES_MAX / (1024 * 1024) + 1], Desync::Oversized),
        (vec![mutation(add(999, text(900, "x")), json!([]))], Desync::UnknownParent),
        (vec![mutation(add(3, text(11, "x")), json!([]))], Desync::DuplicateId),
        (vec![mutation(add(11, text(900, "x")), json!([]))], Desync::BadTree),
        (vec![mutation(json!([]), json!([{ "id": 999, "value": "x" }]))], Desync::UnknownNode),
        (vec![serde_json::to_vec(&text(1, "x")).unwrap()], Desync::NoSnapshot),
    ];
    for (messages, reason) in cases.into_iter().take(7) {
        let mut world = World::live();
        messages.iter().for_each(|message| world.send_bytes(message));
        assert_eq!(world.events(), [Event::SnapshotWanted { reason }]);
        let seen = world.seen(ANNA);
        assert!(seen.contains("\"state\":\"desynced\"") && seen.contains(reason.name()) && !seen.contains("Red"));
        assert_eq!(world.relay.size(SHARE), Some((0, 0)));
        world.send(&page());
        assert_eq!(world.events(), [Event::Synced { epoch: 2 }]);
        assert!(world.seen(ANNA).contains("Red shoes"));
    }
}

#[test]
fn sec_31_a_flood_desyncs_and_a_page_that_cannot_be_followed_ends() {
    let mut world = World::live();
    let scroll =
        serde_json::to_vec(&json!({ "type": 3, "timestamp": 1, "data": { "source": 3, "id": 1, "x": 0, "y": 1 } }))
            .unwrap();
    (0..3_000).for_each(|_| world.send_bytes(&scroll));
    assert_eq!(world.events(), [Event::SnapshotWanted { reason: Desync::TooFast }]);
    world.now += Duration::from_secs(9);
    (0..9).for_each(|_| world.send_bytes(b"nonsense"));
    assert_eq!(world.relay.phase(SHARE), Some(Phase::Ended(Why::Unfollowable)));
    assert!(world.events().contains(&Event::Ended { why: Why::Unfollowable }));
}

#[test]
fn a_slow_viewer_harms_nobody_and_a_late_one_needs_no_work_of_the_page() {
    let mut world = World::live();
    world.relay.add_viewer(SHARE, BEN).unwrap();
    world.seen(BEN);
    for step in 0..600 {
        let texts = json!([{ "id": 11, "value": format!("Blue shoes {} {step}", "x".repeat(800)) }]);
        world.send(&json!({ "type": 3, "timestamp": 1_001, "data": { "source": 0, "adds": [], "removes": [], "texts": texts, "attributes": [] } }));
        world.seen(BEN);
    }
    assert!(world.relay.counters(SHARE).unwrap().of(Counter::ViewerOverflow) > 0, "Anna did not read");
    let seen = world.seen(ANNA);
    assert!(seen.contains("\"type\":2,\"data\"") && seen.contains(" 599\"") && !seen.contains(" 598\""));
    assert!(world.events().is_empty(), "nothing was asked of the page");
}

#[test]
fn sec_28_verbs_need_a_grant_the_right_page_and_a_visible_node() {
    let mut world = World::live();
    let button = fingerprint("button", "more", "", "");
    let click = || json!({ "click": { "x": 0.5, "y": 0.5 } });
    assert_eq!(world.act(1, 30, button, click()), Err(Refusal::NoGrant));
    world.relay.grant(world.now, SHARE, ANNA, Rung::Type, Duration::from_secs(60)).unwrap();
    assert_eq!(world.act(2, 30, button, click()), Ok(None));
    assert_eq!(world.act(2, 30, button, click()), Err(Refusal::Unordered), "replayed");
    assert_eq!(world.act(3, 30, button ^ 1, click()), Err(Refusal::Moved), "forged");
    assert_eq!(world.act(4, 999, button, click()), Err(Refusal::Moved));
    assert_eq!(world.act(5, 30, button, json!({ "click": { "x": 7, "y": 0 } })), Err(Refusal::Malformed));
    assert_eq!(world.act(5, 30, button, json!({ "eval": "x" })), Err(Refusal::Malformed));
    assert_eq!(world.act(5, 32, fingerprint("button", "", "", ""), click()), Ok(Some(Guard::Commits)));
    assert_eq!(world.act(6, 34, fingerprint("a", "", "", ""), click()), Ok(Some(Guard::Leaves)));
    let typed = || json!({ "type": { "text": "shoes", "replace": null } });
    assert_eq!(world.act(7, 21, fingerprint("input", "", "search", ""), typed()), Ok(None));
    assert_eq!(world.act(8, 20, fingerprint("input", "", "text", ""), typed()), Err(Refusal::Hidden));
    assert_eq!(world.act(9, 22, fingerprint("input", "", "password", ""), click()), Err(Refusal::Hidden));
    assert_eq!(world.act(10, 23, fingerprint("input", "", "file", ""), click()), Err(Refusal::Hidden));
    assert_eq!(world.act(11, 34, fingerprint("a", "", "", ""), json!({ "follow": {} })), Err(Refusal::BeyondGrant));
    world.send(&page());
    world.events();
    assert_eq!(world.act(12, 30, button, click()), Err(Refusal::WrongEpoch));
    world.relay.revoke(SHARE).unwrap();
    assert_eq!(world.act(13, 30, button, click()), Err(Refusal::NoGrant));
}

#[test]
fn sec_28_payment_fields_take_control_away() {
    let mut world = World::live();
    world.relay.grant(world.now, SHARE, ANNA, Rung::Type, Duration::from_secs(60)).unwrap();
    world.send(&card_form());
    assert_eq!(world.relay.level(SHARE, 52), Some(Level::Payment));
    assert_eq!(world.events(), [Event::GrantEnded { viewer: ANNA, why: GrantEnd::PaymentPage }]);
    let button = fingerprint("button", "more", "", "");
    assert_eq!(world.act(1, 30, button, json!({ "click": { "x": 0, "y": 0 } })), Err(Refusal::BeyondGrant));
    assert_eq!(world.act(2, 30, button, json!({ "highlight": {} })), Ok(None));
    assert_eq!(world.act(3, 52, fingerprint("input", "n", "", ""), json!({ "highlight": {} })), Err(Refusal::Hidden));
}

#[test]
fn grants_end_with_their_time_their_agent_and_their_shop() {
    let mut world = World::live();
    let meta = |host: &str| json!({ "type": 4, "timestamp": 1, "data": { "href": format!("https://{host}/"), "width": 1, "height": 1 } });
    world.send(&meta("shop.example"));
    let give =
        |world: &mut World| world.relay.grant(world.now, SHARE, ANNA, Rung::Click, Duration::from_secs(5)).unwrap();
    give(&mut world);
    assert_eq!(world.relay.poll_timeout(), Some(world.now + Duration::from_secs(5)));
    world.relay.handle_timeout(world.now + Duration::from_secs(5));
    assert_eq!(world.events(), [Event::GrantEnded { viewer: ANNA, why: GrantEnd::Expired }]);
    give(&mut world);
    world.send(&meta("elsewhere.example"));
    assert_eq!(world.events(), [Event::GrantEnded { viewer: ANNA, why: GrantEnd::NewOrigin }]);
    give(&mut world);
    world.relay.remove_viewer(SHARE, ANNA);
    assert_eq!(world.events(), [Event::GrantEnded { viewer: ANNA, why: GrantEnd::ViewerLeft }]);
}

/// While no page is there nobody acts. On the next page of the same shop the grant holds; a verb of before names the page
/// of before.
#[test]
fn sec_28_grants_wait_for_the_next_page_of_the_same_shop() {
    let meta = |href: &str| json!({ "type": 4, "timestamp": 1, "data": { "href": href, "width": 1, "height": 1 } });
    let button = fingerprint("button", "more", "", "");
    let click = json!({ "click": { "x": 0, "y": 0 } });
    for (why, first, next, after) in [
        (Why::SharerLeft, "https://shop.example/", "https://shop.example/next", Refusal::WrongEpoch),
        (Why::SharerLeft, "https://shop.example/", "https://elsewhere.example/", Refusal::NoGrant),
        (Why::SharerLeft, "https://shop.example/", "javascript:0", Refusal::NoGrant),
        (Why::SharerLeft, "javascript:0", "https://shop.example/", Refusal::NoGrant),
        (Why::Shopper, "https://shop.example/", "https://shop.example/next", Refusal::NoGrant),
    ] {
        let mut world = World::live();
        world.send(&meta(first));
        world.relay.grant(world.now, SHARE, ANNA, Rung::Click, Duration::from_secs(60)).unwrap();
        assert_eq!(world.act(1, 30, button, click.clone()), Ok(None));
        world.relay.pause(SHARE, why).unwrap();
        assert_eq!(world.act(2, 30, button, click.clone()), Err(Refusal::NotLive));
        world.relay.consent(SHARE).unwrap();
        world.send(&meta(next));
        world.send(&page());
        assert_eq!(world.act(3, 30, button, click.clone()), Err(after), "{why:?} from {first} to {next}");
    }
}

/// A three-digit and a four-digit code look alike, and a label that comes late still counts.
#[test]
fn payment_fields_show_neither_length_nor_timing() {
    let typed = |digits: &str| {
        let mut world = World::live();
        world.send(&card_form());
        world.seen(ANNA);
        for length in 1..=digits.len() {
            world.send(&json!({ "type": 3, "timestamp": 2_000, "data": { "source": 5, "id": 52, "text": digits[..length], "isChecked": false } }));
        }
        world.seen(ANNA)
    };
    assert_eq!(typed("123"), "");
    assert_eq!(typed("1234"), "");
    let mut world = World::live();
    world.send(&json!({ "type": 3, "timestamp": 2_000, "data": { "source": 5, "id": 20, "text": "4539", "isChecked": false } }));
    assert_eq!(world.relay.level(SHARE, 20), Some(Level::Masked));
    let attributes = json!([{ "id": 20, "attributes": { "placeholder": "Kartennummer" } }]);
    world.send(&json!({ "type": 3, "timestamp": 2_010, "data": { "source": 0, "adds": [], "removes": [], "texts": [], "attributes": attributes } }));
    assert_eq!(world.relay.level(SHARE, 20), Some(Level::Payment));
    let attributes =
        json!([{ "id": 20, "attributes": { "placeholder": "Comment", "type": "search", "data-tillside": "share" } }]);
    world.send(&json!({ "type": 3, "timestamp": 2_020, "data": { "source": 0, "adds": [], "removes": [], "texts": [], "attributes": attributes } }));
    assert_eq!(world.relay.level(SHARE, 20), Some(Level::Payment), "levels only rise");
}

/// Pressing the keys of an on-screen keypad tells nothing, whether it came with the page or key by key.
#[test]
fn sec_27_keypads_hide_what_is_pressed() {
    let key =
        |digit: u32| element(100 + 2 * digit, "button", json!({}), vec![text(101 + 2 * digit, &digit.to_string())]);
    let pad = |keys: Vec<Value>| element(90, "div", json!({}), keys);
    let press = json!({ "type": 3, "timestamp": 3_000, "data": { "source": 2, "type": 2, "id": 108, "x": 5, "y": 5 } });
    let mut whole = World::live();
    whole.send(&page_of(vec![pad((0..10).map(key).collect())]));
    let mut grown = World::live();
    grown.send(&page_of(vec![pad(vec![])]));
    for digit in 0..10 {
        let adds = json!([{ "parentId": 90, "nextId": null, "node": key(digit) }]);
        grown.send(&json!({ "type": 3, "timestamp": 2_000, "data": { "source": 0, "adds": adds, "removes": [], "texts": [], "attributes": [] } }));
    }
    for mut world in [whole, grown] {
        assert_eq!(world.relay.level(SHARE, 90), Some(Level::Payment));
        world.seen(ANNA);
        world.send(&press);
        assert_eq!(world.seen(ANNA), "");
    }
}

fn mutation(adds: &Value) -> Value {
    json!({ "type": 3, "timestamp": 2_000, "data": { "source": 0, "adds": adds, "removes": [], "texts": [], "attributes": [] } })
}

/// A label names its field whether it comes by itself, node by node, or inside of a larger part of the page.
#[test]
fn a_label_names_its_field_however_it_comes() {
    let add = |parent: u32, node: Value| json!({ "parentId": parent, "nextId": null, "node": node });
    let label = |children: Vec<Value>| element(51, "label", json!({ "for": "n" }), children);
    let whole = json!([add(3, element(50, "div", json!({}), vec![label(vec![text(52, "Card number")])]))]);
    let single = json!([
        add(3, element(50, "div", json!({}), vec![])),
        add(50, label(vec![])),
        add(51, text(52, "Card number")),
    ]);
    for adds in [whole, single] {
        let mut world = World::live();
        let between = ["Shoes", "Shirts", "Hats", "Socks"].into_iter().zip(30..);
        let field = element(20, "input", json!({ "id": "n", "type": "text" }), vec![]);
        world.send(&page_of(std::iter::once(field).chain(between.map(|(word, id)| text(id, word))).collect()));
        assert_eq!(world.relay.level(SHARE, 20), Some(Level::Masked));
        world.send(&mutation(&adds));
        assert_eq!(world.relay.level(SHARE, 20), Some(Level::Payment), "{adds}");
    }
}

/// The first document leaves before anybody has seen it: nothing of it is looked for afterwards.
#[test]
fn a_frame_may_load_twice_in_one_mutation() {
    let mut world = World::live();
    world.send(&page_of(vec![element(40, "iframe", json!({}), vec![])]));
    let document = |id: u32| {
        let fields = vec![element(id + 2, "input", json!({ "value": "x" }), vec![]), text(id + 3, "Welcome")];
        let html = element(id + 1, "html", json!({}), fields);
        json!({ "parentId": 40, "nextId": null, "node": { "type": 0, "id": id, "childNodes": [html] } })
    };
    world.send(&mutation(&json!([document(60), document(70)])));
    assert_eq!(world.relay.level(SHARE, 63), None);
    assert_eq!(world.relay.level(SHARE, 72), Some(Level::Masked));
    assert!(world.seen(ANNA).contains("Welcome"));
}
