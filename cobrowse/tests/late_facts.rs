//! Forms that tell late, wrongly or bit by bit what their fields are: whatever the order, a card's fields end as payment
//! fields, and nothing typed before that was seen.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)] // a test may read the clock and fail loudly

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tillside_cobrowse::Relay;
use tillside_cobrowse::mask::Level;
use tillside_cobrowse::policy::Policy;
use tillside_cobrowse::relay::{ShareId, ViewerId};

const SHARE: ShareId = ShareId(1);
const VIEWER: ViewerId = ViewerId(1);
const NUMBER: &str = "4539578763621486";

/// The field that every story is about.
const FIELD: u64 = 20;
/// Another field, right before it in one story.
const BETWEEN: u64 = 19;
/// The text of the label before it, empty at first.
const LABEL_TEXT: u64 = 11;

struct World {
    relay: Relay,
    now: Instant,
    seen: String,
}

impl World {
    /// A page with one form: a label element without text, and a field with these attributes.
    fn new(attributes: Value) -> Self {
        let mut world = Self { relay: Relay::default(), now: Instant::now(), seen: String::new() };
        world.relay.request(world.now, SHARE, Policy::default()).unwrap();
        world.relay.consent(SHARE).unwrap();
        world.relay.add_viewer(SHARE, VIEWER).unwrap();
        let label = element(10, "label", json!({}), vec![text(LABEL_TEXT, "")]);
        let form = element(4, "form", json!({}), vec![label, element(FIELD, "input", attributes, vec![])]);
        let body = element(3, "body", json!({}), vec![form]);
        let page = json!({ "type": 0, "id": 1, "childNodes": [element(2, "html", json!({}), vec![body])] });
        let data = json!({ "node": page, "initialOffset": { "left": 0, "top": 0 } });
        world.send(&json!({ "type": 2, "timestamp": 1, "data": data }));
        world
    }

    fn send(&mut self, event: &Value) {
        self.now += Duration::from_millis(20);
        self.relay.handle_record(self.now, SHARE, &mut serde_json::to_vec(event).unwrap());
        while let Some(message) = self.relay.poll_viewer(SHARE, VIEWER) {
            self.seen.push_str(std::str::from_utf8(&message).unwrap());
        }
    }

    fn mutate(&mut self, change: Value) {
        let mut data = json!({ "source": 0, "texts": [], "attributes": [], "removes": [], "adds": [] });
        data.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        self.send(&json!({ "type": 3, "timestamp": 2, "data": data }));
    }

    fn set(&mut self, node: u64, attributes: Value) {
        self.mutate(json!({ "attributes": [{ "id": node, "attributes": attributes }] }));
    }

    fn add(&mut self, parent: u64, next: Option<u64>, node: Value) {
        self.mutate(json!({ "adds": [{ "parentId": parent, "nextId": next, "node": node }] }));
    }

    fn type_in(&mut self, text: &str) {
        let data = json!({ "source": 5, "id": FIELD, "text": text, "isChecked": false });
        self.send(&json!({ "type": 3, "timestamp": 2, "data": data }));
    }

    fn level(&self, node: u64) -> Level {
        self.relay.level(SHARE, u32::try_from(node).unwrap()).unwrap()
    }
}

fn element(id: u64, tag: &str, attributes: Value, children: Vec<Value>) -> Value {
    json!({ "type": 2, "id": id, "tagName": tag, "attributes": attributes, "childNodes": children })
}

fn text(id: u64, content: &str) -> Value {
    json!({ "type": 3, "id": id, "textContent": content })
}

/// Tells a fact about a field that stands there already.
type Fact = fn(&mut World);

/// What may come late, each enough by itself.
const FACTS: [(&str, Fact); 13] = [
    ("what stood between it and its words goes", |world| {
        world.add(4, Some(FIELD), element(BETWEEN, "input", json!({ "placeholder": "Suche" }), vec![]));
        world.add(4, Some(BETWEEN), element(60, "div", json!({}), vec![text(61, "Kartennummer")]));
        assert_eq!(world.level(FIELD), Level::Masked);
        world.mutate(json!({ "removes": [{ "parentId": 4, "id": BETWEEN }] }));
    }),
    ("the label's text", |world| world.mutate(json!({ "texts": [{ "id": LABEL_TEXT, "value": "Kartennummer" }] }))),
    ("a label elsewhere", |world| {
        world.set(FIELD, json!({ "id": "x7" }));
        world.add(3, None, element(60, "label", json!({ "for": "x7" }), vec![]));
        world.add(60, None, text(61, "Card number"));
    }),
    ("the label's reference", |world| {
        world.set(FIELD, json!({ "id": "x7" }));
        world.add(3, None, element(60, "label", json!({}), vec![text(61, "Card number")]));
        world.set(60, json!({ "for": "x7" }));
    }),
    ("what aria refers to", |world| {
        world.add(3, None, element(60, "div", json!({ "id": "hint" }), vec![text(61, "Num\u{e9}ro de carte")]));
        world.set(FIELD, json!({ "aria-labelledby": "hint" }));
    }),
    ("words before it", |world| world.add(4, Some(FIELD), element(60, "div", json!({}), vec![text(61, "CVC")]))),
    ("a placeholder", |world| world.set(FIELD, json!({ "placeholder": "\u{30ab}\u{30fc}\u{30c9}\u{756a}\u{53f7}" }))),
    ("an aria-label", |world| world.set(FIELD, json!({ "aria-label": "Security code" }))),
    ("a name", |world| world.set(FIELD, json!({ "name": "cardNumber" }))),
    ("an id", |world| world.set(FIELD, json!({ "id": "cc-number" }))),
    ("autocomplete", |world| world.set(FIELD, json!({ "autocomplete": "billing cc-csc" }))),
    ("a data attribute", |world| world.set(FIELD, json!({ "data-encrypted-name": "cvv" }))),
    ("a number in it", |world| world.type_in(NUMBER)),
];

#[test]
fn facts_that_come_late_count() {
    for (name, tell) in FACTS {
        for typed_first in [false, true] {
            for attributes in [json!({}), json!({ "type": "tel", "name": "f3a9" }), json!({ "type": "password" })] {
                let mut world = World::new(attributes.clone());
                if typed_first {
                    world.type_in("4539");
                }
                assert_eq!(world.level(FIELD), Level::Masked, "{name}, {attributes}: nobody knows yet");
                tell(&mut world);
                assert_eq!(world.level(FIELD), Level::Payment, "{name}, {attributes}");
                world.type_in(NUMBER);
                // The page shows what was typed, as text and as value, and as another kind of field.
                world.set(FIELD, json!({ "type": "text", "value": NUMBER }));
                world.add(3, None, element(90, "p", json!({ "title": NUMBER }), vec![text(91, NUMBER)]));
                assert_eq!(world.level(FIELD), Level::Payment, "{name}, {attributes}: toggled");
                assert!(!world.seen.contains("4539"), "{name}, {attributes}: {}", world.seen);
            }
        }
    }
}

/// Lying or meaningless names, ids and tokens change nothing where the label tells.
#[test]
fn lies_and_hashes_do_not_hide_a_card() {
    for attributes in [
        json!({ "name": "id97rg", "id": "no7c" }),
        json!({ "name": "x4pin2y" }),
        json!({ "autocomplete": "email" }),
        json!({ "autocomplete": "off", "name": "f_18" }),
        json!({ "autocomplete": "one-time-code", "type": "tel" }),
        json!({ "class": "a9f x1 col-6" }),
    ] {
        let mut world = World::new(attributes.clone());
        world.mutate(json!({ "texts": [{ "id": LABEL_TEXT, "value": "Sicherheitscode (Kreditkarte)" }] }));
        assert_eq!(world.level(FIELD), Level::Payment, "{attributes}");
    }
    // And a label that lies does not hide what the shop's own server calls a card.
    let mut world = World::new(json!({ "name": "cardNumber" }));
    world.mutate(json!({ "texts": [{ "id": LABEL_TEXT, "value": "City" }] }));
    assert_eq!(world.level(FIELD), Level::Payment);
}

/// A form that grows field by field, in a shadow root as well as in the open: the dates and the holder are known by
/// the number beside them, whichever came first.
#[test]
fn fields_added_one_by_one_find_each_other() {
    let list = |id: u64, from: u64, to: u64| {
        let options = (from..=to).map(|value| {
            let id = id * 100 + value % 100;
            element(id, "option", json!({ "value": value.to_string() }), vec![text(id + 50_000, &value.to_string())])
        });
        element(id, "select", json!({}), options.collect())
    };
    let field = |id: u64, placeholder: &str| element(id, "input", json!({ "placeholder": placeholder }), vec![]);
    let fields =
        [field(30, "Kartennummer"), field(31, "Name"), list(32, 1, 12), list(33, 2026, 2037), field(34, "CVV")];
    let forwards: Vec<usize> = (0..fields.len()).collect();
    let backwards: Vec<usize> = forwards.iter().rev().copied().collect();
    for shadow in [false, true] {
        for order in [&forwards, &backwards] {
            let mut world = World::new(json!({ "type": "search", "placeholder": "Suche" }));
            let mut host = element(5, "form", json!({}), vec![]);
            if shadow {
                host["isShadowHost"] = true.into();
            }
            world.add(3, None, host);
            for place in order.iter() {
                let mut node = fields[*place].clone();
                if shadow {
                    node["isShadow"] = true.into();
                }
                let next = (order == &backwards).then(|| 31 + *place as u64).filter(|next| *next <= 34);
                world.add(5, next, node);
            }
            for id in 30..=34 {
                assert_eq!(world.level(id), Level::Payment, "{id}, shadow {shadow}, {order:?}");
            }
            assert_eq!(world.level(FIELD), Level::Masked, "the search box is no payment field");
        }
    }
}

/// What stands before a card's fields is told by its place and its shape where no word of it is known.
#[test]
fn fields_before_a_card_are_told_by_place_and_shape() {
    let input = |id: u64, attributes: Value| element(id, "input", attributes, vec![]);
    let years = (2026..=2037).map(|year: u64| {
        element(year, "option", json!({ "value": year.to_string() }), vec![text(year + 100, &year.to_string())])
    });
    let years = element(33, "select", json!({}), years.collect());
    let number = input(31, json!({ "placeholder": "F.eks. 4242 4242 4242 4242" }));
    for (first, numbered, level) in [
        (json!({ "placeholder": "np. Jan Kowalski" }), true, Level::Payment),
        (json!({ "placeholder": "Full name" }), true, Level::Payment),
        (json!({ "name": "idpfax", "aria-label": "Nom sur la carte" }), true, Level::Payment),
        (json!({ "type": "tel", "placeholder": "(000) 000-0000" }), true, Level::Masked),
        (json!({ "name": "q7f" }), false, Level::Payment),
        (json!({ "placeholder": "City" }), false, Level::Masked),
    ] {
        let mut world = World::new(json!({ "type": "search", "placeholder": "Suche" }));
        let code = input(32, json!({ "placeholder": "CVV" }));
        let mut fields = vec![input(30, first.clone())];
        fields.extend(numbered.then(|| number.clone()));
        fields.extend([years.clone(), code]);
        world.add(3, None, element(5, "form", json!({}), fields));
        assert_eq!(world.level(30), level, "{first}");
        let others = [31, 33, 32].into_iter().filter(|id| numbered || *id != 31);
        others.for_each(|id| assert_eq!(world.level(id), Level::Payment, "{id} behind {first}"));
    }
}
