//! The last values of private fields, so that the page cannot repeat them elsewhere.
//!
//! Holds the shopper's typing in zeroed memory, bounded, folded to what matters for comparison. Nothing of it ever
//! leaves: the only questions it answers are “does this text repeat a private value?” and “do these fields together
//! hold a card number?”.

use crate::record::NodeId;
use crate::scan;
use std::collections::VecDeque;
use zeroize::Zeroizing;

/// Most fields whose values are held; the oldest goes first. Checkouts have ten to thirty.
const FIELDS_MAX: usize = 128;

/// Most characters of a value that are compared.
const VALUE_CHARS_MAX: usize = 64;

/// A value of at least this many characters is compared with every text; a shorter one only while its field is the one
/// typed into last.
const CHARS_MIN: usize = 4;

/// The fields' last values, oldest first.
#[derive(Default)]
pub(crate) struct Vault {
    fields: VecDeque<Field>,
}

struct Field {
    node: NodeId,
    folded: Zeroizing<String>,
    /// The characters in it: a text that lacks one of them does not repeat it.
    marks: Marks,
    /// Counts wherever it stands inside a text: a payment field's, or one with digits. Other words (a name, a search)
    /// count only where they are the whole text, since pages are full of words.
    strong: bool,
}

impl Vault {
    /// Keeps a private field's value, or forgets it when it is empty.
    pub(crate) fn keep(&mut self, node: NodeId, value: &str, is_payment: bool) {
        self.fields.retain(|field| field.node != node);
        let folded = fold(value, VALUE_CHARS_MAX);
        let strong = is_payment || folded.bytes().any(|byte| byte.is_ascii_digit());
        if folded.is_empty() {
            return;
        }
        if self.fields.len() == FIELDS_MAX {
            self.fields.pop_front();
        }
        let marks = Marks::of(&folded);
        self.fields.push_back(Field { node, folded, marks, strong });
    }

    /// The field turned out to be a payment field.
    pub(crate) fn strengthen(&mut self, node: NodeId) {
        for field in self.fields.iter_mut().filter(|field| field.node == node) {
            field.strong = true;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.fields.clear();
    }

    /// Whether nothing is held, so that nothing can repeat it.
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Whether a text repeats a private value.
    pub(crate) fn is_echo(&self, text: &str) -> bool {
        let marks = Marks::of(text);
        if !self.fields.iter().any(|field| marks.hold(field.marks)) {
            return false;
        }
        let folded = fold(text, usize::MAX);
        !folded.is_empty() && self.is_folded_echo(&folded)
    }

    /// As [`Self::is_echo`], for text that is folded already.
    fn is_folded_echo(&self, folded: &str) -> bool {
        let repeats = |field: &Field| {
            let long = field.folded.chars().nth(CHARS_MIN - 1).is_some();
            long && if field.strong { folded.contains(field.folded.as_str()) } else { folded == field.folded.as_str() }
        };
        let inside = self.fields.iter().any(repeats);
        inside || self.fields.back().is_some_and(|last| is_same(&last.folded, folded))
    }

    /// Whether the fields, in this order, hold one card number: 4 × 4 and the like.
    pub(crate) fn is_card_across(&self, nodes: &[NodeId]) -> bool {
        let mut digits = Zeroizing::new(String::with_capacity(VALUE_CHARS_MAX));
        for node in nodes {
            let Some(field) = self.fields.iter().find(|field| field.node == *node) else { return false };
            digits.push_str(&field.folded);
        }
        scan::is_card(&digits)
    }
}

/// Which characters stand in a text, as bits: letters of any case are one, what is not ASCII is one.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Marks(u64);

impl Marks {
    fn of(text: &str) -> Self {
        let bits = text.bytes().map(|byte| match byte {
            b'0'..=b'9' => 1 << (byte - b'0'),
            b'a'..=b'z' => 1 << (byte - b'a' + 10),
            b'A'..=b'Z' => 1 << (byte - b'A' + 10),
            0x80.. => Self::FOREIGN,
            _ => 0,
        });
        Self(bits.fold(0, |all, bit| all | bit))
    }

    /// Characters beyond ASCII may fold to any other.
    const FOREIGN: u64 = 1 << 63;

    /// Whether a text with these marks may repeat a value with those.
    fn hold(self, value: Self) -> bool {
        self.0 & Self::FOREIGN != 0 || value.0 & !self.0 == 0
    }
}

/// The whole text is the value, or the value is digits and the text has just these.
fn is_same(value: &str, text: &str) -> bool {
    let digits_only = || value.bytes().all(|byte| byte.is_ascii_digit());
    value == text || (digits_only() && text.bytes().filter(u8::is_ascii_digit).eq(value.bytes()))
}

/// Lower-case letters and digits, in any script; everything else is gone.
fn fold(text: &str, chars_max: usize) -> Zeroizing<String> {
    let mut folded = Zeroizing::new(String::with_capacity(text.len().min(chars_max.saturating_mul(4)) + 4));
    if text.is_ascii() {
        folded.extend(text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).take(chars_max));
        return folded;
    }
    for c in text.chars().filter(|c| c.is_alphanumeric()).take(chars_max) {
        match scan::digit(c) {
            Some(digit) => folded.push(char::from(b'0' + digit)),
            None => folded.extend(c.to_lowercase()),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(values: &[&str]) -> Vault {
        let mut vault = Vault::default();
        for (id, value) in values.iter().enumerate() {
            vault.keep(NodeId(id as u32 + 1), value, false);
        }
        vault
    }

    #[test]
    fn echoes_are_found_however_they_are_written() {
        let vault = vault(&["4242 4242", "Kasimir Oddleigh"]);
        for text in ["42424242", "Card 4242-4242 ending", "KASIMIR ODDLEIGH", "\u{ff14}2424242"] {
            assert!(vault.is_echo(text), "{text}");
        }
        for text in ["", "4242", "Kasimir", "Dear Kasimir Oddleigh", "42 42 41 42"] {
            assert!(!vault.is_echo(text), "{text}");
        }
    }

    #[test]
    fn single_digits_count_for_the_field_typed_last() {
        let vault = vault(&["7", "4"]);
        assert!(vault.is_echo("4") && vault.is_echo("Card: 4"));
        assert!(!vault.is_echo("7") && !vault.is_echo("14"));
    }

    #[test]
    fn split_numbers_come_together() {
        let vault = vault(&["4242", "4242", "4242", "4242"]);
        assert!(vault.is_card_across(&[1, 2, 3, 4].map(NodeId)));
        assert!(!vault.is_card_across(&[1, 2, 3].map(NodeId)));
        assert!(!vault.is_card_across(&[1, 2, 3, 9].map(NodeId)));
    }
}
