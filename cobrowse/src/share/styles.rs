//! Changes that scripts make to style sheets: cleaned, passed on, and kept in order for late viewers.
//!
//! The mirror holds the text of sheets, not their rules. A late viewer gets the text and then this journal, which is
//! what a live viewer got too. It is bounded: over the bound a fresh snapshot is cheaper, and recorders write the
//! rules of their sheets into it.

use super::Share;
use crate::counters::Counter;
use crate::css;
use crate::desync::Desync;
use crate::record::{Declaration, NodeId, RuleChange, RuleIndex, SheetRules, StyleDeclaration, StyleRules};
use crate::serialise::{self, Json};
use crate::viewer::Class;
use serde_json::{Value, json};

/// Most changes since the snapshot.
const CHANGES_MAX: usize = 8_192;

/// Most bytes of them.
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// The cleaned changes since the snapshot, oldest first.
#[derive(Default)]
pub(super) struct Journal {
    changes: Vec<(Option<NodeId>, Value)>,
    bytes: usize,
}

impl Journal {
    pub(super) fn clear(&mut self) {
        self.changes.clear();
        self.bytes = 0;
    }

    pub(super) fn events(&self, timestamp: u64) -> impl Iterator<Item = Json> + '_ {
        self.changes.iter().map(move |(_, data)| serialise::event(3, timestamp, data))
    }

    /// The text of a style element changed or left: its rules start anew.
    pub(super) fn forget(&mut self, owner: NodeId) {
        self.changes.retain(|(known, _)| *known != Some(owner));
    }

    fn push(&mut self, owner: Option<NodeId>, data: Value, bytes: usize) -> Result<(), Desync> {
        self.bytes += bytes;
        self.changes.push((owner, data));
        if self.changes.len() > CHANGES_MAX || self.bytes > BYTES_MAX {
            return Err(Desync::StyleJournalFull);
        }
        Ok(())
    }
}

impl Share {
    pub(super) fn style_rules(&mut self, change: &StyleRules<'_>) -> Result<(), Desync> {
        let adds = self.clean_rules(&change.adds);
        let removes: Vec<Value> = change.removes.iter().map(|index| json!({ "index": index_of(index) })).collect();
        let mut data = json!({ "source": 8 });
        name_sheet(&mut data, change.owner, change.sheet);
        if !adds.is_empty() {
            data["adds"] = adds.into();
        }
        if !removes.is_empty() {
            data["removes"] = removes.into();
        }
        if let Some(text) = &change.replace {
            data["replaceSync"] = self.clean_sheet(text).into();
        }
        self.keep_style(change.owner, data)
    }

    pub(super) fn style_declaration(&mut self, change: &StyleDeclaration<'_>) -> Result<(), Desync> {
        let mut data = json!({ "source": 13, "index": index_of(&change.index) });
        name_sheet(&mut data, change.owner, change.sheet);
        match &change.change {
            Declaration::Set { property, value, important } => {
                let clean = css::value(property, value).filter(|clean| !self.vault.is_echo(clean));
                let Some(clean) = clean else {
                    self.counters.add(Counter::CssDropped);
                    return Ok(());
                };
                let priority = if *important { "important" } else { "" };
                data["set"] = json!({ "property": property.as_str(), "value": clean, "priority": priority });
            }
            Declaration::Removed { property } => {
                let plain = property.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
                if !plain {
                    self.counters.add(Counter::CssDropped);
                    return Ok(());
                }
                data["remove"] = json!({ "property": property.as_str() });
            }
        }
        self.keep_style(change.owner, data)
    }

    pub(super) fn adopted_sheets(
        &mut self,
        host: NodeId,
        sheets: &[u32],
        styles: &[SheetRules<'_>],
    ) -> Result<(), Desync> {
        let mut data = json!({ "source": 15, "id": host.0, "styleIds": sheets });
        if !styles.is_empty() {
            let clean = |sheet: &SheetRules<'_>| {
                let rules = self.clean_rules(&sheet.rules);
                json!({ "styleId": sheet.sheet, "rules": rules })
            };
            data["styles"] = styles.iter().map(clean).collect();
        }
        self.keep_style(None, data)
    }

    /// A change to a sheet whose owner viewers do not have is of no use to them.
    fn keep_style(&mut self, owner: Option<NodeId>, data: Value) -> Result<(), Desync> {
        if owner.is_some_and(|owner| self.shown(owner).is_none()) {
            self.counters.add(Counter::IncompleteRefused);
            return Ok(());
        }
        let event = serialise::event(3, self.timestamp, &data);
        self.styles.push(owner, data, event.len())?;
        self.send(Class::State, &event);
        Ok(())
    }

    fn clean_rules(&mut self, rules: &[RuleChange<'_>]) -> Vec<Value> {
        let rules = rules.iter().map(|change| {
            let mut clean = json!({ "rule": self.clean_rule(&change.rule) });
            if let Some(index) = &change.index {
                clean["index"] = index_of(index);
            }
            clean
        });
        rules.collect()
    }

    /// One rule stays one rule: a dropped one leaves an inert one in its place.
    fn clean_rule(&mut self, text: &str) -> String {
        let clean = self.clean_sheet(text);
        if clean.is_empty() { css::INERT_RULE.to_owned() } else { clean }
    }

    fn clean_sheet(&mut self, text: &str) -> String {
        let clean = css::sheet(text);
        for _ in 0..clean.dropped {
            self.counters.add(Counter::CssDropped);
        }
        if self.vault.is_echo(&clean.css) {
            self.counters.add(Counter::EchoMasked);
            return String::new();
        }
        clean.css
    }
}

fn name_sheet(data: &mut Value, owner: Option<NodeId>, sheet: Option<u32>) {
    match (owner, sheet) {
        (Some(owner), _) => data["id"] = owner.0.into(),
        (None, Some(sheet)) => data["styleId"] = sheet.into(),
        (None, None) => {}
    }
}

fn index_of(index: &RuleIndex) -> Value {
    match index {
        RuleIndex::Top(place) => (*place).into(),
        RuleIndex::Nested(path) => path.clone().into(),
    }
}
