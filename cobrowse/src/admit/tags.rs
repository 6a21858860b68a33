//! The elements that exist for viewers. Everything that runs, loads, nests documents or redirects is absent:
//! script, noscript, object, embed, base, meta, template, frame, portal, SVG animation and foreignObject.

use hashbrown::HashSet;
use std::sync::LazyLock;

/// HTML elements, sorted.
const HTML: [&str; 119] = [
    "a",
    "abbr",
    "acronym",
    "address",
    "area",
    "article",
    "aside",
    "audio",
    "b",
    "bdi",
    "bdo",
    "big",
    "blockquote",
    "body",
    "br",
    "button",
    "canvas",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "data",
    "datalist",
    "dd",
    "del",
    "details",
    "dfn",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "em",
    "fieldset",
    "figcaption",
    "figure",
    "font",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hgroup",
    "hr",
    "html",
    "i",
    "iframe",
    "img",
    "input",
    "ins",
    "kbd",
    "label",
    "legend",
    "li",
    "link",
    "main",
    "map",
    "mark",
    "marquee",
    "menu",
    "meter",
    "nav",
    "nobr",
    "ol",
    "optgroup",
    "option",
    "output",
    "p",
    "picture",
    "pre",
    "progress",
    "q",
    "rp",
    "rt",
    "ruby",
    "s",
    "samp",
    "search",
    "section",
    "select",
    "slot",
    "small",
    "source",
    "span",
    "strike",
    "strong",
    "style",
    "sub",
    "summary",
    "sup",
    "svg",
    "table",
    "tbody",
    "td",
    "textarea",
    "tfoot",
    "th",
    "thead",
    "time",
    "title",
    "tr",
    "track",
    "tt",
    "u",
    "ul",
    "var",
    "video",
    "wbr",
    "selectedcontent",
    "image",
    "text",
    "tspan",
];

/// SVG elements as rrweb writes them: lower case.
const SVG: [&str; 47] = [
    "circle",
    "clippath",
    "defs",
    "desc",
    "ellipse",
    "feblend",
    "fecolormatrix",
    "fecomponenttransfer",
    "fecomposite",
    "feconvolvematrix",
    "fediffuselighting",
    "fedisplacementmap",
    "fedistantlight",
    "fedropshadow",
    "feflood",
    "fefunca",
    "fefuncb",
    "fefuncg",
    "fefuncr",
    "fegaussianblur",
    "femerge",
    "femergenode",
    "femorphology",
    "feoffset",
    "fepointlight",
    "fespecularlighting",
    "fespotlight",
    "fetile",
    "feturbulence",
    "filter",
    "g",
    "line",
    "lineargradient",
    "marker",
    "mask",
    "metadata",
    "path",
    "pattern",
    "polygon",
    "polyline",
    "radialgradient",
    "rect",
    "stop",
    "switch",
    "symbol",
    "textpath",
    "use",
];

/// Whether viewers may have an element of this lower-case tag. Custom elements may stay: without scripts they are
/// plain boxes.
pub(super) fn is_allowed(tag: &str) -> bool {
    KNOWN.contains(tag) || is_custom(tag)
}

static KNOWN: LazyLock<HashSet<&str>> = LazyLock::new(|| HTML.into_iter().chain(SVG).collect());

/// Elements that do not break a line of text.
const INLINE: [&str; 34] = [
    "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd",
    "label", "mark", "output", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tspan",
    "tt", "u", "var", "wbr",
];

/// Whether text on both sides of an element's borders is read as one line.
pub(super) fn is_inline(tag: &str) -> bool {
    INLINE_KNOWN.contains(tag)
}

static INLINE_KNOWN: LazyLock<HashSet<&str>> = LazyLock::new(|| INLINE.into_iter().collect());

/// A valid custom element name, ASCII only: a letter, then letters, digits, `-`, `_`, `.`, with a hyphen in it.
fn is_custom(tag: &str) -> bool {
    let plain = tag
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.'));
    plain
        && tag.contains('-')
        && tag.starts_with(|c: char| c.is_ascii_lowercase())
        && !matches!(tag, "annotation-xml" | "color-profile" | "font-face" | "missing-glyph")
        && crate::scan::count_digits(tag) <= 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_26_what_runs_or_loads_is_absent() {
        for tag in [
            "script",
            "noscript",
            "object",
            "embed",
            "applet",
            "base",
            "meta",
            "template",
            "frame",
            "frameset",
            "portal",
            "fencedframe",
            "animate",
            "set",
            "animatetransform",
            "foreignobject",
            "math",
            "annotation-xml",
            "x-4242424242424242",
            "",
        ] {
            assert!(!is_allowed(tag), "{tag}");
        }
        for tag in ["div", "input", "svg", "path", "my-card", "lineargradient"] {
            assert!(is_allowed(tag), "{tag}");
        }
    }
}
