//! The ICE side of a bot: a controlling agent with one pair (RFC 8445). The server is ICE-lite and never checks; other
//! peers do, and are answered.
//!
//! Messages are written and read by the `rtc` family's STUN, so that ours is checked by another's.

use super::offer::Credentials;
use rand::RngExt;
use rand_chacha::ChaCha12Rng;
use rtc::crypto::RTCCryptoProvider;
use rtc::stun::attributes::{ATTR_ICE_CONTROLLING, ATTR_PRIORITY, ATTR_USE_CANDIDATE, ATTR_USERNAME, RawAttribute};
use rtc::stun::fingerprint::FingerprintAttr;
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Message, Setter, TransactionId};
use rtc::stun::xoraddr::XorMappedAddress;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between checks until one succeeds.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);
/// Between consent checks afterwards (RFC 7675 §5.1 says 4 to 6 s; quicker, so that a new address is noticed soon).
const CONSENT_INTERVAL: Duration = Duration::from_millis(500);

/// See the module.
pub struct Ice {
    local: Credentials,
    remote: Credentials,
    provider: Arc<dyn RTCCryptoProvider>,
    next_check: Instant,
    last_success: Option<Instant>,
    pending: Vec<TransactionId>,
}

impl Ice {
    pub(super) fn new(
        now: Instant,
        local: Credentials,
        remote: Credentials,
        provider: Arc<dyn RTCCryptoProvider>,
    ) -> Self {
        Self { local, remote, provider, next_check: now, last_success: None, pending: Vec::new() }
    }

    /// When the last check was answered.
    pub(super) fn last_success(&self) -> Option<Instant> {
        self.last_success
    }

    pub(super) fn poll_timeout(&self) -> Instant {
        self.next_check
    }

    /// The check that is due.
    pub(super) fn poll_check(&mut self, now: Instant, rng: &mut ChaCha12Rng) -> Option<Vec<u8>> {
        if now < self.next_check {
            return None;
        }
        self.next_check = now + if self.last_success.is_some() { CONSENT_INTERVAL } else { CHECK_INTERVAL };
        let transaction = TransactionId(rng.random());
        self.pending.push(transaction);
        let username = format!("{}:{}", self.remote.ufrag, self.local.ufrag);
        Some(write_check(transaction, &username, &self.remote.password, &*self.provider))
    }

    /// Reads a message from `peer`; true when it proves that the peer accepted a check of ours. A check of the peer
    /// is answered into `out`.
    pub(super) fn handle_datagram(
        &mut self,
        now: Instant,
        peer: SocketAddr,
        bytes: &[u8],
        out: &mut Vec<Vec<u8>>,
    ) -> bool {
        let mut message = Message { raw: bytes.to_vec(), ..Message::default() };
        if message.decode().is_err() {
            return false;
        }
        let key = self.local.password.as_bytes();
        if message.typ == BINDING_REQUEST && MessageIntegrity::check(&mut message, key, self.provider.crypto()).is_ok()
        {
            out.push(self.write_success(message.transaction_id, peer));
        }
        if message.typ != BINDING_SUCCESS {
            return false;
        }
        let Some(known) = self.pending.iter().position(|pending| *pending == message.transaction_id) else {
            return false;
        };
        let key = self.remote.password.as_bytes();
        if MessageIntegrity::check(&mut message, key, self.provider.crypto()).is_err() {
            return false;
        }
        self.pending.drain(..=known);
        self.last_success = Some(now);
        true
    }

    fn write_success(&self, transaction: TransactionId, peer: SocketAddr) -> Vec<u8> {
        let password = self.local.password.clone();
        let integrity = MessageIntegrity::new_short_term_integrity_with_provider(password, self.provider.crypto());
        let mut message = Message::new();
        message
            .build(&[
                Box::new(transaction),
                Box::new(BINDING_SUCCESS),
                Box::new(XorMappedAddress { ip: peer.ip(), port: peer.port() }),
                Box::new(integrity),
                Box::new(FingerprintAttr),
            ])
            .expect("every attribute fits");
        message.raw
    }
}

/// A Binding request with USE-CANDIDATE (RFC 8445 §7.1.1). Public for tests that forge one.
#[must_use]
pub fn write_check(
    transaction: TransactionId,
    username: &str,
    password: &str,
    provider: &dyn RTCCryptoProvider,
) -> Vec<u8> {
    let raw =
        |typ, value: Vec<u8>| -> Box<dyn Setter> { Box::new(RawAttribute { typ, length: value.len() as u16, value }) };
    let integrity = MessageIntegrity::new_short_term_integrity_with_provider(password.to_owned(), provider.crypto());
    let mut message = Message::new();
    message
        .build(&[
            Box::new(transaction),
            Box::new(BINDING_REQUEST),
            raw(ATTR_USERNAME, username.as_bytes().to_vec()),
            raw(ATTR_PRIORITY, 0x6E7F_1EFFu32.to_be_bytes().to_vec()),
            raw(ATTR_ICE_CONTROLLING, [7; 8].to_vec()),
            raw(ATTR_USE_CANDIDATE, Vec::new()),
            Box::new(integrity),
            Box::new(FingerprintAttr),
        ])
        .expect("every attribute fits");
    message.raw
}
