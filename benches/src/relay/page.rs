//! Shop pages of a wanted size, the same for the same seed: what real ones consist of, in their proportions.
//!
//! Real card pages measure about 105 bytes of JSON per node: most nodes are small boxes, links and texts, a few are
//! styles, pictures and controls.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

const WORDS: [&str; 24] = [
    "blue", "runner", "light", "trail", "shoe", "classic", "cotton", "shirt", "offer", "today", "delivery", "free",
    "return", "within", "thirty", "days", "size", "guide", "new", "season", "organic", "wool", "best", "seller",
];

/// A page, and the nodes that a script may touch.
pub(super) struct Page {
    /// The snapshot event as JSON.
    pub(super) snapshot: Vec<u8>,
    /// How many nodes it has; ids count from 1.
    pub(super) nodes: u32,
    /// Price texts, which change.
    pub(super) texts: Vec<u32>,
    /// Product boxes, whose classes change and under which nodes come and go.
    pub(super) boxes: Vec<u32>,
    /// Address fields, private but no payment fields.
    pub(super) fields: Vec<u32>,
}

/// Makes a page whose snapshot takes about `bytes` bytes.
pub(super) fn page(seed: u64, bytes: usize) -> Page {
    let mut maker = Maker {
        random: ChaCha8Rng::seed_from_u64(seed),
        next: 1,
        texts: Vec::new(),
        boxes: Vec::new(),
        fields: Vec::new(),
    };
    let root = maker.id();
    let head = maker.head(bytes / 8);
    let mut main = vec![maker.navigation()];
    let checkout = maker.checkout();
    let fixed = length(&head) + length(&main[0]) + length(&checkout);
    let mut filled = fixed;
    while filled < bytes {
        let product = maker.product();
        filled += length(&product) + 1;
        main.push(product);
    }
    main.push(checkout);
    let body = maker.element("body", json!({ "class": "shop theme-light" }), main);
    let html = maker.element("html", json!({ "lang": "en" }), vec![head, body]);
    let event = json!({
        "type": 2, "timestamp": 1_000,
        "data": {
            "node": { "type": 0, "childNodes": [html], "id": root },
            "initialOffset": { "left": 0, "top": 0 },
        },
    });
    let Maker { next, texts, boxes, fields, .. } = maker;
    Page { snapshot: event.to_string().into_bytes(), nodes: next - 1, texts, boxes, fields }
}

fn length(node: &Value) -> usize {
    node.to_string().len()
}

struct Maker {
    random: ChaCha8Rng,
    next: u32,
    texts: Vec<u32>,
    boxes: Vec<u32>,
    fields: Vec<u32>,
}

impl Maker {
    fn id(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    fn words(&mut self, count: usize) -> String {
        let words: Vec<&str> = (0..count).map(|_| WORDS[self.random.random_range(0..WORDS.len())]).collect();
        words.join(" ")
    }

    fn text(&mut self, text: &str) -> Value {
        json!({ "type": 3, "textContent": text, "id": self.id() })
    }

    fn element(&mut self, tag: &str, attributes: Value, children: Vec<Value>) -> Value {
        json!({ "type": 2, "tagName": tag, "attributes": attributes, "childNodes": children, "id": self.id() })
    }

    fn head(&mut self, style_bytes: usize) -> Value {
        let title = self.text("Shop: checkout");
        let title = self.element("title", json!({}), vec![title]);
        let mut css = String::new();
        while css.len() < style_bytes {
            let (rule, size) = (self.random.random_range(0..10_000), self.random.random_range(1..40));
            css.push_str(&format!(
                ".c{rule}, .c{rule}:hover > a {{ display: flex; margin: 0 {size}px; color: #3a{size:02}f0; padding: calc(1rem + {size}px) }}\n"
            ));
        }
        let style = json!({ "type": 3, "textContent": css, "isStyle": true, "id": self.id() });
        let style = self.element("style", json!({ "type": "text/css" }), vec![style]);
        let script = self.element("script", json!({ "src": "https://shop.example/app.js" }), vec![]);
        self.element("head", json!({}), vec![title, style, script])
    }

    fn navigation(&mut self) -> Value {
        let mut items = Vec::new();
        for place in 0..24 {
            let words = self.words(2);
            let text = self.text(&words);
            let href = format!("https://shop.example/c/{place}?from=nav");
            let link = self.element("a", json!({ "href": href, "class": "nav-link" }), vec![text]);
            items.push(self.element("li", json!({ "class": "nav-item" }), vec![link]));
        }
        let list = self.element("ul", json!({ "class": "nav" }), items);
        self.element("nav", json!({ "aria-label": "Shop" }), vec![list])
    }

    fn product(&mut self) -> Value {
        let number = self.random.random_range(1_000..99_999);
        let (name, description) = (self.words(3), self.words(12));
        let price = format!("€ {}.{:02}", self.random.random_range(5..300), self.random.random_range(0..100));
        let picture = json!({
            "src": format!("https://cdn.shop.example/i/{number}.jpg?w=300"), "alt": name, "class": "img-fluid",
            "width": "300", "height": "300", "loading": "lazy",
        });
        let picture = self.element("img", picture, vec![]);
        let path = self.element("path", json!({ "d": "M12 21.35l-1.45-1.32C5.4 15.36 2 12.28 2 8.5" }), vec![]);
        let icon = self.element("svg", json!({ "viewBox": "0 0 24 24", "class": "icon" }), vec![path]);
        let heading = self.text(&name);
        let heading = self.element("h3", json!({ "class": "card-title" }), vec![heading]);
        let description = self.text(&description);
        let description = self.element("p", json!({ "class": "card-text text-muted" }), vec![description]);
        let price = self.text(&price);
        self.texts.push(self.next - 1);
        let price = self.element("span", json!({ "class": "price", "data-currency": "EUR" }), vec![price]);
        let label = self.text("Add to cart");
        let button = self.element("button", json!({ "type": "button", "class": "btn btn-primary" }), vec![label]);
        let href = json!({ "href": format!("https://shop.example/p/{number}?ref=list"), "class": "card-link" });
        let link = self.element("a", href, vec![picture, heading]);
        let gap = self.text("\n        ");
        let card = json!({ "class": "card product-card", "data-id": number.to_string(), "style": "width: 18rem;" });
        let card = self.element("div", card, vec![gap, link, icon, description, price, button]);
        self.boxes.push(self.next - 1);
        card
    }

    fn checkout(&mut self) -> Value {
        const FIELDS: [(&str, &str, &str); 14] = [
            ("email", "E-mail address", "email"),
            ("firstname", "First name", "text"),
            ("lastname", "Last name", "text"),
            ("street", "Street and number", "text"),
            ("city", "City", "text"),
            ("zip", "Postcode", "text"),
            ("phone", "Phone number", "tel"),
            ("company", "Company", "text"),
            ("coupon", "Coupon code", "text"),
            ("comment", "Comment", "text"),
            ("cardnumber", "Card number", "tel"),
            ("cardholder", "Name on card", "text"),
            ("exp", "Expiry date", "tel"),
            ("cvc", "Security code", "tel"),
        ];
        let mut rows = Vec::new();
        for (place, (name, label, kind)) in FIELDS.into_iter().enumerate() {
            let text = self.text(label);
            let label = self.element("label", json!({ "for": name, "class": "form-label" }), vec![text]);
            let input = json!({ "type": kind, "id": name, "name": name, "class": "form-control", "required": true });
            let input = self.element("input", input, vec![]);
            if place < 10 {
                self.fields.push(self.next - 1);
            }
            rows.push(self.element("div", json!({ "class": "form-group row" }), vec![label, input]));
        }
        let text = self.text("Place order");
        rows.push(self.element("button", json!({ "type": "submit", "class": "btn" }), vec![text]));
        self.element("form", json!({ "action": "https://shop.example/pay", "class": "checkout" }), rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_their_size_and_come_again_by_seed() {
        for bytes in [100_000, 260_000, 1_000_000] {
            let made = page(7, bytes);
            assert!((bytes..bytes + bytes / 20).contains(&made.snapshot.len()), "{}", made.snapshot.len());
            assert_eq!(made.snapshot, page(7, bytes).snapshot);
            assert_ne!(made.snapshot, page(8, bytes).snapshot);
            let per_node = made.snapshot.len() / made.nodes as usize;
            assert!((80..140).contains(&per_node), "{per_node} bytes per node");
        }
    }
}
