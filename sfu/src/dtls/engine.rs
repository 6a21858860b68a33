//! The DTLS engine at work, which is `dimpl`'s: drives it, checks the certificate, takes the keys.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::{Config, Dtls, DtlsCertificate, Output, ProtocolVersion};

use super::{DtlsAcceptor, DtlsFailure, DtlsVersion, Fingerprint, HANDSHAKE_DEADLINE, VersionChoice};
use crate::sends::{NetPath, Sends};
use crate::srtp::{SrtpKeys, SrtpProfile};

/// Longest datagram the handshake sends; below every path's MTU, as flights may not be fragmented by IP.
const MTU: usize = 1200;
/// First wait before a flight is repeated; doubled each time. The default of one second would be what a user waits for
/// when a single datagram is lost.
const FIRST_RETRANSMIT: Duration = Duration::from_millis(150);
/// Repetitions of a flight: the last is due about when [`HANDSHAKE_DEADLINE`] passes.
const RETRANSMITS_MAX: usize = 6;
/// Datagrams the engine may hold for reassembly. A client's longest flight has a handful.
const REASSEMBLY_MAX: usize = 64;
/// Room for one datagram we send, or for a client's certificate: those of browsers take 300 to 500 bytes.
const SCRATCH_LEN: usize = 2048;

/// Why no handshakes can be accepted at all: a fault of the installation, found at start.
#[derive(Debug, thiserror::Error)]
pub enum DtlsSetupError {
    /// The crypto provider failed its self-test, or refuses our settings.
    #[error("DTLS configuration: {0}")]
    Config(#[from] dimpl::Error),
    /// No certificate could be made.
    #[error("DTLS certificate: {0}")]
    Certificate(#[from] dimpl::certificate::CertificateError),
    /// The certificate's private key cannot be read.
    #[error("DTLS certificate: unreadable private key")]
    PrivateKey,
}

/// How a handshake stands after an input.
pub(super) enum Progress {
    Pending,
    Connected(DtlsVersion, SrtpKeys),
    Closed,
    Failed(DtlsFailure),
}

/// The settings of every handshake. Reads the private key once, because the engine panics on one it cannot read.
/// `seed` makes timers and nonces repeatable.
pub(super) fn config(certificate: &DtlsCertificate, seed: Option<u64>) -> Result<Config, DtlsSetupError> {
    let mut builder = Config::builder();
    if let Some(seed) = seed {
        builder = builder.dangerously_set_rng_seed(seed);
    }
    let config = builder
        .mtu(MTU)
        .max_queue_rx(REASSEMBLY_MAX)
        .require_client_certificate(true)
        // ICE has proven the address already: a cookie would cost a round trip and prove the same (media trap G2).
        .use_server_cookie(false)
        .flight_start_rto(FIRST_RETRANSMIT)
        .flight_retries(RETRANSMITS_MAX)
        .handshake_timeout(HANDSHAKE_DEADLINE)
        .build()?;
    let keys = config.crypto_provider().key_provider;
    keys.load_private_key(&certificate.private_key).map_err(|_| DtlsSetupError::PrivateKey)?;
    Ok(config)
}

pub(super) struct Engine {
    dtls: Dtls,
    expected: Fingerprint,
    /// Whether the certificate, whose key the client must prove to hold before it is connected, is the expected one.
    is_expected_certificate: bool,
    next_timeout: Option<Instant>,
}

impl Engine {
    pub(super) fn accept(acceptor: &DtlsAcceptor, version: VersionChoice, expected: Fingerprint, now: Instant) -> Self {
        let config = Arc::clone(&acceptor.config);
        let certificate = acceptor.identity.certificate.clone();
        let dtls = match version {
            VersionChoice::Newest => Dtls::new_auto(config, certificate, now),
            VersionChoice::Only12 => Dtls::new_12(config, certificate, now),
        };
        Self { dtls, expected, is_expected_certificate: false, next_timeout: None }
    }

    pub(super) fn receive(&mut self, now: Instant, to: NetPath, datagram: &[u8], out: &mut Sends) -> Progress {
        // The engine wants to be told the time before each datagram; that alone may be an error (a passed deadline).
        let taken = self.dtls.handle_timeout(now).and_then(|()| self.dtls.handle_packet(datagram));
        self.drain(to, out, taken)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, to: NetPath, out: &mut Sends) -> Progress {
        if self.next_timeout.is_none_or(|due| now < due) {
            return Progress::Pending;
        }
        let taken = self.dtls.handle_timeout(now);
        self.drain(to, out, taken)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.next_timeout
    }

    /// Sends what is due and reports what came about. All errors of the engine are final.
    fn drain(&mut self, to: NetPath, out: &mut Sends, taken: Result<(), dimpl::Error>) -> Progress {
        if let Err(error) = taken {
            return Progress::Failed(failure_of(&error));
        }
        let mut scratch = [0; SCRATCH_LEN];
        let mut is_connected = false;
        let mut keys = None;
        let mut is_closed = false;
        loop {
            match self.dtls.poll_output(&mut scratch) {
                Output::Packet(datagram) => {
                    // A full slab is a lost datagram: the flight will be repeated.
                    out.push(to, datagram);
                }
                Output::PeerCert(certificate) if self.expected.is_of(certificate) => {
                    self.is_expected_certificate = true
                }
                Output::PeerCert(_) => return Progress::Failed(DtlsFailure::WrongFingerprint),
                Output::Connected => is_connected = true,
                Output::KeyingMaterial(exported, profile) => keys = keys_of(profile, &exported),
                Output::CloseNotify => is_closed = true,
                Output::Timeout(due) => {
                    self.next_timeout = Some(due);
                    break;
                }
                // A certificate longer than the scratch buffer: no browser's.
                Output::BufferTooSmall { .. } => return Progress::Failed(DtlsFailure::Protocol),
                // Data channels are not offered, so nobody has application data to send.
                Output::ApplicationData(_) => {}
                _ => {}
            }
        }
        match (is_connected, keys, self.version()) {
            (true, Some(keys), Some(version)) if self.is_expected_certificate => Progress::Connected(version, keys),
            (true, ..) => Progress::Failed(DtlsFailure::Protocol),
            (false, ..) if is_closed => Progress::Closed,
            (false, ..) => Progress::Pending,
        }
    }

    fn version(&self) -> Option<DtlsVersion> {
        match self.dtls.protocol_version()? {
            ProtocolVersion::DTLS1_2 => Some(DtlsVersion::V1_2),
            ProtocolVersion::DTLS1_3 => Some(DtlsVersion::V1_3),
            _ => None,
        }
    }
}

fn keys_of(profile: dimpl::SrtpProfile, exported: &[u8]) -> Option<SrtpKeys> {
    let profile = match profile {
        dimpl::SrtpProfile::AEAD_AES_128_GCM => SrtpProfile::AeadAes128Gcm,
        dimpl::SrtpProfile::AEAD_AES_256_GCM => SrtpProfile::AeadAes256Gcm,
        dimpl::SrtpProfile::AES128_CM_SHA1_80 => SrtpProfile::Aes128CmSha1_80,
        _ => return None,
    };
    SrtpKeys::of_dtls_server(profile, exported)
}

fn failure_of(error: &dimpl::Error) -> DtlsFailure {
    match error {
        dimpl::Error::Timeout(_) => DtlsFailure::TimedOut,
        dimpl::Error::ReceiveQueueFull => DtlsFailure::OverBudget,
        _ => DtlsFailure::Protocol,
    }
}
