//! The `data` member of an event. All kinds are read through one union of their members, so that the order of JSON
//! members does not matter; `into_body` then takes what belongs to the kind and drops the rest.

use super::change::{
    Addition, AttributeChange, Declaration, Mutation, Position, Removal, RuleChange, SelectionRange, SheetRules,
    StyleDeclaration, StyleRules, TextChange,
};
use super::text::Text;
use super::tree::{Attributes, Tree};
use super::{Body, NodeId, PointerSource, Refused};
use crate::desync::Desync;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use std::fmt;

/// Types 5 to 8: custom, plugin, asset, annotation.
pub(super) fn is_extension(kind: u64) -> bool {
    (5..=8).contains(&kind)
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Data<'a> {
    source: Option<u64>,
    #[serde(borrow)]
    node: Option<Tree<'a>>,
    initial_offset: Option<Offset>,
    #[serde(borrow)]
    href: Option<Text<'a>>,
    width: Option<f64>,
    height: Option<f64>,
    #[serde(borrow)]
    texts: Option<Vec<WireText<'a>>>,
    #[serde(borrow)]
    attributes: Option<Vec<WireAttributes<'a>>>,
    #[serde(borrow)]
    removes: Option<Vec<WireRemove<'a>>>,
    #[serde(borrow)]
    adds: Option<Vec<WireAdd<'a>>>,
    positions: Option<Vec<WirePosition>>,
    id: Option<i64>,
    #[serde(rename = "type", deserialize_with = "small_number")]
    kind: Option<u8>,
    x: Option<f64>,
    y: Option<f64>,
    pointer_type: Option<u8>,
    #[serde(borrow)]
    text: Option<Text<'a>>,
    is_checked: Option<bool>,
    current_time: Option<f64>,
    muted: Option<bool>,
    playback_rate: Option<f64>,
    style_id: Option<i64>,
    style_ids: Option<Vec<u32>>,
    #[serde(borrow)]
    styles: Option<Vec<WireSheet<'a>>>,
    #[serde(borrow)]
    replace: Option<Text<'a>>,
    #[serde(borrow)]
    replace_sync: Option<Text<'a>>,
    index: Option<RuleIndex>,
    #[serde(borrow)]
    set: Option<WireSet<'a>>,
    #[serde(borrow)]
    remove: Option<WireUnset<'a>>,
    ranges: Option<Vec<WireRange>>,
}

/// `type` is a number in all events that we pass on; in an annotation it is a word, and the event is dropped anyway.
fn small_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    struct SmallNumber;

    impl Visitor<'_> for SmallNumber {
        type Value = Option<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number or a word")
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
            Ok(u8::try_from(number).ok())
        }

        fn visit_str<E: de::Error>(self, _word: &str) -> Result<Self::Value, E> {
            Ok(None)
        }
    }

    deserializer.deserialize_any(SmallNumber)
}

/// Where the document was scrolled to when the snapshot was taken, in CSS pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Offset {
    /// From the left.
    pub(crate) left: f64,
    /// From the top.
    pub(crate) top: f64,
}

#[derive(Deserialize)]
struct WireText<'a> {
    id: i64,
    #[serde(borrow)]
    value: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct WireAttributes<'a> {
    id: i64,
    #[serde(borrow)]
    attributes: Attributes<'a>,
}

/// Of a mutation: `parentId`, `id`; of a style sheet: `index`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRemove<'a> {
    parent_id: Option<i64>,
    id: Option<i64>,
    index: Option<RuleIndex>,
    #[serde(borrow, rename = "rule")]
    _rule: Option<Text<'a>>,
}

/// Of a mutation: `parentId`, `nextId`, `node`; of a style sheet: `rule`, `index`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAdd<'a> {
    parent_id: Option<i64>,
    next_id: Option<i64>,
    #[serde(borrow)]
    node: Option<Tree<'a>>,
    #[serde(borrow)]
    rule: Option<Text<'a>>,
    index: Option<RuleIndex>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePosition {
    x: f64,
    y: f64,
    id: i64,
    time_offset: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSheet<'a> {
    style_id: u32,
    #[serde(borrow)]
    rules: Vec<WireAdd<'a>>,
}

#[derive(Deserialize)]
struct WireSet<'a> {
    #[serde(borrow)]
    property: Text<'a>,
    #[serde(borrow)]
    value: Option<Text<'a>>,
    priority: Option<Priority>,
}

#[derive(Deserialize)]
struct WireUnset<'a> {
    #[serde(borrow)]
    property: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRange {
    start: i64,
    start_offset: u32,
    end: i64,
    end_offset: u32,
}

/// The priority of a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Priority {
    /// `!important`.
    #[serde(rename = "important")]
    Important,
    /// None.
    #[serde(other)]
    Normal,
}

/// Which rule: a place, or a path of places through nested rules.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum RuleIndex {
    /// Of the sheet's own rules.
    Top(u32),
    /// Into a nested rule.
    Nested(Vec<u32>),
}

impl<'a> Data<'a> {
    /// What this says as the `data` of an event of type `kind`.
    ///
    /// # Errors
    /// Where the tree of the page can no longer be trusted. Elsewhere a bad event is only refused.
    pub(super) fn into_body(self, kind: u64) -> Result<Body<'a>, Desync> {
        match kind {
            0 => Ok(Body::Loaded { complete: false }),
            1 => Ok(Body::Loaded { complete: true }),
            2 => Ok(Body::Snapshot {
                tree: self.node.ok_or(Desync::Malformed)?,
                offset: self.initial_offset.unwrap_or_default(),
            }),
            3 => self.into_change(),
            4 => Ok(self.into_meta().unwrap_or(Body::Refused(Refused::Incomplete))),
            _ if is_extension(kind) => Ok(Body::Refused(Refused::Extension)),
            _ => Ok(Body::Refused(Refused::Unknown)),
        }
    }

    fn into_meta(self) -> Option<Body<'a>> {
        Some(Body::Meta { href: self.href?, width: self.width?, height: self.height? })
    }

    fn into_change(self) -> Result<Body<'a>, Desync> {
        let body = match self.source {
            Some(0) => return self.into_mutation().ok_or(Desync::Malformed).map(Body::Mutation),
            Some(1) => self.into_pointer(PointerSource::Mouse),
            Some(6) => self.into_pointer(PointerSource::Touch),
            Some(12) => self.into_pointer(PointerSource::Drag),
            Some(2) => self.into_interaction(),
            Some(3) => self.into_scroll(),
            Some(4) => self.into_resize(),
            Some(5) => self.into_input(),
            Some(7) => self.into_media(),
            Some(8) => self.into_style_rules(),
            Some(13) => self.into_style_declaration(),
            Some(14) => self.into_selection(),
            Some(15) => self.into_adopted_sheets(),
            Some(9 | 10 | 11 | 16) => return Ok(Body::Refused(Refused::Content)),
            _ => return Ok(Body::Refused(Refused::Unknown)),
        };
        Ok(body.unwrap_or(Body::Refused(Refused::Incomplete)))
    }

    fn node(&self) -> Option<NodeId> {
        self.id.and_then(NodeId::from_wire)
    }

    fn into_mutation(self) -> Option<Mutation<'a>> {
        let removes = self.removes.unwrap_or_default().into_iter().map(WireRemove::into_removal);
        let adds = self.adds.unwrap_or_default().into_iter().map(WireAdd::into_addition);
        let texts = self.texts.unwrap_or_default().into_iter().map(|change| {
            Some(TextChange { node: NodeId::from_wire(change.id)?, text: change.value.unwrap_or_default() })
        });
        let attributes = self.attributes.unwrap_or_default().into_iter().map(|change| {
            Some(AttributeChange { node: NodeId::from_wire(change.id)?, attributes: change.attributes.0 })
        });
        Some(Mutation {
            removes: removes.collect::<Option<_>>()?,
            adds: adds.collect::<Option<_>>()?,
            texts: texts.collect::<Option<_>>()?,
            attributes: attributes.collect::<Option<_>>()?,
        })
    }

    fn into_pointer(self, source: PointerSource) -> Option<Body<'a>> {
        let positions = self.positions?.into_iter().filter_map(|position| {
            let node = NodeId::from_wire(position.id)?;
            Some(Position { x: position.x, y: position.y, node, offset: position.time_offset })
        });
        Some(Body::Pointer { source, positions: positions.collect() })
    }

    fn into_interaction(self) -> Option<Body<'a>> {
        let node = self.node()?;
        let kind = self.kind.filter(|kind| *kind <= 10)?;
        let (x, y) = (self.x.unwrap_or_default(), self.y.unwrap_or_default());
        Some(Body::Interaction { kind, node, x, y, pointer: self.pointer_type.filter(|kind| *kind <= 2) })
    }

    fn into_scroll(self) -> Option<Body<'a>> {
        Some(Body::Scroll { node: self.node()?, x: self.x?, y: self.y? })
    }

    fn into_resize(self) -> Option<Body<'a>> {
        Some(Body::Resize { width: self.width?, height: self.height? })
    }

    fn into_input(self) -> Option<Body<'a>> {
        let node = self.node()?;
        Some(Body::Input { node, text: self.text?, checked: self.is_checked.unwrap_or_default() })
    }

    fn into_media(self) -> Option<Body<'a>> {
        let node = self.node()?;
        let kind = self.kind.filter(|kind| *kind <= 4)?;
        Some(Body::Media { kind, node, time: self.current_time, muted: self.muted, rate: self.playback_rate })
    }

    fn into_style_rules(self) -> Option<Body<'a>> {
        let (owner, sheet) = (self.node(), wire_sheet(self.style_id));
        owner.map(|id| id.0).or(sheet)?;
        let adds = self.adds.unwrap_or_default().into_iter().map(WireAdd::into_rule).collect::<Option<_>>()?;
        let removes = self.removes.unwrap_or_default().into_iter().map(|change| change.index).collect::<Option<_>>()?;
        let replace = self.replace.or(self.replace_sync);
        Some(Body::StyleRules(StyleRules { owner, sheet, adds, removes, replace }))
    }

    fn into_style_declaration(self) -> Option<Body<'a>> {
        let (owner, sheet) = (self.node(), wire_sheet(self.style_id));
        owner.map(|id| id.0).or(sheet)?;
        let change = match (self.set, self.remove) {
            (Some(set), _) => Declaration::Set {
                property: set.property,
                value: set.value?,
                important: set.priority == Some(Priority::Important),
            },
            (None, Some(unset)) => Declaration::Removed { property: unset.property },
            (None, None) => return None,
        };
        Some(Body::StyleDeclaration(StyleDeclaration { owner, sheet, index: self.index?, change }))
    }

    fn into_adopted_sheets(self) -> Option<Body<'a>> {
        let host = self.node()?;
        let styles = self.styles.unwrap_or_default().into_iter().map(|sheet| {
            let rules = sheet.rules.into_iter().map(WireAdd::into_rule).collect::<Option<_>>()?;
            Some(SheetRules { sheet: sheet.style_id, rules })
        });
        let styles = styles.collect::<Option<_>>()?;
        Some(Body::AdoptedSheets { host, sheets: self.style_ids?, styles })
    }

    fn into_selection(self) -> Option<Body<'a>> {
        let ranges = self.ranges?.into_iter().filter_map(|range| {
            Some(SelectionRange {
                start: NodeId::from_wire(range.start)?,
                start_offset: range.start_offset,
                end: NodeId::from_wire(range.end)?,
                end_offset: range.end_offset,
            })
        });
        Some(Body::Selection(ranges.collect()))
    }
}

fn wire_sheet(id: Option<i64>) -> Option<u32> {
    id.and_then(|id| u32::try_from(id).ok())
}

impl WireRemove<'_> {
    fn into_removal(self) -> Option<Removal> {
        NodeId::from_wire(self.parent_id?)?;
        Some(Removal { node: NodeId::from_wire(self.id?)? })
    }
}

impl<'a> WireAdd<'a> {
    fn into_addition(self) -> Option<Addition<'a>> {
        let parent = NodeId::from_wire(self.parent_id?)?;
        // An ignored sibling (-1, -2) counts as none: the node goes last, as in rrweb's own replayer.
        Some(Addition { parent, next: self.next_id.and_then(NodeId::from_wire), tree: self.node? })
    }

    fn into_rule(self) -> Option<RuleChange<'a>> {
        Some(RuleChange { rule: self.rule?, index: self.index })
    }
}
