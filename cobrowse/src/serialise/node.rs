//! One node as rrweb's `serializedNodeWithId`, cut down to what its level allows.

use super::{Json, write};
use crate::admit::{Class, class_of};
use crate::mask::{GLYPHS, LEVEL_ATTRIBUTE, Level};
use crate::mirror::{Element, Key, Kind, Mirror, Role};

/// Whether viewers have this node at all: on the allow-list and not inside a box.
pub(crate) fn is_visible(mirror: &Mirror, key: Key) -> bool {
    !matches!(mirror.node(key).kind, Kind::Dropped)
        && mirror.ancestors(key).all(|ancestor| shows_children(mirror, ancestor))
}

/// Whether what stands below a node is shown. Content of private controls never is: it tells length.
pub(super) fn shows_children(mirror: &Mirror, key: Key) -> bool {
    let level = mirror.level(key);
    match &mirror.node(key).kind {
        Kind::Element(element) => {
            let private = level >= Level::Masked && matches!(element.role, Role::Field | Role::Choice);
            level < Level::Blocked && !private && mirror.tag(key) != "textarea"
        }
        Kind::Document => level < Level::Blocked,
        Kind::Dropped | Kind::Doctype(_) | Kind::Text(_) | Kind::Style(_) => false,
    }
}

/// Whether this is the document of a frame: it is sent apart from what surrounds it.
pub(super) fn is_frame_document(mirror: &Mirror, key: Key) -> bool {
    matches!(mirror.node(key).kind, Kind::Document) && mirror.node(key).parent.is_some()
}

/// A visible node with everything visible below it, frames' documents aside. Recursion is bounded by the depth limit.
pub(super) fn whole(mirror: &Mirror, key: Key, out: &mut Json) {
    open(mirror, key, out);
    if has_children_member(mirror, key) {
        out.extend_from_slice(b",\"childNodes\":[");
        if shows_children(mirror, key) {
            let mut first = true;
            for child in mirror.children(key) {
                if matches!(mirror.node(child).kind, Kind::Dropped) || is_frame_document(mirror, child) {
                    continue;
                }
                if !std::mem::take(&mut first) {
                    out.push(b',');
                }
                whole(mirror, child, out);
            }
        }
        out.push(b']');
    }
    out.push(b'}');
}

/// A visible node without what is below it, as the adds of a mutation carry it.
pub(super) fn alone(mirror: &Mirror, key: Key, out: &mut Json) {
    open(mirror, key, out);
    if has_children_member(mirror, key) {
        out.extend_from_slice(b",\"childNodes\":[]");
    }
    out.push(b'}');
}

fn has_children_member(mirror: &Mirror, key: Key) -> bool {
    matches!(mirror.node(key).kind, Kind::Document | Kind::Element(_))
}

fn open(mirror: &Mirror, key: Key, out: &mut Json) {
    let node = mirror.node(key);
    match &node.kind {
        Kind::Document => out.extend_from_slice(b"{\"type\":0"),
        Kind::Doctype(name) => {
            out.extend_from_slice(b"{\"type\":1,\"name\":");
            write(out, mirror.names.text(*name));
            out.extend_from_slice(b",\"publicId\":\"\",\"systemId\":\"\"");
        }
        Kind::Element(element) => {
            out.extend_from_slice(b"{\"type\":2,\"tagName\":");
            write(out, mirror.names.text(element.tag));
            out.extend_from_slice(b",\"attributes\":{");
            attributes(mirror, key, element, out);
            out.push(b'}');
            if element.svg {
                out.extend_from_slice(b",\"isSVG\":true");
            }
        }
        Kind::Text(_) => {
            out.extend_from_slice(b"{\"type\":3,\"textContent\":");
            write(out, shown_text(mirror, key));
        }
        Kind::Style(css) => {
            out.extend_from_slice(b"{\"type\":3,\"isStyle\":true,\"textContent\":");
            write(out, &***css);
        }
        Kind::Dropped => unreachable!("dropped nodes are not visible"),
    }
    out.extend_from_slice(b",\"id\":");
    write(out, &node.id.0);
    if node.shadow_host && shows_children(mirror, key) {
        out.extend_from_slice(b",\"isShadowHost\":true");
    }
    if node.in_shadow {
        out.extend_from_slice(b",\"isShadow\":true");
    }
    if let Some(document) = mirror.frame_document(key) {
        out.extend_from_slice(b",\"rootId\":");
        write(out, &mirror.node(document).id.0);
    }
}

/// The text of a text node as viewers see it. White space between elements stays, since layout hangs on it.
pub(super) fn shown_text(mirror: &Mirror, key: Key) -> &str {
    let text = mirror.text(key);
    match mirror.level(key) {
        Level::Public => text,
        Level::Masked if text.trim().is_empty() => " ",
        Level::Masked => GLYPHS,
        Level::Blocked | Level::Payment => "",
    }
}

fn attributes(mirror: &Mirror, key: Key, element: &Element, out: &mut Json) {
    let level = mirror.level(key);
    let mut first = true;
    let mut member = |name: &str, value: &str| {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        write(out, name);
        out.push(b':');
        write(out, value);
    };
    let tag = mirror.names.text(element.tag);
    for (name, value) in &element.attributes {
        let name = mirror.names.text(*name);
        if is_attribute_shown(tag, element.role, name, level) {
            member(name, value);
        }
    }
    let raised = mirror.node(key).parent.is_none_or(|parent| mirror.level(parent) < level);
    if raised && level > Level::Public {
        member(LEVEL_ATTRIBUTE, level.as_str());
    }
    if level == Level::Masked && element.filled && element.role == Role::Field && matches!(tag, "input" | "textarea") {
        member("value", GLYPHS);
    }
    if level == Level::Public && element.checked == Some(true) {
        let name: &[u8] = if element.role == Role::Toggle { b"\"checked\":true" } else { b"\"selected\":true" };
        if !first {
            out.push(b',');
        }
        out.extend_from_slice(name);
    }
}

/// Whether an allow-listed attribute survives the element's level.
pub(super) fn is_attribute_shown(tag: &str, role: Role, name: &str, level: Level) -> bool {
    match level {
        Level::Public => true,
        Level::Masked => match class_of(tag, role, name) {
            Class::Plain
            | Class::State
            | Class::Geometry
            | Class::Number
            | Class::Style
            | Class::Css
            | Class::Fragment => true,
            Class::Words | Class::Link | Class::Asset | Class::Refused => false,
        },
        Level::Blocked | Level::Payment => {
            matches!(name, "class" | "style" | "type" | "rr_width" | "rr_height" | "hidden")
        }
    }
}
