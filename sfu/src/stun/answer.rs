//! The answers of an ICE-lite agent. Only authenticated requests get one, so every answer carries MESSAGE-INTEGRITY.

use std::net::{IpAddr, SocketAddr};

use super::{
    BINDING_ERROR, BINDING_SUCCESS, HEADER_LEN, IntegrityKey, MAGIC_COOKIE, TransactionId, UNKNOWN_ATTRIBUTES_MAX,
    attribute, fingerprint,
};

/// Room that every answer fits into: header, the longest body (a refusal with all its unknown attributes, or an IPv6
/// address), integrity and fingerprint.
pub const ANSWER_MAX: usize = HEADER_LEN + 8 + (4 + 2 * UNKNOWN_ATTRIBUTES_MAX) + 24 + 8;

/// Why an authenticated request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal<'a> {
    /// 420: these comprehension-required attributes are not known (RFC 8489 §6.3.1).
    UnknownAttributes(&'a [u16]),
    /// 487: the sender claims the controlled role, which is always ours (RFC 8445 §7.3.1.1).
    RoleConflict,
}

/// Writes the success answer to `transaction`, which tells the sender the address we saw it at. Returns its length.
///
/// # Panics
/// If `out` is shorter than [`ANSWER_MAX`].
#[must_use]
pub fn write_success(out: &mut [u8], transaction: TransactionId, seen: SocketAddr, key: &IntegrityKey) -> usize {
    let mut message = Message::start(out, BINDING_SUCCESS, transaction);
    let port = seen.port() ^ u16::from_be_bytes([MAGIC_COOKIE[0], MAGIC_COOKIE[1]]);
    let mut value = [0; 20];
    value[2..4].copy_from_slice(&port.to_be_bytes());
    let mask = MAGIC_COOKIE.iter().chain(&transaction.0);
    match seen.ip() {
        IpAddr::V4(ip) => {
            value[1] = 1;
            xor_into(&mut value[4..8], &ip.octets(), mask);
            message.attribute(attribute::XOR_MAPPED_ADDRESS, &value[..8]);
        }
        IpAddr::V6(ip) => {
            value[1] = 2;
            xor_into(&mut value[4..20], &ip.octets(), mask);
            message.attribute(attribute::XOR_MAPPED_ADDRESS, &value);
        }
    }
    message.finish(key)
}

/// Writes the error answer to `transaction`. Returns its length.
///
/// # Panics
/// If `out` is shorter than [`ANSWER_MAX`].
#[must_use]
pub fn write_refusal(out: &mut [u8], transaction: TransactionId, refusal: Refusal<'_>, key: &IntegrityKey) -> usize {
    let mut message = Message::start(out, BINDING_ERROR, transaction);
    // Class, number, and an empty reason phrase: nobody reads it (RFC 8489 §14.8).
    match refusal {
        Refusal::UnknownAttributes(kinds) => {
            message.attribute(attribute::ERROR_CODE, &[0, 0, 4, 20]);
            let mut list = [0; 2 * UNKNOWN_ATTRIBUTES_MAX];
            for (place, kind) in list.chunks_exact_mut(2).zip(kinds) {
                place.copy_from_slice(&kind.to_be_bytes());
            }
            let length = 2 * kinds.len().min(UNKNOWN_ATTRIBUTES_MAX);
            message.attribute(attribute::UNKNOWN_ATTRIBUTES, &list[..length]);
        }
        Refusal::RoleConflict => message.attribute(attribute::ERROR_CODE, &[0, 0, 4, 87]),
    }
    message.finish(key)
}

fn xor_into<'a>(out: &mut [u8], octets: &[u8], mask: impl Iterator<Item = &'a u8>) {
    for ((place, octet), mask) in out.iter_mut().zip(octets).zip(mask) {
        *place = octet ^ mask;
    }
}

/// A message being written: attributes in order, then [`Message::finish`].
pub(super) struct Message<'a> {
    out: &'a mut [u8],
    len: usize,
}

impl<'a> Message<'a> {
    pub(super) fn start(out: &'a mut [u8], kind: u16, transaction: TransactionId) -> Self {
        assert!(out.len() >= ANSWER_MAX, "the caller gives room for the longest message");
        out[..2].copy_from_slice(&kind.to_be_bytes());
        out[4..8].copy_from_slice(&MAGIC_COOKIE);
        out[8..HEADER_LEN].copy_from_slice(&transaction.0);
        Self { out, len: HEADER_LEN }
    }

    pub(super) fn attribute(&mut self, kind: u16, value: &[u8]) {
        let length = u16::try_from(value.len()).expect("attributes are short");
        let place = &mut self.out[self.len..self.len + 4 + value.len().next_multiple_of(4)];
        place[..2].copy_from_slice(&kind.to_be_bytes());
        place[2..4].copy_from_slice(&length.to_be_bytes());
        place[4..4 + value.len()].copy_from_slice(value);
        place[4 + value.len()..].fill(0);
        self.len += place.len();
    }

    /// Adds MESSAGE-INTEGRITY and FINGERPRINT, each over what comes before it, and returns the message's length.
    pub(super) fn finish(mut self, key: &IntegrityKey) -> usize {
        let tag = key.tag(&self.out[..self.len]);
        self.attribute(attribute::MESSAGE_INTEGRITY, &tag);
        // The fingerprint covers the final length field, its own eight bytes included (RFC 8489 §14.7).
        let total = u16::try_from(self.len + 8 - HEADER_LEN).expect("one datagram");
        self.out[2..4].copy_from_slice(&total.to_be_bytes());
        let fingerprint = fingerprint(&[&self.out[..self.len]]);
        self.attribute(attribute::FINGERPRINT, &fingerprint.to_be_bytes());
        self.len
    }
}
