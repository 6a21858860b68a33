//! Between a change of the tree and its serialisation: values go to the vault, controls are classified, texts and
//! attributes scanned, and what must be hidden rises. Only the settled tree is ever serialised.

use super::{RECENT_TEXTS_MAX, Share};
use crate::admit::wiped;
use crate::counters::Counter;
use crate::desync::Desync;
use crate::mask::{Level, is_glyphs};
use crate::mirror::{Changes, Element, Key, Kind, Role, Wiped};
use crate::record::NodeId;
use crate::runs::{Reader, RunFound, RunHit};
use crate::scan::{self, Found};
use crate::serialise::{self, Delta};
use crate::viewer::Class;
use std::collections::BTreeSet;

/// Around a changed text, at most this many nodes are read again for numbers that are split over them.
const RESCAN_NODES_MAX: usize = 256;

/// Digits in a shared field's value from which on it counts as private: a quantity has fewer, a card number more.
const SHARED_DIGITS_MAX: usize = 4;

/// Most parts that one card number is typed in.
const PARTS_MAX: usize = 5;

impl Share {
    /// Settles a page that has just been loaded; nobody has seen anything of it.
    pub(super) fn settle_snapshot(&mut self, changes: Changes) -> Result<(), Desync> {
        let root = self.mirror.root().expect("a loaded page has a root");
        self.keep_texts(&changes);
        let mut delta = Delta::default();
        let found = self.classifier.judge_all(&self.mirror);
        self.raise_payment(&found, &mut delta);
        for (key, value) in &changes.values {
            // Of values that a page comes with, only those of payment fields count as private words: a prefilled
            // “Germany” or a hidden “checkout” would otherwise hide half of the page.
            let repeatable = self.mirror.level(*key) == Level::Payment;
            self.take_value(*key, value, repeatable, &mut delta)?;
        }
        let keys: Vec<Key> = self.mirror.subtree(root).collect();
        let mut reader = Reader::new(&self.mirror, &self.vault);
        reader.read(keys.iter().copied());
        let hits = reader.into_hits();
        self.hide(hits, &mut delta);
        if !self.vault.is_empty() {
            for key in keys {
                self.scrub_attributes(key)?;
            }
        }
        Ok(())
    }

    /// Settles a mutation, and gives what viewers must be told.
    pub(super) fn settle(&mut self, changes: Changes) -> Result<Delta, Desync> {
        self.keep_texts(&changes);
        let found = self.classifier.judge(&self.mirror, &changes);
        let entered: Vec<Key> = changes.added.iter().flat_map(|top| self.mirror.subtree(*top)).collect();
        for key in entered.iter().chain(&changes.texts).chain(&changes.thinned) {
            self.restart_sheet(*key);
        }
        let Changes { removed, added, texts, attributes, values, raised, .. } = changes;
        let mut delta = Delta { removed, added, texts, attributes, raised };
        for gone in &delta.removed {
            self.styles.forget(gone.id);
        }
        self.raise_payment(&found, &mut delta);
        for (key, value) in &values {
            self.take_value(*key, value, true, &mut delta)?;
        }
        self.scan_changes(&entered, &mut delta)?;
        Ok(delta)
    }

    /// Settles an input event.
    pub(super) fn settle_input(&mut self, key: Key, text: &str, checked: bool) -> Result<Delta, Desync> {
        let mut delta = Delta::default();
        if self.mirror.role(key) == Role::Toggle {
            self.toggle(key, checked);
            return Ok(delta);
        }
        self.take_value(key, &wiped(text), true, &mut delta)?;
        Ok(delta)
    }

    fn toggle(&mut self, key: Key, checked: bool) {
        if let Some(element) = self.mirror.element_mut(key) {
            element.checked = Some(checked);
        }
        if self.mirror.level(key) == Level::Public && self.mirror.node(key).shown {
            let node = self.mirror.node(key).id;
            self.send(Class::State, &serialise::input(self.timestamp, node, "", checked));
        }
    }

    fn keep_texts(&mut self, changes: &Changes) {
        for (node, text) in &changes.private_texts {
            self.count_raw(text);
            self.vault.keep(*node, text, false);
        }
    }

    fn count_raw(&mut self, value: &str) {
        if !is_glyphs(value) {
            self.counters.add(Counter::ValueMasked);
        }
    }

    /// A control has this value now.
    fn take_value(&mut self, key: Key, value: &Wiped, repeatable: bool, delta: &mut Delta) -> Result<(), Desync> {
        let role = self.mirror.role(key);
        if !role.is_private() {
            return Ok(());
        }
        if self.mirror.level(key) == Level::Public {
            let private = scan::count_digits(value) > SHARED_DIGITS_MAX || scan::find(value).is_some();
            if !private {
                return self.show_value(key, value);
            }
            self.hide_element(key, Level::Masked, delta)?;
        }
        self.count_raw(value);
        let node = self.mirror.node(key).id;
        let is_payment = self.mirror.level(key) == Level::Payment;
        // What a person picked from a list is a word of the page; what a script put into a hidden input is its state.
        let is_word = matches!(role, Role::Choice | Role::Hidden) && !is_payment && !scan::is_card(value);
        if repeatable && !is_word {
            self.vault.keep(node, value, is_payment);
            self.find_card_in(key, value, delta);
            self.find_early_echoes(delta);
        }
        self.tell_filled(key, !value.is_empty());
        Ok(())
    }

    /// Viewers learn of a private field whether it is filled; of a payment field not even that.
    fn tell_filled(&mut self, key: Key, filled: bool) {
        let Some(element) = self.mirror.element_mut(key) else { return };
        if std::mem::replace(&mut element.filled, filled) == filled || element.role != Role::Field {
            return;
        }
        let node = self.mirror.node(key);
        if node.shown && self.mirror.level(key) == Level::Masked {
            let event = serialise::filled(self.timestamp, node.id, filled);
            self.send(Class::State, &event);
        }
    }

    /// A shared field: its value is an attribute like any other.
    fn show_value(&mut self, key: Key, value: &Wiped) -> Result<(), Desync> {
        let echo = self.vault.is_echo(value);
        let Some(name) = self.mirror.names.intern("value") else { return Ok(()) };
        let shown = (!echo).then(|| value.clone());
        self.mirror.set_attribute(key, |element: &mut Element| &mut element.attributes, name, shown)?;
        if echo {
            self.counters.add(Counter::EchoMasked);
        } else if self.mirror.node(key).shown {
            let event = serialise::input(self.timestamp, self.mirror.node(key).id, value, false);
            self.send(Class::State, &event);
        }
        Ok(())
    }

    /// A whole card number in one field, or spread over neighbours, makes them payment fields whatever they are called.
    fn find_card_in(&mut self, key: Key, value: &str, delta: &mut Delta) {
        if self.mirror.level(key) == Level::Payment {
            return;
        }
        let digits = scan::count_digits(value);
        let cards = if scan::is_card(value) {
            vec![key]
        } else if (2..=8).contains(&digits) {
            self.card_parts(key)
        } else {
            Vec::new()
        };
        if cards.is_empty() {
            return;
        }
        self.counters.add(Counter::CardFound);
        let found = self.classifier.handle_card(&self.mirror, &cards);
        self.raise_payment(&found, delta);
    }

    /// The neighbouring fields that together with this one hold a card number.
    fn card_parts(&self, key: Key) -> Vec<Key> {
        let fields = self.classifier.fields_around(&self.mirror, key, PARTS_MAX);
        let Some(place) = fields.iter().position(|field| *field == key) else { return Vec::new() };
        for length in 2..=PARTS_MAX.min(fields.len()) {
            for start in place.saturating_sub(length - 1)..=place.min(fields.len() - length) {
                let part = &fields[start..start + length];
                let nodes: Vec<NodeId> = part.iter().map(|field| self.mirror.node(*field).id).collect();
                if self.vault.is_card_across(&nodes) {
                    return part.to_vec();
                }
            }
        }
        Vec::new()
    }

    /// The page may have repeated a value before the input event told it.
    fn find_early_echoes(&mut self, delta: &mut Delta) {
        let recent: Vec<Key> = self.recent_texts.iter().filter_map(|node| self.mirror.key(*node)).collect();
        let texts: BTreeSet<Key> = recent
            .into_iter()
            .filter(|key| self.mirror.level(*key) == Level::Public && self.vault.is_echo(self.mirror.text(*key)))
            .collect();
        if !texts.is_empty() {
            self.hide(vec![RunHit { what: RunFound::Echo, texts }], delta);
        }
    }

    fn raise_payment(&mut self, found: &[Key], delta: &mut Delta) {
        for key in found {
            if !self.mirror.raise(*key, Level::Payment) {
                continue;
            }
            self.counters.add(Counter::PaymentFound);
            delta.raised.insert(*key);
            self.vault.strengthen(self.mirror.node(*key).id);
        }
    }

    fn hide_element(&mut self, key: Key, level: Level, delta: &mut Delta) -> Result<(), Desync> {
        if self.mirror.raise(key, level) {
            delta.raised.insert(key);
            if let Some(name) = self.mirror.names.intern("value") {
                self.mirror.set_attribute(key, |element: &mut Element| &mut element.attributes, name, None)?;
            }
        }
        Ok(())
    }

    /// Scans what a mutation brought: everything that `entered`, and the surroundings of it and of changed texts.
    fn scan_changes(&mut self, entered: &[Key], delta: &mut Delta) -> Result<(), Desync> {
        let scopes: BTreeSet<Key> =
            delta.added.iter().chain(&delta.texts).map(|changed| self.rescan_scope(*changed)).collect();
        let mut reader = Reader::new(&self.mirror, &self.vault);
        for scope in scopes {
            reader.read(self.mirror.subtree(scope).take(RESCAN_NODES_MAX));
        }
        // An added subtree may reach beyond what is read again around its top.
        reader.read(entered.iter().copied());
        reader.read(delta.texts.iter().copied());
        let hits = reader.into_hits();
        self.hide(hits, delta);
        self.remember_texts(entered, delta);
        let changed: BTreeSet<Key> =
            delta.attributes.iter().map(|(key, _)| *key).chain(entered.iter().copied()).collect();
        for key in changed {
            self.scrub_attributes(key)?;
        }
        Ok(())
    }

    /// The block around a text, or the block around that if it is small: digits may stand in boxes of their own.
    fn rescan_scope(&self, key: Key) -> Key {
        let block = self.mirror.block(key).unwrap_or(key);
        let around = self.mirror.block(block).unwrap_or(block);
        if self.mirror.size(around) <= RESCAN_NODES_MAX { around } else { block }
    }

    fn remember_texts(&mut self, entered: &[Key], delta: &Delta) {
        let texts =
            entered.iter().chain(&delta.texts).filter(|key| matches!(self.mirror.node(**key).kind, Kind::Text(_)));
        for key in texts {
            if self.recent_texts.len() == RECENT_TEXTS_MAX {
                self.recent_texts.pop_front();
            }
            self.recent_texts.push_back(self.mirror.node(*key).id);
        }
    }

    /// Hides what was found in texts: wiped in the mirror, glyphs for viewers.
    fn hide(&mut self, hits: Vec<RunHit>, delta: &mut Delta) {
        for hit in hits {
            let risen: Vec<Key> =
                hit.texts.into_iter().filter(|text| self.mirror.raise(*text, Level::Masked)).collect();
            if risen.is_empty() {
                continue;
            }
            self.counters.add(match hit.what {
                RunFound::Echo => Counter::EchoMasked,
                RunFound::Value(Found::Card) => Counter::CardFound,
                RunFound::Value(Found::Iban) => Counter::IbanFound,
                RunFound::Value(Found::Code) => Counter::CodeFound,
            });
            for text in risen {
                self.mirror.wipe_texts(text);
                delta.raised.insert(text);
            }
        }
    }

    /// Attributes that repeat a private value go. (Numbers by value were stopped at the door.)
    fn scrub_attributes(&mut self, key: Key) -> Result<(), Desync> {
        let Some(element) = self.mirror.element(key) else { return Ok(()) };
        let is_own_value = |name: &str| name == "value" && element.role.is_private();
        let echoes: Vec<_> = element
            .attributes
            .iter()
            .filter(|(name, value)| {
                let name = self.mirror.names.text(*name);
                let read = !is_own_value(name) && !matches!(name, "d" | "points" | "style" | "_csstext");
                read && self.vault.is_echo(value)
            })
            .map(|(name, _)| *name)
            .collect();
        for name in echoes {
            self.counters.add(Counter::EchoMasked);
            self.mirror.set_attribute(key, |element: &mut Element| &mut element.attributes, name, None)?;
        }
        self.scrub_style(key)
    }

    /// Styles are long and full of short numbers: only their strings could repeat a value, and only those are read.
    fn scrub_style(&mut self, key: Key) -> Result<(), Desync> {
        let Some(style) = self.mirror.attribute(key, "style").filter(|style| style.contains(['"', '\''])) else {
            return Ok(());
        };
        if self.vault.is_echo(style) {
            self.counters.add(Counter::EchoMasked);
            let name = self.mirror.names.intern("style").expect("a style attribute has its name");
            self.mirror.set_attribute(key, |element: &mut Element| &mut element.attributes, name, None)?;
        }
        Ok(())
    }

    /// A style element whose text or children changed is parsed anew by the page: its rule changes are void.
    fn restart_sheet(&mut self, key: Key) {
        let owner = match &self.mirror.node(key).kind {
            Kind::Style(_) => self.mirror.node(key).parent,
            Kind::Element(_) if self.mirror.tag(key) == "style" => Some(key),
            _ => None,
        };
        if let Some(owner) = owner {
            let node = self.mirror.node(owner).id;
            self.styles.forget(node);
        }
    }
}
