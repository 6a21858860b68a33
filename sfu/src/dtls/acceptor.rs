//! What all handshakes of a node share: its certificate, and the DTLS engine's settings.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use dimpl::{Config, DtlsCertificate, certificate};
use zeroize::Zeroize;

use super::{Fingerprint, HANDSHAKE_DEADLINE, key};

/// Longest datagram the handshake sends; below every path's MTU, as flights may not be fragmented by IP.
const MTU: usize = 1200;
/// First wait before a flight is repeated; doubled each time. The default of one second would be what a user waits for
/// when a single datagram is lost.
const FIRST_RETRANSMIT: Duration = Duration::from_millis(150);
/// Repetitions of a flight: the last is due about when [`HANDSHAKE_DEADLINE`] passes.
const RETRANSMITS_MAX: usize = 6;
/// Datagrams the engine may hold for reassembly. A client's longest flight has a handful.
const REASSEMBLY_MAX: usize = 64;

/// Our certificate with its private key. One per node, so that any worker can answer for any participant.
#[derive(Clone)]
pub struct DtlsIdentity {
    certificate: DtlsCertificate,
    fingerprint: Fingerprint,
}

impl DtlsIdentity {
    /// A new self-signed P-256 certificate. Reads the system's clock and randomness: for the shell, at start and at
    /// each rotation.
    ///
    /// # Errors
    /// If the system gives no randomness.
    pub fn generate() -> Result<Self, DtlsSetupError> {
        let made = certificate::generate_self_signed_certificate()?;
        Ok(Self::of(made))
    }

    /// A certificate made elsewhere: X.509 and PKCS #8, both in DER.
    #[must_use]
    pub fn from_der(certificate: Vec<u8>, private_key: Vec<u8>) -> Self {
        Self::of(DtlsCertificate { certificate, private_key })
    }

    /// For the `a=fingerprint` line of every answer.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    fn of(certificate: DtlsCertificate) -> Self {
        let fingerprint = Fingerprint::sha256_of(&certificate.certificate);
        Self { certificate, fingerprint }
    }
}

impl Drop for DtlsIdentity {
    fn drop(&mut self) {
        self.certificate.private_key.zeroize();
    }
}

impl fmt::Debug for DtlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DtlsIdentity({})", self.fingerprint)
    }
}

/// What all handshakes share. Building it makes the crypto provider test itself, which takes about a millisecond:
/// once per identity, not per participant (media trap J4).
pub struct DtlsAcceptor {
    identity: DtlsIdentity,
    config: Arc<Config>,
}

impl DtlsAcceptor {
    /// Handshakes under `identity`.
    ///
    /// # Errors
    /// If the crypto provider fails its self-test, or the private key cannot be read.
    pub fn new(identity: DtlsIdentity) -> Result<Self, DtlsSetupError> {
        let config = config(&identity.certificate, None)?;
        Ok(Self { identity, config: Arc::new(config) })
    }

    /// Handshakes whose timers and nonces come from `seed`, so that a simulated world can be seen again. Not secure.
    ///
    /// # Errors
    /// As [`DtlsAcceptor::new`].
    pub fn for_simulation(identity: DtlsIdentity, seed: u64) -> Result<Self, DtlsSetupError> {
        let config = config(&identity.certificate, Some(seed))?;
        Ok(Self { identity, config: Arc::new(config) })
    }

    /// Our certificate's fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.identity.fingerprint
    }

    pub(super) fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config)
    }

    pub(super) fn certificate(&self) -> DtlsCertificate {
        self.identity.certificate.clone()
    }
}

impl fmt::Debug for DtlsAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DtlsAcceptor({})", self.identity.fingerprint)
    }
}

/// Why no handshakes can be accepted at all: a fault of the installation, found at start.
#[derive(Debug, thiserror::Error)]
pub enum DtlsSetupError {
    /// The crypto provider failed its self-test, or refuses our settings.
    #[error("DTLS configuration: {0}")]
    Config(#[from] dimpl::Error),
    /// No certificate could be made.
    #[error("DTLS certificate: {0}")]
    Certificate(#[from] certificate::CertificateError),
    /// The certificate's private key cannot be read.
    #[error("DTLS certificate: unreadable private key")]
    PrivateKey,
}

/// The settings of every handshake. Reads the private key once, because the engine panics on one it cannot read.
fn config(certificate: &DtlsCertificate, seed: Option<u64>) -> Result<Config, DtlsSetupError> {
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
        .with_crypto_provider(key::provider(&certificate.private_key))
        .build()?;
    let keys = config.crypto_provider().key_provider;
    keys.load_private_key(&certificate.private_key).map_err(|_| DtlsSetupError::PrivateKey)?;
    Ok(config)
}
