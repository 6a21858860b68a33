//! On-screen keypads: where ten keys with one digit each stand together, every press tells a digit.

use crate::mirror::{Key, Kind, Mirror, Role};
use hashbrown::HashMap;
use std::collections::BTreeSet;

/// How far above its keys a keypad's box may stand.
const LEVELS_MAX: usize = 4;

/// All ten digits.
const ALL_DIGITS: u16 = 0x3ff;

/// The boxes of the keypads whose keys stand at or below `top`, each the smallest that holds all ten.
pub(super) fn find(mirror: &Mirror, top: Key) -> Vec<Key> {
    let mut boxes: HashMap<Key, u16> = HashMap::new();
    for key in mirror.subtree(top) {
        let Some(digit) = digit_of(mirror, key) else { continue };
        for ancestor in mirror.ancestors(key).take(LEVELS_MAX) {
            *boxes.entry(ancestor).or_default() |= 1 << digit;
        }
    }
    let full: BTreeSet<Key> =
        boxes.into_iter().filter(|(_, digits)| *digits == ALL_DIGITS).map(|(key, _)| key).collect();
    let is_smallest =
        |key: &Key| !full.iter().any(|other| other != key && mirror.ancestors(*other).any(|above| above == *key));
    full.iter().copied().filter(is_smallest).collect()
}

/// Whether one of a keypad's keys may have come with a change at `top`, or changed there.
pub(super) fn has_digit_key(mirror: &Mirror, top: Key) -> bool {
    let around = mirror.ancestors(top).take(2).find_map(|above| digit_of(mirror, above));
    around.is_some() || mirror.subtree(top).any(|key| digit_of(mirror, key).is_some())
}

/// The digit on a key: something to press, with one digit as all of its text.
fn digit_of(mirror: &Mirror, key: Key) -> Option<u8> {
    let pressable = mirror.role(key) == Role::Button
        || mirror.tag(key) == "a"
        || mirror.attribute(key, "role").is_some_and(|role| matches!(role, "button" | "key" | "gridcell"));
    if !pressable {
        return None;
    }
    let mut texts = mirror.subtree(key).take(8).filter_map(|below| match &mirror.node(below).kind {
        Kind::Text(text) => Some(text.trim()).filter(|text| !text.is_empty()),
        _ => None,
    });
    let text = texts.next().or_else(|| mirror.attribute(key, "value"))?;
    let mut digits = text.chars();
    match (digits.next(), digits.next(), texts.next()) {
        (Some(digit), None, None) => crate::scan::digit(digit),
        _ => None,
    }
}
