//! Which elements name which: kept up as the page changes, so that no change has to read the whole page.
//!
//! Entries are hints by hash: whoever looks one up checks it against the tree. Elements that left stay in it until it
//! holds more of them than of others.

use crate::mirror::{Key, Mirror};
use crate::record::NodeId;
use hashbrown::HashMap;
use std::hash::BuildHasher as _;

/// Entries beyond twice the nodes of the page from which on it is read again.
const SPARE: usize = 1_024;

/// Labels, named elements and named controls of one page.
#[derive(Default)]
pub(super) struct Naming {
    /// Label elements by the id they are for.
    labels: HashMap<u64, Vec<NodeId>>,
    /// Elements by their own id.
    elements: HashMap<u64, Vec<NodeId>>,
    /// Controls by their own id and by the ids of what names them.
    controls: HashMap<u64, Vec<NodeId>>,
    entries: usize,
}

impl Naming {
    /// Takes in an element and everything below it.
    pub(super) fn note_subtree(&mut self, mirror: &Mirror, top: Key) {
        for key in mirror.subtree(top) {
            self.note(mirror, key);
        }
        if let Some(root) = mirror.root().filter(|root| *root != top && self.entries > 2 * mirror.len() + SPARE) {
            *self = Self::default();
            self.note_subtree(mirror, root);
        }
    }

    /// Takes in one element as it is now.
    pub(super) fn note(&mut self, mirror: &Mirror, key: Key) {
        if mirror.element(key).is_none() {
            return;
        }
        let node = mirror.node(key).id;
        let added = [
            mirror.clue(key, "for").filter(|_| mirror.tag(key) == "label").map(|id| enter(&mut self.labels, id, node)),
            mirror.attribute(key, "id").map(|id| enter(&mut self.elements, id, node)),
        ];
        self.entries += added.into_iter().flatten().filter(|is_new| *is_new).count();
        if mirror.role(key).is_control() {
            for id in
                ["id", "aria-labelledby", "aria-describedby"].into_iter().filter_map(|name| mirror.clue(key, name))
            {
                for id in id.split_ascii_whitespace() {
                    self.entries += usize::from(enter(&mut self.controls, id, node));
                }
            }
        }
    }

    /// The label elements for an id.
    pub(super) fn labels<'a>(&'a self, mirror: &'a Mirror, id: &'a str) -> impl Iterator<Item = Key> + 'a {
        of(&self.labels, mirror, id).filter(move |key| mirror.clue(*key, "for") == Some(id))
    }

    /// The elements of an id.
    pub(super) fn elements<'a>(&'a self, mirror: &'a Mirror, id: &'a str) -> impl Iterator<Item = Key> + 'a {
        of(&self.elements, mirror, id).filter(move |key| mirror.attribute(*key, "id") == Some(id))
    }

    /// The controls that have this id or are named by it, or had or were.
    pub(super) fn controls<'a>(&'a self, mirror: &'a Mirror, id: &str) -> impl Iterator<Item = Key> + 'a {
        of(&self.controls, mirror, id).filter(move |key| mirror.role(*key).is_control())
    }
}

fn enter(list: &mut HashMap<u64, Vec<NodeId>>, id: &str, node: NodeId) -> bool {
    let nodes = list.entry(list.hasher().hash_one(id)).or_default();
    let is_new = !nodes.contains(&node);
    if is_new {
        nodes.push(node);
    }
    is_new
}

fn of<'a>(list: &'a HashMap<u64, Vec<NodeId>>, mirror: &'a Mirror, id: &str) -> impl Iterator<Item = Key> + 'a {
    list.get(&list.hasher().hash_one(id)).into_iter().flatten().filter_map(|node| mirror.key(*node))
}
