//! International bank account numbers (ISO 13616): country, length and the mod-97 check.

use std::ops::Range;

/// Lengths by country, from the SWIFT registry as of 2026-11.
const COUNTRIES: &[u8] = b"AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27\
DK18DO28EE20EG29ES24FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27\
JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24\
PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24\
XK20YE30";

/// [`COUNTRIES`] by their two letters, 0 where there is none.
const LENGTHS: [u8; 26 * 26] = {
    let mut lengths = [0; 26 * 26];
    let mut at = 0;
    while at < COUNTRIES.len() {
        lengths[place([COUNTRIES[at], COUNTRIES[at + 1]])] = (COUNTRIES[at + 2] - b'0') * 10 + COUNTRIES[at + 3] - b'0';
        at += 4;
    }
    lengths
};

/// Where a country stands in [`LENGTHS`]; both bytes are upper-case letters.
const fn place(code: [u8; 2]) -> usize {
    (code[0] - b'A') as usize * 26 + (code[1] - b'A') as usize
}

/// The shortest of all, Norway's.
const LENGTH_MIN: usize = 15;

/// The first bank account number in `text`: letters of any case, groups separated by single spaces or hyphens.
pub(super) fn find(text: &str) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    if bytes.len() < LENGTH_MIN {
        return None;
    }
    super::groups(bytes)
        .filter_map(|digits| start_of(bytes, digits.start))
        .find_map(|start| end_of(bytes, start).map(|end| start..end))
}

/// Where a number begins whose check digits begin at `digits`: two letters that are a word of their own stand before
/// them, perhaps with separators between.
fn start_of(bytes: &[u8], digits: usize) -> Option<usize> {
    let separators = bytes[..digits].iter().rev().take_while(|byte| is_separator(**byte)).count();
    let start = (digits - separators).checked_sub(2)?;
    let country = bytes[start..start + 2].iter().all(u8::is_ascii_alphabetic);
    let apart = start == 0 || !bytes[start - 1].is_ascii_alphanumeric();
    (country && apart).then_some(start)
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'-')
}

/// Where the number that begins at `start` ends, if there is one.
fn end_of(bytes: &[u8], start: usize) -> Option<usize> {
    let length = country_length([bytes[start], bytes[start + 1]])?;
    let mut characters = Vec::with_capacity(length);
    let mut at = start;
    while characters.len() < length {
        let byte = *bytes.get(at)?;
        if byte.is_ascii_alphanumeric() {
            characters.push(byte.to_ascii_uppercase());
        } else if !is_separator(byte) || characters.len() < 2 {
            return None;
        }
        at += 1;
    }
    let ends = bytes.get(at).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    let digits = characters[2].is_ascii_digit() && characters[3].is_ascii_digit();
    (ends && digits && mod_97(&characters) == 1).then_some(at)
}

fn country_length(code: [u8; 2]) -> Option<usize> {
    let length = LENGTHS[place(code.map(|byte| byte.to_ascii_uppercase()))];
    (length > 0).then_some(usize::from(length))
}

/// ISO 7064 mod 97-10 over the characters with the first four moved to the end.
fn mod_97(characters: &[u8]) -> u32 {
    characters[4..].iter().chain(&characters[..4]).fold(0, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
    })
}
