//! The client's side of a connectivity check. The server never sends one: this serves tests, the simulated world and
//! the load driver, so that they need no second STUN codec.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::answer::Message;
use super::{
    Attributes, BINDING_ERROR, BINDING_REQUEST, BINDING_SUCCESS, IntegrityKey, MAGIC_COOKIE, Nomination, Role,
    TransactionId, attribute, header,
};

/// What a check says. The username is `"{server ufrag}:{client ufrag}"`.
#[derive(Clone, Copy, Debug)]
pub struct CheckFields<'a> {
    /// The request's name.
    pub transaction_id: TransactionId,
    /// Both ufrags, the receiver's first.
    pub username: &'a [u8],
    /// PRIORITY.
    pub priority: u32,
    /// ICE-CONTROLLING or ICE-CONTROLLED.
    pub role: Role,
    /// Nomination, if any.
    pub nomination: Option<Nomination>,
}

/// What the server answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The address the server saw the request come from.
    Success(TransactionId, SocketAddr),
    /// An error code, 300 to 699.
    Error(TransactionId, u16),
}

/// Writes a Binding request and returns its length.
///
/// # Panics
/// If `out` is too short; 600 bytes are enough for the longest username.
#[must_use]
pub fn write_check(out: &mut [u8], fields: &CheckFields<'_>, key: &IntegrityKey) -> usize {
    let mut message = Message::start(out, BINDING_REQUEST, fields.transaction_id);
    message.attribute(attribute::USERNAME, fields.username);
    match fields.role {
        Role::Controlling(tie) => message.attribute(attribute::ICE_CONTROLLING, &tie.to_be_bytes()),
        Role::Controlled(tie) => message.attribute(attribute::ICE_CONTROLLED, &tie.to_be_bytes()),
    }
    match fields.nomination {
        None => {}
        Some(Nomination::UseCandidate) => message.attribute(attribute::USE_CANDIDATE, &[]),
        Some(Nomination::Renominate(value)) => message.attribute(attribute::NOMINATION, &value.to_be_bytes()),
    }
    message.attribute(attribute::PRIORITY, &fields.priority.to_be_bytes());
    message.finish(key)
}

/// Reads an answer that was made with `key`; `None` for anything else.
#[must_use]
pub fn read_answer(datagram: &[u8], key: &IntegrityKey) -> Option<Answer> {
    let (kind, transaction) = header(datagram)?;
    let mut seen = None;
    let mut code = None;
    for found in Attributes::of(datagram) {
        let found = found.ok()?;
        match found.kind {
            attribute::XOR_MAPPED_ADDRESS => seen = Some(read_address(found.value, transaction)?),
            attribute::ERROR_CODE => {
                let &[_, _, class, number, ..] = found.value else { return None };
                code = Some(u16::from(class & 7) * 100 + u16::from(number));
            }
            attribute::MESSAGE_INTEGRITY => {
                verify_slices_are_equal(&key.tag(&datagram[..found.offset]), found.value).ok()?;
                return match kind {
                    BINDING_SUCCESS => Some(Answer::Success(transaction, seen?)),
                    BINDING_ERROR => Some(Answer::Error(transaction, code?)),
                    _ => None,
                };
            }
            _ => {}
        }
    }
    None
}

fn read_address(value: &[u8], transaction: TransactionId) -> Option<SocketAddr> {
    let (&[_, family, port0, port1], masked) = value.split_first_chunk()?;
    let port = u16::from_be_bytes([port0 ^ MAGIC_COOKIE[0], port1 ^ MAGIC_COOKIE[1]]);
    let mut octets = [0; 16];
    let mask = MAGIC_COOKIE.iter().chain(&transaction.0);
    for ((place, octet), mask) in octets.iter_mut().zip(masked).zip(mask) {
        *place = octet ^ mask;
    }
    let ip = match (family, masked.len()) {
        (1, 4) => IpAddr::V4(Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3])),
        (2, 16) => IpAddr::V6(Ipv6Addr::from(octets)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}
