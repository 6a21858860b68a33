//! Snapshots and mutations enter the tree.

use super::{Key, Kind, Mirror, Name, NewNode, Role, Wiped};
use crate::admit::{Door, wiped};
use crate::counters::Counter;
use crate::css;
use crate::desync::Desync;
use crate::mask::{GLYPHS, Level};
use crate::record::{self, Addition, Mutation, NodeId, Removal, Tree};
use hashbrown::HashMap;
use std::collections::{BTreeSet, VecDeque};

/// What a snapshot or mutation did to the tree. Keys are valid until the next one.
#[derive(Default)]
pub(crate) struct Changes {
    /// Tops of subtrees that viewers had and that left.
    pub(crate) removed: Vec<Gone>,
    /// Tops of subtrees that entered.
    pub(crate) added: Vec<Key>,
    /// Texts that changed.
    pub(crate) texts: BTreeSet<Key>,
    /// Attributes that changed.
    pub(crate) attributes: BTreeSet<(Key, Name)>,
    /// Elements of which an attribute changed that says what they or others are.
    pub(crate) named: BTreeSet<Key>,
    /// Values of controls that came along.
    pub(crate) values: Vec<(Key, Wiped)>,
    /// Content of private texts (contenteditable, textarea), for the vault.
    pub(crate) private_texts: Vec<(NodeId, Wiped)>,
    /// Elements whose own content or attributes rose in level.
    pub(crate) raised: BTreeSet<Key>,
    /// Parents of what was removed.
    pub(crate) thinned: BTreeSet<Key>,
    /// What followed what was removed: it has other neighbours now.
    pub(crate) closed_up: BTreeSet<Key>,
}

/// A subtree that viewers must forget.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone {
    pub(crate) parent: NodeId,
    pub(crate) id: NodeId,
    pub(crate) in_shadow: bool,
}

impl Mirror {
    /// Replaces everything by the page of a snapshot.
    ///
    /// # Errors
    /// What is wrong with the page; the mirror is then unusable until the next snapshot.
    pub(crate) fn load(&mut self, tree: Tree<'_>, door: &mut Door<'_>) -> Result<Changes, Desync> {
        self.clear();
        let mut changes = Changes::default();
        let top = self.insert_tree(None, None, tree, door, &mut changes)?;
        match self.node(top).kind {
            Kind::Document => Ok(changes),
            _ => Err(Desync::BadTree),
        }
    }

    /// Applies a mutation: removes, adds, texts, attributes, in rrweb's order.
    ///
    /// # Errors
    /// Where page and mirror disagree; the mirror is then unusable until the next snapshot.
    pub(crate) fn mutate(&mut self, mutation: Mutation<'_>, door: &mut Door<'_>) -> Result<Changes, Desync> {
        let mut changes = Changes::default();
        self.mutations = self.mutations.wrapping_add(1);
        let mut gone = BTreeSet::new();
        for removal in &mutation.removes {
            self.apply_removal(removal, &mut changes, &mut gone);
        }
        self.forget_gone(&mut changes);
        self.apply_additions(mutation.adds, door, &mut changes)?;
        for change in &mutation.texts {
            self.apply_text(change, door, &mut changes, &gone)?;
        }
        for change in &mutation.attributes {
            self.apply_attributes(change, door, &mut changes, &gone)?;
        }
        if self.has_too_many_departed() {
            return Err(Desync::TooManyNodes);
        }
        Ok(changes)
    }

    /// A node that is not there is gone already: recorders report children of removed parents too.
    fn apply_removal(&mut self, removal: &Removal, changes: &mut Changes, gone: &mut BTreeSet<NodeId>) {
        let Some(key) = self.key(removal.node) else { return };
        gone.extend(self.subtree(key).map(|below| self.node(below).id));
        let node = self.node(key);
        let (shown, id, in_shadow, parent) = (node.shown, node.id, node.in_shadow, node.parent);
        changes.closed_up.extend(node.next);
        if let Some(parent) = parent {
            if shown {
                changes.removed.push(Gone { parent: self.node(parent).id, id, in_shadow });
            }
            changes.thinned.insert(parent);
        }
        self.remove(key);
    }

    /// Takes out the keys of nodes that have left, before their places are given to others.
    fn forget_gone(&self, changes: &mut Changes) {
        let is_there = |key: &Key| self.nodes.contains(key.0 as usize);
        changes.added.retain(is_there);
        changes.thinned.retain(is_there);
        changes.closed_up.retain(is_there);
        changes.values.retain(|(key, _)| is_there(key));
    }

    /// Adds come in any order: one whose parent or sibling is still missing waits for it.
    fn apply_additions(
        &mut self,
        adds: Vec<Addition<'_>>,
        door: &mut Door<'_>,
        changes: &mut Changes,
    ) -> Result<(), Desync> {
        let mut ready: VecDeque<Addition<'_>> = VecDeque::new();
        let mut waiting: HashMap<NodeId, Vec<Addition<'_>>> = HashMap::new();
        let mut order = Vec::new();
        for add in adds {
            self.queue(add, &mut ready, &mut waiting, &mut order);
        }
        loop {
            while let Some(add) = ready.pop_front() {
                let (parent, next) = self.place_of(&add)?;
                let top = self.insert_tree(Some(parent), next, add.tree, door, changes)?;
                // Recorders add node by node; what enters below another is read with that one.
                if self.node(parent).brought_by != self.mutations {
                    changes.added.push(top);
                }
                if waiting.is_empty() {
                    continue;
                }
                let arrived: Vec<NodeId> = self.subtree(top).map(|key| self.node(key).id).collect();
                let released: Vec<Addition<'_>> =
                    arrived.iter().filter_map(|id| waiting.remove(id)).flatten().collect();
                for add in released {
                    self.queue(add, &mut ready, &mut waiting, &mut order);
                }
            }
            // A sibling that never comes: the node goes last, as in rrweb's own replayer. A parent that never comes
            // means that the page and the mirror differ.
            let Some(id) = order.iter().find(|id| waiting.contains_key(*id)).copied() else { return Ok(()) };
            for mut add in waiting.remove(&id).unwrap_or_default() {
                if self.key(add.parent).is_none() {
                    if add.parent == id {
                        return Err(Desync::UnknownParent);
                    }
                    waiting.entry(add.parent).or_default().push(add);
                    continue;
                }
                add.next = None;
                ready.push_back(add);
            }
            order.retain(|known| waiting.contains_key(known));
            order.extend(waiting.keys().copied().filter(|known| !order.contains(known)).collect::<BTreeSet<_>>());
        }
    }

    fn queue<'a>(
        &self,
        add: Addition<'a>,
        ready: &mut VecDeque<Addition<'a>>,
        waiting: &mut HashMap<NodeId, Vec<Addition<'a>>>,
        order: &mut Vec<NodeId>,
    ) {
        let missing = [Some(add.parent), add.next].into_iter().flatten().find(|id| self.key(*id).is_none());
        match missing {
            None => ready.push_back(add),
            Some(id) => {
                if !waiting.contains_key(&id) {
                    order.push(id);
                }
                waiting.entry(id).or_default().push(add);
            }
        }
    }

    /// Where an addition goes. A sibling under another parent counts as none.
    fn place_of(&self, add: &Addition<'_>) -> Result<(Key, Option<Key>), Desync> {
        let parent = self.key(add.parent).ok_or(Desync::UnknownParent)?;
        let next = add.next.and_then(|next| self.key(next)).filter(|next| self.node(*next).parent == Some(parent));
        Ok((parent, next))
    }

    fn insert_tree(
        &mut self,
        parent: Option<Key>,
        next: Option<Key>,
        tree: Tree<'_>,
        door: &mut Door<'_>,
        changes: &mut Changes,
    ) -> Result<Key, Desync> {
        let nodes = tree.nodes()?;
        self.reserve(nodes.len().min(self.nodes_max));
        let mut keys: Vec<Key> = Vec::with_capacity(nodes.len());
        for (node, attributes) in nodes {
            let (parent, next) = match node.parent {
                Some(place) => (Some(keys[place]), None),
                None => (parent, next),
            };
            let key = self.insert_node(parent, next, (node, attributes), door, changes)?;
            keys.push(key);
        }
        keys.first().copied().ok_or(Desync::BadTree)
    }

    fn insert_node(
        &mut self,
        parent: Option<Key>,
        next: Option<Key>,
        (wire, attributes): (&record::TreeNode<'_>, &[record::Attribute<'_>]),
        door: &mut Door<'_>,
        changes: &mut Changes,
    ) -> Result<Key, Desync> {
        self.check_place(parent, &wire.kind, changes)?;
        let mut value = None;
        let mut level = Level::Public;
        let mut private = None;
        let below_dropped = parent.is_some_and(|parent| matches!(self.node(parent).kind, Kind::Dropped));
        let kind = match &wire.kind {
            _ if below_dropped => Kind::Dropped,
            record::Kind::Document => Kind::Document,
            record::Kind::Doctype { name } => self.names.intern(name).map_or(Kind::Dropped, Kind::Doctype),
            record::Kind::Other => Kind::Dropped,
            record::Kind::Element(element) => {
                for _ in 0..element.attributes_dropped {
                    door.counters.add(Counter::AttributeDropped);
                }
                let admitted = door.element(&mut self.names, element, attributes);
                (level, value) = (admitted.level, admitted.value);
                admitted.kind
            }
            record::Kind::Text { text, style } => {
                let (kind, content) = self.text_kind(parent, text, *style, door);
                private = content;
                kind
            }
        };
        let (in_shadow, shadow_host) = (wire.in_shadow, wire.shadow_host);
        let key = self.insert(parent, next, NewNode { id: wire.id, in_shadow, shadow_host, level, kind })?;
        changes.values.extend(value.map(|value| (key, value)));
        changes.private_texts.extend(private.map(|text| (wire.id, text)));
        Ok(key)
    }

    /// Whether a node may stand under this parent at all. A frame's new document replaces its old one.
    fn check_place(
        &mut self,
        parent: Option<Key>,
        kind: &record::Kind<'_>,
        changes: &mut Changes,
    ) -> Result<(), Desync> {
        let Some(parent) = parent else { return Ok(()) };
        let is_document = matches!(kind, record::Kind::Document);
        match &self.node(parent).kind {
            Kind::Text(_) | Kind::Style(_) | Kind::Doctype(_) => Err(Desync::BadTree),
            Kind::Element(element) if is_document && element.role == Role::Frame => {
                if let Some(old) = self.node(parent).first {
                    self.remove(old);
                    self.forget_gone(changes);
                }
                Ok(())
            }
            Kind::Dropped => Ok(()),
            Kind::Element(_) | Kind::Document if is_document => Err(Desync::BadTree),
            Kind::Element(_) | Kind::Document => Ok(()),
        }
    }

    /// What a text is under its parent, and its content if that is private.
    pub(super) fn text_kind(
        &self,
        parent: Option<Key>,
        text: &str,
        style: bool,
        door: &mut Door<'_>,
    ) -> (Kind, Option<Wiped>) {
        let Some(parent) = parent else { return (Kind::Dropped, None) };
        if style || self.tag(parent) == "style" {
            let clean = css::sheet(text);
            for _ in 0..clean.dropped {
                door.counters.add(Counter::CssDropped);
            }
            return (Kind::Style(Wiped::new(clean.css.into_boxed_str())), None);
        }
        let level = self.level(parent);
        if level >= Level::Blocked {
            return (Kind::Text(wiped("")), Some(wiped(text)));
        }
        let typed = level == Level::Masked
            && std::iter::once(parent).chain(self.ancestors(parent)).any(|key| self.role(key) == Role::Field);
        if typed {
            let shown = if text.trim().is_empty() { "" } else { GLYPHS };
            return (Kind::Text(wiped(shown)), Some(wiped(text)));
        }
        (Kind::Text(wiped(text)), None)
    }
}
