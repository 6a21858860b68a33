//! What changed in the tree, as one rrweb mutation for viewers who have everything before it.

use super::node::{alone, is_attribute_shown, is_frame_document, is_visible, shown_text, shows_children};
use super::{Json, attachment, wrap, write};
use crate::mask::Level;
use crate::mirror::{Gone, Key, Kind, Mirror, Name, Role};
use std::collections::BTreeSet;

/// Room that a list is given at its first entry: enough for most, so that few grow byte by byte.
const LIST_BYTES: usize = 192;

/// What viewers must be told. Everything in it refers to the settled tree.
#[derive(Default)]
pub(crate) struct Delta {
    pub(crate) removed: Vec<Gone>,
    pub(crate) added: Vec<Key>,
    pub(crate) texts: BTreeSet<Key>,
    pub(crate) attributes: BTreeSet<(Key, Name)>,
    /// Shown elements whose level or kind rose: they leave and come back as what they may now be.
    pub(crate) raised: BTreeSet<Key>,
}

/// Marks everything visible below `top` as shown.
pub(crate) fn show(mirror: &mut Mirror, top: Key) {
    let mut at = Some(top);
    while let Some(key) = at {
        // Parents stand before their children in document order, so they are decided already.
        let parent = mirror.node(key).parent.filter(|_| key != top);
        let visible = match parent {
            Some(parent) => {
                let dropped = matches!(mirror.node(key).kind, Kind::Dropped);
                !dropped && mirror.node(parent).shown && shows_children(mirror, parent)
            }
            None => is_visible(mirror, key),
        };
        mirror.node_mut(key).shown = visible;
        at = mirror.after(key, top);
    }
}

/// The events that bring viewers up to date, none if nothing visible changed.
pub(crate) fn mutation(mirror: &mut Mirror, mut delta: Delta, timestamp: u64) -> Vec<Json> {
    for key in std::mem::take(&mut delta.raised) {
        retract(mirror, key, &mut delta);
    }
    let mut parts = Parts::default();
    for gone in &delta.removed {
        parts.remove(gone);
    }
    let mut documents = Vec::new();
    for top in delta.added {
        add_subtree(mirror, top, &mut parts, &mut documents);
    }
    for key in delta.texts {
        parts.text(mirror, key);
    }
    parts.attributes(mirror, &delta.attributes);
    let mut events = Vec::with_capacity(1 + documents.len());
    events.extend(parts.into_event(timestamp));
    events.extend(documents.into_iter().map(|document| attachment(mirror, document, timestamp)));
    events
}

/// Takes a shown subtree back from viewers and puts it in line to be added again. A text only changes.
fn retract(mirror: &mut Mirror, key: Key, delta: &mut Delta) {
    if !mirror.node(key).shown {
        return;
    }
    if matches!(mirror.node(key).kind, Kind::Text(_)) {
        delta.texts.insert(key);
        return;
    }
    let Some(parent) = mirror.node(key).parent else { return };
    let (id, in_shadow) = (mirror.node(key).id, mirror.node(key).in_shadow);
    delta.removed.push(Gone { parent: mirror.node(parent).id, id, in_shadow });
    delta.added.push(key);
    let below: Vec<Key> = mirror.subtree(key).collect();
    for key in below {
        mirror.node_mut(key).shown = false;
    }
}

/// Adds what is visible of a subtree, node by node in document order; replayers take adds one node each. A subtree
/// whose parent is not shown yet comes with that parent; one whose parent never is does not come at all.
fn add_subtree(mirror: &mut Mirror, top: Key, parts: &mut Parts, documents: &mut Vec<Key>) {
    if mirror.node(top).shown || !is_visible(mirror, top) {
        return;
    }
    let parent_shown = mirror.node(top).parent.is_some_and(|parent| mirror.node(parent).shown);
    if !parent_shown {
        return;
    }
    let mut at = Some(top);
    while let Some(key) = at {
        if matches!(mirror.node(key).kind, Kind::Dropped) {
            at = mirror.past(key, top);
            continue;
        }
        if is_frame_document(mirror, key) {
            show(mirror, key);
            documents.push(key);
            documents.extend(
                mirror
                    .subtree(key)
                    .filter(|below| *below != key && is_frame_document(mirror, *below) && mirror.node(*below).shown),
            );
            at = mirror.past(key, top);
            continue;
        }
        parts.add(mirror, key);
        mirror.node_mut(key).shown = true;
        at = if shows_children(mirror, key) { mirror.after(key, top) } else { mirror.past(key, top) };
    }
}

/// The four lists of a mutation while they are written.
#[derive(Default)]
struct Parts {
    removes: Json,
    adds: Json,
    texts: Json,
    attributes: Json,
}

impl Parts {
    fn remove(&mut self, gone: &Gone) {
        let out = separated(&mut self.removes);
        out.extend_from_slice(b"{\"parentId\":");
        write(out, &gone.parent.0);
        out.extend_from_slice(b",\"id\":");
        write(out, &gone.id.0);
        if gone.in_shadow {
            out.extend_from_slice(b",\"isShadow\":true");
        }
        out.push(b'}');
    }

    /// The next sibling is the next one that viewers already have.
    fn add(&mut self, mirror: &Mirror, key: Key) {
        let node = mirror.node(key);
        let parent = node.parent.expect("only the root has no parent, and it is never added");
        let next = std::iter::successors(node.next, |next| mirror.node(*next).next)
            .find(|next| mirror.node(*next).shown && mirror.node(*next).in_shadow == node.in_shadow);
        let out = separated(&mut self.adds);
        out.extend_from_slice(b"{\"parentId\":");
        write(out, &mirror.node(parent).id.0);
        out.extend_from_slice(b",\"nextId\":");
        write(out, &next.map(|next| mirror.node(next).id.0));
        out.extend_from_slice(b",\"node\":");
        alone(mirror, key, out);
        out.push(b'}');
    }

    fn text(&mut self, mirror: &Mirror, key: Key) {
        let node = mirror.node(key);
        let text = match &node.kind {
            Kind::Style(css) => css,
            _ => shown_text(mirror, key),
        };
        if !node.shown {
            return;
        }
        let out = separated(&mut self.texts);
        out.extend_from_slice(b"{\"id\":");
        write(out, &node.id.0);
        out.extend_from_slice(b",\"value\":");
        write(out, text);
        out.push(b'}');
    }

    fn attributes(&mut self, mirror: &Mirror, changed: &BTreeSet<(Key, Name)>) {
        let mut changes = changed.iter().copied().peekable();
        while let Some((key, name)) = changes.next() {
            let mut names = vec![name];
            while let Some((_, name)) = changes.next_if(|(next, _)| *next == key) {
                names.push(name);
            }
            self.attributes_of(mirror, key, &names);
        }
    }

    fn attributes_of(&mut self, mirror: &Mirror, key: Key, names: &[Name]) {
        let Some(element) = mirror.element(key) else { return };
        let level = mirror.level(key);
        // A payment field does not move: nothing about it is told twice.
        if !mirror.node(key).shown || level == Level::Payment {
            return;
        }
        let tag = mirror.names.text(element.tag);
        let mut members = Json::new();
        for name in names {
            let name = mirror.names.text(*name);
            let is_mark = matches!(name, "checked" | "selected");
            if is_mark && level > Level::Public || !is_mark && !is_attribute_shown(tag, element.role, name, level) {
                continue;
            }
            let out = separated(&mut members);
            write(out, name);
            out.push(b':');
            match (is_mark, element.role) {
                (true, Role::Toggle | Role::Plain) if element.checked == Some(true) => out.extend_from_slice(b"true"),
                (true, _) => out.extend_from_slice(b"null"),
                (false, _) => write(out, &mirror.attribute(key, name)),
            }
        }
        if members.is_empty() {
            return;
        }
        let out = separated(&mut self.attributes);
        out.extend_from_slice(b"{\"id\":");
        write(out, &mirror.node(key).id.0);
        out.extend_from_slice(b",\"attributes\":{");
        out.extend_from_slice(&members);
        out.extend_from_slice(b"}}");
    }

    fn into_event(self, timestamp: u64) -> Option<Json> {
        let lists = [&self.removes, &self.adds, &self.texts, &self.attributes];
        if lists.iter().all(|list| list.is_empty()) {
            return None;
        }
        let mut out = Json::with_capacity(lists.iter().map(|list| list.len()).sum::<usize>() + 128);
        wrap(&mut out, 3, timestamp, |out| {
            let named: [(&[u8], &Json); 4] = [
                (b"{\"source\":0,\"texts\":[", &self.texts),
                (b"],\"attributes\":[", &self.attributes),
                (b"],\"removes\":[", &self.removes),
                (b"],\"adds\":[", &self.adds),
            ];
            for (name, list) in named {
                out.extend_from_slice(name);
                out.extend_from_slice(list);
            }
            out.extend_from_slice(b"]}");
        });
        Some(out)
    }
}

fn separated(list: &mut Json) -> &mut Json {
    if list.is_empty() {
        list.reserve(LIST_BYTES);
    } else {
        list.push(b',');
    }
    list
}
