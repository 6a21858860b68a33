//! Finds payment data in text by its value: card numbers, bank account numbers, codes named as such.
//!
//! Pure functions of text. Thresholds come from measurement: IIN, length and Luhn together hit nothing in the rendered
//! text of 3,391 real pages when the separators are spaces and hyphens; a dot as separator hits coordinates.

mod iban;
mod pan;

use aho_corasick::AhoCorasick;
use std::ops::{Range, RangeInclusive};
use std::sync::LazyLock;

/// What was found, and where in the text (bytes).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) what: Found,
    pub(crate) range: Range<usize>,
}

/// What a text held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Card,
    Iban,
    /// A card verification code beside its name.
    Code,
}

/// Fewer digits than this hold no card number, bank account or code worth a closer look.
const DIGITS_MIN: usize = 3;

/// The first card number, bank account or named code in `text`.
pub(crate) fn find(text: &str) -> Option<Hit> {
    let digits = count_digits(text);
    if digits < DIGITS_MIN {
        return None;
    }
    let card = (digits >= pan::LENGTH_MIN).then(|| pan::find(text)).flatten();
    let card = card.map(|range| Hit { what: Found::Card, range });
    card.or_else(|| iban::find(text).map(|range| Hit { what: Found::Iban, range })).or_else(|| named_code(text))
}

/// The groups of ASCII digits that stand together in `bytes`, first to last.
fn groups(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + bytes[at..].iter().position(u8::is_ascii_digit)?;
        let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        at = start + length;
        Some(start..at)
    })
}

/// Whether all of `text` is one whole card number, separators aside.
pub(crate) fn is_card(text: &str) -> bool {
    let digits: Vec<u8> = text.chars().filter_map(digit).collect();
    pan::is_pan(&digits)
}

/// Digits of any script that pages are written in, as 0 to 9.
pub(crate) fn digit(c: char) -> Option<u8> {
    if c.is_ascii() {
        return c.to_digit(10).map(|value| value as u8);
    }
    // Arabic-Indic, Extended Arabic-Indic, Devanagari, Bengali, Thai, fullwidth.
    const ZEROS: [u32; 6] = [0x0660, 0x06f0, 0x0966, 0x09e6, 0x0e50, 0xff10];
    let code = u32::from(c);
    ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code)).map(|zero| (code - zero) as u8)
}

/// Number of digits in `text`.
pub(crate) fn count_digits(text: &str) -> usize {
    if text.is_ascii() {
        return text.bytes().filter(u8::is_ascii_digit).count();
    }
    text.chars().filter(|c| digit(*c).is_some()).count()
}

/// Names of the code, as they stand before it, in ASCII letters of any case.
const CODE_NAMES: [&str; 7] = ["cvc", "cvv", "csc", "cid", "security code", "kartenpr\u{fc}fnummer", "cryptogramme"];

static CODE_NAME: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let builder = AhoCorasick::builder().ascii_case_insensitive(true).build(CODE_NAMES);
    builder.expect("the names are few and fixed")
});

/// Digits of a code.
const CODE_LENGTHS: RangeInclusive<usize> = 3..=4;

/// How far behind its name a code may stand.
const CODE_REACH: usize = 16;

/// Three or four digits that stand alone shortly after a name of the code.
fn named_code(text: &str) -> Option<Hit> {
    // Only short texts: in a long one the digits belong to something else.
    const TEXT_MAX: usize = 256;
    // Most texts with digits, prices above all, have no group that could be a code.
    if text.len() > TEXT_MAX || !groups(text.as_bytes()).any(|group| CODE_LENGTHS.contains(&group.len())) {
        return None;
    }
    CODE_NAME.find_iter(text).find_map(|name| {
        let behind = &text[name.end()..];
        // The 2 of CVV2 and CVC2 belongs to the name.
        let behind =
            behind.strip_prefix('2').filter(|rest| !rest.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(behind);
        let digits = behind.trim_start_matches([' ', ':', '=', '-', '\u{a0}']);
        let start = text.len() - digits.len();
        let length = digits.bytes().take_while(u8::is_ascii_digit).count();
        let found = start - name.end() < CODE_REACH && CODE_LENGTHS.contains(&length);
        found.then(|| Hit { what: Found::Code, range: start..start + length })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(Found, &str)>) {
        let found = find(text).map(|hit| (hit.what, &text[hit.range]));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn card_numbers_are_found_in_every_spelling() {
        check("4242424242424242", Some((Found::Card, "4242424242424242")));
        check("Card: 4242 4242 4242 4242.", Some((Found::Card, "4242 4242 4242 4242")));
        check("3782-822463-10005", Some((Found::Card, "3782-822463-10005")));
        check("5555\u{a0}5555\u{a0}5555\u{a0}4444 12/29", Some((Found::Card, "5555\u{a0}5555\u{a0}5555\u{a0}4444")));
        check("42\u{200b}42424242424242", Some((Found::Card, "42\u{200b}42424242424242")));
        check("\u{ff14}\u{ff12}42424242424242", Some((Found::Card, "\u{ff14}\u{ff12}42424242424242")));
        check("x99424242424242424299", Some((Found::Card, "4242424242424242")));
        check("36227206271667", Some((Found::Card, "36227206271667")));
        check("6205500000000000004", Some((Found::Card, "6205500000000000004")));
        check("order 17, card 2223003122003222", Some((Found::Card, "2223003122003222")));
    }

    #[test]
    fn shop_numbers_survive() {
        for text in [
            "\u{2022}\u{2022}\u{2022}\u{2022} 4242",
            "4006381333931",      // EAN-13, Luhn does not hold
            "+49 171 1234567890", // phone
            "52.520008, 13.404954",
            "4242424242424241",
            "1234567890123456",
            "2026-11-21 12:00:00",
            "12345678901234567890",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn bank_accounts_and_named_codes_are_found() {
        check("IBAN DE89 3704 0044 0532 0130 00", Some((Found::Iban, "DE89 3704 0044 0532 0130 00")));
        check("gb29nwbk60161331926819", Some((Found::Iban, "gb29nwbk60161331926819")));
        check("DE89 3704 0044 0532 0130 01", None);
        check("CVC: 123", Some((Found::Code, "123")));
        check("Your security code 1234", Some((Found::Code, "1234")));
        check("CVC is the 3-digit number", None);
        check("CVV2: 987", Some((Found::Code, "987")));
        check("CVV2 or CVC 987", Some((Found::Code, "987")));
        check("cvc 12345", None);
        check("CVC234", Some((Found::Code, "234")));
    }
}
