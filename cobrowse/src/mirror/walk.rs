//! Ways through the tree.

use super::{Key, Kind, Mirror};

impl Mirror {
    /// The children, first to last.
    pub(crate) fn children(&self, key: Key) -> impl Iterator<Item = Key> + '_ {
        std::iter::successors(self.node(key).first, |child| self.node(*child).next)
    }

    /// The ancestors, nearest first.
    pub(crate) fn ancestors(&self, key: Key) -> impl Iterator<Item = Key> + '_ {
        std::iter::successors(self.node(key).parent, |ancestor| self.node(*ancestor).parent)
    }

    /// The node and everything below it, in document order.
    pub(crate) fn subtree(&self, key: Key) -> impl Iterator<Item = Key> + '_ {
        std::iter::successors(Some(key), move |at| self.after(*at, key))
    }

    /// The node before this one in document order, inside the whole tree: the deepest last descendant of the previous
    /// sibling, else the parent.
    pub(crate) fn before(&self, key: Key) -> Option<Key> {
        let Some(mut at) = self.node(key).previous else { return self.node(key).parent };
        while let Some(last) = self.node(at).last {
            at = last;
        }
        Some(at)
    }

    /// The node after this one in document order, not leaving `top`.
    pub(crate) fn after(&self, key: Key, top: Key) -> Option<Key> {
        if let Some(first) = self.node(key).first {
            return Some(first);
        }
        self.past(key, top)
    }

    /// The node after this one's subtree in document order, not leaving `top`.
    pub(crate) fn past(&self, key: Key, top: Key) -> Option<Key> {
        let mut at = key;
        while at != top {
            if let Some(next) = self.node(at).next {
                return Some(next);
            }
            at = self.node(at).parent?;
        }
        None
    }

    /// The nearest ancestor that makes a block of its own: what stands in it is read together.
    pub(crate) fn block(&self, key: Key) -> Option<Key> {
        self.ancestors(key).find(|ancestor| self.element(*ancestor).is_none_or(|element| !element.inline))
    }

    /// The document that a node belongs to, if that is the document of a frame.
    pub(crate) fn frame_document(&self, key: Key) -> Option<Key> {
        let document = self.ancestors(key).find(|ancestor| matches!(self.node(*ancestor).kind, Kind::Document))?;
        (Some(document) != self.root()).then_some(document)
    }
}
