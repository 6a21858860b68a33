//! The last values of private fields, so that the page cannot repeat them elsewhere.
//!
//! Holds the shopper's typing in zeroed memory, bounded, folded to what matters for comparison. Nothing of it ever
//! leaves: the only questions it answers are “does this text repeat a private value?” and “do these fields together
//! hold a card number?”.

use crate::record::NodeId;
use crate::scan;
use crate::wipe::Wiping;
use std::cell::LazyCell;
use std::collections::VecDeque;

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
    folded: Wiping<String>,
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
        // Folded once, and only for a value that counts inside of texts.
        let folded = LazyCell::new(|| fold(text, usize::MAX));
        let repeats = |(place, field): (usize, &Field)| {
            let value = field.folded.as_str();
            let is_last = place + 1 == self.fields.len();
            let is_long = value.chars().nth(CHARS_MIN - 1).is_some();
            (is_long && field.strong && folded.contains(value))
                || ((is_long || is_last) && is_whole(value, text))
                || (is_last && is_all_digits(value, text))
        };
        self.fields.iter().enumerate().filter(|(_, field)| marks.hold(field.marks)).any(repeats)
    }

    /// Whether the fields, in this order, hold one card number: 4 × 4 and the like.
    pub(crate) fn is_card_across(&self, nodes: &[NodeId]) -> bool {
        let mut digits = Wiping::new(String::with_capacity(VALUE_CHARS_MAX));
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
        Self(text.bytes().fold(0, |all, byte| all | MARKS[usize::from(byte)]))
    }

    /// Characters beyond ASCII may fold to any other.
    const FOREIGN: u64 = 1 << 63;

    /// Whether a text with these marks may repeat a value with those.
    fn hold(self, value: Self) -> bool {
        self.0 & Self::FOREIGN != 0 || value.0 & !self.0 == 0
    }
}

/// The mark of each byte.
static MARKS: [u64; 256] = {
    let mut marks = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        marks[byte] = match byte as u8 {
            digit @ b'0'..=b'9' => 1 << (digit - b'0'),
            letter @ b'a'..=b'z' => 1 << (letter - b'a' + 10),
            letter @ b'A'..=b'Z' => 1 << (letter - b'A' + 10),
            0x80.. => Marks::FOREIGN,
            _ => 0,
        };
        byte += 1;
    }
    marks
};

/// Whether the whole text is this folded value. Nearly all texts differ in their first letters: nothing is copied.
fn is_whole(value: &str, text: &str) -> bool {
    if text.is_ascii() {
        folded_bytes(text).eq(value.bytes())
    } else {
        folded_chars(text, usize::MAX).eq(value.chars())
    }
}

/// Whether the value is digits and the text has just these.
fn is_all_digits(value: &str, text: &str) -> bool {
    let digits = || text.chars().filter_map(scan::digit).map(|digit| b'0' + digit);
    value.bytes().all(|byte| byte.is_ascii_digit()) && digits().eq(value.bytes())
}

/// Lower-case letters and digits, in any script; everything else is gone.
fn fold(text: &str, chars_max: usize) -> Wiping<String> {
    let mut folded = Wiping::new(String::with_capacity(text.len().min(chars_max.saturating_mul(4)) + 4));
    if text.is_ascii() {
        folded_bytes(text).take(chars_max).for_each(|byte| folded.push(char::from(byte)));
    } else {
        folded.extend(folded_chars(text, chars_max));
    }
    folded
}

/// What text of ASCII is compared as.
fn folded_bytes(text: &str) -> impl Iterator<Item = u8> + '_ {
    text.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase())
}

/// What any text is compared as, up to so many of its letters and digits.
fn folded_chars(text: &str, chars_max: usize) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|c| c.is_alphanumeric()).take(chars_max).flat_map(|c| {
        let digit = scan::digit(c).map(|digit| char::from(b'0' + digit));
        let lower = digit.is_none().then(|| c.to_lowercase());
        digit.into_iter().chain(lower.into_iter().flatten())
    })
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
