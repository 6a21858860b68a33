//! What a page sends after its snapshot: small changes of every kind, about 200 bytes each.

use super::page::Page;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// One kind of small event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A text of the page changes.
    Text,
    /// A class changes.
    Attribute,
    /// A small box with a text enters.
    Add,
    /// It leaves again.
    Remove,
    /// The shopper types one more letter into an address field.
    Input,
    Scroll,
    /// Five positions of the mouse.
    Mouse,
}

impl Step {
    pub(super) const ALL: [Self; 7] =
        [Self::Text, Self::Attribute, Self::Add, Self::Remove, Self::Input, Self::Scroll, Self::Mouse];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Attribute => "attribute",
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Input => "input",
            Self::Scroll => "scroll",
            Self::Mouse => "mouse",
        }
    }
}

/// A lively page, of a hundred events: mostly mutations.
const MIX: [(Step, u32); 6] = [
    (Step::Text, 30),
    (Step::Attribute, 26),
    // Every second one is the removal of what the one before added.
    (Step::Add, 26),
    (Step::Input, 6),
    (Step::Scroll, 6),
    (Step::Mouse, 6),
];

/// Writes the events of one share, the same for the same seed.
pub(super) struct Script<'p> {
    page: &'p Page,
    random: ChaCha8Rng,
    next_node: u32,
    /// The box that was added last, and its parent.
    added: Option<(u32, u32)>,
    typed: usize,
    timestamp: u64,
}

impl<'p> Script<'p> {
    pub(super) fn new(page: &'p Page, seed: u64) -> Self {
        let random = ChaCha8Rng::seed_from_u64(seed);
        Self { page, random, next_node: page.nodes + 1, added: None, typed: 0, timestamp: 2_000 }
    }

    /// The next event of the lively mix.
    pub(super) fn lively(&mut self) -> Vec<u8> {
        let mut draw = self.random.random_range(0..100);
        for (step, weight) in MIX {
            if draw < weight {
                return self.event(step);
            }
            draw -= weight;
        }
        self.event(Step::Text)
    }

    /// The next event of one kind. An addition after an addition is its removal, so that the page does not grow.
    pub(super) fn event(&mut self, step: Step) -> Vec<u8> {
        self.timestamp += 20;
        let data = match (step, self.added) {
            (Step::Add | Step::Remove, Some((parent, id))) => self.removal(parent, id),
            (Step::Add | Step::Remove, None) => self.addition(),
            (Step::Text, _) => self.text(),
            (Step::Attribute, _) => self.attribute(),
            (Step::Input, _) => self.input(),
            (Step::Scroll, _) => {
                format!("{{\"source\":3,\"id\":1,\"x\":0,\"y\":{}}}", self.random.random_range(0..9_000))
            }
            (Step::Mouse, _) => self.mouse(),
        };
        format!("{{\"type\":3,\"data\":{data},\"timestamp\":{}}}", self.timestamp).into_bytes()
    }

    fn pick(&mut self, nodes: &[u32]) -> u32 {
        nodes[self.random.random_range(0..nodes.len())]
    }

    fn text(&mut self) -> String {
        let (id, price) = (self.pick(&self.page.texts), self.random.random_range(5..300));
        format!(
            "{{\"source\":0,\"texts\":[{{\"id\":{id},\"value\":\"only € {price}.90, in stock, delivered the day after tomorrow by our own van\"}}],\"attributes\":[],\"removes\":[],\"adds\":[]}}"
        )
    }

    fn attribute(&mut self) -> String {
        let (id, state) = (self.pick(&self.page.boxes), self.random.random_range(0..9));
        format!(
            "{{\"source\":0,\"texts\":[],\"attributes\":[{{\"id\":{id},\"attributes\":{{\"class\":\"card product-card is-hovered is-state-{state} transition-shadow\"}}}}],\"removes\":[],\"adds\":[]}}"
        )
    }

    fn addition(&mut self) -> String {
        let parent = self.pick(&self.page.boxes);
        let (id, text) = (self.next_node, self.next_node + 1);
        self.next_node += 2;
        self.added = Some((parent, id));
        format!(
            "{{\"source\":0,\"texts\":[],\"attributes\":[],\"removes\":[],\"adds\":[{{\"parentId\":{parent},\"nextId\":null,\"node\":{{\"type\":2,\"tagName\":\"div\",\"attributes\":{{\"class\":\"toast\"}},\"childNodes\":[],\"id\":{id}}}}},{{\"parentId\":{id},\"nextId\":null,\"node\":{{\"type\":3,\"textContent\":\"Added to your cart\",\"id\":{text}}}}}]}}"
        )
    }

    fn removal(&mut self, parent: u32, id: u32) -> String {
        self.added = None;
        format!(
            "{{\"source\":0,\"texts\":[],\"attributes\":[],\"removes\":[{{\"parentId\":{parent},\"id\":{id}}}],\"adds\":[]}}"
        )
    }

    fn input(&mut self) -> String {
        const TYPED: &str = "kasimir.oddleigh@mail.example";
        self.typed = self.typed % TYPED.len() + 1;
        let id = self.page.fields[0];
        format!("{{\"source\":5,\"text\":\"{}\",\"isChecked\":false,\"id\":{id}}}", &TYPED[..self.typed])
    }

    fn mouse(&mut self) -> String {
        let id = self.pick(&self.page.boxes);
        let positions: Vec<String> = (0..5)
            .map(|place| {
                let x = self.random.random_range(0..1_200);
                format!("{{\"x\":{x},\"y\":240,\"id\":{id},\"timeOffset\":-{}}}", 40 - place * 10)
            })
            .collect();
        format!("{{\"source\":1,\"positions\":[{}]}}", positions.join(","))
    }
}
