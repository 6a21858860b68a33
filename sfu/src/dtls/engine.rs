//! The DTLS engine at work, which is `dimpl`'s: drives it, checks the certificate, takes the keys.

use std::time::Instant;

use dimpl::{Dtls, Output, ProtocolVersion};

use super::{DtlsAcceptor, DtlsFailure, DtlsVersion, Fingerprint, VersionChoice};
use crate::sends::{NetPath, Sends};
use crate::srtp::{SrtpKeys, SrtpProfile};

/// Room for one datagram we send, or for a client's certificate: those of browsers take 300 to 500 bytes.
const SCRATCH_LEN: usize = 2048;

/// How a handshake stands after an input.
pub(super) enum Progress {
    Pending,
    Connected(DtlsVersion, SrtpKeys),
    Closed,
    Failed(DtlsFailure),
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
        let start = match version {
            VersionChoice::Newest => Dtls::new_auto,
            VersionChoice::Only12 => Dtls::new_12,
        };
        let dtls = start(acceptor.config(), acceptor.certificate(), now);
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
