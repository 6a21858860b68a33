//! From the mirror to rrweb events that any rrweb 2.x replayer plays. The only maker of bytes that viewers get.
//!
//! Writes what a node's level allows and nothing else; never sees a record. Output is JSON, one event per call.

mod mutation;
mod node;

pub(crate) use mutation::{Delta, mutation, show};
pub(crate) use node::is_visible;

use crate::mask::GLYPHS;
use crate::mirror::{Key, Mirror};
use crate::record::{NodeId, Offset, PointerSource, Position, SelectionRange};
use serde::{Serialize, Serializer};
use serde_json::json;

/// Bytes of one event, without anything around it.
pub(crate) type Json = Vec<u8>;

/// A whole event of `kind` with this `data`.
pub(crate) fn event(kind: u8, timestamp: u64, data: &impl Serialize) -> Json {
    let mut out = Json::with_capacity(256);
    wrap(&mut out, kind, timestamp, |out| write(out, data));
    out
}

/// Writes an event around what `data` writes.
pub(crate) fn wrap(out: &mut Json, kind: u8, timestamp: u64, data: impl FnOnce(&mut Json)) {
    out.extend_from_slice(b"{\"type\":");
    write(out, &kind);
    out.extend_from_slice(b",\"data\":");
    data(out);
    out.extend_from_slice(b",\"timestamp\":");
    write(out, &timestamp);
    out.push(b'}');
}

/// Appends a value.
pub(crate) fn write(out: &mut Json, value: &(impl Serialize + ?Sized)) {
    serde_json::to_writer(out, value).expect("plain values written to memory never fail");
}

/// A number as a page wrote it: without a fraction if it has none.
fn write_number<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    /// Whole numbers up to this size are exact.
    const WHOLE_MAX: f64 = 9e15;
    if number.fract() == 0.0 && number.abs() < WHOLE_MAX {
        serializer.serialize_i64(*number as i64)
    } else {
        serializer.serialize_f64(*number)
    }
}

/// A number that is written like [`write_number`].
#[derive(Serialize)]
#[serde(transparent)]
struct Plain(#[serde(serialize_with = "write_number")] f64);

/// Type 4: where the page is and how large its window.
pub(crate) fn meta(timestamp: u64, href: &str, width: f64, height: f64) -> Json {
    event(4, timestamp, &json!({ "href": href, "width": width, "height": height }))
}

/// Types 0 and 1.
pub(crate) fn loaded(timestamp: u64, complete: bool) -> Json {
    event(u8::from(complete), timestamp, &json!({}))
}

/// What one node takes around its texts, on average.
const NODE_BYTES: usize = 80;

/// Type 2: the whole page, frames' documents aside, which follow as attachments.
pub(crate) fn snapshot(mirror: &Mirror, root: Key, timestamp: u64, offset: Offset) -> Json {
    let mut out = Json::with_capacity(mirror.len() * NODE_BYTES + mirror.text_bytes());
    wrap(&mut out, 2, timestamp, |out| {
        out.extend_from_slice(b"{\"node\":");
        node::whole(mirror, root, out);
        out.extend_from_slice(b",\"initialOffset\":");
        write(out, &json!({ "left": offset.left, "top": offset.top }));
        out.push(b'}');
    });
    out
}

/// The documents of all visible frames below `top`, outer before inner, as attachments.
pub(crate) fn frames(mirror: &Mirror, top: Key, timestamp: u64) -> Vec<Json> {
    let documents = mirror.subtree(top).filter(|key| *key != top && node::is_frame_document(mirror, *key));
    documents.filter(|key| is_visible(mirror, *key)).map(|key| attachment(mirror, key, timestamp)).collect()
}

/// Source 0 with `isAttachIframe`: one frame's document.
pub(crate) fn attachment(mirror: &Mirror, document: Key, timestamp: u64) -> Json {
    let frame = mirror.node(document).parent.expect("a frame's document stands in its frame");
    let mut out = Json::new();
    wrap(&mut out, 3, timestamp, |out| {
        out.extend_from_slice(b"{\"source\":0,\"texts\":[],\"attributes\":[],\"removes\":[],\"adds\":[{\"parentId\":");
        write(out, &mirror.node(frame).id.0);
        out.extend_from_slice(b",\"nextId\":null,\"node\":");
        node::whole(mirror, document, out);
        out.extend_from_slice(b"}],\"isAttachIframe\":true}");
    });
    out
}

/// Source 1, 6 or 12.
pub(crate) fn pointer(timestamp: u64, source: PointerSource, positions: &[Position]) -> Json {
    #[derive(Serialize)]
    struct Data {
        source: u8,
        positions: Vec<At>,
    }

    #[derive(Serialize)]
    struct At {
        x: Plain,
        y: Plain,
        id: u32,
        #[serde(rename = "timeOffset")]
        offset: Plain,
    }

    let at = |at: &Position| At { x: Plain(at.x), y: Plain(at.y), id: at.node.0, offset: Plain(at.offset) };
    event(3, timestamp, &Data { source: source as u8, positions: positions.iter().map(at).collect() })
}

/// Source 2.
pub(crate) fn interaction(timestamp: u64, kind: u8, node: NodeId, at: (f64, f64), pointer: Option<u8>) -> Json {
    #[derive(Serialize)]
    struct Data {
        source: u8,
        #[serde(rename = "type")]
        kind: u8,
        id: u32,
        x: Plain,
        y: Plain,
        #[serde(rename = "pointerType", skip_serializing_if = "Option::is_none")]
        pointer: Option<u8>,
    }

    event(3, timestamp, &Data { source: 2, kind, id: node.0, x: Plain(at.0), y: Plain(at.1), pointer })
}

/// Source 3.
pub(crate) fn scroll(timestamp: u64, node: NodeId, x: f64, y: f64) -> Json {
    #[derive(Serialize)]
    struct Data {
        source: u8,
        id: u32,
        x: Plain,
        y: Plain,
    }

    event(3, timestamp, &Data { source: 3, id: node.0, x: Plain(x), y: Plain(y) })
}

/// Source 4.
pub(crate) fn resize(timestamp: u64, width: f64, height: f64) -> Json {
    event(3, timestamp, &json!({ "source": 4, "width": width, "height": height }))
}

/// Source 5 of a private field: that it holds something, or nothing.
pub(crate) fn filled(timestamp: u64, node: NodeId, filled: bool) -> Json {
    input(timestamp, node, if filled { GLYPHS } else { "" }, false)
}

/// Source 5.
pub(crate) fn input(timestamp: u64, node: NodeId, text: &str, checked: bool) -> Json {
    #[derive(Serialize)]
    struct Data<'a> {
        source: u8,
        text: &'a str,
        #[serde(rename = "isChecked")]
        checked: bool,
        id: u32,
    }

    event(3, timestamp, &Data { source: 5, text, checked, id: node.0 })
}

/// Source 7.
pub(crate) fn media(
    timestamp: u64,
    kind: u8,
    node: NodeId,
    time: Option<f64>,
    muted: Option<bool>,
    rate: Option<f64>,
) -> Json {
    let mut data = json!({ "source": 7, "type": kind, "id": node.0 });
    if let Some(time) = time {
        data["currentTime"] = time.into();
    }
    if let Some(muted) = muted {
        data["muted"] = muted.into();
    }
    if let Some(rate) = rate {
        data["playbackRate"] = rate.into();
    }
    event(3, timestamp, &data)
}

/// Source 14.
pub(crate) fn selection(timestamp: u64, ranges: &[SelectionRange]) -> Json {
    let ranges: Vec<_> = ranges
        .iter()
        .map(|range| {
            json!({
                "start": range.start.0, "startOffset": range.start_offset,
                "end": range.end.0, "endOffset": range.end_offset,
            })
        })
        .collect();
    event(3, timestamp, &json!({ "source": 14, "ranges": ranges }))
}

/// Type 5 with one of our tags, all of which begin with `tillside.`; replayers ignore tags they do not know.
pub(crate) fn extension(timestamp: u64, tag: &str, payload: &serde_json::Value) -> Json {
    event(5, timestamp, &json!({ "tag": tag, "payload": payload }))
}
