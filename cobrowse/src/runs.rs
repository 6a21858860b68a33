//! Texts that a person reads as one: the text nodes of one line, and figures that stand apart but follow each other.
//!
//! A card number may be spread over spans, or over boxes of four digits each. Finds which text nodes of a part of the
//! tree together hold what the scanner or the vault must hide. Changes nothing.

use crate::mirror::{Key, Kind, Mirror};
use crate::scan::{self, Found};
use crate::vault::Vault;
use crate::wipe::Wiping;
use std::collections::BTreeSet;

/// Longest run that is put together; a paragraph is shorter.
const RUN_BYTES_MAX: usize = 4_096;

/// Room that a run is given at its first text; most lines are shorter.
const LINE_BYTES: usize = 256;

/// Up to this many text nodes of a line that holds a number are hidden with it: name, expiry and code stand there.
const HIDDEN_WITH_MAX: usize = 16;

/// What was found in a run, and which text nodes must be hidden for it.
pub(crate) struct RunHit {
    pub(crate) what: RunFound,
    pub(crate) texts: BTreeSet<Key>,
}

/// What a run held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunFound {
    /// Payment data by its value.
    Value(Found),
    /// A private field's value.
    Echo,
}

/// Reads texts and collects what it hits.
pub(crate) struct Reader<'a> {
    mirror: &'a Mirror,
    vault: &'a Vault,
    /// The texts of the current line.
    line: Run,
    /// Texts of digits only that follow each other, whatever stands between them in the tree.
    figures: Run,
    hits: Vec<RunHit>,
}

/// Texts put together. Its memory is used again for the next run, and zeroed in the end.
#[derive(Default)]
struct Run {
    text: Wiping<String>,
    /// Where each text begins.
    parts: Vec<(Key, usize)>,
}

impl Run {
    fn push(&mut self, key: Key, text: &str) {
        if self.text.len() + text.len() <= RUN_BYTES_MAX {
            if self.text.capacity() == 0 {
                self.text.reserve(LINE_BYTES);
            }
            self.parts.push((key, self.text.len()));
            self.text.push_str(text);
        }
    }

    fn clear(&mut self) {
        self.text.clear();
        self.parts.clear();
    }

    /// The texts that a range of the run touches.
    fn touched(&self, range: &std::ops::Range<usize>) -> BTreeSet<Key> {
        let ends = self.parts.iter().skip(1).map(|(_, start)| *start).chain([self.text.len()]);
        let spans = self.parts.iter().zip(ends);
        spans.filter(|((_, start), end)| *start < range.end && *end > range.start).map(|((key, _), _)| *key).collect()
    }

    fn all(&self) -> BTreeSet<Key> {
        self.parts.iter().map(|(key, _)| *key).collect()
    }
}

impl<'a> Reader<'a> {
    pub(crate) fn new(mirror: &'a Mirror, vault: &'a Vault) -> Self {
        Self { mirror, vault, line: Run::default(), figures: Run::default(), hits: Vec::new() }
    }

    /// Reads the texts among `nodes`, which stand in document order; nothing is read together with what was read before.
    pub(crate) fn read(&mut self, nodes: impl Iterator<Item = Key>) {
        let mut block = None;
        for key in nodes {
            match self.mirror.node(key).kind {
                Kind::Text(_) => {
                    let now = self.mirror.block(key);
                    if now != block {
                        self.end_line();
                        block = now;
                    }
                    self.text(key);
                }
                Kind::Element(_) if matches!(self.mirror.tag(key), "br" | "input" | "select" | "textarea") => {
                    self.end_line();
                }
                _ => {}
            }
        }
        self.end_line();
        self.end_figures();
    }

    /// What was hit, in the order of reading.
    pub(crate) fn into_hits(self) -> Vec<RunHit> {
        self.hits
    }

    fn text(&mut self, key: Key) {
        let text = self.mirror.text(key);
        let trimmed = text.trim();
        self.line.push(key, text);
        if trimmed.is_empty() {
            return;
        }
        if trimmed.len() <= 8 && trimmed.bytes().all(|byte| byte.is_ascii_digit()) {
            if !self.figures.text.is_empty() {
                self.figures.text.push(' ');
            }
            self.figures.push(key, trimmed);
        } else {
            self.end_figures();
        }
    }

    fn end_line(&mut self) {
        let run = &self.line;
        if run.parts.is_empty() {
            return;
        }
        if let Some(hit) = scan::find(&run.text) {
            let texts = if run.parts.len() <= HIDDEN_WITH_MAX { run.all() } else { run.touched(&hit.range) };
            self.hits.push(RunHit { what: RunFound::Value(hit.what), texts });
        }
        if !self.vault.is_empty() {
            self.hits.extend(self.echoes());
        }
        self.line.clear();
    }

    /// Each text of the line by itself, then the line put together.
    fn echoes(&self) -> Option<RunHit> {
        let run = &self.line;
        let alone: BTreeSet<Key> =
            run.parts.iter().map(|(key, _)| *key).filter(|key| self.vault.is_echo(self.mirror.text(*key))).collect();
        let together = run.parts.len() > 1 && alone.is_empty() && self.vault.is_echo(&run.text);
        let texts = if together { run.all() } else { alone };
        (!texts.is_empty()).then_some(RunHit { what: RunFound::Echo, texts })
    }

    /// Figures in boxes: groups as card numbers are printed, or one digit each. Other groups are tables and calendars.
    fn end_figures(&mut self) {
        let run = &self.figures;
        if run.parts.len() > 1 {
            let sizes: Vec<usize> = run.text.split(' ').map(str::len).collect();
            let printed = sizes.iter().all(|size| *size >= 3) || sizes.iter().all(|size| *size == 1);
            if printed && let Some(hit) = scan::find(&run.text) {
                self.hits.push(RunHit { what: RunFound::Value(hit.what), texts: run.touched(&hit.range) });
            } else if self.vault.is_echo(&run.text) {
                self.hits.push(RunHit { what: RunFound::Echo, texts: run.all() });
            }
        }
        self.figures.clear();
    }
}
