//! The strict, typed reading of what a sharer sends: rrweb 2.x events as JSON.
//!
//! Owns the wire shapes and nothing else. What is not named here does not exist for the rest of the crate: an unknown
//! field is never stored, an unknown event is [`Body::Refused`]. Knows neither mirror nor policy; borrows from the
//! input buffer and copies only strings that carry escapes (and wipes those copies).
//!
//! Wire facts: `@rrweb/types` 2.2, `eventWithTime`.

mod change;
mod data;
mod frame;
mod text;
mod tree;

use data::Data;
use serde::Deserialize as _;
use serde::de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

pub(crate) use change::{
    Addition, AttributeChange, Declaration, Mutation, Position, Removal, RuleChange, SelectionRange, SheetRules,
    StyleDeclaration, StyleRules, TextChange,
};
pub(crate) use data::{Offset, RuleIndex};
pub(crate) use frame::Frames;
pub use frame::{CHUNK_BYTES_MAX, FLAG_DEFLATE, FLAG_FRAMED, FLAG_MORE};
pub(crate) use text::{StyleValue, Text, Value};
pub(crate) use tree::{Attribute, Element, Kind, Tree, TreeNode};

use crate::desync::Desync;

/// The id that the page's recorder gave to a node. Unique within one snapshot's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(pub u32);

impl NodeId {
    /// Recorders count from 1 and use -1 and -2 for nodes they ignore.
    fn from_wire(id: i64) -> Option<Self> {
        u32::try_from(id).ok().filter(|id| *id > 0).map(Self)
    }
}

/// One event: when the shopper's browser made it (its own clock, ms since 1970) and what it says.
pub(crate) struct Event<'a> {
    /// Milliseconds, as the browser wrote them.
    pub(crate) timestamp: u64,
    /// What happened.
    pub(crate) body: Body<'a>,
}

/// The events that the relay understands.
pub(crate) enum Body<'a> {
    /// Types 0 and 1: the page's `DOMContentLoaded` or `load`.
    Loaded { complete: bool },
    /// Type 2: the whole page.
    Snapshot { tree: Tree<'a>, offset: Offset },
    /// Type 4: where the page is and how large its window.
    Meta { href: Text<'a>, width: f64, height: f64 },
    /// Source 0: the tree changed.
    Mutation(Mutation<'a>),
    /// Sources 1, 6 and 12: a batch of pointer positions.
    Pointer { source: PointerSource, positions: Vec<Position> },
    /// Source 2: a press, click, focus and so on; `kind` is rrweb's `MouseInteractions`, 0 to 10.
    Interaction { kind: u8, node: NodeId, x: f64, y: f64, pointer: Option<u8> },
    /// Source 3: an element or the document scrolled.
    Scroll { node: NodeId, x: f64, y: f64 },
    /// Source 4: the window's size changed.
    Resize { width: f64, height: f64 },
    /// Source 5: a control's value or check mark changed.
    Input { node: NodeId, text: Text<'a>, checked: bool },
    /// Source 7: playback of a media element; `kind` is rrweb's `MediaInteractions`, 0 to 4.
    Media { kind: u8, node: NodeId, time: Option<f64>, muted: Option<bool>, rate: Option<f64> },
    /// Source 8: rules of a style sheet came, went or were replaced.
    StyleRules(StyleRules<'a>),
    /// Source 13: one declaration of a rule changed.
    StyleDeclaration(StyleDeclaration<'a>),
    /// Source 15: the constructed style sheets of a document or shadow root.
    AdoptedSheets { host: NodeId, sheets: Vec<u32>, styles: Vec<SheetRules<'a>> },
    /// Source 14: what is selected.
    Selection(Vec<SelectionRange>),
    /// Well-formed, but nothing the relay passes on: dropped and counted.
    Refused(Refused),
}

/// Which of rrweb's three position streams a batch belongs to. The number is the wire's `source`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PointerSource {
    /// A mouse.
    Mouse = 1,
    /// A finger.
    Touch = 6,
    /// A drag.
    Drag = 12,
}

/// Why a well-formed event was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refused {
    /// Types 5 to 8: custom, plugin (console, network bodies), asset, annotation.
    Extension,
    /// Sources 9, 10, 11 and 16: canvas, font, log, custom element: pixels, binaries, or of no use to a viewer.
    Content,
    /// A type or source that no rrweb 2.x recorder emits.
    Unknown,
    /// A known event that lacks a field or carries an impossible one, where the tree cannot have become wrong.
    Incomplete,
}

/// Reads one event, or a JSON array of at most [`BATCH_MAX`] of them.
///
/// # Errors
/// A [`Desync`] where the tree of the page can no longer be trusted: not JSON, packed events, too deep, too many
/// nodes, a mutation or snapshot of the wrong shape. The input is never quoted in it.
pub(crate) fn parse(json: &[u8]) -> Result<Vec<Event<'_>>, Desync> {
    if json.len() > crate::limits::RECORD_BYTES_MAX {
        return Err(Desync::Oversized);
    }
    // One pass over all bytes here spares one over each string there.
    let json = std::str::from_utf8(json).map_err(|_| Desync::Malformed)?;
    let mut reader = serde_json::Deserializer::from_str(json);
    // Pages nest deeper than serde_json's 128; `tree` keeps its own count, everything else has a fixed depth.
    reader.disable_recursion_limit();
    let batch = Batch::deserialize(&mut reader).map_err(|_| Desync::Malformed)?;
    reader.end().map_err(|_| Desync::Malformed)?;
    batch.0
}

/// Most events of one record. A recorder that flushes every frame sends a handful; a stalled one some hundreds.
pub(crate) const BATCH_MAX: usize = 4_096;

/// The events, or why the first bad one costs the page its trust.
struct Batch<'a>(Result<Vec<Event<'a>>, Desync>);

impl<'de> de::Deserialize<'de> for Batch<'de> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BatchVisitor)
    }
}

struct BatchVisitor;

impl<'de> Visitor<'de> for BatchVisitor {
    type Value = Batch<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event or an array of events")
    }

    fn visit_str<E: de::Error>(self, _packed: &str) -> Result<Self::Value, E> {
        Ok(Batch(Err(Desync::Packed)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Ok(Batch(WireVisitor.visit_map(map)?.0.map(|event| vec![event])))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut events = Ok(Vec::new());
        let mut count = 0;
        while let Some(Wire(event)) = seq.next_element()? {
            if count == BATCH_MAX {
                return Err(de::Error::custom("too many events"));
            }
            count += 1;
            if let Ok(known) = &mut events {
                match event {
                    Ok(event) => known.push(event),
                    Err(reason) => events = Err(reason),
                }
            }
        }
        Ok(Batch(events))
    }
}

/// One event, once its parts are put together: the order of JSON members says nothing.
struct Wire<'a>(Result<Event<'a>, Desync>);

impl<'de> de::Deserialize<'de> for Wire<'de> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WireVisitor)
    }
}

struct WireVisitor;

impl<'de> Visitor<'de> for WireVisitor {
    type Value = Wire<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_str<E: de::Error>(self, _packed: &str) -> Result<Self::Value, E> {
        Ok(Wire(Err(Desync::Packed)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut kind, mut timestamp, mut data) = (None::<u64>, None::<f64>, None::<Data<'de>>);
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match key.as_str() {
                "type" if kind.is_none() => kind = Some(map.next_value()?),
                "timestamp" if timestamp.is_none() => timestamp = Some(map.next_value()?),
                // What an extension event carries is not even looked at when its type came first, as recorders write.
                "data" if kind.is_some_and(data::is_extension) => drop(map.next_value::<IgnoredAny>()?),
                "data" if data.is_none() => data = Some(map.next_value()?),
                "type" | "timestamp" | "data" => return Err(de::Error::custom("a field twice")),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let kind = kind.ok_or_else(|| de::Error::missing_field("type"))?;
        // `as` saturates: a negative or absurd clock becomes 0 or the largest number, both harmless.
        let timestamp = timestamp.unwrap_or_default() as u64;
        Ok(Wire(data.unwrap_or_default().into_body(kind).map(|body| Event { timestamp, body })))
    }
}

#[cfg(test)]
mod tests;
