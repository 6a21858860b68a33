//! STUN messages, as far as an ICE-lite agent needs them (RFC 8489, RFC 8445).
//!
//! Owns the wire format: reading Binding requests without copying, proving their integrity, writing the answers. Knows
//! nothing of candidate pairs or participants: what a valid request *means* is decided by the ICE agent.
//!
//! The types keep one order of work: [`UnverifiedRequest::parse`] → look up the credentials by its username →
//! [`UnverifiedRequest::verify`] → [`BindingRequest`]. Fields that an attacker could forge are only on the last.

use std::fmt;

use aws_lc_rs::hmac;

mod answer;
mod client;
mod request;

pub use answer::{ANSWER_MAX, Refusal, write_refusal, write_success};
pub use client::{Answer, CheckFields, read_answer, write_check};
pub use request::{
    BindingRequest, Nomination, RequestError, Role, UNKNOWN_ATTRIBUTES_MAX, UnknownAttributes, UnverifiedRequest,
    username_of,
};

/// Bytes of the fixed header (RFC 8489 §5).
pub const HEADER_LEN: usize = 20;

const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];

const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const BINDING_ERROR: u16 = 0x0111;

/// Attribute types (RFC 8489 §18.3, RFC 8445 §16.1).
mod attribute {
    pub(super) const USERNAME: u16 = 0x0006;
    pub(super) const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub(super) const ERROR_CODE: u16 = 0x0009;
    pub(super) const UNKNOWN_ATTRIBUTES: u16 = 0x000A;
    pub(super) const REALM: u16 = 0x0014;
    pub(super) const NONCE: u16 = 0x0015;
    pub(super) const MESSAGE_INTEGRITY_SHA256: u16 = 0x001C;
    pub(super) const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub(super) const PRIORITY: u16 = 0x0024;
    pub(super) const USE_CANDIDATE: u16 = 0x0025;
    /// Renomination, at the code of the newer draft: comprehension-required, though browsers treat it as optional.
    pub(super) const NOMINATION_DRAFT: u16 = 0x0030;
    pub(super) const FINGERPRINT: u16 = 0x8028;
    pub(super) const ICE_CONTROLLED: u16 = 0x8029;
    pub(super) const ICE_CONTROLLING: u16 = 0x802A;
    /// Renomination, at the code libwebrtc sends.
    pub(super) const NOMINATION: u16 = 0xC001;

    /// Types below this must be understood by whoever accepts the message (RFC 8489 §14).
    pub(super) const FIRST_OPTIONAL: u16 = 0x8000;
}

/// Bytes of a MESSAGE-INTEGRITY value: an HMAC-SHA1 (RFC 8489 §14.5).
const INTEGRITY_LEN: usize = 20;
/// Bytes of a whole MESSAGE-INTEGRITY attribute.
const INTEGRITY_ATTRIBUTE_LEN: usize = 4 + INTEGRITY_LEN;
/// Bytes of a whole FINGERPRINT attribute (RFC 8489 §14.7).
const FINGERPRINT_ATTRIBUTE_LEN: usize = 8;
/// What the CRC of a FINGERPRINT is XORed with, so that it differs from other CRCs of the same packet.
const FINGERPRINT_XOR: u32 = 0x5354_554E;

/// Names one request; its answer repeats it (RFC 8489 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransactionId(pub [u8; 12]);

/// A short-term credential's password, as prepared HMAC-SHA1 state.
#[derive(Clone)]
pub struct IntegrityKey(hmac::Key);

impl IntegrityKey {
    /// The key of an ICE password (RFC 8489 §9.1.1; ICE passwords are ASCII, so OpaqueString changes nothing).
    #[must_use]
    pub fn new(password: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password))
    }

    /// The HMAC over `covered`, the message up to its MESSAGE-INTEGRITY attribute, with the header's length field as
    /// if that attribute were the last (RFC 8489 §14.5).
    fn tag(&self, covered: &[u8]) -> [u8; INTEGRITY_LEN] {
        let length = covered.len() - HEADER_LEN + INTEGRITY_ATTRIBUTE_LEN;
        let length = u16::try_from(length).expect("callers hold one datagram");
        let mut mac = hmac::Context::with_key(&self.0);
        mac.update(&covered[..2]);
        mac.update(&length.to_be_bytes());
        mac.update(&covered[4..]);
        let mut tag = [0; INTEGRITY_LEN];
        tag.copy_from_slice(mac.sign().as_ref());
        tag
    }
}

impl fmt::Debug for IntegrityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IntegrityKey(..)")
    }
}

/// The FINGERPRINT value over everything before that attribute.
fn fingerprint(covered: &[&[u8]]) -> u32 {
    crc32(covered) ^ FINGERPRINT_XOR
}

/// CRC-32 as in ITU V.42 (the one of zlib), over the concatenation of `parts`.
fn crc32(parts: &[&[u8]]) -> u32 {
    let mut crc = !0u32;
    for byte in parts.iter().copied().flatten() {
        crc = CRC_TABLE[usize::from(crc as u8 ^ byte)] ^ (crc >> 8);
    }
    !crc
}

const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < table.len() {
        let mut crc = index as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
};

/// Walks the attributes that follow the header. Ends at the first malformed one, with an error.
struct Attributes<'a> {
    message: &'a [u8],
    offset: usize,
}

/// One attribute and where it starts in the message.
struct Attribute<'a> {
    kind: u16,
    value: &'a [u8],
    offset: usize,
}

/// An attribute reaches past the end of its message.
#[derive(Debug)]
struct Overrun;

impl<'a> Attributes<'a> {
    fn of(message: &'a [u8]) -> Self {
        Self { message, offset: HEADER_LEN }
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, Overrun>;

    fn next(&mut self) -> Option<Self::Item> {
        let offset = self.offset;
        let rest = self.message.get(offset..).filter(|rest| !rest.is_empty())?;
        let attribute = rest.split_first_chunk::<4>().and_then(|(head, body)| {
            let kind = u16::from_be_bytes([head[0], head[1]]);
            let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let value = body.get(..length)?;
            let padded = length.next_multiple_of(4);
            (padded <= body.len()).then_some((Attribute { kind, value, offset }, 4 + padded))
        });
        let Some((attribute, size)) = attribute else {
            self.offset = self.message.len();
            return Some(Err(Overrun));
        };
        self.offset += size;
        Some(Ok(attribute))
    }
}

/// The header's type, length and transaction id, if `bytes` is exactly one STUN message by its cookie and length.
fn header(bytes: &[u8]) -> Option<(u16, TransactionId)> {
    let header = bytes.first_chunk::<HEADER_LEN>()?;
    let kind = u16::from_be_bytes([header[0], header[1]]);
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let fits = length == bytes.len() - HEADER_LEN && length.is_multiple_of(4);
    let id = header[8..].try_into().expect("twelve bytes are left of twenty");
    (fits && header[4..8] == MAGIC_COOKIE).then_some((kind, TransactionId(id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_of_the_standard_check_string() {
        assert_eq!(crc32(&[b"1234", b"56789"]), 0xCBF4_3926);
    }

    #[test]
    fn attribute_that_overruns_ends_the_walk() {
        let mut message = vec![0; HEADER_LEN];
        message.extend([0x80, 0x22, 0, 1, b'x', 0, 0, 0, 0x80, 0x22, 0, 9, 1, 2, 3, 4]);
        let walked: Vec<_> = Attributes::of(&message).map(|attribute| attribute.map(|found| found.value)).collect();
        assert!(matches!(walked[..], [Ok(b"x"), Err(Overrun)]));
    }
}
