//! Changes of texts and attributes that are in the tree already.

use super::apply::Changes;
use super::{Element, Key, Kind, Mirror, Role};
use crate::admit::{self, Class, Door, wiped};
use crate::counters::Counter;
use crate::css;
use crate::desync::Desync;
use crate::mask::{GLYPHS, Level};
use crate::record::{self, AttributeChange, NodeId, StyleValue, TextChange, Value};
use std::borrow::Cow;
use std::collections::BTreeSet;

impl Mirror {
    pub(super) fn apply_text(
        &mut self,
        change: &TextChange<'_>,
        door: &mut Door<'_>,
        changes: &mut Changes,
        gone: &BTreeSet<NodeId>,
    ) -> Result<(), Desync> {
        let Some(key) = self.key(change.node) else {
            return if gone.contains(&change.node) { Ok(()) } else { Err(Desync::UnknownNode) };
        };
        let is_style = matches!(self.node(key).kind, Kind::Style(_));
        if !is_style && !matches!(self.node(key).kind, Kind::Text(_)) {
            return Ok(());
        }
        let (mut kind, private) = self.text_kind(self.node(key).parent, &change.text, is_style, door);
        // A text that was raised by itself stays glyphs, whatever it says now.
        if self.level(key) > Level::Public && matches!(kind, Kind::Text(_)) && self.is_raised_alone(key) {
            kind = Kind::Text(wiped(GLYPHS));
        }
        self.set_kind(key, kind)?;
        changes.texts.insert(key);
        changes.private_texts.extend(private.map(|text| (change.node, text)));
        Ok(())
    }

    /// Whether a node is more hidden than its parent.
    fn is_raised_alone(&self, key: Key) -> bool {
        self.node(key).parent.is_some_and(|parent| self.level(parent) < self.level(key))
    }

    pub(super) fn apply_attributes(
        &mut self,
        change: &AttributeChange<'_>,
        door: &mut Door<'_>,
        changes: &mut Changes,
        gone: &BTreeSet<NodeId>,
    ) -> Result<(), Desync> {
        let Some(key) = self.key(change.node) else {
            return if gone.contains(&change.node) { Ok(()) } else { Err(Desync::UnknownNode) };
        };
        if !matches!(self.node(key).kind, Kind::Element(_)) {
            return Ok(());
        }
        for (name, value) in &change.attributes {
            let svg = self.element(key).is_some_and(|element| element.svg);
            let name = if svg { Cow::Borrowed(name.as_str()) } else { admit::lower_case(name) };
            self.apply_attribute(key, &name, value, door, changes)?;
        }
        self.judge_again(key, change, door, changes);
        Ok(())
    }

    fn apply_attribute(
        &mut self,
        key: Key,
        name: &str,
        value: &Value<'_>,
        door: &mut Door<'_>,
        changes: &mut Changes,
    ) -> Result<(), Desync> {
        let role = self.role(key);
        match (name, role) {
            ("value", Role::Field | Role::Choice | Role::Hidden | Role::File) => {
                changes.values.push((key, wiped(&admit::wire_text(value).unwrap_or_default())));
                return Ok(());
            }
            ("checked" | "selected", _) => {
                let interned = self.names.intern(name);
                if let (Some(name), Some(element)) = (interned, self.element_mut(key)) {
                    element.checked = Some(admit::is_set(value));
                    changes.attributes.insert((key, name));
                }
                return Ok(());
            }
            _ => {}
        }
        let Some(known) = self.names.intern(name) else {
            door.counters.add(Counter::AttributeDropped);
            return Ok(());
        };
        let text = match value {
            Value::Style(properties) if name == "style" => Some(Cow::Owned(self.restyled(key, properties, door))),
            value => admit::wire_text(value),
        };
        let keeps_clue = admit::keeps_clue(role, self.tag(key), name);
        if keeps_clue || matches!(name, "id" | "class" | "aria-label" | "alt") {
            changes.named.insert(key);
        }
        if keeps_clue {
            let clue = text.as_deref().filter(|text| text.len() <= admit::CLUE_BYTES_MAX).map(wiped);
            self.set_attribute(key, |element: &mut Element| &mut element.clues, known, clue)?;
        }
        // A payment field does not move: its box stays as it was when it was found.
        if self.level(key) == Level::Payment {
            return Ok(());
        }
        // Not even the name of an attribute off the list may be told, nor that it went.
        let tag = self.tag(key);
        if admit::class_of(tag, role, name) == Class::Refused {
            door.counters.add(Counter::AttributeDropped);
            return Ok(());
        }
        let clean = text.and_then(|text| door.value(tag, role, name, &text));
        self.set_attribute(key, |element: &mut Element| &mut element.attributes, known, clean)?;
        changes.attributes.insert((key, known));
        Ok(())
    }

    /// The inline style with some properties changed.
    fn restyled(&self, key: Key, properties: &[(record::Text<'_>, StyleValue<'_>)], door: &mut Door<'_>) -> String {
        let mut style = self.attribute(key, "style").unwrap_or_default().to_owned();
        for (property, change) in properties {
            let value = match change {
                StyleValue::Removed => None,
                StyleValue::Set { value, important } => {
                    let clean = css::value(property, value);
                    if clean.is_none() {
                        door.counters.add(Counter::CssDropped);
                    }
                    clean.map(|value| if *important { format!("{value} !important") } else { value })
                }
            };
            style = css::with_property(&style, property, value.as_deref());
        }
        style
    }

    /// Attributes decide what an element is and how hidden: after a change both are decided again, and only upwards.
    fn judge_again(&mut self, key: Key, change: &AttributeChange<'_>, door: &mut Door<'_>, changes: &mut Changes) {
        let changed = |name: &str| {
            change.attributes.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).and_then(|(_, value)| {
                match value {
                    Value::Text(text) => Some(text.as_str()),
                    _ => None,
                }
            })
        };
        let tag = self.tag(key);
        let look_up = |name: &str| changed(name).or_else(|| self.clue(key, name)).or_else(|| self.attribute(key, name));
        let verdict = door.policy.judge(tag, look_up);
        let role = admit::role_of(tag, look_up);
        let never_shared = admit::is_never_shared(look_up);
        let was_private = self.role(key).is_private();
        // What was typed into it as another kind of control stays private.
        let private =
            role.is_private() && (never_shared || !verdict.shared || was_private && self.level(key) > Level::Public);
        let level = verdict.level.max(if private { Level::Masked } else { Level::Public });
        if let Some(element) = self.element_mut(key)
            && element.role != role
            && (role.is_private() || !was_private)
        {
            element.role = role;
            changes.raised.insert(key);
        }
        if self.raise(key, level) {
            if role == Role::Field {
                self.wipe_texts(key);
            }
            changes.raised.insert(key);
        }
    }

    /// Forgets the texts below a node that turned out to be private.
    pub(crate) fn wipe_texts(&mut self, key: Key) {
        let texts: Vec<Key> =
            self.subtree(key).filter(|below| matches!(self.node(*below).kind, Kind::Text(_))).collect();
        for text in texts {
            let kind = Kind::Text(wiped(if self.text(text).trim().is_empty() { "" } else { GLYPHS }));
            self.bytes -= super::kind_bytes(&self.node(text).kind).min(self.bytes);
            self.bytes += super::kind_bytes(&kind);
            self.node_mut(text).kind = kind;
        }
    }
}
