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
use serde::Serialize;
use serde_json::json;

/// Bytes of one event, without anything around it.
pub(crate) type Json = Vec<u8>;

/// A whole event of `kind` with this `data`.
pub(crate) fn event(kind: u8, timestamp: u64, data: &impl Serialize) -> Json {
    let mut out = Json::with_capacity(128);
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

/// Type 4: where the page is and how large its window.
pub(crate) fn meta(timestamp: u64, href: &str, width: f64, height: f64) -> Json {
    event(4, timestamp, &json!({ "href": href, "width": width, "height": height }))
}

/// Types 0 and 1.
pub(crate) fn loaded(timestamp: u64, complete: bool) -> Json {
    event(u8::from(complete), timestamp, &json!({}))
}

/// Type 2: the whole page, frames' documents aside, which follow as attachments.
pub(crate) fn snapshot(mirror: &Mirror, root: Key, timestamp: u64, offset: Offset) -> Json {
    let mut out = Json::with_capacity(mirror.len() * 64);
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
    let positions: Vec<_> =
        positions.iter().map(|at| json!({ "x": at.x, "y": at.y, "id": at.node.0, "timeOffset": at.offset })).collect();
    event(3, timestamp, &json!({ "source": source as u8, "positions": positions }))
}

/// Source 2.
pub(crate) fn interaction(timestamp: u64, kind: u8, node: NodeId, at: (f64, f64), pointer: Option<u8>) -> Json {
    let mut data = json!({ "source": 2, "type": kind, "id": node.0, "x": at.0, "y": at.1 });
    if let Some(pointer) = pointer {
        data["pointerType"] = pointer.into();
    }
    event(3, timestamp, &data)
}

/// Source 3.
pub(crate) fn scroll(timestamp: u64, node: NodeId, x: f64, y: f64) -> Json {
    event(3, timestamp, &json!({ "source": 3, "id": node.0, "x": x, "y": y }))
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
    event(3, timestamp, &json!({ "source": 5, "text": text, "isChecked": checked, "id": node.0 }))
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
