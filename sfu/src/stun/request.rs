//! Binding requests: what a client's connectivity check says.

use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::{
    Attributes, BINDING_REQUEST, FINGERPRINT_ATTRIBUTE_LEN, INTEGRITY_LEN, IntegrityKey, TransactionId, attribute,
    fingerprint, header,
};

/// How many unknown attributes an error answer lists. More would only make the answer longer than the question.
pub const UNKNOWN_ATTRIBUTES_MAX: usize = 8;

/// Why a datagram is not a Binding request that could be authenticated. Each is a counted drop, none is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// No STUN message, or its length field disagrees with the datagram.
    NotStun,
    /// A STUN message of another method or class. An ICE-lite agent asks nothing, so it expects no answer either.
    NotBindingRequest,
    /// An attribute overruns the message or has a length its type does not allow.
    BadAttribute,
    /// No USERNAME or no MESSAGE-INTEGRITY.
    Unauthenticated,
    /// The FINGERPRINT is not that of the message, or is not its last attribute.
    BadFingerprint,
}

/// Which ICE role the sender claims, with its tie-breaker (RFC 8445 §7.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It nominates pairs, as a full agent must toward a lite one.
    Controlling(u64),
    /// It expects us to nominate, which a lite agent never does.
    Controlled(u64),
}

/// How a request nominates the path it came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nomination {
    /// USE-CANDIDATE (RFC 8445 §7.1.2): the latest one counts.
    UseCandidate,
    /// A renomination value (draft-thatcher-ice-renomination): the highest one counts, so reordering cannot undo it.
    Renominate(u32),
}

/// Comprehension-required attributes that we do not know: the first [`UNKNOWN_ATTRIBUTES_MAX`] of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnknownAttributes {
    kinds: [u16; UNKNOWN_ATTRIBUTES_MAX],
    len: u8,
}

/// A Binding request nobody has vouched for yet.
#[derive(Clone, Copy, Debug)]
pub struct UnverifiedRequest<'a> {
    /// Everything before the MESSAGE-INTEGRITY attribute.
    covered: &'a [u8],
    integrity: [u8; INTEGRITY_LEN],
    username: &'a [u8],
    request: BindingRequest,
}

/// A Binding request of somebody who knows the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindingRequest {
    /// To be repeated by the answer.
    pub transaction_id: TransactionId,
    /// The priority the sender gives the pair, for those who compare pairs.
    pub priority: Option<u32>,
    /// The role the sender claims.
    pub role: Option<Role>,
    /// Whether, and how, the path is nominated.
    pub nomination: Option<Nomination>,
    /// If not empty, the request must be refused with 420 (RFC 8489 §6.3.1).
    pub unknown: UnknownAttributes,
}

/// The two parts of a Binding request's USERNAME: ours, and the sender's (RFC 8445 §7.2.2). Checks nothing else and
/// hashes nothing, so that a demultiplexer can afford it for every datagram of an unknown source.
#[must_use]
pub fn username_of(datagram: &[u8]) -> Option<(&[u8], &[u8])> {
    let (BINDING_REQUEST, _) = header(datagram)? else { return None };
    let username = Attributes::of(datagram).map_while(Result::ok).find(|found| found.kind == attribute::USERNAME)?;
    split_username(username.value)
}

impl<'a> UnverifiedRequest<'a> {
    /// Reads `datagram`. Of an attribute that occurs twice the first counts (RFC 8489 §14); attributes after
    /// MESSAGE-INTEGRITY are ignored, but for FINGERPRINT (§14.5).
    ///
    /// # Errors
    /// [`RequestError`], for anything that is no well-formed Binding request with a username and an integrity value.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, RequestError> {
        let (kind, transaction_id) = header(datagram).ok_or(RequestError::NotStun)?;
        if kind != BINDING_REQUEST {
            return Err(RequestError::NotBindingRequest);
        }
        let mut username = None;
        let mut integrity = None;
        let mut request = BindingRequest {
            transaction_id,
            priority: None,
            role: None,
            nomination: None,
            unknown: Default::default(),
        };
        for found in Attributes::of(datagram) {
            let found = found.map_err(|_| RequestError::BadAttribute)?;
            match found.kind {
                attribute::FINGERPRINT => verify_fingerprint(datagram, found.offset, found.value)?,
                _ if integrity.is_some() => {}
                attribute::MESSAGE_INTEGRITY => integrity = Some((&datagram[..found.offset], exact(found.value)?)),
                attribute::USERNAME => username = username.or(Some(found.value)),
                kind => request.read(kind, found.value)?,
            }
        }
        let (Some(username), Some((covered, integrity))) = (username, integrity) else {
            return Err(RequestError::Unauthenticated);
        };
        Ok(Self { covered, integrity, username, request })
    }

    /// The ufrag the sender believes is ours: the part of the USERNAME before the colon.
    #[must_use]
    pub fn local_ufrag(&self) -> Option<&'a [u8]> {
        split_username(self.username).map(|(local, _)| local)
    }

    /// The request, if its MESSAGE-INTEGRITY was made with `key`. Compares in constant time.
    #[must_use]
    pub fn verify(self, key: &IntegrityKey) -> Option<BindingRequest> {
        verify_slices_are_equal(&key.tag(self.covered), &self.integrity).ok()?;
        Some(self.request)
    }
}

impl BindingRequest {
    fn read(&mut self, kind: u16, value: &[u8]) -> Result<(), RequestError> {
        match kind {
            attribute::PRIORITY => {
                self.priority.get_or_insert(u32::from_be_bytes(exact(value)?));
            }
            attribute::ICE_CONTROLLING => {
                self.role.get_or_insert(Role::Controlling(u64::from_be_bytes(exact(value)?)));
            }
            attribute::ICE_CONTROLLED => {
                self.role.get_or_insert(Role::Controlled(u64::from_be_bytes(exact(value)?)));
            }
            attribute::USE_CANDIDATE => {
                exact::<0>(value)?;
                self.nomination.get_or_insert(Nomination::UseCandidate);
            }
            attribute::NOMINATION | attribute::NOMINATION_DRAFT => {
                // Says more than USE-CANDIDATE beside it.
                self.nomination = Some(Nomination::Renominate(u32::from_be_bytes(exact(value)?)));
            }
            // Known to RFC 8489 agents, of no use with short-term credentials.
            attribute::MESSAGE_INTEGRITY_SHA256 | attribute::REALM | attribute::NONCE => {}
            attribute::FIRST_OPTIONAL.. => {}
            unknown => self.unknown.push(unknown),
        }
        Ok(())
    }
}

impl UnknownAttributes {
    /// The types, in the order in which they were met.
    #[must_use]
    pub fn as_slice(&self) -> &[u16] {
        &self.kinds[..usize::from(self.len)]
    }

    fn push(&mut self, kind: u16) {
        if let Some(free) = self.kinds.get_mut(usize::from(self.len)) {
            *free = kind;
            self.len += 1;
        }
    }
}

fn split_username(username: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = username.iter().position(|&byte| byte == b':')?;
    Some((&username[..colon], &username[colon + 1..]))
}

fn exact<const N: usize>(value: &[u8]) -> Result<[u8; N], RequestError> {
    value.try_into().map_err(|_| RequestError::BadAttribute)
}

fn verify_fingerprint(datagram: &[u8], offset: usize, value: &[u8]) -> Result<(), RequestError> {
    let is_last = offset + FINGERPRINT_ATTRIBUTE_LEN == datagram.len();
    let expected = fingerprint(&[&datagram[..offset]]);
    if is_last && exact(value) == Ok(expected.to_be_bytes()) { Ok(()) } else { Err(RequestError::BadFingerprint) }
}

#[cfg(test)]
mod tests;
