//! A serialised subtree of the page: rrweb's `serializedNodeWithId`, read into one flat list in document order.

use super::NodeId;
use super::text::{Text, Value};
use crate::desync::Desync;
use crate::limits::{ATTRIBUTES_MAX, DEPTH_MAX, NODES_MAX};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::ops::Range;

/// A subtree in document order: a parent stands before its children. Never empty once read without fault.
pub(crate) struct Tree<'a> {
    nodes: Vec<TreeNode<'a>>,
    /// The attributes of all nodes, those of one node side by side: a list for each would be an allocation for each.
    attributes: Vec<Attribute<'a>>,
    fault: Option<Desync>,
}

/// An attribute's name and value.
pub(crate) type Attribute<'a> = (Text<'a>, Value<'a>);

/// One node of a [`Tree`].
pub(crate) struct TreeNode<'a> {
    /// Place of the parent in the list; `None` for the first node.
    pub(crate) parent: Option<usize>,
    /// The recorder's id.
    pub(crate) id: NodeId,
    /// A child of a shadow root; the parent is then the host.
    pub(crate) in_shadow: bool,
    /// Carries a shadow root, perhaps an empty one.
    pub(crate) shadow_host: bool,
    /// What it is.
    pub(crate) kind: Kind<'a>,
}

/// What a node is.
pub(crate) enum Kind<'a> {
    /// A document: the page, or the content of a same-origin frame.
    Document,
    /// `<!doctype …>`.
    Doctype { name: Text<'a> },
    /// An element.
    Element(Element<'a>),
    /// A text; `style` if it is the content of a style element.
    Text { text: Text<'a>, style: bool },
    /// A comment or CDATA section: keeps its place among its siblings, its content is not kept.
    Other,
}

/// An element.
pub(crate) struct Element<'a> {
    /// Lower-case name.
    pub(crate) tag: Text<'a>,
    /// Places in [`Tree::nodes`], in the order of the wire, at most [`ATTRIBUTES_MAX`].
    attributes: Range<usize>,
    /// In the SVG name space.
    pub(crate) svg: bool,
    /// The page's recorder sent a box instead of the content.
    pub(crate) blocked: bool,
    /// Attributes over the limit.
    pub(crate) attributes_dropped: usize,
}

impl<'a> Tree<'a> {
    /// The nodes in document order, each with its attributes, which are empty for all but elements.
    ///
    /// # Errors
    /// What was wrong with the tree.
    pub(crate) fn nodes(&self) -> Result<impl ExactSizeIterator<Item = (&TreeNode<'a>, &[Attribute<'a>])>, Desync> {
        let attributes = |node: &TreeNode<'a>| match &node.kind {
            Kind::Element(element) => &self.attributes[element.attributes.clone()],
            _ => &[],
        };
        self.fault.map_or(Ok(self.nodes.iter().map(move |node| (node, attributes(node)))), Err)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Tree<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut tree = Tree { nodes: Vec::new(), attributes: Vec::new(), fault: None };
        NodeSeed { tree: &mut tree, parent: None, depth: 0 }.deserialize(deserializer)?;
        Ok(tree)
    }
}

/// Reads one node and everything below it into `tree`.
struct NodeSeed<'t, 'a> {
    tree: &'t mut Tree<'a>,
    parent: Option<usize>,
    depth: usize,
}

impl<'de: 'a, 'a> DeserializeSeed<'de> for NodeSeed<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let too_deep = self.depth > DEPTH_MAX;
        if too_deep || self.tree.nodes.len() >= NODES_MAX {
            self.tree.fault.get_or_insert(if too_deep { Desync::TooDeep } else { Desync::TooManyNodes });
            return deserializer.deserialize_ignored_any(IgnoredAny).map(drop);
        }
        deserializer.deserialize_map(self)
    }
}

impl<'de: 'a, 'a> Visitor<'de> for NodeSeed<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a node")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        // The place is taken before the children are read, so that a parent always stands before them.
        let place = self.tree.nodes.len();
        self.tree.nodes.push(TreeNode {
            parent: self.parent,
            id: NodeId(0),
            in_shadow: false,
            shadow_host: false,
            kind: Kind::Other,
        });
        let mut parts = Parts::default();
        while let Some(key) = map.next_key::<Text<'a>>()? {
            match key.as_str() {
                "childNodes" => {
                    map.next_value_seed(ChildrenSeed { tree: &mut *self.tree, parent: place, depth: self.depth + 1 })?
                }
                "attributes" => {
                    let begin = self.tree.attributes.len();
                    parts.attributes_dropped = map.next_value_seed(AttributesSeed(&mut self.tree.attributes))?;
                    parts.attributes = begin..self.tree.attributes.len();
                }
                name => parts.read(name, &mut map)?,
            }
        }
        match parts.into_node(self.parent) {
            Some(node) => self.tree.nodes[place] = node,
            None => self.tree.fault = self.tree.fault.or(Some(Desync::Malformed)),
        }
        Ok(())
    }
}

struct ChildrenSeed<'t, 'a> {
    tree: &'t mut Tree<'a>,
    parent: usize,
    depth: usize,
}

impl<'de: 'a, 'a> DeserializeSeed<'de> for ChildrenSeed<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de: 'a, 'a> Visitor<'de> for ChildrenSeed<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("child nodes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { tree, parent, depth } = self;
        while seq.next_element_seed(NodeSeed { tree: &mut *tree, parent: Some(parent), depth })?.is_some() {}
        Ok(())
    }
}

/// The members of a node in whatever order they came.
#[derive(Default)]
struct Parts<'a> {
    kind: Option<u8>,
    id: i64,
    in_shadow: bool,
    shadow_host: bool,
    tag: Option<Text<'a>>,
    name: Option<Text<'a>>,
    text: Option<Text<'a>>,
    style: bool,
    svg: bool,
    blocked: bool,
    attributes: Range<usize>,
    attributes_dropped: usize,
}

impl<'a> Parts<'a> {
    fn read<'de: 'a, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "type" => self.kind = Some(map.next_value()?),
            "id" => self.id = map.next_value()?,
            "isShadow" => self.in_shadow = map.next_value::<Option<bool>>()?.unwrap_or_default(),
            "isShadowHost" => self.shadow_host = map.next_value::<Option<bool>>()?.unwrap_or_default(),
            "tagName" => self.tag = Some(map.next_value()?),
            "name" => self.name = map.next_value()?,
            "textContent" => self.text = map.next_value()?,
            "isStyle" => self.style = map.next_value::<Option<bool>>()?.unwrap_or_default(),
            "isSVG" => self.svg = map.next_value::<Option<bool>>()?.unwrap_or_default(),
            "needBlock" => self.blocked = map.next_value::<Option<bool>>()?.unwrap_or_default(),
            // rootId follows from the tree; the rest is nothing a viewer needs.
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }

    fn into_node(self, parent: Option<usize>) -> Option<TreeNode<'a>> {
        let kind = match self.kind? {
            0 => Kind::Document,
            1 => Kind::Doctype { name: self.name.unwrap_or_default() },
            2 => Kind::Element(Element {
                tag: self.tag?,
                attributes: self.attributes,
                svg: self.svg,
                blocked: self.blocked,
                attributes_dropped: self.attributes_dropped,
            }),
            3 => Kind::Text { text: self.text.unwrap_or_default(), style: self.style },
            4 | 5 => Kind::Other,
            _ => return None,
        };
        Some(TreeNode {
            parent,
            id: NodeId::from_wire(self.id)?,
            in_shadow: self.in_shadow,
            shadow_host: self.shadow_host,
            kind,
        })
    }
}

/// The attributes of a change, at most [`ATTRIBUTES_MAX`] of them.
pub(super) struct Attributes<'a>(pub(super) Vec<Attribute<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Attributes<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut list = Vec::new();
        AttributesSeed(&mut list).deserialize(deserializer)?;
        Ok(Self(list))
    }
}

/// Appends the attributes of one node, and gives how many were too many.
struct AttributesSeed<'t, 'a>(&'t mut Vec<Attribute<'a>>);

impl<'de: 'a, 'a> DeserializeSeed<'de> for AttributesSeed<'_, 'a> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de: 'a, 'a> Visitor<'de> for AttributesSeed<'_, 'a> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("attributes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
        let end = self.0.len() + ATTRIBUTES_MAX;
        let mut dropped = 0;
        while let Some(name) = map.next_key::<Text<'a>>()? {
            if self.0.len() == end {
                dropped += 1;
                map.next_value::<IgnoredAny>()?;
            } else {
                self.0.push((name, map.next_value()?));
            }
        }
        Ok(dropped)
    }
}
