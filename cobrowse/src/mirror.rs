//! The tree of one page as the relay knows it: structure, allow-listed attributes, public texts, levels.
//!
//! Owns the nodes and their order, and the rule that a level only rises. Every text and attribute in it has passed
//! `admit`; values of controls are not in it (see `vault`). Must not know viewers, wire formats or classifiers.

mod apply;
mod change;
mod names;
mod walk;

pub(crate) use apply::{Changes, Gone};
pub(crate) use names::{Name, Names};

use crate::desync::Desync;
use crate::limits::{DEPTH_MAX, MIRROR_BYTES_MAX};
use crate::mask::Level;
use crate::record::NodeId;
use crate::wipe::Wiping;
use hashbrown::HashMap;
use slab::Slab;

/// A string that is zeroed when it is dropped.
pub(crate) type Wiped = Wiping<Box<str>>;

/// The place of a node in the mirror. Valid until the node is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key(u32);

/// A node and its links.
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) parent: Option<Key>,
    pub(crate) first: Option<Key>,
    pub(crate) last: Option<Key>,
    pub(crate) previous: Option<Key>,
    pub(crate) next: Option<Key>,
    /// Nodes at and below this one.
    size: u32,
    /// Which mutation brought it, as [`Mirror::mutations`] counted then.
    brought_by: u32,
    depth: u16,
    level: Level,
    pub(crate) in_shadow: bool,
    pub(crate) shadow_host: bool,
    /// Live viewers have this node.
    pub(crate) shown: bool,
    pub(crate) kind: Kind,
}

/// What a node is.
pub(crate) enum Kind {
    Document,
    Doctype(Name),
    Element(Box<Element>),
    Text(Wiped),
    /// The sanitised text of a style element.
    Style(Wiped),
    /// Off the allow-list: keeps its place among its siblings, has no content, is never shown.
    Dropped,
}

/// An element.
pub(crate) struct Element {
    pub(crate) tag: Name,
    pub(crate) svg: bool,
    /// Does not break a line of text.
    pub(crate) inline: bool,
    /// Allow-listed and sanitised; what a viewer may see at level Public.
    pub(crate) attributes: Vec<(Name, Wiped)>,
    /// Raw attributes that tell what a control, label or frame is. Never shown.
    pub(crate) clues: Vec<(Name, Wiped)>,
    pub(crate) role: Role,
    /// Check mark of a checkbox or radio button, selection of an option.
    pub(crate) checked: Option<bool>,
    /// A private control holds a value; all that viewers learn of it.
    pub(crate) filled: bool,
}

/// What part an element plays for masking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// None.
    Plain,
    /// Takes typed text: input, textarea, contenteditable, role=textbox.
    Field,
    /// A select.
    Choice,
    /// A checkbox or radio button.
    Toggle,
    /// A hidden input.
    Hidden,
    /// A button, or an input of type button, submit, reset or image.
    Button,
    /// An iframe.
    Frame,
    /// A file input.
    File,
}

impl Role {
    /// Whether the classifier looks at it.
    pub(crate) fn is_control(self) -> bool {
        matches!(self, Self::Field | Self::Choice | Self::Toggle | Self::Hidden)
    }

    /// Whether its value is private unless shared.
    pub(crate) fn is_private(self) -> bool {
        matches!(self, Self::Field | Self::Choice | Self::Hidden | Self::File)
    }
}

/// The tree of one page.
pub(crate) struct Mirror {
    nodes: Slab<Node>,
    keys: HashMap<NodeId, Key>,
    pub(crate) names: Names,
    root: Option<Key>,
    bytes: usize,
    nodes_max: usize,
    /// Counts mutations since the snapshot; wraps, since only the latest counts.
    mutations: u32,
    /// Levels above Public of nodes that left the tree in this epoch: one that comes back is as hidden as before.
    departed: HashMap<NodeId, Level>,
}

impl Mirror {
    /// An empty mirror for at most `nodes_max` nodes.
    pub(crate) fn new(nodes_max: usize) -> Self {
        Self {
            nodes: Slab::new(),
            keys: HashMap::new(),
            names: Names::default(),
            root: None,
            bytes: 0,
            nodes_max,
            mutations: 0,
            departed: HashMap::new(),
        }
    }

    /// Forgets the page, levels too: a new epoch begins.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.nodes_max);
    }

    pub(crate) fn root(&self) -> Option<Key> {
        self.root
    }

    pub(crate) fn key(&self, id: NodeId) -> Option<Key> {
        self.keys.get(&id).copied()
    }

    pub(crate) fn node(&self, key: Key) -> &Node {
        &self.nodes[key.0 as usize]
    }

    pub(crate) fn node_mut(&mut self, key: Key) -> &mut Node {
        &mut self.nodes[key.0 as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Bytes of text held, without the nodes themselves.
    pub(crate) fn text_bytes(&self) -> usize {
        self.bytes
    }

    /// How many nodes there are at and below this one.
    pub(crate) fn size(&self, key: Key) -> usize {
        self.node(key).size as usize
    }

    /// The level of a node, what it inherits included.
    pub(crate) fn level(&self, key: Key) -> Level {
        self.node(key).level
    }

    pub(crate) fn element(&self, key: Key) -> Option<&Element> {
        match &self.node(key).kind {
            Kind::Element(element) => Some(element),
            _ => None,
        }
    }

    pub(crate) fn element_mut(&mut self, key: Key) -> Option<&mut Element> {
        match &mut self.node_mut(key).kind {
            Kind::Element(element) => Some(element),
            _ => None,
        }
    }

    /// The role of an element; Plain for anything else.
    pub(crate) fn role(&self, key: Key) -> Role {
        self.element(key).map_or(Role::Plain, |element| element.role)
    }

    /// The tag of an element; empty for anything else.
    pub(crate) fn tag(&self, key: Key) -> &str {
        self.element(key).map_or("", |element| self.names.text(element.tag))
    }

    /// An allow-listed attribute.
    pub(crate) fn attribute(&self, key: Key, name: &str) -> Option<&str> {
        find(&self.names, &self.element(key)?.attributes, name)
    }

    /// A raw attribute that was kept as a clue.
    pub(crate) fn clue(&self, key: Key, name: &str) -> Option<&str> {
        find(&self.names, &self.element(key)?.clues, name)
    }

    /// The text of a text node; empty for anything else.
    pub(crate) fn text(&self, key: Key) -> &str {
        match &self.node(key).kind {
            Kind::Text(text) => text,
            _ => "",
        }
    }

    /// Makes room for so many more nodes.
    pub(crate) fn reserve(&mut self, nodes: usize) {
        self.nodes.reserve(nodes);
        self.keys.reserve(nodes);
    }

    /// Puts a node under `parent`, before `next` or last.
    ///
    /// # Errors
    /// The limit or rule of the tree that it would break.
    pub(crate) fn insert(&mut self, parent: Option<Key>, next: Option<Key>, node: NewNode) -> Result<Key, Desync> {
        if self.nodes.len() >= self.nodes_max {
            return Err(Desync::TooManyNodes);
        }
        if self.keys.contains_key(&node.id) {
            return Err(Desync::DuplicateId);
        }
        let (depth, inherited) = match parent {
            Some(parent) => (self.node(parent).depth + 1, self.level(parent)),
            None => (0, Level::Public),
        };
        if usize::from(depth) > DEPTH_MAX {
            return Err(Desync::TooDeep);
        }
        self.charge(kind_bytes(&node.kind))?;
        let level = inherited.max(node.level).max(self.departed.get(&node.id).copied().unwrap_or_default());
        let NewNode { id, in_shadow, shadow_host, kind, .. } = node;
        let whole = Node {
            id,
            parent,
            first: None,
            last: None,
            previous: None,
            next: None,
            size: 1,
            brought_by: self.mutations,
            depth,
            level,
            in_shadow,
            shadow_host,
            shown: false,
            kind,
        };
        let key = Key(u32::try_from(self.nodes.insert(whole)).expect("nodes_max fits in 32 bits"));
        self.keys.insert(id, key);
        self.link(key, parent, next);
        Ok(key)
    }

    /// Takes a subtree out and wipes it. Levels above Public are remembered for the rest of the epoch.
    pub(crate) fn remove(&mut self, key: Key) {
        self.unlink(key);
        let mut doomed = vec![key];
        while let Some(key) = doomed.pop() {
            doomed.extend(self.children(key));
            let node = self.nodes.remove(key.0 as usize);
            self.keys.remove(&node.id);
            self.bytes -= kind_bytes(&node.kind).min(self.bytes);
            // Bounded: a page that parks more hidden nodes than it may have nodes at all is asked for a snapshot.
            if node.level > Level::Public {
                self.departed.insert(node.id, node.level);
            }
        }
    }

    /// Whether the page parked more hidden nodes than a page may hold; only a fresh snapshot forgets them.
    pub(crate) fn has_too_many_departed(&self) -> bool {
        self.departed.len() > self.nodes_max
    }

    /// Raises a subtree to at least `level`; gives whether its top was below.
    pub(crate) fn raise(&mut self, key: Key, level: Level) -> bool {
        if self.level(key) >= level {
            return false;
        }
        let mut rising = vec![key];
        while let Some(key) = rising.pop() {
            let node = self.node_mut(key);
            if node.level < level {
                node.level = level;
                rising.extend(self.children(key));
            }
        }
        true
    }

    /// Replaces what a node is, within the byte limit.
    pub(crate) fn set_kind(&mut self, key: Key, kind: Kind) -> Result<(), Desync> {
        self.bytes -= kind_bytes(&self.node(key).kind).min(self.bytes);
        self.charge(kind_bytes(&kind))?;
        self.node_mut(key).kind = kind;
        Ok(())
    }

    /// Sets or removes one attribute in one of the two lists of an element.
    pub(crate) fn set_attribute(
        &mut self,
        key: Key,
        list: impl FnOnce(&mut Element) -> &mut Vec<(Name, Wiped)>,
        name: Name,
        value: Option<Wiped>,
    ) -> Result<(), Desync> {
        let added = value.as_ref().map_or(0, |value| value.len());
        let Some(element) = self.element_mut(key) else { return Ok(()) };
        let list = list(element);
        let old = list.iter().position(|(known, _)| *known == name).map(|place| list.swap_remove(place).1.len());
        if let Some(value) = value {
            list.push((name, value));
        }
        self.bytes -= old.unwrap_or_default().min(self.bytes);
        self.charge(added)
    }

    fn charge(&mut self, bytes: usize) -> Result<(), Desync> {
        self.bytes += bytes;
        if self.bytes > MIRROR_BYTES_MAX { Err(Desync::TooMuchText) } else { Ok(()) }
    }

    fn link(&mut self, key: Key, parent: Option<Key>, next: Option<Key>) {
        let Some(parent) = parent else {
            self.root = Some(key);
            return;
        };
        let previous = match next {
            Some(next) => self.node(next).previous,
            None => self.node(parent).last,
        };
        match previous {
            Some(previous) => self.node_mut(previous).next = Some(key),
            None => self.node_mut(parent).first = Some(key),
        }
        match next {
            Some(next) => self.node_mut(next).previous = Some(key),
            None => self.node_mut(parent).last = Some(key),
        }
        let node = self.node_mut(key);
        node.previous = previous;
        node.next = next;
        self.resize_above(Some(parent), |above| above + 1);
    }

    /// Sets anew how many nodes there are at and below a node and each above it.
    fn resize_above(&mut self, mut above: Option<Key>, resized: impl Fn(u32) -> u32) {
        while let Some(key) = above {
            let node = self.node_mut(key);
            node.size = resized(node.size);
            above = node.parent;
        }
    }

    fn unlink(&mut self, key: Key) {
        let Node { parent, previous, next, size, .. } = *self.node(key);
        self.resize_above(parent, |above| above - size);
        match (previous, parent) {
            (Some(previous), _) => self.node_mut(previous).next = next,
            (None, Some(parent)) => self.node_mut(parent).first = next,
            (None, None) => self.root = None,
        }
        match (next, parent) {
            (Some(next), _) => self.node_mut(next).previous = previous,
            (None, Some(parent)) => self.node_mut(parent).last = previous,
            (None, None) => {}
        }
    }
}

/// A node that is about to enter the tree.
pub(crate) struct NewNode {
    pub(crate) id: NodeId,
    pub(crate) in_shadow: bool,
    pub(crate) shadow_host: bool,
    /// Its own level, without what it inherits.
    pub(crate) level: Level,
    pub(crate) kind: Kind,
}

fn find<'a>(names: &Names, list: &'a [(Name, Wiped)], name: &str) -> Option<&'a str> {
    list.iter().find(|(known, _)| names.text(*known) == name).map(|(_, value)| &***value)
}

fn kind_bytes(kind: &Kind) -> usize {
    match kind {
        Kind::Text(text) | Kind::Style(text) => text.len(),
        Kind::Element(element) => {
            element.attributes.iter().chain(&element.clues).map(|(_, value)| value.len()).sum::<usize>()
        }
        Kind::Document | Kind::Doctype(_) | Kind::Dropped => 0,
    }
}
