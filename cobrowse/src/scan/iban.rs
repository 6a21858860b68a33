//! International bank account numbers (ISO 13616): country, length and the mod-97 check.

use std::ops::Range;

/// Lengths by country, from the SWIFT registry as of 2026-11.
const COUNTRIES: &str = "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 \
DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 \
JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 \
PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 \
XK20 YE30";

/// The shortest of all, Norway's.
const LENGTH_MIN: usize = 15;

/// The first bank account number in `text`: letters of any case, groups separated by single spaces or hyphens.
pub(super) fn find(text: &str) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    if bytes.len() < LENGTH_MIN {
        return None;
    }
    (0..=bytes.len() - LENGTH_MIN)
        .filter(|at| *at == 0 || !bytes[at - 1].is_ascii_alphanumeric())
        .filter(|at| bytes[*at].is_ascii_alphabetic() && bytes[at + 1].is_ascii_alphabetic())
        .find_map(|at| end_of(bytes, at).map(|end| at..end))
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
        } else if !matches!(byte, b' ' | b'-') || characters.len() < 2 {
            return None;
        }
        at += 1;
    }
    let ends = bytes.get(at).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    let digits = characters[2].is_ascii_digit() && characters[3].is_ascii_digit();
    (ends && digits && mod_97(&characters) == 1).then_some(at)
}

fn country_length(code: [u8; 2]) -> Option<usize> {
    let code = code.map(|byte| byte.to_ascii_uppercase());
    let entry = COUNTRIES.split(' ').find(|entry| entry.as_bytes()[..2] == code)?;
    entry[2..].parse().ok()
}

/// ISO 7064 mod 97-10 over the characters with the first four moved to the end.
fn mod_97(characters: &[u8]) -> u32 {
    characters[4..].iter().chain(&characters[..4]).fold(0, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
    })
}
