//! The attributes that exist for viewers, by how their values are cleaned.

use crate::mirror::Role;
use hashbrown::HashMap;
use std::sync::LazyLock;

/// How the value of an attribute is cleaned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Layout and state: passes if it holds no number of a card or account.
    Plain,
    /// Words that a person reads: as Plain, and stripped from level Masked on.
    Words,
    /// One short word that styles hang on.
    State,
    /// Shapes and paints of SVG: a fixed alphabet; not scanned, since coordinates look like card numbers.
    Geometry,
    /// A number.
    Number,
    /// The address of an uploaded asset.
    Asset,
    /// A reference into the same document.
    Fragment,
    /// An address a person may follow.
    Link,
    /// Declarations.
    Style,
    /// A whole style sheet.
    Css,
    /// Off the list.
    Refused,
}

/// Layout and state of HTML.
const PLAIN: [&str; 42] = [
    "class",
    "id",
    "dir",
    "lang",
    "role",
    "disabled",
    "readonly",
    "required",
    "multiple",
    "size",
    "rows",
    "cols",
    "colspan",
    "rowspan",
    "span",
    "scope",
    "hidden",
    "open",
    "for",
    "start",
    "reversed",
    "align",
    "valign",
    "border",
    "cellpadding",
    "cellspacing",
    "bgcolor",
    "color",
    "face",
    "noshade",
    "nowrap",
    "inert",
    "contenteditable",
    "slot",
    "part",
    "controls",
    "loop",
    "muted",
    "wrap",
    "popover",
    "headers",
    "background-color",
];

/// What a person reads.
const WORDS: [&str; 10] = [
    "title",
    "alt",
    "placeholder",
    "aria-label",
    "aria-description",
    "aria-valuetext",
    "aria-placeholder",
    "aria-roledescription",
    "label",
    "abbr",
];

/// States that assistive technology is told; all other `aria-` attributes may carry words.
const ARIA_STATES: [&str; 22] = [
    "aria-atomic",
    "aria-autocomplete",
    "aria-busy",
    "aria-checked",
    "aria-current",
    "aria-disabled",
    "aria-expanded",
    "aria-haspopup",
    "aria-hidden",
    "aria-invalid",
    "aria-level",
    "aria-live",
    "aria-modal",
    "aria-multiline",
    "aria-multiselectable",
    "aria-orientation",
    "aria-pressed",
    "aria-readonly",
    "aria-relevant",
    "aria-required",
    "aria-selected",
    "aria-sort",
];

/// Component libraries hang styles on a few `data-` attributes with words as values; all others may carry anything.
const DATA_STATES: [&str; 23] = [
    "data-state",
    "data-open",
    "data-closed",
    "data-active",
    "data-selected",
    "data-checked",
    "data-disabled",
    "data-expanded",
    "data-collapsed",
    "data-orientation",
    "data-side",
    "data-align",
    "data-theme",
    "data-variant",
    "data-size",
    "data-visible",
    "data-highlighted",
    "data-placement",
    "data-popper-placement",
    "data-status",
    "data-mode",
    "data-position",
    "data-direction",
];

/// Shapes, paints and filters of SVG, lower case.
const GEOMETRY: [&str; 79] = [
    "viewbox",
    "d",
    "points",
    "transform",
    "x",
    "y",
    "x1",
    "y1",
    "x2",
    "y2",
    "cx",
    "cy",
    "r",
    "rx",
    "ry",
    "dx",
    "dy",
    "fx",
    "fy",
    "fill",
    "stroke",
    "opacity",
    "offset",
    "fill-opacity",
    "fill-rule",
    "clip-rule",
    "clip-path",
    "mask",
    "stroke-width",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-opacity",
    "stroke-dasharray",
    "stroke-dashoffset",
    "stroke-miterlimit",
    "stop-color",
    "stop-opacity",
    "gradientunits",
    "gradienttransform",
    "patternunits",
    "patterntransform",
    "patterncontentunits",
    "clippathunits",
    "maskunits",
    "preserveaspectratio",
    "text-anchor",
    "dominant-baseline",
    "font-size",
    "font-family",
    "font-weight",
    "letter-spacing",
    "xmlns",
    "xmlns:xlink",
    "version",
    "filter",
    "stddeviation",
    "flood-color",
    "flood-opacity",
    "in",
    "in2",
    "result",
    "operator",
    "values",
    "mode",
    "shape-rendering",
    "vector-effect",
    "refx",
    "refy",
    "markerwidth",
    "markerheight",
    "orient",
    "spreadmethod",
    "pathlength",
    "display",
    "visibility",
    "overflow",
    "color-interpolation-filters",
    "filterunits",
    "primitiveunits",
];

/// Those that mean the same on every element.
static EVERYWHERE: LazyLock<HashMap<&str, Class>> = LazyLock::new(|| {
    let all = |names: &'static [&str], class: Class| names.iter().map(move |name| (*name, class));
    let single = [
        ("style", Class::Style),
        ("rr_width", Class::Geometry),
        ("rr_height", Class::Geometry),
        ("rr_scrollleft", Class::Number),
        ("rr_scrolltop", Class::Number),
        ("rr_scrollLeft", Class::Number),
        ("rr_scrollTop", Class::Number),
        ("rr_open_mode", Class::State),
    ];
    all(&GEOMETRY, Class::Geometry)
        .chain(all(&PLAIN, Class::Plain))
        .chain(all(&WORDS, Class::Words))
        .chain(all(&ARIA_STATES, Class::State))
        .chain(all(&DATA_STATES, Class::State))
        .chain(single)
        .collect()
});

/// How the value of attribute `name` of an element is cleaned.
pub(crate) fn class_of(tag: &str, role: Role, name: &str) -> Class {
    if let Some(class) = EVERYWHERE.get(name) {
        return *class;
    }
    match name {
        "width" | "height" if tag != "style" => Class::Plain,
        "type" if matches!(tag, "input" | "button" | "ol" | "ul" | "li" | "style") => Class::Plain,
        "media" if matches!(tag, "style" | "link" | "source") => Class::Plain,
        "rel" if tag == "link" => Class::Plain,
        // A shared select shows the option of its value; of a private one no option is shown.
        "value" if role == Role::Button || tag == "option" => Class::Words,
        "_csstext" | "_cssText" if matches!(tag, "style" | "link") => Class::Css,
        "href" if matches!(tag, "a" | "area") => Class::Link,
        "href" | "xlink:href"
            if matches!(tag, "use" | "textpath" | "lineargradient" | "radialgradient" | "pattern") =>
        {
            Class::Fragment
        }
        "src" | "poster" if matches!(tag, "img" | "video" | "audio" | "source" | "input") => Class::Asset,
        "href" | "xlink:href" if tag == "image" => Class::Asset,
        // SVG writes some of its names in camelCase.
        _ => match EVERYWHERE.get(&*super::lower_case(name)) {
            Some(Class::Geometry) => Class::Geometry,
            _ => Class::Refused,
        },
    }
}

/// One lower-case word, as states are named: no digits but one, nothing longer than the longest state in use.
pub(super) fn is_state_word(value: &str) -> bool {
    const WORD_BYTES_MAX: usize = 16;
    value.len() <= WORD_BYTES_MAX
        && value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'))
        && value.bytes().filter(u8::is_ascii_digit).count() <= 1
}

/// Longest geometry: illustrations inlined into pages reach some hundred kilobytes.
const GEOMETRY_BYTES_MAX: usize = 256 * 1024;

/// Numbers, names and function calls; of addresses only references into the document.
pub(super) fn is_geometry(value: &str) -> bool {
    let alphabet =
        |byte: u8| byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b".,+-#%()/:;_'\"".contains(&byte);
    value.len() <= GEOMETRY_BYTES_MAX && value.bytes().all(alphabet) && !leaves_document(value)
}

/// Whether a value of that alphabet names anything outside of its document. Numbers alone, as nearly all are, do not.
fn leaves_document(value: &str) -> bool {
    if !value.contains([':', '/', '(']) {
        return false;
    }
    let references = value.matches("url(#").count() + value.matches("url(\"#").count();
    let namespace = value.starts_with("http://www.w3.org/");
    value.matches("url(").count() != references || (!namespace && value.contains("//")) || value.contains("javascript:")
}

/// `#name`, and nothing else.
pub(super) fn is_fragment(value: &str) -> bool {
    value.strip_prefix('#').is_some_and(|name| {
        name.len() <= 128 && !name.chars().any(char::is_whitespace) && crate::scan::find(name).is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_26_handlers_and_documents_are_refused() {
        for name in [
            "onclick",
            "onerror",
            "srcdoc",
            "formaction",
            "action",
            "ping",
            "http-equiv",
            "data-card",
            "srcset",
            "name",
            "autofocus",
        ] {
            assert_eq!(class_of("input", Role::Field, name), Class::Refused, "{name}");
        }
        assert_eq!(class_of("iframe", Role::Frame, "src"), Class::Refused);
        assert_eq!(class_of("form", Role::Plain, "href"), Class::Refused);
        assert_eq!(class_of("input", Role::Field, "value"), Class::Refused);
        assert_eq!(class_of("progress", Role::Plain, "value"), Class::Refused);
    }

    #[test]
    fn geometry_stays_in_the_document() {
        assert!(is_geometry("M10 10L20 20z"));
        assert!(is_geometry("url(#gradient)"));
        assert!(!is_geometry("url(https://evil.example)"));
        assert!(!is_geometry("url(x)"));
        assert!(is_geometry("http://www.w3.org/2000/svg"));
        assert!(!is_geometry("http://evil.example/"));
    }

    #[test]
    fn states_are_words() {
        assert!(is_state_word("open") && is_state_word("true") && is_state_word(""));
        assert!(!is_state_word("4242") && !is_state_word("Kasimir") && !is_state_word("a long sentence of words"));
    }
}
