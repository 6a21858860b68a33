//! The parts that events are made of once they are read: what changed, where, to what.

use super::NodeId;
use super::data::RuleIndex;
use super::text::Text;
use super::tree::{Attribute, Tree};

/// Source 0.
pub(crate) struct Mutation<'a> {
    /// Applied first.
    pub(crate) removes: Vec<Removal>,
    /// Applied second; a parent may stand after its children.
    pub(crate) adds: Vec<Addition<'a>>,
    /// Applied third.
    pub(crate) texts: Vec<TextChange<'a>>,
    /// Applied last.
    pub(crate) attributes: Vec<AttributeChange<'a>>,
}

/// A node leaves its parent, which the mirror knows better.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Removal {
    /// Which.
    pub(crate) node: NodeId,
}

/// A subtree enters.
pub(crate) struct Addition<'a> {
    /// Under this node.
    pub(crate) parent: NodeId,
    /// Before this sibling, or last.
    pub(crate) next: Option<NodeId>,
    /// What enters.
    pub(crate) tree: Tree<'a>,
}

/// A text changed.
pub(crate) struct TextChange<'a> {
    /// Which.
    pub(crate) node: NodeId,
    /// To what.
    pub(crate) text: Text<'a>,
}

/// Attributes changed.
pub(crate) struct AttributeChange<'a> {
    /// Of which element.
    pub(crate) node: NodeId,
    /// The changed ones.
    pub(crate) attributes: Vec<Attribute<'a>>,
}

/// Where the pointer was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    /// CSS pixels from the left of the window.
    pub(crate) x: f64,
    /// CSS pixels from the top of the window.
    pub(crate) y: f64,
    /// Over which node.
    pub(crate) node: NodeId,
    /// Milliseconds relative to the event, negative.
    pub(crate) offset: f64,
}

/// Source 8. Names its sheet by the owning element or by the id of a constructed sheet.
pub(crate) struct StyleRules<'a> {
    /// The style or link element.
    pub(crate) owner: Option<NodeId>,
    /// The constructed sheet.
    pub(crate) sheet: Option<u32>,
    /// Rules that came.
    pub(crate) adds: Vec<RuleChange<'a>>,
    /// Rules that went.
    pub(crate) removes: Vec<RuleIndex>,
    /// The new text of the whole sheet.
    pub(crate) replace: Option<Text<'a>>,
}

/// A rule and its place; at the end if it has none.
pub(crate) struct RuleChange<'a> {
    /// CSS text of one rule.
    pub(crate) rule: Text<'a>,
    /// Its place.
    pub(crate) index: Option<RuleIndex>,
}

/// Source 13.
pub(crate) struct StyleDeclaration<'a> {
    /// The style or link element.
    pub(crate) owner: Option<NodeId>,
    /// The constructed sheet.
    pub(crate) sheet: Option<u32>,
    /// Which rule.
    pub(crate) index: RuleIndex,
    /// What changed.
    pub(crate) change: Declaration<'a>,
}

/// A declaration set or removed.
pub(crate) enum Declaration<'a> {
    /// `setProperty`.
    Set { property: Text<'a>, value: Text<'a>, important: bool },
    /// `removeProperty`.
    Removed { property: Text<'a> },
}

/// A constructed sheet on its first appearance.
pub(crate) struct SheetRules<'a> {
    /// The recorder's id of the sheet.
    pub(crate) sheet: u32,
    /// Its rules.
    pub(crate) rules: Vec<RuleChange<'a>>,
}

/// One range of a selection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SelectionRange {
    /// Start container.
    pub(crate) start: NodeId,
    /// Start offset.
    pub(crate) start_offset: u32,
    /// End container.
    pub(crate) end: NodeId,
    /// End offset.
    pub(crate) end_offset: u32,
}
