//! One bot's way to the server: ICE as the controlling side with one pair, DTLS as the client, then SRTP keys.
//!
//! Sans-IO: datagrams and the time in; datagrams and deadlines out. STUN and SRTP are the media core's own codecs, which
//! `tests/` checks against other implementations; DTLS is the same library's client side.

use super::description::{Credentials, Remote};
use dimpl::{Config, Dtls, DtlsCertificate, Output, SrtpProfile as DtlsProfile};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tillside_sfu::dtls::Fingerprint;
use tillside_sfu::srtp::{SrtpKeys, SrtpOpener, SrtpProfile, SrtpSealer};
use tillside_sfu::stun::{
    self, ANSWER_MAX, Answer, CheckFields, IntegrityKey, Nomination, Role, TransactionId, UnverifiedRequest,
};

/// Between checks until one is answered.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);
/// Between consent checks (RFC 7675 §5.1: about 5 s).
const CONSENT_INTERVAL: Duration = Duration::from_secs(5);
/// Time from the answer to media keys, after which a bot gives up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest check.
const CHECK_BYTES_MAX: usize = 600;
/// Any priority: there is one candidate.
const PRIORITY: u32 = 0x6E7F_1EFF;

/// The certificate of all bots: making one costs more than a handshake.
#[derive(Clone)]
pub(crate) struct Identity {
    certificate: DtlsCertificate,
    config: Arc<Config>,
}

impl Identity {
    pub(crate) fn new() -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Debug| format!("cannot set up DTLS: {error:?}");
        let certificate = dimpl::certificate::generate_self_signed_certificate().map_err(|error| failed(&error))?;
        let config = Config::builder().build().map_err(|error| failed(&error))?;
        Ok(Self { certificate, config: Arc::new(config) })
    }

    /// For the offer.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::sha256_of(&self.certificate.certificate)
    }
}

/// Keys of both directions.
pub(super) struct Keys {
    pub(super) opener: SrtpOpener,
    pub(super) sealer: SrtpSealer,
    pub(super) profile: SrtpProfile,
}

/// See the module.
pub(super) struct Link {
    identity: Identity,
    username: String,
    local_key: IntegrityKey,
    remote_key: IntegrityKey,
    fingerprint: Fingerprint,
    address: SocketAddr,
    began: Instant,
    next_check: Instant,
    /// Counts checks: the transaction's name need not be secret here.
    checks: u64,
    dtls: Option<Box<Dtls>>,
    dtls_due: Option<Instant>,
    keys: Option<Keys>,
    failed: Option<String>,
}

impl Link {
    pub(super) fn new(now: Instant, identity: &Identity, local: &Credentials, remote: &Remote) -> Self {
        Self {
            identity: identity.clone(),
            username: format!("{}:{}", remote.credentials.ufrag, local.ufrag),
            local_key: IntegrityKey::new(local.password.as_bytes()),
            remote_key: IntegrityKey::new(remote.credentials.password.as_bytes()),
            fingerprint: remote.fingerprint,
            address: remote.address,
            began: now,
            next_check: now,
            checks: 0,
            dtls: None,
            dtls_due: None,
            keys: None,
            failed: None,
        }
    }

    /// Both directions' keys, once the handshake is done.
    pub(super) fn keys(&mut self) -> Option<&mut Keys> {
        self.keys.as_mut()
    }

    /// Why there will be no keys, or none any more.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// Ends it: something outside found that it cannot work.
    pub(super) fn fail(&mut self, why: String) {
        self.failed.get_or_insert(why);
    }

    pub(super) fn poll_timeout(&self) -> Instant {
        self.dtls_due.map_or(self.next_check, |due| due.min(self.next_check))
    }

    /// Sends the checks and handshake messages that are due.
    pub(super) fn handle_timeout(&mut self, now: Instant, out: &mut Vec<Vec<u8>>) {
        if now >= self.next_check {
            self.next_check = now + if self.dtls.is_some() { CONSENT_INTERVAL } else { CHECK_INTERVAL };
            out.push(self.write_check());
        }
        if self.dtls_due.is_some_and(|due| now >= due) {
            self.dtls_due = None;
            if let Some(dtls) = &mut self.dtls
                && let Err(error) = dtls.handle_timeout(now)
                && self.keys.is_none()
            {
                self.fail(format!("the DTLS handshake ended: {error}"));
            }
            self.drain(now, out);
        }
        if self.keys.is_none() && now >= self.began + CONNECT_TIMEOUT {
            let address = self.address;
            self.fail(match self.dtls {
                None => format!("no answer to ICE checks from {address}: is the port open for UDP?"),
                Some(_) => format!("the DTLS handshake with {address} did not end"),
            });
        }
    }

    /// Takes a STUN message: the answer to a check of ours, or a check of a server that is no ICE-lite agent.
    pub(super) fn handle_stun(&mut self, now: Instant, bytes: &[u8], out: &mut Vec<Vec<u8>>) {
        if let Ok(request) = UnverifiedRequest::parse(bytes)
            && let Some(request) = request.verify(&self.local_key)
        {
            let mut answer = [0; ANSWER_MAX];
            let len = stun::write_success(&mut answer, request.transaction_id, self.address, &self.local_key);
            out.push(answer[..len].to_vec());
            return;
        }
        if self.dtls.is_some() {
            return;
        }
        if let Some(Answer::Success(..)) = stun::read_answer(bytes, &self.remote_key) {
            let Identity { certificate, config } = &self.identity;
            let mut dtls = Dtls::new_12(Arc::clone(config), certificate.clone(), now);
            dtls.set_active(true);
            self.dtls = Some(Box::new(dtls));
            self.dtls_due = Some(now);
            self.next_check = now + CONSENT_INTERVAL;
            self.handle_timeout(now, out);
        }
    }

    /// Takes DTLS records.
    pub(super) fn handle_dtls(&mut self, now: Instant, bytes: &[u8], out: &mut Vec<Vec<u8>>) {
        let Some(dtls) = &mut self.dtls else { return };
        // A record that cannot be read is the network's doing; a handshake that fails never gives keys.
        let _ = dtls.handle_timeout(now).and_then(|()| dtls.handle_packet(bytes));
        self.drain(now, out);
    }

    /// Says goodbye.
    pub(super) fn close(&mut self, now: Instant, out: &mut Vec<Vec<u8>>) {
        if let Some(dtls) = &mut self.dtls {
            let _ = dtls.close();
        }
        self.drain(now, out);
    }

    fn write_check(&mut self) -> Vec<u8> {
        self.checks += 1;
        let mut transaction = [0; 12];
        transaction[4..].copy_from_slice(&self.checks.to_be_bytes());
        let fields = CheckFields {
            transaction_id: TransactionId(transaction),
            username: self.username.as_bytes(),
            priority: PRIORITY,
            role: Role::Controlling(1),
            nomination: Some(Nomination::UseCandidate),
        };
        let mut check = [0; CHECK_BYTES_MAX];
        let len = stun::write_check(&mut check, &fields, &self.remote_key);
        check[..len].to_vec()
    }

    fn drain(&mut self, now: Instant, out: &mut Vec<Vec<u8>>) {
        let mut buffer = [0; 2_048];
        loop {
            let Some(dtls) = &mut self.dtls else { return };
            match dtls.poll_output(&mut buffer) {
                Output::Packet(bytes) => out.push(bytes.to_vec()),
                Output::Timeout(at) => {
                    self.dtls_due = Some(at.max(now + Duration::from_millis(1)));
                    return;
                }
                Output::PeerCert(der) if !self.fingerprint.is_of(der) => {
                    self.failed = Some("the server's certificate is not the one of its answer".to_owned());
                }
                Output::KeyingMaterial(material, profile) => self.keys = keys(profile, &material),
                Output::CloseNotify => self.fail("the server closed the association".to_owned()),
                _ => {}
            }
        }
    }
}

fn keys(profile: DtlsProfile, material: &[u8]) -> Option<Keys> {
    let profile = match profile {
        DtlsProfile::AEAD_AES_128_GCM => SrtpProfile::AeadAes128Gcm,
        DtlsProfile::AEAD_AES_256_GCM => SrtpProfile::AeadAes256Gcm,
        DtlsProfile::AES128_CM_SHA1_80 => SrtpProfile::Aes128CmSha1_80,
        _ => return None,
    };
    let keys = SrtpKeys::of_dtls_client(profile, material)?;
    Some(Keys { opener: SrtpOpener::new(&keys.theirs), sealer: SrtpSealer::new(&keys.ours), profile })
}
