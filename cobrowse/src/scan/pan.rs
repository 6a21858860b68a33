//! Card numbers: issuer range, length and Luhn's check digit (ISO/IEC 7812-1).

use super::digit;
use std::ops::Range;

/// Shortest number that is looked for; shorter Maestro numbers are no longer issued.
pub(super) const LENGTH_MIN: usize = 13;
const LENGTH_MAX: usize = 19;

/// Most separator characters between two digits of one number: " - " is the widest that people type.
const SEPARATORS_MAX: usize = 3;

/// Issuer ranges by their first six digits, with the lengths they issue as a bit set.
/// Public issuer tables as of 2026-11; a range that is missing costs a miss of the value scan only.
const ISSUERS: [(u32, u32, u32); 28] = [
    (220_000, 220_499, lengths(16, 19)), // Mir
    (222_100, 272_099, lengths(16, 16)), // Mastercard
    (300_000, 305_999, lengths(14, 19)), // Diners
    (309_500, 309_599, lengths(14, 19)),
    (340_000, 349_999, lengths(15, 15)), // American Express
    (352_800, 358_999, lengths(16, 19)), // JCB
    (360_000, 369_999, lengths(14, 19)), // Diners
    (370_000, 379_999, lengths(15, 15)), // American Express
    (380_000, 399_999, lengths(14, 19)), // Diners
    (400_000, 499_999, lengths(13, 13) | lengths(16, 16) | lengths(18, 19)), // Visa
    (500_000, 509_999, lengths(16, 19)), // Maestro, Elo, Verve, RuPay, Dankort
    (510_000, 559_999, lengths(16, 16)), // Mastercard
    (560_000, 589_999, lengths(16, 19)), // Maestro
    (600_000, 600_999, lengths(16, 16)), // RuPay
    (601_100, 601_199, lengths(16, 19)), // Discover
    (603_000, 608_999, lengths(16, 19)), // RuPay, Hipercard
    (620_000, 629_999, lengths(16, 19)), // UnionPay
    (630_000, 639_999, lengths(16, 19)), // Maestro, Elo
    (644_000, 659_999, lengths(16, 19)), // Discover
    (670_000, 679_999, lengths(16, 19)), // Maestro
    (680_000, 689_999, lengths(16, 19)),
    (690_000, 699_999, lengths(16, 19)),
    (810_000, 817_199, lengths(16, 19)), // UnionPay
    (817_200, 819_999, lengths(16, 16)), // RuPay
    (820_000, 829_999, lengths(16, 16)), // RuPay
    (940_000, 940_999, lengths(16, 16)), // national schemes
    (970_400, 970_499, lengths(16, 19)), // Napas
    (979_200, 979_299, lengths(16, 16)), // Troy
];

const fn lengths(from: u32, to: u32) -> u32 {
    (1 << (to + 1)) - (1 << from)
}

/// Whether the digits are one whole card number.
pub(super) fn is_pan(digits: &[u8]) -> bool {
    if !(LENGTH_MIN..=LENGTH_MAX).contains(&digits.len()) {
        return false;
    }
    let issuer = digits[..6].iter().fold(0, |number, digit| number * 10 + u32::from(*digit));
    let issued =
        ISSUERS.iter().any(|(from, to, lengths)| (*from..=*to).contains(&issuer) && lengths & (1 << digits.len()) != 0);
    issued && luhn(digits) && digits.iter().any(|digit| *digit != digits[0])
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, u32::from(*digit)) {
            (0, digit) => digit,
            (_, digit) => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// A digit of a run: its value, where it stands, and whether a separator or the run's end is beside it.
struct Digit {
    value: u8,
    range: Range<usize>,
    opens: bool,
    closes: bool,
}

/// The first card number in `text`: it begins and ends at the border of a group of digits, unless the group is too long
/// to be anything but several numbers written together.
pub(super) fn find(text: &str) -> Option<Range<usize>> {
    let mut run: Vec<Digit> = Vec::new();
    let mut separators = 0;
    for (at, c) in text.char_indices() {
        if let Some(value) = digit(c) {
            let opens = run.is_empty() || separators > 0;
            if opens && let Some(last) = run.last_mut() {
                last.closes = true;
            }
            run.push(Digit { value, range: at..at + c.len_utf8(), opens, closes: false });
            separators = 0;
        } else if is_joiner(c) {
            // Invisible: neither a border nor a gap.
        } else if is_separator(c) && separators < SEPARATORS_MAX {
            separators += 1;
        } else if !run.is_empty() {
            let found = find_in_run(&mut run);
            if found.is_some() {
                return found;
            }
            run.clear();
            separators = 0;
        }
    }
    find_in_run(&mut run)
}

fn find_in_run(run: &mut [Digit]) -> Option<Range<usize>> {
    if run.len() < LENGTH_MIN {
        return None;
    }
    run.last_mut()?.closes = true;
    open_long_groups(run);
    let values: Vec<u8> = run.iter().map(|digit| digit.value).collect();
    for start in 0..=run.len() - LENGTH_MIN {
        if !run[start].opens {
            continue;
        }
        let longest = LENGTH_MAX.min(run.len() - start);
        let length = (LENGTH_MIN..=longest)
            .rev()
            .find(|length| run[start + length - 1].closes && is_pan(&values[start..start + length]));
        if let Some(length) = length {
            return Some(run[start].range.start..run[start + length - 1].range.end);
        }
    }
    None
}

/// A group of this many digits is no card number itself, but may hide one between other digits.
const LONG_GROUP: usize = 17;

/// In long groups a number may begin and end anywhere.
fn open_long_groups(run: &mut [Digit]) {
    for group in run.chunk_by_mut(|digit, _| !digit.closes) {
        if group.len() >= LONG_GROUP {
            group.iter_mut().for_each(|digit| (digit.opens, digit.closes) = (true, true));
        }
    }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '_' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}
