//! The door of the mirror: which elements and attributes exist for viewers, and in what form.
//!
//! An allow-list by construction: what is not named here is dropped and counted. Also decides what part an element
//! plays ([`Role`]) and how hidden it is by itself; what it inherits is the mirror's business.

mod attributes;
mod tags;

pub(crate) use attributes::{Class, class_of};

use crate::counters::{Counter, Counters};
use crate::mask::Level;
use crate::mirror::{Element, Kind, Names, Role, Wiped};
use crate::policy::{Links, Policy};
use crate::record;
use crate::{css, scan, url};
use std::borrow::Cow;

/// Longest raw attribute that is kept as a clue; names and labels are shorter, state dumps are longer.
pub(crate) const CLUE_BYTES_MAX: usize = 256;

/// Longest value of an attribute that viewers get, styles apart.
const VALUE_BYTES_MAX: usize = 4_096;

/// What decides at the door.
pub(crate) struct Door<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) counters: &'a mut Counters,
}

/// An element that may enter, or its place-holder.
pub(crate) struct Admitted {
    pub(crate) kind: Kind,
    pub(crate) level: Level,
    /// The value that came with it, for the vault.
    pub(crate) value: Option<Wiped>,
}

impl Door<'_> {
    /// Judges an element of a snapshot or an addition.
    pub(crate) fn element(
        &mut self,
        names: &mut Names,
        wire: &record::Element<'_>,
        attributes: &[record::Attribute<'_>],
    ) -> Admitted {
        let tag = lower_case(&wire.tag);
        let Some(tag_name) = tags::is_allowed(&tag).then(|| names.intern(&tag)).flatten() else {
            self.counters.add(Counter::TagDropped);
            return Admitted { kind: Kind::Dropped, level: Level::Public, value: None };
        };
        let role = role_of(&tag, |name| text_of(attributes, name));
        let mut element = Element {
            tag: tag_name,
            svg: wire.svg,
            inline: tags::is_inline(&tag),
            attributes: Vec::with_capacity(attributes.len()),
            clues: Vec::new(),
            role,
            checked: None,
            filled: false,
        };
        let mut value = None;
        for (name, wire_value) in attributes {
            let name = if wire.svg { Cow::Borrowed(name.as_str()) } else { lower_case(name) };
            match (&*name, role) {
                ("value", Role::Field | Role::Choice | Role::Hidden | Role::File) => {
                    value = wire_text(wire_value).map(|text| wiped(&text));
                }
                ("checked" | "selected", _) => element.checked = Some(is_set(wire_value)),
                _ => self.attribute(names, &mut element, &tag, &name, wire_value),
            }
        }
        let level = self.own_level(&tag, wire.blocked, attributes, role);
        Admitted { kind: Kind::Element(Box::new(element)), level, value }
    }

    fn attribute(
        &mut self,
        names: &mut Names,
        element: &mut Element,
        tag: &str,
        name: &str,
        value: &record::Value<'_>,
    ) {
        let Some(text) = wire_text(value) else { return };
        if keeps_clue(element.role, tag, name)
            && text.len() <= CLUE_BYTES_MAX
            && let Some(known) = names.intern(name)
        {
            element.clues.push((known, wiped(&text)));
        }
        let clean = self.value(tag, element.role, name, &text);
        if let Some((clean, known)) = clean.and_then(|clean| Some((clean, names.intern(name)?))) {
            element.attributes.push((known, clean));
        }
    }

    /// What viewers may get of an attribute's text; `None` if nothing.
    pub(crate) fn value(&mut self, tag: &str, role: Role, name: &str, text: &str) -> Option<Wiped> {
        let class = class_of(tag, role, name);
        let clean = match class {
            Class::Css => self.css(css::sheet(text)),
            Class::Style => self.css(css::declarations(text)),
            _ if text.len() > VALUE_BYTES_MAX && class != Class::Geometry => None,
            Class::Plain | Class::Words => scan::find(text).is_none().then(|| wiped(text)),
            Class::State => attributes::is_state_word(text).then(|| wiped(text)),
            Class::Geometry => attributes::is_geometry(text).then(|| wiped(text)),
            Class::Number => text.parse::<f64>().is_ok_and(f64::is_finite).then(|| wiped(text)),
            Class::Asset => url::asset(text).map(wiped),
            Class::Fragment => attributes::is_fragment(text).then(|| wiped(text)),
            Class::Link => self.link(text),
            Class::Refused => None,
        };
        if clean.is_none() {
            let url = matches!(class, Class::Asset | Class::Link);
            self.counters.add(if url { Counter::UrlStripped } else { Counter::AttributeDropped });
        }
        clean
    }

    /// The place a link or the page itself leads to.
    pub(crate) fn link(&mut self, address: &str) -> Option<Wiped> {
        match self.policy.links {
            Links::Scrambled => Some(wiped("#")),
            Links::WithoutQuery => {
                let place = url::link(address)?;
                if place.len() < address.len() {
                    self.counters.add(Counter::UrlStripped);
                }
                Some(wiped(if place.is_empty() { "#" } else { place }))
            }
        }
    }

    fn css(&mut self, clean: css::Clean) -> Option<Wiped> {
        for _ in 0..clean.dropped {
            self.counters.add(Counter::CssDropped);
        }
        Some(Wiped::new(clean.css.into_boxed_str()))
    }

    fn own_level(&self, tag: &str, blocked: bool, attributes: &[record::Attribute<'_>], role: Role) -> Level {
        let verdict = self.policy.judge(tag, |name| text_of(attributes, name));
        let shared = verdict.shared && !is_never_shared(|name| text_of(attributes, name));
        let private = if role.is_private() && !shared { Level::Masked } else { Level::Public };
        let blocked = if blocked { Level::Blocked } else { Level::Public };
        verdict.level.max(private).max(blocked)
    }
}

/// A name as HTML reads it. Recorders write nearly all names in lower case already.
pub(crate) fn lower_case(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// A copy that is zeroed when it is dropped.
pub(crate) fn wiped(text: &str) -> Wiped {
    Wiped::new(text.into())
}

/// The text of a wire value: numbers and flags as HTML would write them; `None` for removals and style changes.
pub(crate) fn wire_text<'a>(value: &'a record::Value<'_>) -> Option<Cow<'a, str>> {
    match value {
        record::Value::Text(text) => Some(Cow::Borrowed(text.as_str())),
        record::Value::Number(number) => Some(Cow::Owned(number.to_string())),
        record::Value::Flag(true) => Some(Cow::Borrowed("")),
        record::Value::Flag(false) | record::Value::Removed | record::Value::Style(_) => None,
    }
}

/// Whether a boolean attribute is set by this value.
pub(crate) fn is_set(value: &record::Value<'_>) -> bool {
    !matches!(value, record::Value::Flag(false) | record::Value::Removed)
}

/// Whether the raw value of an attribute tells what a control, label or frame is.
pub(crate) fn keeps_clue(role: Role, tag: &str, name: &str) -> bool {
    match role {
        Role::Field | Role::Choice | Role::Toggle | Role::Hidden | Role::File => {
            let is_value = name == "value" && role != Role::Toggle;
            !(is_value || name == "style" || name.starts_with("on") || name.starts_with("rr_"))
        }
        Role::Frame => matches!(name, "src" | "name" | "id" | "class" | "title" | "aria-label"),
        Role::Button => matches!(name, "name" | "id" | "type" | "class"),
        Role::Plain => match tag {
            "label" => name == "for",
            "option" => name == "value",
            "img" => matches!(name, "alt" | "src" | "class"),
            "form" => matches!(name, "id" | "name" | "class" | "action"),
            _ => false,
        },
    }
}

/// Fields that no mark and no policy can share: passwords and one-time codes. Card fields are the classifier's.
pub(crate) fn is_never_shared<'a>(attribute: impl Fn(&str) -> Option<&'a str>) -> bool {
    const TOKENS: [&str; 4] = ["one-time-code", "current-password", "new-password", "webauthn"];
    let password = attribute("type").is_some_and(|kind| kind.eq_ignore_ascii_case("password"));
    let token = attribute("autocomplete").is_some_and(|list| {
        list.split_ascii_whitespace().any(|one| TOKENS.iter().any(|known| one.eq_ignore_ascii_case(known)))
    });
    password || token
}

/// What part an element plays, by its tag and raw attributes.
pub(crate) fn role_of<'a>(tag: &str, attribute: impl Fn(&str) -> Option<&'a str>) -> Role {
    match tag {
        "input" => match attribute("type").unwrap_or_default().to_ascii_lowercase().as_str() {
            "hidden" => Role::Hidden,
            "checkbox" | "radio" => Role::Toggle,
            "button" | "submit" | "reset" | "image" => Role::Button,
            "file" => Role::File,
            _ => Role::Field,
        },
        "textarea" => Role::Field,
        "select" => Role::Choice,
        "button" => Role::Button,
        "iframe" => Role::Frame,
        _ => {
            let editable = attribute("contenteditable").is_some_and(|value| !value.eq_ignore_ascii_case("false"));
            let role = attribute("role").unwrap_or_default();
            let typed = ["textbox", "searchbox", "spinbutton"].iter().any(|known| role.eq_ignore_ascii_case(known));
            if editable || typed { Role::Field } else { Role::Plain }
        }
    }
}

fn text_of<'a>(attributes: &'a [record::Attribute<'_>], name: &str) -> Option<&'a str> {
    attributes.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).and_then(|(_, value)| match value {
        record::Value::Text(text) => Some(text.as_str()),
        record::Value::Flag(true) => Some(""),
        _ => None,
    })
}
