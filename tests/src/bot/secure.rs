//! The DTLS and SRTP side of a bot: a DTLS client, and SRTP by the `rtc` family, so that ours is checked by another's.

use dimpl::{Config, Dtls, DtlsCertificate, Output, SrtpProfile};
use rtc::crypto::RTCCryptoProvider;
use rtc::srtp::context::Context;
use rtc::srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use rtc::srtp::protection_profile::ProtectionProfile;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Replay window of what a bot receives, in packets. A bot is no browser: nothing it may see is older.
const REPLAY_WINDOW: usize = 1024;

/// What a bot shows as its certificate. One for all bots of a world: making one takes longer than a handshake.
#[derive(Clone)]
pub struct BotIdentity {
    certificate: DtlsCertificate,
    config: Arc<Config>,
    provider: Arc<dyn RTCCryptoProvider>,
}

impl BotIdentity {
    /// A new certificate.
    #[must_use]
    pub fn new() -> Self {
        let certificate = dimpl::certificate::generate_self_signed_certificate().expect("a certificate can be made");
        // Retransmissions are quick, so that a lossy handshake takes little virtual time; and their jitter is seeded.
        let config = Config::builder().flight_start_rto(Duration::from_millis(100)).dangerously_set_rng_seed(2);
        let config = config.build().expect("valid configuration");
        let provider = rtc::crypto::default_provider().expect("built with aws-lc-rs");
        Self { certificate, config: Arc::new(config), provider }
    }

    /// `a=fingerprint` of the certificate.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.certificate.certificate, &*self.provider)
    }

    pub(super) fn provider(&self) -> Arc<dyn RTCCryptoProvider> {
        Arc::clone(&self.provider)
    }
}

impl Default for BotIdentity {
    fn default() -> Self {
        Self::new()
    }
}

/// See the module.
pub struct Secure {
    dtls: Dtls,
    provider: Arc<dyn RTCCryptoProvider>,
    expected_fingerprint: String,
    timeout: Option<Instant>,
    keys: Option<Keys>,
    closed: bool,
}

/// SRTP contexts of both directions, and one more for the eavesdropper at the server's door.
pub struct Keys {
    pub(super) outgoing: Context,
    pub(super) incoming: Context,
    /// Sees every datagram in the moment it leaves the server, lost or not; without a replay window of its own, so
    /// that a repeated packet is seen, not hidden.
    pub(super) audit: Context,
    /// The negotiated profile.
    pub profile: SrtpProfile,
}

impl Keys {
    /// Seals an RTP packet as the bot would.
    ///
    /// # Panics
    /// When it is none.
    pub fn seal_rtp(&mut self, packet: &[u8]) -> Vec<u8> {
        self.outgoing.encrypt_rtp(packet).expect("a packet can be sealed").to_vec()
    }
}

impl Secure {
    pub(super) fn new(now: Instant, identity: &BotIdentity, expected_fingerprint: String) -> Self {
        let mut dtls = Dtls::new_auto(Arc::clone(&identity.config), identity.certificate.clone(), now);
        dtls.set_active(true);
        let provider = identity.provider();
        Self { dtls, provider, expected_fingerprint, timeout: Some(now), keys: None, closed: false }
    }

    /// SRTP, once the handshake gave keys.
    pub fn keys(&mut self) -> Option<&mut Keys> {
        self.keys.as_mut()
    }

    /// Whether the server said goodbye.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.timeout
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, out: &mut Vec<Vec<u8>>) {
        if self.timeout.is_some_and(|timeout| timeout <= now) {
            self.timeout = None;
            self.closed |= self.dtls.handle_timeout(now).is_err();
            self.drain(now, out);
        }
    }

    pub(super) fn handle_datagram(&mut self, now: Instant, bytes: &[u8], out: &mut Vec<Vec<u8>>) {
        // Errors of single records are a DTLS client's to ignore; a handshake that fails never gives keys.
        let _ = self.dtls.handle_timeout(now).and_then(|()| self.dtls.handle_packet(bytes));
        self.drain(now, out);
    }

    /// Says goodbye: a close_notify alert.
    pub(super) fn close(&mut self, now: Instant, out: &mut Vec<Vec<u8>>) {
        let _ = self.dtls.close();
        self.drain(now, out);
    }

    fn drain(&mut self, now: Instant, out: &mut Vec<Vec<u8>>) {
        let mut buffer = [0; 2048];
        loop {
            match self.dtls.poll_output(&mut buffer) {
                Output::Packet(bytes) => out.push(bytes.to_vec()),
                Output::Timeout(at) => {
                    // A deadline in the past would stop the world; the next instant is soon enough.
                    self.timeout = Some(at.max(now + Duration::from_millis(1)));
                    return;
                }
                Output::PeerCert(der) => {
                    assert_eq!(
                        fingerprint(der, &*self.provider),
                        self.expected_fingerprint,
                        "the certificate is the answer's"
                    );
                }
                Output::KeyingMaterial(material, profile) => {
                    self.keys = Some(split(&material, profile, &*self.provider));
                }
                Output::CloseNotify => self.closed = true,
                _ => {}
            }
        }
    }
}

/// Cuts keying material as RFC 5764 §4.2 says: client key, server key, client salt, server salt.
fn split(material: &[u8], profile: SrtpProfile, provider: &dyn RTCCryptoProvider) -> Keys {
    let protection = match profile {
        SrtpProfile::AEAD_AES_128_GCM => ProtectionProfile::AeadAes128Gcm,
        SrtpProfile::AEAD_AES_256_GCM => ProtectionProfile::AeadAes256Gcm,
        SrtpProfile::AES128_CM_SHA1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
        other => panic!("a profile we never offer: {other:?}"),
    };
    let (key, salt) = (protection.key_len(), protection.salt_len());
    let (client_key, rest) = material.split_at(key);
    let (server_key, rest) = rest.split_at(key);
    let (client_salt, server_salt) = rest.split_at(salt);
    let context = |key: &[u8], salt: &[u8], window: Option<usize>| {
        let (srtp, srtcp) = (window.map(srtp_replay_protection), window.map(srtcp_replay_protection));
        Context::new(key, salt, protection, srtp, srtcp, provider.crypto()).expect("keys of the profile's lengths")
    };
    Keys {
        outgoing: context(client_key, client_salt, None),
        incoming: context(server_key, &server_salt[..salt], Some(REPLAY_WINDOW)),
        audit: context(server_key, &server_salt[..salt], None),
        profile,
    }
}

fn fingerprint(der: &[u8], provider: &dyn RTCCryptoProvider) -> String {
    let hash = provider.crypto().hash(rtc::crypto::HashAlgorithm::Sha256, der).expect("SHA-256 is always there");
    hash.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}
