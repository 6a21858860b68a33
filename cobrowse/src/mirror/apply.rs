//! Snapshots and mutations enter the tree.

use super::{Element, Key, Kind, Mirror, Name, NewNode, Role, Wiped};
use crate::admit::{self, Class, Door, wiped};
use crate::counters::Counter;
use crate::css;
use crate::desync::Desync;
use crate::mask::{GLYPHS, Level};
use crate::record::{self, Addition, AttributeChange, Mutation, NodeId, Removal, StyleValue, TextChange, Tree, Value};
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
    /// Values of controls that came along.
    pub(crate) values: Vec<(Key, Wiped)>,
    /// Content of private texts (contenteditable, textarea), for the vault.
    pub(crate) private_texts: Vec<(NodeId, Wiped)>,
    /// Elements whose own content or attributes rose in level.
    pub(crate) raised: BTreeSet<Key>,
    /// Parents of what was removed: their controls may have other neighbours now.
    pub(crate) thinned: BTreeSet<Key>,
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
        let mut gone = BTreeSet::new();
        for removal in &mutation.removes {
            self.apply_removal(removal, &mut changes, &mut gone);
        }
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
        if let Some(parent) = parent {
            if shown {
                changes.removed.push(Gone { parent: self.node(parent).id, id, in_shadow });
            }
            changes.thinned.insert(parent);
        }
        self.remove(key);
        changes.thinned.retain(|parent| self.nodes.contains(parent.0 as usize));
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
                changes.added.push(top);
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
        let nodes = tree.into_nodes()?;
        let mut keys: Vec<Key> = Vec::with_capacity(nodes.len());
        for node in &nodes {
            let (parent, next) = match node.parent {
                Some(place) => (Some(keys[place]), None),
                None => (parent, next),
            };
            let key = self.insert_node(parent, next, node, door, changes)?;
            keys.push(key);
        }
        keys.first().copied().ok_or(Desync::BadTree)
    }

    fn insert_node(
        &mut self,
        parent: Option<Key>,
        next: Option<Key>,
        wire: &record::TreeNode<'_>,
        door: &mut Door<'_>,
        changes: &mut Changes,
    ) -> Result<Key, Desync> {
        self.check_place(parent, &wire.kind)?;
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
                let admitted = door.element(&mut self.names, element);
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
    fn check_place(&mut self, parent: Option<Key>, kind: &record::Kind<'_>) -> Result<(), Desync> {
        let Some(parent) = parent else { return Ok(()) };
        let is_document = matches!(kind, record::Kind::Document);
        match &self.node(parent).kind {
            Kind::Text(_) | Kind::Style(_) | Kind::Doctype(_) => Err(Desync::BadTree),
            Kind::Element(element) if is_document && element.role == Role::Frame => {
                if let Some(old) = self.node(parent).first {
                    self.remove(old);
                }
                Ok(())
            }
            Kind::Dropped => Ok(()),
            Kind::Element(_) | Kind::Document if is_document => Err(Desync::BadTree),
            Kind::Element(_) | Kind::Document => Ok(()),
        }
    }

    /// What a text is under its parent, and its content if that is private.
    fn text_kind(&self, parent: Option<Key>, text: &str, style: bool, door: &mut Door<'_>) -> (Kind, Option<Wiped>) {
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

    fn apply_text(
        &mut self,
        change: &TextChange<'_>,
        door: &mut Door<'_>,
        changes: &mut Changes,
        gone: &BTreeSet<NodeId>,
    ) -> Result<(), Desync> {
        let Some(key) = self.key(change.node) else {
            return if gone.contains(&change.node) { Ok(()) } else { Err(Desync::UnknownNode) };
        };
        let is_style = matches!(self.node(key).kind, Kind::Style(_));
        if !is_style && !matches!(self.node(key).kind, Kind::Text(_)) {
            return Ok(());
        }
        let (mut kind, private) = self.text_kind(self.node(key).parent, &change.text, is_style, door);
        // A text that was raised by itself stays glyphs, whatever it says now.
        if self.level(key) > Level::Public && matches!(kind, Kind::Text(_)) && self.is_raised_alone(key) {
            kind = Kind::Text(wiped(GLYPHS));
        }
        self.set_kind(key, kind)?;
        changes.texts.insert(key);
        changes.private_texts.extend(private.map(|text| (change.node, text)));
        Ok(())
    }

    /// Whether a node is more hidden than its parent.
    fn is_raised_alone(&self, key: Key) -> bool {
        self.node(key).parent.is_some_and(|parent| self.level(parent) < self.level(key))
    }

    fn apply_attributes(
        &mut self,
        change: &AttributeChange<'_>,
        door: &mut Door<'_>,
        changes: &mut Changes,
        gone: &BTreeSet<NodeId>,
    ) -> Result<(), Desync> {
        let Some(key) = self.key(change.node) else {
            return if gone.contains(&change.node) { Ok(()) } else { Err(Desync::UnknownNode) };
        };
        if !matches!(self.node(key).kind, Kind::Element(_)) {
            return Ok(());
        }
        for (name, value) in &change.attributes {
            let svg = self.element(key).is_some_and(|element| element.svg);
            let name = if svg { name.as_str().to_owned() } else { name.to_ascii_lowercase() };
            self.apply_attribute(key, &name, value, door, changes)?;
        }
        self.judge_again(key, change, door, changes);
        Ok(())
    }

    fn apply_attribute(
        &mut self,
        key: Key,
        name: &str,
        value: &Value<'_>,
        door: &mut Door<'_>,
        changes: &mut Changes,
    ) -> Result<(), Desync> {
        let role = self.role(key);
        match (name, role) {
            ("value", Role::Field | Role::Choice | Role::Hidden | Role::File) => {
                changes.values.push((key, wiped(&admit::wire_text(value).unwrap_or_default())));
                return Ok(());
            }
            ("checked" | "selected", _) => {
                let interned = self.names.intern(name);
                if let (Some(name), Some(element)) = (interned, self.element_mut(key)) {
                    element.checked = Some(admit::is_set(value));
                    changes.attributes.insert((key, name));
                }
                return Ok(());
            }
            _ => {}
        }
        let tag = self.tag(key).to_owned();
        let Some(known) = self.names.intern(name) else {
            door.counters.add(Counter::AttributeDropped);
            return Ok(());
        };
        let text = match value {
            Value::Style(properties) if name == "style" => Some(self.restyled(key, properties, door)),
            value => admit::wire_text(value).map(|text| text.into_owned()),
        };
        if admit::keeps_clue(role, &tag, name) {
            let clue = text.as_deref().filter(|text| text.len() <= admit::CLUE_BYTES_MAX).map(wiped);
            self.set_attribute(key, |element: &mut Element| &mut element.clues, known, clue)?;
        }
        // A payment field does not move: its box stays as it was when it was found.
        if self.level(key) == Level::Payment {
            return Ok(());
        }
        // Not even the name of an attribute off the list may be told, nor that it went.
        if admit::class_of(&tag, role, name) == Class::Refused {
            door.counters.add(Counter::AttributeDropped);
            return Ok(());
        }
        let clean = text.and_then(|text| door.value(&tag, role, name, &text));
        self.set_attribute(key, |element: &mut Element| &mut element.attributes, known, clean)?;
        changes.attributes.insert((key, known));
        Ok(())
    }

    /// The inline style with some properties changed.
    fn restyled(&self, key: Key, properties: &[(record::Text<'_>, StyleValue<'_>)], door: &mut Door<'_>) -> String {
        let mut style = self.attribute(key, "style").unwrap_or_default().to_owned();
        for (property, change) in properties {
            let value = match change {
                StyleValue::Removed => None,
                StyleValue::Set { value, important } => {
                    let clean = css::value(property, value);
                    if clean.is_none() {
                        door.counters.add(Counter::CssDropped);
                    }
                    clean.map(|value| if *important { format!("{value} !important") } else { value })
                }
            };
            style = css::with_property(&style, property, value.as_deref());
        }
        style
    }

    /// Attributes decide what an element is and how hidden: after a change both are decided again, and only upwards.
    fn judge_again(&mut self, key: Key, change: &AttributeChange<'_>, door: &mut Door<'_>, changes: &mut Changes) {
        let changed = |name: &str| {
            change.attributes.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).and_then(|(_, value)| {
                match value {
                    Value::Text(text) => Some(text.as_str()),
                    _ => None,
                }
            })
        };
        let tag = self.tag(key);
        let look_up = |name: &str| changed(name).or_else(|| self.clue(key, name)).or_else(|| self.attribute(key, name));
        let verdict = door.policy.judge(tag, look_up);
        let role = admit::role_of(tag, look_up);
        let never_shared = admit::is_never_shared(look_up);
        let was_private = self.role(key).is_private();
        // What was typed into it as another kind of control stays private.
        let private =
            role.is_private() && (never_shared || !verdict.shared || was_private && self.level(key) > Level::Public);
        let level = verdict.level.max(if private { Level::Masked } else { Level::Public });
        if let Some(element) = self.element_mut(key)
            && element.role != role
            && (role.is_private() || !was_private)
        {
            element.role = role;
            changes.raised.insert(key);
        }
        if self.raise(key, level) {
            if role == Role::Field {
                self.wipe_texts(key);
            }
            changes.raised.insert(key);
        }
    }

    /// Forgets the texts below a node that turned out to be private.
    pub(crate) fn wipe_texts(&mut self, key: Key) {
        let texts: Vec<Key> =
            self.subtree(key).filter(|below| matches!(self.node(*below).kind, Kind::Text(_))).collect();
        for text in texts {
            let kind = Kind::Text(wiped(if self.text(text).trim().is_empty() { "" } else { GLYPHS }));
            self.bytes -= super::kind_bytes(&self.node(text).kind).min(self.bytes);
            self.bytes += super::kind_bytes(&kind);
            self.node_mut(text).kind = kind;
        }
    }
}
